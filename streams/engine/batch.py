"""Batches: runs of records that Faust's conductor, streams and agents carry as if each were one message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from faust.topics import Topic
from faust.types import TP, EventT, Message
from faust.types.tuples import ConsumerMessage

# Any: aiokafka's records have no type of their own that says what these hold: bytes or None, as key and as value.
Record = Any
Records = Sequence[Record]


class Batch(NamedTuple):
    """Consecutive records of one partition, at least one: the value of an event of a batch topic."""

    partition: TP
    records: Records


class EngineMessage(ConsumerMessage):
    """A message that tells `on_acked` when it is acknowledged.

    Every stream of Faust sets `acked` in the end, whichever way it takes: so that is where the engine listens.
    """

    __slots__ = ("_acked", "on_acked")

    on_acked: Callable[[], None] | None

    @property
    def acked(self) -> bool:
        return self._acked

    @acked.setter
    def acked(self, acked: bool) -> None:
        self._acked: bool = acked
        if acked and self.on_acked is not None:
            # Once: streams that share a message may each set it.
            on_acked, self.on_acked = self.on_acked, None
            on_acked()


def message_of(
    partition: TP, first: Record, last: Record, value: object, on_acked: Callable[[], None], generation: int
) -> EngineMessage:
    """A message for one record, or for a run of them. Its offset is the last: Faust's recovery goes by it."""
    message = EngineMessage.__new__(EngineMessage)
    message.on_acked = on_acked
    # Any: Faust types a message's value as bytes; a batch goes through all the same.
    payload: Any = value
    message.__init__(  # type: ignore[misc]
        partition.topic,
        partition.partition,
        last.offset,
        first.timestamp / 1000 if first.timestamp is not None else 0.0,
        first.timestamp_type,
        first.headers,
        first.key,
        payload,
        first.checksum,
        serialized_key_size=0,
        serialized_value_size=0,
        tp=partition,
        generation_id=generation,
    )
    return message


class BatchTopic(Topic):
    """A topic whose events are batches. Agents, tables and `current_event()` work on it as on any other."""

    def _compile_decode(self) -> None:
        create_event = self._create_event

        async def decode(message: Message, *, propagate: bool = False) -> EventT[Batch]:  # noqa: ARG001, RUF100
            return create_event(message.key, cast(Batch, message.value), None, message)

        # Any: Faust replaces a method by a function here, as its own topics do.
        this: Any = self
        this.decode = decode
