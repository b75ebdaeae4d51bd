"""The rows that the folds work on, and how they look as records of the tables' topics.

A row holds nothing that the order of arrival decides (rule 6): each fact in it carries the stamp that it won by.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from mooring.events import Change, EvaluationRun, NodeKind, Thresholds
from mooring.keys import VersionKey
from mooring.metrics.catalogue import PredictionType
from mooring.outputs import DeclaredMetric, LifecycleFact, Severity, Source, VersionMetrics, VersionState

T = TypeVar("T")


class Stamp(NamedTuple):
    """What decides which of two evaluations is newer (rule 4): the greater one, field by field."""

    evaluated_at: int
    evaluation_id: str
    store_id: str
    recorded_at: int
    event_id: str

    @classmethod
    def of(cls, evaluation: EvaluationRun) -> Stamp:
        return cls(
            evaluation.evaluated_at,
            evaluation.evaluation_id,
            evaluation.store_id,
            evaluation.recorded_at,
            evaluation.event_id,
        )


class Reading(NamedTuple):
    """The current value of a metric, and the stamp of the evaluation that gave it."""

    value: float
    stamp: Stamp


class Evidence(NamedTuple):
    """How sure the values of an evaluation are, as far as it said, and what its store demanded of them when it ran."""

    standard_errors: Mapping[str, float]
    n_rows: int | None
    n_positive: int | None
    n_negative: int | None
    thresholds: Mapping[str, Thresholds]

    def about(self, codes: Collection[str]) -> Evidence | None:
        """What of it is about these metrics; None where that is nothing."""
        if not codes or self == NO_EVIDENCE:
            return None
        left = self._replace(
            standard_errors=about(self.standard_errors, codes), thresholds=about(self.thresholds, codes)
        )
        return None if left == NO_EVIDENCE else left


NO_EVIDENCE = Evidence({}, None, None, None, {})


def about(values: Mapping[str, T], codes: Collection[str]) -> dict[str, T]:
    """Those that are about one of the metrics, by the alphabet."""
    return in_order({code: value for code, value in values.items() if code in codes}) if values else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """What the newest build said of its version."""

    built_at: int
    event_id: str
    node_kind: NodeKind = NodeKind.OTHER
    model_name: str | None = None
    version_name: str | None = None
    algorithm: str | None = None
    prediction_type: PredictionType = PredictionType.OTHER
    initial: Mapping[str, float] = field(default_factory=dict)
    initial_std: Mapping[str, float] = field(default_factory=dict)
    initial_standard_errors: Mapping[str, float] = field(default_factory=dict)
    n_positive: int | None = None
    n_negative: int | None = None
    author: str | None = None
    source_url: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def stamp(self) -> tuple[int, str]:
        return self.built_at, self.event_id


# What a change of the life cycle is about: newest wins per fact.
ACTIVITY = "activity"
ARCHIVE = "archive"
DEPLOYMENT = "deployment"
_ASPECTS = {
    Change.ACTIVATED: ACTIVITY,
    Change.DEACTIVATED: ACTIVITY,
    Change.ARCHIVED: ARCHIVE,
    Change.RESTORED: ARCHIVE,
    Change.DEPLOYED: DEPLOYMENT,
    Change.UNDEPLOYED: DEPLOYMENT,
}
Aspect = tuple[str, str | None]


def aspect(change: Change, infrastructure: str | None) -> Aspect:
    """The fact that a change is about: a version's activity, its archiving, or its deployment to an infrastructure."""
    kind = _ASPECTS[change]
    return kind, infrastructure if kind == DEPLOYMENT else None


_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class VersionRow:
    """What Mooring knows of one model version."""

    key: VersionKey
    build: BuildFacts | None = None
    # The counted evaluations that current values come from, each with those it gives. Of a metric there is one value.
    sources: Mapping[Stamp, Mapping[str, float]] = field(default_factory=dict)
    declared: Mapping[str, DeclaredMetric] = field(default_factory=dict)
    lifecycle: Mapping[Aspect, LifecycleFact] = field(default_factory=dict)
    active: bool = False
    # Of those sources that came with any.
    evidence: Mapping[Stamp, Evidence] = field(default_factory=dict)

    @property
    def initial(self) -> Mapping[str, float]:
        """The initial metrics; none while the build is awaited."""
        return self.build.initial if self.build else _NOTHING

    @property
    def state(self) -> VersionState:
        if self.build is None:
            return VersionState.AWAITING_BUILD
        return VersionState.EVALUATED if self.sources else VersionState.INITIAL

    @property
    def archived(self) -> bool:
        fact = self.lifecycle.get((ARCHIVE, None))
        return fact is not None and fact.change is Change.ARCHIVED

    @property
    def current(self) -> Mapping[str, float]:
        """The current values, by metric."""
        if len(self.sources) == 1:
            return next(iter(self.sources.values()))
        return {code: value for values in self.sources.values() for code, value in values.items()}

    def value(self, code: str) -> float | None:
        """A metric's current value; None where there is none."""
        reading = self.reading(code)
        return None if reading is None else reading.value

    def reading(self, code: str) -> Reading | None:
        """A metric's current value and where it comes from; None where there is none."""
        for stamp, values in self.sources.items():
            if code in values:
                return Reading(values[code], stamp)
        return None


def drift_of(values: Mapping[str, float], initial: Mapping[str, float]) -> dict[str, float]:
    """The values less the initial ones, for the metrics of which both are known."""
    drift = {code: value - initial[code] for code, value in values.items() if code in initial}
    # Two doubles may lie further apart than any double is large. Then their sum is not finite either.
    return drift if math.isfinite(sum(drift.values())) else {k: v for k, v in drift.items() if math.isfinite(v)}


def to_record(row: VersionRow, severity: Severity) -> VersionMetrics:
    """The row as a record of version-metrics. Everything in a fixed order: equal rows have equal bytes."""
    build = row.build or BuildFacts(built_at=0, event_id="")
    sources = sorted(row.sources.items())
    current = in_order(row.current)
    evaluated_at = sources[-1][0].evaluated_at if sources else None
    times = [fact.changed_at for fact in row.lifecycle.values()]
    times += [metric.declared_at for metric in row.declared.values()]
    times += [time for time in (evaluated_at, row.build.built_at if row.build else None) if time is not None]
    return VersionMetrics(
        version_key=str(row.key),
        node_id=row.key.node_id,
        node_kind=build.node_kind,
        project_key=row.key.project_key,
        model_id=row.key.model_id,
        model_name=build.model_name,
        version_id=row.key.version_id,
        version_name=build.version_name,
        algorithm=build.algorithm,
        prediction_type=build.prediction_type,
        state=row.state,
        active=row.active,
        archived=row.archived,
        built_at=row.build.built_at if row.build else None,
        build_event_id=row.build.event_id if row.build else None,
        initial=in_order(build.initial),
        initial_std=in_order(build.initial_std),
        initial_standard_errors=in_order(build.initial_standard_errors),
        initial_n_positive=build.n_positive,
        initial_n_negative=build.n_negative,
        current=current,
        drift=drift_of(current, build.initial),
        sources=tuple(_source(stamp, values, row.evidence.get(stamp, NO_EVIDENCE)) for stamp, values in sources),
        evaluated_at=evaluated_at,
        severity=severity,
        custom_metrics=tuple(row.declared[code] for code in sorted(row.declared)),
        lifecycle=tuple(row.lifecycle[key] for key in sorted(row.lifecycle, key=lambda key: (key[0], key[1] or ""))),
        author=build.author,
        source_url=build.source_url,
        labels=in_order(build.labels),
        updated_at=max(times, default=0),
    )


def _source(stamp: Stamp, values: Mapping[str, float], evidence: Evidence) -> Source:
    return Source(
        store_id=stamp.store_id,
        evaluation_id=stamp.evaluation_id,
        evaluated_at=stamp.evaluated_at,
        recorded_at=stamp.recorded_at,
        event_id=stamp.event_id,
        metrics=tuple(sorted(values)),
        standard_errors=in_order(evidence.standard_errors),
        n_rows=evidence.n_rows,
        n_positive=evidence.n_positive,
        n_negative=evidence.n_negative,
        thresholds=in_order(evidence.thresholds),
    )


def in_order(values: Mapping[str, T]) -> dict[str, T]:
    """The same values by the alphabet. What is in order already takes a third of the time."""
    names = list(values)
    ordered = sorted(names)
    return dict(values) if names == ordered else {name: values[name] for name in ordered}


def from_record(record: VersionMetrics) -> VersionRow:
    """The row that a record of version-metrics was made from."""
    build = None
    if record.built_at is not None and record.build_event_id is not None:
        build = BuildFacts(
            built_at=record.built_at,
            event_id=record.build_event_id,
            node_kind=record.node_kind,
            model_name=record.model_name,
            version_name=record.version_name,
            algorithm=record.algorithm,
            prediction_type=record.prediction_type,
            initial=record.initial,
            initial_std=record.initial_std,
            initial_standard_errors=record.initial_standard_errors,
            n_positive=record.initial_n_positive,
            n_negative=record.initial_n_negative,
            author=record.author,
            source_url=record.source_url,
            labels=record.labels,
        )
    sources: dict[Stamp, Mapping[str, float]] = {}
    evidence: dict[Stamp, Evidence] = {}
    for source in record.sources:
        stamp = Stamp(source.evaluated_at, source.evaluation_id, source.store_id, source.recorded_at, source.event_id)
        sources[stamp] = {code: record.current[code] for code in source.metrics}
        given = Evidence(source.standard_errors, source.n_rows, source.n_positive, source.n_negative, source.thresholds)
        if given != NO_EVIDENCE:
            evidence[stamp] = given
    return VersionRow(
        key=VersionKey.of(record.node_id, record.project_key, record.model_id, record.version_id),
        build=build,
        sources=sources,
        evidence=evidence,
        declared={metric.code: metric for metric in record.custom_metrics},
        lifecycle={aspect(fact.change, fact.infrastructure): fact for fact in record.lifecycle},
        active=record.active,
    )


# What an entry of a row can take at most, in bytes, by the limits on ids (255) and texts (4,096) of the events.
_MOST_OF_A_READING = 2_300
_MOST_OF_AN_INITIAL = 300
_MOST_OF_A_DECLARATION = 4_700
_MOST_OF_A_FACT = 8_600
_MOST_OF_A_LABEL = 4_400
_MOST_OF_THE_REST = 26_000
_SURELY_FITS_BYTES = 950_000


def surely_fits(row: VersionRow) -> bool:
    """Whether the row fits into a record whatever its texts. Where not, only writing it out can tell."""
    most = (
        _MOST_OF_THE_REST
        + _MOST_OF_A_READING * sum(map(len, row.sources.values()))
        + _MOST_OF_A_DECLARATION * len(row.declared)
        + _MOST_OF_A_FACT * len(row.lifecycle)
    )
    if (build := row.build) is not None:
        entries = 2 * len(build.initial) + len(build.initial_std) + len(build.initial_standard_errors)
        most += _MOST_OF_AN_INITIAL * entries
        most += _MOST_OF_A_LABEL * len(build.labels)
    return most <= _SURELY_FITS_BYTES
