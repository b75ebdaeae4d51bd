"""The domain classifier: guesses where nothing has changed, finds what has, and says by which columns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from mooring.drift.classifier import Judgement, judge

NONE = np.array([False] * 4)


def normal(n_rows: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n_rows, 4))


def judged(reference: NDArray[np.float64], evaluated: NDArray[np.float64], seed: int = 0) -> Judgement:
    return judge(reference, evaluated, NONE, seed, lambda: None)


def test_without_a_change_the_p_value_is_as_small_as_it_says() -> None:
    found = np.array([judged(normal(200, seed), normal(200, 1_000 + seed)).p_value for seed in range(150)])
    for level in (0.05, 0.2):
        # Three standard errors.
        assert np.mean(found <= level) <= level + 3 * math.sqrt(level * (1 - level) / len(found)), level
    assert np.mean(found <= 0.5) > 0.35


def test_a_column_that_moved_is_found_and_named() -> None:
    evaluated = normal(2_000, 2)
    evaluated[:, 2] += 1
    found = judged(normal(2_000, 1), evaluated)
    # The best that any classifier can do: the normal distribution at half of the shift.
    assert found.accuracy == pytest.approx(0.6915, abs=0.03)
    assert found.p_value < 1e-6
    assert found.importance is not None
    assert found.importance.sum() == pytest.approx(1)
    assert found.importance.argmax() == 2
    assert found.importance[2] > 0.9


def test_a_change_of_two_columns_together_is_found() -> None:
    """What no test of single columns can see: each is distributed as before."""
    evaluated = normal(2_000, 2)
    evaluated[:, 1] = 0.8 * evaluated[:, 0] + 0.6 * evaluated[:, 1]
    found = judged(normal(2_000, 1), evaluated)
    assert found.p_value < 1e-6
    assert found.importance is not None
    assert set(found.importance.argsort()[-2:]) == {0, 1}


def test_missing_values_and_categories_are_found() -> None:
    reference, evaluated = normal(1_000, 1), normal(1_000, 2)
    evaluated[::3, 0] = np.nan
    found = judged(reference, evaluated)
    assert found.importance is not None
    assert found.importance.argmax() == 0
    # A code that only the evaluated rows have, and one whose order means nothing.
    reference[:, 3], evaluated[:, 3] = (
        np.arange(1_000) % 5,
        np.where(np.arange(1_000) % 5 == 2, 254, np.arange(1_000) % 5),
    )
    found = judge(reference, evaluated, np.array([False, False, False, True]), 0, lambda: None)
    assert found.importance is not None
    assert found.importance.argmax() == 3 or found.importance[3] > 0.3


def test_columns_that_say_nothing() -> None:
    nothing = np.column_stack([np.full(300, np.nan), np.ones(300), np.zeros(300), np.full(300, np.nan)])
    found = judge(nothing, nothing.copy(), np.array([False, False, True, True]), 0, lambda: None)
    assert found.accuracy == pytest.approx(0.5, abs=0.01)
    assert found.importance is None


def test_no_importance_without_a_drift() -> None:
    found = judged(normal(500, 1), normal(500, 2))
    assert found.p_value > 0.05
    assert found.importance is None


def test_the_same_rows_and_seed_give_the_same() -> None:
    one, other = (judged(normal(300, 1), normal(300, 2) + 1, seed=5) for _ in range(2))
    assert (one.n_right, one.importance.tolist() if one.importance is not None else None) == (
        other.n_right,
        other.importance.tolist() if other.importance is not None else None,
    )
    assert judged(normal(300, 1), normal(300, 2) + 1, seed=6).n_right != one.n_right


def test_half_of_the_rows_are_judged_and_none_by_what_it_trained() -> None:
    # Rows that are all different can be learnt by heart, but not judged by that.
    found = judged(normal(400, 1), normal(400, 2))
    assert found.n_judged == 400
    assert found.accuracy < 0.6


def test_the_interval_and_the_p_value_are_the_binomials() -> None:
    found = Judgement(n_judged=1_000, n_right=560, importance=None)
    assert found.accuracy == 0.56
    assert found.standard_error == pytest.approx(math.sqrt(0.56 * 0.44 / 1_000))
    assert found.interval == pytest.approx((0.5291, 0.5905), abs=1e-4)
    assert found.p_value == pytest.approx(binomtest(560, 1_000, 0.5, "greater").pvalue)
    assert Judgement(10, 10, None).interval[1] == 1
