"""The runtime: hands each record to its agent and applies the effects.

A batch of records is handled in one synchronous piece, and acknowledged: nothing can come between. What is published
goes into the outbox, changed rows stay in memory; the engine's checkpoint makes both safe, in the order that rule 8 of
the domain asks for, before it commits the input. A crash anywhere forgets the memory and repeats from the last commit;
what was published is published again under the same ids.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import structlog
from faust.streams import Stream
from faust.types import TP

from mooring.codec import SchemaRegistry, encode
from mooring.errors import InvalidEvent, UnreadableValue
from mooring.events import EvaluationRun, Event, LifecycleChange, ModelBuild
from mooring.outputs import DeadLetter, DriftAlert
from mooring.records import Record
from mooring.topics import AnyTopic, Topics
from streams.agent import AnyAgent
from streams.engine.batch import Batch
from streams.engine.batch import Record as KafkaRecord
from streams.engine.published import cause_of
from streams.intake import InputRecord, dead_letter, read
from streams.quarantine import Quarantine
from streams.severity import Policy
from streams.tables import Tables, Work
from streams.telemetry import Telemetry

log = structlog.get_logger()

_OF_A_VERSION = (EvaluationRun, LifecycleChange, ModelBuild)

# Takes a record to be published: where to, its key, its value, and which input caused it. Does not wait.
Put = Callable[[TP, bytes | None, bytes, bytes], None]


class Runtime:
    """Runs agents on batches of records.

    `put` takes what is to be published. Records of one partition are handled in their order; those of a project are all
    in partitions of one number, and so is what is published for it.
    """

    def __init__(
        self,
        tables: Tables,
        topics: Topics,
        policy: Policy,
        put: Put,
        telemetry: Telemetry,
        quarantine: Quarantine,
        registry: SchemaRegistry | None,
    ) -> None:
        self._tables = tables
        self._topics = topics
        self._policy = policy
        self._put = put
        self._telemetry = telemetry
        self._quarantine = quarantine
        self._registry = registry
        # By topic, what was published and not yet counted.
        self._published: Counter[str] = Counter()

    async def run(self, agent: AnyAgent, stream: Stream[Batch]) -> None:
        """Handle the stream's batches until it ends. Raises OSError and TooMuchBadInput: the worker must stop then."""
        async for event in stream.noack().events():
            self.handle(agent, event.value)
            event.ack()

    def handle(self, agent: AnyAgent, batch: Batch) -> None:
        """Handle a batch, record by record. No record of it is left out, whatever is wrong with another."""
        partition = batch.partition.partition
        work = Work(self._tables, self._topics, self._policy, partition)
        events = [self._read_ahead(agent, record) for record in batch.records]
        self._tables.versions.rows.prefetch(
            partition, {event.version.encoded for event in events if isinstance(event, _OF_A_VERSION)}
        )
        taken = 0
        try:
            for record, event in zip(batch.records, events, strict=True):
                error = self._handle(agent, batch.partition, record, event, work)
                if error is None:
                    taken += 1
                else:
                    self._quarantine.taken(taken)
                    taken = 0
                    self._refuse(_input_record(batch.partition, record), error)
        finally:
            # Told once a batch: a counter that is asked for by its label takes longer than an event's fold.
            self._quarantine.taken(taken)
            for topic, number in self._published.items():
                self._telemetry.published.labels(topic).inc(number)
            self._published.clear()
        self._telemetry.handled.labels(agent.name).inc(len(batch.records))

    def _read(self, agent: AnyAgent, record: KafkaRecord) -> Event:
        """The event that a record holds. Raises what `read` raises."""
        event: Event = read(record, agent.topic(self._topics).type, self._registry)
        return event

    def _read_ahead(self, agent: AnyAgent, record: KafkaRecord) -> Event | None:
        """The event; None where it cannot be read. Why is told by reading it when it is its turn."""
        try:
            return self._read(agent, record)
        except Exception:  # noqa: BLE001 - as above
            return None

    def _handle(
        self, agent: AnyAgent, source: TP, record: KafkaRecord, event: Event | None, work: Work
    ) -> Exception | None:
        """Handle a record, of which `event` was read ahead. Returns why it is refused, if it is. Raises OSError."""
        try:
            try:
                values = self._effects(agent, record, event, work)
            except (InvalidEvent, UnreadableValue, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a handler raises
                # Once more, alone: it may have been the moment, and not the record.
                log.warning("handler failed, trying once more", agent=agent.name, error=repr(error))
                values = self._effects(agent, record, event, work)
        except OSError:
            # The machine is at fault, not the input.
            raise
        except Exception as error:
            if not isinstance(error, InvalidEvent | UnreadableValue):
                log.exception("handler failed", agent=agent.name, partition=source.partition, offset=record.offset)
            return error
        if values:
            cause = cause_of(source.topic, source.partition, record.offset)
            for (topic, published), value in zip(work.records, values, strict=True):
                self._publish(topic, published, value, source.partition, cause)
        work.apply()
        return None

    def _effects(self, agent: AnyAgent, record: KafkaRecord, event: Event | None, work: Work) -> list[bytes]:
        """Leave the effects in `work`. Returns the values of the records to be published."""
        work.clear()
        agent.handle(self._read(agent, record) if event is None else event, work)
        # Here records become bytes, and one or a row may turn out too large.
        values = [encode(published) for _, published in work.records]
        work.check()
        return values

    def _refuse(self, record: InputRecord, error: Exception) -> None:
        letter = dead_letter(record, error, failed_at=time.time_ns() // 1_000_000)
        log.warning(
            "input refused",
            reason=letter.reason,
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            letter_id=letter.letter_id,
        )
        cause = cause_of(record.topic, record.partition, record.offset)
        self._publish(self._topics.dead_letters, letter, encode(letter), record.partition, cause)
        self._quarantine.refused(letter.reason)

    def _publish(self, topic: AnyTopic, record: Record, value: bytes, partition: int, cause: bytes) -> None:
        self._put(TP(topic.name, partition), topic.key(record), value, cause)
        self._published[topic.name] += 1
        if isinstance(record, DeadLetter):
            self._telemetry.refused.labels(record.reason).inc()
        elif isinstance(record, DriftAlert):
            self._telemetry.alerts.labels(record.severity).inc()


def _input_record(partition: TP, record: KafkaRecord) -> InputRecord:
    timestamp = record.timestamp
    return InputRecord(
        partition.topic,
        partition.partition,
        record.offset,
        timestamp if timestamp is not None and timestamp > 0 else None,
        record.key,
        record.value,
        {name: value or b"" for name, value in record.headers},
    )
