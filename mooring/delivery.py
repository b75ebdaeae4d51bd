"""What became of an event that was sent: its receipt, and the account of those that are still under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kafka.errors import KafkaTimeoutError
from kafka.producer.future import FutureRecordMetadata

from mooring.errors import NotDelivered
from mooring.events import Event

# kafka-python 3 buffers without a bound; beyond this, `report` waits.
MAX_UNDER_WAY_BYTES = 32_000_000
_LISTED = 3


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event lies in Kafka. As text it is `topic:partition:offset`, as the HTTP API gives and takes it."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that the broker did not acknowledge, and why."""

    event: Event
    topic: str
    why: str


class EventsNotDelivered(NotDelivered):
    """NotDelivered, with what failed. `failed` may be reported again: the event ids make a repeat harmless."""

    def __init__(self, failed: Sequence[Failure]) -> None:
        listed = "; ".join(
            f"{type(failure.event).__name__} {failure.event.event_id} to {failure.topic}: {failure.why}"
            for failure in failed[:_LISTED]
        )
        more = f"; and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
        subject = "1 event was" if len(failed) == 1 else f"{len(failed)} events were"
        super().__init__(f"{subject} not acknowledged by the broker: {listed}{more}.")
        self.failed = tuple(failed)


class Receipt:
    """The promise that an event is delivered. `left_out` has a sentence for each metric that the rows do not define."""

    def __init__(self, event: Event, topic: str, future: FutureRecordMetadata, left_out: Mapping[str, str]) -> None:
        self.event = event
        self.left_out = dict(left_out)
        self.is_told = False
        """Whether the caller has already been told that the event failed."""
        self._topic = topic
        self._future = future

    @property
    def event_id(self) -> str:
        return self.event.event_id

    @property
    def position(self) -> Position | None:
        """Where the event lies once the broker has acknowledged it; None before, and where it failed."""
        if not self._future.succeeded():
            return None
        metadata = self._future.value
        return Position(metadata.topic, metadata.partition, metadata.offset)

    def wait(self, timeout_s: float = 30.0) -> Position:
        """Block until the broker has acknowledged the event. Raises NotDelivered where it does not in time."""
        if (failure := self.failure(timeout_s)) is not None:
            self.is_told = self.is_settled
            raise EventsNotDelivered([failure])
        position = self.position
        assert position is not None
        return position

    def failure(self, timeout_s: float) -> Failure | None:
        """What went wrong within that time, None where the event is acknowledged."""
        try:
            self._future.get(timeout_s)
        except KafkaTimeoutError as error:
            # The same error for "not yet" and for "given up".
            why = _sentence(error) if self._future.is_done else f"no acknowledgement within {timeout_s:.1f} s"
            return Failure(self.event, self._topic, why)
        except Exception as error:  # noqa: BLE001 - whatever a broker may answer
            return Failure(self.event, self._topic, _sentence(error))
        return None

    @property
    def is_settled(self) -> bool:
        """Whether the event is acknowledged or given up."""
        return bool(self._future.is_done)

    def __repr__(self) -> str:
        return f"Receipt(event_id={self.event_id!r}, position={self.position})"


class Outbox:
    """The events whose fate is unknown, or bad and not told yet. Safe to use from several threads."""

    def __init__(self) -> None:
        self._room = threading.Condition()
        self._open: dict[int, Receipt] = {}
        self._under_way_bytes = 0

    def make_room(self, size: int, timeout_s: float) -> bool:
        """Take so many bytes, waiting until there is room. False where there is none in time."""
        with self._room:
            there_is = self._room.wait_for(
                lambda: not self._under_way_bytes or self._under_way_bytes + size <= MAX_UNDER_WAY_BYTES, timeout_s
            )
            if there_is:
                self._under_way_bytes += size
            return there_is

    def add(self, receipt: Receipt, future: FutureRecordMetadata, size: int) -> None:
        """Follow an event for which room was made."""
        with self._room:
            self._open[id(receipt)] = receipt

        def settled(outcome: object) -> None:
            self.give_back(size)
            if not isinstance(outcome, BaseException):
                with self._room:
                    self._open.pop(id(receipt), None)

        # Called at once where the outcome is already known.
        future.add_both(settled)

    def give_back(self, size: int) -> None:
        """Return bytes that are no longer under way."""
        with self._room:
            self._under_way_bytes -= size
            self._room.notify_all()

    def settle(self, timeout_s: float) -> None:
        """Block until everything added so far is acknowledged.

        Raises NotDelivered with what was not. What is given up is told once; what is still under way stays.
        """
        deadline = time.monotonic() + timeout_s
        with self._room:
            receipts = list(self._open.values())
        failed = []
        for receipt in receipts:
            failure = receipt.failure(max(0.0, deadline - time.monotonic()))
            if failure is not None and not receipt.is_told:
                failed.append(failure)
            if receipt.is_settled:
                with self._room:
                    self._open.pop(id(receipt), None)
        if failed:
            raise EventsNotDelivered(failed)


def _sentence(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
