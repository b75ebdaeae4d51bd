"""The registry: lists of versions, one version, and the models, projects and nodes that they belong to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from mooring.codec import decode
from mooring.keys import VersionKey
from mooring.metrics.catalogue import MetricSpec
from mooring.outputs import VersionMetrics
from web import cursors, items
from web.models import ROC_AUC, ModelItem, NodeItem, Page, ProjectItem, Sort, VersionDetail, VersionItem, VersionPage
from web.reads import history, metrics
from web.reads.filters import VersionFilter
from web.reads.kept import KeptColumns
from web.reads.ordering import Order, Place, Ranks, bounds_of, keys, places_of
from web.reads.reader import DEFAULT_LIMIT, Reader
from web.reads.selection import Numbers, Selection, after, first
from web.reads.series import Values
from web.tables import version_columns as columns

EVERY_VERSION = VersionFilter()


class Versions:
    """Questions about versions."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._columns = KeptColumns()
        self._ranks = Ranks()

    def list(
        self,
        where: VersionFilter = EVERY_VERSION,
        *,
        focus: str = ROC_AUC,
        sort: str = Sort.HIERARCHY,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
        trend: int = 0,
    ) -> VersionPage:
        """A page of the registry.

        `sort` is one of Sort, with "-" before it for descending; equal ones are in an order of their own, the same in
        every replica. `trend`: with each, so many values of the focus metric from its newest evaluations. Raises
        UnknownMetric, ValueError for another sort key, InvalidCursor.
        """
        as_of = self._reader.as_of()
        list_name = json.dumps(["versions", focus, sort, asdict(where)])
        with self._reader.snapshot() as connection:
            spec = metrics.spec_in(connection, focus)
            for interval in (*where.values, *where.drifts):
                metrics.spec_in(connection, interval.metric)
            order = Order.parse(sort, spec)
            selection = Selection(connection, self._columns)
            admitted = selection.admitted(where)
            keys_ = keys(order, selection, connection, self._ranks)
            rest = admitted
            if cursor:
                types = ((str if order.by_text else float, int, float, type(None)), *((float, int, type(None)),) * 4)
                last: list[Place] = cursors.read(list_name, cursor, types[: len(keys_)])
                rest = after(admitted, keys_, bounds_of(last, order, connection))
            numbers = first(rest, keys_, limit) if len(rest) else rest
            following = None
            if len(rest) > limit:
                last = places_of(keys_, int(numbers[-1]), order, selection, connection)
                following = cursors.write(list_name, last)
            found = list(self._items(connection, numbers, spec, trend))
        return VersionPage(items=found, next_cursor=following, as_of=as_of, total=len(admitted))

    def count(self, where: VersionFilter = EVERY_VERSION) -> int:
        """How many versions the filters admit."""
        with self._reader.snapshot() as connection:
            return len(Selection(connection, self._columns).admitted(where))

    def get(self, key: VersionKey, focus: str = ROC_AUC) -> VersionDetail | None:
        """One version with all its metrics; None where it is not known. Raises UnknownMetric."""
        as_of = self._reader.as_of()
        with self._reader.snapshot() as connection:
            spec = metrics.spec_in(connection, focus)
            found = connection.execute("SELECT id, row FROM versions WHERE version_key = ?", (str(key),)).fetchone()
            if found is None or found["row"] is None:
                return None
            row = self._decoded(found["row"])
            previous = history.previous_values(connection, found["id"], row)
            return items.version_detail(row, spec, metrics.seen_in(connection), previous, as_of)

    def models(
        self, where: VersionFilter = EVERY_VERSION, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> Page[ModelItem]:
        """The models, by node, project and name. Raises InvalidCursor."""
        as_of = self._reader.as_of()
        list_name = json.dumps(["models", asdict(where)])
        last = cursors.read(list_name, cursor, (str,)) if cursor else [""]
        with self._reader.snapshot() as connection:
            selection = Selection(connection, self._columns)
            admitted = selection.admitted(where)
            of_versions = selection.column(columns.MODEL)[admitted]
            counts = np.bincount(of_versions)
            rows = connection.execute(
                "SELECT m.id, by_node, node_id AS node, project_key AS project, model_id AS model, model_name AS name "
                "FROM models m JOIN projects p ON p.id = m.project WHERE by_node > ? ORDER BY by_node",
                (last[0],),
            )
            page = _up_to(limit + 1, (row for row in rows if row["id"] < len(counts) and counts[row["id"]]))
            active = self._active(connection, selection, admitted, [row["id"] for row in page])
        found = [
            ModelItem(
                node=row["node"],
                project=row["project"],
                model=row["model"],
                name=row["name"],
                versions=int(counts[row["id"]]),
                active_version=active.get(row["id"]),
            )
            for row in page[:limit]
        ]
        following = cursors.write(list_name, (page[limit - 1]["by_node"],)) if len(page) > limit else None
        return Page(items=found, next_cursor=following, as_of=as_of)

    def projects(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ProjectItem]:
        """The projects, by node and key; all of them without a limit. Raises InvalidCursor."""
        as_of = self._reader.as_of()
        list_name = "projects"
        last = cursors.read(list_name, cursor, (str, str)) if cursor else ["", ""]
        with self._reader.snapshot() as connection:
            selection = Selection(connection, self._columns)
            admitted = selection.admitted(EVERY_VERSION)
            project = selection.column(columns.PROJECT)[admitted]
            versions = np.bincount(project)
            models = np.bincount(_one_of_each(selection.column(columns.MODEL)[admitted], project))
            rows = connection.execute(
                "SELECT id, node_id AS node, project_key AS project FROM projects "
                "WHERE (node_id, project_key) > (?, ?) ORDER BY node_id, project_key",
                last,
            )
            there = (row for row in rows if row["id"] < len(versions) and versions[row["id"]])
            page = _up_to(None if limit is None else limit + 1, there)
        found = [
            ProjectItem(
                node=row["node"],
                project=row["project"],
                models=int(models[row["id"]]),
                versions=int(versions[row["id"]]),
            )
            for row in page[:limit]
        ]
        following = None
        if limit is not None and len(page) > limit:
            following = cursors.write(list_name, (found[-1].node, found[-1].project))
        return Page(items=found, next_cursor=following, as_of=as_of)

    def nodes(self) -> Page[NodeItem]:
        """The nodes that have reported, by id."""
        as_of = self._reader.as_of()
        with self._reader.snapshot() as connection:
            selection = Selection(connection, self._columns)
            admitted = selection.admitted(EVERY_VERSION)
            node = selection.column(columns.NODE)[admitted]
            versions = np.bincount(node)
            projects = np.bincount(_one_of_each(selection.column(columns.PROJECT)[admitted], node))
            # Of each node the version that came last: its kind is as this one's build said.
            newest = np.zeros(len(versions), np.int64)
            newest[node] = admitted
            found = []
            for number in np.flatnonzero(versions).tolist():
                row = self._row(connection, int(newest[number]))
                found.append(
                    NodeItem(
                        node=row.node_id,
                        kind=row.node_kind,
                        projects=int(projects[number]),
                        versions=int(versions[number]),
                    )
                )
        found.sort(key=lambda item: item.node)
        return Page(items=found, next_cursor=None, as_of=as_of)

    def _items(
        self, connection: sqlite3.Connection, numbers: Numbers, focus: MetricSpec, trend: int
    ) -> Iterator[VersionItem]:
        rows, value_of = _rows_of(connection, numbers), Values(connection, focus.code)
        for number in numbers.tolist():
            values = history.newest_values(connection, number, value_of, trend) if trend else []
            yield items.version_item(self._decoded(rows[number]), focus, values)

    def _active(
        self, connection: sqlite3.Connection, selection: Selection, admitted: Numbers, models: Sequence[int]
    ) -> Mapping[int, str]:
        """The id of the active version of each of these models that has one."""
        active = admitted[selection.column(columns.ACTIVE)[admitted] == 1]
        model = selection.column(columns.MODEL)
        active = active[np.isin(model[active], np.array(models, model.dtype))]
        rows = _rows_of(connection, active)
        return {int(model[number]): self._decoded(rows[number]).version_id for number in active.tolist()}

    def _row(self, connection: sqlite3.Connection, number: int) -> VersionMetrics:
        (row,) = connection.execute("SELECT row FROM versions WHERE id = ?", (number,)).fetchone()
        return self._decoded(row)

    def _decoded(self, row: bytes) -> VersionMetrics:
        return decode(row, VersionMetrics, self._reader.registry)


def _rows_of(connection: sqlite3.Connection, numbers: Numbers) -> Mapping[int, bytes]:
    statement = "SELECT row FROM versions WHERE id = ?"
    return {number: connection.execute(statement, (number,)).fetchone()[0] for number in numbers.tolist()}


def _one_of_each(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """For each part that there is, the whole that it belongs to."""
    whole_of = np.zeros(int(parts.max(initial=0)) + 1, np.int64)
    whole_of[parts] = wholes
    return whole_of[np.bincount(parts) > 0]


def _up_to(count: int | None, rows: Iterator[sqlite3.Row]) -> list[sqlite3.Row]:
    found = []
    for row in rows:
        found.append(row)
        if len(found) == count:
            break
    return found
