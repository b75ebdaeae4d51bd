"""Writing: what was reported over HTTP, and dead letters that are given another try, go to the input topics."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata

from mooring.codec import encode
from mooring.connection import connection_settings, new_producer
from mooring.errors import BrokerUnavailable, MooringError, NotDelivered
from mooring.events import Event
from mooring.outputs import DeadLetter
from mooring.topics import Topic, Topics

_ACKNOWLEDGED_TIMEOUT_S = 10.0


class NotKept(MooringError):
    """A dead letter that does not hold the whole record, or one of a topic that is no input."""


class Writer:
    """A producer that connects when it is first needed. For any number of threads; every method blocks."""

    def __init__(self, brokers: str, topics: Topics) -> None:
        self._brokers = brokers
        self._inputs = {topic.name: topic for topic in topics.inputs}
        # Any: topics of every type, side by side.
        self._topic_of: dict[type, Topic[Any]] = {topic.type: topic for topic in topics.inputs}
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None

    def report(self, event: Event) -> str:
        """Send an event; answer its position once Kafka has acknowledged it.

        Raises BrokerUnavailable, BrokerRefused, NotDelivered, InvalidEvent (`too_large`, `dated_in_the_future`).
        """
        event.check_not_in_the_future(time.time_ns() // 1_000_000)
        topic = self._topic_of[type(event)]
        return self._send(topic.name, encode(event), topic.key(event), None, ())

    def replay(self, letter: DeadLetter) -> str:
        """Send a refused record again, as it came and to where it was; answer its new position.

        Raises NotKept, and what `report` raises.
        """
        if letter.topic not in self._inputs:
            raise NotKept(f"The letter is of {letter.topic}, which is no input topic of this Mooring.")
        if letter.reason == "too_large":
            raise NotKept("The record was too large to be kept whole; it has to be reported again by who sent it.")
        headers = list(letter.headers.items())
        try:
            return self._send(letter.topic, letter.value, letter.key, letter.partition, headers)
        except ValueError as error:
            raise NotKept(f"{letter.topic} has no partition {letter.partition} any more.") from error

    def close(self) -> None:
        """Disconnect. What is under way is waited for by who sent it."""
        with self._lock:
            if self._producer is not None:
                self._producer.close(timeout=1.0)
                self._producer = None

    def _send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> str:
        try:
            sent: FutureRecordMetadata = self._connected().send(
                topic, value, key=key, partition=partition, headers=list(headers)
            )
            at = sent.get(_ACKNOWLEDGED_TIMEOUT_S)
        except KafkaError as error:
            raise NotDelivered(f"The broker at {self._brokers} did not take the record: {error}.") from error
        return f"{at.topic}:{at.partition}:{at.offset}"

    def _connected(self) -> KafkaProducer:
        """Raises BrokerUnavailable, BrokerRefused."""
        with self._lock:
            if self._producer is None:
                try:
                    self._producer = new_producer(self._brokers, connection_settings(self._brokers))
                except KafkaError as error:
                    raise BrokerUnavailable(self._brokers) from error
            return self._producer
