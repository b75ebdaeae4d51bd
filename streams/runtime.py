"""The runtime: hands each record to its agent and applies the effects, in the order that rule 8 of the domain asks for.

    fold                          synchronous; the rows change in memory, where the next event finds them
    publish, and await the acks   alerts, outcomes, dead letters
    send the changelog            Faust flushes it before it commits
    acknowledge                   the input offset may now be committed

A crash anywhere forgets the memory and repeats from the fold on; what was published is published again under the same
ids. While a partition awaits acknowledgements its next events are folded, and then settled together.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from faust.streams import Stream
from faust.types import EventT, TopicT

from mooring.codec import SchemaRegistry, encode
from mooring.errors import InvalidEvent, UnreadableValue
from mooring.outputs import DeadLetter, DriftAlert
from mooring.records import Record
from mooring.topics import AnyTopic, Topics
from streams.agent import AnyAgent
from streams.decisions import Policy
from streams.intake import InputRecord, dead_letter
from streams.tables import Change, Tables, Work
from streams.telemetry import Telemetry

log = structlog.get_logger()

# Folded and not yet settled, over all partitions; beyond it no more is taken from the streams.
_MOST_UNSETTLED = 2_000
_LOOK_AGAIN_S = 0.001


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: AnyTopic
    record: Record
    value: bytes


@dataclass(frozen=True, slots=True)
class _Handled:
    event: EventT[bytes]
    outgoing: list[_Outgoing]
    changes: list[Change]


class Runtime:
    """Runs agents on a Faust app.

    Of the events that are there at the same time, those of an earlier agent are folded first. `output` gives the Faust
    topic of a topic that Mooring writes. `delivered` gives the offset of the last record of a topic and partition that
    was handed to its agent; -1 if none was, or the partition has left since. `crash` is called with what goes wrong
    where no agent is at fault: the broker refused a record, say. It must stop the worker.
    """

    def __init__(
        self,
        agents: Sequence[AnyAgent],
        tables: Tables,
        topics: Topics,
        policy: Policy,
        output: Callable[[AnyTopic], TopicT],
        telemetry: Telemetry,
        registry: SchemaRegistry | None,
        delivered: Callable[[str, int], int],
        crash: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self._tables = tables
        self._topics = topics
        self._policy = policy
        self._output = output
        self._telemetry = telemetry
        self._registry = registry
        self._delivered = delivered
        self._crash = crash
        names = [agent.topic(topics).name for agent in agents]
        self._topics_before = {agent.name: names[:place] for place, agent in enumerate(agents)}
        self._folded: dict[tuple[str, int], int] = {}
        self._unsettled: defaultdict[int, list[_Handled]] = defaultdict(list)
        self._settling: dict[int, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(_MOST_UNSETTLED)

    async def run(self, agent: AnyAgent, stream: Stream[bytes]) -> None:
        """Handle the stream's events until it ends."""
        async for event in stream.noack().events():
            await self._turn(agent, event.message.partition)
            await self._room.acquire()
            try:
                self._fold(agent, event)
            except OSError as error:
                # The machine is at fault, not the input: stop, and handle it again after the restart.
                await self._crash(error)
                return
            partition = event.message.partition
            if partition not in self._settling:
                self._settling[partition] = asyncio.create_task(self._settle(partition))

    def forget_positions(self) -> None:
        """To be called when partitions leave: what was delivered of them may never be folded, or again from earlier."""
        self._folded.clear()

    async def _turn(self, agent: AnyAgent, partition: int) -> None:
        """Wait until what is delivered of a partition to the agents before this one is folded.

        So an evaluation finds the configuration of its store and the build of its version, if they were there first.
        """
        awaited = {topic: self._delivered(topic, partition) for topic in self._topics_before[agent.name]}
        for topic, offset in awaited.items():
            # Looked at again and again: the consumer's side has no event to wait for.
            while self._is_awaited(topic, partition, offset):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_AGAIN_S)

    def _is_awaited(self, topic: str, partition: int, offset: int) -> bool:
        # Where the partition has left meanwhile, nothing counts as delivered any more.
        return self._folded.get((topic, partition), -1) < min(offset, self._delivered(topic, partition))

    def _fold(self, agent: AnyAgent, event: EventT[bytes]) -> None:
        outgoing, changes = self._effects_of(agent, _input_record(event))
        for change in changes:
            change.table.rows[change.key] = change.value
        self._unsettled[event.message.partition].append(_Handled(event, outgoing, changes))
        self._folded[event.message.topic, event.message.partition] = event.message.offset
        self._telemetry.handled.labels(agent.name).inc()

    def _effects_of(self, agent: AnyAgent, record: InputRecord) -> tuple[list[_Outgoing], list[Change]]:
        """What is to be published and changed; of a record that is refused, its dead letter and nothing else."""
        work = Work(self._tables, self._topics, self._policy)
        try:
            agent.take(record, self._topics, work, self._registry)
            # Here they become bytes, and a row or an outcome may turn out too large for a record.
            return [_outgoing(topic, record) for topic, record in work.records], work.changes()
        except OSError:
            raise
        except Exception as error:
            if not isinstance(error, InvalidEvent | UnreadableValue):
                log.exception("handler failed", agent=agent.name, partition=record.partition, offset=record.offset)
            return [_outgoing(self._topics.dead_letters, self._refusal(record, error))], []

    def _refusal(self, record: InputRecord, error: Exception) -> DeadLetter:
        letter = dead_letter(record, error, failed_at=time.time_ns() // 1_000_000)
        log.warning(
            "input refused",
            reason=letter.reason,
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            letter_id=letter.letter_id,
        )
        return letter

    async def _settle(self, partition: int) -> None:
        """Publish, send the changelog, acknowledge, for all that is folded of a partition, until nothing is left."""
        try:
            while batch := self._unsettled.pop(partition, None):
                await self._publish(batch, partition)
                # Of a row that changed more than once only the last state is news.
                latest = {(id(change.table), change.key): change for one in batch for change in one.changes}
                await self._send_changelog(list(latest.values()), partition)
                for one in batch:
                    one.event.ack()
                    self._room.release()
        except Exception as error:  # noqa: BLE001 - a task's error that nobody awaits would be lost
            # The partition stays taken: what came after must not be settled without this.
            await self._crash(error)
        else:
            del self._settling[partition]

    async def _publish(self, batch: list[_Handled], partition: int) -> None:
        """Send the records of a batch, in order, and wait until the broker has acknowledged every one."""
        sent = []
        for outgoing in (published for one in batch for published in one.outgoing):
            key = outgoing.topic.key(outgoing.record)
            sent.append(await self._output(outgoing.topic).send(key=key, value=outgoing.value, partition=partition))
            self._count(outgoing.topic, outgoing.record)
        for acknowledged in sent:
            await acknowledged

    async def _send_changelog(self, changes: list[Change], partition: int) -> None:
        """Send changed rows, those of models only once the versions' are acknowledged.

        A model's row says which version is active, and an event that it knows already changes no version any more. So a
        crash between the two must leave the versions changed and the model not: then the event is handled again.
        """
        versions = self._tables.versions.data
        sent = [
            change.table.send_changelog(partition, change.key, change.value)
            for change in changes
            if change.table is versions
        ]
        if len(sent) == len(changes):
            return
        for acknowledged in sent:
            await acknowledged
        for change in changes:
            if change.table is not versions:
                change.table.send_changelog(partition, change.key, change.value)

    def _count(self, topic: AnyTopic, record: Record) -> None:
        self._telemetry.published.labels(topic.name).inc()
        if isinstance(record, DeadLetter):
            self._telemetry.refused.labels(record.reason).inc()
        elif isinstance(record, DriftAlert):
            self._telemetry.alerts.labels(record.severity).inc()


def _outgoing(topic: AnyTopic, record: Record) -> _Outgoing:
    return _Outgoing(topic, record, encode(record))


def _input_record(event: EventT[bytes]) -> InputRecord:
    message = event.message
    return InputRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        # Faust gives seconds.
        timestamp=round(message.timestamp * 1000) if message.timestamp and message.timestamp > 0 else None,
        key=message.key,
        value=message.value,
        headers={name: value or b"" for name, value in dict(message.headers or ()).items()},
    )
