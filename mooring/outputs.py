"""What Mooring publishes: rows of its tables, outcomes, drift alerts, dead letters.

Times are Unix epoch milliseconds, UTC. The maps are not to be changed after construction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from mooring.events import Change, CustomMetric, NodeKind, Thresholds
from mooring.keys import VersionKey, encode_part
from mooring.metrics.catalogue import Direction, PredictionType
from mooring.records import Record

# The namespace of all ids that Mooring derives, so that anyone can derive them again.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "mooring.v1")


class Severity(StrEnum):
    """How much a drift matters. NONE: there is none."""

    NONE = "NONE"
    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class VersionState(StrEnum):
    """How much is known of a version: heard of, built, or built and evaluated."""

    AWAITING_BUILD = "AWAITING_BUILD"
    INITIAL = "INITIAL"
    EVALUATED = "EVALUATED"


class Outcome(StrEnum):
    """What became of an evaluation. CURRENT: it set at least one metric."""

    CURRENT = "CURRENT"
    LATE = "LATE"
    DUPLICATE = "DUPLICATE"
    NOT_SYNCED = "NOT_SYNCED"
    UNKNOWN = "UNKNOWN"


class ErrorSource(StrEnum):
    """Where the standard error of a drift comes from.

    SCORES: reported by who had the scores, by DeLong's method where this library did it. COUNTS: Hanley and McNeil's,
    from the counts of positive and negative rows.
    """

    UNKNOWN = "UNKNOWN"
    SCORES = "SCORES"
    COUNTS = "COUNTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Record):
    """A counted evaluation that current values come from, and the codes that it gives.

    With how sure they are, where that is known, and what its store demanded of them when it ran.
    """

    store_id: str
    evaluation_id: str
    evaluated_at: int
    recorded_at: int
    event_id: str
    metrics: tuple[str, ...]
    standard_errors: dict[str, float] = field(default_factory=dict)
    n_rows: int | None = None
    n_positive: int | None = None
    n_negative: int | None = None
    thresholds: dict[str, Thresholds] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredMetric(Record):
    """A custom metric, and the earliest event that declared it."""

    code: str
    label: str | None = None
    direction: Direction = Direction.NONE
    declared_at: int
    declared_by: str

    @property
    def custom(self) -> CustomMetric:
        return CustomMetric(code=self.code, label=self.label, direction=self.direction)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleFact(Record):
    """The newest change of one fact of the life cycle."""

    change: Change
    infrastructure: str | None = None
    stage: str | None = None
    changed_at: int
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMetrics(Record):
    """What Mooring knows of one model version: a row of the registry."""

    version_key: str
    node_id: str
    node_kind: NodeKind = NodeKind.OTHER
    project_key: str
    model_id: str
    model_name: str | None = None
    version_id: str
    version_name: str | None = None
    algorithm: str | None = None
    prediction_type: PredictionType = PredictionType.OTHER
    state: VersionState = VersionState.AWAITING_BUILD
    active: bool = False
    archived: bool = False
    built_at: int | None = None
    build_event_id: str | None = None
    initial: dict[str, float] = field(default_factory=dict)
    initial_std: dict[str, float] = field(default_factory=dict)
    initial_standard_errors: dict[str, float] = field(default_factory=dict)
    initial_n_positive: int | None = None
    initial_n_negative: int | None = None
    current: dict[str, float] = field(default_factory=dict)
    drift: dict[str, float] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    evaluated_at: int | None = None
    severity: Severity = Severity.NONE
    custom_metrics: tuple[DeclaredMetric, ...] = ()
    lifecycle: tuple[LifecycleFact, ...] = ()
    author: str | None = None
    source_url: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOutcome(Record):
    """What became of one evaluation. Metrics and drift are empty when it is NOT_SYNCED."""

    version_key: str
    event_id: str
    evaluation_id: str
    store_id: str
    evaluated_at: int
    recorded_at: int | None = None
    outcome: Outcome
    metrics: dict[str, float] = field(default_factory=dict)
    drift: dict[str, float] = field(default_factory=dict)
    alert_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftAlert(Record):
    """A watched metric of a model version changed.

    `standard_error` is that of the drift, and `p_value` how often chance alone makes one of its size, up or down; None
    where it is not known how sure both values are. `threshold`: the bound of the store that the value is beyond.
    """

    alert_id: str
    version_key: str
    node_id: str
    project_key: str
    model_id: str
    version_id: str
    active: bool
    metric: str
    direction: Direction = Direction.NONE
    initial: float | None = None
    previous: float | None = None
    current: float
    drift: float | None = None
    change: float | None = None
    degradation: float | None = None
    severity: Severity
    reason: str
    p_value: float | None = None
    standard_error: float | None = None
    standard_error_from: ErrorSource = ErrorSource.UNKNOWN
    threshold: float | None = None
    evaluation_id: str
    store_id: str
    evaluated_at: int
    caused_by: str
    source_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter(Record):
    """Input that was refused, as it came, and why."""

    letter_id: str
    topic: str
    partition: int
    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: dict[str, bytes] = field(default_factory=dict)
    reason: str
    message: str
    failed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Record):
    """How an evaluation store is configured from `effective_at` on."""

    event_id: str
    name: str | None = None
    synced: bool
    effective_at: int
    recorded_at: int
    thresholds: dict[str, Thresholds] = field(default_factory=dict)
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings(Record):
    """Every configuration of an evaluation store, oldest `effective_at` first: a row of the table of stores."""

    store_key: str
    node_id: str
    project_key: str
    store_id: str
    configurations: tuple[Configuration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelActivation(Record):
    """The newest activation of a model: a row of the table of models."""

    model_key: str
    version_id: str
    changed_at: int
    event_id: str


def alert_id(version: VersionKey, metric: str, caused_by: str) -> str:
    """UUIDv5 in NAMESPACE of `version key/metric/event id`, the last two percent-encoded like the key's parts."""
    return str(uuid.uuid5(NAMESPACE, f"{version}/{encode_part(metric)}/{encode_part(caused_by)}"))


def letter_id(topic: str, partition: int, offset: int) -> str:
    """UUIDv5 in NAMESPACE of `topic/partition/offset`."""
    return str(uuid.uuid5(NAMESPACE, f"{topic}/{partition}/{offset}"))
