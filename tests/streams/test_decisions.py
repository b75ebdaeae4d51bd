"""The decisions: rule 7 of the domain, case by case, and the outcomes of evaluations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

import pytest

from mooring.events import Change, CustomMetric, EvaluationRun, ModelBuild
from mooring.metrics.catalogue import Direction, spec_of
from mooring.outputs import DriftAlert, Outcome, Severity
from streams.severity import Policy, degradation_of, severity_of
from tests.streams.registry import Registry
from tests.streams.strategies import V1, build, change, evaluation, store

Events = list[ModelBuild | EvaluationRun]

# The name space of URLs, from RFC 4122. Ids are derived in that of the URL "mooring.v1".
URLS = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def handled(*events: Any, watched: tuple[str, ...] = ("roc_auc",)) -> Registry:
    registry = Registry(Policy(watched=watched))
    registry.handle(*events)
    return registry


def alerts_of_last(*events: Any, watched: tuple[str, ...] = ("roc_auc",)) -> list[DriftAlert]:
    """The alerts that the last of the events causes."""
    registry = handled(*events[:-1], watched=watched)
    before = len(registry.alerts())
    registry.handle(events[-1])
    return registry.alerts()[before:]


# A worked example


def test_an_evaluation_that_finds_081_where_the_build_had_087() -> None:
    (alert,) = alerts_of_last(
        build("build-42", at=1_700_000_000_000, activate=True, model_name="Coupon Redemption", version_name="spring"),
        evaluation("run-7", at=1_700_604_800_000, evaluation_id="week 1", source_url="https://runs.example/7"),
    )
    rounded: dict[str, Any] = {name: round(getattr(alert, name), 12) for name in ("drift", "change", "degradation")}
    assert replace(alert, **rounded) == DriftAlert(
        alert_id=str(uuid5(uuid5(URLS, "mooring.v1"), "ci/COUPONS/redemption/v1/roc_auc/run-7")),
        version_key="ci/COUPONS/redemption/v1",
        node_id="ci",
        project_key="COUPONS",
        model_id="redemption",
        version_id="v1",
        active=True,
        metric="roc_auc",
        direction=Direction.HIGHER,
        initial=0.87,
        previous=0.87,
        current=0.81,
        drift=-0.06,
        change=-0.06,
        degradation=0.06,
        severity=Severity.CRITICAL,
        reason="ROC AUC of Coupon Redemption spring fell from 0.8700 to 0.8100, 0.0600 below its initial 0.8700.",
        evaluation_id="week 1",
        store_id="weekly",
        evaluated_at=1_700_604_800_000,
        caused_by="run-7",
        source_url="https://runs.example/7",
    )


# Rule 7: when there is an alert


def run(event_id: str, at: int, roc_auc: float, **fields: Any) -> EvaluationRun:
    return evaluation(event_id, at, metrics={"roc_auc": roc_auc}, **fields)


@pytest.mark.parametrize(
    ("events", "previous", "current", "drift", "moved"),
    [
        pytest.param([build(), run("r1", 2, 0.81)], 0.87, 0.81, -0.06, -0.06, id="the first, from the initial value"),
        pytest.param(
            [build(), run("r1", 2, 0.81), run("r2", 3, 0.83)], 0.81, 0.83, -0.04, 0.02, id="the next, from the previous"
        ),
        pytest.param(
            [build(), run("r1", 2, 0.81), run("r2", 3, 0.87)], 0.81, 0.87, 0.0, 0.06, id="back to the initial value"
        ),
        pytest.param(
            [build(metrics={}), run("r1", 2, 0.81), run("r2", 3, 0.83)], 0.81, 0.83, None, 0.02, id="no initial value"
        ),
        pytest.param([run("r1", 2, 0.81), run("r2", 3, 0.83)], 0.81, 0.83, None, 0.02, id="the build is awaited"),
        pytest.param(
            [build(), run("r1", 2, 0.81), run("r2", 2, 0.86, evaluation_id="evaluation-r1", recorded_at=3)],
            0.81,
            0.86,
            -0.01,
            0.05,
            id="a correction",
        ),
        pytest.param(
            [build(), evaluation("r1", 9, metrics={"data_drift": 0.4}), run("r2", 2, 0.81)],
            0.87,
            0.81,
            -0.06,
            -0.06,
            id="older than an evaluation of another metric",
        ),
        pytest.param(
            [build(), store("s1", 5, synced=False), run("r1", 4, 0.81)], 0.87, 0.81, -0.06, -0.06, id="still synced"
        ),
        pytest.param([build("b1", 9), run("r1", 2, 0.81)], 0.87, 0.81, -0.06, -0.06, id="of before the build"),
    ],
)
def test_one_alert_for_an_evaluation_that_changes_the_current_value(
    events: Events, previous: float | None, current: float, drift: float | None, moved: float
) -> None:
    (alert,) = alerts_of_last(*events)
    assert (alert.previous, alert.current) == (previous, current)
    assert alert.drift == (None if drift is None else pytest.approx(drift, abs=1e-12))
    assert alert.change == pytest.approx(moved, abs=1e-12)
    assert alert.degradation == (None if drift is None else pytest.approx(-drift, abs=1e-12))
    cause = events[-1]
    assert isinstance(cause, EvaluationRun)
    assert (alert.caused_by, alert.evaluation_id, alert.store_id, alert.evaluated_at) == (
        cause.event_id,
        cause.evaluation_id,
        cause.store_id,
        cause.evaluated_at,
    )


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([build(), run("r1", 2, 0.87)], id="the initial value, found again"),
        pytest.param([build(), run("r1", 2, 0.81), run("r2", 3, 0.81)], id="the previous value, found again"),
        pytest.param([build(), run("r1", 2, 0.81), run("r0", 1, 0.70)], id="late"),
        pytest.param([build(), run("r1", 2, 0.81), run("r1", 2, 0.81)], id="a duplicate"),
        pytest.param(
            [build(), run("r1", 2, 0.81), run("r2", 3, 0.83), run("r1", 2, 0.81)], id="a duplicate of an earlier one"
        ),
        pytest.param([build(), run("r1", 2, 0.81, synced=False)], id="not synced"),
        pytest.param([build(), store("s1", 1, synced=False), run("r1", 2, 0.81)], id="in a store that opted out"),
        pytest.param([build(), evaluation(metrics={"accuracy": 0.5})], id="it lacks the metric"),
        pytest.param([build(), evaluation(metrics={})], id="it has no metrics"),
        pytest.param([run("r1", 2, 0.81)], id="nothing to compare with: the build is awaited"),
        pytest.param(
            [build(metrics={"accuracy": 0.9}), run("r1", 2, 0.81)], id="nothing to compare with: not measured"
        ),
        pytest.param([build()], id="a build before any evaluation"),
        pytest.param([build("b1"), build("b2", 1_001, metrics={"roc_auc": 0.9})], id="a rebuild before any evaluation"),
        pytest.param([run("r1", 2, 0.87), build()], id="a late build that equals the current value"),
        pytest.param([run("r1", 2, 0.81), build(metrics={})], id="a late build that lacks the metric"),
        pytest.param([evaluation(metrics={"accuracy": 0.5}), build()], id="a late build, and no current value"),
        pytest.param([run("r1", 2, 0.81), build(), build()], id="a duplicate of a late build"),
        pytest.param(
            [run("r1", 2, 0.81), build("b2", 10), build("b1", 9, metrics={"roc_auc": 0.9})], id="an older build"
        ),
        pytest.param([build(), run("r1", 2, 0.81), change(Change.ACTIVATED)], id="a change of its life"),
    ],
)
def test_no_alert(events: Events) -> None:
    assert alerts_of_last(*events) == []


@pytest.mark.parametrize(
    ("events", "drift"),
    [
        pytest.param([run("r1", 2, 0.81), build("b1")], -0.06, id="the build arrives after an evaluation"),
        pytest.param([run("r2", 3, 0.81), run("r1", 2, 0.5), build("b1")], -0.06, id="after several"),
        pytest.param([build("b0", 9), run("r1", 2, 0.81), build("b1")], -0.06, id="built anew"),
        pytest.param(
            [run("r1", 2, 0.81), build("b1", metrics={"roc_auc": 0.8, "accuracy": 1.0})], 0.01, id="it was worse"
        ),
    ],
)
def test_one_alert_for_a_build_that_arrives_late_and_differs_from_the_current_value(
    events: Events, drift: float
) -> None:
    (alert,) = alerts_of_last(*events)
    assert (alert.caused_by, alert.previous, alert.change) == ("b1", None, None)
    assert alert.alert_id == str(uuid5(uuid5(URLS, "mooring.v1"), "ci/COUPONS/redemption/v1/roc_auc/b1"))
    assert alert.current == 0.81
    assert alert.drift == pytest.approx(drift, abs=1e-12)
    shown = next(event for event in events if isinstance(event, EvaluationRun) and event.metrics["roc_auc"] == 0.81)
    assert (alert.evaluation_id, alert.evaluated_at) == (shown.evaluation_id, shown.evaluated_at)


def test_a_version_that_is_not_active_is_alerted_too() -> None:
    (active,) = alerts_of_last(build(activate=True), evaluation())
    (inactive,) = alerts_of_last(build(activate=True), build("b2", 1_001, version_id="v2", activate=True), evaluation())
    assert (active.active, inactive.active) == (True, False)
    assert inactive.version_id == "v1"


# Ids


def test_the_id_is_derived_from_version_key_metric_and_causing_event() -> None:
    """By hand: each part percent-encoded, so that no two triples spell the same name."""
    version: dict[str, Any] = {"model_id": "modèle/1", "version_id": "v 1"}
    metric: dict[str, Any] = {"metrics": {"up/lift": 0.5}}
    (alert,) = alerts_of_last(
        build(**version, **metric), evaluation("run/9", **version, metrics={"up/lift": 0.4}), watched=("up/lift",)
    )
    name = "ci/COUPONS/mod%C3%A8le%2F1/v%201/up%2Flift/run%2F9"
    assert alert.alert_id == str(uuid5(uuid5(URLS, "mooring.v1"), name))


def test_the_name_space_of_ids_never_changes() -> None:
    """Written out: subscribers derive ids again, so they outlive this code."""
    (alert,) = alerts_of_last(build(), evaluation("run-1"))
    assert str(uuid5(URLS, "mooring.v1")) == "59571dcc-f2dc-5d16-bc6b-ff433380cc22"
    assert alert.alert_id == "df09d56e-e493-59c0-b6bc-826966446233"


# Severity


@pytest.mark.parametrize(
    ("initial", "current", "expected"),
    [
        pytest.param(0.87, 0.8501, Severity.INFO, id="less than 0.02"),
        pytest.param(0.82, 0.80, Severity.WARNING, id="0.02, though 0.82 - 0.80 is less in floating point"),
        pytest.param(0.87, 0.85, Severity.WARNING, id="0.02"),
        pytest.param(0.87, 0.8201, Severity.WARNING, id="less than 0.05"),
        pytest.param(0.85, 0.80, Severity.CRITICAL, id="0.05, though 0.85 - 0.80 is less in floating point"),
        pytest.param(0.87, 0.82, Severity.CRITICAL, id="0.05"),
        pytest.param(0.87, 0.50, Severity.CRITICAL, id="more than 0.05"),
        pytest.param(0.87, 0.95, Severity.INFO, id="better"),
    ],
)
def test_severity_by_degradation(initial: float, current: float, expected: Severity) -> None:
    registry = handled(build(metrics={"roc_auc": initial}), run("r1", 2, current))
    assert [alert.severity for alert in registry.alerts()] == [expected]
    assert registry.row(V1).severity is expected


def test_floating_point_is_as_treacherous_as_the_boundaries_say() -> None:
    assert 0.82 - 0.80 < 0.02
    assert 0.85 - 0.80 < 0.05


def test_back_at_the_initial_value_the_alert_is_an_information_and_the_row_has_no_drift() -> None:
    registry = handled(build(), run("r1", 2, 0.81), run("r2", 3, 0.87))
    assert [alert.severity for alert in registry.alerts()] == [Severity.CRITICAL, Severity.INFO]
    assert registry.row(V1).severity is Severity.NONE


def test_without_an_initial_value_a_change_is_an_information() -> None:
    registry = handled(run("r1", 2, 0.81), run("r2", 3, 0.5))
    assert [alert.severity for alert in registry.alerts()] == [Severity.INFO]
    assert registry.row(V1).severity is Severity.NONE


@pytest.mark.parametrize(
    ("degradation", "drift", "expected"),
    [
        (None, None, Severity.NONE),
        (None, 0.5, Severity.INFO),
        (None, 0.0, Severity.NONE),
        (0.0, 0.0, Severity.NONE),
        (-0.5, 0.5, Severity.INFO),
    ],
)
def test_severity_where_a_drift_has_no_direction_or_is_none(
    degradation: float | None, drift: float | None, expected: Severity
) -> None:
    assert severity_of(degradation, drift, None, Policy()) is expected


# Direction


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("roc_auc", -0.1, id="higher is better"),
        pytest.param("log_loss", 0.1, id="lower is better"),
        pytest.param("n_clusters", None, id="neither is"),
        pytest.param("nobody_declared_it", None, id="unknown"),
    ],
)
def test_degradation_is_positive_where_the_model_got_worse(code: str, expected: float | None) -> None:
    assert degradation_of(0.1, spec_of(code)) == expected
    assert degradation_of(None, spec_of(code)) is None


@pytest.mark.parametrize(
    ("code", "initial", "current", "severity"),
    [
        ("log_loss", 0.30, 0.40, Severity.CRITICAL),
        ("log_loss", 0.30, 0.28, Severity.INFO),
        ("n_clusters", 5.0, 7.0, Severity.INFO),
    ],
)
def test_other_metrics_can_be_watched(code: str, initial: float, current: float, severity: Severity) -> None:
    events = build(metrics={code: initial}), evaluation(metrics={code: current})
    assert alerts_of_last(*events) == []
    (alert,) = alerts_of_last(*events, watched=("roc_auc", code))
    assert (alert.metric, alert.direction, alert.severity) == (code, spec_of(code).direction, severity)


def test_one_alert_for_each_watched_metric_that_changed_in_the_order_of_the_settings() -> None:
    metrics = {"roc_auc": 0.81, "accuracy": 0.9, "log_loss": 0.4}
    found = alerts_of_last(
        build(metrics={"roc_auc": 0.87, "accuracy": 0.9, "log_loss": 0.3}),
        evaluation(metrics=metrics),
        watched=("log_loss", "accuracy", "roc_auc"),
    )
    assert [alert.metric for alert in found] == ["log_loss", "roc_auc"]
    assert len({alert.alert_id for alert in found}) == 2


@pytest.mark.parametrize(
    ("direction", "degradation", "severity"),
    [
        (Direction.HIGHER, 0.1, Severity.CRITICAL),
        (Direction.LOWER, -0.1, Severity.INFO),
        (Direction.NONE, None, Severity.INFO),
    ],
)
@pytest.mark.parametrize("label", ["Uplift", None, " "])
def test_a_custom_metric_is_judged_by_its_declared_direction(
    label: str | None, direction: Direction, degradation: float | None, severity: Severity
) -> None:
    declared = (CustomMetric(code="uplift", label=label, direction=direction),)
    (alert,) = alerts_of_last(
        build(metrics={"uplift": 0.5}, custom_metrics=declared),
        evaluation(metrics={"uplift": 0.4}),
        watched=("uplift",),
    )
    assert alert.direction is direction
    assert alert.degradation == (None if degradation is None else pytest.approx(degradation))
    assert alert.severity is severity
    assert alert.reason.startswith("Uplift of" if label == "Uplift" else "uplift of")


def test_the_row_has_the_greatest_severity_of_the_watched_metrics() -> None:
    events = (
        build(metrics={"roc_auc": 0.87, "accuracy": 0.9, "f1": 0.9}),
        evaluation(metrics={"roc_auc": 0.86, "accuracy": 0.87, "f1": 0.1}),
    )
    assert handled(*events).row(V1).severity is Severity.INFO
    assert handled(*events, watched=("roc_auc", "accuracy")).row(V1).severity is Severity.WARNING
    assert handled(*events, watched=("accuracy", "roc_auc")).row(V1).severity is Severity.WARNING


# The sentence


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (
            [build(), run("r1", 2, 0.9)],
            "ROC AUC of redemption v1 rose from 0.8700 to 0.9000, 0.0300 above its initial 0.8700.",
        ),
        (
            [build(), run("r1", 2, 0.81), run("r2", 3, 0.87)],
            "ROC AUC of redemption v1 rose from 0.8100 to 0.8700, its initial value.",
        ),
        (
            [run("r1", 2, 0.81), run("r2", 3, 0.79)],
            "ROC AUC of redemption v1 fell from 0.8100 to 0.7900; its initial value is not known yet.",
        ),
        ([run("r1", 2, 0.81), build()], "ROC AUC of redemption v1 is 0.8100, 0.0600 below its initial 0.8700."),
    ],
)
def test_the_reason_is_a_sentence_for_a_person(events: Events, expected: str) -> None:
    (alert,) = alerts_of_last(*events)
    assert alert.reason == expected


# Outcomes


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([build(), run("r1", 2, 0.81)], Outcome.CURRENT, id="it set a metric"),
        pytest.param([build(), run("r1", 2, 0.87)], Outcome.CURRENT, id="the same value: newer all the same"),
        pytest.param(
            [run("r2", 3, 0.8), run("r1", 2, 0.81, store_id="daily")], Outcome.LATE, id="another store's is newer"
        ),
        pytest.param([run("r1", 2, 0.81), run("r1", 2, 0.81)], Outcome.DUPLICATE, id="handled before"),
        pytest.param(
            [
                evaluation("r1", 2, metrics={"roc_auc": 0.81, "accuracy": 0.9}),
                run("r2", 3, 0.8),
                evaluation("r1", 2, metrics={"roc_auc": 0.81, "accuracy": 0.9}),
            ],
            Outcome.DUPLICATE,
            id="handled before, and newest in one metric still",
        ),
        pytest.param(
            [run("r2", 3, 0.8), evaluation("r1", 2, metrics={"roc_auc": 0.81, "accuracy": 0.9})],
            Outcome.CURRENT,
            id="late in one metric, newest in another",
        ),
        pytest.param([evaluation(metrics={})], Outcome.LATE, id="without metrics it sets none"),
    ],
)
def test_the_outcome_of_a_counted_evaluation(events: Events, expected: Outcome) -> None:
    registry = handled(*events)
    outcome, last = registry.outcomes()[-1], events[-1]
    assert (outcome.outcome, outcome.event_id, outcome.metrics) == (expected, last.event_id, last.metrics)
    assert outcome.version_key == str(V1)


def test_an_outcome_has_the_drift_of_its_own_values_and_the_ids_of_its_alerts() -> None:
    registry = handled(build(), run("r2", 3, 0.81), run("r1", 2, 0.80))
    current, late = registry.outcomes()
    (alert,) = registry.alerts()
    assert (current.alert_ids, late.alert_ids) == ((alert.alert_id,), ())
    assert current.drift == {"roc_auc": pytest.approx(-0.06, abs=1e-12)}
    assert late.drift == {"roc_auc": pytest.approx(-0.07, abs=1e-12)}
