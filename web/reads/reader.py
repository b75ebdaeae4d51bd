"""Connections to the replica's file that only read: one for each thread, and a snapshot for each question."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mooring.codec import SchemaRegistry

# Items of a page, unless asked otherwise, and at most.
DEFAULT_LIMIT = 50
MAX_LIMIT = 500

_CACHE_KIB = 4_096


def tables_made(connection: sqlite3.Connection) -> int:
    """What changes when the tables are made anew: what is counted in them begins again then."""
    (made,) = connection.execute("PRAGMA schema_version").fetchone()
    return int(made)


class Reader:
    """Gives out snapshots. `as_of`: all that Kafka had acknowledged by then is in the next one; epoch ms, or None."""

    def __init__(
        self, path: Path, as_of: Callable[[], int | None] = lambda: None, registry: SchemaRegistry | None = None
    ) -> None:
        self.as_of = as_of
        self.registry = registry
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """The replica as one commit left it, whatever is written meanwhile. Not to be nested. Raises sqlite3.Error."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close all connections. Nobody may be reading any more."""
        with self._lock:
            while self._opened:
                self._opened.pop().close()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            # Closed by another thread than that which used it.
            found = sqlite3.connect(self._uri, uri=True, isolation_level=None, check_same_thread=False)
            found.row_factory = sqlite3.Row
            found.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._local.connection = found
            with self._lock:
                self._opened.append(found)
        return found
