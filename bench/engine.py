"""The engine, with the workload in one agent: batches, a write-behind table in files, alerts in the outbox."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

import uvloop
from faust.types import TP

from bench.program import Meter, Options, options, say_ready, say_result
from bench.workload import alert_bytes, decode, fold, row_bytes, row_of, validate
from streams.engine.app import App
from streams.engine.published import cause_of
from streams.worker import calm_garbage_collector

_LOOK_AGAIN_S = 0.005


async def run(given: Options) -> None:
    meter = Meter()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    app = App(
        given.group,
        brokers=given.brokers,
        inputs=[given.events],
        outputs=[given.alerts],
        datadir=given.data_dir,
        topic_partitions=given.partitions,
    )
    table = app.rows_table("rows", given.rows, to_bytes=row_bytes, from_bytes=row_of, partitions=given.partitions)
    topic = app.batch_topic(given.events, partitions=given.partitions)

    # Any: Faust's streams are not typed for batches.
    async def handle(stream: Any) -> None:
        async for event in stream.noack().events():
            if not meter.events:
                meter.begin()
            number = event.value.partition.partition
            alerts = TP(given.alerts, number)
            table.prefetch(number, [record.key for record in event.value.records])
            for record in event.value.records:
                reading = decode(record.value)
                validate(reading)
                before = table.row(number, record.key)
                after, alert = fold(before, reading)
                if after is not before:
                    table.put(number, record.key, after)
                if alert is not None:
                    cause = cause_of(given.events, number, record.offset)
                    app.outbox.put(alerts, record.key, alert_bytes(alert), cause)
                    meter.alerts += 1
            meter.events += len(event.value.records)
            event.ack()

    app.agent(topic, name="bench.engine")(handle)
    assigned = asyncio.Event()

    async def on_assigned(*_: object, **__: object) -> None:
        assigned.set()

    app.on_partitions_assigned.connect(on_assigned, weak=False)
    await app.start()
    await assigned.wait()
    # Looked at again and again, here and below: neither readiness nor the last commit is told of.
    while app.rebalancing and not stopping.is_set():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_S)
    say_ready()
    while not stopping.is_set() and (given.until is None or meter.events < given.until):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_S)
    # Any: the consumer is the engine's (streams.engine.consumer.Consumer).
    consumer: Any = app.consumer
    while given.until is not None and not stopping.is_set() and consumer.to_commit():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_S)
    # Told to stop, it has not done all of it yet.
    await app.checkpoint.run()
    result = meter.result(len(table.data))
    await app.stop()
    say_result(result)


if __name__ == "__main__":
    logging.basicConfig(level="WARNING")
    # As the worker does.
    uvloop.install()
    calm_garbage_collector()
    asyncio.run(run(options("Mooring's engine, with one agent.")))
