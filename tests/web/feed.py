"""What the worker would publish, for tests of the read side: records made with few words, and a way to send them."""

from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import Producer

from mooring.codec import encode
from mooring.keys import VersionKey
from mooring.metrics.catalogue import Direction
from mooring.outputs import (
    DeadLetter,
    DriftAlert,
    EvaluationOutcome,
    Outcome,
    Severity,
    Source,
    VersionMetrics,
    VersionState,
    alert_id,
    letter_id,
)
from mooring.records import Record
from mooring.topics import Topic, Topics
from tests.brokers import Broker
from web.database import Database, Incoming

R = TypeVar("R", bound=Record)

DAY_MS = 86_400_000
# 1 November 2025
BUILT_AT = 1_761_955_200_000


# Any: fields of the record, of whatever type each has.
def version(key: str = "design-1/COUPONS/redemption/v1", **fields: Any) -> VersionMetrics:
    """A row of the registry; drift, state and the source of its values follow from what is given."""
    parts = VersionKey.parse(key)
    initial, current = fields.get("initial", {}), fields.get("current", {})
    evaluated_at = fields.get("evaluated_at", BUILT_AT + DAY_MS if current else None)
    given = {
        "version_key": key,
        "node_id": parts.node_id,
        "project_key": parts.project_key,
        "model_id": parts.model_id,
        "version_id": parts.version_id,
        "built_at": BUILT_AT,
        "evaluated_at": evaluated_at,
        "state": VersionState.EVALUATED if current else VersionState.INITIAL,
        "drift": {code: current[code] - initial[code] for code in current if code in initial},
        "updated_at": evaluated_at or BUILT_AT,
    }
    if current:
        given["sources"] = (
            Source(
                store_id="weekly",
                evaluation_id="e1",
                evaluated_at=evaluated_at or BUILT_AT,
                recorded_at=evaluated_at or BUILT_AT,
                event_id="event-1",
                metrics=tuple(current),
            ),
        )
    return VersionMetrics(**{**given, **fields})


def alert(key: str = "design-1/COUPONS/redemption/v1", cause: str = "event-1", **fields: Any) -> DriftAlert:
    """An alert that ROC AUC fell from 0.87 to 0.81."""
    parts = VersionKey.parse(key)
    given = {
        "alert_id": alert_id(parts, fields.get("metric", "roc_auc"), cause),
        "version_key": key,
        "node_id": parts.node_id,
        "project_key": parts.project_key,
        "model_id": parts.model_id,
        "version_id": parts.version_id,
        "active": True,
        "metric": "roc_auc",
        "direction": Direction.HIGHER,
        "initial": 0.87,
        "previous": 0.87,
        "current": 0.81,
        "drift": -0.06,
        "change": -0.06,
        "degradation": 0.06,
        "severity": Severity.CRITICAL,
        "reason": f"ROC AUC of {parts.model_id} {parts.version_id} fell from 0.87 to 0.81.",
        "evaluation_id": "e1",
        "store_id": "weekly",
        "evaluated_at": BUILT_AT + DAY_MS,
        "caused_by": cause,
    }
    return DriftAlert(**{**given, **fields})


def outcome(key: str = "design-1/COUPONS/redemption/v1", event: str = "event-1", **fields: Any) -> EvaluationOutcome:
    """The outcome of an evaluation that counted."""
    given = {
        "version_key": key,
        "event_id": event,
        "evaluation_id": f"evaluation of {event}",
        "store_id": "weekly",
        "evaluated_at": BUILT_AT + DAY_MS,
        "outcome": Outcome.CURRENT,
        "metrics": {"roc_auc": 0.81},
        "drift": {"roc_auc": -0.06},
    }
    return EvaluationOutcome(**{**given, **fields})


def dead_letter(offset: int = 0, reason: str = "undecodable") -> DeadLetter:
    """A dead letter about a record of the builds."""
    topic = "mooring.model-builds"
    return DeadLetter(
        letter_id=letter_id(topic, 0, offset),
        topic=topic,
        partition=0,
        offset=offset,
        reason=reason,
        message="The value is empty.",
        failed_at=BUILT_AT,
    )


class Feed:
    """Publishes to a broker. A context: at its end all is delivered, and the producer gone."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self.topics = Topics.named(prefix)
        broker.create(*(topic.name for topic in self.topics))
        self._producer = Producer(
            {"bootstrap.servers": broker.address, "linger.ms": 0, "partitioner": "murmur2_random", "log_level": 0}
        )

    def send(self, topic: Topic[R], *records: R) -> None:
        """Publish the records, and wait until they are acknowledged."""
        for record in records:
            self._producer.produce(topic.name, encode(record), key=topic.key(record))
        self.flush()

    def send_bytes(self, topic: Topic[R], key: bytes, value: bytes | None) -> None:
        self._producer.produce(topic.name, value, key=key)
        self.flush()

    def flush(self) -> None:
        assert self._producer.flush(10) == 0, "not acknowledged"


class Written:
    """Writes to a database as the replica would, without a broker: each record at the next offset of its partition."""

    def __init__(self, database: Database, topics: Topics) -> None:
        self._database = database
        self._ends: dict[tuple[str, int], int] = {}
        self.topics = topics

    def write(self, topic: Topic[R], *records: R, partition: Callable[[R], int] = lambda _: 0) -> None:
        """Apply the records, in one batch."""
        batch = []
        for record in records:
            place = (topic.name, partition(record))
            offset = self._ends.get(place, 0)
            self._ends[place] = offset + 1
            batch.append(Incoming(*place, offset, topic.key(record), encode(record)))
        self._database.apply(batch, self._ends)
