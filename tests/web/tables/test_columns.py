"""Columns: what is set is what is read, in whatever portions, and a chunk is a page's worth."""

import math
import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.columns import DOUBLES, FLAGS, ROWS, made
from web.tables.columns import Column, ColumnWriter, read_column, read_some, times_changed


@given(
    portions=st.lists(
        st.dictionaries(st.integers(0, ROWS - 1), st.floats(allow_nan=False, width=32), max_size=20), max_size=5
    )
)
def test_what_was_set_last_is_read_and_the_rest_is_absent(portions: list[dict[int, float]]) -> None:
    connection = made()
    writer = ColumnWriter(connection)
    expected: dict[int, float] = {}
    for portion in portions:
        for row, value in portion.items():
            writer.set(row, (DOUBLES, FLAGS), (value, row % 2))
        writer.write()
        expected |= portion
    doubles, flags = read_column(connection, DOUBLES, ROWS), read_column(connection, FLAGS, ROWS)
    assert {row: value for row, value in enumerate(doubles.tolist()) if not math.isnan(value)} == expected
    assert {row: flag for row, flag in enumerate(flags.tolist()) if flag != 255} == {row: row % 2 for row in expected}
    some = np.array(sorted(expected), np.int64)
    assert read_some(connection, DOUBLES, some).tolist() == [expected[row] for row in sorted(expected)]
    connection.close()


def test_a_column_that_nothing_was_set_in_is_absent_all_over(connection: sqlite3.Connection) -> None:
    assert np.isnan(read_column(connection, DOUBLES, ROWS)).all()
    assert (read_some(connection, FLAGS, np.array([3, 900])) == 255).all()


@pytest.mark.parametrize("column", [DOUBLES, FLAGS, Column(9, "u4", 0)])
def test_a_chunk_fits_into_one_page_of_the_file(column: Column, connection: sqlite3.Connection) -> None:
    writer = ColumnWriter(connection)
    for row in range(3 * column.of_a_chunk):
        writer.set(row, (column,), (1,))
    before = connection.execute("PRAGMA page_count").fetchone()[0]
    writer.write()
    after = connection.execute("PRAGMA page_count").fetchone()[0]
    # One page each, and one or two of the tree above them: a chunk that spilled would have doubled it.
    assert after - before <= 3 + 2


def test_what_changes_nothing_writes_nothing(connection: sqlite3.Connection) -> None:
    writer = ColumnWriter(connection)
    writer.set(5, (DOUBLES,), (0.5,))
    writer.write()
    before = connection.total_changes
    writer.set(5, (DOUBLES,), (0.5,))
    writer.set(6, (DOUBLES,), (math.nan,))
    writer.set(7, (Column(10, "f8", math.nan),), (math.nan,))
    writer.write()
    assert connection.total_changes == before
    assert times_changed(connection, DOUBLES) == 1


def test_a_change_of_a_column_is_counted_for_that_column_alone(connection: sqlite3.Connection) -> None:
    writer = ColumnWriter(connection)
    for value in (0.5, 0.6):
        writer.set(5, (DOUBLES,), (value,))
        writer.set(ROWS - 1, (DOUBLES,), (value,))
        writer.write()
    assert (times_changed(connection, DOUBLES), times_changed(connection, FLAGS)) == (2, 0)


def test_what_was_forgotten_is_not_written(connection: sqlite3.Connection) -> None:
    writer = ColumnWriter(connection)
    writer.set(5, (DOUBLES,), (0.5,))
    writer.forget()
    writer.write()
    assert np.isnan(read_column(connection, DOUBLES, ROWS)).all()


def test_as_many_numbers_as_columns_have_to_be_given(connection: sqlite3.Connection) -> None:
    with pytest.raises(ValueError, match="zip"):
        ColumnWriter(connection).set(1, (DOUBLES, FLAGS), (0.5,))
