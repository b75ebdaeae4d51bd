"""Events: what a constructor refuses, which field it names, and the reason code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import InvalidEvent, Reason
from mooring.events import (
    FUTURE_TOLERANCE_MS,
    MAX_LABELS,
    MAX_METRICS,
    MAX_TEXT_BYTES,
    Change,
    CustomMetric,
    Event,
    Thresholds,
)
from mooring.keys import StoreKey, VersionKey
from mooring.metrics.catalogue import CATALOGUE
from tests.mooring.samples import BUILD, EVALUATION, LIFECYCLE, STORE

EVENTS: dict[str, Event] = {"build": BUILD, "evaluation": EVALUATION, "store": STORE, "lifecycle": LIFECYCLE}
IDS = [(kind, name) for kind, event in EVENTS.items() for name in type(event).IDS]
TIMES = [(kind, name) for kind, event in EVENTS.items() for name in type(event).TIMES]
TEXTS = [(kind, name) for kind, event in EVENTS.items() for name in type(event).TEXTS]
COUNTS = [(kind, name) for kind, event in EVENTS.items() for name in type(event).COUNTS]


def refusal(event: Event, **change: Any) -> InvalidEvent:
    """What the constructor raises when the event has these fields instead. Any: the point is that they are wrong."""
    with pytest.raises(InvalidEvent) as refused:
        replace(event, **change)
    assert str(refused.value).startswith(refused.value.field)
    return refused.value


@pytest.mark.parametrize(("kind", "field"), IDS)
@pytest.mark.parametrize("value", ["", None, 7, "a\0b", "x" * 256, "\ud800"])
def test_ids(kind: str, field: str, value: object) -> None:
    # Another project of the model is noticed only after the ids themselves are checked.
    assert refusal(EVENTS[kind], **{field: value}).field == field


@pytest.mark.parametrize(("kind", "field"), TIMES)
@pytest.mark.parametrize("value", [-1, 2**63, 1.5, "2026-01-01", None, True])
def test_times(kind: str, field: str, value: object) -> None:
    error = refusal(EVENTS[kind], **{field: value})
    assert (error.field, error.reason) == (field, Reason.INVALID_FIELD)


@pytest.mark.parametrize(("kind", "field"), COUNTS)
@pytest.mark.parametrize("value", [-1, 2**63, 1.5, "7", True])
def test_counts(kind: str, field: str, value: object) -> None:
    assert refusal(EVENTS[kind], **{field: value}).field == field


@pytest.mark.parametrize(("kind", "field"), TEXTS)
@pytest.mark.parametrize("value", [7, b"text", "x" * (MAX_TEXT_BYTES + 1), "\ud800"])
def test_texts(kind: str, field: str, value: object) -> None:
    assert refusal(EVENTS[kind], **{field: value}).field == field


BAD_METRICS: list[tuple[dict[Any, Any], str, Reason]] = [
    ({"roc_auc": math.nan}, "metrics.roc_auc", Reason.METRIC_NOT_FINITE),
    ({"roc_auc": math.inf}, "metrics.roc_auc", Reason.METRIC_NOT_FINITE),
    ({"cost_matrix_gain": math.inf}, "metrics.cost_matrix_gain", Reason.METRIC_NOT_FINITE),
    ({"cost_matrix_gain": -math.inf}, "metrics.cost_matrix_gain", Reason.METRIC_NOT_FINITE),
    ({"custom": -math.inf}, "metrics.custom", Reason.METRIC_NOT_FINITE),
    ({"custom": 10**400}, "metrics.custom", Reason.METRIC_NOT_FINITE),
    ({"roc_auc": 1.3}, "metrics.roc_auc", Reason.METRIC_OUT_OF_RANGE),
    ({"roc_auc": -0.01}, "metrics.roc_auc", Reason.METRIC_OUT_OF_RANGE),
    ({"log_loss": -1.0}, "metrics.log_loss", Reason.METRIC_OUT_OF_RANGE),
    ({"pearson": 1.01}, "metrics.pearson", Reason.METRIC_OUT_OF_RANGE),
    ({"roc_auc": "0.8"}, "metrics.roc_auc", Reason.INVALID_FIELD),
    ({"roc_auc": None}, "metrics.roc_auc", Reason.INVALID_FIELD),
    ({"roc_auc": True}, "metrics.roc_auc", Reason.INVALID_FIELD),
    ({"": 0.5}, "metrics", Reason.INVALID_FIELD),
    ({"a\tb": 0.5}, "metrics", Reason.INVALID_FIELD),
    ({7: 0.5}, "metrics", Reason.INVALID_FIELD),
    ({f"m{n}": 0.0 for n in range(MAX_METRICS + 1)}, "metrics", Reason.INVALID_FIELD),
]


@pytest.mark.parametrize("kind", ["build", "evaluation"])
@pytest.mark.parametrize(("metrics", "field", "reason"), BAD_METRICS, ids=lambda value: str(value)[:40])
def test_metrics(kind: str, metrics: dict[Any, Any], field: str, reason: Reason) -> None:
    error = refusal(EVENTS[kind], metrics=metrics)
    assert (error.field, error.reason) == (field, reason)


FLOATS = st.floats(-0.5, 1.5) | st.floats()
VALUES = st.one_of(FLOATS, FLOATS, FLOATS, st.integers(-1, 2), st.booleans(), st.sampled_from(["0.5", None, 10**400]))


@given(st.dictionaries(st.sampled_from([*CATALOGUE, "custom", "été", "", "a\tb"]), VALUES, max_size=4))
def test_metrics_at_once_are_refused_as_one_by_one(metrics: dict[str, Any]) -> None:
    def first_refusal() -> str | None:
        for code, value in metrics.items():
            try:
                replace(EVALUATION, metrics={code: value} | {f"m{n}": 0.0 for n in range(100)})
            except InvalidEvent as error:
                return str(error)
        return None

    try:
        replace(EVALUATION, metrics=metrics)
        found = None
    except InvalidEvent as error:
        found = str(error)
    assert found == first_refusal()


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.code)
def test_a_metric_may_lie_on_its_bounds(spec: Any) -> None:
    for bound in (spec.low, spec.high):
        if math.isfinite(bound):
            replace(EVALUATION, metrics={spec.code: bound})
            beyond = math.nextafter(bound, math.inf if bound == spec.high else -math.inf)
            assert refusal(EVALUATION, metrics={spec.code: beyond}).reason is Reason.METRIC_OUT_OF_RANGE


def test_a_metric_may_be_whole_or_of_numpy() -> None:
    event = replace(EVALUATION, metrics={"roc_auc": 1, "custom": np.float64(0.25)})
    assert event.metrics == {"roc_auc": 1, "custom": 0.25}


BAD_BUILDS: dict[str, tuple[dict[str, Any], str, Reason]] = {
    "negative deviation": ({"metric_std": {"roc_auc": -0.1}}, "metric_std.roc_auc", Reason.INVALID_FIELD),
    "no deviation": ({"metric_std": {"roc_auc": math.nan}}, "metric_std.roc_auc", Reason.METRIC_NOT_FINITE),
    "huge deviation": ({"metric_std": {"roc_auc": 10**400}}, "metric_std.roc_auc", Reason.METRIC_NOT_FINITE),
    "deviation of nothing": ({"metric_std": {"": 0.1}}, "metric_std", Reason.INVALID_FIELD),
    "error as text": ({"standard_errors": {"f1": "0.1"}}, "standard_errors.f1", Reason.INVALID_FIELD),
    "twice declared": ({"custom_metrics": (CustomMetric(code="a"),) * 2}, "custom_metrics", Reason.INVALID_FIELD),
    "declared as a dict": ({"custom_metrics": ({"code": "a"},)}, "custom_metrics", Reason.INVALID_FIELD),
    "flag as text": ({"activate": "false"}, "activate", Reason.INVALID_FIELD),
    "flag as number": ({"activate": 1}, "activate", Reason.INVALID_FIELD),
    "kind as text": ({"node_kind": "DESIGN"}, "node_kind", Reason.INVALID_FIELD),
    "type as text": ({"prediction_type": "BINARY"}, "prediction_type", Reason.INVALID_FIELD),
    "label of nothing": ({"labels": {"": "x"}}, "labels", Reason.INVALID_FIELD),
    "label without a value": ({"labels": {"a": None}}, "labels.a", Reason.INVALID_FIELD),
    "label with a number": ({"labels": {"a": 1}}, "labels.a", Reason.INVALID_FIELD),
    "long label": ({"labels": {"a": "x" * 5000}}, "labels.a", Reason.INVALID_FIELD),
    "too many labels": ({"labels": {str(n): "" for n in range(MAX_LABELS + 1)}}, "labels", Reason.INVALID_FIELD),
}


@pytest.mark.parametrize("name", BAD_BUILDS)
def test_builds(name: str) -> None:
    change, field, reason = BAD_BUILDS[name]
    error = refusal(BUILD, **change)
    assert (error.field, error.reason) == (field, reason)


def test_an_evaluation_of_another_project() -> None:
    error = refusal(EVALUATION, model_project_key="OTHER")
    assert (error.field, error.reason) == ("model_project_key", Reason.STORE_OUTSIDE_PROJECT)


@pytest.mark.parametrize("synced", ["false", 0, "yes"])
def test_synced_is_a_flag(synced: object) -> None:
    assert refusal(EVALUATION, synced=synced).field == "synced"
    assert refusal(STORE, synced=synced).field == "synced"


BAD_THRESHOLDS: list[Callable[[], Thresholds]] = [
    lambda: Thresholds(min=0.9, max=0.1),
    lambda: Thresholds(min=0.9, soft_min=0.8),
    lambda: Thresholds(soft_max=0.9, max=0.8),
    lambda: Thresholds(max=math.inf),
    lambda: Thresholds(min=math.nan),
    lambda: Thresholds(min="0.5"),  # type: ignore[arg-type]
    lambda: Thresholds(min=True),
    lambda: Thresholds(max=10**400),
]


@pytest.mark.parametrize("bad", BAD_THRESHOLDS)
def test_thresholds(bad: Callable[[], Thresholds]) -> None:
    with pytest.raises(InvalidEvent, match="thresholds"):
        bad()


def test_thresholds_of_a_store() -> None:
    assert refusal(STORE, thresholds={"": Thresholds()}).field == "thresholds"
    assert refusal(STORE, thresholds={"roc_auc": {"min": 0.5}}).field == "thresholds.roc_auc"
    replace(STORE, thresholds={"roc_auc": Thresholds(min=0.5, soft_min=0.5, soft_max=0.5, max=0.5)})


def test_declarations() -> None:
    with pytest.raises(InvalidEvent, match="standard metric"):
        CustomMetric(code="roc_auc")
    with pytest.raises(InvalidEvent, match="empty"):
        CustomMetric(code="")
    with pytest.raises(InvalidEvent, match="Direction"):
        CustomMetric(code="a", direction="HIGHER")  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [Change.DEPLOYED, Change.UNDEPLOYED])
def test_a_deployment_names_its_infrastructure(change: Change) -> None:
    assert refusal(LIFECYCLE, change=change, infrastructure=None).field == "infrastructure"
    assert refusal(LIFECYCLE, change=change, infrastructure="").field == "infrastructure"


def test_an_unknown_change() -> None:
    assert refusal(LIFECYCLE, change=Change.UNKNOWN).field == "change"
    assert refusal(LIFECYCLE, change="ACTIVATED").field == "change"


@pytest.mark.parametrize("kind", EVENTS)
def test_the_future(kind: str) -> None:
    event = EVENTS[kind]
    newest = max(getattr(event, name) for name in event.PAST)
    event.check_not_in_the_future(newest - FUTURE_TOLERANCE_MS)
    with pytest.raises(InvalidEvent) as refused:
        event.check_not_in_the_future(newest - FUTURE_TOLERANCE_MS - 1)
    assert refused.value.reason is Reason.DATED_IN_THE_FUTURE
    assert refused.value.field in event.PAST


def test_a_configuration_may_lie_ahead() -> None:
    replace(STORE, effective_at=STORE.recorded_at + 10**10).check_not_in_the_future(STORE.recorded_at)


def test_keys_of_events() -> None:
    assert str(BUILD.project) == "automation-1/COUPONS"
    assert BUILD.version == VersionKey("automation-1", "COUPONS", "coupon-redemption", "v1")
    assert EVALUATION.version == BUILD.version
    assert EVALUATION.store == STORE.store == StoreKey("automation-1", "COUPONS", "weekly")
    assert LIFECYCLE.model == BUILD.version.model


def test_events_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        BUILD.model_id = "other"  # type: ignore[misc]
