"""The replica's database, SQLite in WAL mode: its tables, how records change them, connections that read them.

One thread writes; any number read at the same time. Whatever a batch of records changes is one transaction with the
positions in the topics that it leads to, so a restart goes on exactly there. All writes are idempotent.
"""

from __future__ import annotations

import fcntl
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring.codec import SchemaRegistry, decode_plain
from mooring.errors import InvalidEvent, MooringError, UnreadableValue
from mooring.keys import VersionKey
from mooring.metrics.catalogue import CATALOGUE, Direction
from mooring.outputs import DeadLetter, DriftAlert, EvaluationOutcome, Outcome, Severity, StoreSettings, VersionMetrics
from mooring.topics import Topics

# To be raised with every change of TABLES or of what is written to them: the replica is then built anew.
SCHEMA_VERSION = 1
FILE_NAME = "registry.sqlite3"
SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}

# Ids hold no control characters, so this one separates them, and sorts before all they can hold.
SEPARATOR = "\x1f"
_LATEST_MS = 2**63 - 1

TABLES = (
    """CREATE TABLE positions (
        topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
        PRIMARY KEY (topic, partition)) WITHOUT ROWID""",
    # `hierarchy`: project, node, model, newest build first, as one text that sorts so. `row`: the record as it came.
    """CREATE TABLE versions (
        id INTEGER PRIMARY KEY, version_key TEXT NOT NULL UNIQUE,
        node_id TEXT NOT NULL, node_kind TEXT NOT NULL, project_key TEXT NOT NULL,
        model_id TEXT NOT NULL, model_name TEXT, version_id TEXT NOT NULL, version_name TEXT,
        algorithm TEXT, prediction_type TEXT NOT NULL, state TEXT NOT NULL, active INTEGER NOT NULL,
        archived INTEGER NOT NULL, severity TEXT NOT NULL, severity_rank INTEGER NOT NULL,
        built_at INTEGER, evaluated_at INTEGER, updated_at INTEGER NOT NULL,
        hierarchy TEXT NOT NULL, name TEXT NOT NULL, search TEXT NOT NULL, row BLOB NOT NULL)""",
    "CREATE UNIQUE INDEX versions_hierarchy ON versions (hierarchy)",
    "CREATE INDEX versions_model ON versions (node_id, project_key, model_id, active)",
    "CREATE INDEX versions_project ON versions (project_key)",
    "CREATE INDEX versions_name ON versions (name)",
    "CREATE INDEX versions_severity ON versions (severity_rank)",
    "CREATE INDEX versions_evaluated ON versions (evaluated_at)",
    "CREATE INDEX versions_updated ON versions (updated_at)",
    # Every metric that some version has had. Label and direction: those of the earliest declaration, if custom.
    """CREATE TABLE metrics (
        id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, label TEXT, direction TEXT NOT NULL,
        declared_at INTEGER, declared_by TEXT)""",
    """CREATE TABLE metric_values (
        version INTEGER NOT NULL, metric INTEGER NOT NULL, value REAL, initial REAL, drift REAL,
        PRIMARY KEY (version, metric)) WITHOUT ROWID""",
    "CREATE INDEX metric_values_value ON metric_values (metric, value)",
    "CREATE INDEX metric_values_drift ON metric_values (metric, drift)",
    # `codes`: which metrics the evaluation has, each between separators.
    """CREATE TABLE outcomes (
        event_id TEXT PRIMARY KEY, version_key TEXT NOT NULL, evaluated_at INTEGER NOT NULL, counted INTEGER NOT NULL,
        codes TEXT NOT NULL, row BLOB NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX outcomes_version ON outcomes (version_key, evaluated_at, event_id)",
    # `id`: the order of arrival here; `partition` and `position`: where in the topic its first telling is.
    """CREATE TABLE alerts (
        id INTEGER PRIMARY KEY, alert_id TEXT NOT NULL UNIQUE, partition INTEGER NOT NULL, position INTEGER NOT NULL,
        version_key TEXT NOT NULL, node_id TEXT NOT NULL, project_key TEXT NOT NULL, metric TEXT NOT NULL,
        severity TEXT NOT NULL, evaluated_at INTEGER NOT NULL, row BLOB NOT NULL)""",
    "CREATE INDEX alerts_position ON alerts (partition, position)",
    "CREATE INDEX alerts_time ON alerts (evaluated_at, alert_id)",
    "CREATE INDEX alerts_version ON alerts (version_key, evaluated_at, alert_id)",
    "CREATE INDEX alerts_severity ON alerts (severity, evaluated_at, alert_id)",
    "CREATE TABLE dead_letters (letter_id TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX dead_letters_reason ON dead_letters (reason)",
    "CREATE TABLE stores (store_key TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID",
)

# Any: a record's plain values are what its schema says.
Plain = Mapping[str, Any]
Positions = dict[tuple[str, int], int]


class DataDirInUse(MooringError):
    """Another web view holds the folder; `folder` names it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another web view uses {folder}. Stop it, or give this one its own folder (MOORING_DATA_DIR)."
        )
        self.folder = folder


class DataDirUnusable(MooringError):
    """The folder cannot be written; `folder` names it."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"The web view cannot keep its files in {folder}: {why} (MOORING_DATA_DIR).")
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as it came from a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Database:
    """The replica's file, held by one process at a time. For the one thread that writes.

    Raises DataDirInUse and DataDirUnusable when it is opened.
    """

    def __init__(self, folder: Path, topics: Topics, registry: SchemaRegistry | None = None) -> None:
        self.path = folder / FILE_NAME
        self.unreadable = 0
        self._registry = registry
        self._metric_ids: dict[str, int] = {}
        self._handlers: dict[str, Callable[[Incoming], None]] = {
            topics.version_metrics.name: self._version,
            topics.evaluation_outcomes.name: self._outcome,
            topics.drift_alerts.name: self._alert,
            topics.dead_letters.name: self._dead_letter,
            topics.store_settings.name: self._store,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / f"{FILE_NAME}.lock").open("w")
        except OSError as error:
            raise DataDirUnusable(folder, error.strerror or str(error)) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise DataDirInUse(folder) from None
        try:
            self._connection = self._opened()
        except (sqlite3.Error, OSError) as error:
            self._lock.close()
            raise DataDirUnusable(folder, str(error)) from error

    @property
    def topics(self) -> tuple[str, ...]:
        """The names of the topics that are replicated."""
        return tuple(self._handlers)

    def close(self) -> None:
        """Close the file, with all that was applied in it."""
        self._connection.close()
        self._lock.close()

    def positions(self) -> Positions:
        """Per topic and partition, the offset of the next record to apply."""
        rows = self._connection.execute("SELECT topic, partition, next_offset FROM positions")
        return {(topic, partition): offset for topic, partition, offset in rows}

    def apply(self, records: Sequence[Incoming], positions: Positions) -> None:
        """Apply the records, in their order, and the positions that they lead to: all of it or nothing.

        A record that cannot be read is counted in `unreadable` and left out. Raises sqlite3.Error, OSError.
        """
        with self._transaction():
            for record in _newest_of_each_version(records, self.topics[0]):
                try:
                    self._handlers[record.topic](record)
                except (UnreadableValue, InvalidEvent):
                    self.unreadable += 1
            self._connection.executemany(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)",
                [(topic, partition, offset) for (topic, partition), offset in positions.items()],
            )

    def reset(self) -> None:
        """Forget everything, positions included, to be built anew from the topics. Readers see it at once."""
        with self._transaction():
            self._create()

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._prepared()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            # Damaged, or no database: nothing is in it that the topics do not have.
            for path in self.path.parent.glob(f"{FILE_NAME}*"):
                if not path.name.endswith(".lock"):
                    path.unlink()
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        self._connection = connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # A power cut may lose the last transactions, never a part of one: they are read from the topics again.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -65536")
            if self._must_be_rebuilt():
                self.reset()
        except BaseException:
            connection.close()
            raise
        return connection

    def _must_be_rebuilt(self) -> bool:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            return True
        # Another prefix means another Mooring.
        return any(topic not in self._handlers for topic, _ in self.positions())

    def _create(self) -> None:
        self._metric_ids.clear()
        names = self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (name,) in names:
            self._connection.execute(f'DROP TABLE "{name}"')
        for statement in TABLES:
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._metric_ids.clear()
            raise

    def _version(self, record: Incoming) -> None:
        key = (record.key or b"").decode(errors="replace")
        if record.value is None:
            self._connection.execute(
                "DELETE FROM metric_values WHERE version IN (SELECT id FROM versions WHERE version_key = ?)", (key,)
            )
            self._connection.execute("DELETE FROM versions WHERE version_key = ?", (key,))
            return
        row = decode_plain(record.value, VersionMetrics.__name__, self._registry)
        VersionKey.parse(row["version_key"])
        columns = _version_columns(row) | {"row": record.value}
        updates = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "version_key")
        (version,) = self._connection.execute(
            f"INSERT INTO versions ({', '.join(columns)}) VALUES ({', '.join(':' + name for name in columns)}) "  # noqa: S608  # names from this module
            f"ON CONFLICT (version_key) DO UPDATE SET {updates} RETURNING id",
            columns,
        ).fetchone()
        for declared in row["custom_metrics"]:
            self._declare(declared)
        self._set_values(version, row)

    def _set_values(self, version: int, row: Plain) -> None:
        current, initial, drift = (_finite(row[name]) for name in ("current", "initial", "drift"))
        values = [
            (version, self._metric_id(code), current.get(code), initial.get(code), drift.get(code))
            for code in current | initial
        ]
        self._connection.executemany(
            "INSERT INTO metric_values VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET value = excluded.value, initial = excluded.initial, drift = excluded.drift "
            "WHERE value IS NOT excluded.value OR initial IS NOT excluded.initial OR drift IS NOT excluded.drift",
            values,
        )
        kept = {metric for _, metric, *_ in values}
        had = self._connection.execute("SELECT metric FROM metric_values WHERE version = ?", (version,)).fetchall()
        self._connection.executemany(
            "DELETE FROM metric_values WHERE version = ? AND metric = ?",
            [(version, metric) for (metric,) in had if metric not in kept],
        )

    def _metric_id(self, code: str) -> int:
        if code not in self._metric_ids:
            spec = CATALOGUE.get(code)
            direction = spec.direction if spec else Direction.NONE
            self._connection.execute(
                "INSERT OR IGNORE INTO metrics (code, label, direction) VALUES (?, ?, ?)",
                (code, spec.label if spec else None, direction.value),
            )
            found = self._connection.execute("SELECT id FROM metrics WHERE code = ?", (code,)).fetchone()
            self._metric_ids[code] = found[0]
        return self._metric_ids[code]

    def _declare(self, declared: Plain) -> None:
        if declared["code"] in CATALOGUE:
            return
        self._metric_id(declared["code"])
        self._connection.execute(
            "UPDATE metrics SET label = :label, direction = :direction, declared_at = :declared_at, "
            "declared_by = :declared_by WHERE code = :code "
            "AND (declared_at IS NULL OR (declared_at, declared_by) > (:declared_at, :declared_by))",
            declared,
        )

    def _outcome(self, record: Incoming) -> None:
        row = decode_plain(record.value, EvaluationOutcome.__name__, self._registry)
        codes = SEPARATOR.join(["", *row["metrics"], ""])
        self._connection.execute(
            # The first outcome of an event holds; a later one is a repeat after a crash.
            "INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?, ?)",
            (
                row["event_id"],
                row["version_key"],
                row["evaluated_at"],
                row["outcome"] != Outcome.NOT_SYNCED,
                codes,
                record.value,
            ),
        )

    def _alert(self, record: Incoming) -> None:
        row = decode_plain(record.value, DriftAlert.__name__, self._registry)
        self._connection.execute(
            "INSERT OR IGNORE INTO alerts (alert_id, partition, position, version_key, node_id, project_key, metric, "
            "severity, evaluated_at, row) VALUES (:alert_id, :partition, :position, :version_key, :node_id, "
            ":project_key, :metric, :severity, :evaluated_at, :row)",
            {**row, "partition": record.partition, "position": record.offset, "row": record.value},
        )

    def _dead_letter(self, record: Incoming) -> None:
        row = decode_plain(record.value, DeadLetter.__name__, self._registry)
        self._connection.execute("INSERT OR IGNORE INTO dead_letters VALUES (?, ?)", (row["letter_id"], row["reason"]))

    def _store(self, record: Incoming) -> None:
        key = (record.key or b"").decode(errors="replace")
        if record.value is None:
            self._connection.execute("DELETE FROM stores WHERE store_key = ?", (key,))
            return
        row = decode_plain(record.value, StoreSettings.__name__, self._registry)
        self._connection.execute("INSERT OR REPLACE INTO stores VALUES (?, ?)", (row["store_key"], record.value))


def _newest_of_each_version(records: Sequence[Incoming], versions_topic: str) -> Iterator[Incoming]:
    """The records less those of the version table that a later one of the same batch replaces."""
    newest = {record.key: record for record in records if record.topic == versions_topic}
    for record in records:
        if record.topic != versions_topic or newest[record.key] is record:
            yield record


def _version_columns(row: Plain) -> dict[str, object]:
    model = row["model_name"] or row["model_id"]
    version = row["version_name"] or row["version_id"]
    names = (model, version, row["model_id"], row["version_id"], row["project_key"], row["node_id"], row["algorithm"])
    newest_first = f"{_LATEST_MS - (row['built_at'] or 0):019d}"
    return {
        name: row[name]
        for name in (
            "version_key", "node_id", "node_kind", "project_key", "model_id", "model_name", "version_id",
            "version_name", "algorithm", "prediction_type", "state", "active", "archived", "severity", "built_at",
            "evaluated_at", "updated_at",
        )
    } | {
        "severity_rank": SEVERITY_RANK[row["severity"]],
        "hierarchy": SEPARATOR.join(
            (row["project_key"].casefold(), row["project_key"], row["node_id"], model.casefold(), row["model_id"],
             newest_first, row["version_id"])
        ),
        "name": f"{model} {version}".casefold(),
        "search": SEPARATOR.join(name.casefold() for name in names if name),
    }  # fmt: skip


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """SQLite has no NaN, and JSON neither."""
    return {code: value for code, value in values.items() if math.isfinite(value)}
