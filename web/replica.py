"""The replica: a thread that follows the public topics and keeps them in the database.

It reads every partition, in no group, from where the database is. While the broker is away it goes on trying, and what
is in the database stays readable; `state` says how old that is. Topics that were made anew (the log ends before the
position) are read again from their beginning into an empty database.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from mooring.codec import SchemaRegistry
from mooring.connection import connection_settings
from mooring.errors import BrokerUnavailable, TopicsMissing
from mooring.topics import Topics
from web.database import Database, Incoming, Positions

# How long an idle fetch rests at the broker. The embedded broker answers only then; Kafka as soon as there is a record.
_FETCH_WAIT_MS = 100
_POLL_MS = 250
_BATCH_RECORDS = 5_000
_FETCH_BYTES = 4 * 1024 * 1024
_CHECK_S = 1.0
# How often it is looked whether the topics have other partitions.
_LOOK_S = 30.0
_ANSWER_TIMEOUT_MS = 5_000
_RETRY_S = 1.0
# What the writer runs into where a disk is full or gone, and what is tried again.
_TRANSIENT = (KafkaError, BrokerUnavailable, TopicsMissing, sqlite3.Error, OSError)

_log = structlog.stdlib.get_logger("web.replica")


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """Where the replica is. Times are epoch ms.

    `as_of`: all that Kafka had acknowledged by then is in the database; None while that is not known. `behind`: records
    that wait to be read, as of `checked_at`, the last time that the broker answered. `trouble`: what keeps the replica
    from reading, for people; None when nothing does.
    """

    as_of: int | None = None
    behind: int = 0
    known: int = 0
    checked_at: int | None = None
    trouble: str | None = None
    records: int = 0

    @property
    def caught_up_once(self) -> bool:
        """Whether the replica has been complete since its start."""
        return self.as_of is not None


class Replica:
    """The database, and the thread that keeps it current.

    `changed` is called from that thread, after a change can be read and whenever `state` tells something new.
    """

    def __init__(
        self,
        brokers: str,
        topics: Topics,
        folder: Path,
        *,
        registry: SchemaRegistry | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Raises DataDirInUse, DataDirUnusable."""
        self.database = Database(folder, topics, registry)
        self.state = ReplicaState()
        self._brokers = brokers
        self._changed = changed
        self._stopping = threading.Event()
        self._positions: Positions = {}
        self._thread = threading.Thread(target=self._run, name="replica", daemon=True)
        # Done when the broker was reached for the first time, or was not.
        self._placed: Future[None] = Future()

    def start(self) -> None:
        """Reach the broker, and follow the topics from then on, in a thread, until `close`.

        Blocks for some seconds at most. Raises BrokerUnavailable, TopicsMissing, KafkaError.
        """
        self._thread.start()
        self._placed.result()

    def close(self) -> None:
        """Stop following, and close the database. Blocks while a batch is finished."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.database.close()

    def as_of(self) -> int | None:
        return self.state.as_of

    def has_reached(self, ends: Mapping[tuple[str, int], int]) -> bool:
        """Whether all before these offsets can be read, by topic and partition."""
        return all(self._positions.get(place, 0) >= end for place, end in ends.items())

    def _run(self) -> None:
        asyncio.run(self._follow_until_stopped())

    async def _follow_until_stopped(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._follow()
            except BaseException as error:
                if not self._placed.done():
                    # Where it does not even begin, whoever started it is told, and nothing is tried again.
                    self._placed.set_exception(error)
                    return
                if isinstance(error, _TRANSIENT):
                    self._report_trouble(error)
                elif isinstance(error, Exception):
                    # A thread that ended in silence would leave a view that only looks alive.
                    _log.exception("replica_failed")
                    self._tell(trouble="The replica met an error that it did not expect; see the log.")
                else:
                    raise
                await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        """Read until the service stops or an error comes, or until the topics have other partitions."""
        # Blocks for some seconds at most; nothing else is done on this loop.
        addresses = connection_settings(self._brokers)["bootstrap_servers"]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=addresses,
            group_id=None,
            enable_auto_commit=False,
            # A position that the log does not have is looked at here, not skipped over in silence.
            auto_offset_reset="none",
            # What a worker that was cut off has not committed is not shown.
            isolation_level="read_committed",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
            request_timeout_ms=_ANSWER_TIMEOUT_MS,
            metadata_max_age_ms=30_000,
        )
        try:
            await consumer.start()
            assigned = await self._place(consumer)
            if not self._placed.done():
                self._placed.set_result(None)
            await self._read_on(consumer, assigned)
        finally:
            try:
                await consumer.stop()
            except asyncio.CancelledError:
                # Of a fetch of its own that was waiting for the broker: nobody cancels this task. The rest of its stop.
                await consumer._client.close()  # noqa: SLF001

    async def _read_on(self, consumer: AIOKafkaConsumer, assigned: list[TopicPartition]) -> None:
        target: tuple[int, Positions] | None = None
        checked, looked = 0.0, time.monotonic()
        while not self._stopping.is_set():
            if await self._read(consumer, assigned):
                self._changed()
            now = time.monotonic()
            if now - looked >= _LOOK_S:
                looked = now
                if set(await self._partitions(consumer)) != set(assigned):
                    return
            if now - checked >= _CHECK_S:
                checked = now
                target = await self._ends(consumer, assigned)
                self._tell_progress(target[1])
            if target is not None and self.has_reached(target[1]):
                self._tell(as_of=target[0])
                target = None

    async def _read(self, consumer: AIOKafkaConsumer, assigned: list[TopicPartition]) -> bool:
        """Whether there was something to apply."""
        polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS)
        records = [
            Incoming(record.topic, record.partition, record.offset, record.key, record.value)
            for part in polled.values()
            for record in part
        ]
        # Beyond the last record there may be marks of transactions, which nobody is shown.
        positions = {(place.topic, place.partition): await consumer.position(place) for place in assigned}
        moved = {place: offset for place, offset in positions.items() if offset != self._positions[place]}
        if not moved:
            return False
        unreadable = self.database.unreadable
        self.database.apply(records, moved)
        self._positions.update(moved)
        if self.database.unreadable > unreadable:
            _log.warning("records_not_readable", records=self.database.unreadable - unreadable)
        self.state = replace(self.state, records=self.state.records + len(records))
        return bool(records)

    async def _place(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        """Have the consumer stand where the database does. Raises TopicsMissing, KafkaError."""
        assigned = await self._partitions(consumer)
        missing = sorted(set(self.database.topics) - {place.topic for place in assigned})
        if missing:
            raise TopicsMissing(missing)
        consumer.assign(assigned)
        begins = await consumer.beginning_offsets(assigned)
        _, ends = await self._ends(consumer, assigned)
        known = self.database.positions()
        if any(known.get(place, 0) > end for place, end in ends.items()):
            _log.warning("topics_made_anew", action="the replica is built again from their beginning")
            self.database.reset()
            known = {}
            self.state = replace(self.state, as_of=None)
        self._positions = {}
        for place in assigned:
            position = max(known.get((place.topic, place.partition), 0), begins[place])
            self._positions[place.topic, place.partition] = position
            consumer.seek(place, position)
        # Streams of alerts begin at these, also where a partition has no record yet.
        self.database.apply([], self._positions)
        self._tell_progress(ends)
        return assigned

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        # Asked for all topics, a broker creates none. `consumer.topics()` asks the same, but keeps the partitions back.
        cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001
        return sorted(
            TopicPartition(topic, partition)
            for topic in self.database.topics
            for partition in cluster.partitions_for_topic(topic) or ()
        )

    async def _ends(self, consumer: AIOKafkaConsumer, assigned: list[TopicPartition]) -> tuple[int, Positions]:
        """A time, and the ends of the partitions at or after it."""
        asked_at = _now_ms()
        ends = await consumer.end_offsets(assigned)
        return asked_at, {(place.topic, place.partition): end for place, end in ends.items()}

    def _tell_progress(self, ends: Mapping[tuple[str, int], int]) -> None:
        behind = sum(max(0, end - self._positions[place]) for place, end in ends.items())
        if self.state.trouble is not None:
            _log.info("replica_reads_again")
        self._tell(behind=behind, known=sum(ends.values()), checked_at=_now_ms(), trouble=None)

    def _report_trouble(self, error: BaseException) -> None:
        if isinstance(error, KafkaError):
            trouble = str(BrokerUnavailable(self._brokers))
        elif isinstance(error, sqlite3.Error):
            trouble = f"The replica's database cannot be written: {error}."
        else:
            trouble = str(error)
        if trouble != self.state.trouble:
            _log.warning("replica_cannot_read", trouble=trouble, cause=repr(error))
        self._tell(trouble=trouble)

    def _tell(self, **news: int | str | None) -> None:
        before = self.state
        self.state = replace(before, **news)  # type: ignore[arg-type]  # mypy on the fields of a mixed mapping
        if (before.trouble, before.caught_up_once) != (self.state.trouble, self.state.caught_up_once):
            self._changed()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
