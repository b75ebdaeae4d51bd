"""The write-behind table: rows change in memory, and are written together at the next checkpoint.

A Faust table whose changelog record is not sent with each write: a row that changes k times between two checkpoints is
one record. Rows are what the fold works with; they are decoded on first use and kept while they are in use.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, cast

from faust.tables.table import Table
from faust.types import TP, EventT

from streams.engine.outbox import Outgoing
from streams.engine.store import Store

R = TypeVar("R")

# Decoded rows kept beside those that changed, over all partitions, in two generations of this many.
_GENERATION = 32_768
# Rows encoded in one go: the loop has other things to do as well.
_SLICE = 500


class _Rows(Generic[R]):
    """The decoded rows of one partition. None: the row was deleted."""

    __slots__ = ("changed", "leaving", "older", "recent")

    def __init__(self) -> None:
        self.changed: dict[bytes, R | None] = {}
        self.leaving: dict[bytes, R | None] = {}  # of the checkpoint that is under way
        self.recent: dict[bytes, R | None] = {}
        self.older: dict[bytes, R | None] = {}

    def keep(self, key: bytes, row: R | None, most: int) -> None:
        if len(self.recent) >= most:
            self.older, self.recent = self.recent, {}
        self.recent[key] = row


class WriteBehindTable(Table[bytes, bytes], Generic[R]):
    """A table of rows. Keys are bytes; `to_bytes` and `from_bytes` say how a row looks in the changelog and the store.

    Rows must be immutable. Which partition a row belongs to is said by the caller: that of the event.
    """

    def __init__(
        self,
        app: Any,
        *,
        name: str,
        to_bytes: Callable[[R], bytes],
        from_bytes: Callable[[bytes], R],
        topic_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Any: what Faust's tables take. A recovery buffer of one has a meaning of its own there.
        super().__init__(app, name=name, key_type=bytes, value_type=bytes, recovery_buffer_size=2, **kwargs)
        self._to_bytes = to_bytes
        self._from_bytes = from_bytes
        self._topic_id = topic_id
        self._rows: defaultdict[int, _Rows[R]] = defaultdict(_Rows)
        self.changed = 0  # rows changed and not yet taken by a checkpoint

    def __hash__(self) -> int:
        return object.__hash__(self)

    # For the fold

    def row(self, partition: int, key: bytes) -> R | None:
        """The row as the last event left it; None if there is none. Raises what `from_bytes` raises."""
        rows = self._rows[partition]
        for known in (rows.changed, rows.leaving, rows.recent):
            if key in known:
                return known[key]
        if key in rows.older:
            row = rows.older.pop(key)
        else:
            value = self.store.get(partition, key)
            row = None if value is None else self._from_bytes(value)
        rows.keep(key, row, self._generation)
        return row

    def prefetch(self, partition: int, keys: Iterable[bytes]) -> None:
        """Have the rows of these keys at hand: reading many at once takes half the time of one after another."""
        rows = self._rows[partition]
        changed, leaving, recent, older = rows.changed, rows.leaving, rows.recent, rows.older
        absent = {
            key for key in keys if key not in changed and key not in recent and key not in older and key not in leaving
        }
        values = self.store.get_many(partition, absent)
        most = self._generation
        for key in absent:
            value = values.get(key)
            try:
                row = None if value is None else self._from_bytes(value)
            except Exception:  # noqa: BLE001, S112 - whatever `from_bytes` raises, `row` raises again for who needs it
                continue
            rows.keep(key, row, most)

    def put(self, partition: int, key: bytes, row: R | None) -> None:
        """Change a row; None deletes it. Seen at once, written by the next checkpoint, forgotten in a crash."""
        changed = self._rows[partition].changed
        if key not in changed:
            self.changed += 1
        changed[key] = row

    # For the checkpoint

    def take(self) -> TakenRows[R]:
        """The rows changed so far, to be written."""
        taken = {}
        for partition, rows in self._rows.items():
            if rows.changed:
                rows.leaving, rows.changed = rows.changed, {}
                taken[partition] = rows.leaving
        self.changed = 0
        return TakenRows(self, taken)

    def settle(self, partition: int) -> None:
        """The rows that left are written."""
        rows = self._rows[partition]
        # What `older` has of them is looked for only after `recent`, and dropped with it.
        rows.recent.update(rows.leaving)
        rows.leaving = {}
        if len(rows.recent) >= self._generation:
            rows.older, rows.recent = rows.recent, {}

    def discard(self) -> None:
        """Forget all that is not written, and what was decoded: the store is what is true."""
        self._rows.clear()
        self.changed = 0

    def encoded(self, row: R | None) -> bytes | None:
        return None if row is None else self._to_bytes(row)

    @property
    def store(self) -> Store:
        """The rows of the last checkpoint."""
        return cast(Store, self.data)

    @property
    def _generation(self) -> int:
        return max(1, _GENERATION // len(self._rows))

    # For Faust's recovery

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Open the files of what is assigned, and see whether they belong to the changelog as it is now."""
        self._rows.clear()
        self.changed = 0
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        mine = [partition for partition in assigned if partition.topic == self.changelog_topic_name]
        ends = await self.app.consumer.highwaters(*mine) if mine else {}
        for partition in mine:
            # Off the loop: looking a file of millions of rows through takes seconds.
            await asyncio.to_thread(self.store.open, partition.partition, self._topic_id)
            await asyncio.to_thread(self.store.verify, partition.partition, ends[partition])

    async def on_changelog_event(self, event: EventT[Any]) -> None:
        """Apply what recovery read. Only then is the next run of that partition read."""
        try:
            self.store.apply_changelog_batch([event], self._to_key, self._to_value)
            await self.store.catch_up()
        except OSError as error:
            await self.app.crash(error)
            return
        event.message.acked = True

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Faust's buffer of what `on_changelog_event` has applied."""


class TakenRows(Generic[R]):
    """The rows that one checkpoint writes, by partition, on their way to the changelog and then to the store."""

    def __init__(self, table: WriteBehindTable[R], rows: dict[int, dict[bytes, R | None]]) -> None:
        self._table = table
        self._rows = rows
        self._values: dict[int, dict[bytes, bytes | None]] = {}
        self._offsets: dict[int, int] = {}

    async def to_changelog(self) -> None:
        """Send the rows; return when the broker has acknowledged every one. Raises KafkaError."""
        topic = self._table.changelog_topic_name
        # Any: the producer is the engine's (streams.engine.transport.Producer).
        producer: Any = self._table.app.producer
        sent: dict[int, asyncio.Future[int]] = {}
        for partition, rows in self._rows.items():
            values = self._values[partition] = await self._encoded(rows)
            records = [Outgoing(key, value) for key, value in values.items()]
            sent[partition] = await producer.send_run(TP(topic, partition), records)
        if sent:
            await asyncio.gather(*sent.values())
        self._offsets = {partition: future.result() for partition, future in sent.items()}

    async def to_store(self) -> None:
        """Write the rows and how far the changelog is with them. Raises OSError."""
        for partition, values in self._values.items():
            await self._table.store.write(partition, values, self._offsets[partition])
            self._table.settle(partition)

    async def _encoded(self, rows: dict[bytes, R | None]) -> dict[bytes, bytes | None]:
        values = {}
        for count, (key, row) in enumerate(rows.items(), 1):
            values[key] = self._table.encoded(row)
            if not count % _SLICE:
                await asyncio.sleep(0)
        return values
