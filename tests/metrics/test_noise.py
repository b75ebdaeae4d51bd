"""How sure a value is: against the papers' own figures and SciPy, and laws that hold for any."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mooring.metrics.noise import binomial, difference_error, hanley_mcneil, interval, p_value

COUNT = st.integers(1, 10_000)
SHARE = st.floats(0, 1)
LEVEL = st.floats(0.01, 0.99)


def test_hanley_and_mcneil_s_own_example() -> None:
    """51 abnormal and 58 normal images, an area of 0.893: "a standard error of 0.032"."""
    assert hanley_mcneil(0.893, 51, 58) == pytest.approx(0.0325, abs=5e-5)


def test_the_error_of_guessing_by_hand() -> None:
    # Q1 = Q2 = 1/3, and 1/3 - 1/4 = 1/12: the variance is (1/4 + 9/12 + 19/12) / 200.
    assert hanley_mcneil(0.5, 10, 20) == pytest.approx(math.sqrt((3 + 9 + 19) / 12 / 200), rel=1e-12)


@given(SHARE, COUNT, COUNT)
def test_which_class_is_called_positive_does_not_matter(auc: float, n_positive: int, n_negative: int) -> None:
    assert hanley_mcneil(auc, n_positive, n_negative) == pytest.approx(
        hanley_mcneil(1 - auc, n_negative, n_positive), rel=1e-6
    )


@given(SHARE, COUNT, COUNT)
def test_no_area_is_sure(auc: float, n_positive: int, n_negative: int) -> None:
    assert 0 < hanley_mcneil(auc, n_positive, n_negative) <= 0.5


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_an_area_at_the_end_counts_as_half_a_pair_away_from_it(end: float) -> None:
    assert hanley_mcneil(end, 10, 20) == hanley_mcneil(abs(end - 0.5 / 200), 10, 20)


def test_a_share_by_hand() -> None:
    assert binomial(0.8, 100) == pytest.approx(0.04)
    assert binomial(1.0, 50) == binomial(0.99, 50) == pytest.approx(math.sqrt(0.99 * 0.01 / 50))
    assert binomial(0.0, 1) == 0.5


@given(SHARE, COUNT)
def test_no_share_is_sure(share: float, n_rows: int) -> None:
    assert 0 < binomial(share, n_rows) <= 0.5 / math.sqrt(n_rows) + 1e-12


def test_the_error_of_a_difference() -> None:
    assert difference_error(0.03, 0.04) == pytest.approx(0.05)


@given(st.floats(-10, 10), st.floats(0.01, 10))
def test_p_value_is_scipy_s(difference: float, standard_error: float) -> None:
    expected = 2 * stats.norm.sf(abs(difference), scale=standard_error)
    assert p_value(difference, standard_error) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("difference", "p"), [(0.0, 1.0), (1e-9, 0.0), (-1e-9, 0.0)])
def test_p_value_where_chance_makes_no_difference_at_all(difference: float, p: float) -> None:
    assert p_value(difference, 0.0) == p


@given(st.floats(-1e6, 1e6), st.floats(0, 1e3), LEVEL)
def test_an_interval_without_bounds_is_scipy_s(value: float, standard_error: float, level: float) -> None:
    expected = value + stats.norm.interval(level)[1] * standard_error
    low, high = interval(value, standard_error, level)
    assert high == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert value - low == pytest.approx(high - value, rel=1e-6, abs=1e-6)


def test_an_interval_between_bounds_by_hand() -> None:
    # The logit of 0.9 is ln 9, and 0.05 there is 0.05 / 0.09 of it.
    low, high = interval(0.9, 0.05, 0.95, 0.0, 1.0)
    reach = 1.959963984540054 * 0.05 / 0.09
    assert low == pytest.approx(1 / (1 + math.exp(reach) / 9))
    assert high == pytest.approx(1 / (1 + math.exp(-reach) / 9))
    # The same between other bounds: 1.6 of -2 to 2 is nine tenths of the way.
    assert interval(1.6, 0.2, 0.95, -2.0, 2.0) == pytest.approx((4 * low - 2, 4 * high - 2))


@given(SHARE, st.floats(0, 100), LEVEL)
def test_an_interval_stays_between_its_bounds_and_has_the_value(
    value: float, standard_error: float, level: float
) -> None:
    low, high = interval(value, standard_error, level, 0.0, 1.0)
    assert 0 <= low <= value + 1e-12
    assert value - 1e-12 <= high <= 1


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.2), LEVEL)
def test_an_interval_leans_away_from_the_near_bound(value: float, standard_error: float, level: float) -> None:
    low, high = interval(value, standard_error, level, 0.0, 1.0)
    assert (value - low - (high - value)) * (value - 0.5) >= -1e-12


@pytest.mark.parametrize(("value", "expected"), [(1.0, (0.902, 1.0)), (0.0, (0.0, 0.098))])
def test_at_a_bound_it_is_cut_off(value: float, expected: tuple[float, float]) -> None:
    assert interval(value, 0.05, 0.95, 0.0, 1.0) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: hanley_mcneil(1.1, 1, 1), "auc must be between 0 and 1"),
        (lambda: hanley_mcneil(math.nan, 1, 1), "auc must be between 0 and 1"),
        (lambda: hanley_mcneil(0.5, 0, 1), "n_positive"),
        (lambda: hanley_mcneil(0.5, 1, 0), "n_negative"),
        (lambda: binomial(-0.1, 1), "share"),
        (lambda: binomial(0.5, 0), "n_rows"),
        (lambda: p_value(0.1, -1.0), "standard_error"),
        (lambda: p_value(0.1, math.nan), "standard_error"),
        (lambda: interval(0.5, math.inf), "standard_error"),
        (lambda: interval(0.5, 0.1, 1.0), "level"),
    ],
)
def test_the_impossible_is_refused(call: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        call()
