"""The folds: `(row, event) -> row`. Pure: no clock, no input or output, no Faust.

Each keeps what has the greatest stamp, so a row is a function of the set of events that it has seen (rule 6): neither
order nor repetition matters. A fold that changes nothing answers the very row that it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mooring.events import Change, CustomMetric, EvaluationRun, EvaluationStore, LifecycleChange, ModelBuild
from mooring.outputs import Configuration, DeclaredMetric, LifecycleFact, ModelActivation, StoreSettings
from streams.rows import ACTIVITY, BuildFacts, Evidence, Stamp, VersionRow, about, aspect, in_order


def built(row: VersionRow, build: ModelBuild) -> VersionRow:
    """The row once a build is in it: the greatest (built_at, event_id) gives the initial metrics (rule 5)."""
    row = _declared(row, build.custom_metrics, build.built_at, build.event_id)
    if build.activate:
        row = _with_fact(
            row, LifecycleFact(change=Change.ACTIVATED, changed_at=build.built_at, event_id=build.event_id)
        )
    if row.build is not None and (build.built_at, build.event_id) <= row.build.stamp:
        return row
    return replace(
        row,
        build=BuildFacts(
            built_at=build.built_at,
            event_id=build.event_id,
            node_kind=build.node_kind,
            model_name=build.model_name,
            version_name=build.version_name,
            algorithm=build.algorithm,
            prediction_type=build.prediction_type,
            # Put in order once, rather than whenever the row is written.
            initial=in_order(build.metrics),
            initial_std=in_order(build.metric_std),
            initial_standard_errors=about(build.standard_errors, build.metrics),
            n_positive=build.n_positive,
            n_negative=build.n_negative,
            author=build.author,
            source_url=build.source_url,
            labels=build.labels,
        ),
    )


def counted(row: VersionRow, evaluation: EvaluationRun, store: Configuration | None = None) -> VersionRow:
    """The row once a counted evaluation is in it: per metric, the reading with the greatest stamp stays (rule 4).

    `store`: the configuration of its store that was in force when it ran.
    """
    row = _declared(row, evaluation.custom_metrics, evaluation.evaluated_at, evaluation.event_id)
    stamp = Stamp.of(evaluation)
    values: Mapping[str, float] = evaluation.metrics
    for known, newer in row.sources.items():
        if known >= stamp:
            values = {code: value for code, value in values.items() if code not in newer}
    if not values:
        return row
    sources: dict[Stamp, Mapping[str, float]] = {stamp: values}
    for known, older in row.sources.items():
        # Nearly every evaluation has all metrics of the one before, of which then nothing is left.
        if not older.keys() <= values.keys():
            left = {code: value for code, value in older.items() if code not in values}
            sources[known] = left if known != stamp else {**left, **values}
    said = _evidence(evaluation, store)
    evidence: dict[Stamp, Evidence] = {}
    for known, given in (*row.evidence.items(), (stamp, said)):
        if (about_these := given.about(sources.get(known, ()))) is not None:
            evidence[known] = about_these
    # As `replace` would, in a third of its time.
    return VersionRow(row.key, row.build, sources, row.declared, row.lifecycle, row.active, evidence)


def lived(row: VersionRow, change: LifecycleChange) -> VersionRow:
    """The row once a change of the life cycle is in it: newest wins, fact by fact."""
    return _with_fact(
        row,
        LifecycleFact(
            change=change.change,
            infrastructure=change.infrastructure,
            stage=change.stage,
            changed_at=change.changed_at,
            event_id=change.event_id,
        ),
    )


def activated(current: ModelActivation | None, event: ModelBuild | LifecycleChange) -> ModelActivation | None:
    """The model's newest activation (rule 5) once an event of one of its versions is known, which may be none."""
    if isinstance(event, ModelBuild):
        activates, at = event.activate, event.built_at
    else:
        activates, at = event.change is Change.ACTIVATED, event.changed_at
    if not activates or (current is not None and (at, event.event_id) <= (current.changed_at, current.event_id)):
        return current
    return ModelActivation(
        model_key=str(event.version.model), version_id=event.version_id, changed_at=at, event_id=event.event_id
    )


def with_activity(row: VersionRow, activation: ModelActivation | None) -> VersionRow:
    """The row, active if its model's newest activation is its own and it was not deactivated since."""
    fact = row.lifecycle.get((ACTIVITY, None))
    active = (
        activation is not None
        and activation.version_id == row.key.version_id
        and fact is not None
        and fact.change is Change.ACTIVATED
    )
    return row if row.active is active else replace(row, active=active)


def configured(row: StoreSettings, event: EvaluationStore) -> StoreSettings:
    """The store's configurations once another is among them; of several from the same moment on, the newest."""
    new = Configuration(
        event_id=event.event_id,
        name=event.name,
        synced=event.synced,
        effective_at=event.effective_at,
        recorded_at=event.recorded_at,
        thresholds=event.thresholds,
        actor=event.actor,
    )
    by_moment = {known.effective_at: known for known in row.configurations}
    rival = by_moment.get(new.effective_at)
    if rival is not None and (new.recorded_at, new.event_id) <= (rival.recorded_at, rival.event_id):
        return row
    by_moment[new.effective_at] = new
    return replace(row, configurations=tuple(by_moment[moment] for moment in sorted(by_moment)))


def in_force(row: StoreSettings | None, at: int) -> Configuration | None:
    """The configuration of a store in force at a time, epoch ms. None before the first: the store is synced."""
    known = row.configurations if row else ()
    return next((one for one in reversed(known) if one.effective_at <= at), None)


def counts(evaluation: EvaluationRun, store: Configuration | None) -> bool:
    """Whether an evaluation counts: neither it nor its store, as configured when it ran, opted out (rule 2)."""
    return evaluation.synced is not False and (store is None or store.synced)


def _evidence(evaluation: EvaluationRun, store: Configuration | None) -> Evidence:
    return Evidence(
        evaluation.standard_errors,
        evaluation.n_rows,
        evaluation.n_positive,
        evaluation.n_negative,
        store.thresholds if store is not None else {},
    )


def _with_fact(row: VersionRow, fact: LifecycleFact) -> VersionRow:
    about = aspect(fact.change, fact.infrastructure)
    known = row.lifecycle.get(about)
    if known is not None and (fact.changed_at, fact.event_id) <= (known.changed_at, known.event_id):
        return row
    return replace(row, lifecycle={**row.lifecycle, about: fact})


def _declared(row: VersionRow, metrics: tuple[CustomMetric, ...], at: int, event_id: str) -> VersionRow:
    """The row with what an event declares of custom metrics: the earliest declaration of a metric stands."""
    if not metrics:
        return row
    earlier: Mapping[str, DeclaredMetric] = {
        metric.code: DeclaredMetric(
            code=metric.code, label=metric.label, direction=metric.direction, declared_at=at, declared_by=event_id
        )
        for metric in metrics
        if (known := row.declared.get(metric.code)) is None or (at, event_id) < (known.declared_at, known.declared_by)
    }
    return replace(row, declared={**row.declared, **earlier}) if earlier else row
