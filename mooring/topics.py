"""The topics of the contract. A topic is one typed value; nobody else spells its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Generic, Self, TypeVar

from mooring.events import EvaluationRun, EvaluationStore, Event, LifecycleChange, ModelBuild
from mooring.outputs import DeadLetter, DriftAlert, EvaluationOutcome, ModelActivation, StoreSettings, VersionMetrics
from mooring.records import Record

DEFAULT_PREFIX = "mooring."
_DAY_MS = 86_400_000

R = TypeVar("R", bound=Record)


def worker_group(prefix: str = DEFAULT_PREFIX) -> str:
    """The consumer group of the workers: an input record below its committed offset is handled, its effects public."""
    return f"{prefix}worker"


class Kept(Enum):
    """How long a topic keeps its records; the values are Kafka's topic settings."""

    FOR_EVER = (("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1"))
    COMPACTED = (("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.1"))
    THIRTY_DAYS = (("cleanup.policy", "delete"), ("retention.ms", str(30 * _DAY_MS)))

    @property
    def settings(self) -> dict[str, str]:
        return dict(self.value)


@dataclass(frozen=True)
class Topic(Generic[R]):
    """A topic: its name, the type of its values, the key of a value's record, how long it keeps them."""

    name: str
    type: type[R]
    key: Callable[[R], bytes | None]
    kept: Kept


# Any: topics of every type, side by side.
AnyTopic = Topic[Any]


@dataclass(frozen=True)
class Topics:
    """All topics of one Mooring.

    The records of one project are in the same partition number of every topic, whatever their key: that of the key
    `node/project` under murmur2. So the outputs keep the order in which a project's events were handled.
    """

    model_builds: Topic[ModelBuild]
    evaluation_runs: Topic[EvaluationRun]
    evaluation_stores: Topic[EvaluationStore]
    model_lifecycle: Topic[LifecycleChange]
    version_metrics: Topic[VersionMetrics]
    store_settings: Topic[StoreSettings]
    model_activations: Topic[ModelActivation]
    evaluation_outcomes: Topic[EvaluationOutcome]
    drift_alerts: Topic[DriftAlert]
    dead_letters: Topic[DeadLetter]

    @classmethod
    def named(cls, prefix: str = DEFAULT_PREFIX) -> Self:
        """The topics under a prefix (setting MOORING_TOPIC_PREFIX)."""

        def topic(name: str, type_: type[R], key: Callable[[R], bytes | None], kept: Kept) -> Topic[R]:
            return Topic(prefix + name, type_, key, kept)

        return cls(
            model_builds=topic("model-builds", ModelBuild, _project, Kept.FOR_EVER),
            evaluation_runs=topic("evaluation-runs", EvaluationRun, _project, Kept.FOR_EVER),
            evaluation_stores=topic("evaluation-stores", EvaluationStore, _project, Kept.FOR_EVER),
            model_lifecycle=topic("model-lifecycle", LifecycleChange, _project, Kept.FOR_EVER),
            version_metrics=topic(
                "version-metrics", VersionMetrics, lambda row: row.version_key.encode(), Kept.COMPACTED
            ),
            store_settings=topic("store-settings", StoreSettings, lambda row: row.store_key.encode(), Kept.COMPACTED),
            model_activations=topic(
                "model-activations", ModelActivation, lambda row: row.model_key.encode(), Kept.COMPACTED
            ),
            evaluation_outcomes=topic(
                "evaluation-outcomes", EvaluationOutcome, lambda outcome: outcome.version_key.encode(), Kept.FOR_EVER
            ),
            drift_alerts=topic("drift-alerts", DriftAlert, lambda alert: alert.version_key.encode(), Kept.THIRTY_DAYS),
            dead_letters=topic("dead-letters", DeadLetter, lambda letter: letter.key, Kept.THIRTY_DAYS),
        )

    def __iter__(self) -> Iterator[AnyTopic]:
        return (getattr(self, field.name) for field in fields(self))

    @property
    def inputs(self) -> tuple[AnyTopic, ...]:
        """The topics that others write."""
        return tuple(getattr(self, name) for name in INPUT_NAMES)

    @property
    def outputs(self) -> tuple[AnyTopic, ...]:
        """The topics that Mooring writes."""
        return tuple(topic for topic in self if topic not in self.inputs)


def _project(event: Event) -> bytes:
    return str(event.project).encode()


INPUT_NAMES = ("model_builds", "evaluation_runs", "evaluation_stores", "model_lifecycle")
