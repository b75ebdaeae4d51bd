"""Rows in files, a column at a time: no file has to fit into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from narwhals.exceptions import ComputeError

from mooring.drift.frames import InvalidFrame

# As pandas, R and spreadsheets write what is missing.
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>"]
# ISO 8601, once T is a space and Z is an offset.
_TIMES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f%z")
_TRIED_FIRST = 100


@contextmanager
def rows_of(path: Path, texts: Collection[str] = ()) -> Iterator[pl.LazyFrame]:
    """The rows of a CSV or Parquet file. `texts`: columns of a CSV file that are text even if they look like numbers.

    A CSV file is gone through once, into a temporary file as large as itself, which columns can be read from. A column
    of it is of that type which all of its values have.

    Raises OSError where there is no such file, and InvalidFrame, also from within the `with` block, for one that
    cannot be read.
    """
    with path.open("rb"):
        pass
    if path.suffix not in (".csv", ".parquet"):
        raise InvalidFrame(f"{path} is neither .csv nor .parquet.")
    try:
        if path.suffix == ".parquet":
            yield pl.scan_parquet(path)
            return
        with tempfile.TemporaryDirectory(prefix="mooring-") as folder:
            columnar = Path(folder) / "rows.parquet"
            # As text first: polars looks for types row by row, which takes ten times as long as all the rest.
            pl.scan_csv(path, infer_schema=False, null_values=_MISSING).sink_parquet(columnar, compression="lz4")
            written = pl.scan_parquet(columnar)
            names = written.collect_schema().names()
            yield written.select(pl.col(name) if name in texts else _typed(written, name) for name in names)
    except (pl.exceptions.PolarsError, ComputeError) as error:
        raise InvalidFrame(f"{path} cannot be read: {error}") from error


def _typed(written: pl.LazyFrame, name: str) -> pl.Expr:
    """What makes values of the column's texts, if all of them are numbers, booleans or times; else the texts."""
    column = pl.col(name)
    moment = column.str.replace("T", " ", literal=True).str.replace("Z", "+0000", literal=True)
    present = written.select(column.drop_nulls()).collect().to_series()
    for values in (
        column.cast(pl.Float64, strict=False),
        column.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean),
        *(moment.str.to_datetime(form, time_unit="us", strict=False) for form in _TIMES),
    ):
        # Most columns are told by their first values; those that pass are then gone through.
        if all(_fits(values, some) for some in (present.head(_TRIED_FIRST), present)):
            return values
    return column


def _fits(values: pl.Expr, present: pl.Series) -> bool:
    return present.to_frame().select(values).to_series().null_count() == 0
