"""Columns that are kept: always what the file has, and no more than there is room for."""

import math
import sqlite3
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.web.columns import DOUBLES, FLAGS, ROWS, made
from web.reads.kept import KeptColumns
from web.tables.columns import TABLES, Column, ColumnWriter, read_column

KIB = 1_024


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([DOUBLES, FLAGS]), st.one_of(st.none(), st.integers(0, ROWS - 1)), st.integers(1, ROWS)
        ),
        max_size=30,
    )
)
def test_what_is_kept_is_what_the_file_has(steps: list[tuple[Column, int | None, int]]) -> None:
    """Each step sets a number or none, and reads the first so many of the column."""
    connection = made()
    writer, kept = ColumnWriter(connection), KeptColumns(16 * KIB)
    for step, (column, row, rows) in enumerate(steps):
        if row is not None:
            writer.set(row, (column,), (step,))
            writer.write()
        np.testing.assert_array_equal(kept.read(connection, column, rows), read_column(connection, column, rows))
    connection.close()


def test_a_column_is_read_once_as_long_as_nothing_changes_it(connection: sqlite3.Connection) -> None:
    writer, kept = ColumnWriter(connection), KeptColumns()
    first = kept.read(connection, DOUBLES, ROWS)
    writer.set(5, (FLAGS,), (1,))
    writer.write()
    assert kept.read(connection, DOUBLES, ROWS) is first
    writer.set(5, (DOUBLES,), (0.5,))
    writer.write()
    assert kept.read(connection, DOUBLES, ROWS)[5] == 0.5


def test_those_asked_for_last_are_kept(connection: sqlite3.Connection) -> None:
    one, two, three = (Column(number, "f8", math.nan) for number in (20, 21, 22))
    kept = KeptColumns(2 * ROWS * 8)
    first, second = kept.read(connection, one, ROWS), kept.read(connection, two, ROWS)
    assert kept.read(connection, one, ROWS) is first
    kept.read(connection, three, ROWS)
    assert kept.read(connection, one, ROWS) is first
    assert kept.read(connection, two, ROWS) is not second


def test_an_older_snapshot_is_answered_with_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "columns.sqlite3"
    writing, reading, later = (sqlite3.connect(path, isolation_level=None) for _ in range(3))
    writing.execute("PRAGMA journal_mode = WAL")
    for table in TABLES:
        writing.execute(table)
    writer, kept = ColumnWriter(writing), KeptColumns()
    reading.execute("BEGIN")
    assert math.isnan(kept.read(reading, DOUBLES, ROWS)[5])
    writer.set(5, (DOUBLES,), (0.5,))
    writer.write()
    assert kept.read(later, DOUBLES, ROWS)[5] == 0.5
    assert math.isnan(kept.read(reading, DOUBLES, ROWS)[5])
    for each in (reading, later, writing):
        each.close()
