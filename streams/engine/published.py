"""What was published and not yet committed: so that a worker that starts again does not publish it again.

Every record that the outbox sends says in a header which input record caused it. A commit keeps, as the metadata of its
offsets, how far the output topics were. After a crash the new owner reads what lies behind: whatever input is handled
again, what it has caused already is left out. So an alert has one content, that of its first publication, although
another topic's events may be handled in another order the second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiokafka
from aiokafka.structs import TopicPartition
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list
from faust.types import TP

CAUSE = "mooring-cause"
_FORMAT = "1"
_READ_MS = 1_000


def cause_of(topic: str, partition: int, offset: int) -> bytes:
    """The header of what an input record causes."""
    return f"{topic}/{partition}/{offset}".encode()


def _input_of(cause: bytes) -> tuple[TP, int]:
    topic, partition, offset = cause.decode().rsplit("/", 2)
    return TP(topic, int(partition)), int(offset)


class Published:
    """For each partition of the output topics, how far they are, and what lies behind the last commit."""

    def __init__(self, outputs: Sequence[str]) -> None:
        """`outputs`: the topics, always in the same order."""
        self._outputs = tuple(outputs)
        self._ends: dict[TP, int] = {}
        # What is handled again after a crash, by the number of the partitions: what it caused before, by output; up to
        # which input; and from where on that lies.
        self._repeated: dict[TP, Counter[bytes]] = {}
        self._until: dict[int, dict[TP, int]] = {}
        self._starts: dict[TP, int] = {}

    def acknowledged(self, partition: TP, offset: int) -> None:
        """The broker has taken records up to this offset."""
        if partition.topic in self._outputs:
            self._ends[partition] = offset + 1

    def again(self, partition: TP, cause: bytes | None) -> bool:
        """Whether a record is there already: so many of the same cause as there are, it must not be sent again."""
        repeated = self._repeated.get(partition)
        if not repeated or cause is None or not repeated[cause]:
            return False
        repeated[cause] -= 1
        return True

    def mark(self, number: int, handled: Mapping[TP, int]) -> str:
        """How far the outputs of the partitions of this number are, as the metadata of a commit of what is handled.

        While input is handled again, it stays where what that caused begins: another crash would need it.
        """
        if not self._outputs:
            return ""
        if all(handled.get(one, 0) >= offset for one, offset in self._until.get(number, {}).items()):
            self._until.pop(number, None)
            for topic in self._outputs:
                self._repeated.pop(TP(topic, number), None)
                self._starts.pop(TP(topic, number), None)
        partitions = [TP(topic, number) for topic in self._outputs]
        ends = (self._starts.get(partition, self._ends.get(partition, 0)) for partition in partitions)
        return ",".join([_FORMAT, *map(str, ends)])

    def forget(self) -> None:
        """The partitions have left."""
        self._ends.clear()
        self._repeated.clear()
        self._until.clear()
        self._starts.clear()

    async def read_behind(self, app: Any, marks: Mapping[int, Sequence[str]], committed: Mapping[TP, int]) -> None:
        """Read what lies behind the last commits.

        `marks` has the metadata found, by the number of the partitions; where none is found, nothing was published by
        this group before. `committed` has the offsets from which on input is handled again. Raises KafkaError.

        Any: the app is Faust's, of which the connection is wanted.
        """
        partitions = [TP(topic, number) for topic in self._outputs for number in marks]
        if not partitions:
            return
        reader = _reader(app)
        await reader.start()
        try:
            ends = await reader.end_offsets([TopicPartition(*partition) for partition in partitions])
            self._ends = {partition: ends[TopicPartition(*partition)] for partition in partitions}
            starts = {
                partition: start
                for partition in partitions
                if (start := self._start(partition, marks[partition.partition])) < self._ends[partition]
            }
            self.again_from(starts, await self._causes(reader, starts), committed)
        finally:
            await reader.stop()

    def again_from(
        self, starts: Mapping[TP, int], causes: Mapping[TP, Counter[bytes]], committed: Mapping[TP, int]
    ) -> None:
        """Take what was found from `starts` on in the outputs: of it, what input from `committed` on has caused."""
        for partition, found in causes.items():
            again: Counter[bytes] = Counter()
            for cause, times in found.items():
                source, offset = _input_of(cause)
                if offset >= committed.get(source, 0):
                    again[cause] = times
                    until = self._until.setdefault(partition.partition, {})
                    until[source] = max(until.get(source, 0), offset + 1)
            self._repeated[partition] = again
        # Also of outputs that have nothing behind: they may have, before the others are done.
        self._starts = {
            partition: starts.get(partition, end)
            for partition, end in self._ends.items()
            if partition.partition in self._until
        }

    def _start(self, partition: TP, marks: Iterable[str]) -> int:
        place = self._outputs.index(partition.topic) + 1
        known = [mark.split(",") for mark in marks]
        offsets = [int(mark[place]) for mark in known if mark[0] == _FORMAT and len(mark) == len(self._outputs) + 1]
        return min(offsets, default=self._ends[partition])

    async def _causes(self, reader: aiokafka.AIOKafkaConsumer, starts: Mapping[TP, int]) -> dict[TP, Counter[bytes]]:
        found: dict[TP, Counter[bytes]] = {partition: Counter() for partition in starts}
        if not starts:
            return found
        reader.assign([TopicPartition(*partition) for partition in starts])
        for partition, start in starts.items():
            reader.seek(TopicPartition(*partition), start)
        behind = set(starts)
        while behind:
            for one, records in (await reader.getmany(timeout_ms=_READ_MS)).items():
                causes = (value for record in records for name, value in record.headers if name == CAUSE)
                found[TP(one.topic, one.partition)].update(causes)
            for partition in list(behind):
                if await reader.position(TopicPartition(*partition)) >= self._ends[partition]:
                    behind.discard(partition)
        return found


def _reader(app: Any) -> aiokafka.AIOKafkaConsumer:
    transport = app.transport
    return aiokafka.AIOKafkaConsumer(
        bootstrap_servers=server_list(transport.url, transport.default_port),
        client_id=app.conf.broker_client_id,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=int(app.conf.broker_request_timeout * 1000),
        **credentials_to_aiokafka_auth(app.conf.broker_credentials, app.conf.ssl_context),
    )
