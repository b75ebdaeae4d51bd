"""What lies in a partition of a topic, read from its beginning to its end by a raw consumer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

Isolation = Literal["read_uncommitted", "read_committed"]
_PATIENCE_S = 30.0


class Record(NamedTuple):
    """A record as it lies in Kafka. `timestamp` is epoch ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return f"{self.topic}/{self.partition}@{self.offset}"


class Reader:
    """A raw consumer, to read with from the beginning. `isolation` is what it is told of transactions."""

    def __init__(self, brokers: str, isolation: Isolation = "read_uncommitted") -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "judge",  # asked for, and not used: partitions are assigned, and nothing is committed
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "isolation.level": isolation,
                "fetch.wait.max.ms": 20,
                "log_level": 0,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> int:
        """How many a topic has."""
        return len(self._consumer.list_topics(topic, timeout=_PATIENCE_S).topics[topic].partitions)

    def ends(self, topics: Iterable[str], partitions: int) -> dict[tuple[str, int], int]:
        """The end of each partition, behind all records and markers."""
        return {
            (topic, number): self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_PATIENCE_S)[1]
            for topic in topics
            for number in range(partitions)
        }

    def read(self, topics: Iterable[str], partition: int) -> dict[str, list[Record]]:
        """All that a partition of these topics holds, in order. Raises KafkaException where no broker answers."""
        found: dict[str, list[Record]] = {topic: [] for topic in topics}
        self._consumer.assign([TopicPartition(topic, partition, 0) for topic in found])
        reading = set(found)
        while reading:
            message = self._consumer.poll(_PATIENCE_S)
            if message is None:
                raise KafkaException(f"{sorted(reading)}/{partition}: no end within {_PATIENCE_S} s")
            error, topic = message.error(), message.topic() or ""
            if error is None:
                found[topic].append(_record(topic, partition, message))
            elif error.code() == KafkaError._PARTITION_EOF:
                reading.discard(topic)
            elif error.fatal() or not error.retriable():
                raise KafkaException(error)
        self._consumer.unassign()
        return found


def _record(topic: str, partition: int, message: Message) -> Record:
    return Record(
        topic,
        partition,
        message.offset() or 0,
        message.timestamp()[1],
        _bytes(message.key()),
        _bytes(message.value()),
        {name: _bytes(value) or b"" for name, value in dict(message.headers() or ()).items()},
    )


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
