"""The producer waits for a broker that is away, and knows that from a topic that there is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aiokafka
import pytest
from aiokafka.errors import UnknownTopicOrPartitionError

from streams.engine.lease import Lease, LeaseExpired, now
from streams.engine.transport import known
from tests.faults.broker import FaultyBroker

# aiokafka gives a topic up after this; ten seconds in the worker.
_GIVES_UP_MS = 2_000


@asynccontextmanager
async def producer(faulty_broker: FaultyBroker) -> AsyncIterator[aiokafka.AIOKafkaProducer]:
    """A producer that has not sent anything to any topic yet."""
    started = aiokafka.AIOKafkaProducer(bootstrap_servers=faulty_broker.address, request_timeout_ms=_GIVES_UP_MS)
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


def held_lease() -> Lease:
    lease = Lease(session_s=600.0)
    lease.renew(now())
    return lease


def test_a_broker_that_is_away_is_waited_for_as_long_as_the_lease_holds() -> None:
    """Fails without the loop of `known`: a worker that had only just started ended over a broker's restart."""
    topic = f"t-{uuid4().hex[:8]}"

    async def scenario(broker: FaultyBroker) -> None:
        async with producer(broker) as started:
            broker.kill()
            with pytest.raises(LeaseExpired):
                await known(started.client, topic, Lease(session_s=6.0))
            waiting = asyncio.create_task(known(started.client, topic, held_lease()))
            await asyncio.sleep(2 * _GIVES_UP_MS / 1000)
            assert not waiting.done()
            await asyncio.to_thread(broker.start)
            await asyncio.wait_for(waiting, 30)

    # A broker of its own: what is started again in a test must also end in it.
    with FaultyBroker() as broker:
        broker.create(topic)
        asyncio.run(scenario(broker))


def test_a_topic_that_there_is_not_is_an_error(faulty_broker: FaultyBroker) -> None:
    async def scenario() -> None:
        async with producer(faulty_broker) as started:
            with pytest.raises(UnknownTopicOrPartitionError):
                await asyncio.wait_for(known(started.client, "there-is-no-such-topic", held_lease()), 30)

    asyncio.run(scenario())
