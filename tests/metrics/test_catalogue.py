"""The catalogue: complete, ordered, with ranges that hold, and light to import."""

import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.metrics import CATALOGUE, Direction, MetricSpec, PredictionType, spec_of

T = PredictionType
CLASSES = {T.BINARY, T.MULTICLASS}
NUMBERS = {T.REGRESSION, T.TIME_SERIES}
INF = math.inf

# Written down a second time on purpose: code -> (direction, low, high, prediction types).
EXPECTED: dict[str, tuple[str, float, float, set[PredictionType]]] = {
    "roc_auc": ("HIGHER", 0, 1, CLASSES),
    "accuracy": ("HIGHER", 0, 1, CLASSES),
    "precision": ("HIGHER", 0, 1, CLASSES),
    "recall": ("HIGHER", 0, 1, CLASSES),
    "f1": ("HIGHER", 0, 1, CLASSES),
    "log_loss": ("LOWER", 0, INF, CLASSES),
    "average_precision": ("HIGHER", 0, 1, CLASSES),
    "cost_matrix_gain": ("HIGHER", -INF, INF, CLASSES),
    "calibration_loss": ("LOWER", 0, 1, {T.BINARY}),
    "lift": ("HIGHER", 0, INF, {T.BINARY}),
    "evs": ("HIGHER", -INF, 1, {T.REGRESSION}),
    "mape": ("LOWER", 0, INF, NUMBERS),
    "mae": ("LOWER", 0, INF, NUMBERS),
    "mse": ("LOWER", 0, INF, NUMBERS),
    "rmse": ("LOWER", 0, INF, NUMBERS),
    "rmsle": ("LOWER", 0, INF, {T.REGRESSION}),
    "r2": ("HIGHER", -INF, 1, {T.REGRESSION}),
    "pearson": ("HIGHER", -1, 1, {T.REGRESSION}),
    "mase": ("LOWER", 0, INF, {T.TIME_SERIES}),
    "smape": ("LOWER", 0, INF, {T.TIME_SERIES}),
    "mean_absolute_quantile_loss": ("LOWER", 0, INF, {T.TIME_SERIES}),
    "mean_weighted_quantile_loss": ("LOWER", 0, INF, {T.TIME_SERIES}),
    "msis": ("LOWER", 0, INF, {T.TIME_SERIES}),
    "nd": ("LOWER", 0, INF, {T.TIME_SERIES}),
    "silhouette": ("HIGHER", -1, 1, {T.CLUSTERING}),
    "inertia": ("LOWER", 0, INF, {T.CLUSTERING}),
    "n_clusters": ("NONE", 0, INF, {T.CLUSTERING}),
    "data_drift": ("LOWER", 0, 1, set(T)),
    "prediction_drift": ("LOWER", 0, 1, set(T)),
}


def test_every_standard_metric_is_there_in_order() -> None:
    assert list(CATALOGUE) == list(EXPECTED)
    assert next(iter(CATALOGUE)) == "roc_auc"


@pytest.mark.parametrize("code", EXPECTED)
def test_a_standard_metric_is_as_expected(code: str) -> None:
    spec = CATALOGUE[code]
    assert (spec.code, spec.direction.value, spec.low, spec.high, set(spec.prediction_types)) == (code, *EXPECTED[code])
    assert spec.description.endswith(".")


def test_labels_are_distinct() -> None:
    assert len({spec.label for spec in CATALOGUE.values()}) == len(CATALOGUE)
    assert CATALOGUE["roc_auc"].label == "ROC AUC"


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["roc_auc"] = CATALOGUE["f1"]  # type: ignore[index]  # that it cannot be written is the point
    with pytest.raises(FrozenInstanceError):
        CATALOGUE["roc_auc"].high = 2.0  # type: ignore[misc]  # that it cannot be written is the point


@pytest.mark.parametrize(
    ("code", "value", "admitted"),
    [
        ("roc_auc", 0.0, True),
        ("roc_auc", 1.0, True),
        ("roc_auc", 1.3, False),
        ("roc_auc", -0.1, False),
        ("log_loss", 36.0, True),
        ("log_loss", -1e-9, False),
        ("r2", -12.0, True),
        ("r2", 1.01, False),
        ("pearson", -1.0, True),
        ("cost_matrix_gain", -1e300, True),
        ("cost_matrix_gain", math.inf, False),
        ("rmse", math.inf, False),
        ("rmse", math.nan, False),
    ],
)
def test_admits(code: str, value: float, admitted: bool) -> None:
    assert CATALOGUE[code].admits(value) is admitted


@given(st.sampled_from(sorted(CATALOGUE)), st.floats())
def test_what_is_admitted_is_finite_and_in_range(code: str, value: float) -> None:
    spec = CATALOGUE[code]
    assert spec.admits(value) == (math.isfinite(value) and not value < spec.low and not value > spec.high)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"code": ""}, "code"),
        ({"code": "a\nb"}, "code"),
        ({"code": "\ud800"}, "code"),
        ({"code": "ü" * 128}, "255"),
        ({"label": " "}, "label"),
        ({"direction": "UP"}, "Direction"),
        ({"low": 1.0, "high": 0.0}, "low"),
        ({"low": math.nan}, "low"),
        ({"high": math.nan}, "low"),
        ({"low": math.inf, "high": math.inf}, "low"),
        ({"low": -math.inf, "high": -math.inf}, "low"),
        ({"prediction_types": frozenset()}, "prediction_types"),
        ({"prediction_types": frozenset({"GUESSING"})}, "PredictionType"),
    ],
)
def test_the_impossible_is_refused(change: dict[str, object], complaint: str) -> None:
    possible = MetricSpec("profit", "Profit", Direction.HIGHER)
    with pytest.raises(ValueError, match=complaint):
        replace(possible, **change)  # type: ignore[arg-type]  # wrong types are part of what is tried


def test_text_as_in_an_event_becomes_enum_members() -> None:
    spec = MetricSpec("profit", "Profit", "HIGHER", prediction_types=frozenset({"BINARY"}))  # type: ignore[arg-type]
    assert spec.direction is Direction.HIGHER
    assert spec.prediction_types == frozenset({PredictionType.BINARY})
    longest = "ü" * 127
    assert replace(spec, code=longest).code == longest


def test_a_standard_metric_cannot_be_redefined() -> None:
    declared = MetricSpec("roc_auc", "My AUC", Direction.LOWER)
    assert spec_of("roc_auc", declared) is CATALOGUE["roc_auc"]
    assert spec_of("roc_auc") is CATALOGUE["roc_auc"]


def test_a_custom_metric_is_as_declared() -> None:
    declared = MetricSpec("profit", "Profit", Direction.HIGHER)
    assert spec_of("profit", declared) is declared


def test_an_undeclared_metric_has_its_code_as_label_and_no_direction() -> None:
    assert spec_of("profit") == MetricSpec("profit", "profit", Direction.NONE, -INF, INF, frozenset(T), "")


def test_a_declaration_of_another_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="'profit', not 'loss'"):
        spec_of("loss", MetricSpec("profit", "Profit", Direction.HIGHER))


def test_the_catalogue_loads_no_numerics() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, mooring.metrics; print([m for m in ('numpy', 'sklearn') if m in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "[]"
