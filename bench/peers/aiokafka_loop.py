"""A bare loop over aiokafka: rows in a dictionary, alerts by its producer, no changelog, one commit at the end.

It keeps nothing of what it promises nobody: the most that this client can do in Python.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.program import Meter, Options, options, say_ready, say_result
from bench.workload import Row, alert_bytes, decode, fold, validate


async def run(given: Options) -> None:
    rows: dict[str, Row] = {}
    meter = Meter()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    consumer = AIOKafkaConsumer(
        given.events,
        bootstrap_servers=given.brokers,
        group_id=given.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    producer = AIOKafkaProducer(bootstrap_servers=given.brokers, linger_ms=2, max_batch_size=256 * 1024)
    await producer.start()
    await consumer.start()
    try:
        # Any: aiokafka has no types.
        unacknowledged: list[Any] = []
        while not consumer.assignment():  # noqa: ASYNC110 - aiokafka has no event for it
            await asyncio.sleep(0.01)
        say_ready()
        while not stopping.is_set() and (given.until is None or meter.events < given.until):
            batches = await consumer.getmany(timeout_ms=100, max_records=5_000)
            if batches and not meter.events:
                meter.begin()
            for records in batches.values():
                for record in records:
                    event = decode(record.value)
                    validate(event)
                    row, alert = fold(rows.get(event.key), event)
                    rows[event.key] = row
                    if alert is not None:
                        meter.alerts += 1
                        unacknowledged.append(
                            await producer.send(given.alerts, alert_bytes(alert), key=event.key.encode())
                        )
                meter.events += len(records)
            if len(unacknowledged) > 10_000:
                await asyncio.gather(*unacknowledged)
                unacknowledged.clear()
        await asyncio.gather(*unacknowledged)
        await consumer.commit()
        say_result(meter.result(len(rows)))
    finally:
        await consumer.stop()
        await producer.stop()


if __name__ == "__main__":
    uvloop.run(run(options("A bare aiokafka loop with a dictionary.")))
