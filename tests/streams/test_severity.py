"""How much a drift matters: thresholds of the store first, then size and significance together."""

from __future__ import annotations

from typing import Any

import pytest

from mooring.events import Thresholds
from mooring.outputs import DriftAlert, ErrorSource, Severity, VersionMetrics
from tests.streams.registry import Registry
from tests.streams.strategies import V1, build, evaluation, store

FEW: dict[str, Any] = {"n_positive": 150, "n_negative": 150}
MANY: dict[str, Any] = {"n_positive": 150_000, "n_negative": 150_000}


def judged(*events: Any) -> tuple[DriftAlert, VersionMetrics]:
    """The last alert, and the row."""
    registry = Registry()
    registry.handle(*events)
    return registry.alerts()[-1], registry.row(V1)


# Size and significance


@pytest.mark.parametrize(
    ("before", "now", "current", "expected"),
    [
        pytest.param(FEW, FEW, 0.85, Severity.INFO, id="0.87 to 0.85 on 300 rows is noise"),
        pytest.param(MANY, MANY, 0.85, Severity.WARNING, id="on 300,000 it is not"),
        pytest.param(FEW, FEW, 0.60, Severity.CRITICAL, id="a great fall is no noise on 300 rows either"),
        pytest.param(MANY, MANY, 0.86, Severity.INFO, id="significant, but too small to matter"),
        pytest.param(MANY, MANY, 0.90, Severity.INFO, id="an improvement"),
        pytest.param({}, {}, 0.85, Severity.WARNING, id="sizes unknown: the size of the drift alone"),
        pytest.param(FEW, {}, 0.85, Severity.WARNING, id="those of the evaluation unknown"),
        pytest.param({}, FEW, 0.85, Severity.WARNING, id="those of the build unknown"),
        pytest.param({"n_positive": 150}, FEW, 0.85, Severity.WARNING, id="half known is unknown"),
        pytest.param({"n_positive": 0, "n_negative": 300}, FEW, 0.85, Severity.WARNING, id="no pair to compare"),
        pytest.param(FEW, {"standard_errors": {"roc_auc": 0.001}}, 0.85, Severity.INFO, id="one of the two is unsure"),
        pytest.param(
            {"standard_errors": {"roc_auc": 0.001}},
            {"standard_errors": {"roc_auc": 0.002}},
            0.85,
            Severity.WARNING,
            id="both are sure",
        ),
        pytest.param(
            {**FEW, "standard_errors": {"accuracy": 0.001}}, FEW, 0.85, Severity.INFO, id="that of another metric"
        ),
    ],
)
def test_a_degradation_has_to_be_large_and_more_than_chance(
    before: dict[str, Any], now: dict[str, Any], current: float, expected: Severity
) -> None:
    alert, row = judged(build(**before), evaluation(metrics={"roc_auc": current}, **now))
    assert (alert.severity, row.severity) == (expected, expected)


def test_an_alert_says_how_sure_it_is_and_by_what() -> None:
    """Worked by hand: 150 of each class, 0.87 and 0.85.

    Of 0.87: Q1 = 0.769912, Q2 = 0.809519, variance (0.1131 + 149 * 0.013012 + 149 * 0.052619) / 22500 = 0.00043965.
    Of 0.85: Q1 = 0.739130, Q2 = 0.781081, variance (0.1275 + 149 * 0.016630 + 149 * 0.058581) / 22500 = 0.00050373.
    """
    alert, _ = judged(build(**FEW), evaluation(metrics={"roc_auc": 0.85}, **FEW))
    assert alert.standard_error == pytest.approx((0.00043965 + 0.00050373) ** 0.5, rel=1e-4)
    assert alert.standard_error_from is ErrorSource.COUNTS
    # 0.02 / 0.030714 = 0.6512 standard errors: of a normal one, 0.5149 is at least as far out.
    assert alert.p_value == pytest.approx(0.5149, abs=2e-4)
    assert alert.reason.endswith("That may be chance: p = 0.51 (standard error 0.031, from counts).")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"standard_errors": {"roc_auc": 0.01}}, {"standard_errors": {"roc_auc": 0.02}}, ErrorSource.SCORES),
        ({"standard_errors": {"roc_auc": 0.01}}, FEW, ErrorSource.COUNTS),
        (FEW, {"standard_errors": {"roc_auc": 0.01}}, ErrorSource.COUNTS),
        (FEW, {**FEW, "standard_errors": {"roc_auc": 0.01}}, ErrorSource.COUNTS),
        (FEW, {}, ErrorSource.UNKNOWN),
    ],
)
def test_what_was_reported_comes_before_what_the_counts_say(
    before: dict[str, Any], now: dict[str, Any], expected: ErrorSource
) -> None:
    alert, _ = judged(build(**before), evaluation(**now))
    assert alert.standard_error_from is expected
    assert (alert.p_value is None) == (alert.standard_error is None) == (expected is ErrorSource.UNKNOWN)


def test_sizes_are_those_of_the_evaluation_that_the_value_comes_from() -> None:
    """Not those of a newer one that measured something else."""
    drift_only = evaluation("r2", 3_000, metrics={"data_drift": 0.3}, n_positive=5, n_negative=5)
    _, row = judged(build(**MANY), evaluation("r1", metrics={"roc_auc": 0.85}, **MANY), drift_only)
    assert row.severity is Severity.WARNING
    assert {source.event_id: source.n_positive for source in row.sources} == {"r1": 150_000, "r2": 5}


def test_a_late_build_makes_it_known_how_sure_a_drift_is() -> None:
    alert, row = judged(evaluation(metrics={"roc_auc": 0.85}, **FEW), build(**FEW))
    assert (alert.severity, row.severity) == (Severity.INFO, Severity.INFO)
    assert alert.p_value == pytest.approx(0.5149, abs=2e-4)


def test_what_is_more_than_chance_is_said_to_be() -> None:
    alert, _ = judged(build(**MANY), evaluation(metrics={"roc_auc": 0.85}, **MANY))
    assert alert.reason.endswith("Chance alone seldom does that: p < 0.0001 (standard error 0.00097, from counts).")


# Thresholds


def bounded(**bounds: float) -> Any:
    return store(thresholds={"roc_auc": Thresholds(**bounds)})


@pytest.mark.parametrize(
    ("bounds", "current", "severity", "threshold"),
    [
        pytest.param({"min": 0.8}, 0.79, Severity.CRITICAL, 0.8, id="below the minimum"),
        pytest.param({"min": 0.8}, 0.80, Severity.INFO, None, id="at it, though 0.07 below the initial value"),
        pytest.param({"soft_min": 0.86}, 0.855, Severity.WARNING, 0.86, id="below the soft one, though by 0.015 only"),
        pytest.param({"min": 0.8, "soft_min": 0.86}, 0.79, Severity.CRITICAL, 0.8, id="below both"),
        pytest.param({"max": 0.9}, 0.91, Severity.CRITICAL, 0.9, id="above the maximum, though better"),
        pytest.param({"soft_max": 0.9, "max": 0.95}, 0.91, Severity.WARNING, 0.9, id="above the soft one"),
        pytest.param({"min": 0.5}, 0.6, Severity.INFO, None, id="within, however far it fell"),
        pytest.param({}, 0.81, Severity.CRITICAL, None, id="a store without a bound for it says nothing"),
    ],
)
def test_thresholds_of_the_store_come_first(
    bounds: dict[str, float], current: float, severity: Severity, threshold: float | None
) -> None:
    alert, row = judged(bounded(**bounds), build(), evaluation(metrics={"roc_auc": current}))
    assert (alert.severity, alert.threshold, row.severity) == (severity, threshold, severity)


def test_thresholds_hold_whatever_chance_may_do() -> None:
    alert, _ = judged(bounded(min=0.86), build(**FEW), evaluation(metrics={"roc_auc": 0.855}, **FEW))
    assert alert.severity is Severity.CRITICAL
    assert alert.p_value == pytest.approx(0.62, abs=0.01)
    assert " The store weekly allows no less than 0.86. " in alert.reason


@pytest.mark.parametrize(
    ("configurations", "expected"),
    [
        pytest.param([store("s1", 0, thresholds={"roc_auc": Thresholds(min=0.85)})], Severity.CRITICAL, id="in force"),
        pytest.param([store("s1", 2_001, thresholds={"roc_auc": Thresholds(min=0.85)})], Severity.WARNING, id="later"),
        pytest.param(
            [store("s1", 0, thresholds={"roc_auc": Thresholds(min=0.85)}), store("s2", 1_000)],
            Severity.WARNING,
            id="taken back before",
        ),
        pytest.param(
            [store("s1", 0, store_id="daily", thresholds={"roc_auc": Thresholds(min=0.85)})],
            Severity.WARNING,
            id="of another store",
        ),
        pytest.param([store("s1", 0, thresholds={"log_loss": Thresholds(max=0.1)})], Severity.WARNING, id="of another"),
    ],
)
def test_those_of_its_store_when_it_ran(configurations: list[Any], expected: Severity) -> None:
    alert, row = judged(*configurations, build(), evaluation(at=2_000, metrics={"roc_auc": 0.84}))
    assert (alert.severity, row.severity) == (expected, expected)


def test_a_value_beyond_a_threshold_is_severe_before_its_build_is_known() -> None:
    registry = Registry()
    registry.handle(bounded(min=0.8), evaluation(metrics={"roc_auc": 0.7}))
    assert registry.row(V1).severity is Severity.CRITICAL


def test_a_row_keeps_the_thresholds_that_its_values_were_held_against() -> None:
    """Those of the metrics that it has, and no longer than it has the value from there."""
    bounds = {"roc_auc": Thresholds(min=0.8), "log_loss": Thresholds(max=1.0)}
    registry = Registry()
    registry.handle(store(thresholds=bounds), build(), evaluation("r1", metrics={"roc_auc": 0.84, "accuracy": 0.9}))
    (source,) = registry.row(V1).sources
    assert source.thresholds == {"roc_auc": Thresholds(min=0.8)}
    registry.handle(evaluation("r2", 3_000, store_id="daily", metrics={"roc_auc": 0.84}))
    assert {one.event_id: one.thresholds for one in registry.row(V1).sources} == {"r1": {}, "r2": {}}
