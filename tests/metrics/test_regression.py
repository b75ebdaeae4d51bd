"""The regression metrics: by hand on four rows, against scikit-learn and SciPy on many, and laws that hold on any."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn import metrics as sk

from mooring.metrics import CATALOGUE, InvalidArrays, PredictionType
from mooring.metrics.regression import evaluate_regression

CODES = {"evs", "mape", "mae", "mse", "rmse", "rmsle", "r2", "pearson"}

# How long an example takes depends on what else the machine does.
law = settings(deadline=None)

VALUE = st.integers(-50, 50).map(lambda n: n / 4)
ROWS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=20)

# By hand: errors of 1, -1, 0 and 2 on targets with mean 5 and squared deviations 9, 1, 1, 9.
TARGETS = [2.0, 4.0, 6.0, 8.0]
PREDICTIONS = [3.0, 3.0, 6.0, 10.0]


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("mae", 1.0),
        ("mse", 6 / 4),
        ("rmse", math.sqrt(6 / 4)),
        ("mape", (1 / 2 + 1 / 4 + 0 + 2 / 8) / 4),
        ("r2", 1 - 6 / 20),
        ("evs", 1 - (6 / 4 - 0.5**2) / (20 / 4)),
        ("pearson", 24 / math.sqrt(20 * 33)),  # of targets -3, -1, 1, 3 and predictions -2.5, -2.5, 0.5, 4.5
        ("rmsle", math.sqrt((math.log(4 / 3) ** 2 + math.log(4 / 5) ** 2 + math.log(11 / 9) ** 2) / 4)),
    ],
)
def test_by_hand(code: str, value: float) -> None:
    assert evaluate_regression(TARGETS, PREDICTIONS).metrics[code] == pytest.approx(value, rel=1e-12)


def test_standard_errors_by_hand() -> None:
    errors = evaluate_regression(TARGETS, PREDICTIONS).standard_errors
    assert errors["mae"] == pytest.approx(statistics.stdev([1, 1, 0, 2]) / 2)
    assert errors["mape"] == pytest.approx(statistics.stdev([1 / 2, 1 / 4, 0, 1 / 4]) / 2)
    assert errors["mse"] == pytest.approx(statistics.stdev([1, 1, 0, 4]) / 2)
    assert errors["rmse"] == pytest.approx(errors["mse"] / (2 * math.sqrt(1.5)))
    assert set(errors) == {"mae", "mape", "mse", "rmse"}


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_against_scikit_learn(weighted: bool) -> None:
    random = np.random.default_rng(2)
    target = random.gamma(2, 3, 1_000)
    prediction = np.maximum(target + random.standard_normal(1_000), 0)
    weight = random.random(1_000) if weighted else None
    expected = {
        "evs": sk.explained_variance_score(target, prediction, sample_weight=weight),
        "mape": sk.mean_absolute_percentage_error(target, prediction, sample_weight=weight),
        "mae": sk.mean_absolute_error(target, prediction, sample_weight=weight),
        "mse": sk.mean_squared_error(target, prediction, sample_weight=weight),
        "rmse": sk.mean_squared_error(target, prediction, sample_weight=weight) ** 0.5,
        "rmsle": sk.mean_squared_log_error(target, prediction, sample_weight=weight) ** 0.5,
        "r2": sk.r2_score(target, prediction, sample_weight=weight),
    }
    found = evaluate_regression(target, prediction, sample_weight=weight)
    assert {code: found.metrics[code] for code in expected} == pytest.approx(expected, rel=1e-12)
    if not weighted:
        assert found.metrics["pearson"] == pytest.approx(pearsonr(target, prediction).statistic, rel=1e-12)
    assert (found.prediction_type, found.n_rows, found.left_out) == (PredictionType.REGRESSION, 1_000, {})
    assert bool(found.standard_errors) is not weighted


@law
@given(st.lists(st.tuples(VALUE, VALUE, st.integers(0, 3)), min_size=1, max_size=15))
def test_a_weight_is_as_good_as_that_many_rows(rows: list[tuple[float, float, int]]) -> None:
    repeated = [(target, prediction) for target, prediction, times in rows for _ in range(times)]
    if not repeated:
        return
    targets, predictions, weights = zip(*rows, strict=True)
    weighted = evaluate_regression(targets, predictions, sample_weight=weights)
    plain = evaluate_regression(*zip(*repeated, strict=True))
    assert dict(weighted.metrics) == pytest.approx(dict(plain.metrics), abs=1e-9)
    assert weighted.left_out == plain.left_out


@law
@given(ROWS)
def test_every_metric_is_either_in_its_range_or_left_out(rows: list[tuple[float, float]]) -> None:
    evaluation = evaluate_regression(*zip(*rows, strict=True))
    assert set(evaluation.metrics) | set(evaluation.left_out) == CODES
    assert not set(evaluation.metrics) & set(evaluation.left_out)
    assert all(CATALOGUE[code].admits(value) for code, value in evaluation.metrics.items())
    assert set(evaluation.standard_errors) <= set(evaluation.metrics)
    assert all(0 < error < math.inf for error in evaluation.standard_errors.values())


@law
@given(ROWS)
def test_a_constant_error_is_seen_by_r2_and_not_by_explained_variance(rows: list[tuple[float, float]]) -> None:
    targets, predictions = zip(*rows, strict=True)
    before = evaluate_regression(targets, predictions).metrics
    moved = evaluate_regression(targets, [prediction + 100 for prediction in predictions]).metrics
    assert ("evs" in before) == ("evs" in moved) == (len(set(targets)) > 1)
    if "evs" in before:
        assert moved["evs"] == pytest.approx(before["evs"], abs=1e-6)
        assert moved["r2"] < before["r2"]


@pytest.mark.parametrize(
    ("target", "prediction", "reasons"),
    [
        ([1, 0], [1, 1], {"mape": "A target is 0, and no error is a share of 0."}),
        ([1, -1], [1, 1], {"rmsle": "A target is negative (-1).", "pearson": "Every prediction is the same"}),
        ([1, 2], [1, -3], {"rmsle": "A prediction is negative (-3)."}),
        ([2, 2], [1, 3], dict.fromkeys(("evs", "r2", "pearson"), "Every target is the same")),
        ([5], [6], dict.fromkeys(("evs", "r2", "pearson"), "Every target is the same")),
        ([1e200, 2], [-1e200, 3], dict.fromkeys(("mse", "rmse"), "not a finite number")),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_rows_do_not_define_is_left_out(
    target: list[float], prediction: list[float], reasons: dict[str, str]
) -> None:
    left_out = evaluate_regression(target, prediction).left_out
    assert set(reasons) <= set(left_out)
    assert all(reason in left_out[code] for code, reason in reasons.items())


def test_what_weighs_nothing_does_not_count() -> None:
    evaluation = evaluate_regression([0, 1, 2], [-5, 1, 3], sample_weight=[0, 1, 1])
    assert evaluation.left_out == {}
    assert evaluation.metrics["mae"] == 0.5
    assert evaluation.n_rows == 3


@pytest.mark.parametrize(
    ("arguments", "culprit", "problem"),
    [
        ({"y_true": []}, "y_true", "empty"),
        ({"y_true": ["a", "b"]}, "y_true", "must hold numbers"),
        ({"y_true": [1, math.nan]}, "y_true", "missing or infinite"),
        ({"y_score": [1, math.inf]}, "y_score", "missing or infinite"),
        ({"y_score": [1]}, "y_score", "has 1 values, but y_true has 2"),
        ({"y_score": [[1], [2]]}, "y_score", "one dimension, not 2"),
        ({"y_score": [[1], [2, 3]]}, "y_score", "one dimension"),
        ({"sample_weight": [0, 0]}, "sample_weight", "0 for every row"),
    ],
)
def test_refusals_name_the_argument(arguments: dict[str, Any], culprit: str, problem: str) -> None:
    good: dict[str, Any] = {"y_true": [1, 2], "y_score": [1, 2]}
    with pytest.raises(InvalidArrays, match=problem) as refusal:
        evaluate_regression(**(good | arguments))
    assert refusal.value.argument == culprit
