"""The parts of the page that the browser draws: Vue components beside this file, which get all texts ready to show.

Vue escapes whatever it is given, so names that come from events cannot hold markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

# Any: props are JSON.
Json = dict[str, Any]


class _Drawn(ui.element):
    def show(self, **props: object) -> None:
        """Set the props, and send them if one is new."""
        new = {name: value for name, value in props.items() if self.props.get(name) != value}
        if new:
            with self.props.suspend_updates():
                self.props.update(new)
            self.update()


class Header(_Drawn, component="header.js"):
    """Name, how current the data are, counts of alerts with the latest of them. Event: `open` with a version key."""


class Toolbar(_Drawn, component="toolbar.js"):
    """Search, filters, metric to focus. Event: `change` with a name and a value."""


class Registry(_Drawn, component="registry.js"):
    """The table of versions. Events: `open` with a version key, `sort` with a column, `more`, `clear`."""

    def show_entries(self, entries: Sequence[Json]) -> None:
        """Set the rows; where they are the same ones as before, only those that changed are sent."""
        before: list[Json] | None = self.props.get("entries")
        if before is None or [entry["id"] for entry in before] != [entry["id"] for entry in entries]:
            self.show(entries=list(entries))
            return
        changed = [[place, new] for place, (old, new) in enumerate(zip(before, entries, strict=True)) if old != new]
        if changed:
            with self.props.suspend_updates():
                self.props["entries"] = list(entries)
            self.run_method("patch", changed)


class Details(_Drawn, component="details.js"):
    """One version in full. Events: `close`, `tab` with a tab's name."""
