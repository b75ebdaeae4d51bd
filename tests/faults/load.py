"""The load: a story's events, sent at a steady rate from a thread of its own while faults happen."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any, Self

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from mooring.topics import Topics
from tests.faults.events import Sendable, Story, Wave

BAD_HEADER = "deserves"
# Nothing that a test does to the broker takes as long.
_DELIVERY_TIMEOUT_MS = 600_000
_LOOK_AGAIN_S = 0.1
# Setups are so far ahead of bodies that the load goes on for a while when no worker handles anything.
_WAVES_AHEAD = 5

Position = tuple[str, int]


class LoadFailed(Exception):
    """The load could not be sent, or what it waits for did not come."""


class Committed:
    """The offsets that the workers' group has committed."""

    def __init__(self, brokers: str, topics: Topics) -> None:
        self._topics = topics
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": f"{topics.model_builds.name.removesuffix('model-builds')}worker",
                "log_level": 0,
                # Back soon after a broker that was away is back.
                "reconnect.backoff.max.ms": 500,
            }
        )

    def offsets(self, positions: list[Position]) -> dict[Position, int]:
        """What is committed, 0 where nothing is. Raises KafkaException while the broker is away."""
        asked = [TopicPartition(*position) for position in positions]
        answered = self._consumer.committed(asked, timeout=5.0)
        return {(one.topic, one.partition): max(0, one.offset) for one in answered}

    def behind(self, ends: Mapping[Position, int]) -> dict[Position, int]:
        """By how much each committed offset is short of the end given, where it is. While that is unknown, by all."""
        try:
            committed = self.offsets(list(ends))
        except KafkaException:
            committed = {}
        return {at: end - committed.get(at, 0) for at, end in ends.items() if committed.get(at, 0) < end}

    def wait_for(self, ends: Mapping[Position, int], timeout_s: float) -> dict[Position, int]:
        """Block until all of it is committed, or the time is over; what is missing then."""
        deadline = time.monotonic() + timeout_s
        while missing := self.behind(ends):
            if time.monotonic() > deadline:
                return missing
            time.sleep(_LOOK_AGAIN_S)
        return {}

    def close(self) -> None:
        self._consumer.close()


class Load:
    """Sends a story until it is told to end.

    Call `prepare` while workers run and nothing goes wrong, then `start`, at last `end` and `join`.
    """

    def __init__(
        self,
        brokers: str,
        topics: Topics,
        *,
        seed: int,
        per_second: float,
        projects: int = 12,
        wave_size: int = 2_000,
        gate_timeout_s: float = 120.0,
    ) -> None:
        self.sent = 0
        self._topics = topics
        self._per_second = per_second
        self._gate_timeout_s = gate_timeout_s
        self._waves = Story(seed, projects, wave_size).waves()
        # Waves whose setup is sent, and up to where the setups' topics must be committed before the body is.
        self._ready: deque[tuple[Wave, dict[Position, int]]] = deque()
        self._producer = producer(brokers)
        self.committed = Committed(brokers, topics)
        # What the broker has acknowledged: behind the last record of each partition.
        self._ends: dict[Position, int] = defaultdict(int)
        self._failed: list[str] = []
        self._told_to_end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self._error: BaseException | None = None
        self._due = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        if self._thread.ident is not None:
            self._thread.join()
        self.committed.close()

    def prepare(self) -> None:
        """Send the first setups and wait until they are handled."""
        for _ in range(_WAVES_AHEAD):
            self._send_setup()
        self._pass_gate(self._ready[-1][1])

    def start(self) -> None:
        self._due = time.monotonic()
        self._thread.start()

    def end(self) -> None:
        """Send no more."""
        self._told_to_end.set()

    def join(self) -> None:
        """Wait until everything is sent and acknowledged. Raises LoadFailed."""
        self._thread.join()
        if self._error is not None:
            raise LoadFailed(f"after {self.sent} events: {self._error}") from self._error

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def ends(self) -> dict[Position, int]:
        """Behind the last acknowledged record of each partition that has any."""
        return dict(self._ends)

    def settled(self, timeout_s: float) -> dict[Position, int]:
        """Wait until the workers have committed everything; what is missing after that time."""
        return self.committed.wait_for(self.ends, timeout_s)

    def _run(self) -> None:
        try:
            self._send_waves()
        except BaseException as error:  # noqa: BLE001 - told by `join`, in the thread that cares
            self._error = error

    def _send_waves(self) -> None:
        while not self._told_to_end.is_set():
            wave, gate = self._ready.popleft()
            self._pass_gate(gate)
            half = len(wave.body) // 2
            self._send_body(wave.body[:half])
            self._send_setup()
            self._send_body(wave.body[half:])
        self._flush()

    def _send_body(self, body: list[Sendable]) -> None:
        for record in body:
            if self._told_to_end.is_set():
                return
            self._send(record)
            self._due += 1 / self._per_second
            if (ahead := self._due - time.monotonic()) > 0.005:
                self._told_to_end.wait(ahead)
            self._producer.poll(0)

    def _send_setup(self) -> None:
        """Send the setup of a further wave; its gate is where the setup's topics end then."""
        wave = next(self._waves)
        for record in wave.setup:
            self._send(record)
        self._flush()
        gate = {at: end for at, end in self.ends.items() if at[0] != self._topics.evaluation_runs.name}
        self._ready.append((wave, gate))

    def _pass_gate(self, gate: dict[Position, int]) -> None:
        deadline = time.monotonic() + self._gate_timeout_s
        while missing := self.committed.behind(gate):
            if time.monotonic() > deadline:
                raise LoadFailed(f"what the next events rest on is not committed: short by {missing}")
            if self._told_to_end.wait(_LOOK_AGAIN_S):
                return
        # What was waited for is not to be made up for in a burst.
        self._due = max(self._due, time.monotonic())

    def _send(self, record: Sendable) -> None:
        send(self._producer, self._topics, record, self._told)
        self.sent += 1

    def _told(self, error: Any, message: Message) -> None:
        # Any: confluent-kafka's error, or None.
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if error is not None or topic is None or partition is None or offset is None:
            self._failed.append(str(error))
            return
        self._ends[topic, partition] = max(self._ends[topic, partition], offset + 1)

    def _flush(self) -> None:
        left = self._producer.flush(_DELIVERY_TIMEOUT_MS / 1000)
        if left or self._failed:
            raise LoadFailed(f"{left} records not acknowledged; {len(self._failed)} failed: {self._failed[:3]}")


def producer(brokers: str, **settings: str) -> Producer:
    """A producer that keeps the order of each partition, and waits for a broker that is away."""
    return Producer(
        {
            "bootstrap.servers": brokers,
            "enable.idempotence": True,
            # The partition of a key as Java's client, and Mooring's, have it.
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "delivery.timeout.ms": _DELIVERY_TIMEOUT_MS,
            "reconnect.backoff.max.ms": 500,
            "log_level": 0,
            **settings,
        }
    )


def send(to: Producer, topics: Topics, record: Sendable, told: Any = None) -> None:
    """Produce a record of the load; a bad one says in a header which reason it deserves, for the judge."""
    # Any: confluent-kafka's callback.
    to.produce(
        getattr(topics, record.topic).name,
        value=record.value,
        key=record.key,
        headers={} if record.bad is None else {BAD_HEADER: record.bad.encode()},
        on_delivery=told,
    )
