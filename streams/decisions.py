"""The decisions: `(row before, row after, event, policy) -> alerts and outcome`. Pure, like the folds."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.events import EvaluationRun
from mooring.keys import VersionKey
from mooring.metrics.catalogue import Direction, MetricSpec, spec_of
from mooring.outputs import DriftAlert, EvaluationOutcome, Outcome, Severity, alert_id
from streams.rows import Reading, Stamp, VersionRow, drift_of

# Beyond the twelfth decimal two metrics differ by arithmetic, not by measurement: 0.82 - 0.80 is not quite 0.02.
_DECIMALS = 12
# From the least to the greatest.
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which metrics are watched, and from which degradation, in the unit of the metric, a drift is how severe."""

    watched: tuple[str, ...] = ("roc_auc",)
    warning_from: float = 0.02
    critical_from: float = 0.05


def severity_of(degradation: float | None, drift: float | None, policy: Policy) -> Severity:
    """How much a drift matters: by its degradation; INFO where that is unknown, NONE where there is no drift."""
    if drift == 0:
        return Severity.NONE
    if degradation is None:
        return Severity.NONE if drift is None else Severity.INFO
    rounded = round(degradation, _DECIMALS)
    if rounded >= policy.critical_from:
        return Severity.CRITICAL
    return Severity.WARNING if rounded >= policy.warning_from else Severity.INFO


def row_severity(row: VersionRow, policy: Policy) -> Severity:
    """The greatest severity among the watched metrics of a row."""
    found = [
        severity_of(degradation_of(drift, _spec(row, code)), drift, policy)
        for code in policy.watched
        if (drift := row.drift_in(code)) is not None
    ]
    return max(found, key=_SEVERITIES.index, default=Severity.NONE)


def degradation_of(drift: float | None, spec: MetricSpec) -> float | None:
    """The drift, signed so that positive is worse; None where the metric has no direction or the drift is unknown."""
    if drift is None or spec.direction is Direction.NONE:
        return None
    # Adding zero turns the -0.0 of an unchanged metric into 0.0.
    return (drift if spec.direction is Direction.LOWER else -drift) + 0.0


def alerts_after_evaluation(
    before: VersionRow, after: VersionRow, evaluation: EvaluationRun, policy: Policy
) -> tuple[DriftAlert, ...]:
    """One alert for each watched metric that the evaluation changed (rule 7)."""
    alerts = []
    for code in policy.watched:
        previous = before.value(code)
        if previous is None:
            previous = before.initial.get(code)
        reading = after.reading(code)
        if reading is not None and previous is not None and reading.value != previous:
            alerts.append(
                _alert(after, code, reading, previous, evaluation.event_id, policy, source_url=evaluation.source_url)
            )
    return tuple(alerts)


def alerts_after_build(before: VersionRow, after: VersionRow, policy: Policy) -> tuple[DriftAlert, ...]:
    """One alert for each watched metric whose current value differs from what a late build says it began with."""
    if after.build is None or after.build is before.build:
        return ()
    return tuple(
        _alert(after, code, reading, None, after.build.event_id, policy, source_url=after.build.source_url)
        for code in policy.watched
        if (reading := after.reading(code)) is not None
        and (initial := after.initial.get(code)) is not None
        and reading.value != initial
    )


def outcome_of(
    before: VersionRow, after: VersionRow, evaluation: EvaluationRun, alerts: tuple[DriftAlert, ...]
) -> EvaluationOutcome:
    """What became of a counted evaluation."""
    stamp = Stamp.of(evaluation)
    if stamp in before.sources:
        outcome = Outcome.DUPLICATE
    elif stamp in after.sources:
        outcome = Outcome.CURRENT
    else:
        outcome = Outcome.LATE
    drift = drift_of(evaluation.metrics, after.initial)
    return _outcome(evaluation, after.key, outcome, evaluation.metrics, drift, _ids(alerts))


def not_synced(evaluation: EvaluationRun) -> EvaluationOutcome:
    """The outcome of an evaluation that does not count: without its values (rule 2)."""
    return _outcome(evaluation, evaluation.version, Outcome.NOT_SYNCED, {}, {}, ())


def _ids(alerts: tuple[DriftAlert, ...]) -> tuple[str, ...]:
    return tuple([alert.alert_id for alert in alerts])


def _outcome(
    evaluation: EvaluationRun,
    version: VersionKey,
    outcome: Outcome,
    metrics: dict[str, float],
    drift: dict[str, float],
    alert_ids: tuple[str, ...],
) -> EvaluationOutcome:
    return EvaluationOutcome(
        version_key=str(version),
        event_id=evaluation.event_id,
        evaluation_id=evaluation.evaluation_id,
        store_id=evaluation.store_id,
        evaluated_at=evaluation.evaluated_at,
        recorded_at=evaluation.recorded_at,
        outcome=outcome,
        metrics=metrics,
        drift=drift,
        alert_ids=alert_ids,
    )


def _spec(row: VersionRow, code: str) -> MetricSpec:
    declared = row.declared.get(code)
    if declared is None:
        return spec_of(code)
    label = (declared.label or "").strip() or code
    return spec_of(code, MetricSpec(code, label, declared.direction))


def _alert(
    row: VersionRow,
    code: str,
    reading: Reading,
    previous: float | None,
    caused_by: str,
    policy: Policy,
    *,
    source_url: str | None,
) -> DriftAlert:
    spec = _spec(row, code)
    initial = row.initial.get(code)
    drift = row.drift_in(code)
    degradation = degradation_of(drift, spec)
    severity = severity_of(degradation, drift, policy)
    return DriftAlert(
        alert_id=alert_id(row.key, code, caused_by),
        version_key=str(row.key),
        node_id=row.key.node_id,
        project_key=row.key.project_key,
        model_id=row.key.model_id,
        version_id=row.key.version_id,
        active=row.active,
        metric=code,
        direction=spec.direction,
        initial=initial,
        previous=previous,
        current=reading.value,
        drift=drift,
        change=None if previous is None else reading.value - previous,
        degradation=degradation,
        # An alert is at least an information: the value did change, if only back to the initial one.
        severity=Severity.INFO if severity is Severity.NONE else severity,
        reason=_sentence(row, spec, reading.value, previous, initial, drift),
        evaluation_id=reading.stamp.evaluation_id,
        store_id=reading.stamp.store_id,
        evaluated_at=reading.stamp.evaluated_at,
        caused_by=caused_by,
        source_url=source_url,
    )


def _sentence(
    row: VersionRow,
    spec: MetricSpec,
    current: float,
    previous: float | None,
    initial: float | None,
    drift: float | None,
) -> str:
    """What changed and by how much, for a person."""
    model = row.build.model_name if row.build and row.build.model_name else row.key.model_id
    version = row.build.version_name if row.build and row.build.version_name else row.key.version_id
    if previous is None:
        text = f"{spec.label} of {model} {version} is {_figure(current)}"
    else:
        # Rather many digits than a rise from 0.8100 to 0.8100.
        figure = _figure if _figure(previous) != _figure(current) else repr
        text = (
            f"{spec.label} of {model} {version} {'rose' if current > previous else 'fell'} "
            f"from {figure(previous)} to {figure(current)}"
        )
    if initial is None or drift is None:
        return f"{text}; its initial value is not known yet."
    if drift == 0:
        return f"{text}, its initial value."
    return f"{text}, {_figure(abs(drift))} {'above' if drift > 0 else 'below'} its initial {_figure(initial)}."


def _figure(value: float) -> str:
    """Four decimals, as metrics are read; six figures where decimals would drown in them."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.6g}"
