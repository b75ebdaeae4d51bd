"""How much a drift matters: `(row, metric, policy) -> Judgement`. Pure: what the event said is in the row.

First come the thresholds that the evaluation's store has for the metric. Without any, a degradation has to be both
large enough and more than chance would make of it, where it is known how sure both values are; docs/drift.md has the
formulas and how often this is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mooring.events import Thresholds
from mooring.evidence import Noise, error_of, noise_of
from mooring.metrics.catalogue import Direction, MetricSpec, spec_of
from mooring.outputs import Severity
from streams.rows import NO_EVIDENCE, Reading, VersionRow, drift_of

# Beyond the twelfth decimal two metrics differ by arithmetic, not by measurement: 0.82 - 0.80 is not quite 0.02.
_DECIMALS = 12
# From the least to the greatest.
_SEVERITIES = tuple(Severity)
_ROC_AUC = "roc_auc"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which metrics are watched, and when a drift of one is how severe.

    From which degradation, in the unit of the metric; and up to which p-value it is taken for more than chance.
    """

    watched: tuple[str, ...] = (_ROC_AUC,)
    warning_from: float = 0.02
    critical_from: float = 0.05
    significance: float = 0.01


class Judgement(NamedTuple):
    """What to make of a metric's current value. None is what is not known; `threshold`: the one that it is beyond."""

    severity: Severity
    drift: float | None
    degradation: float | None
    noise: Noise | None
    threshold: float | None


def judge(row: VersionRow, reading: Reading, code: str, policy: Policy) -> Judgement:
    """Judge the current value of a metric, which is `reading`."""
    drift = drift_of({code: reading.value}, row.initial).get(code)
    degradation = degradation_of(drift, declared_spec(row, code))
    noise = None if drift is None else _noise(row, reading, code, drift)
    bounds = row.evidence.get(reading.stamp, NO_EVIDENCE).thresholds.get(code)
    if bounds is not None and bounds != _UNBOUNDED:
        severity, threshold = _beyond(reading.value, bounds)
        if severity is Severity.NONE and drift:
            severity = Severity.INFO
        return Judgement(severity, drift, degradation, noise, threshold)
    return Judgement(severity_of(degradation, drift, noise, policy), drift, degradation, noise, None)


def severity_of(degradation: float | None, drift: float | None, noise: Noise | None, policy: Policy) -> Severity:
    """How much a drift matters that no store has thresholds for; NONE where there is none, INFO where it may be chance.

    A metric without direction, which has no degradation, is never more than INFO.
    """
    if not drift:
        return Severity.NONE
    if degradation is None or (noise is not None and noise.p_value > policy.significance):
        return Severity.INFO
    rounded = round(degradation, _DECIMALS)
    if rounded >= policy.critical_from:
        return Severity.CRITICAL
    return Severity.WARNING if rounded >= policy.warning_from else Severity.INFO


def row_severity(row: VersionRow, policy: Policy) -> Severity:
    """The greatest severity among the watched metrics of a row."""
    found = [
        judge(row, reading, code, policy).severity
        for code in policy.watched
        if (reading := row.reading(code)) is not None
    ]
    return max(found, key=_SEVERITIES.index, default=Severity.NONE)


def degradation_of(drift: float | None, spec: MetricSpec) -> float | None:
    """The drift, signed so that positive is worse; None where the metric has no direction or the drift is unknown."""
    if drift is None or spec.direction is Direction.NONE:
        return None
    # Adding zero turns the -0.0 of an unchanged metric into 0.0.
    return (drift if spec.direction is Direction.LOWER else -drift) + 0.0


def declared_spec(row: VersionRow, code: str) -> MetricSpec:
    """What is known of a metric, a custom one by its declaration in the row."""
    declared = row.declared.get(code)
    if declared is None:
        return spec_of(code)
    label = (declared.label or "").strip() or code
    return spec_of(code, MetricSpec(code, label, declared.direction))


_UNBOUNDED = Thresholds()


def _beyond(value: float, bounds: Thresholds) -> tuple[Severity, float | None]:
    """How severe it is to be where the value is, and the bound that it is beyond."""
    for severity, low, high in (
        (Severity.CRITICAL, bounds.min, bounds.max),
        (Severity.WARNING, bounds.soft_min, bounds.soft_max),
    ):
        if low is not None and value < low:
            return severity, low
        if high is not None and value > high:
            return severity, high
    return Severity.NONE, None


def _noise(row: VersionRow, reading: Reading, code: str, drift: float) -> Noise | None:
    """How sure the drift is; None where that is not known of one of the values that it is the difference of."""
    build, now = row.build, row.evidence.get(reading.stamp)
    if build is None or now is None:
        return None
    return noise_of(
        drift,
        error_of(code, build.initial[code], build.initial_standard_errors, build.n_positive, build.n_negative),
        error_of(code, reading.value, now.standard_errors, now.n_positive, now.n_negative),
    )
