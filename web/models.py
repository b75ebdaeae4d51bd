"""What the read side answers: the items of the API, which the pages show too. Times are Unix epoch ms, UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mooring.events import Change, NodeKind
from mooring.metrics.catalogue import Direction, PredictionType
from mooring.outputs import Outcome, Severity, VersionState

ROC_AUC = "roc_auc"
DATA_DRIFT = "data_drift"


class Sort(StrEnum):
    """What the registry can be sorted by. Versions that lack it come last, whichever way it is sorted."""

    HIERARCHY = "hierarchy"
    NAME = "name"
    NODE = "node"
    PROJECT = "project"
    VALUE = "value"
    INITIAL = "initial"
    DRIFT = "drift"
    DEGRADATION = "degradation"
    DATA_DRIFT = "data_drift"
    SEVERITY = "severity"
    EVALUATED_AT = "evaluated_at"
    BUILT_AT = "built_at"
    UPDATED_AT = "updated_at"


class AlertSeverity(StrEnum):
    """How much a drift that was alerted matters."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True)


Item = TypeVar("Item", bound=_Item)


class Page(_Item, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Give it as `cursor` for what follows; null at the end.")
    as_of: int | None = Field(
        description="All that Kafka had acknowledged by then is in the answer; null while that is not known."
    )


class Deployment(_Item):
    """Where a version is deployed."""

    infrastructure: str
    stage: str | None
    changed_at: int


class VersionItem(_Item):
    """A model version with one metric in focus."""

    version_key: str = Field(
        description="node/project/model/version, each percent-encoded.", examples=["design-1/COUPONS/redemption/v2"]
    )
    node: str
    node_kind: NodeKind
    project: str
    model: str
    model_name: str | None
    version: str
    version_name: str | None
    algorithm: str | None
    prediction_type: PredictionType
    state: VersionState
    active: bool
    archived: bool
    severity: Severity
    built_at: int | None
    evaluated_at: int | None
    updated_at: int
    focus: str = Field(examples=["roc_auc"])
    value: float | None = Field(description="Value of the focus metric in the newest counted evaluation that has it.")
    initial: float | None = Field(description="Its value when the version was built.")
    drift: float | None = Field(description="value - initial")
    degradation: float | None = Field(
        description="The drift, signed so that positive is worse; null for a metric without direction."
    )
    data_drift: float | None
    deployments: list[Deployment]
    trend: list[float] = Field(
        description="Values of the focus metric in the newest counted evaluations, oldest first, as many as asked for."
    )


class VersionPage(Page[VersionItem]):
    """A part of the registry."""

    total: int = Field(description="How many versions the filters admit in all.")


class Reading(_Item):
    """One metric of a model version, and where its current value comes from."""

    code: str
    label: str
    direction: Direction
    custom: bool
    initial: float | None
    initial_std: float | None = Field(description="Standard deviation over the folds of a cross validation.")
    value: float | None
    drift: float | None
    degradation: float | None
    previous: float | None = Field(
        description="The value that was current before; the initial one where this is the first. Null where unknown."
    )
    change: float | None = Field(description="value - previous")
    evaluated_at: int | None
    store: str | None
    evaluation: str | None


class LifecycleItem(_Item):
    """The newest change of one fact of the life cycle."""

    change: Change
    infrastructure: str | None
    stage: str | None
    changed_at: int


class VersionDetail(VersionItem):
    """A model version with all its metrics."""

    author: str | None
    source_url: str | None
    labels: dict[str, str]
    lifecycle: list[LifecycleItem]
    metrics: list[Reading] = Field(description="The focus metric is among them.")
    as_of: int | None


class EvaluationItem(_Item):
    """A counted evaluation of a version."""

    event_id: str
    evaluation: str
    store: str
    evaluated_at: int
    outcome: Outcome
    metrics: dict[str, float]
    drift: dict[str, float]
    alert_ids: list[str]


class AlertItem(_Item):
    """A watched metric of a version changed."""

    alert_id: str
    version_key: str
    node: str
    project: str
    model: str
    version: str
    active: bool
    metric: str
    direction: Direction
    initial: float | None
    previous: float | None
    current: float
    drift: float | None
    change: float | None
    degradation: float | None
    severity: AlertSeverity
    reason: str
    p_value: float | None
    standard_error: float | None
    evaluation: str
    store: str
    evaluated_at: int
    caused_by: str = Field(description="Id of the event that changed the value.")
    source_url: str | None


class MetricItem(_Item):
    """A metric that can be in focus."""

    code: str
    label: str
    direction: Direction
    custom: bool
    low: float | None = Field(description="Least value that it can have; null: no bound.")
    high: float | None
    prediction_types: list[PredictionType]
    description: str
    in_use: bool = Field(description="Whether some version has it.")


class NodeItem(_Item):
    """A node that has reported."""

    node: str
    kind: NodeKind
    projects: int
    versions: int


class ProjectItem(_Item):
    """A project of a node."""

    node: str
    project: str
    models: int
    versions: int


class ModelItem(_Item):
    """A saved model of a project."""

    node: str
    project: str
    model: str
    name: str | None
    versions: int
    active_version: str | None


class Bounds(_Item):
    """Thresholds of a metric: outside min..max is critical, outside soft_min..soft_max a warning; null: no bound."""

    min: float | None = None
    soft_min: float | None = None
    soft_max: float | None = None
    max: float | None = None


class ConfigurationItem(_Item):
    """How a store is configured from a moment on."""

    event_id: str
    name: str | None
    synced: bool
    effective_at: int
    recorded_at: int
    actor: str | None = Field(description="Who configured it, where that was said.")
    thresholds: dict[str, Bounds]


class StoreItem(_Item):
    """An evaluation store. One that was never configured is synced."""

    store_key: str = Field(
        description="node/project/store, each percent-encoded.", examples=["design-1/COUPONS/weekly"]
    )
    node: str
    project: str
    store: str
    name: str | None
    synced: bool = Field(description="Whether evaluations that ran just now would count.")
    thresholds: dict[str, Bounds]
    configurations: list[ConfigurationItem] = Field(description="All of them, the newest first; one may lie ahead.")


class DeadLetterItem(_Item):
    """Input that was refused."""

    letter_id: str
    topic: str
    partition: int
    offset: int
    key: str | None = Field(description="The record's key as text, with replacement characters where it is none.")
    size: int | None = Field(description="Bytes of the value.")
    reason: str = Field(examples=["store_outside_project"])
    message: str
    failed_at: int


class DeadLetterDetail(DeadLetterItem):
    """A dead letter with what it holds."""

    headers: dict[str, str]
    value_base64: str | None
    # Any JSON: whatever was sent.
    value: dict[str, object] | None = Field(
        description="The value's fields, unchecked; null where it cannot be read as a record of its topic."
    )
    as_of: int | None


class Accepted(_Item):
    """A write that Kafka has acknowledged. What it changes can be read with `at_least` set to its position."""

    event_id: str
    position: str = Field(
        description="Where it is in the log; give it as `at_least` to read what it has changed.",
        examples=["mooring.evaluation-runs:3:1042"],
    )


class Replayed(_Item):
    """A dead letter's record that is in its topic again."""

    letter_id: str
    position: str = Field(description="Where it is in the log now; as for a write.")
