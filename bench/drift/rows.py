"""Rows of 50 columns: numbers with and without missing values, whole numbers, categories few and many, flags, times."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

N_NUMBERS, N_COUNTS, N_CATEGORIES, N_FLAGS = 30, 5, 12, 2
_CATEGORIES = (5, 20, 100, 2_000)
_MISSING = 0.05


def write(path: Path, n_rows: int, seed: int, shift: float = 0.0) -> None:
    """Write them as Parquet. `shift` moves the first three columns, and turns the first categories round."""
    rng = np.random.default_rng(seed)
    columns: dict[str, pl.Series] = {}
    for number in range(N_NUMBERS):
        values = rng.lognormal(size=n_rows) if number % 3 == 0 else rng.normal(size=n_rows)
        values += shift if number < 3 else 0
        missing = rng.random(n_rows) < (_MISSING if number % 5 == 0 else 0)
        columns[f"number_{number}"] = pl.Series(np.where(missing, np.nan, values)).fill_nan(None)
    for number in range(N_COUNTS):
        columns[f"count_{number}"] = pl.Series(rng.integers(0, 10 ** (number + 2), n_rows))
    for number in range(N_CATEGORIES):
        names = pl.Series([f"category {rank}" for rank in range(_CATEGORIES[number % len(_CATEGORIES)])])
        weights = 1 / np.arange(1, len(names) + 1)
        if number == 0 and shift:
            weights = weights[::-1]
        columns[f"category_{number}"] = names.gather(rng.choice(len(names), n_rows, p=weights / weights.sum()))
    for number in range(N_FLAGS):
        columns[f"flag_{number}"] = pl.Series(rng.random(n_rows) < 0.3)
    seconds = rng.integers(0, 365 * 86_400, n_rows).astype("timedelta64[s]").astype("timedelta64[us]")
    columns["since"] = pl.Series(np.datetime64("2025-01-01", "us") + seconds)
    pl.DataFrame(columns).write_parquet(path)


if __name__ == "__main__":
    # A process of its own: what it needs would count as its parent's, and so as that of all further children.
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    if len(sys.argv) > 5:
        pl.scan_parquet(sys.argv[1]).sink_csv(sys.argv[5])
