"""A metric of a version over time, thinned to what a chart can show."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from mooring.outputs import Outcome
from web.reads.reader import tables_made
from web.tables.names import SEPARATOR
from web.tables.outcomes import NOT_SYNCED, OUTCOMES

_DOUBLE = Struct("<d")
_BYTES = _DOUBLE.size


class Point(NamedTuple):
    """The value that an evaluation measured."""

    at: int
    value: float
    store: str


@dataclass(frozen=True, slots=True)
class Series:
    """Some points of a metric, oldest first; `total`: how many there are in all."""

    points: tuple[Point, ...] = ()
    total: int = 0


class Stamp(NamedTuple):
    """What changes whenever a version has another evaluation: none is ever changed or taken away."""

    # Tables that were made anew begin to count again.
    tables: int
    how_many: int
    newest: int


def stamp_of(connection: sqlite3.Connection, version: int) -> Stamp:
    """How many evaluations a version has, and the newest to arrive. `version`: its number."""
    count, last = connection.execute(
        "SELECT count(*), coalesce(max(id), 0) FROM outcomes WHERE version = ?", (version,)
    ).fetchone()
    return Stamp(tables_made(connection), count, last)


def points_of(
    connection: sqlite3.Connection, version: int, metric: str, since: int | None = None, until: int | None = None
) -> list[Point]:
    """Every counted value of a metric, oldest first; of an evaluation that was corrected, the newest.

    `version`: its number; `since` is included, `until` is not.
    """
    rows = connection.cursor()
    # Plain tuples: a version may have a hundred thousand evaluations.
    rows.row_factory = None
    rows.execute(
        "SELECT evaluated_at, store_id, evaluation_id, recorded_at, event_id, layout, numbers FROM outcomes "
        "WHERE version = ? AND evaluated_at >= ? AND evaluated_at < ? AND outcome NOT IN (?, ?) "
        "ORDER BY evaluated_at, mark",
        (
            version,
            -(2**62) if since is None else since,
            2**62 if until is None else until,
            NOT_SYNCED,
            OUTCOMES.index(Outcome.DUPLICATE),
        ),
    )
    return list(_newest_of_each(_measured(connection, rows, metric)))


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many of the points, in their order: the first, the last, and the least and greatest of each stretch.

    The stretches are equally long in time. `most` is at least 4.
    """
    if len(points) <= most:
        return list(points)
    first, last = points[0].at, points[-1].at
    stretches = (most - 2) // 2
    length = max(1, -(-(last - first + 1) // stretches))
    kept = {0, len(points) - 1}
    begin = 0
    while begin < len(points):
        end, stretch = begin, (points[begin].at - first) // length
        while end < len(points) and (points[end].at - first) // length == stretch:
            end += 1
        kept.add(min(range(begin, end), key=lambda place: points[place].value))
        kept.add(max(range(begin, end), key=lambda place: points[place].value))
        begin = end
    return [points[place] for place in sorted(kept)]


# Of one value: its point, and what tells which of two of the same evaluation is the newer one.
_Measured = tuple[Point, str, tuple[int, str]]


def _measured(connection: sqlite3.Connection, rows: sqlite3.Cursor, metric: str) -> Iterator[_Measured]:
    value_of = Values(connection, metric)
    for at, store, evaluation, recorded_at, event, layout, numbers in rows:
        if (value := value_of(layout, numbers)) is not None:
            yield Point(at, value, store), evaluation, (recorded_at or 0, event)


class Values:
    """Picks the value of one metric out of outcomes, without looking at the others."""

    def __init__(self, connection: sqlite3.Connection, metric: str) -> None:
        self._connection = connection
        self._metric = metric
        self._places: dict[int, int | None] = {}

    def __call__(self, layout: int, numbers: bytes) -> float | None:
        """The value in the numbers of an outcome of this layout; None where there is none."""
        if layout not in self._places:
            self._places[layout] = _place(self._connection, layout, self._metric)
        if (place := self._places[layout]) is None:
            return None
        (value,) = _DOUBLE.unpack_from(numbers, place * _BYTES)
        return value if math.isfinite(value) else None


def _place(connection: sqlite3.Connection, layout: int, metric: str) -> int | None:
    """Where the metric's value is among the numbers of this layout."""
    (codes,) = connection.execute("SELECT codes FROM layouts WHERE id = ?", (layout,)).fetchone()
    names = codes.split(SEPARATOR)
    return names.index(metric) if metric in names else None


def _newest_of_each(measured: Iterator[_Measured]) -> Iterator[Point]:
    """One point for each evaluation. Those of one evaluation have the same time, so they are near each other."""
    at: int | None = None
    together: dict[tuple[str, str], _Measured] = {}
    for each in measured:
        point, evaluation, newness = each
        if point.at != at:
            yield from _in_order(together)
            at, together = point.at, {}
        known = together.get((evaluation, point.store))
        if known is None or newness > known[2]:
            together[evaluation, point.store] = each
    yield from _in_order(together)


def _in_order(together: Mapping[tuple[str, str], _Measured]) -> list[Point]:
    """Points of the same time: that which is current comes last."""
    return [together[name][0] for name in (sorted(together) if len(together) > 1 else together)]
