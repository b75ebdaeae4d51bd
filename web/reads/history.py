"""A version's evaluations: its history, its newest values, and what was current before."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from mooring.keys import VersionKey
from mooring.outputs import VersionMetrics
from web import cursors
from web.models import EvaluationItem, Page
from web.reads import metrics
from web.reads.filters import Parameters, narrow_time
from web.reads.filters import where as clause
from web.reads.reader import DEFAULT_LIMIT, Reader
from web.reads.series import Series, Stamp, Values, points_of, stamp_of, thinned
from web.tables.names import SEPARATOR
from web.tables.outcomes import NOT_SYNCED, OUTCOMES, alert_ids_of, numbers_of

# How far back what was current before is looked for.
_BACK = 50
# For how many charts what they show is kept: an open page asks again with every change of the replica.
_SERIES_KEPT = 256

_COLUMNS = "event_id, evaluation_id, store_id, evaluated_at, mark, outcome, codes, numbers, alert_ids"


class History:
    """Questions about the evaluations of a version."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._series: OrderedDict[tuple[object, ...], tuple[Stamp, Series]] = OrderedDict()
        self._lock = Lock()

    def counted(
        self,
        key: VersionKey,
        *,
        metric: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[EvaluationItem] | None:
        """The counted evaluations of a version, oldest first; with `metric`, those that have it, and only it.

        None where the version is not known. Raises UnknownMetric, InvalidCursor.
        """
        return self._page(
            key, "history", ["outcome != :not_synced"], metric, since, until, limit, cursor, newest_first=False
        )

    def all(
        self,
        key: VersionKey,
        *,
        since: int | None = None,
        until: int | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[EvaluationItem] | None:
        """Every evaluation of a version, newest first, those without their values that are not synced.

        None where the version is not known. Raises InvalidCursor.
        """
        return self._page(key, "evaluations", [], None, since, until, limit, cursor, newest_first=True)

    def series(
        self, key: VersionKey, metric: str, *, most: int, since: int | None = None, until: int | None = None
    ) -> Series:
        """The counted values of a metric over time, at most so many: among them the least and greatest of each stretch.

        No point where the version is not known, or never had the metric. `most` is at least 4.
        """
        with self._reader.snapshot() as connection:
            version = connection.execute("SELECT id FROM versions WHERE version_key = ?", (str(key),)).fetchone()
            if version is None:
                return Series()
            asked = (version["id"], metric, most, since, until)
            stamp = stamp_of(connection, version["id"])
            with self._lock:
                known = self._series.get(asked)
            if known is not None and known[0] == stamp:
                return known[1]
            points = points_of(connection, version["id"], metric, since, until)
        found = Series(tuple(thinned(points, most)), len(points))
        with self._lock:
            self._series[asked] = (stamp, found)
            self._series.move_to_end(asked)
            while len(self._series) > _SERIES_KEPT:
                self._series.popitem(last=False)
        return found

    def count(self, key: VersionKey) -> int:
        """How many evaluations a version has, of whatever outcome."""
        with self._reader.snapshot() as connection:
            found = connection.execute(
                "SELECT count(*) AS n FROM outcomes WHERE version = (SELECT id FROM versions WHERE version_key = ?)",
                (str(key),),
            ).fetchone()
            return int(found["n"])

    def _page(
        self,
        key: VersionKey,
        name: str,
        conditions: list[str],
        metric: str | None,
        since: int | None,
        until: int | None,
        limit: int,
        cursor: str | None,
        *,
        newest_first: bool,
    ) -> Page[EvaluationItem] | None:
        as_of = self._reader.as_of()
        list_name = json.dumps([name, str(key), metric, since, until])
        conditions = ["version = :version", *conditions]
        parameters: Parameters = {"limit": limit + 1, "not_synced": NOT_SYNCED}
        narrow_time(conditions, parameters, since, until)
        if cursor:
            parameters["at"], parameters["mark"] = cursors.read(list_name, cursor, (int, int))
            conditions.append(f"(evaluated_at, mark) {'<' if newest_first else '>'} (:at, :mark)")
        order = "DESC" if newest_first else "ASC"
        with self._reader.snapshot() as connection:
            if metric is not None:
                metrics.spec_in(connection, metric)
                conditions.append("instr(:around || codes || :around, :around || :metric || :around)")
                parameters |= {"metric": metric, "around": SEPARATOR}
            version = connection.execute(
                "SELECT id FROM versions WHERE version_key = ? AND row IS NOT NULL", (str(key),)
            ).fetchone()
            if version is None:
                return None
            parameters["version"] = version["id"]
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM outcomes JOIN layouts ON layouts.id = layout {clause(conditions)} "  # noqa: S608  # texts of this module
                f"ORDER BY evaluated_at {order}, mark {order} LIMIT :limit",
                parameters,
            ).fetchall()
        following = None
        if len(found) > limit:
            following = cursors.write(list_name, (found[limit - 1]["evaluated_at"], found[limit - 1]["mark"]))
        return Page(items=[_item(row, metric) for row in found[:limit]], next_cursor=following, as_of=as_of)


def newest_values(connection: sqlite3.Connection, version: int, value_of: Values, count: int) -> list[float]:
    """The values of a metric in the last so many counted evaluations, oldest first. `version`: its number."""
    rows = connection.execute(
        "SELECT layout, numbers FROM outcomes WHERE version = ? AND outcome != ? "
        "ORDER BY evaluated_at DESC, mark DESC LIMIT ?",
        (version, NOT_SYNCED, count),
    ).fetchall()
    values = [value_of(layout, numbers) for layout, numbers in reversed(rows)]
    return [value for value in values if value is not None]


def previous_values(connection: sqlite3.Connection, version: int, row: VersionMetrics) -> Mapping[str, float]:
    """By metric, the value that was current before the one that is: of the evaluation before, else the initial one.

    Where that lies more than _BACK evaluations back, it is left out.
    """
    source_of = {code: source.event_id for source in row.sources for code in source.metrics}
    rows = connection.execute(
        "SELECT event_id, codes, numbers FROM outcomes JOIN layouts ON layouts.id = layout "
        "WHERE version = ? AND outcome != ? ORDER BY evaluated_at DESC, mark DESC LIMIT ?",
        (version, NOT_SYNCED, _BACK),
    ).fetchall()
    passed: set[str] = set()
    found: dict[str, float] = {}
    for event_id, codes, numbers in rows:
        values, _ = numbers_of(codes, numbers)
        for code in values.keys() & passed - found.keys():
            found[code] = values[code]
        passed |= {code for code in values if source_of.get(code) == event_id}
        if len(found) == len(source_of):
            break
    if len(rows) == _BACK:
        return found
    return {code: row.initial[code] for code in source_of if code in row.initial} | found


def _item(row: sqlite3.Row, only: str | None) -> EvaluationItem:
    values, drift = numbers_of(row["codes"], row["numbers"], only)
    return EvaluationItem(
        event_id=row["event_id"],
        evaluation=row["evaluation_id"],
        store=row["store_id"],
        evaluated_at=row["evaluated_at"],
        outcome=OUTCOMES[row["outcome"]],
        metrics=values,
        drift=drift,
        alert_ids=alert_ids_of(row["alert_ids"]),
    )
