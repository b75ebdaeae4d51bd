"""The forecasting metrics: by hand on two series, and against their definitions in plain Python on any."""

import math
from collections.abc import Callable, Mapping
from itertools import accumulate
from statistics import mean
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss

from mooring.metrics import CATALOGUE, InvalidArrays, PredictionType
from mooring.metrics.time_series import evaluate_time_series

CODES = {
    "mase",
    "mape",
    "smape",
    "mae",
    "mse",
    "rmse",
    "mean_absolute_quantile_loss",
    "mean_weighted_quantile_loss",
    "msis",
    "nd",
}

# How long an example takes depends on what else the machine does.
law = settings(deadline=None)

# By hand: errors of 2 and 0 in the first shop, of 1 in the second; last values off by 1 and 3 there before, by 2 here.
TARGETS = {"first": [10.0, 20.0], "second": [4.0]}
FORECASTS = {"first": [12.0, 20.0], "second": [5.0]}
TRAINED = {"first": [9.0, 10.0, 13.0], "second": [1.0, 3.0]}
QUANTILES = {
    0.1: {"first": [9.0, 21.0], "second": [3.0]},
    0.9: {"first": [14.0, 23.0], "second": [6.0]},
}


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("mae", (1 + 1) / 2),
        ("mse", (2 + 1) / 2),
        ("rmse", math.sqrt(1.5)),
        ("mape", ((2 / 10 + 0) / 2 + 1 / 4) / 2),
        ("smape", ((2 * 2 / 22 + 0) / 2 + 2 * 1 / 9) / 2),
        ("nd", (2 + 0 + 1) / 34),
        ("mase", (1 / 2 + 1 / 2) / 2),
        # At 0.1, 2 * 0.1 for each unit that the target is above (1, and 1 in the second shop), 2 * 0.9 for each below
        # (1). At 0.9, 2 * 0.1 for each below: 4 and 3, and 2 in the second shop.
        ("mean_absolute_quantile_loss", ((0.2 + 1.8 + 0.2) / 2 + (0.2 * 4 + 0.2 * 3 + 0.2 * 2) / 2) / 2),
        ("mean_weighted_quantile_loss", ((0.2 + 1.8 + 0.2) / 34 + (0.2 * 4 + 0.2 * 3 + 0.2 * 2) / 34) / 2),
        # Widths 5 and 2, the target 1 below the second interval: 2 / 0.2 more. Width 3 in the second shop.
        ("msis", ((5 + 2 + 10) / 2 / 2 + 3 / 2) / 2),
    ],
)
def test_by_hand(code: str, value: float) -> None:
    found = evaluate_time_series(TARGETS, FORECASTS, y_train=TRAINED, quantiles=QUANTILES, alpha=0.2)
    assert found.metrics[code] == pytest.approx(value, rel=1e-12)


def test_what_it_says_besides() -> None:
    found = evaluate_time_series(TARGETS, FORECASTS, y_train=TRAINED, quantiles=QUANTILES, alpha=0.2)
    assert set(found.metrics) == CODES
    assert (found.prediction_type, found.n_rows, found.standard_errors) == (PredictionType.TIME_SERIES, 3, {})


def test_the_naive_forecast_looks_a_season_back() -> None:
    # Two days before: 4 and 1 off.
    found = evaluate_time_series([10.0], [15.0], y_train=[1.0, 2.0, 5.0, 3.0], season=2)
    assert found.metrics["mase"] == pytest.approx(5 / 2.5)


def test_the_quantile_loss_is_twice_scikit_learn_s_pinball_loss() -> None:
    random = np.random.default_rng(6)
    target, forecast = random.standard_normal((2, 50))
    found = evaluate_time_series(target, forecast, quantiles={0.3: forecast})
    expected = 2 * 50 * mean_pinball_loss(target, forecast, alpha=0.3)
    assert found.metrics["mean_absolute_quantile_loss"] == pytest.approx(expected, rel=1e-12)


# Against the definitions

VALUE = st.integers(-20, 20).map(lambda n: n / 2)


@st.composite
def forecasts(draw: st.DrawFn) -> dict[str, Any]:
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    # Not 0, so that every metric is defined; 0 has tests of its own.
    steps = [[draw(VALUE.filter(bool)) for _ in range(size)] for size in sizes]
    points, low, high = ([[draw(VALUE) for _ in range(size)] for size in sizes] for _ in range(3))
    season = draw(st.integers(1, 3))
    # Rising by itself: no naive forecast is without an error.
    trained = [list(accumulate([float(draw(st.integers(1, 5))) for _ in range(season + 3)])) for _ in sizes]
    return {
        "y_true": steps,
        "y_score": points,
        "y_train": trained,
        "season": season,
        "quantiles": {0.025: low, 0.5: points, 0.975: high},
    }


def together(*columns: Any) -> Any:
    return zip(*columns, strict=True)


def by_definition(given: Mapping[str, Any]) -> dict[str, float]:
    """Each metric from the formulas in the catalogue, in plain Python."""
    series = list(zip(given["y_true"], given["y_score"], given["y_train"], strict=True))
    errors = [[abs(y - p) for y, p in zip(ys, ps, strict=True)] for ys, ps, _ in series]
    before, quantiles, alpha = given["season"], given["quantiles"], 0.05
    naive = [mean(abs(a - b) for a, b in zip(t[before:], t, strict=False)) for _, _, t in series]
    total = sum(abs(y) for ys, _, _ in series for y in ys)

    def loss(level: float) -> float:
        return math.fsum(
            2 * abs((p - y) * ((y <= p) - level))
            for ys, ps in zip(given["y_true"], quantiles[level], strict=True)
            for y, p in zip(ys, ps, strict=True)
        )

    def score(y: float, low: float, high: float) -> float:
        return high - low + 2 / alpha * (max(low - y, 0.0) + max(y - high, 0.0))

    scores = [
        [score(*step) for step in zip(ys, lows, highs, strict=True)]
        for ys, lows, highs in zip(given["y_true"], quantiles[0.025], quantiles[0.975], strict=True)
    ]
    mse = mean(mean(error**2 for error in each) for each in errors)
    return {
        "mae": mean(map(mean, errors)),
        "mse": mse,
        "rmse": math.sqrt(mse),
        "mape": mean(
            mean(e / abs(y) for e, y in zip(each, ys, strict=True)) for each, (ys, _, _) in together(errors, series)
        ),
        "smape": mean(
            mean(2 * e / (abs(y) + abs(p)) for e, y, p in zip(each, ys, ps, strict=True))
            for each, (ys, ps, _) in together(errors, series)
        ),
        "mase": mean(mean(each) / scale for each, scale in together(errors, naive)),
        "msis": mean(mean(each) / scale for each, scale in together(scores, naive)),
        "nd": sum(map(sum, errors)) / total,
        "mean_absolute_quantile_loss": mean(loss(level) / len(series) for level in quantiles),
        "mean_weighted_quantile_loss": mean(loss(level) / total for level in quantiles),
    }


@law
@given(forecasts())
def test_the_definitions(given: dict[str, Any]) -> None:
    found = evaluate_time_series(**given)
    assert dict(found.metrics) == pytest.approx(by_definition(given), rel=1e-9, abs=1e-12)
    assert all(CATALOGUE[code].admits(value) for code, value in found.metrics.items())


@law
@given(forecasts(), st.randoms(use_true_random=False))
def test_the_order_of_the_series_and_their_names_do_not_matter(given: dict[str, Any], random: Any) -> None:
    order = list(range(len(given["y_true"])))
    random.shuffle(order)

    def moved(series: list[Any]) -> dict[str, Any]:
        return {f"shop {index}": series[index] for index in order}

    after = evaluate_time_series(
        moved(given["y_true"]),
        moved(given["y_score"]),
        y_train=moved(given["y_train"]),
        season=given["season"],
        quantiles={level: moved(each) for level, each in given["quantiles"].items()},
    )
    assert dict(after.metrics) == pytest.approx(dict(evaluate_time_series(**given).metrics), rel=1e-9)


@law
@given(forecasts(), st.integers(2, 4))
def test_the_same_series_several_times_has_the_same_metrics(given: dict[str, Any], times: int) -> None:
    again = evaluate_time_series(
        **{name: given[name] * times for name in ("y_true", "y_score", "y_train")},
        season=given["season"],
        quantiles={level: each * times for level, each in given["quantiles"].items()},
    )
    assert dict(again.metrics) == pytest.approx(dict(evaluate_time_series(**given).metrics), rel=1e-9)


# What is left out


@pytest.mark.parametrize(
    ("arguments", "reasons"),
    [
        ({}, {"mase": "No y_train was given", "msis": "No forecast of the quantile 0.025", "nd": None}),
        (
            {},
            dict.fromkeys(("mean_absolute_quantile_loss", "mean_weighted_quantile_loss"), "No forecasts of quantiles"),
        ),
        ({"y_train": [1, 2], "season": 2}, {"mase": "y_train has 2 steps, and no season of 2 to look back on."}),
        ({"y_train": [3, 3, 3]}, {"mase": "The naive forecast makes no error on y_train"}),
        ({"y_true": [0, 2]}, {"mape": "A target is 0", "smape": None, "nd": None}),
        ({"y_true": [0, 0]}, {"mape": "A target is 0", "nd": "Every target is 0", "mae": None}),
        (
            {"quantiles": {0.1: [1, 1], 0.9: [2, 2]}},
            {"msis": "No forecast of the quantile 0.025 was given, as alpha = 0.05"},
        ),
    ],
)
def test_what_series_do_not_define_is_left_out(arguments: dict[str, Any], reasons: dict[str, str | None]) -> None:
    found = evaluate_time_series(**({"y_true": [1, 2], "y_score": [1, 3]} | arguments))
    assert set(found.metrics) | set(found.left_out) == CODES
    for code, reason in reasons.items():
        if reason is None:
            assert code in found.metrics
        else:
            assert found.left_out[code].startswith(reason)


def test_a_metric_that_one_series_does_not_define_is_left_out_and_names_it() -> None:
    found = evaluate_time_series({"x": [1], "y": [0]}, {"x": [1], "y": [2]}, y_train={"x": [1, 2], "y": [1]})
    assert found.left_out["mape"] == "Series y: A target is 0, and no error is a share of 0."
    assert found.left_out["mase"].startswith("Series y: y_train has 1 steps")


def test_target_and_forecast_of_0_are_no_error() -> None:
    assert evaluate_time_series([0, 1], [0, 1]).metrics["smape"] == 0
    assert evaluate_time_series([0, 3], [0, 1]).metrics["smape"] == pytest.approx(2 * 2 / 4 / 2)


def test_the_median_stands_for_the_point_forecast() -> None:
    assert evaluate_time_series([1, 2], quantiles={0.5: [1, 4]}).metrics["mae"] == 1


@pytest.mark.parametrize(
    "shape",
    [
        lambda series: series,
        np.array,
        lambda series: tuple(map(np.array, series)),
        lambda series: dict(enumerate(series, start=1)),
    ],
    ids=["lists", "table", "arrays", "by name"],
)
def test_series_of_every_kind(shape: Callable[[Any], Any]) -> None:
    targets, points, trained = [[1.0, 2.0], [3.0, 4.0]], [[2.0, 2.0], [3.0, 5.0]], [[1.0, 2.0], [5.0, 6.0]]
    found = evaluate_time_series(shape(targets), shape(points), y_train=shape(trained))
    assert found == evaluate_time_series(targets, points, y_train=trained)
    assert found.n_rows == 4


@pytest.mark.parametrize(
    ("arguments", "culprit", "problem"),
    [
        ({"y_true": []}, "y_true", "empty"),
        ({"y_true": {}}, "y_true", "empty"),
        ({"y_true": [1, math.nan]}, "y_true", "missing or infinite"),
        ({"y_score": None}, "y_score", "the quantile 0.5 to stand for it"),
        ({"y_score": [1]}, "y_score", "has 1 steps, but y_true has 2 in series 1"),
        ({"y_score": [[1, 2], [3, 4]]}, "y_score", "must have the series of y_true, 1, but has 1, 2"),
        ({"y_train": {"x": [1, 2]}}, "y_train", "but has 'x'"),
        ({"y_train": [math.inf, 1]}, "y_train", "missing or infinite"),
        ({"quantiles": {1.0: [1, 2]}}, "quantiles", "between 0 and 1, not 1.0"),
        ({"quantiles": {0.5: [1, 2, 3]}}, "quantiles", "has 3 steps"),
        ({"alpha": 0}, "alpha", "between 0 and 1, not 0"),
        ({"season": 0}, "season", "at least 1, not 0"),
        ({"season": 1.5}, "season", "whole number"),
    ],
)
def test_refusals_name_the_argument(arguments: dict[str, Any], culprit: str, problem: str) -> None:
    good: dict[str, Any] = {"y_true": [1, 2], "y_score": [1, 2]}
    with pytest.raises(InvalidArrays, match=problem) as refusal:
        evaluate_time_series(**(good | arguments))
    assert refusal.value.argument == culprit
