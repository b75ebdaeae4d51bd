"""Stock Faust: an agent per event, a table in memory with its changelog, alerts to a topic.

Tuned as far as its settings go: uvloop, a lingering producer, larger buffers, bytes instead of JSON.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import faust
import uvloop

from bench.program import Meter, Options, options, say_ready, say_result
from bench.workload import alert_bytes, decode, fold, row_bytes, row_of, validate


async def run(given: Options) -> None:
    meter = Meter()
    app = faust.App(
        given.group,
        broker=f"kafka://{given.brokers}",
        store="memory://",
        datadir=str(given.data_dir),
        topic_partitions=given.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=16_384,
        broker_max_poll_records=2_000,
        broker_commit_interval=1.0,
        consumer_max_fetch_size=4 * 1024 * 1024,
        consumer_auto_offset_reset="earliest",
        producer_linger=0.005,
        producer_max_batch_size=256 * 1024,
    )
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    events = app.topic(given.events, **raw)
    alerts = app.topic(given.alerts, **raw)
    # Without acks, as Faust itself makes the topic of a changelog; its name is what is given here.
    changelog = app.topic(given.rows, **raw, partitions=given.partitions, compacting=True, acks=False, internal=True)
    rows = app.Table("rows", key_type=bytes, value_type=bytes, partitions=given.partitions, changelog_topic=changelog)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)

    @app.agent(events, name=f"{given.prefix}agent")
    async def handle(stream: Any) -> None:  # Any: Faust's streams are not typed by value
        async for value in stream:
            if not meter.events:
                meter.begin()
            event = decode(value)
            validate(event)
            key = event.key.encode()
            stored = rows.get(key)
            row, alert = fold(None if stored is None else row_of(stored), event)
            rows[key] = row_bytes(row)
            if alert is not None:
                meter.alerts += 1
                await alerts.send(key=key, value=alert_bytes(alert))
            meter.events += 1
            if meter.events == given.until:
                done.set()

    await app.start()
    while not app.consumer.assignment():  # noqa: ASYNC110 - Faust has no event for it
        await asyncio.sleep(0.01)
    await app.tables.wait_until_recovery_completed()
    say_ready()
    await done.wait()
    await asyncio.sleep(0)  # the last event is acknowledged as the agent asks for the next
    await app.producer.flush()
    await app.consumer.commit()
    say_result(meter.result(len(rows)))
    await app.stop()


if __name__ == "__main__":
    uvloop.run(run(options("Stock Faust with a table in memory.")))
