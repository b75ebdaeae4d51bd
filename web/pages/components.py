"""The parts of the page that the browser draws: Vue components beside this file, which get all texts ready to show.

Vue escapes whatever it is given, so names that come from events cannot hold markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

# Any: props are JSON.
Json = dict[str, Any]


class Drawn(ui.element):
    """Base of the components."""

    def show(self, **props: object) -> None:
        """Set the props, and send them if one is new."""
        new = {name: value for name, value in props.items() if self.props.get(name) != value}
        if new:
            with self.props.suspend_updates():
                self.props.update(new)
            self.update()


class DrawnRows(Drawn):
    """Base of those with rows, which are sent whole as the prop `entries`, or by a method that says what changed.

    NiceGUI sends props before calls, whichever came first. So both carry a number, and the browser takes no call that
    is older than the rows that it has.
    """

    _turn = 0

    def show_rows(self, entries: Sequence[Json], **props: object) -> None:
        """Set all rows, and other props."""
        self._turn += 1
        self.show(**props, entries=list(entries), turn=self._turn)

    def change_rows(self, entries: Sequence[Json], method: str, *arguments: object) -> None:
        """Have the browser's rows become these by a call of a method of the component."""
        self._turn += 1
        with self.props.suspend_updates():
            self.props["entries"] = list(entries)
            self.props["turn"] = self._turn
        self.run_method(method, self._turn, *arguments)


class Header(Drawn, component="header.js"):
    """Name, how current the data are, counts of alerts with the latest of them. Event: `open` with a version key."""


class Toolbar(Drawn, component="toolbar.js"):
    """Search, filters, metric to focus; within it what else belongs into the bar.

    Events: `focus` with a code; `set` with a filter and its one value; `add`, `remove` with a filter and one of its
    values; `range` with a filter and two bounds as typed; `suggest` with a filter and the beginning of a value, which
    `suggested` answers; `clear`.
    """


class SavedViews(Drawn, component="views.js"):
    """Views that the browser keeps under a name. Event: `view` with the query part of an address."""


class Registry(DrawnRows, component="registry.js"):
    """The table of versions, and the bar above it, within which there may be more.

    Events: `open` with a version key, `sort` with a column, `sort_by` with a sort key, `group` with whether to have
    headings, `more`, `clear`.
    """

    def show_entries(self, entries: Sequence[Json]) -> None:
        """Set the rows; where they are the same ones as before, only those that changed are sent."""
        before: list[Json] | None = self.props.get("entries")
        if before is None or [entry["id"] for entry in before] != [entry["id"] for entry in entries]:
            self.show_rows(entries)
            return
        changed = [[place, new] for place, (old, new) in enumerate(zip(before, entries, strict=True)) if old != new]
        if changed:
            self.change_rows(entries, "patch", changed)


class ColumnChooser(Drawn, component="columns.js"):
    """Which columns there are, in which order. Event: `choose` with keys and how many are pinned, or twice null."""
