"""What is kept of a column: bounded, the same in any order, and off by no more than it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from mooring.drift import univariate
from mooring.drift.sketches import (
    FEW_NUMBERS,
    GRID,
    MAX_CATEGORIES,
    Categories,
    CategorySketch,
    Kind,
    Numbers,
    NumberSketch,
    Origin,
    Presence,
    PresenceSketch,
    as_categories,
    encoded,
    sketch_of,
)

law = settings(deadline=None)
NUMBERS = st.lists(st.integers(-50, 50).map(lambda n: n / 4), min_size=1, max_size=60)

DRAWS: dict[str, Any] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(sigma=2, size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(size=n),
    "many zeros": lambda rng, n: np.where(rng.random(n) < 0.7, 0.0, rng.exponential(size=n)),
    "whole numbers": lambda rng, n: rng.poisson(2_000, size=n).astype(float),
    "times": lambda rng, n: 1.7e15 + np.floor(rng.random(n) * 1e12),
}


def numbers(values: Any, n_missing: int = 0, kind: Kind = Kind.NUMBER) -> Numbers:
    ascending = np.sort(np.asarray(values, dtype=np.float64))
    return Numbers(kind, ascending, n_missing, np.asarray(values, dtype=np.float64)[:3])


def categories(counts: dict[str, int], n_missing: int = 0, sampled: list[str | None] | None = None) -> Categories:
    return Categories(Origin.TEXT, counts, n_missing, sampled or [])


def sketched(values: Any) -> NumberSketch:
    sketch, _ = sketch_of(numbers(values))
    assert isinstance(sketch, NumberSketch)
    return sketch


@law
@given(NUMBERS)
def test_the_counts_are_exact(values: list[float]) -> None:
    sketch = sketched(values) if len(values) < FEW_NUMBERS else sketched([*values, *range(100, 100 + FEW_NUMBERS)])
    rows = np.array(values if len(values) < FEW_NUMBERS else [*values, *range(100, 100 + FEW_NUMBERS)])
    assert sketch.is_exact
    assert sketch.values.tolist() == sorted(set(rows))
    assert sketch.below.tolist() == [(rows < value).sum() for value in sketch.values]
    assert sketch.upto.tolist() == [(rows <= value).sum() for value in sketch.values]
    assert sketch.std == pytest.approx(rows.std())


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("n_rows", [1_500, 20_000])
def test_a_large_column_is_summarised_with_a_bounded_error(draw: str, n_rows: int) -> None:
    rng = np.random.default_rng(7)
    rows, others = DRAWS[draw](rng, n_rows), np.sort(DRAWS[draw](rng, 3_000))
    sketch = sketched(rows)
    assert len(sketch.values) <= GRID + 50
    assert sketch.n_present == n_rows
    assert sketch.ks_error < 1 / GRID
    assert sketch.upto.tolist() == [(rows <= value).sum() for value in sketch.values]
    exact = stats.ks_2samp(rows, others).statistic
    found = univariate.kolmogorov_smirnov(sketch, others).statistic
    assert exact - sketch.ks_error - 1e-12 <= found <= exact + 1e-12
    distance = stats.wasserstein_distance(rows, others)
    assert abs(univariate.wasserstein(sketch, others) - distance) <= sketch.wasserstein_error + 1e-9 * rows.std()


def test_the_tails_are_kept_finer_than_the_middle() -> None:
    """Else the greatest thousandth of a heavy-tailed column would decide how far the distance may be off."""
    rows = np.random.default_rng(3).lognormal(sigma=1, size=200_000)
    assert sketched(rows).wasserstein_error < 0.015 * rows.std()


@law
@given(NUMBERS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(values: list[float], random: Any) -> None:
    shuffled = random.sample(values, len(values))
    one, other = (sketch_of(numbers(each))[0] for each in (values, shuffled))
    assert described(one) == described(other)


def described(sketch: Any) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(sketch).items()}


def test_numbers_of_few_values_are_categories() -> None:
    flags = np.tile([0.0, 1.0, 1.0], 50)
    sketch, column = sketch_of(numbers(flags))
    assert isinstance(sketch, CategorySketch)
    assert sketch.counts == {"1": 100, "0": 50}
    assert isinstance(column, Categories)
    assert column.sampled == ["0", "1", "1"]
    # Too few rows to tell.
    assert isinstance(sketch_of(numbers([0.0, 1.0, 1.0]))[0], NumberSketch)
    # Times are not.
    assert isinstance(sketch_of(numbers(flags, kind=Kind.TIME))[0], NumberSketch)


def test_numbers_are_categories_where_they_are_said_to_be() -> None:
    sketch, _ = sketch_of(numbers([101.0, 102.5, 101.0]), categorical=True)
    assert isinstance(sketch, CategorySketch)
    assert sketch.counts == {"101": 2, "102.5": 1}
    assert sketch.origin is Origin.NUMBER


def test_text_that_is_never_the_same_twice_is_only_there_or_not() -> None:
    ids = {f"id {number}": 1 for number in range(100)}
    assert sketch_of(categories(ids, n_missing=7)) == (PresenceSketch(Kind.TEXT, 100, 7), Presence(100, 7))
    assert isinstance(sketch_of(categories(ids), categorical=True)[0], CategorySketch)
    assert isinstance(sketch_of(categories(dict.fromkeys(ids, 3)))[0], CategorySketch)


def test_an_empty_column() -> None:
    assert sketch_of(Presence(0, 5))[0] == PresenceSketch(Kind.EMPTY, 0, 5)


def test_only_the_most_frequent_categories_are_kept() -> None:
    counts = {f"c{number}": 2_000 - number for number in range(MAX_CATEGORIES + 50)}
    sketch, _ = sketch_of(categories(counts))
    assert isinstance(sketch, CategorySketch)
    assert len(sketch.counts) == MAX_CATEGORIES
    assert next(iter(sketch.counts)) == "c0"
    assert (sketch.n_other, sketch.n_other_rows) == (50, sum(sorted(counts.values())[:50]))
    assert sketch.n_present == sum(counts.values())
    assert not sketch.is_exact


def test_codes_for_the_classifier() -> None:
    sketch, column = sketch_of(categories({"often": 9, "seldom": 1}, 1, ["seldom", None, "often"]))
    assert isinstance(sketch, CategorySketch)
    assert np.array_equal(encoded(sketch, column, 3), [1, np.nan, 0], equal_nan=True)
    later = categories({"often": 1, "never": 1}, 0, ["never", "often"])
    assert encoded(sketch, later, 2).tolist() == [254, 0]
    assert np.isnan(encoded(sketch, Presence(0, 2), 2)).all()
    many = CategorySketch(Origin.TEXT, 0, {f"c{number}": 1 for number in range(400)}, 1, 1)
    assert encoded(many, categories({}, 0, ["c0", "c252", "c253", "c399", "other"]), 5).tolist() == [
        0,
        252,
        253,
        253,
        253,
    ]


def test_numbers_as_categories_have_the_names_that_frames_give_them() -> None:
    found = as_categories(numbers([2.0, -0.0, 0.0, 1e20, 0.1], 1))
    assert found.counts == {"0": 2, "0.1": 1, "2": 1, "100000000000000000000": 1}


def array(*values: float) -> NDArray[Any]:
    return np.array(values)


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: NumberSketch(Kind.CATEGORY, 0, array(1.0), array(0), array(1), 0.0),
        lambda: NumberSketch(Kind.NUMBER, -1, array(1.0), array(0), array(1), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(), array(), array(), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(1.0, 2.0), array(0), array(1), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(2.0, 1.0), array(0, 1), array(1, 2), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(1.0, np.inf), array(0, 1), array(1, 2), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(1.0, 2.0), array(1, 2), array(2, 3), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(1.0, 2.0), array(0, 1), array(2, 3), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(1.0, 2.0), array(0, 1), array(1, 1), 0.0),
        lambda: NumberSketch(Kind.NUMBER, 0, array(1.0), array(0), array(1), -1.0),
        lambda: CategorySketch(Origin.TEXT, 0, {}),
        lambda: CategorySketch(Origin.TEXT, 0, {"a": 0}),
        lambda: CategorySketch(Origin.TEXT, -1, {"a": 1}),
        lambda: CategorySketch(Origin.TEXT, 0, {"a": 1}, n_other=2, n_other_rows=1),
        lambda: CategorySketch(Origin.TEXT, 0, {"a": 1}, n_other=0, n_other_rows=1),
        lambda: PresenceSketch(Kind.NUMBER, 1, 0),
        lambda: PresenceSketch(Kind.EMPTY, 1, 0),
        lambda: PresenceSketch(Kind.TEXT, 0, 1),
    ],
)
def test_the_impossible_is_refused(impossible: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        impossible()
