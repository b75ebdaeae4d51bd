"""The versions: each one's record as it came, and its numbers in the columns."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable

from mooring.codec import SchemaRegistry, decode
from mooring.errors import UnreadableValue
from mooring.keys import VersionKey
from mooring.outputs import VersionMetrics
from web.tables import version_columns as columns
from web.tables.columns import ColumnWriter, Number
from web.tables.labels import LabelWriter
from web.tables.names import Kind, Names, label_name

TABLES = (
    # `row`: the newest record; none where only an outcome has named the version so far, or where it was deleted.
    # `metrics`, `labels`: numbers of the metrics that are in its columns, and of the labels that it bears.
    """CREATE TABLE versions (
        id INTEGER PRIMARY KEY, version_key TEXT NOT NULL UNIQUE, row BLOB,
        metrics TEXT NOT NULL DEFAULT '', labels TEXT NOT NULL DEFAULT '')""",
)

# Of each version one number in each, beside those of its metrics.
_FACTS = (
    columns.STATE, columns.SEVERITY, columns.PREDICTION_TYPE, columns.ACTIVE, columns.ARCHIVED, columns.NODE,
    columns.PROJECT, columns.MODEL, columns.VERSION, columns.VERSION_NAME, columns.ALGORITHM, columns.BUILT_AT,
    columns.EVALUATED_AT, columns.UPDATED_AT, columns.MARK,
)  # fmt: skip


class Versions:
    """For the one thread that writes, within its transactions."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        names: Names,
        columns_: ColumnWriter,
        labels: LabelWriter,
        registry: SchemaRegistry | None,
    ) -> None:
        self._connection = connection
        self._names = names
        self._columns = columns_
        self._labels = labels
        self._registry = registry

    def put(self, value: bytes) -> None:
        """Take in a version's newest record. Raises UnreadableValue."""
        row = decode(value, VersionMetrics, self._registry)
        key = VersionKey.of(row.node_id, row.project_key, row.model_id, row.version_id)
        if str(key) != row.version_key:
            raise UnreadableValue(f"The key {row.version_key!r} is not that of version {key}.")
        metrics = {self._names.metric(code) for code in (*row.current, *row.initial)}
        labels = {self._names.name(Kind.LABEL, label_name(*label)) for label in row.labels.items()}
        number, gone = self._set_row(row.version_key, value, metrics, labels)
        for declared in row.custom_metrics:
            self._names.declare(declared)
        self._columns.set(number, _FACTS, self._facts(row))
        self._set_values(number, row)
        self._clear_values(number, gone)

    def delete(self, version_key: str) -> None:
        """Forget a version. Its number stays its own."""
        if self._connection.execute("SELECT 1 FROM versions WHERE version_key = ?", (version_key,)).fetchone():
            number, gone = self._set_row(version_key, None, set(), set())
            self._columns.set(number, (columns.STATE,), (columns.NO_VERSION,))
            self._clear_values(number, gone)

    def number(self, version_key: str) -> int:
        """The number of a version, whether its record is known yet or not."""
        found = self._connection.execute("SELECT id FROM versions WHERE version_key = ?", (version_key,)).fetchone()
        if found is not None:
            return int(found[0])
        number = self._connection.execute("INSERT INTO versions (version_key) VALUES (?)", (version_key,)).lastrowid
        assert number is not None
        return number

    def _set_row(self, key: str, value: bytes | None, metrics: set[int], labels: set[int]) -> tuple[int, set[int]]:
        """The version's number, and the metrics that it had and no longer has."""
        texts = _written(metrics), _written(labels)
        found = self._connection.execute(
            "SELECT id, metrics, labels FROM versions WHERE version_key = ?", (key,)
        ).fetchone()
        if found is None:
            number = self._connection.execute(
                "INSERT INTO versions (version_key, row, metrics, labels) VALUES (?, ?, ?, ?)", (key, value, *texts)
            ).lastrowid
            assert number is not None
            self._label(number, set(), labels)
            return number, set()
        number = found[0]
        self._connection.execute(
            "UPDATE versions SET row = ?, metrics = ?, labels = ? WHERE id = ?", (value, *texts, number)
        )
        if found[2] != texts[1]:
            self._label(number, _read(found[2]), labels)
        return number, set() if found[1] == texts[0] else _read(found[1]) - metrics

    def _label(self, number: int, before: set[int], after: set[int]) -> None:
        for label in before ^ after:
            self._labels.set(number, label, borne=label in after)

    def _facts(self, row: VersionMetrics) -> tuple[Number, ...]:
        """The numbers for the columns of _FACTS."""
        names = self._names
        return (
            columns.STATES.index(row.state),
            columns.SEVERITIES.index(row.severity),
            columns.PREDICTION_TYPES.index(row.prediction_type),
            row.active,
            row.archived,
            names.name(Kind.NODE, row.node_id),
            names.project(row.node_id, row.project_key),
            names.model(row),
            names.name(Kind.VERSION, row.version_id),
            self._optional(Kind.VERSION_NAME, row.version_name),
            self._optional(Kind.ALGORITHM, row.algorithm),
            math.nan if row.built_at is None else row.built_at,
            math.nan if row.evaluated_at is None else row.evaluated_at,
            row.updated_at,
            columns.mark_of(row.version_key),
        )

    def _optional(self, kind: Kind, text: str | None) -> int:
        return columns.NO_NAME if text is None else self._names.name(kind, text)

    def _set_values(self, number: int, row: VersionMetrics) -> None:
        current, initial, drift = row.current, row.initial, row.drift
        # All three of each: one may be gone although the others are not, where a newer build measured less.
        for code in current | initial:
            values = (current.get(code, math.nan), initial.get(code, math.nan), drift.get(code, math.nan))
            self._columns.set(number, columns.of_metric(self._names.metric(code)), values)

    def _clear_values(self, number: int, metrics: Iterable[int]) -> None:
        for metric in metrics:
            self._columns.set(number, columns.of_metric(metric), (math.nan,) * 3)


def _written(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def _read(text: str) -> set[int]:
    return set(map(int, text.split(","))) if text else set()
