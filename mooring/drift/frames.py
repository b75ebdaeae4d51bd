"""Frames of every kind, read one column at a time, so that none is ever copied whole.

pandas, polars and what else narwhals knows, lazy ones too; two-dimensional and structured numpy arrays; mappings of
names to columns.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from mooring.drift.sketches import (
    Categories,
    CategorySketch,
    Column,
    Kind,
    Numbers,
    Origin,
    Presence,
    PresenceSketch,
    Sketch,
    as_categories,
    category_of,
)
from mooring.errors import DependencyMissing, MooringError
from mooring.metrics.arrays import is_missing

# Any, in this module: whatever the caller's rows are in.
Read = Callable[[], nw.Series[Any]]


LARGEST = 1e100
"""A number farther from 0 counts as missing, as infinity does: the like stand for what is not known."""


class InvalidFrame(MooringError, ValueError):
    """Rows that cannot be compared. `columns` names the culprits; it is empty where it is the frame itself."""

    def __init__(self, problem: str, columns: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.columns = tuple(columns)


class Frame:
    """The columns of a frame: their `names`, in order, and how many rows they have.

    Raises InvalidFrame for what is no frame, has no rows or no columns, or two columns of one name.
    """

    def __init__(self, given: Any) -> None:
        self._columns, self.n_rows = _opened(given)
        self.names = tuple(self._columns)
        if not self.names:
            raise InvalidFrame("The frame has no columns.")
        if not self.n_rows:
            raise InvalidFrame("The frame has no rows.")

    def series(self, name: str) -> nw.Series[Any]:
        """One column. Raises InvalidFrame where there is none of that name, or its values are of several types."""
        if name not in self._columns:
            near = difflib.get_close_matches(name, self.names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise InvalidFrame(f"The frame has no column {name!r}{hint}", [name])
        return self._columns[name]()


def beside(argument: str, given: Any, n_rows: int) -> nw.Series[Any]:
    """A column that is given beside the frame: a series, an array or a sequence of n values.

    Raises InvalidFrame, naming the argument, for what is none or has another length.
    """
    native = nw.from_native(given, series_only=True, pass_through=True)
    series = native if isinstance(native, nw.Series) else _from_values(argument, given)
    if len(series) != n_rows:
        raise InvalidFrame(f"{argument} has {len(series):,} values, but the frame has {n_rows:,} rows.")
    return series


def read(name: str, series: nw.Series[Any], rows: NDArray[np.int64]) -> Column:
    """A column by its own type; `rows` are those to sample. Raises InvalidFrame for what cannot be compared."""
    if isinstance(series.dtype, nw.Object):
        # pandas has booleans and dates as objects where some are missing.
        values = series.to_numpy().copy()
        values[series.is_null().to_numpy()] = None
        series = _from_values(name, values)
    if series.dtype.is_numeric():
        column: Numbers | Categories = _numbers(Kind.NUMBER, series, rows)
    elif isinstance(series.dtype, nw.Date | nw.Datetime):
        column = _numbers(Kind.TIME, series.dt.timestamp("us"), rows)
    elif isinstance(series.dtype, nw.Duration):
        column = _numbers(Kind.NUMBER, series.dt.total_microseconds(), rows)
    elif series.is_null().all():
        return Presence(0, len(series))
    else:
        column = _categories(name, series, rows)
    return column if column.n_present else Presence(0, column.n_missing)


def read_as(sketch: Sketch, name: str, series: nw.Series[Any], rows: NDArray[np.int64]) -> Column:
    """A column as the reference has it. Raises InvalidFrame where it is of another type than there."""
    column = read(name, series, rows)
    if isinstance(sketch, PresenceSketch) or isinstance(column, Presence):
        return Presence(column.n_present, column.n_missing)
    if isinstance(sketch, CategorySketch) and isinstance(column, Numbers) and column.kind is Kind.NUMBER:
        return as_categories(column)
    kind = column.kind if isinstance(column, Numbers) else Kind.CATEGORY
    if kind is not sketch.kind:
        raise InvalidFrame(
            f"Column {name!r} holds {_HOLDS[kind]}, but {_HOLDS[sketch.kind]} in the reference. Convert it, or make "
            "the reference anew.",
            [name],
        )
    return column


_HOLDS = {Kind.NUMBER: "numbers", Kind.TIME: "times", Kind.CATEGORY: "categories"}


def _opened(given: Any) -> tuple[dict[str, Read], int]:
    """How to read each column, by name, and the number of rows."""
    try:
        frame = nw.from_native(given, pass_through=True)
    except nw.exceptions.DuplicateError:
        raise InvalidFrame("Two columns of the frame have the same name.") from None
    if isinstance(frame, nw.DataFrame | nw.LazyFrame):
        # pandas may have named its columns by numbers.
        return {str(name): partial(_selected, frame, name) for name in frame.collect_schema().names()}, _length(frame)
    if isinstance(given, np.ndarray) and given.dtype.names is not None:
        given = {name: given[name] for name in given.dtype.names}
    elif isinstance(given, np.ndarray) and given.ndim == 2:
        given = {f"x{number}": given[:, number] for number in range(given.shape[1])}
    if not isinstance(given, Mapping):
        raise InvalidFrame(
            f"{type(given).__name__} is no frame. Give a pandas or polars frame, a two-dimensional or structured numpy "
            "array, or a mapping of names to columns."
        )
    lengths = {len(values) for values in given.values()}
    if len(lengths) > 1:
        raise InvalidFrame("The columns of the mapping differ in length.")
    return {str(name): partial(_from_values, str(name), values) for name, values in given.items()}, max(
        lengths, default=0
    )


def _selected(frame: nw.DataFrame[Any] | nw.LazyFrame[Any], name: str) -> nw.Series[Any]:
    column = frame.select(nw.col(name))
    return (column.collect() if isinstance(column, nw.LazyFrame) else column).get_column(name)


def _length(frame: nw.DataFrame[Any] | nw.LazyFrame[Any]) -> int:
    return int(frame.select(nw.len()).collect().item()) if isinstance(frame, nw.LazyFrame) else len(frame)


def _from_values(name: str, given: Any) -> nw.Series[Any]:
    """An array or a sequence as a series. Raises InvalidFrame where the values are of several types."""
    try:
        import polars as pl
    except ImportError as error:
        raise DependencyMissing("polars", extra="drift") from error
    values = given
    if isinstance(given, np.ndarray):
        if given.ndim != 1:
            raise InvalidFrame(f"Column {name!r} must have one dimension, not {given.ndim}.", [name])
        if given.dtype.kind in "cSV":
            raise InvalidFrame(f"Column {name!r} holds {given.dtype}, which cannot be compared.", [name])
        if given.dtype.kind == "O":
            values = [None if is_missing(value) else value for value in given.tolist()]
        elif given.dtype.kind == "M" and np.datetime_data(given.dtype)[0] not in ("D", "ms", "us", "ns"):
            values = given.astype("datetime64[us]")
    try:
        return nw.from_native(pl.Series(name, values, strict=True), series_only=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        raise InvalidFrame(
            f"Column {name!r} must hold values of one type: numbers, texts, booleans or times.", [name]
        ) from None


def _numbers(kind: Kind, series: nw.Series[Any], rows: NDArray[np.int64]) -> Numbers:
    values = series.cast(nw.Float64).to_numpy()
    # False of NaN, too.
    finite = np.abs(values) <= LARGEST
    present = np.sort(values[finite])
    return Numbers(kind, present, len(values) - len(present), np.where(finite[rows], values[rows], np.nan))


def _categories(name: str, series: nw.Series[Any], rows: NDArray[np.int64]) -> Categories:
    if isinstance(series.dtype, nw.Boolean):
        origin = Origin.BOOLEAN
    elif isinstance(series.dtype, nw.String | nw.Categorical | nw.Enum):
        origin = Origin.TEXT
    else:
        raise InvalidFrame(
            f"Column {name!r} holds {series.dtype}, which cannot be compared: leave it out by naming the others.",
            [name],
        )
    missing = series.is_null()
    # By a name of ours: the column's own may be that of the counts.
    counted = series.drop_nulls().alias("value").value_counts(sort=False, name="rows").rows()
    sampled = zip(series[rows].to_list(), missing[rows].to_list(), strict=True)
    return Categories(
        origin,
        # pandas counts the categories that a column could have and has not.
        {category_of(value): int(count) for value, count in counted if count},
        int(missing.sum()),
        [None if is_missing else category_of(value) for value, is_missing in sampled],
    )
