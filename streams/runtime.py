"""The runtime: hands each record to its agent and applies the effects, in the order that rule 8 of the domain asks for.

    fold, synchronously           nothing outside has changed yet
    publish, and await the acks   alerts, outcomes, dead letters
    change the tables             their changelog records go out; Faust flushes them before it commits
    acknowledge                   the input offset may now be committed

A crash anywhere repeats from the fold on, and what was published is published again under the same ids.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

import faust
import structlog

from mooring.codec import SchemaRegistry, encode
from mooring.errors import InvalidEvent, UnreadableValue
from mooring.events import Event
from mooring.outputs import DeadLetter, DriftAlert
from mooring.records import Record
from mooring.topics import Topic, Topics
from streams.agent import Agent
from streams.decisions import Policy
from streams.intake import InputRecord, dead_letter
from streams.tables import Tables, Work
from streams.telemetry import Telemetry

log = structlog.get_logger()


class Runtime:
    """Runs agents on a Faust app.

    `output` gives the Faust topic of a topic that Mooring writes. Agents of one partition take turns: the tables are
    read, and changed only after a wait, so two events of one project must not be handled at the same time.
    """

    def __init__(
        self,
        tables: Tables,
        topics: Topics,
        policy: Policy,
        output: Callable[[Topic[Record]], faust.TopicT],
        telemetry: Telemetry,
        registry: SchemaRegistry | None,
    ) -> None:
        self._tables = tables
        self._topics = topics
        self._policy = policy
        self._output = output
        self._telemetry = telemetry
        self._registry = registry
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, agent: Agent[Event], stream: faust.StreamT[bytes]) -> None:
        """Handle the stream's events until it ends."""
        async for event in stream.noack().events():
            async with self._turns[event.message.partition]:
                await self._handle(agent, event)
            event.ack()

    async def _handle(self, agent: Agent[Event], event: faust.EventT[bytes]) -> None:
        record = _input_record(event)
        work = self._work_of(agent, record)
        await self._publish(work.records, record.partition)
        for data, key, value in work.changes():
            data[key] = value
        self._telemetry.handled.labels(agent.name).inc()

    def _work_of(self, agent: Agent[Event], record: InputRecord) -> Work:
        work = Work(self._tables, self._topics, self._policy)
        try:
            agent.take(record, self._topics, work, self._registry)
        except OSError:
            # The machine is at fault, not the input: stop, and handle it again after the restart.
            raise
        except Exception as error:
            if not isinstance(error, InvalidEvent | UnreadableValue):
                log.exception("handler failed", agent=agent.name, partition=record.partition, offset=record.offset)
            return self._refusal(record, error)
        return work

    def _refusal(self, record: InputRecord, error: Exception) -> Work:
        letter = dead_letter(record, error, failed_at=time.time_ns() // 1_000_000)
        log.warning(
            "input refused",
            reason=letter.reason,
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            letter_id=letter.letter_id,
        )
        work = Work(self._tables, self._topics, self._policy)
        work.publish(self._topics.dead_letters, letter)
        return work

    async def _publish(self, records: Iterable[tuple[Topic[Record], Record]], partition: int) -> None:
        """Send the records to a partition and wait until the broker has acknowledged every one."""
        sent = []
        for topic, record in records:
            # Alerts first: `send` hands over in order, and the broker keeps it.
            output = self._output(topic)
            sent.append(await output.send(key=topic.key(record), value=encode(record), partition=partition))
            self._count(topic, record)
        for acknowledged in sent:
            await acknowledged

    def _count(self, topic: Topic[Record], record: Record) -> None:
        self._telemetry.published.labels(topic.name).inc()
        if isinstance(record, DeadLetter):
            self._telemetry.refused.labels(record.reason).inc()
        elif isinstance(record, DriftAlert):
            self._telemetry.alerts.labels(record.severity).inc()


def _input_record(event: faust.EventT[bytes]) -> InputRecord:
    message = event.message
    headers = message.headers
    pairs = headers.items() if isinstance(headers, dict) else headers or ()
    return InputRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        # Faust gives seconds.
        timestamp=round(message.timestamp * 1000) if message.timestamp and message.timestamp > 0 else None,
        key=message.key,
        value=message.value,
        headers={name: value or b"" for name, value in pairs},
    )
