"""One partition of a table: the rows that its file has, and before it those that only the changelog and memory have.

A row is safe once the changelog has it; the file saves a restart from reading the changelog from its beginning. So rows
are gathered here, seen at once, and written to the file many at a time, in one transaction with the changelog offset of
the last: a row that changed again meanwhile is written once, and rows in order of their keys share pages of the file.
What a kill takes, the next start reads from the changelog again.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import structlog

from streams.engine.rowfile import RowFile, StoreUnusable

log = structlog.get_logger()


class ChangelogRecord(Protocol):
    """A record as aiokafka and Faust give it. No value, or an empty one: the row was deleted."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def offset(self) -> int: ...


class GatheringFile:
    """A row file, and the rows on their way into it.

    One thread takes and gathers rows; what reads or flushes may be called from any. Raises what RowFile raises.
    """

    def __init__(self, file: RowFile) -> None:
        self._file = file
        self._gathered: dict[bytes, bytes | None] = {}
        self._leaving: dict[bytes, bytes | None] = {}  # being written to the file
        self._reached = file.offset
        self._lock = threading.Lock()  # over what is gathered, never for long
        self._flushing = threading.Lock()
        # Of the changelog since the file was written last: what a restart after a kill has to read.
        self.behind_bytes = 0

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def topic_id(self) -> str | None:
        return self._file.topic_id

    @property
    def offset(self) -> int | None:
        """The changelog offset that the rows have reached; None while there is none."""
        return self._reached

    def get(self, key: bytes) -> bytes | None:
        """The row as it was taken last."""
        for rows in (self._gathered, self._leaving):
            if key in rows:
                return rows[key] or None
        return self._file.get(key)

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """The rows that there are of these."""
        found: dict[bytes, bytes] = {}
        asked = []
        gathered, leaving = self._gathered, self._leaving
        for key in keys:
            if key in gathered:
                value = gathered[key]
            elif key in leaving:
                value = leaving[key]
            else:
                asked.append(key)
                continue
            if value:
                found[key] = value
        if asked:
            found.update(self._file.get_many(asked))
        return found

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All rows, in no order. One that is taken meanwhile is seen as it was or as it is."""
        self.flush()
        return self._file.items()

    def count(self) -> int:
        """The number of rows."""
        self.flush()
        return self._file.count()

    def take(self, rows: Mapping[bytes, bytes | None], offset: int) -> None:
        """Take changed rows (None or empty deletes), and the changelog offset of the last of them."""
        with self._lock:
            self._file.refuse_older(offset, self._reached)
            self._gathered.update(rows)
            self._reached = offset
            self.behind_bytes += sum(map(len, rows)) + sum(map(len, filter(None, rows.values())))

    def gather(self, records: Iterable[ChangelogRecord]) -> None:
        """Take records read from the changelog, in their order. Those that are known already change nothing."""
        with self._lock:
            reached = -1 if self._reached is None else self._reached
            for record in records:
                if record.offset <= reached:
                    continue
                key, value = record.key, record.value
                self._reached = reached = record.offset
                if key is None:
                    log.warning("changelog record without a key left out", file=str(self.path), offset=reached)
                    continue
                self._gathered[key] = value
                self.behind_bytes += len(key) + len(value or b"")

    def flush(self) -> None:
        """Write what was gathered to the file. Blocks."""
        with self._flushing:
            with self._lock:
                if self._reached is None or self._reached == self._file.offset:
                    return
                # In this order: whoever reads meanwhile, without a lock, finds a row in one of the two.
                self._leaving = self._gathered
                self._gathered = {}
                offset, behind = self._reached, self.behind_bytes
            try:
                self._file.write(self._leaving, offset)
            except BaseException:
                with self._lock:
                    self._gathered = {**self._leaving, **self._gathered}
                raise
            else:
                self.behind_bytes -= behind
            finally:
                self._leaving = {}

    def close(self) -> None:
        """Write what was gathered, and close the file so that it survives the machine going down. Raises nothing."""
        try:
            self.flush()
        except StoreUnusable as error:
            log.warning("changed rows are not in the table file", file=str(self.path), error=str(error))
        self._file.close()

    def remove(self) -> None:
        """Close the file and delete it, and forget what was gathered."""
        with self._flushing, self._lock:
            self._file.remove()
            self._gathered = {}
            self._reached = None
            self.behind_bytes = 0
