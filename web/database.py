"""The replica's database, SQLite in WAL mode: its tables, how records change them, connections that read them.

One thread writes; any number read at the same time. Whatever a batch of records changes is one transaction with the
positions in the topics that it leads to, so a restart goes on exactly there. All writes are idempotent.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring.codec import SchemaRegistry, decode_plain
from mooring.errors import InvalidEvent, MooringError, UnreadableValue
from mooring.outputs import DeadLetter, DriftAlert, StoreSettings
from mooring.topics import Topics
from web.tables import columns, labels, names, outcomes, versions

# To be raised with every change of a table or of what is written to it: the replica is then built anew.
SCHEMA_VERSION = 4
FILE_NAME = "registry.sqlite3"

_TABLES = (
    """CREATE TABLE positions (
        topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
        PRIMARY KEY (topic, partition)) WITHOUT ROWID""",
    *columns.TABLES,
    labels.TABLE,
    *names.TABLES,
    *versions.TABLES,
    *outcomes.TABLES,
    # `id`: the order of arrival here; `partition` and `position`: where in the topic its first telling is.
    """CREATE TABLE alerts (
        id INTEGER PRIMARY KEY, alert_id TEXT NOT NULL UNIQUE, partition INTEGER NOT NULL, position INTEGER NOT NULL,
        version_key TEXT NOT NULL, node_id TEXT NOT NULL, project_key TEXT NOT NULL, metric TEXT NOT NULL,
        severity TEXT NOT NULL, evaluated_at INTEGER NOT NULL, row BLOB NOT NULL)""",
    "CREATE INDEX alerts_position ON alerts (partition, position)",
    "CREATE INDEX alerts_time ON alerts (evaluated_at, alert_id)",
    "CREATE INDEX alerts_version ON alerts (version_key, evaluated_at, alert_id)",
    "CREATE INDEX alerts_severity ON alerts (severity, evaluated_at, alert_id)",
    "CREATE INDEX alerts_project ON alerts (project_key, evaluated_at, alert_id)",
    """CREATE TABLE dead_letters (
        letter_id TEXT PRIMARY KEY, reason TEXT NOT NULL, topic TEXT NOT NULL, failed_at INTEGER NOT NULL,
        row BLOB NOT NULL)""",
    "CREATE INDEX dead_letters_reason ON dead_letters (reason, failed_at, letter_id)",
    "CREATE INDEX dead_letters_time ON dead_letters (failed_at, letter_id)",
    # `row`: none where it was never configured, and is known from an evaluation.
    """CREATE TABLE stores (
        store_key TEXT PRIMARY KEY, node_id TEXT NOT NULL, project_key TEXT NOT NULL, row BLOB) WITHOUT ROWID""",
)
_CACHE_KIB = 65_536
# Pages of 4 KiB that gather in the write-ahead log before they go to the file: many are changed again meanwhile.
_LOGGED_PAGES = 16_384

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
            self._columns.write()
            self._labels.write()
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
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOGGED_PAGES}")
            self._columns = columns.ColumnWriter(connection)
            self._names = names.Names(connection)
            self._labels = labels.LabelWriter(connection)
            self._versions = versions.Versions(connection, self._names, self._columns, self._labels, self._registry)
            self._outcomes = outcomes.Outcomes(connection, self._versions, self._registry)
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
        self._forget()
        # A virtual table takes its own tables with it.
        for virtual in (True, False):
            for (name,) in self._connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND (sql LIKE 'CREATE VIRTUAL%') = ?", (virtual,)
            ).fetchall():
                self._connection.execute(f'DROP TABLE IF EXISTS "{name}"')
        for statement in _TABLES:
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
            self._forget()
            raise

    def _forget(self) -> None:
        """Forget what was looked up or is still to be written: it may not be in the file."""
        self._columns.forget()
        self._labels.forget()
        self._names.forget()
        self._outcomes.forget()

    def _version(self, record: Incoming) -> None:
        if record.value is None:
            self._versions.delete((record.key or b"").decode(errors="replace"))
        else:
            self._versions.put(record.value)

    def _outcome(self, record: Incoming) -> None:
        self._outcomes.put(record.value or b"")

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
        self._connection.execute(
            "INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?, ?)",
            (row["letter_id"], row["reason"], row["topic"], row["failed_at"], record.value),
        )

    def _store(self, record: Incoming) -> None:
        key = (record.key or b"").decode(errors="replace")
        if record.value is None:
            self._connection.execute("UPDATE stores SET row = NULL WHERE store_key = ?", (key,))
            return
        row = decode_plain(record.value, StoreSettings.__name__, self._registry)
        self._connection.execute(
            "INSERT OR REPLACE INTO stores VALUES (?, ?, ?, ?)",
            (row["store_key"], row["node_id"], row["project_key"], record.value),
        )


def _newest_of_each_version(records: Sequence[Incoming], versions_topic: str) -> Iterator[Incoming]:
    """The records less those of the version table that a later one of the same batch replaces."""
    newest = {record.key: record for record in records if record.topic == versions_topic}
    for record in records:
        if record.topic != versions_topic or newest[record.key] is record:
            yield record
