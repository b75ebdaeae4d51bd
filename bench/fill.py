"""Fills topics, fast or at a steady pace (as a program): librdkafka sends, partitioned by key as Java's clients do."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

from bench.workload import events

_FLUSH_TIMEOUT_S = 120.0
_TICK_S = 0.01


class FillFailed(Exception):
    """The broker did not take all records."""


def fill(brokers: str, topic: str, records: Iterable[tuple[bytes, bytes]], per_second: float | None = None) -> int:
    """Send records, as fast as it goes or at a steady pace; return how many once all are acknowledged."""
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "partitioner": "murmur2_random",
            # Keeps the order of a key's events when a request is repeated: one that comes late would make no alert.
            "enable.idempotence": True,
            # Errors only: that a broker just started makes it wait for its first id is no news.
            "log_level": 3,
            "linger.ms": 20 if per_second is None else 2,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 500_000,
        }
    )
    producer.list_topics(topic)  # the first records would else wait, while later ones go
    sent = 0
    started = time.perf_counter()
    for key, value in records:
        if per_second is not None and sent % max(1, int(per_second * _TICK_S)) == 0:
            time.sleep(max(0.0, started + sent / per_second - time.perf_counter()))
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        if sent % 1_000 == 0:
            producer.poll(0)
    left = producer.flush(_FLUSH_TIMEOUT_S)
    if left or failed:
        raise FillFailed(f"{left} records of {topic} were not taken in time, {len(failed)} were refused: {failed[:1]}")
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description="Send events of the workload at a steady pace.")
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--keys", type=int, required=True)
    parser.add_argument("--per-second", type=float, required=True)
    given = parser.parse_args()
    fill(given.brokers, given.topic, events(given.count, given.keys), given.per_second)


if __name__ == "__main__":
    main()
