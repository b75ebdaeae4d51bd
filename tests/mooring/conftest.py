"""A client and topics on each of the two brokers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from mooring import Mooring
from mooring.connection import connection_settings
from mooring.topics import Topic, Topics
from tests.brokers import Broker


@pytest.fixture
def topics(broker: Broker, topic_prefix: str) -> Topics:
    """Topics that exist."""
    found = Topics.named(topic_prefix)
    broker.create(*(topic.name for topic in found))
    return found


@pytest.fixture
def client(broker: Broker, topics: Topics, topic_prefix: str) -> Iterator[Mooring]:
    with Mooring(broker.address, node="design 1", project="COUPONS", topic_prefix=topic_prefix) as mooring:
        yield mooring


@pytest.fixture
def consumers(broker: Broker) -> Iterator[Callable[[Topic[Any]], list[Any]]]:
    """Reads every record of a topic."""
    opened: list[KafkaConsumer] = []

    def read(topic: Topic[Any]) -> list[Any]:
        consumer = KafkaConsumer(**connection_settings(broker.address), enable_auto_commit=False, fetch_max_wait_ms=20)
        opened.append(consumer)
        # Kafka takes a moment to tell clients of a new topic.
        while not (numbers := consumer.partitions_for_topic(topic.name)):
            time.sleep(0.05)
        parts = [TopicPartition(topic.name, number) for number in numbers]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        records: list[Any] = []
        while any(consumer.position(part) < end for part, end in ends.items()):
            records += [record for batch in consumer.poll(timeout_ms=200).values() for record in batch]
        return records

    yield read
    for consumer in opened:
        consumer.close()


Read = Callable[[Topic[Any]], list[Any]]
