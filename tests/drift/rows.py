"""Rows of a shop's customers, and what changes about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

# Any: columns of every type.
Rows = dict[str, Any]


def customers(n_rows: int = 2_000, seed: int = 1, *, older: float = 0.0, spending: float = 1.0) -> Rows:
    """A mapping of lists, with None where a value is missing. `older` and `spending` move two of the columns."""
    rng = np.random.default_rng(seed)
    missing = rng.random(n_rows) < 0.1
    age = np.round(rng.normal(45 + older, 12, n_rows), 1)
    days = rng.integers(0, 1_000, n_rows)
    return {
        "age": [None if gone else value for gone, value in zip(missing, age.tolist(), strict=True)],
        "spent": np.round(rng.lognormal(3, 1, n_rows) * spending, 2).tolist(),
        "visits": rng.poisson(30, n_rows).tolist(),
        "children": rng.integers(0, 4, n_rows).tolist(),
        "region": rng.choice(["north", "south", "east", "west"], n_rows, p=[0.4, 0.3, 0.2, 0.1]).tolist(),
        "member": [
            None if gone else value
            for gone, value in zip(missing[::-1], (rng.random(n_rows) < 0.6).tolist(), strict=True)
        ],
        "since": [
            np.datetime64("2024-01-01", "us").item() + pd.Timedelta(days=day).to_pytimedelta() for day in days.tolist()
        ],
        "note": [f"customer {number} of {seed}" for number in range(n_rows)],
        "fax": [None] * n_rows,
    }


def as_object(values: list[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def structured(rows: Rows) -> Any:
    """A structured array of those columns that one can hold: numbers and texts, NaN for what is missing."""
    columns = {name: np.array(pd.Series(rows[name]).to_numpy()) for name in ("age", "spent", "visits", "region")}
    columns["region"] = columns["region"].astype("U10")
    found = np.empty(len(rows["age"]), dtype=[(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        found[name] = column
    return found


FRAMES: dict[str, Callable[[Rows], Any]] = {
    "lists": lambda rows: rows,
    "object arrays": lambda rows: {name: as_object(values) for name, values in rows.items()},
    "pandas": lambda rows: pd.DataFrame(rows),
    "pandas with its own types": lambda rows: pd.DataFrame(rows).convert_dtypes(),
    "pandas with categories": lambda rows: pd.DataFrame(rows).astype({"region": "category"}),
    "pandas with objects": lambda rows: pd.DataFrame({name: as_object(values) for name, values in rows.items()}),
    "polars": lambda rows: pl.DataFrame(rows),
    "polars with categories": lambda rows: pl.DataFrame(rows).with_columns(pl.col("region").cast(pl.Categorical)),
    "polars, lazy": lambda rows: pl.LazyFrame(rows),
}
"""The same rows in frames of every kind that can hold all of their columns."""
