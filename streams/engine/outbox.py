"""The outbox: what the agents publish, on its way to the broker.

An agent puts a record and goes on; nothing waits in between, so a batch is folded in one piece. What is put together is
sent together, in order, and a checkpoint goes on only when the broker has acknowledged all that was put before it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, NamedTuple

from faust.types import TP

from streams.engine.published import CAUSE, Published

_FULL_AT_RECORDS = 20_000
_FULL_AT_BYTES = 64 * 1024 * 1024


class Outgoing(NamedTuple):
    """A record to be sent. A value of None is a tombstone. `cause` is a header that says which input it is of."""

    key: bytes | None
    value: bytes | None
    cause: bytes | None = None


# Sends records to a partition, in order; gives the future of the last one's offset once they are with the producer.
Send = Callable[[TP, Iterable[Outgoing]], Awaitable["asyncio.Future[int]"]]


class Outbox:
    """Records put and not yet acknowledged, by partition."""

    def __init__(self, send: Send, published: Published) -> None:
        self._send = send
        self._published = published
        self._waiting: dict[TP, list[Outgoing]] = {}
        self._records = 0
        self._bytes = 0
        self._sending: asyncio.Task[None] | None = None
        self._underway: set[asyncio.Future[int]] = set()
        self._error: BaseException | None = None

    def put(self, partition: TP, key: bytes | None, value: bytes, cause: bytes | None = None) -> None:
        """Have a record sent, unless it was before a crash. Does not wait; the loop must be running."""
        if self._published.again(partition, cause):
            return
        self._waiting.setdefault(partition, []).append(Outgoing(key, value, cause))
        self._records += 1
        self._bytes += len(value)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    @property
    def full(self) -> bool:
        """Whether no more input should be taken before the broker has taken some of this."""
        return self._records > _FULL_AT_RECORDS or self._bytes > _FULL_AT_BYTES

    async def acknowledged(self) -> None:
        """Wait until all that was put so far is acknowledged. Raises what the producer raised for any of it."""
        if self._sending is not None:
            await self._sending
        underway = list(self._underway)
        if underway:
            await asyncio.wait(underway)
        if self._error is not None:
            raise self._error

    def discard(self) -> None:
        """Forget all: what was not acknowledged is to be made again from its input."""
        self._waiting.clear()
        self._records = self._bytes = 0
        self._underway.clear()
        self._error = None
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                for partition, records in waiting.items():
                    self._follow(partition, await self._send(partition, records), records)
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            self._error = self._error or error
        finally:
            if self._sending is asyncio.current_task():
                self._sending = None

    def _follow(self, partition: TP, sent: asyncio.Future[int], records: list[Outgoing]) -> None:
        self._underway.add(sent)
        size = sum(len(one.value or b"") for one in records)

        def acknowledged(future: asyncio.Future[int]) -> None:
            if future not in self._underway:
                return  # discarded meanwhile
            self._underway.discard(future)
            self._records -= len(records)
            self._bytes -= size
            if future.cancelled():
                self._error = self._error or asyncio.CancelledError()
            elif (error := future.exception()) is not None:
                self._error = self._error or error
            else:
                self._published.acknowledged(partition, future.result())

        sent.add_done_callback(acknowledged)


def batches(new_batch: Callable[[], Any], records: Iterable[Outgoing]) -> Iterator[Any]:
    """The records in aiokafka's batches, each as full as it may be.

    Any: aiokafka's builders are not typed.
    """
    at = time.time_ns() // 1_000_000
    batch = new_batch()
    for key, value, cause in records:
        headers = [] if cause is None else [(CAUSE, cause)]
        if batch.append(timestamp=at, key=key, value=value, headers=headers) is None:
            batch.close()
            yield batch
            batch = new_batch()
            batch.append(timestamp=at, key=key, value=value, headers=headers)
    if batch.record_count():
        # Closed: it does not linger for more.
        batch.close()
        yield batch
