"""Columns that were read, kept for the next question: what versions are narrowed to seldom changes."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict

from web.reads.reader import tables_made
from web.tables.columns import Array, Column, read_column, times_changed

# Enough for all that is not a metric's, of a million versions, and for some metrics.
_MOST_BYTES = 128 * 2**20


class KeptColumns:
    """The columns asked for last, each as long as it is as it was. For any number of threads."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        # By column's number: of which state of the file, and what was read.
        self._kept: OrderedDict[int, tuple[object, Array]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, connection: sqlite3.Connection, column: Column, rows: int) -> Array:
        """The column's numbers of the rows 0 to `rows` - 1, as the snapshot of the connection has them."""
        state = tables_made(connection), times_changed(connection, column), rows
        with self._lock:
            known = self._kept.get(column.id)
            if known is not None and known[0] == state:
                self._kept.move_to_end(column.id)
                return known[1]
        numbers = read_column(connection, column, rows)
        with self._lock:
            self._forget(column.id)
            self._kept[column.id] = state, numbers
            self._bytes += numbers.nbytes
            while self._bytes > self._most_bytes:
                self._forget(next(iter(self._kept)))
        return numbers

    def _forget(self, column: int) -> None:
        if (known := self._kept.pop(column, None)) is not None:
            self._bytes -= known[1].nbytes
