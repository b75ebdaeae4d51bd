"""What the pages with lists share: rows that are sent once, filters, and the addresses that say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from mooring.documents import time
from mooring.errors import InvalidEvent
from web.pages.components import Drawn, DrawnRows, Json
from web.reads.versions import Versions

_LONGEST_TEXT = 2_000
# The last moment that datetime can say: the end of the year 9999.
_LAST_MS = 253_402_300_799_999


class Filters(Drawn, component="filters.js"):
    """What a list is narrowed to. Events: `change` with a name and a value, `clear`."""


class LiveList(DrawnRows):
    """A list whose rows have an `id`. `listing` names what is listed: new rows in the same one have arrived."""

    def show_list(self, entries: Sequence[Json], **props: object) -> None:
        """Set the rows and the other props. Of rows that the browser has, it gets the ids only."""
        before: list[Json] | None = self.props.get("entries")
        new = {name: value for name, value in props.items() if self.props.get(name) != value}
        if before is None or new:
            self.show_rows(entries, **new)
            return
        known = {entry["id"]: entry for entry in before}
        ids = [entry["id"] for entry in entries]
        fresh = [entry for entry in entries if known.get(entry["id"]) != entry]
        if fresh or ids != list(known):
            self.change_rows(entries, "rearrange", ids, fresh)


def text(query: Mapping[str, str], name: str) -> str:
    """What an address says of this; empty where it says nothing."""
    return query.get(name, "")[:_LONGEST_TEXT]


def several(query: Mapping[str, str], name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Those of the known values that an address names, with commas between them."""
    said = query.get(name, "").split(",")
    return tuple(value for value in known if value in said)


def moment(query: Mapping[str, str], name: str) -> int | None:
    """A time in an address, as epoch ms: ISO 8601 with a time zone, or epoch ms. None where there is none."""
    try:
        return at_ms(time(name, query[name])) if query.get(name) else None
    except InvalidEvent:
        return None


def at_ms(value: object) -> int | None:
    """A time that the browser tells, as epoch ms; None where it is none."""
    return value if type(value) is int and 0 <= value <= _LAST_MS else None


def address(**said: str | int | tuple[str, ...] | None) -> str:
    """The query part of an address with its question mark. What is empty is left out; whole numbers are times."""
    pairs = {name: _written(value) for name, value in said.items() if value or value == 0}
    return f"?{urlencode(pairs, safe=',:/')}" if pairs else ""


def chips(name: str, label: str, options: Iterable[Json], chosen: Sequence[str]) -> Json:
    """A filter whose values are switched on and off one by one. Options have `value`, `label`, `tone`, `count`."""
    return {
        "name": name,
        "label": label,
        "options": [{**option, "set": option["value"] in chosen} for option in options],
    }


def choice(name: str, label: str, chosen: str, offered: Iterable[str], labels: Mapping[str, str] | None = None) -> Json:
    """A filter with one value or none. What is chosen is always offered."""
    shown = labels or {}
    options = sorted({*offered, chosen} - {""})
    return {
        "name": name,
        "label": label,
        "value": chosen,
        "options": [{"value": value, "label": shown.get(value, value)} for value in options],
    }


def place_choices(
    versions: Versions, node: str, project: str, listed: Iterable[tuple[str, str]] = ()
) -> tuple[Json, Json]:
    """The filters by node and by project. `listed`: nodes and projects that are there besides those with versions."""
    places = {(each.node, each.project) for each in versions.projects().items} | set(listed)
    return (
        choice("node", "Node", node, {each for each, _ in places}),
        choice("project", "Project", project, {each for _, each in places}),
    )


def toggled(chosen: Sequence[str], value: str, known: Iterable[str]) -> tuple[str, ...]:
    """What is chosen once this value is switched, in the order of the known ones."""
    after = set(chosen) ^ {value}
    return tuple(each for each in known if each in after)


def counted(count: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _written(value: str | int | tuple[str, ...] | None) -> str:
    if isinstance(value, int):
        whole = datetime.fromtimestamp(value / 1000, UTC)
        return whole.isoformat(timespec="milliseconds" if value % 1000 else "seconds").replace("+00:00", "Z")
    return value if isinstance(value, str) else ",".join(value or ())
