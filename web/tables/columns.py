"""Columns: for every version one number each of what lists are narrowed to and sorted by, packed into SQLite's rows.

A list of a million versions is asked for by any filter and any sort key, and no index serves them all: where what is
filtered goes together with what is sorted by, a walk of either index meets nearly every row before it has a page. Here
a query reads the few columns that it names, each some milliseconds for a million versions, and numpy does the rest:
the cost is the same whatever is asked for, and how many there are is known as well.

A column is cut into chunks, each of which fits into one page of the file together with its place, so that reading a
column is reading its pages, and a change dirties one page for each column that it changes. Chunks are rows like all
others: they change in the same transactions, and a reader sees them as of its own.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TABLES = (
    "CREATE TABLE columns (place INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    # How many transactions have changed a column: what was read of it holds as long as that stays.
    "CREATE TABLE column_changes (id INTEGER PRIMARY KEY, times INTEGER NOT NULL)",
)

# What a page of 4,096 bytes can hold of a row without a second page.
_CHUNK_BYTES = 4_000
_CHUNKS = 2**32

Number = int | float
Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Where a number of each version is kept. Made once each: a column equals only itself.

    `kind`: numpy's; `absent`: what stands where there is none.
    """

    id: int
    kind: str
    absent: Number

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(self.kind)

    @property
    def of_a_chunk(self) -> int:
        """How many numbers a chunk has."""
        return _CHUNK_BYTES // self.dtype.itemsize


class ColumnWriter:
    """Gathers what is to be set, and writes it chunk by chunk: what is set together is written together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._set: defaultdict[Column, dict[int, Number]] = defaultdict(dict)

    def set(self, row: int, columns: Iterable[Column], values: Iterable[Number]) -> None:
        """Have the numbers of a row set by the next `write`: in each of the columns one."""
        waiting = self._set
        for column, value in zip(columns, values, strict=True):
            waiting[column][row] = value

    def write(self) -> None:
        """Write what was set. To be called within a transaction; raises sqlite3.Error."""
        waiting, self._set = self._set, defaultdict(dict)
        for column, numbers in waiting.items():
            self._write(column, numbers)

    def forget(self) -> None:
        """Drop what was set and not written."""
        self._set.clear()

    def _write(self, column: Column, numbers: Mapping[int, Number]) -> None:
        rows = np.fromiter(numbers.keys(), np.int64, len(numbers))
        values = np.fromiter(numbers.values(), column.dtype, len(numbers))
        order = np.argsort(rows, kind="stable")
        rows, values = rows[order], values[order]
        chunks, firsts = np.unique(rows // column.of_a_chunk, return_index=True)
        ends = [*firsts[1:], len(rows)]
        empty = np.full(column.of_a_chunk, column.absent, column.dtype).tobytes()
        changed = []
        for chunk, first, end in zip(chunks.tolist(), firsts, ends, strict=True):
            place = _place(column, chunk)
            found = self._connection.execute("SELECT data FROM columns WHERE place = ?", (place,)).fetchone()
            before = empty if found is None else found[0]
            data = np.frombuffer(before, column.dtype).copy()
            data[rows[first:end] - chunk * column.of_a_chunk] = values[first:end]
            if (after := data.tobytes()) != before:
                changed.append((place, after))
        if changed:
            self._connection.executemany("INSERT OR REPLACE INTO columns VALUES (?, ?)", changed)
            self._connection.execute(
                "INSERT INTO column_changes VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1", (column.id,)
            )


def read_column(connection: sqlite3.Connection, column: Column, rows: int) -> Array:
    """The numbers of the rows 0 to `rows` - 1."""
    size = column.of_a_chunk
    places = (_place(column, 0), _place(column, rows // size))
    cursor = connection.cursor()
    cursor.row_factory = _first
    chunks = cursor.execute("SELECT data FROM columns WHERE place BETWEEN ? AND ? ORDER BY place", places).fetchall()
    if len(chunks) == places[1] - places[0] + 1:
        # Nearly always: all chunks are there, and follow each other.
        return np.frombuffer(b"".join(chunks), column.dtype, rows)
    numbers = np.full((rows // size + 1) * size, column.absent, column.dtype)
    for place, data in connection.execute("SELECT place, data FROM columns WHERE place BETWEEN ? AND ?", places):
        first = (place - places[0]) * size
        numbers[first : first + size] = np.frombuffer(data, column.dtype)
    return numbers[:rows]


def read_some(connection: sqlite3.Connection, column: Column, rows: NDArray[np.int64]) -> Array:
    """The numbers of these rows: only the chunks that have them are read."""
    numbers = np.full(len(rows), column.absent, column.dtype)
    of_rows, within = np.divmod(rows, column.of_a_chunk)
    for chunk in np.unique(of_rows).tolist():
        found = connection.execute("SELECT data FROM columns WHERE place = ?", (_place(column, chunk),)).fetchone()
        if found is not None:
            wanted = of_rows == chunk
            numbers[wanted] = np.frombuffer(found[0], column.dtype)[within[wanted]]
    return numbers


def times_changed(connection: sqlite3.Connection, column: Column) -> int:
    """How many transactions have changed the column."""
    found = connection.execute("SELECT times FROM column_changes WHERE id = ?", (column.id,)).fetchone()
    return 0 if found is None else int(found[0])


# Any: as sqlite3 types it.
def _first(_: sqlite3.Cursor, row: tuple[Any, ...]) -> Any:
    return row[0]


def _place(column: Column, chunk: int) -> int:
    return column.id * _CHUNKS + chunk
