"""The decisions: `(row before, row after, event, policy) -> alerts and outcome`. Pure, like the folds."""

from __future__ import annotations

from mooring.events import EvaluationRun
from mooring.evidence import spelled
from mooring.keys import VersionKey
from mooring.metrics.catalogue import MetricSpec
from mooring.outputs import DriftAlert, ErrorSource, EvaluationOutcome, Outcome, Severity, alert_id
from streams.rows import Reading, Stamp, VersionRow, drift_of
from streams.severity import Judgement, Policy, declared_spec, judge


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
    spec = declared_spec(row, code)
    initial = row.initial.get(code)
    judgement = judge(row, reading, code, policy)
    noise = judgement.noise
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
        drift=judgement.drift,
        change=None if previous is None else reading.value - previous,
        degradation=judgement.degradation,
        # An alert is at least an information: the value did change, if only back to the initial one.
        severity=Severity.INFO if judgement.severity is Severity.NONE else judgement.severity,
        reason=_sentence(row, spec, reading, previous, initial, judgement, policy),
        p_value=noise.p_value if noise else None,
        standard_error=noise.standard_error if noise else None,
        standard_error_from=noise.source if noise else ErrorSource.UNKNOWN,
        threshold=judgement.threshold,
        evaluation_id=reading.stamp.evaluation_id,
        store_id=reading.stamp.store_id,
        evaluated_at=reading.stamp.evaluated_at,
        caused_by=caused_by,
        source_url=source_url,
    )


def _sentence(
    row: VersionRow,
    spec: MetricSpec,
    reading: Reading,
    previous: float | None,
    initial: float | None,
    judgement: Judgement,
    policy: Policy,
) -> str:
    """What changed, by how much and what that means, for a person."""
    model = row.build.model_name if row.build and row.build.model_name else row.key.model_id
    version = row.build.version_name if row.build and row.build.version_name else row.key.version_id
    current, drift = reading.value, judgement.drift
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
        text = f"{text}; its initial value is not known yet."
    elif drift == 0:
        text = f"{text}, its initial value."
    else:
        text = f"{text}, {_figure(abs(drift))} {'above' if drift > 0 else 'below'} its initial {_figure(initial)}."
    return f"{text}{_beyond(reading, judgement)}{_chance(judgement, policy)}"


def _beyond(reading: Reading, judgement: Judgement) -> str:
    if judgement.threshold is None:
        return ""
    side = "less" if reading.value < judgement.threshold else "more"
    return f" The store {reading.stamp.store_id} allows no {side} than {judgement.threshold:g}."


def _chance(judgement: Judgement, policy: Policy) -> str:
    noise = judgement.noise
    if noise is None or not judgement.drift:
        return ""
    how = "from counts" if noise.source is ErrorSource.COUNTS else "from scores"
    what = "That may be chance" if noise.p_value > policy.significance else "Chance alone seldom does that"
    return f" {what}: {spelled(noise.p_value)} (standard error {noise.standard_error:.2g}, {how})."


def _figure(value: float) -> str:
    """Four decimals, as metrics are read; six figures where decimals would drown in them."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.6g}"
