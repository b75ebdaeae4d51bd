"""Faust's aiokafka transport, made to lose nothing: brokers named `mooring://host:port` use it.

consumer    fetches runs of records, checks that each follows the last, hands it over, and commits by a checkpoint
producer    sends whole batches, and only while the worker's lease holds
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar

import aiokafka
from aiokafka.errors import UnknownTopicOrPartitionError
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import ConsumerT, ProducerT

from streams.engine.consumer import Consumer
from streams.engine.lease import Fence, Lease, LeaseExpired
from streams.engine.outbox import Outgoing, batches

SCHEME = "mooring"
# How long a broker may take to answer; after that the connection is given up and the request repeated on another.
REQUEST_TIMEOUT_MS = 10_000
# What waits for a broker waits as long as the lease lets it.
_FOR_EVER_MS = 1_000_000_000


class Producer(driver.Producer):
    """The producer, behind a fence."""

    fence: Fence

    def _new_producer(self, transactional_id: str | None = None) -> aiokafka.AIOKafkaProducer:
        producer = super()._new_producer(transactional_id)
        # Any: the app is the engine's (streams.engine.app.App).
        app: Any = self.app
        self.fence = Fence(producer.client, app.lease)
        # Read at each request.
        producer._sender.client = self.fence
        producer._request_timeout_ms = _FOR_EVER_MS
        producer._message_accumulator._batch_ttl = _FOR_EVER_MS / 1000
        return producer

    async def send_run(self, partition: TP, records: Iterable[Outgoing]) -> asyncio.Future[int]:
        """Send records to one partition, in order.

        What is awaited is room in the producer. The future is done when all are acknowledged, with the offset of the
        last; it raises KafkaError, LeaseExpired among them. `records` must not be empty.
        """
        producer = self._ensure_producer()
        # Any: the app is the engine's (streams.engine.app.App).
        app: Any = self.app
        await known(producer.client, partition.topic, app.lease)
        sent = [
            (await producer.send_batch(batch, partition.topic, partition=partition.partition), batch.record_count())
            for batch in batches(producer.create_batch, records)
        ]
        return asyncio.ensure_future(_last_offset(sent))

    async def drain(self) -> None:
        """Refuse all that waits in the producer. Afterwards nothing of it can be sent any more."""
        self.fence.close()
        await self._ensure_producer().flush()
        self.fence.open()


async def known(client: Any, topic: str, lease: Lease) -> None:
    """Wait until a producer's client has heard of a topic. Raises LeaseExpired, or KafkaError where there is none.

    aiokafka says that there is no such topic where it could ask nobody for a while, too: then it is asked again.
    """
    # Any: aiokafka's client is not typed.
    heard, asked_in_vain = False, False
    while not heard:
        try:
            heard = bool(await client._wait_on_metadata(topic))
        except UnknownTopicOrPartitionError:
            if not lease.holds:
                raise LeaseExpired from None
            answered = await client.force_metadata_update()
            # A broker that has just come back may not know its topics yet.
            if answered and asked_in_vain:
                raise
            asked_in_vain = answered


async def _last_offset(sent: list[tuple[asyncio.Future[Any], int]]) -> int:
    # Any: aiokafka's metadata of a batch, with the offset of its first record.
    done = await asyncio.gather(*(future for future, _ in sent))
    return int(done[-1].offset) + sent[-1][1] - 1


class Transport(driver.Transport):
    """The transport that makes both."""

    Consumer: ClassVar[type[ConsumerT]] = Consumer
    Producer: ClassVar[type[ProducerT]] = Producer


def register() -> None:
    """Let Faust find the transport by its scheme."""
    # Any: Faust's registry is not typed for this.
    aliases: Any = TRANSPORTS.aliases
    aliases[SCHEME] = f"{__name__}:{Transport.__name__}"
