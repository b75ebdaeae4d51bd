"""One column: by hand, against SciPy, and laws that hold on any."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mooring.drift.sketches import (
    Categories,
    CategorySketch,
    Kind,
    Numbers,
    NumberSketch,
    Origin,
    Presence,
    PresenceSketch,
    Sketch,
    sketch_of,
)
from mooring.drift.univariate import (
    Comparison,
    chi_square,
    compare,
    kolmogorov_smirnov,
    missing_test,
    psi,
    wasserstein,
)

law = settings(deadline=None)
NUMBERS = st.lists(st.integers(-20, 20).map(lambda n: n / 4), min_size=1, max_size=40)
COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=1)


def numbers(values: Any, n_missing: int = 0) -> Numbers:
    return Numbers(Kind.NUMBER, np.sort(np.asarray(values, dtype=np.float64)), n_missing, np.array([]))


def categories(counts: dict[str, int], n_missing: int = 0) -> Categories:
    return Categories(Origin.TEXT, counts, n_missing, [])


def sketched(values: Any, n_missing: int = 0) -> NumberSketch:
    column = numbers(values, n_missing)
    # Never as categories, however few they are.
    sketch, _ = sketch_of(Numbers(Kind.TIME, column.present, n_missing, column.sampled))
    assert isinstance(sketch, NumberSketch)
    return sketch


def compared(reference: dict[str, int], counts: dict[str, int]) -> Comparison:
    return compare(CategorySketch(Origin.TEXT, 0, reference), categories(counts))


# Numbers


@pytest.mark.filterwarnings("ignore:ks_2samp. Exact calculation unsuccessful")
@law
@given(NUMBERS, NUMBERS)
def test_kolmogorov_smirnov_is_scipys(reference: list[float], rows: list[float]) -> None:
    expected = stats.ks_2samp(reference, rows)
    found = kolmogorov_smirnov(sketched(reference), np.sort(rows))
    assert found == pytest.approx((expected.statistic, expected.pvalue), abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.5])
def test_kolmogorov_smirnov_of_many_rows_is_scipys_asymptotic_one(shift: float) -> None:
    rng = np.random.default_rng(2)
    # Of few distinct values, so that the summary is exact.
    reference, rows = rng.normal(size=5_000).round(2), np.sort(rng.normal(shift, size=3_000).round(2))
    expected = stats.ks_2samp(reference, rows, method="asymp")
    assert kolmogorov_smirnov(sketched(reference), rows) == pytest.approx(
        (expected.statistic, expected.pvalue), abs=1e-12
    )


@law
@given(NUMBERS, NUMBERS)
def test_the_wasserstein_distance_is_scipys(reference: list[float], rows: list[float]) -> None:
    found = wasserstein(sketched(reference), np.sort(rows))
    assert found == pytest.approx(stats.wasserstein_distance(reference, rows), abs=1e-12)


def test_the_wasserstein_distance_is_in_standard_deviations() -> None:
    rng = np.random.default_rng(4)
    reference = rng.normal(10, 3, 2_000)
    found = compare(sketched(reference), numbers(reference + 1.5))
    assert found.wasserstein == pytest.approx(1.5 / reference.std(), abs=0.01)
    # The unit does not matter.
    assert compare(sketched(reference * 60), numbers(reference * 60 + 90)).wasserstein == pytest.approx(
        found.wasserstein
    )
    # Where the reference does not vary there is none to measure in.
    assert compare(sketched([2.0, 2.0]), numbers([3.0])).wasserstein is None


def test_psi_by_hand() -> None:
    # Shares 0.5, 0.5 and 0.25, 0.75: 0.25 ln 1.5 - 0.25 ln 0.5.
    assert psi(np.array([[10, 5], [10, 15]])) == pytest.approx(0.25 * math.log(3))
    assert psi(np.array([[10, 20], [30, 60]])) == 0
    # An empty bin counts as half a row, one that is empty on both sides not at all.
    assert psi(np.array([[10, 10], [10, 0], [0, 0]])) == pytest.approx(0.5 * math.log(2) + (0.05 - 0.5) * math.log(0.1))


def test_psi_of_numbers_has_a_bin_for_each_tenth_of_the_reference() -> None:
    reference = np.random.default_rng(5).normal(size=3_000)
    rows = np.random.default_rng(6).normal(0.3, 1.2, size=1_000)
    inner = np.quantile(reference, np.arange(1, 10) / 10, method="inverted_cdf")
    bins = [np.bincount(np.searchsorted(inner, values, "left"), minlength=10) for values in (reference, rows)]
    assert bins[0].tolist() == [300] * 10
    assert compare(sketched(reference), numbers(rows)).psi == pytest.approx(psi(np.array(bins).T), rel=1e-12)


@pytest.mark.parametrize("rows", [[4.0] * 50, [6.0] * 50, [5.0] * 25 + [4.0] * 25])
def test_psi_sees_a_number_that_is_no_longer_the_only_one(rows: list[float]) -> None:
    assert compare(sketched([5.0] * 100), numbers([5.0] * 50)).psi == 0
    assert compare(sketched([5.0] * 100), numbers(rows)).psi > 1


@law
@given(NUMBERS, NUMBERS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(reference: list[float], rows: list[float], random: Random) -> None:
    shuffled = sketched(random.sample(reference, len(reference))), numbers(random.sample(rows, len(rows)))
    assert compare(*shuffled) == compare(sketched(reference), numbers(rows))


@law
@given(NUMBERS, NUMBERS)
def test_every_measure_of_numbers_is_in_its_range(reference: list[float], rows: list[float]) -> None:
    found = compare(sketched(reference), numbers(rows))
    assert found.distance is not None
    assert found.p_value is not None
    assert 0 <= found.distance <= 1
    assert 0 <= found.p_value <= 1
    assert found.psi >= 0
    same = compare(sketched(reference), numbers(reference))
    assert (same.distance, same.psi) == (0, 0)
    assert same.wasserstein == (None if len(set(reference)) == 1 else pytest.approx(0))


# Categories


@law
@given(st.lists(st.tuples(st.integers(20, 200), st.integers(20, 200)), min_size=2, max_size=6))
def test_chi_square_is_scipys(rows: list[tuple[int, int]]) -> None:
    table = np.array(rows)
    expected = stats.chi2_contingency(table)
    assert chi_square(table) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize(
    ("rows", "tested"),
    [
        ([[50, 40], [50, 60], [3, 1], [2, 4]], [[50, 40], [50, 60], [5, 5]]),  # 5 rows expected on each side
        ([[50, 40], [50, 60], [1, 2]], [[50, 60], [51, 42]]),  # too few even together
        ([[990, 0], [10, 1]], None),
        ([[5, 5]], None),
        ([[5, 5], [0, 0]], None),
        ([[1, 1]] * 8, None),
        ([[1, 1]] * 20, None),
    ],
)
def test_rare_categories_are_tested_together(rows: list[list[int]], tested: list[list[int]] | None) -> None:
    found = chi_square(np.array(rows))
    assert found == (None if tested is None else pytest.approx(tuple(stats.chi2_contingency(tested)[:2])))


def test_one_row_of_a_new_category_is_no_drift() -> None:
    """By the formula it would be one of an infinite p-value: where none is expected, one is too many."""
    found = compared({"a": 600_000, "b": 400_000}, {"a": 600, "b": 400, "new": 1})
    assert found.p_value is not None
    assert found.p_value > 0.5
    assert found.new_categories == {"new": 1}


def test_total_variation_by_hand() -> None:
    assert compared({"a": 50, "b": 50}, {"a": 80, "b": 20}).distance == pytest.approx(0.3)
    assert compared({"a": 50, "b": 50}, {"c": 3}).distance == 1
    assert compared({"a": 50, "b": 50}, {"a": 5, "b": 5}).distance == 0


@law
@given(COUNTS, COUNTS)
def test_every_measure_of_categories_is_in_its_range(reference: dict[str, int], counts: dict[str, int]) -> None:
    found = compared(reference, counts)
    assert found.distance is not None
    assert 0 <= found.distance <= 1
    assert found.psi >= 0
    assert (found.p_value is None) == (found.test is None) == (found.left_out is not None)
    assert found.new_categories is not None
    assert set(found.new_categories) == set(counts) - set(reference)
    again = compared(dict(reversed(reference.items())), dict(reversed(counts.items())))
    assert again.distance == pytest.approx(found.distance)
    assert again.psi == pytest.approx(found.psi)


def test_new_categories_come_with_their_rows_the_most_first() -> None:
    found = compared({"a": 10}, {"a": 5, "b": 1, "c": 4, "aa": 1})
    assert list((found.new_categories or {}).items()) == [("c", 4), ("aa", 1), ("b", 1)]


def test_where_not_all_categories_are_kept_none_is_called_new() -> None:
    sketch = CategorySketch(Origin.TEXT, 0, {"a": 60, "b": 30}, n_other=5, n_other_rows=10)
    found = compare(sketch, categories({"a": 60, "b": 30, "c": 6, "d": 4}))
    assert found.new_categories is None
    assert (found.distance, found.psi) == (0, 0)


# Missing values


@pytest.mark.parametrize(
    ("missing", "present", "p_value"),
    [
        ((30, 60), (970, 940), stats.chi2_contingency([[30, 60], [970, 940]]).pvalue),
        ((0, 3), (10, 7), stats.fisher_exact([[0, 3], [10, 7]]).pvalue),
        ((4, 5), (0, 0), 1.0),
    ],
)
def test_the_share_of_missing_values(missing: tuple[int, int], present: tuple[int, int], p_value: float) -> None:
    assert missing_test(np.array(missing), np.array(present)) == pytest.approx(p_value)


def test_missing_values_are_compared_beside_the_others() -> None:
    reference = np.arange(1_000.0)
    found = compare(sketched(reference, 10), numbers(reference[::2], 100))
    assert (found.missing_in_reference, found.missing) == (10 / 1_010, 100 / 600)
    assert found.missing_p_value is not None
    assert found.missing_p_value < 1e-6
    assert found.p_value == pytest.approx(1, abs=0.01)
    assert found.psi > 0.3
    assert compare(sketched(reference), numbers(reference)).missing_p_value is None


@pytest.mark.parametrize(
    ("sketch", "column", "left_out"),
    [
        (PresenceSketch(Kind.EMPTY, 0, 50), Presence(50, 0), "The reference has no value."),
        (sketched([1.0, 2.0] * 25), Presence(0, 50), "None of these rows has a value."),
        (CategorySketch(Origin.TEXT, 0, {"a": 50}), Presence(0, 50), "None of these rows has a value."),
        (PresenceSketch(Kind.TEXT, 50, 0), Presence(0, 50), "None of these rows has a value."),
    ],
)
def test_a_column_that_has_values_on_one_side_only(sketch: Sketch, column: Presence, left_out: str) -> None:
    found = compare(sketch, column)
    assert (found.test, found.p_value, found.distance, found.left_out) == (None, None, None, left_out)
    assert found.missing_p_value is not None
    assert found.missing_p_value < 1e-6
    assert found.psi > 1


def test_of_text_only_the_presence_is_compared() -> None:
    found = compare(PresenceSketch(Kind.TEXT, 50, 0), Presence(50, 0))
    assert (found.test, found.psi, found.missing_p_value) == (None, 0, None)
    assert "Text" in (found.left_out or "")


# Noise and change


@pytest.mark.parametrize("draw", ["numbers", "categories", "rare categories", "missing"])
def test_without_a_change_p_values_are_as_small_as_they_say(draw: str) -> None:
    rng = np.random.default_rng(11)
    found = []
    for _ in range(400):
        one, other = (
            rng.normal(size=1_500)
            if draw == "numbers"
            else rng.zipf(1.6, 600)
            if draw == "rare categories"
            else rng.integers(8, size=600)
            for _ in range(2)
        )
        if draw == "numbers":
            p_value = compare(sketched(one), numbers(other)).p_value
        elif draw == "missing":
            p_value = missing_test(
                *np.array([[(one == 0).sum(), (other == 0).sum()], [(one > 0).sum(), (other > 0).sum()]])
            )
        else:
            p_value = compared(
                *(dict(zip(*np.unique(each.astype(str), return_counts=True), strict=True)) for each in (one, other))
            ).p_value
        assert p_value is not None
        found.append(p_value)
    for level in (0.01, 0.05, 0.2):
        share = np.mean(np.array(found) <= level)
        # Four standard errors.
        assert share <= level + 4 * math.sqrt(level * (1 - level) / len(found)), level
    assert np.mean(np.array(found) <= 0.5) > 0.35


@pytest.mark.parametrize(
    "change",
    [lambda x: x + 0.2, lambda x: x * 1.3, lambda x: np.where(x > 1, 1.0, x)],
    ids=["moved", "wider", "cut off"],
)
def test_a_change_is_found(change: Any) -> None:
    rng = np.random.default_rng(12)
    found = compare(sketched(rng.normal(size=5_000)), numbers(change(rng.normal(size=5_000))))
    assert found.p_value is not None
    assert found.p_value < 1e-4
