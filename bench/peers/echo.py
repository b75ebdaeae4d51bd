"""The least that lies between an event and its alert: aiokafka reads a record and sends it on at once, as it is."""

from __future__ import annotations

import asyncio
import signal

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.program import Meter, Options, options, say_ready, say_result


async def run(given: Options) -> None:
    meter = Meter()
    consumer = AIOKafkaConsumer(
        given.events,
        bootstrap_servers=given.brokers,
        group_id=given.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
    )
    producer = AIOKafkaProducer(bootstrap_servers=given.brokers)
    await producer.start()
    await consumer.start()

    async def forward() -> None:
        async for record in consumer:
            if not meter.events:
                meter.begin()
            await producer.send(given.alerts, record.value, key=record.key)
            meter.events += 1
            meter.alerts += 1

    try:
        while not consumer.assignment():  # noqa: ASYNC110 - aiokafka has no event for it
            await asyncio.sleep(0.01)
        forwarding = asyncio.create_task(forward())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, forwarding.cancel)
        say_ready()
        await asyncio.wait([forwarding])
        if not forwarding.cancelled():
            forwarding.result()
        await producer.flush()
        say_result(meter.result(rows=0))
    finally:
        await consumer.stop()
        await producer.stop()


if __name__ == "__main__":
    uvloop.run(run(options("A two-hop echo: every event goes to the topic of alerts.")))
