"""The consumer: hands runs of records to the streams, none left out, and commits what a checkpoint made safe."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, cast

import aiokafka
import structlog
from aiokafka.errors import CommitFailedError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from mode import ServiceT

from streams.engine.batch import Batch, Records, message_of
from streams.engine.lease import HeartbeatWatch
from streams.engine.positions import Position

log = structlog.get_logger()

# Stock Faust lets a broker hold a fetch back for 1.5 s; an idle partition then holds up the others of its broker.
FETCH_WAIT_MS = 50
_RECOVERY_RUN = 10_000  # records of a run while tables are read back
_PATIENCE_S = 1.0  # for something to fetch, where nothing else can happen
_BRIEFLY_S = 0.02  # the same, where another partition may become free meanwhile


class Fetched(NamedTuple):
    """What one look at the broker brought."""

    began: Mapping[TP, int]  # where, of each partition that was asked for
    runs: Mapping[TP, Records]
    stands: Mapping[TP, int]  # of those without records: where the log's next one will be, or later
    ends: Mapping[TP, int]  # up to where the topics before must be handled first


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches."""

    consumer: Consumer

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # All are read when the consumer starts, which is later.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        # What a transaction took back was never said.
        consumer._isolation_level = "read_committed"
        consumer._client = HeartbeatWatch(consumer._client, _engine(self.app).lease)
        return consumer

    async def fetch(self, partitions: Collection[TP], timeout_s: float, most: int) -> Fetched:
        """Runs of records from these partitions, and what the topics before theirs have by now."""
        # Any: `call_thread` has no type for what it answers.
        answer: Any = await self.call_thread(self._fetch, partitions, timeout_s, most)
        return cast(Fetched, answer)

    async def committed(self, partitions: Collection[TP]) -> dict[TP, OffsetAndMetadata]:
        """Offsets and metadata of the last commit, where there was one."""
        # Any: as above.
        answer: Any = await self.call_thread(self._committed, partitions)
        return cast(dict[TP, OffsetAndMetadata], answer)

    async def commit_marked(self, offsets: Mapping[TP, OffsetAndMetadata]) -> bool:
        """Commit offsets with their metadata. False where the group has moved on. Raises KafkaError."""
        return bool(await self.call_thread(self._commit_marked, offsets))

    async def request_rejoin(self) -> None:
        """Have the group assign all partitions anew."""
        await self.call_thread(self._request_rejoin)

    async def _committed(self, partitions: Collection[TP]) -> dict[TP, OffsetAndMetadata]:
        wanted = [TopicPartition(*partition) for partition in partitions]
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(wanted)
        return {TP(one.topic, one.partition): at for one, at in found.items()}

    async def _commit_marked(self, offsets: Mapping[TP, OffsetAndMetadata]) -> bool:
        assigned = self.assignment()
        mine = {TopicPartition(*one): at for one, at in offsets.items() if one in assigned}
        try:
            await self._ensure_consumer().commit(mine)
        except CommitFailedError:
            return False
        return True

    async def _request_rejoin(self) -> None:
        self._ensure_consumer()._coordinator.request_rejoin()

    async def _fetch(self, partitions: Collection[TP], timeout_s: float, most: int) -> Fetched:
        consumer = self._ensure_consumer()
        began = self._at(partitions)
        # An empty set would be read as all partitions.
        runs = await self._fetch_records(consumer, set(partitions), timeout=timeout_s, max_records=most)
        stands = self._at(partition for partition in partitions if partition not in runs)
        before = {earlier for partition in runs for earlier in self.consumer.partitions_before(partition)}
        return Fetched(began, runs, stands, await consumer.end_offsets(list(before)) if before else {})

    def _at(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Where the next fetch of each begins, as far as that is known."""
        subscription = self._ensure_consumer()._fetcher._subscriptions.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None:
            return {}
        states = {partition: assignment.state_value(partition) for partition in partitions}
        return {
            partition: state.position
            for partition, state in states.items()
            if state is not None and state.has_valid_position
        }


class Consumer(driver.Consumer):
    """The consumer that runs it."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Any: what Faust gives its drivers.
        super().__init__(*args, **kwargs)
        self._positions: dict[TP, Position] = {}
        self._held: dict[TP, tuple[Records, dict[TP, int]]] = {}
        self._progress = asyncio.Event()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # Handing over

    async def _drain_messages(self, fetcher: ServiceT) -> None:
        try:
            await self._hand_over_until_stopped(fetcher)
        except asyncio.CancelledError:
            # Faust would take a stop within a rebalance for a crash.
            if not self.app.should_stop:
                raise

    async def _hand_over_until_stopped(self, fetcher: ServiceT) -> None:
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                # Any: mode types the event as its own.
                resumed: Any = self.can_resume_flow
                await self.wait(resumed)
                continue
            try:
                await self._round()
            except self.consumer_stopped_errors:
                if self.app.should_stop:
                    return
                raise
            except KafkaError as error:
                log.warning("fetch failed, reading again", error=repr(error))
                await self.sleep(1.0)

    async def _round(self) -> None:
        """Fetch once, hand over what may be handed over."""
        engine = _engine(self.app)
        self._progress.clear()
        await self._release()
        free = self._free()
        if not free or engine.checkpoint.overloaded:
            await self._wait_for_progress(_PATIENCE_S)
            return
        generation = self.app.consumer_generation_id
        busy = bool(self._held) or any(position.in_flight for position in self._positions.values())
        most = _RECOVERY_RUN if self.app.in_recovery else self.app.conf.broker_max_poll_records or 1_000
        fetched = await self._thread.fetch(free, _BRIEFLY_S if busy else _PATIENCE_S, most)
        for partition in free:
            if not self.flow_active or generation != self.app.consumer_generation_id:
                # What was fetched is not delivered: the positions have not moved, so it is read again.
                return
            position = self._positions[partition]
            if not position.follows(fetched.began.get(partition)):
                await self._read_again(partition, position)
            elif (records := fetched.runs.get(partition)) is not None:
                before = {one: fetched.ends[one] for one in self.partitions_before(partition) if one in fetched.ends}
                self._held[partition] = (records, before)
            elif (offset := fetched.stands.get(partition)) is not None:
                position.nothing_before(offset)
                if position.to_commit is not None:
                    engine.checkpoint.soon()
        await self._release()
        # A batch is handled as soon as its agent has its turn; then its partition can be fetched again.
        if any(position.in_flight for position in self._positions.values()):
            await self._wait_for_progress(_BRIEFLY_S)

    async def _read_again(self, partition: TP, position: Position) -> None:
        """Go back to where the last run ended. A fetch before this one brought something that was lost on its way."""
        first = (await self.earliest_offsets(partition))[partition]
        if first > position.next:
            log.warning(
                "records were deleted before they could be handled",
                partition=partition,
                offset=position.next,
                first_there_is=first,
            )
            position.nothing_before(first)
        log.info("what was fetched does not follow, reading again", partition=partition, offset=position.next)
        await self._thread.seek_wait({partition: position.next})

    def _free(self) -> set[TP]:
        return {
            partition
            for partition in self._get_active_partitions()
            if (position := self._positions.get(partition)) is not None
            and not position.in_flight
            and partition not in self._held
        }

    async def _release(self) -> None:
        """Hand over what waited for topics before its own."""
        while self.flow_active and (ready := [one for one in self._held if self._may_go(one)]):
            for partition in sorted(ready, key=self._rank):
                # A rebalance takes all that is held, and may come while another is handed over.
                if partition in self._held:
                    records, _ = self._held.pop(partition)
                    await self._deliver(partition, records)

    def _may_go(self, partition: TP) -> bool:
        return all(
            earlier not in self._positions or self._positions[earlier].handled >= end
            for earlier, end in self._held[partition][1].items()
        )

    async def _deliver(self, partition: TP, records: Records) -> None:
        position = self._positions[partition]
        generation = self.app.consumer_generation_id
        engine = _engine(self.app)

        def done() -> None:
            # After a rebalance there is another position, or none.
            if self._positions.get(partition) is position:
                position.done()
                self._progress.set()
                engine.checkpoint.soon()

        if engine.is_batch_topic(partition.topic):
            position.delivered(records[-1].offset)
            batch = Batch(partition, records)
            await self._hand(message_of(partition, records[0], records[-1], batch, done, generation))
            return
        position.delivered(records[-1].offset, len(records))
        for record in records:
            await self._hand(message_of(partition, record, record, record.value, done, generation))

    async def _hand(self, message: Message) -> None:
        # Any: mode types what can be waited for more narrowly.
        suspended: Any = self.suspend_flow.wait()
        await self.wait_first(self.callback(message), suspended)

    async def _wait_for_progress(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._progress.wait()
        except TimeoutError:
            pass

    def progressed(self) -> None:
        """Look again: something that held input back may hold it no longer."""
        self._progress.set()

    # Order

    def partitions_before(self, partition: TP) -> list[TP]:
        """The same partition of the topics that are to be handled before this one's, where they are read here."""
        return [
            one
            for topic in _engine(self.app).topics_before(partition.topic)
            if (one := TP(topic, partition.partition)) in self._positions
        ]

    def _rank(self, partition: TP) -> int:
        return len(_engine(self.app).topics_before(partition.topic))

    # Positions

    async def perform_seek(self) -> None:
        """Go to where the last checkpoint was; where there was none, to the beginning of the log."""
        engine = _engine(self.app)
        inputs = {partition for partition in self.assignment() if not self._is_changelog_tp(partition)}
        committed = await self._thread.committed(inputs)
        new = inputs - committed.keys()
        earliest = await self.earliest_offsets(*new) if new else {}
        starts = {one: committed[one].offset if one in committed else earliest[one] for one in inputs}
        marks: dict[int, list[str]] = {partition.partition: [] for partition in inputs}
        for partition, at in committed.items():
            marks[partition.partition].append(at.metadata)
        await engine.published.read_behind(self.app, marks, starts)
        if starts:
            await self._thread.seek_wait(starts)
        for partition, start in starts.items():
            self._positions[partition] = Position(start, None if partition in new else start)
        if new:
            # Before anything is published: a crash would leave nothing that says from where on to look for it.
            first = {partition: starts[partition] for partition in new}
            await self.commit_offsets(first, self.marks(first))

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to these offsets: Faust's recovery says so of the tables' topics."""
        await super().seek_wait(partitions)
        for partition, offset in partitions.items():
            self._positions[partition] = Position(offset, offset)

    def to_commit(self) -> dict[TP, int]:
        """The offsets up to which input is handled, of the partitions whose number has something to commit."""
        inputs = {one: position for one, position in self._positions.items() if not self._is_changelog_tp(one)}
        numbers = {partition.partition for partition, position in inputs.items() if position.to_commit is not None}
        return {one: position.handled for one, position in inputs.items() if one.partition in numbers}

    def marks(self, offsets: Mapping[TP, int]) -> dict[int, str]:
        """How far the outputs are when input is handled up to these offsets, by the number of the partitions."""
        numbers = {partition.partition for partition in offsets}
        return {number: _engine(self.app).published.mark(number, offsets) for number in numbers}

    async def commit_offsets(self, offsets: Mapping[TP, int], marks: Mapping[int, str]) -> bool:
        """Commit. False where the group has moved on: what is not committed will be handled again.

        `marks` are those that were taken together with the offsets, or before. Raises KafkaError.
        """
        positions = {partition: self._positions.get(partition) for partition in offsets}
        if not await self._thread.commit_marked(
            {partition: OffsetAndMetadata(offset, marks[partition.partition]) for partition, offset in offsets.items()}
        ):
            return False
        for partition, offset in offsets.items():
            if (position := positions[partition]) is not None:
                position.committed = offset
        self._forget_accounts()
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002, RUF100
        # Any: Faust's own signature. Its acknowledgements by record are not kept here; a checkpoint covers all topics.
        return bool(await _engine(self.app).checkpoint.run())

    def ack(self, message: Message) -> bool:
        """Called by Faust where a message is handled; the message itself tells its position."""
        message.acked = True
        return True

    def track_message(self, message: Message) -> None:
        """Faust would keep a set of what is not acknowledged; the positions know it."""

    # The group

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop, make what is handled safe, and forget where we were."""
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        await _engine(self.app).checkpoint.finish()
        self._forget()
        await super().on_partitions_revoked(revoked)

    async def request_rejoin(self) -> None:
        """Have the group assign all partitions anew, as after a failure that only this can mend."""
        await self._thread.request_rejoin()

    def _forget(self) -> None:
        self._positions.clear()
        self._held.clear()
        _engine(self.app).published.forget()
        self._forget_accounts()

    def _forget_accounts(self) -> None:
        """Drop what the streams of per-event topics left in Faust's own accounts, which nothing here looks at."""
        self._acked.clear()
        self._acked_index.clear()
        self._unacked_messages.clear()


def _engine(app: Any) -> Any:
    """The app as the engine's own (streams.engine.app.App), which this module must not import."""
    return app
