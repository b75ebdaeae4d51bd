"""The Faust app that runs on the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import faust
from faust.types import TP

from streams.engine import store, transport
from streams.engine.batch import BatchTopic
from streams.engine.checkpoint import Checkpoint
from streams.engine.lease import Lease
from streams.engine.outbox import Outbox, Outgoing
from streams.engine.published import Published
from streams.engine.table import WriteBehindTable

R = TypeVar("R")

_SESSION_S = 6.0
# A worker that is told to stop waits so long for a broker that does not answer.
_STOP_PATIENCE_S = 1.5
_HEARTBEAT_S = 2.0
# Faust takes the partition of a table's topic for a stream that is stuck, and says so every second from then on.
_NEVER_S = 1e7


class App(faust.App):
    """A Faust app with batch topics and write-behind tables, which loses nothing.

    Topics and tables made by Faust's own `topic` and `Table` work beside them, event by event.
    """

    def __init__(
        self, name: str, *, brokers: str, inputs: Sequence[str] = (), outputs: Sequence[str] = (), **options: Any
    ) -> None:
        """`brokers` is "host:port,…".

        `inputs` gives an order: what was written to an earlier topic before something was written to a later one, in
        the same partition, is handled before it. `outputs` are the topics to which nothing is published again after a
        crash that was published before it; what is put there must be to the partition of the number of its input's.

        Any: Faust's own options, which win over the engine's.
        """
        transport.register()
        store.register()
        self.lease = Lease(_SESSION_S)
        self._before = {topic: tuple(inputs[:place]) for place, topic in enumerate(inputs)}
        self._batch_topics: set[str] = set()
        self._rows_tables: list[WriteBehindTable[Any]] = []
        self.published = Published(outputs)
        self.outbox = Outbox(self._send, self.published)
        super().__init__(
            name,
            **{
                "broker": [f"{transport.SCHEME}://{address.strip()}" for address in brokers.split(",")],
                "store": f"{store.SCHEME}://",
                "autodiscover": False,
                "web_enabled": False,
                "topic_allow_declare": False,
                "topic_disable_leader": True,
                "broker_session_timeout": _SESSION_S,
                "broker_heartbeat_interval": _HEARTBEAT_S,
                # Checkpoints commit, when there is something to commit.
                "broker_commit_interval": _NEVER_S,
                "broker_max_poll_records": 1_000,
                "producer_acks": -1,
                "producer_linger_ms": 0,
                "producer_max_batch_size": 1_000_000,
                "producer_request_timeout": transport.REQUEST_TIMEOUT_MS / 1000,
                "stream_wait_empty": False,
                "stream_processing_timeout": _NEVER_S,
                # The engine's stores look for themselves whether they belong to the changelog as it is.
                "recovery_consistency_check": False,
                **options,
            },
        )
        self.checkpoint = Checkpoint(self, self._rows_tables, self.outbox)

    def batch_topic(self, name: str, **options: Any) -> BatchTopic:
        """A topic whose events are batches."""
        self._batch_topics.add(name)
        return BatchTopic(self, topics=[name], key_type=bytes, value_type=bytes, allow_empty=True, **options)

    def rows_table(
        self,
        name: str,
        changelog_topic: str,
        *,
        to_bytes: Callable[[R], bytes],
        from_bytes: Callable[[bytes], R],
        partitions: int,
        topic_id: str | None = None,
    ) -> WriteBehindTable[R]:
        """A write-behind table. A checkpoint writes the tables in the order in which they were made."""
        table: WriteBehindTable[R] = WriteBehindTable(
            self,
            name=name,
            to_bytes=to_bytes,
            from_bytes=from_bytes,
            partitions=partitions,
            topic_id=topic_id,
            changelog_topic=self.batch_topic(changelog_topic, acks=False, internal=True, partitions=partitions),
        )
        self.tables.add(table)
        self._rows_tables.append(table)
        return table

    def is_batch_topic(self, name: str) -> bool:
        return name in self._batch_topics

    def topics_before(self, topic: str) -> tuple[str, ...]:
        """The topics that are to be handled before this one."""
        return self._before.get(topic, ())

    async def on_start(self) -> None:
        await super().on_start()
        await self.add_runtime_dependency(self.checkpoint)

    async def _stop_consumer(self) -> None:
        if self._consumer is not None and self.checkpoint.started:
            self._consumer.stop_flow()
            self.flow_control.suspend()
            self.flow_control.clear()
            await self.checkpoint.finish(_STOP_PATIENCE_S)
        await super()._stop_consumer()

    async def _send(self, partition: TP, records: Iterable[Outgoing]) -> asyncio.Future[int]:
        # Any: the producer is the engine's (streams.engine.transport.Producer).
        producer: Any = self.producer
        sent: asyncio.Future[int] = await producer.send_run(partition, records)
        return sent
