"""The topics on the broker: created, verified, and checked before the worker starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from mooring.connection import BrokerRefused, connection_settings
from mooring.errors import BrokerUnavailable, MooringError, TopicsMissing
from mooring.topics import AnyTopic, Topics

_TIMEOUT_MS = 15_000


class TopicsUnfit(MooringError):
    """Topics exist, but not as Mooring needs them; `faults` has a sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Provision:
    """What became of one topic: `created`, or it was there."""

    name: str
    partitions: int
    created: bool


def provide_topics(brokers: str, topics: Topics, partitions: int, replication: int) -> list[Provision]:
    """Create the topics that are missing, verify those that are there.

    Where some exist, the new ones get as many partitions as they have. Blocks. Raises BrokerUnavailable; TopicsUnfit
    where existing topics differ in their partitions or keep their records otherwise than they should.
    """
    with _admin(brokers) as admin:
        existing = _partitions(admin, topics)
        if existing:
            partitions = _common(existing)
            _verify_kept(admin, [topic for topic in topics if topic.name in existing])
        missing = [topic for topic in topics if topic.name not in existing]
        if missing:
            admin.create_topics(
                [NewTopic(topic.name, partitions, replication, topic_configs=topic.kept.settings) for topic in missing],
                timeout_ms=_TIMEOUT_MS,
                wait_for_metadata=True,
            )
        return [Provision(topic.name, partitions, topic in missing) for topic in topics]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the topics are on the broker: the number of partitions that each has, and ids where the broker gives some."""

    partitions: int
    topic_ids: Mapping[str, str] = field(default_factory=dict)


def layout_of(brokers: str, topics: Topics) -> Layout:
    """How the topics are on the broker.

    Blocks. Raises BrokerUnavailable, TopicsMissing, and TopicsUnfit where they do not all have the same number.
    """
    with _admin(brokers) as admin:
        described = _described(admin, topics)
    existing = {one["name"]: len(one["partitions"]) for one in described}
    if missing := [topic.name for topic in topics if topic.name not in existing]:
        raise TopicsMissing(missing)
    return Layout(_common(existing), {one["name"]: str(one["topic_id"]) for one in described if one.get("topic_id")})


@contextmanager
def _admin(brokers: str) -> Iterator[KafkaAdminClient]:
    settings = connection_settings(brokers)
    # A setting of producers and consumers only.
    del settings["metrics_enabled"]
    try:
        admin = KafkaAdminClient(**settings, request_timeout_ms=_TIMEOUT_MS)
        try:
            yield admin
        finally:
            admin.close()
    except (KafkaConnectionError, KafkaTimeoutError) as error:
        raise BrokerUnavailable(brokers) from error
    except KafkaError as error:
        raise BrokerRefused(f"Kafka at {brokers} refused: {error}.") from error


def _partitions(admin: KafkaAdminClient, topics: Topics) -> dict[str, int]:
    return {one["name"]: len(one["partitions"]) for one in _described(admin, topics)}


def _described(admin: KafkaAdminClient, topics: Topics) -> list[dict[str, Any]]:
    # Any: what kafka-python answers.
    wanted = {topic.name for topic in topics}
    there = sorted(wanted & set(admin.list_topics()))
    return list(admin.describe_topics(there)) if there else []


def _common(existing: dict[str, int]) -> int:
    numbers = set(existing.values())
    if len(numbers) > 1:
        listed = ", ".join(f"{name} {number}" for name, number in sorted(existing.items()))
        raise TopicsUnfit([f"All topics must have the same number of partitions; they have: {listed}."])
    return numbers.pop()


def _verify_kept(admin: KafkaAdminClient, there: list[AnyTopic]) -> None:
    faults = []
    for topic in there:
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
        # The broker tells what was set for the topic; unless told otherwise it deletes.
        found = {"cleanup.policy": "delete"}
        found |= {name: setting["value"] for name, setting in answer["topic"][topic.name].items()}
        faults += [
            f"{topic.name} has {name}={found.get(name)}, it should be {value}."
            for name, value in topic.kept.settings.items()
            if name in ("cleanup.policy", "retention.ms") and found.get(name) != value
        ]
    if faults:
        raise TopicsUnfit(faults)
