"""`evaluate`: which function it picks, what it refuses, and metrics of one's own."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mooring.metrics import (
    CATALOGUE,
    CostMatrix,
    Evaluation,
    InvalidArrays,
    MetricFunction,
    MetricSpec,
    PredictionType,
    custom_metric,
    evaluate,
)
from mooring.metrics.binary import evaluate_binary
from mooring.metrics.clustering import evaluate_clustering
from mooring.metrics.multiclass import evaluate_multiclass
from mooring.metrics.regression import evaluate_regression
from mooring.metrics.time_series import evaluate_time_series

TABLE = [[0.6, 0.3, 0.1], [0.3, 0.5, 0.2], [0.2, 0.2, 0.6]]
FEATURES = [[0.0], [1.0], [9.0]]

Pick = Callable[[], Evaluation]

PICKED: dict[str, tuple[Pick, Pick]] = {
    "0 and 1": (lambda: evaluate([0, 1, 1], [0.1, 0.2, 0.9]), lambda: evaluate_binary([0, 1, 1], [0.1, 0.2, 0.9])),
    "0.0 and 1.0": (lambda: evaluate([0.0, 1.0], [-3, 2]), lambda: evaluate_binary([0, 1], [-3, 2])),
    "booleans": (lambda: evaluate(np.array([True, False]), [3, 2]), lambda: evaluate_binary([1, 0], [3, 2])),
    "objects of 0 and 1": (
        lambda: evaluate(np.array([0, 1], dtype=object), [0.1, 0.2]),
        lambda: evaluate_binary([0, 1], [0.1, 0.2]),
    ),
    "a positive label": (
        lambda: evaluate(["y", "n"], [0.1, 0.2], positive="y"),
        lambda: evaluate_binary(["y", "n"], [0.1, 0.2], positive="y"),
    ),
    "a threshold": (
        lambda: evaluate([0, 1], [0.1, 0.2], threshold="optimal", optimize="accuracy"),
        lambda: evaluate_binary([0, 1], [0.1, 0.2], threshold="optimal", optimize="accuracy"),
    ),
    "a cost matrix of two classes": (
        lambda: evaluate([0, 1], [0.1, 0.9], cost_matrix=CostMatrix(2.0), sample_weight=[1, 2]),
        lambda: evaluate_binary([0, 1], [0.1, 0.9], cost_matrix=CostMatrix(2.0), sample_weight=[1, 2]),
    ),
    "a table of scores": (lambda: evaluate([0, 1, 2], TABLE), lambda: evaluate_multiclass([0, 1, 2], TABLE)),
    "text predicted as text": (
        lambda: evaluate(["a", "b", "c"], ["a", "c", "c"]),
        lambda: evaluate_multiclass(["a", "b", "c"], ["a", "c", "c"]),
    ),
    "an average": (
        lambda: evaluate([3, 4], [3, 3], average="macro"),
        lambda: evaluate_multiclass([3, 4], [3, 3], average="macro"),
    ),
    "whole numbers, said to be classes": (
        lambda: evaluate([3, 4], [3, 3], prediction_type="MULTICLASS", cost_matrix=[[1, 0], [0, 2]]),
        lambda: evaluate_multiclass([3, 4], [3, 3], cost_matrix=[[1, 0], [0, 2]]),
    ),
    "fractions": (lambda: evaluate([1.5, 2], [1, 2]), lambda: evaluate_regression([1.5, 2], [1, 2])),
    "whole numbers predicted by fractions": (
        lambda: evaluate([3, 4], [2.5, 4.0], sample_weight=[1, 2]),
        lambda: evaluate_regression([3, 4], [2.5, 4.0], sample_weight=[1, 2]),
    ),
    "whole numbers, said to be quantities": (
        lambda: evaluate([0, 1], [0, 2], prediction_type=PredictionType.REGRESSION),
        lambda: evaluate_regression([0, 1], [0, 2]),
    ),
    "several series": (
        lambda: evaluate([[1, 2], [3]], [[1, 2], [4]]),
        lambda: evaluate_time_series([[1, 2], [3]], [[1, 2], [4]]),
    ),
    "series by name": (lambda: evaluate({"x": [1]}, {"x": [2]}), lambda: evaluate_time_series({"x": [1]}, {"x": [2]})),
    "a training part": (
        lambda: evaluate([1, 2], [1, 3], y_train=[1, 2, 4], season=2),
        lambda: evaluate_time_series([1, 2], [1, 3], y_train=[1, 2, 4], season=2),
    ),
    "quantiles": (
        lambda: evaluate([1, 2], None, quantiles={0.1: [0, 1], 0.5: [1, 2], 0.9: [2, 3]}, alpha=0.2),
        lambda: evaluate_time_series([1, 2], quantiles={0.1: [0, 1], 0.5: [1, 2], 0.9: [2, 3]}, alpha=0.2),
    ),
    "features": (
        lambda: evaluate(None, [0, 0, 1], features=FEATURES, seed=3),
        lambda: evaluate_clustering([0, 0, 1], features=FEATURES, seed=3),
    ),
}


@pytest.mark.parametrize("name", PICKED)
def test_what_it_picks(name: str) -> None:
    picked, expected = PICKED[name]
    assert picked() == expected()


@pytest.mark.parametrize("kind", [kind for kind in PredictionType if kind is not PredictionType.OTHER])
def test_every_metric_of_the_prediction_type_is_there_or_left_out(kind: PredictionType) -> None:
    found = {
        "BINARY": lambda: evaluate([1, 1], [0.5, 2.0]),
        "MULTICLASS": lambda: evaluate(["a", "b"], ["b", "a"]),
        "REGRESSION": lambda: evaluate([1.5, 1.5], [1, 1]),
        "TIME_SERIES": lambda: evaluate([[0.0]], [[1.0]]),
        "CLUSTERING": lambda: evaluate(None, [1, 1], prediction_type="CLUSTERING"),
    }[kind]()
    assert found.prediction_type is kind
    # These two compare with a reference, which is not among the arguments.
    of_rows = {code for code, spec in CATALOGUE.items() if kind in spec.prediction_types} - {
        "data_drift",
        "prediction_drift",
    }
    assert set(found.metrics) | set(found.left_out) == of_rows
    assert found.left_out
    assert all(reason.endswith(".") for reason in found.left_out.values())


REFUSED: dict[str, tuple[Callable[[], object], str, str]] = {
    "nothing": (lambda: evaluate(None, None), "y_true", "must be given"),
    "no scores": (lambda: evaluate([0, 1], None), "y_score", "must be given"),
    "whole numbers on both sides": (
        lambda: evaluate([3, 4], [3, 5]),
        "prediction_type",
        "classes as well as quantities",
    ),
    "two labels and no positive one": (lambda: evaluate(["y", "n"], [0.1, 0.2]), "y_true", "positive="),
    "many labels and one score each": (lambda: evaluate(["a", "b", "c"], [0.1, 0.2, 0.3]), "y_score", "a column"),
    "an unknown prediction type": (
        lambda: evaluate([0, 1], [0, 1], prediction_type="binary"),
        "prediction_type",
        "BINARY, MULTICLASS",
    ),
    "a prediction type without metrics": (
        lambda: evaluate([0, 1], [0, 1], prediction_type="OTHER"),
        "prediction_type",
        "'OTHER'",
    ),
    "an argument of another type": (
        lambda: evaluate([0, 1], [0.1, 0.2], average="macro", prediction_type="BINARY"),
        "average",
        "no meaning for BINARY",
    ),
    "arguments of two types": (
        lambda: evaluate([0, 1], [0.1, 0.2], threshold=0.3, season=2),
        "season",
        "no meaning for BINARY",
    ),
    "weights of a forecast": (
        lambda: evaluate([[1]], [[2]], sample_weight=[1]),
        "sample_weight",
        "no meaning for TIME_SERIES",
    ),
    "labels of a clustering": (lambda: evaluate([0, 1, 1], [0, 0, 1], features=FEATURES), "y_true", "pass None"),
    "a missing label": (lambda: evaluate([0, 1, float("nan")], [0, 0, 1]), "y_true", "missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_refuses(name: str) -> None:
    call, culprit, problem = REFUSED[name]
    with pytest.raises(InvalidArrays, match=problem) as refusal:
        call()
    assert refusal.value.argument == culprit


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("multiclass", "sklearn"),
        ("regression", "sklearn"),
        ("clustering", "sklearn"),
        ("time_series", "numpy"),
        ("inference", "numpy"),
        ("delong", "scipy"),
    ],
)
def test_without_what_it_needs_each_module_says_what_to_install(module: str, absent: str) -> None:
    program = f"import sys; sys.modules['{absent}'] = None; import mooring.metrics.{module}"
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert "pip install 'mooring[sklearn]'" in outcome.stderr.splitlines()[-1]


# Metrics of one's own


@custom_metric("profit", label="Profit per coupon", direction="HIGHER")
def profit(y_true: Any, y_score: Any) -> Any:
    sent = y_score >= 0.5
    return (2.5 * (sent & (y_true == 1)) - 0.4 * sent).mean()


@custom_metric("spread")
def spread(_y_true: Any, y_score: Any, sample_weight: Any = None) -> float:
    return float(np.sqrt(np.cov(y_score, aweights=sample_weight)))


def test_a_custom_metric_is_calculated_with_the_others() -> None:
    found = evaluate([1, 0, 1], [0.9, 0.6, 0.3], custom=[profit, spread])
    assert found.metrics["profit"] == pytest.approx((2.5 - 2 * 0.4) / 3)
    assert found.metrics["spread"] == pytest.approx(0.3)
    assert "roc_auc" in found.metrics
    assert found.custom_metrics == (
        MetricSpec("profit", "Profit per coupon", "HIGHER"),  # type: ignore[arg-type]  # text as in an event
        MetricSpec("spread", "spread", "NONE"),  # type: ignore[arg-type]
    )


def test_its_function_can_still_be_called() -> None:
    assert isinstance(profit, MetricFunction)
    assert profit(np.array([1, 0]), np.array([0.9, 0.1])) == pytest.approx(2.1 / 2)


def test_it_gets_weights_if_it_takes_them() -> None:
    found = evaluate([1, 0, 1], [0.9, 0.6, 0.3], sample_weight=[1, 1, 0], custom=[profit, spread])
    assert found.metrics["spread"] == pytest.approx(0.3 / np.sqrt(2))
    assert found.left_out["profit"] == "Its function takes no sample_weight, and weights were given."


def test_of_forecasts_it_gets_the_series_as_they_are_given() -> None:
    @custom_metric("longest")
    def longest(y_true: Any, _y_score: Any) -> int:
        return max(map(len, y_true.values()))

    assert evaluate({"x": [1], "y": [1, 2]}, {"x": [1], "y": [1, 2]}, custom=[longest]).metrics["longest"] == 2


def test_of_clusters_it_gets_the_features() -> None:
    @custom_metric("widest")
    def widest(features: Any, clusters: Any) -> Any:
        return max(np.ptp(features[clusters == each]) for each in set(clusters))

    assert evaluate(None, [0, 0, 1], features=FEATURES, custom=[widest]).metrics["widest"] == 1


def test_what_is_not_given_it_does_not_get() -> None:
    @custom_metric("largest")
    def largest(features: Any, clusters: Any) -> int:
        return 0 if features is not None else int(np.bincount(clusters).max())

    assert evaluate(None, [0, 0, 1], prediction_type="CLUSTERING", custom=[largest]).metrics["largest"] == 2


@pytest.mark.parametrize(("value", "reason"), [(None, "gave None"), (float("nan"), "gave nan"), (np.inf, "gave inf")])
def test_what_gives_no_number_is_left_out(value: object, reason: str) -> None:
    found = evaluate([1, 0], [0.9, 0.1], custom=[custom_metric("odd")(lambda *_: value)])
    assert reason in found.left_out["odd"]
    assert "odd" not in found.metrics


def test_what_it_raises_is_raised() -> None:
    with pytest.raises(TypeError, match="odd must be a number or None, not str"):
        evaluate([1, 0], [0.9, 0.1], custom=[custom_metric("odd")(lambda *_: "much")])
    with pytest.raises(ZeroDivisionError):
        evaluate([1, 0], [0.9, 0.1], custom=[custom_metric("odd")(lambda *_: 1 / 0)])


def test_a_code_twice_is_refused() -> None:
    with pytest.raises(InvalidArrays, match="profit, profit"):
        evaluate([1, 0], [0.9, 0.1], custom=[profit, profit])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"code": "roc_auc"}, "standard metric"),
        ({"code": ""}, "code"),
        ({"code": "a\nb"}, "code"),
        ({"code": "x", "label": " "}, "label"),
        ({"code": "x", "direction": "UP"}, "Direction"),
    ],
)
def test_what_no_custom_metric_can_be(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        custom_metric(**arguments)
