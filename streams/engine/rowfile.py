"""One partition of a table on disk: rows of bytes in a SQLite file, and how far the changelog is with them.

A row and the changelog offset that it brings are written in one transaction: after a kill, the file is what the
changelog was at that offset. Nothing here is worth repairing, since the changelog has it all: a file that is damaged,
or not the one that belongs here, is removed and begun anew, empty.

Written by sqlitedict, read by a connection of our own that cannot write (ten times as fast). Values are never pickled,
and never unpickled: a file of pickles (sqlitedict's default) can run code in whoever reads it, CVE-2024-35515.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from sqlitedict import SqliteDict

from mooring.errors import MooringError

log = structlog.get_logger()

FORMAT = 1

# The file's own entries stand among the rows, under keys that are text. Keys of rows are blobs, and to SQLite no text
# equals a blob, and every text comes before every blob.
_IS_ROW = "key >= x''"
_OWN = "SELECT key, value FROM rows WHERE key IN ('format', 'table', 'partition', 'topic_id', 'boot_id', 'offset')"
_SET = "REPLACE INTO rows (key, value) VALUES (?, ?)"
# As sqlitedict makes it, but for the type of the key. (Without rowid, rows of 600 bytes took five times as long.)
_TABLE = "CREATE TABLE rows (key BLOB PRIMARY KEY, value BLOB)"

_WRITER_PRAGMAS = (
    # Debian's SQLite overwrites with zeros whatever is deleted or replaced.
    "PRAGMA secure_delete = OFF",
    "PRAGMA cache_size = -8000",
    # The log of a large transaction does not keep its size.
    "PRAGMA journal_size_limit = 16000000",
)
_CHECK_BY_MMAP = "PRAGMA mmap_size = 2147418112"

_MOST_AT_ONCE = 512
_PAGE_OF_ROWS = 1_000

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StoreUnusable(MooringError, OSError):
    """A table's file or folder cannot be used; `path` names it. Nothing is lost by it: the changelog has every row."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Identity:
    """Whose rows a file holds. `topic_id` is that of the changelog topic; None where the broker gives none."""

    table: str
    partition: int
    topic_id: str | None = None


class RowFile:
    """The open file of one partition.

    Every method may be called from any thread, and blocks. Each raises StoreUnusable where the disk or the file fails;
    what a failed write was to change is as it was. No other connection of this process may be open on the file.
    """

    def __init__(self, path: Path, identity: Identity, topic_id: str | None, offset: int | None) -> None:
        """Use `RowFile.open`."""
        self.path = path
        self.identity = identity
        self.topic_id = topic_id
        self.offset = offset  # of the changelog, reached by what the last write that returned brought
        self._lock = threading.Lock()
        self._closed = False
        # Any: sqlitedict is not typed.
        self._writer: Any = None
        uri = f"{_uri(path)}?mode=ro"
        self._reader = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    @classmethod
    def open(cls, path: Path, identity: Identity, boot_id: str) -> RowFile:
        """The file at `path`, begun anew (with a warning) if it is damaged or not of this identity.

        `boot_id` names this run of the machine: what was in use when the machine went down is begun anew too, since
        sqlitedict does not wait for the disk. Raises StoreUnusable where a newer Mooring wrote the file.
        """
        try:
            if path.exists():
                why = _why_unfit(path, identity, boot_id)
                if why is not None:
                    log.warning("table file begun anew, its rows come from the changelog", file=str(path), why=why)
                    remove(path)
            if not path.exists():
                remove(path)
                _create(path, identity)
            own = _mark_in_use(path, boot_id)
            return cls(path, identity, own["topic_id"], own.get("offset"))
        except StoreUnusable:
            raise
        except (sqlite3.Error, OSError) as error:
            raise unusable(path, "opened", error) from error

    def get(self, key: bytes) -> bytes | None:
        """The row as the last write that returned left it."""
        try:
            found = self._reader.execute("SELECT value FROM rows WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._failed("read", error) from error
        return None if found is None else found[0]

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """The rows that there are of these."""
        wanted = list(keys)
        found: dict[bytes, bytes] = {}
        for part in _parts(wanted):
            found.update(self._read(_select(len(part)), part))
        return found

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All rows, in no order. One that is written meanwhile is seen as it was or as it is."""
        last = 0
        # Page by page: an open cursor would hold `get` to what it saw.
        while page := self._read(
            "SELECT rowid, key, value FROM rows WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, _PAGE_OF_ROWS)
        ):
            yield from ((key, value) for _, key, value in page if isinstance(key, bytes))
            last = page[-1][0]

    def count(self) -> int:
        """The number of rows."""
        # Counting all is fast, counting some is not.
        ((count,),) = self._read(
            f"SELECT (SELECT count(*) FROM rows) - (SELECT count(*) FROM rows WHERE NOT {_IS_ROW})"  # noqa: S608
        )
        return int(count)

    def write(self, rows: Mapping[bytes, bytes | None], offset: int) -> None:
        """Change rows (None or empty deletes) and the offset that the changelog has reached by it: both or nothing."""
        with self._lock:
            self._write(rows, offset)

    def refuse_older(self, offset: int, reached: int | None) -> None:
        """Raise StoreUnusable where a changelog offset just written is before one that was reached already."""
        if reached is not None and offset < reached:
            raise StoreUnusable(
                self.path,
                f"{self.path} has the changelog up to offset {reached}, and yet offset {offset} was just written: "
                "the topic was deleted and created again. Start the worker again, and the file is begun anew.",
            )

    def close(self) -> None:
        """Close the file so that it survives the machine going down. Raises nothing: a file that could not be closed
        so is begun anew if the machine goes down before it is opened again."""
        with self._lock:
            if self._closed:
                return
            self._disconnect()
            try:
                _mark_closed(self.path)
            except (sqlite3.Error, OSError) as error:
                log.warning("table file not closed cleanly", file=str(self.path), error=str(error))

    def remove(self) -> None:
        """Close the file and delete it."""
        with self._lock:
            self._disconnect()
            remove(self.path)

    def _read(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        # Any: rows of whatever columns.
        try:
            return self._reader.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._failed("read", error) from error

    def _write(self, rows: Mapping[bytes, bytes | None], offset: int) -> None:
        if self._closed:
            raise RuntimeError(f"{self.path} is closed.")
        self.refuse_older(offset, self.offset)
        # In order of their keys, rows that share a page of the file are written together.
        keys = sorted(rows)
        deleted = [key for key in keys if not rows[key]]
        if deleted:
            keys = [key for key in keys if rows[key]]
        try:
            send, answer = self._open_writer()
            for part in _parts(keys):
                pairs: list[bytes | None] = [None] * (2 * len(part))
                pairs[::2] = part
                pairs[1::2] = map(rows.__getitem__, part)
                send(_upsert(len(part)), pairs)
            for part in _parts(deleted):
                send(_delete(len(part)), part)
            send(_SET, ("offset", offset))
            # sqlitedict goes on after a statement that failed, in a transaction that may be a new one by then: so see
            # that all went well before committing. And its own commit() waits for ever if it is the commit that fails.
            answer("SELECT 1")
            answer("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._close_writer()
            raise self._failed("written", error) from error
        self.offset = offset

    def _open_writer(self) -> tuple[Callable[..., None], Callable[..., object]]:
        """How to send sqlitedict's connection a statement, and how to wait for the answer to one, or for an error.

        Not `update`, which is this with a statement per row: it writes 100,000 rows/s where this writes 240,000, and
        by REPLACE, which moves a row to the end of the file each time it changes.
        """
        if self._writer is None:
            # It would make one that the reader does not see.
            self.path.stat()
            self._writer = SqliteDict(
                str(self.path),
                tablename="rows",
                autocommit=False,
                journal_mode="WAL",
                outer_stack=False,
                encode=_as_it_is,
                decode=_as_it_is,
                encode_key=_as_it_is,
                decode_key=_as_it_is,
            )
            for pragma in _WRITER_PRAGMAS:
                self._writer.conn.execute(pragma)
        return self._writer.conn.execute, self._writer.conn.select_one

    def _close_writer(self) -> None:
        """Close sqlitedict's connection, which takes back what was not committed."""
        writer, self._writer = self._writer, None
        if writer is not None:
            thread = writer.conn
            # Without force it raises the errors of statements, and may wait for a thread that has ended.
            writer.close(do_log=False, force=True)
            thread.join()

    def _disconnect(self) -> None:
        self._closed = True
        # The reader first: the last one to close puts SQLite's log into the file, which a reader cannot.
        self._reader.close()
        self._close_writer()

    def _failed(self, what: str, error: Exception) -> Exception:
        return RuntimeError(f"{self.path} is closed.") if self._closed else unusable(self.path, what, error)


def remove(path: Path) -> None:
    """Delete the file, and what SQLite keeps beside it. Raises OSError."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _why_unfit(path: Path, identity: Identity, boot_id: str) -> str | None:
    """Why the file cannot serve, or None. Raises StoreUnusable for one of a newer format, sqlite3.Error, OSError."""
    try:
        with _connected(path) as connection:
            own = dict(connection.execute(_OWN))
            return _why_other(path, own, identity, boot_id) or _why_damaged(path, connection)
    except sqlite3.Error as error:
        if _is_damage(error):
            return f"it is damaged ({error})"
        if _name(error) == "SQLITE_ERROR":
            return f"it is no table file of Mooring ({error})"
        raise


def _why_other(path: Path, own: Mapping[str, object], identity: Identity, boot_id: str) -> str | None:
    written = own.get("format")
    if not isinstance(written, int):
        return "it is no table file of Mooring"
    if written > FORMAT:
        raise StoreUnusable(
            path,
            f"{path} has format {written}, and this version of Mooring knows formats up to {FORMAT}. Use the version "
            "that wrote it, or delete the file: it is filled again from the changelog.",
        )
    if written < FORMAT:
        return f"its format is {written}, and now it is {FORMAT}"
    if (own.get("table"), own.get("partition")) != (identity.table, identity.partition):
        return f"it holds partition {own.get('partition')} of the table {own.get('table')}"
    if identity.topic_id is not None and own.get("topic_id") != identity.topic_id:
        return f"it follows a changelog topic with id {own.get('topic_id')}, and now it is {identity.topic_id}"
    if own.get("boot_id") not in {None, boot_id}:
        return "the machine went down while it was in use"
    return None


def _why_damaged(path: Path, connection: sqlite3.Connection) -> str | None:
    connection.execute(_CHECK_BY_MMAP)
    ((found,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        return f"it is damaged ({found})"
    ((page_size,),) = connection.execute("PRAGMA page_size").fetchall()
    # SQLite takes what is missing of the last page for zeros.
    return "it is damaged (cut off)" if path.stat().st_size % page_size else None


def _create(path: Path, identity: Identity) -> None:
    own = {
        "format": FORMAT,
        "table": identity.table,
        "partition": identity.partition,
        "topic_id": identity.topic_id,
    }
    with _connected(path, mode="rwc") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN")
        connection.execute(_TABLE)
        connection.executemany(_SET, own.items())
        connection.execute("COMMIT")


def _mark_in_use(path: Path, boot_id: str) -> dict[str, Any]:
    """Say in the file that this run of the machine uses it, on the disk itself before anything else is written.

    Returns the file's own entries. Any: they are numbers and texts.
    """
    with _connected(path) as connection:
        own = dict(connection.execute(_OWN))
        if own.get("boot_id") != boot_id:
            connection.execute(_SET, ("boot_id", boot_id))
    return own


def _mark_closed(path: Path) -> None:
    """Take that back, once all that was written is on the disk itself."""
    with _connected(path) as connection:
        ((busy, *_),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        raise OSError(errno.EBUSY, "another program reads it")
    # Only now: closing a file, SQLite's locks on it go, those of any other connection of this process too.
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    with _connected(path) as connection:
        connection.execute("DELETE FROM rows WHERE key = 'boot_id'")


@contextlib.contextmanager
def _connected(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """A connection that waits for the disk, unlike sqlitedict's. Closing it puts SQLite's log into the file."""
    with contextlib.closing(sqlite3.connect(f"{_uri(path)}?mode={mode}", uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        yield connection


def _uri(path: Path) -> str:
    return f"file:{quote(str(path))}"


def _parts(keys: list[bytes]) -> Iterator[list[bytes]]:
    """Runs of these whose lengths are powers of two: ten statements then serve every number of them."""
    start = 0
    while left := len(keys) - start:
        size = min(_MOST_AT_ONCE, 1 << (left.bit_length() - 1))
        yield keys[start : start + size]
        start += size


@cache
def _upsert(count: int) -> str:
    pairs = ", ".join(["(?, ?)"] * count)
    return f"INSERT INTO rows (key, value) VALUES {pairs} ON CONFLICT (key) DO UPDATE SET value = excluded.value"  # noqa: S608


@cache
def _delete(count: int) -> str:
    return f"DELETE FROM rows WHERE key IN ({', '.join('?' * count)})"  # noqa: S608


@cache
def _select(count: int) -> str:
    return f"SELECT key, value FROM rows WHERE key IN ({', '.join('?' * count)})"  # noqa: S608


def _as_it_is(thing: object) -> object:
    return thing


def _is_damage(error: Exception) -> bool:
    return _name(error).startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _name(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", ""))


def unusable(path: Path, what: str, error: Exception) -> StoreUnusable:
    """What to raise where the file or folder cannot be `what` (opened, written …): with the cause and a remedy.

    A file found damaged is removed at once, so that the next start begins it anew.
    """
    name = _name(error)
    if _is_damage(error):
        with contextlib.suppress(OSError):
            remove(path)
        remedy = "The file was removed: start the worker again, and it is filled from the changelog."
    elif name == "SQLITE_FULL" or getattr(error, "errno", None) in _FULL:
        remedy = "Free space on its disk, and start the worker again."
    elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        remedy = "Another program has it open: end that one, and start the worker again."
    elif name.startswith("SQLITE_IOERR"):
        remedy = "Look after its disk (is it full, or failing?), or choose another with MOORING_DATA_DIR."
    else:
        remedy = f"Let the worker write in {path.parent}, or choose another place with MOORING_DATA_DIR."
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return StoreUnusable(path, f"{path} cannot be {what}: {cause}. {remedy}")
