"""Reading the replica: the registry, one version, its history, alerts, and what there is to filter and focus on."""

# ruff: noqa: S608  # The statements are put together from texts of this module and web.filters; all values are bound.

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mooring.codec import SchemaRegistry, decode_plain
from mooring.keys import VersionKey
from mooring.metrics.catalogue import CATALOGUE, MetricSpec
from mooring.outputs import DriftAlert, EvaluationOutcome, VersionMetrics
from web import cursors, rows
from web.database import SEPARATOR
from web.filters import AlertFilter, Parameters, VersionFilter, narrow_time
from web.filters import where as clause
from web.models import (
    DATA_DRIFT,
    ROC_AUC,
    AlertItem,
    EvaluationItem,
    MetricItem,
    ModelItem,
    NodeItem,
    Page,
    ProjectItem,
    Sort,
    VersionDetail,
    VersionItem,
)

MAX_LIMIT = 500
DEFAULT_LIMIT = 50
EVERY_VERSION = VersionFilter()
EVERY_ALERT = AlertFilter()

_SORT_COLUMNS = {
    Sort.HIERARCHY: "v.hierarchy",
    Sort.NAME: "v.name",
    Sort.NODE: "v.node_id",
    Sort.PROJECT: "v.project_key",
    Sort.VALUE: "m.value",
    Sort.INITIAL: "m.initial",
    Sort.DRIFT: "m.drift",
    Sort.DATA_DRIFT: "d.value",
    Sort.SEVERITY: "v.severity_rank",
    Sort.EVALUATED_AT: "v.evaluated_at",
    Sort.BUILT_AT: "v.built_at",
    Sort.UPDATED_AT: "v.updated_at",
}
_VERSIONS = """
    FROM versions v
    LEFT JOIN metric_values m ON m.version = v.id AND m.metric = :focus_id
    LEFT JOIN metric_values d ON d.version = v.id AND d.metric = :data_drift_id
"""
_VERSION_COLUMNS = """
    v.version_key, v.node_id AS node, v.node_kind, v.project_key AS project, v.model_id AS model, v.model_name,
    v.version_id AS version, v.version_name, v.algorithm, v.prediction_type, v.state, v.active, v.archived, v.severity,
    v.built_at, v.evaluated_at, v.updated_at, m.value AS value, m.initial AS initial, m.drift AS drift,
    d.value AS data_drift
"""
_NO_METRIC = -1


class UnknownMetric(LookupError):
    """No such metric: neither in the catalogue nor of any version. `known` lists those that are."""

    def __init__(self, code: str, known: list[str]) -> None:
        super().__init__(f"There is no metric {code!r}.")
        self.code = code
        self.known = known


@dataclass(frozen=True, slots=True)
class PlacedAlert:
    """An alert, where it is in its topic, and its number in the order of arrival here."""

    alert: AlertItem
    partition: int
    position: int
    number: int


class Queries:
    """The replica's reading side. For any number of threads at once; each has a connection of its own."""

    def __init__(
        self, path: Path, as_of: Callable[[], int | None] = lambda: None, registry: SchemaRegistry | None = None
    ) -> None:
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self.as_of = as_of
        self._registry = registry
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections. Nobody may be reading any more."""
        with self._lock:
            while self._opened:
                self._opened.pop().close()

    def versions(
        self,
        where: VersionFilter = EVERY_VERSION,
        *,
        focus: str = ROC_AUC,
        sort: str = Sort.HIERARCHY,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[VersionItem]:
        """A page of the registry.

        `sort` is one of Sort, with "-" before it for descending. Equal ones are in the order of their keys. Raises
        UnknownMetric, ValueError for another sort key, InvalidCursor.
        """
        as_of = self.as_of()
        metric = self.metric(focus)
        column, descending = _sort_column(sort, metric)
        list_name = json.dumps(["versions", focus, sort, asdict(where)])
        after = cursors.read(list_name, cursor, ((str, int, float, type(None)), str)) if cursor else None
        conditions, parameters = where.conditions()
        parameters |= self._metric_ids(focus)
        found: list[sqlite3.Row] = []
        # First the versions that have what is sorted by, then those that lack it: each part is one walk of an index.
        if after is None or after[0] is not None:
            found = self._all(*_known_part(column, descending, conditions, parameters, after, limit + 1))
            after = None
        if len(found) <= limit:
            found += self._all(*_unknown_part(column, conditions, parameters, after, limit + 1 - len(found)))
        items = [rows.version_item(row, metric) for row in found[:limit]]
        following = None
        if len(found) > limit:
            last = found[limit - 1]
            following = cursors.write(list_name, (last["sort_value"], last["version_key"]))
        return Page(items=items, next_cursor=following, as_of=as_of)

    def count_versions(self, where: VersionFilter = EVERY_VERSION) -> int:
        """How many versions the filters admit."""
        conditions, parameters = where.conditions()
        return int(self._all(f"SELECT count(*) FROM versions v {clause(conditions)}", parameters)[0][0])

    def version(self, key: VersionKey, focus: str = ROC_AUC) -> VersionDetail | None:
        """One version with all its metrics; None where it is not known. Raises UnknownMetric."""
        as_of = self.as_of()
        metric = self.metric(focus)
        found = self._all(
            f"SELECT {_VERSION_COLUMNS}, v.row AS record {_VERSIONS} WHERE v.version_key = :key",
            {**self._metric_ids(focus), "key": str(key)},
        )
        if not found:
            return None
        plain = decode_plain(found[0]["record"], VersionMetrics.__name__, self._registry)
        return rows.version_detail(rows.version_item(found[0], metric), plain, self.seen_metrics(), as_of)

    def history(
        self,
        key: VersionKey,
        *,
        metric: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[EvaluationItem]:
        """The counted evaluations of a version, oldest first; with `metric`, those that have it, and only it.

        Raises UnknownMetric, InvalidCursor.
        """
        as_of = self.as_of()
        conditions = ["version_key = :key", "counted"]
        parameters: Parameters = {"key": str(key), "limit": limit + 1}
        narrow_time(conditions, parameters, since, until)
        if metric is not None:
            self.metric(metric)
            conditions.append("instr(codes, :metric)")
            parameters["metric"] = f"{SEPARATOR}{metric}{SEPARATOR}"
        list_name = json.dumps(["history", str(key), metric, since, until])
        if cursor:
            parameters["at"], parameters["event"] = cursors.read(list_name, cursor, (int, str))
            conditions.append("(evaluated_at, event_id) > (:at, :event)")
        found = self._all(
            f"SELECT row FROM outcomes {clause(conditions)} ORDER BY evaluated_at, event_id LIMIT :limit", parameters
        )
        items = [
            rows.evaluation_item(decode_plain(row["row"], EvaluationOutcome.__name__, self._registry), metric)
            for row in found[:limit]
        ]
        following = None
        if len(found) > limit:
            following = cursors.write(list_name, (items[-1].evaluated_at, items[-1].event_id))
        return Page(items=items, next_cursor=following, as_of=as_of)

    def alerts(
        self, where: AlertFilter = EVERY_ALERT, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> Page[AlertItem]:
        """Alerts, those of the newest evaluation first. Raises InvalidCursor."""
        as_of = self.as_of()
        conditions, parameters = where.conditions()
        list_name = json.dumps(["alerts", asdict(where)])
        if cursor:
            parameters["at"], parameters["last_id"] = cursors.read(list_name, cursor, (int, str))
            conditions.append("(evaluated_at, alert_id) < (:at, :last_id)")
        found = self._all(
            f"SELECT row FROM alerts {clause(conditions)} ORDER BY evaluated_at DESC, alert_id DESC LIMIT :limit",
            {**parameters, "limit": limit + 1},
        )
        items = [self._alert(row) for row in found[:limit]]
        following = None
        if len(found) > limit:
            following = cursors.write(list_name, (items[-1].evaluated_at, items[-1].alert_id))
        return Page(items=items, next_cursor=following, as_of=as_of)

    def alerts_after(self, seen: Mapping[int, int], where: AlertFilter, limit: int) -> list[PlacedAlert]:
        """Alerts at or past the position given for their partition, in the order of arrival here.

        Of each partition none is left out before one that is answered: a position each says what was seen.
        """
        conditions, parameters = where.conditions()
        placed: list[PlacedAlert] = []
        for partition, position in seen.items():
            placed += self._placed_alerts(
                f"{clause([*conditions, 'partition = :partition', 'position >= :position'])} ORDER BY position",
                {**parameters, "partition": partition, "position": position, "limit": limit},
            )
        return sorted(placed, key=lambda each: each.number)[:limit]

    def newest_alerts(self, limit: int, after_number: int = 0) -> list[PlacedAlert]:
        """The alerts that arrived last here, newest first, none of them numbered up to `after_number`."""
        return self._placed_alerts("WHERE id > :after ORDER BY id DESC", {"after": after_number, "limit": limit})

    def positions(self, topic: str) -> dict[int, int]:
        """Per partition of the topic, the offset of the next record that the replica will read."""
        found = self._all("SELECT partition, next_offset FROM positions WHERE topic = :topic", {"topic": topic})
        return {row["partition"]: row["next_offset"] for row in found}

    def alert_counts(self) -> dict[str, int]:
        """How many alerts there are of each severity."""
        found = self._all("SELECT severity, count(*) AS n FROM alerts GROUP BY severity", {})
        return {row["severity"]: row["n"] for row in found}

    def dead_letter_counts(self) -> dict[str, int]:
        """How many dead letters there are of each reason."""
        found = self._all("SELECT reason, count(*) AS n FROM dead_letters GROUP BY reason", {})
        return {row["reason"]: row["n"] for row in found}

    def metric(self, code: str) -> MetricSpec:
        """What is known of a metric. Raises UnknownMetric where there is none of that code."""
        if (spec := CATALOGUE.get(code)) is not None:
            return spec
        seen = self.seen_metrics()
        if code not in seen:
            raise UnknownMetric(code, list(dict.fromkeys([*CATALOGUE, *seen])))
        return seen[code]

    def seen_metrics(self) -> dict[str, MetricSpec]:
        """Every metric that some version has had: the standard ones in the catalogue's order, then custom ones."""
        found = self._all("SELECT code, label, direction FROM metrics ORDER BY coalesce(label, code), code", {})
        seen = {row["code"]: rows.metric_spec(row["code"], row["label"], row["direction"]) for row in found}
        standard = {code: spec for code, spec in CATALOGUE.items() if code in seen}
        return standard | {code: spec for code, spec in seen.items() if code not in CATALOGUE}

    def metrics(self) -> list[MetricItem]:
        """The catalogue, ROC AUC first, then the custom metrics that there are."""
        seen = self.seen_metrics()
        return [rows.metric_item(spec, in_use=code in seen) for code, spec in {**CATALOGUE, **seen}.items()]

    def nodes(self) -> list[NodeItem]:
        """The nodes that have reported, by id."""
        return [
            NodeItem(**dict(row))
            for row in self._all(
                "SELECT node_id AS node, max(node_kind) AS kind, count(DISTINCT project_key) AS projects, "
                "count(*) AS versions FROM versions GROUP BY node_id ORDER BY node_id",
                {},
            )
        ]

    def projects(self) -> list[ProjectItem]:
        """The projects, by node and key."""
        return [
            ProjectItem(**dict(row))
            for row in self._all(
                "SELECT node_id AS node, project_key AS project, count(DISTINCT model_id) AS models, "
                "count(*) AS versions FROM versions GROUP BY node_id, project_key ORDER BY node_id, project_key",
                {},
            )
        ]

    def models(
        self, where: VersionFilter = EVERY_VERSION, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> Page[ModelItem]:
        """The models, by node, project and id. Raises InvalidCursor."""
        as_of = self.as_of()
        conditions, parameters = where.conditions()
        list_name = json.dumps(["models", asdict(where)])
        if cursor:
            last = cursors.read(list_name, cursor, (str, str, str))
            parameters |= dict(zip(("last_node", "last_project", "last_model"), last, strict=True))
            conditions.append("(v.node_id, v.project_key, v.model_id) > (:last_node, :last_project, :last_model)")
        found = self._all(
            # The name is that of the newest build: a bare column goes with the row of the only max().
            "SELECT v.node_id AS node, v.project_key AS project, v.model_id AS model, v.model_name AS name, "
            "count(*) AS versions, group_concat(CASE WHEN v.active THEN v.version_id END) AS active_version, "
            f"max(coalesce(v.built_at, 0)) FROM versions v {clause(conditions)} "
            "GROUP BY v.node_id, v.project_key, v.model_id ORDER BY v.node_id, v.project_key, v.model_id LIMIT :limit",
            {**parameters, "limit": limit + 1},
        )
        items = [ModelItem(**{name: row[name] for name in ModelItem.model_fields}) for row in found[:limit]]
        following = None
        if len(found) > limit:
            following = cursors.write(list_name, (items[-1].node, items[-1].project, items[-1].model))
        return Page(items=items, next_cursor=following, as_of=as_of)

    def _placed_alerts(self, rest: str, parameters: Parameters) -> list[PlacedAlert]:
        found = self._all(f"SELECT row, partition, position, id FROM alerts {rest} LIMIT :limit", parameters)
        return [PlacedAlert(self._alert(row), row["partition"], row["position"], row["id"]) for row in found]

    def _alert(self, row: sqlite3.Row) -> AlertItem:
        return rows.alert_item(decode_plain(row["row"], DriftAlert.__name__, self._registry))

    def _metric_ids(self, focus: str) -> Parameters:
        found = self._all(
            "SELECT code, id FROM metrics WHERE code IN (:focus, :data_drift)",
            {"focus": focus, "data_drift": DATA_DRIFT},
        )
        ids = {row["code"]: row["id"] for row in found}
        return {"focus_id": ids.get(focus, _NO_METRIC), "data_drift_id": ids.get(DATA_DRIFT, _NO_METRIC)}

    def _all(self, statement: str, parameters: Parameters) -> list[sqlite3.Row]:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed by another thread than that which used it.
            connection = sqlite3.connect(self._uri, uri=True, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            self._local.connection = connection
            with self._lock:
                self._opened.append(connection)
        return connection.execute(statement, parameters).fetchall()


def _sort_column(sort: str, focus: MetricSpec) -> tuple[str, bool]:
    """What to order by, and whether descending. Raises ValueError for an unknown key."""
    key, descending = Sort(sort.removeprefix("-")), sort.startswith("-")
    if key is not Sort.DEGRADATION:
        return _SORT_COLUMNS[key], descending
    sign = rows.degradation_sign(focus)
    if sign is None:
        return "NULL", descending
    return _SORT_COLUMNS[Sort.DRIFT], descending is (sign > 0)


def _known_part(
    column: str,
    descending: bool,  # noqa: FBT001  # private, named at the call
    conditions: list[str],
    parameters: Parameters,
    after: list[str | float | None] | None,
    limit: int,
) -> tuple[str, Parameters]:
    conditions, parameters = [f"{column} IS NOT NULL", *conditions], {**parameters, "limit": limit}
    if after is not None:
        parameters["after"], parameters["after_key"] = after
        # The first condition alone lets the index begin there; the second leaves out equals that were answered.
        order = "<" if descending else ">"
        conditions += [f"{column} {order}= :after", f"({column} {order} :after OR v.version_key > :after_key)"]
    return (
        f"SELECT {_VERSION_COLUMNS}, {column} AS sort_value {_VERSIONS} {clause(conditions)} "
        f"ORDER BY {column} {'DESC' if descending else 'ASC'}, v.version_key LIMIT :limit",
        parameters,
    )


def _unknown_part(
    column: str, conditions: list[str], parameters: Parameters, after: list[str | float | None] | None, limit: int
) -> tuple[str, Parameters]:
    conditions, parameters = [f"{column} IS NULL", *conditions], {**parameters, "limit": limit}
    if after is not None:
        parameters["after_key"] = after[1]
        conditions.append("v.version_key > :after_key")
    return (
        f"SELECT {_VERSION_COLUMNS}, NULL AS sort_value {_VERSIONS} {clause(conditions)} "
        "ORDER BY v.version_key LIMIT :limit",
        parameters,
    )
