"""The checkpoint: makes what was handled safe, in the one order that loses nothing (rule 8 of the domain).

    take        how far the input is handled, and the rows that it changed: in one synchronous step
    publish     all that the agents put into the outbox is acknowledged by the broker
    changelog   the changed rows are acknowledged, table after table
    store       the tables' stores have the rows and their changelog offset, to be written to files in time
    commit      the input offsets

A worker that is killed anywhere in between handles the input again from the last commit: on rows that may already know
it, which changes nothing, and with alerts that have the ids that they had.

Where a step fails because the worker may no longer be the owner of its partitions, it forgets what is not safe, and has
them assigned anew. Where it fails otherwise, the worker stops.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka.errors import IllegalStateError, KafkaError
from mode import Service

from streams.engine.lease import LeaseExpired
from streams.engine.outbox import Outbox
from streams.engine.table import WriteBehindTable

log = structlog.get_logger()

# A few rows leave at once; many are gathered, since a row that changes again meanwhile is written once.
_FEW_ROWS = 300
_SOON_S = 0.01
_LATER_S = 1.0
_LOOK_AGAIN_S = 0.1
# Beyond these no more input is taken before the checkpoint is done.
_MOST_ROWS = 50_000


class Checkpoint(Service):
    """Runs checkpoints, one at a time. Any: the app is the engine's (streams.engine.app.App)."""

    def __init__(self, app: Any, tables: Sequence[WriteBehindTable[Any]], outbox: Outbox, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._app = app
        self._tables = tables
        self._outbox = outbox
        self._wanted = asyncio.Event()
        self._running = asyncio.Lock()
        self._failed = False

    @property
    def overloaded(self) -> bool:
        """Whether so much is not safe yet that no more input should be taken."""
        return self._changed_rows() >= _MOST_ROWS or self._outbox.full

    def soon(self) -> None:
        """Something was handled: have it made safe soon."""
        self._wanted.set()

    @Service.task
    async def _run_when_wanted(self) -> None:
        while not self.should_stop:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(_SOON_S)
            due = time.monotonic() + _LATER_S
            # Looked at again and again: rows change too often to tell of each.
            while _FEW_ROWS < self._changed_rows() < _MOST_ROWS and time.monotonic() < due:  # noqa: ASYNC110
                await asyncio.sleep(_SOON_S)
            if not self._app.rebalancing:
                await self.run()

    async def run(self) -> bool:
        """Make safe what was handled so far. False if nothing had to be committed, or it failed.

        A failure is dealt with here; nothing is raised.
        """
        async with self._running:
            if self._failed or self._app.in_recovery:
                return False
            try:
                return await self._run()
            except (LeaseExpired, IllegalStateError):
                await self._fail()
            except (KafkaError, OSError) as error:
                self._failed = True
                await self._app.crash(error)
            finally:
                self._app.consumer.progressed()
            return False

    async def finish(self, patience_s: float = math.inf) -> None:
        """The last checkpoint before the partitions leave. Afterwards nothing of them can be written any more.

        Where it takes longer than `patience_s`, what was to be made safe will be handled again.
        """
        lease = self._app.lease
        if self._app.crash_reason is None:
            running = asyncio.create_task(self.run())
            until = time.monotonic() + patience_s
            # A broker that is away must not hold the group up for longer than it would wait for this worker.
            while not running.done() and lease.holds and time.monotonic() < until:
                await asyncio.wait({running}, timeout=_LOOK_AGAIN_S)
            if not running.done():
                running.cancel()
                await asyncio.wait({running})
        lease.end()
        await self._app.producer.drain()
        self._outbox.discard()
        for table in self._tables:
            table.discard()
        self._failed = False

    async def _run(self) -> bool:
        consumer = self._app.consumer
        offsets = consumer.to_commit()
        marks = consumer.marks(offsets)
        changes = [table.take() for table in self._tables]
        await self._outbox.acknowledged()
        for change in changes:
            await change.to_changelog()
        for change in changes:
            await change.to_store()
        if not offsets or not self._app.lease.holds:
            return False
        return bool(await consumer.commit_offsets(offsets, marks))

    async def _fail(self) -> None:
        """This worker may have lost its partitions: stop taking input until the group has assigned them anew."""
        if self._app.rebalancing:
            return
        log.warning("the group may have given this worker's partitions away; taking part in it anew")
        self._failed = True
        self._app.consumer.stop_flow()
        self._app.flow_control.suspend()
        await self._app.consumer.request_rejoin()

    def _changed_rows(self) -> int:
        return sum(table.changed for table in self._tables)
