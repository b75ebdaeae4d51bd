"""What the read side answers: the items of the API, which the pages show too. Times are Unix epoch ms, UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mooring.events import Change, NodeKind
from mooring.metrics.catalogue import Direction, PredictionType
from mooring.outputs import ErrorSource, Outcome, Severity, VersionState

ROC_AUC = "roc_auc"
DATA_DRIFT = "data_drift"


Time = Annotated[int, Field(description="Unix epoch ms, UTC.", examples=[1_764_000_000_000])]
AsOf = Annotated[
    int | None,
    Field(
        description="All that Kafka had acknowledged by then is in the answer, epoch ms; null while that is not known.",
        examples=[1_764_000_000_000],
    ),
]
Node = Annotated[str, Field(description="Id of the node that reported.", examples=["design-1"])]
Project = Annotated[str, Field(description="Key of the project on its node.", examples=["COUPONS"])]
Model = Annotated[str, Field(description="Id of the saved model.", examples=["redemption"])]
Version = Annotated[str, Field(description="Id of the version.", examples=["v2"])]
Store = Annotated[str, Field(description="Id of the evaluation store.", examples=["weekly"])]
Evaluation = Annotated[str, Field(description="Id of the evaluation in its store.", examples=["2026-W03"])]
Code = Annotated[str, Field(description="Code of a metric.", examples=["roc_auc"])]
Link = Annotated[str | None, Field(description="Where it comes from, as whoever reported it says.")]
EventId = Annotated[str, Field(description="Id of the event.", examples=["6a2e2f0e-1a57-4c39-93f5-2f3d5a0f7a11"])]
Values = Annotated[dict[str, float], Field(description="By metric.", examples=[{"roc_auc": 0.81, "data_drift": 0.62}])]


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
    as_of: AsOf


class Certainty(_Item):
    """How sure a value is, measured on the rows that there were."""

    standard_error: float = Field(description="In the unit of the metric.", examples=[0.0081])
    standard_error_from: ErrorSource = Field(
        description="SCORES: as reported by who had the scores, by DeLong where Mooring's library did it; "
        "COUNTS: Hanley-McNeil, from the counts of positive and negative rows."
    )
    low: float = Field(description="The interval that has the true value 95 times of 100: where it begins.")
    high: float = Field(description="Where it ends.")


class Deployment(_Item):
    """Where a version is deployed."""

    infrastructure: str
    stage: str | None
    changed_at: Time


class VersionItem(_Item):
    """A model version with one metric in focus."""

    version_key: str = Field(
        description="node/project/model/version, each percent-encoded.", examples=["design-1/COUPONS/redemption/v2"]
    )
    node: Node
    node_kind: NodeKind
    project: Project
    model: Model
    model_name: str | None
    version: Version
    version_name: str | None
    algorithm: str | None
    prediction_type: PredictionType
    state: VersionState
    active: bool
    archived: bool
    severity: Severity
    built_at: Time | None
    evaluated_at: Time | None
    updated_at: Time
    focus: str = Field(description="The metric to focus.", examples=["roc_auc"])
    value: float | None = Field(description="Value of the focus metric in the newest counted evaluation that has it.")
    initial: float | None = Field(description="Its value when the version was built.")
    drift: float | None = Field(description="value - initial")
    degradation: float | None = Field(
        description="The drift, signed so that positive is worse; null for a metric without direction."
    )
    certainty: Certainty | None = Field(description="How sure the value is; null where unknown.")
    p_value: float | None = Field(description="How often chance alone makes a drift of this size; null where unknown.")
    data_drift: float | None = Field(description="How far the input data moved, in the newest evaluation that says so.")
    deployments: list[Deployment]
    trend: list[float] = Field(
        description="Values of the focus metric in the newest counted evaluations, oldest first, as many as asked for."
    )


class VersionPage(Page[VersionItem]):
    """A part of the registry."""

    total: int = Field(description="How many versions the filters admit in all.")


class Reading(_Item):
    """One metric of a model version, and where its current value comes from."""

    code: Code
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
    evaluated_at: Time | None
    store: str | None = Field(description="The evaluation store that its value comes from.", examples=["weekly"])
    evaluation: str | None = Field(description="The evaluation that its value comes from.", examples=["2026-W03"])
    initial_certainty: Certainty | None = Field(description="How sure the initial value is; null where unknown.")
    certainty: Certainty | None = Field(description="How sure the current value is; null where unknown.")
    drift_standard_error: float | None = Field(description="That of the drift; null where one of the two is unknown.")
    p_value: float | None = Field(
        description="How often chance alone makes a drift of this size, up or down, where nothing has changed."
    )


class LifecycleItem(_Item):
    """The newest change of one fact of the life cycle."""

    change: Change
    infrastructure: str | None
    stage: str | None
    changed_at: Time


class VersionDetail(VersionItem):
    """A model version with all its metrics."""

    author: str | None
    source_url: Link
    labels: dict[str, str] = Field(examples=[{"team": "pricing"}])
    lifecycle: list[LifecycleItem]
    metrics: list[Reading] = Field(description="The focus metric is among them.")
    as_of: AsOf


class EvaluationItem(_Item):
    """A counted evaluation of a version."""

    event_id: EventId
    evaluation: Evaluation
    store: Store
    evaluated_at: Time
    outcome: Outcome
    metrics: Values
    drift: Annotated[dict[str, float], Field(description="By metric: its value less the initial one.")]
    alert_ids: list[str] = Field(description="The drift alerts that it raised.")


class AlertItem(_Item):
    """A watched metric of a version changed."""

    alert_id: str
    version_key: str
    node: Node
    project: Project
    model: Model
    version: Version
    active: bool
    metric: Code
    direction: Direction
    initial: float | None
    previous: float | None
    current: float
    drift: float | None
    change: float | None
    degradation: float | None
    severity: AlertSeverity
    reason: str = Field(
        description="What happened, in a sentence.",
        examples=["ROC AUC of redemption v2 fell from 0.8516 to 0.8390, 0.0281 below its initial 0.8672."],
    )
    p_value: float | None = Field(
        description="How often chance alone makes a drift of this size, up or down; null where that is unknown."
    )
    standard_error: float | None = Field(description="That of the drift; null where it is unknown.")
    standard_error_from: ErrorSource
    threshold: float | None = Field(description="The bound of the evaluation store that the value is beyond.")
    evaluation: Evaluation
    store: Store
    evaluated_at: Time
    caused_by: str = Field(description="Id of the event that changed the value.")
    source_url: Link


class MetricItem(_Item):
    """A metric that can be in focus."""

    code: Code
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

    node: Node
    kind: NodeKind
    projects: int
    versions: int


class ProjectItem(_Item):
    """A project of a node."""

    node: Node
    project: Project
    models: int
    versions: int


class ModelItem(_Item):
    """A saved model of a project."""

    node: Node
    project: Project
    model: Model
    name: str | None
    versions: int
    active_version: str | None


class Bounds(_Item):
    """Thresholds of a metric: outside min..max is critical, outside soft_min..soft_max a warning; null: no bound."""

    min: float | None = Field(default=None, examples=[0.75])
    soft_min: float | None = Field(default=None, examples=[0.82])
    soft_max: float | None = None
    max: float | None = None


class ConfigurationItem(_Item):
    """How a store is configured from a moment on."""

    event_id: EventId
    name: str | None
    synced: bool
    effective_at: Time
    recorded_at: Time
    actor: str | None = Field(description="Who configured it, where that was said.")
    thresholds: dict[str, Bounds]


class StoreItem(_Item):
    """An evaluation store. One that was never configured is synced."""

    store_key: str = Field(
        description="node/project/store, each percent-encoded.", examples=["design-1/COUPONS/weekly"]
    )
    node: Node
    project: Project
    store: Store
    name: str | None
    synced: bool = Field(description="Whether evaluations that ran just now would count.")
    thresholds: dict[str, Bounds]
    configurations: list[ConfigurationItem] = Field(description="All of them, the newest first; one may lie ahead.")


class StoreDetail(StoreItem):
    """An evaluation store by itself."""

    as_of: AsOf


class DeadLetterItem(_Item):
    """Input that was refused."""

    letter_id: str
    topic: str
    partition: int
    offset: int
    key: str | None = Field(description="The record's key as text, with replacement characters where it is none.")
    size: int | None = Field(description="Bytes of the value.")
    reason: str = Field(examples=["store_outside_project"])
    message: str = Field(description="Why it was refused, in a sentence.")
    failed_at: Time


class DeadLetterDetail(DeadLetterItem):
    """A dead letter with what it holds."""

    headers: dict[str, str]
    value_base64: str | None = Field(description="The bytes of the value; null for a record without one.")
    # Any JSON: whatever was sent.
    value: dict[str, object] | None = Field(
        description="The value's fields, unchecked; null where it cannot be read as a record of its topic."
    )
    as_of: AsOf


class Accepted(_Item):
    """A write that Kafka has acknowledged. What it changes can be read with `at_least` set to its position."""

    event_id: EventId
    position: str = Field(
        description="Where it is in the log; give it as `at_least` to read what it has changed.",
        examples=["mooring.evaluation-runs:3:1042"],
    )


class Replayed(_Item):
    """A dead letter's record that is in its topic again."""

    letter_id: str
    position: str = Field(description="Where it is in the log now; as for a write.")
