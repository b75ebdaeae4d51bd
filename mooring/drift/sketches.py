"""What a reference keeps of a column: a bounded summary, from which `mooring.drift.univariate` makes its tests.

Quantiles with exact counts rather than a streaming sketch (KLL, t-digest): the column is at hand when the reference is
made, so nothing has to be forgotten on the way. The same rows in any order give the same summary, and what it does not
know is bounded by a number, not by a probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

GRID = 1_000
"""Less than one in so many of a column's rows stands between two neighbours of the numbers that are kept."""

PSI_BINS = 10
"""The population stability index of numbers has so many bins, with equally many rows of the reference."""

MAX_CATEGORIES = 1_000
"""How many categories are kept, the most frequent ones. The rows of the others are counted together."""

FEW_NUMBERS = 10
"""Numbers with no more distinct values are categories, where each has as many rows on average."""

MANY_TEXTS = 20
"""Text with more distinct values, of which it has more than one for every two rows, is none: ids, names, sentences."""

# The domain classifier's trees tell 255 categories apart: these, the rarer ones together, and what the reference lacks.
_CODES = 253
_RARE, _NEW = _CODES, _CODES + 1


class Kind(StrEnum):
    """How a column is compared."""

    NUMBER = "number"
    TIME = "time"
    CATEGORY = "category"
    TEXT = "text"
    EMPTY = "empty"


class Origin(StrEnum):
    """What the categories of a column were before they became text."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column of numbers, or of times in microseconds since 1970, UTC.

    `present`: its finite values, ascending. `sampled`: its values in some chosen rows, in their order, NaN is missing.
    """

    kind: Kind
    present: NDArray[np.float64]
    n_missing: int
    sampled: NDArray[np.float64]

    @property
    def n_present(self) -> int:
        return len(self.present)


@dataclass(frozen=True, eq=False)
class Categories:
    """A column of categories: the rows of each, and the categories of chosen rows, in their order, None is missing."""

    origin: Origin
    counts: Mapping[str, int]
    n_missing: int
    sampled: Sequence[str | None]

    @property
    def n_present(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Presence:
    """A column of which only that is known: how many rows have a value, and how many have none."""

    n_present: int
    n_missing: int


Column = Numbers | Categories | Presence


@dataclass(frozen=True, eq=False)
class NumberSketch:
    """The distribution of a column of numbers or times, by m distinct `values`, ascending.

    Of the `n_present` rows `below[i]` are less than `values[i]`, and `upto[i]` are no greater: both exact. `std` is the
    standard deviation of all of them, divided by n. Raises ValueError for what no column can have.
    """

    kind: Kind
    n_missing: int
    values: NDArray[np.float64]
    below: NDArray[np.int64]
    upto: NDArray[np.int64]
    std: float

    def __post_init__(self) -> None:
        if self.kind not in (Kind.NUMBER, Kind.TIME):
            raise ValueError(f"kind must be number or time, not {self.kind}")
        _check_missing(self.n_missing)
        if not len(self.values) or not len(self.values) == len(self.below) == len(self.upto):
            raise ValueError("values, below and upto must be equally many, at least one")
        if not np.isfinite(self.values).all() or (np.diff(self.values) <= 0).any():
            raise ValueError("values must be finite and ascend")
        if self.below[0] != 0 or (self.upto <= self.below).any() or (self.between < 0).any():
            raise ValueError("below and upto must count rows, from 0 upwards")
        if not (np.isfinite(self.std) and self.std >= 0):
            raise ValueError(f"std must be finite and not negative, not {self.std}")

    @property
    def n_present(self) -> int:
        return int(self.upto[-1])

    @property
    def between(self) -> NDArray[np.int64]:
        """How many rows stand between each kept value and the next: m - 1 counts."""
        return self.below[1:] - self.upto[:-1]

    @property
    def is_exact(self) -> bool:
        """Whether every distinct value of the column is kept."""
        return not self.between.any()

    @property
    def ks_error(self) -> float:
        """By how much a Kolmogorov-Smirnov statistic against this summary can be too small. It is never too large."""
        return float(self.between.max(initial=0) / self.n_present)

    @property
    def wasserstein_error(self) -> float:
        """By how much a Wasserstein distance to this summary can be off either way, in the column's unit."""
        return float(self.between @ np.diff(self.values) / self.n_present)


@dataclass(frozen=True, eq=False)
class CategorySketch:
    """The distribution of a column of categories: the rows of each that is kept, the most frequent first.

    `n_other_rows` more rows have one of `n_other` categories that are not kept. Raises ValueError for what no column
    can have.
    """

    origin: Origin
    n_missing: int
    counts: Mapping[str, int]
    n_other: int = 0
    n_other_rows: int = 0

    def __post_init__(self) -> None:
        _check_missing(self.n_missing)
        if not self.counts or min(self.counts.values()) < 1:
            raise ValueError("categories must be at least one, with at least one row each")
        if not 0 <= self.n_other <= self.n_other_rows or (self.n_other == 0 and self.n_other_rows):
            raise ValueError("n_other_rows must be at least n_other, and 0 where that is 0")

    @property
    def kind(self) -> Kind:
        return Kind.CATEGORY

    @property
    def n_present(self) -> int:
        return sum(self.counts.values()) + self.n_other_rows

    @property
    def is_exact(self) -> bool:
        """Whether every category of the column is kept."""
        return self.n_other == 0


@dataclass(frozen=True)
class PresenceSketch:
    """How many rows of a column have a value, and nothing of the values: of text, and of a column that is empty."""

    kind: Kind
    n_present: int
    n_missing: int

    def __post_init__(self) -> None:
        if self.kind not in (Kind.TEXT, Kind.EMPTY):
            raise ValueError(f"kind must be text or empty, not {self.kind}")
        _check_missing(self.n_missing)
        if self.n_present < 0 or (self.n_present == 0) != (self.kind is Kind.EMPTY):
            raise ValueError("n_present must be 0 in an empty column, and positive in one of text")


Sketch = NumberSketch | CategorySketch | PresenceSketch


def sketch_of(column: Column, *, categorical: bool = False) -> tuple[Sketch, Column]:
    """The summary of a column, and the column as it is compared from now on.

    Numbers of few values become categories, and all numbers do where they are said to be `categorical`. Text that
    is nearly never the same twice is kept as what is present, unless it is said to be `categorical`.
    """
    if isinstance(column, Presence):  # without a value
        return PresenceSketch(Kind.EMPTY, 0, column.n_missing), column
    if isinstance(column, Numbers):
        if column.kind is Kind.TIME or not (categorical or _has_few_values(column)):
            return _sketch_of_numbers(column), column
        column = as_categories(column)
    elif not categorical and len(column.counts) > max(MANY_TEXTS, column.n_present / 2):
        presence = Presence(column.n_present, column.n_missing)
        return PresenceSketch(Kind.TEXT, column.n_present, column.n_missing), presence
    return _sketch_of_categories(column), column


def as_categories(column: Numbers) -> Categories:
    """A column of numbers as categories: each number's name is how it is written, whole ones without a point."""
    values, counts = np.unique(column.present, return_counts=True)
    names = {value: category_of(value) for value in values.tolist()}
    return Categories(
        Origin.NUMBER,
        dict(zip(names.values(), counts.tolist(), strict=True)),
        column.n_missing,
        [None if value != value else names[value] for value in column.sampled.tolist()],
    )


def category_of(value: object) -> str:
    """The name of a category that is a number, a boolean or anything else: the same from every kind of frame."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def encoded(sketch: NumberSketch | CategorySketch, column: Column, n_sampled: int) -> NDArray[np.float64]:
    """The sampled rows of a column as the domain classifier takes them, NaN for missing.

    Categories become their rank in the sketch, from 0. Those that are rarer than 253 others share a number, as do
    those that it does not have.
    """
    if isinstance(column, Numbers):
        return column.sampled
    if isinstance(column, Presence):  # without a value
        return np.full(n_sampled, np.nan)
    assert isinstance(sketch, CategorySketch)
    codes = {name: float(min(rank, _RARE)) for rank, name in enumerate(sketch.counts)}
    # Where not every category is kept, one that is not there may be rare as well as new.
    other = float(_NEW if sketch.is_exact else _RARE)
    return np.array([np.nan if name is None else codes.get(name, other) for name in column.sampled])


def _has_few_values(column: Numbers) -> bool:
    distinct = 1 + int(np.count_nonzero(np.diff(column.present)))
    return distinct <= FEW_NUMBERS and distinct * FEW_NUMBERS <= column.n_present


def _sketch_of_numbers(column: Numbers) -> NumberSketch:
    ascending = column.present
    kept = ascending[_ranks(ascending)]
    values = kept[np.flatnonzero(np.diff(kept, prepend=-np.inf))]
    return NumberSketch(
        column.kind,
        column.n_missing,
        values,
        np.searchsorted(ascending, values, "left").astype(np.int64),
        np.searchsorted(ascending, values, "right").astype(np.int64),
        float(ascending.std()),
    )


def _ranks(ascending: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rows to keep: of each distinct value one, if they are few; else a grid, ever finer towards both ends.

    The ends are where values are far apart, and where a coarse grid would leave a Wasserstein distance in the dark.
    The ends of the bins for the population stability index are among them.
    """
    first_of_each = np.flatnonzero(np.diff(ascending, prepend=-np.inf))
    if len(first_of_each) <= GRID:
        return first_of_each
    last = len(ascending) - 1
    grid = np.ceil(np.linspace(0, last, GRID + 1))
    bins = np.ceil(len(ascending) * np.arange(1, PSI_BINS) / PSI_BINS) - 1
    tail = 2 ** np.arange(np.log2(max(last / GRID, 1)) + 1) - 1
    return np.unique(np.concatenate([grid, bins, tail, last - tail])).astype(np.int64)


def _sketch_of_categories(column: Categories) -> CategorySketch:
    ranked = sorted(column.counts.items(), key=lambda item: (-item[1], item[0]))
    kept, others = ranked[:MAX_CATEGORIES], ranked[MAX_CATEGORIES:]
    return CategorySketch(column.origin, column.n_missing, dict(kept), len(others), sum(rows for _, rows in others))


def _check_missing(n_missing: int) -> None:
    if n_missing < 0:
        raise ValueError(f"n_missing must not be negative, not {n_missing}")
