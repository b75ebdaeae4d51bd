"""How long a single event takes: from its sending to its alert in a consumer's hands, and to its row's record."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from bench.contenders import Arena, Contender, ContenderFailed
from bench.workload import PARTITIONS, Alert, Event, Row, alert_of, decode, event_bytes, key_name, row_of
from tests.brokers import ROOT

PER_SECOND = 100.0
REPLAYED_PER_SECOND = 20_000

_WARM_UP_EVENTS = 100
_KEYS = 1_000
_FIRST_KEY = 90_000_000  # far from the keys that are replayed, and told from them by their first digit
_OWN_KEYS = key_name(_FIRST_KEY)[:7].encode()
_REPLAYED_KEYS = 1_000
_REPLAY_LEAD_S = 3.0
_LATE_S = 30.0


@dataclass(frozen=True)
class Delays:
    """Milliseconds from the sending of an event to its alert and, where that was watched, to its row's record.

    `events_per_s` is how many came in meanwhile, the replayed ones included.
    """

    alerts_ms: Sequence[float]
    rows_ms: Sequence[float]
    events_per_s: float


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def follow(arena: Arena, contender: Contender, count: int, *, rows: bool = False, replay: bool = False) -> Delays:
    """Send that many events at a steady pace to a contender, each with an alert, and time each.

    With `replay` the contender handles another 20,000 events a second meanwhile. Raises ContenderFailed where an alert
    or a record is not there in time.
    """
    count += _WARM_UP_EVENTS
    with ExitStack() as stack:
        prefix = stack.enter_context(arena.topics())
        process = stack.enter_context(arena.running(contender, prefix))
        process.wait_until_ready()
        # The echo sends on what it was sent.
        read = decode if contender.name == "echo" else alert_of
        watches = [stack.enter_context(_watching(arena.broker.address, f"{prefix}alerts", read))]
        if rows:
            watches.append(stack.enter_context(_watching(arena.broker.address, f"{prefix}rows", row_of)))
        if replay:
            stack.enter_context(replayed(arena, f"{prefix}events", _REPLAY_LEAD_S + count / PER_SECOND))
            time.sleep(_REPLAY_LEAD_S)
        events_before = arena.count(f"{prefix}events")
        sent = _send(arena.broker.address, f"{prefix}events", count)
        events_per_s = (arena.count(f"{prefix}events") - events_before) / (time.perf_counter() - sent[0])
        delays = []
        for watch in watches:
            seen = watch.wait_for(count)
            delays.append([(seen[each] - sent[each]) * 1000 for each in range(_WARM_UP_EVENTS, count)])
        process.stop()
    return Delays(delays[0], delays[1] if rows else (), events_per_s)


@contextmanager
def replayed(arena: Arena, topic: str, seconds: float, per_second: int = REPLAYED_PER_SECOND) -> Iterator[None]:
    """Events of the workload, sent at a steady pace by a process of its own for that long at most."""
    arguments = {
        "--brokers": arena.broker.address,
        "--topic": topic,
        "--count": int(seconds * per_second),
        "--keys": _REPLAYED_KEYS,
        "--per-second": per_second,
    }
    command = [sys.executable, "-m", "bench.fill", *(str(word) for pair in arguments.items() for word in pair)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        yield
        if process.poll() not in (None, 0):
            raise ContenderFailed(f"{' '.join(command[1:3])} ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()


class _Watch:
    """Notes when each of the own records of a topic arrives, by its sequence."""

    def __init__(self, brokers: str, topic: str, read: Callable[[bytes], Event | Alert | Row]) -> None:
        self._topic = topic
        self._read = read
        self._seen: dict[int, float] = {}
        self._closing = threading.Event()
        self._consumer = KafkaConsumer(bootstrap_servers=brokers, group_id=None, fetch_max_wait_ms=100)
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            self._consumer.position(partition)  # the end is looked up here, and not after the first record
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_for(self, count: int) -> dict[int, float]:
        """When the records numbered below `count` came. Raises ContenderFailed where one does not."""
        deadline = time.monotonic() + _LATE_S
        while len(self._seen) < count:
            if time.monotonic() > deadline:
                raise ContenderFailed(f"{count - len(self._seen)} of {count} records never came to {self._topic}")
            time.sleep(0.05)
        return self._seen

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            for records in self._consumer.poll(timeout_ms=100).values():
                now = time.perf_counter()
                for record in records:
                    if record.key.startswith(_OWN_KEYS):
                        self._seen.setdefault(self._read(record.value).sequence, now)


@contextmanager
def _watching(brokers: str, topic: str, read: Callable[[bytes], Event | Alert | Row]) -> Iterator[_Watch]:
    watch = _Watch(brokers, topic, read)
    try:
        yield watch
    finally:
        watch.close()


def _send(brokers: str, topic: str, count: int) -> list[float]:
    """When each event was sent."""
    sent = []
    producer = KafkaProducer(bootstrap_servers=brokers)
    try:
        producer.partitions_for(topic)  # so that the first event need not wait for it
        started = time.perf_counter()
        for sequence in range(count):
            name = key_name(_FIRST_KEY + sequence % _KEYS)
            value = event_bytes(name, sequence, alerting=True)
            time.sleep(max(0.0, started + sequence / PER_SECOND - time.perf_counter()))
            sent.append(time.perf_counter())
            producer.send(topic, value, key=name.encode())
        producer.flush()
    finally:
        producer.close()
    return sent
