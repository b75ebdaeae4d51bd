"""Reading one's own writes: waiting until the replica has what a record of an input topic has changed.

The workers commit the input only when all that it caused is in the public topics. So once the record's offset is
committed, the ends of those topics, in the partition of the same number, are what the replica has to reach.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from starlette.concurrency import run_in_threadpool

from mooring.connection import connection_settings
from mooring.errors import BrokerUnavailable
from mooring.topics import Topics, worker_group
from web.changes import Changes

TIMEOUT_S = 5.0
_ASK_AGAIN_S = 0.02
_ANSWER_TIMEOUT_MS = 3_000
_WRITTEN = re.compile(r"([A-Za-z0-9._-]{1,249}):(\d{1,9}):(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies, as a write answers it: `topic:partition:offset`."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError where the text spells none."""
        if (match := _WRITTEN.fullmatch(text)) is None:
            raise ValueError(f"{text!r} is no position; it looks like mooring.evaluation-runs:3:1042")
        return cls(match[1], int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class NotWritten(LookupError):
    """No record is at a place: its partition has none that far, or does not exist."""

    def __init__(self, place: Place) -> None:
        super().__init__(f"no record is at {place}")


class Seen:
    """Knows how far the workers are, and the replica after them.

    `replicated`: the topics that the replica follows; `has_reached`: whether it has all before these offsets;
    `timeout_s`: for how long `wait` waits.
    """

    def __init__(
        self,
        brokers: str,
        topics: Topics,
        topic_prefix: str,
        replicated: Sequence[str],
        has_reached: Callable[[Mapping[tuple[str, int], int]], bool],
        changes: Changes,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.timeout_s = timeout_s
        self._brokers = brokers
        self._inputs = frozenset(topic.name for topic in topics.inputs)
        self._group = worker_group(topic_prefix)
        self._replicated = replicated
        self._has_reached = has_reached
        self._changes = changes
        self._lock = threading.Lock()
        self._consumer: KafkaConsumer | None = None

    def is_input(self, place: Place) -> bool:
        """Whether it is in a topic that others write to."""
        return place.topic in self._inputs

    async def wait(self, place: Place) -> bool:
        """Whether the replica has, within the time, what the record has changed.

        Raises NotWritten where there is no such record, BrokerUnavailable.
        """
        deadline = asyncio.get_running_loop().time() + self.timeout_s
        ends: dict[tuple[str, int], int] | None = None
        is_written = False
        while True:
            revision = self._changes.revision
            if ends is None:
                ends = await run_in_threadpool(self._ends_behind, place, is_written=is_written)
                is_written = True
            if ends is not None and self._has_reached(ends):
                return True
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0 or self._changes.closed:
                return False
            await self._changes.wait(revision, min(left_s, _ASK_AGAIN_S))

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            self._disconnect()

    def _ends_behind(self, place: Place, *, is_written: bool) -> dict[tuple[str, int], int] | None:
        """The ends of the public topics, once the record is handled; None before. Blocks.

        `is_written`: whether it is known already that there is such a record. Raises NotWritten, BrokerUnavailable.
        """
        asked = TopicPartition(place.topic, place.partition)
        with self._lock:
            try:
                consumer = self._connected()
                committed = consumer.committed(asked, timeout_ms=_ANSWER_TIMEOUT_MS)
                if committed is None or committed <= place.offset:
                    if not is_written:
                        self._check_written(consumer, asked, place)
                    return None
                return self._ends(consumer, place.partition)
            except KafkaError as error:
                self._disconnect()
                raise BrokerUnavailable(self._brokers) from error

    def _check_written(self, consumer: KafkaConsumer, asked: TopicPartition, place: Place) -> None:
        # Asked for the end of a partition that does not exist, the client waits until its time is up.
        if place.partition not in (consumer.partitions_for_topic(place.topic) or ()):
            raise NotWritten(place)
        if consumer.end_offsets([asked], timeout_ms=_ANSWER_TIMEOUT_MS)[asked] <= place.offset:
            raise NotWritten(place)

    def _ends(self, consumer: KafkaConsumer, partition: int) -> dict[tuple[str, int], int]:
        asked = [TopicPartition(topic, partition) for topic in self._replicated]
        ends = consumer.end_offsets(asked, timeout_ms=_ANSWER_TIMEOUT_MS)
        return {(at.topic, at.partition): end for at, end in ends.items()}

    def _connected(self) -> KafkaConsumer:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                **connection_settings(self._brokers),
                group_id=self._group,
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                isolation_level="read_committed",
                request_timeout_ms=_ANSWER_TIMEOUT_MS,
            )
        return self._consumer

    def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            try:
                consumer.close(autocommit=False)
            except KafkaError:
                pass  # it is given up anyway
