"""An app on the engine, on each broker: Faust's own topics, event by event, beside batches; and a table of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.engine.app import App
from streams.engine.table import WriteBehindTable
from tests.brokers import PARTITIONS, Broker

_TIMEOUT_S = 40.0


def send(broker: Broker, topic: str, values: range) -> None:
    """A record for each, spread over the partitions."""
    producer = Producer({"bootstrap.servers": broker.address})
    for value in values:
        producer.produce(topic, b"%d" % value, b"%d" % (value % 7), partition=value % PARTITIONS)
    assert producer.flush(20) == 0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        # Looked at again and again: what is waited for happens elsewhere.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def run(make: Callable[[], App], play: Callable[[App], Awaitable[None]]) -> None:
    """Have an app play while it runs, and stop it in good order."""

    async def main() -> None:
        app = make()
        await app.start()
        try:
            await play(app)
        finally:
            await app.stop()

    asyncio.run(main())


def handled_and_committed(app: App, seen: list[int], count: int) -> Callable[[], bool]:
    # Any: the consumer is the engine's.
    consumer: Any = app.consumer
    return lambda: len(seen) >= count and not app.rebalancing and not consumer.to_commit()


@pytest.mark.parametrize("batches", [True, False], ids=["batches", "event by event"])
def test_every_record_is_handled_once_also_over_a_restart(
    broker: Broker, topic_prefix: str, tmp_path: Path, batches: bool
) -> None:
    name = f"{topic_prefix}numbers"
    broker.create(name)
    seen: list[int] = []

    def make() -> App:
        app = App(f"{topic_prefix}app", brokers=broker.address, datadir=tmp_path, topic_partitions=PARTITIONS)
        if batches:
            # Any: Faust's streams are not typed for batches.
            async def handle(stream: Any) -> None:
                async for event in stream.noack().events():
                    seen.extend(int(record.value) for record in event.value.records)
                    event.ack()

            app.agent(app.batch_topic(name, partitions=PARTITIONS), name="handle")(handle)
        else:

            async def handle_one(stream: Any) -> None:
                async for value in stream:
                    await asyncio.sleep(0)
                    seen.append(int(value))

            topic = app.topic(name, value_type=bytes, key_type=bytes, value_serializer="raw", key_serializer="raw")
            app.agent(topic, name="handle")(handle_one)
        return app

    send(broker, name, range(500))
    run(make, lambda app: until(handled_and_committed(app, seen, 500)))
    assert sorted(seen) == list(range(500))
    send(broker, name, range(500, 900))
    run(make, lambda app: until(handled_and_committed(app, seen, 900)))
    assert sorted(seen) == list(range(900))
    for partition in range(PARTITIONS):
        mine = [value for value in seen if value % PARTITIONS == partition]
        assert mine == sorted(mine)


def test_a_table_is_read_back_from_its_files_or_its_changelog(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Sums by key; then again with the files, and with none."""
    name, changelog = f"{topic_prefix}numbers", f"{topic_prefix}sums"
    broker.create(name, changelog)
    seen: list[int] = []
    tables: list[WriteBehindTable[int]] = []

    def make(folder: Path) -> App:
        app = App(f"{topic_prefix}app", brokers=broker.address, datadir=folder, topic_partitions=PARTITIONS)
        table = app.rows_table(
            "sums", changelog, to_bytes=lambda row: b"%d" % row, from_bytes=int, partitions=PARTITIONS
        )
        tables.append(table)

        async def add(stream: Any) -> None:
            async for event in stream.noack().events():
                number = event.value.partition.partition
                for record in event.value.records:
                    table.put(number, record.key, (table.row(number, record.key) or 0) + int(record.value))
                    seen.append(int(record.value))
                event.ack()

        app.agent(app.batch_topic(name, partitions=PARTITIONS), name="add")(add)
        return app

    def sums() -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for partition in range(PARTITIONS):
            for key, value in tables[-1].store.items_of(partition):
                found[key] = found.get(key, 0) + int(value)
        return found

    def expected(count: int) -> dict[bytes, int]:
        return {b"%d" % key: sum(value for value in range(count) if value % 7 == key) for key in range(7)}

    async def look(app: App, count: int) -> None:
        await until(handled_and_committed(app, seen, count))
        assert sums() == expected(count)

    for count, folder in [(300, tmp_path / "a"), (600, tmp_path / "a"), (900, tmp_path / "b")]:
        send(broker, name, range(count - 300, count))
        run(lambda folder=folder: make(folder), lambda app, count=count: look(app, count))  # type: ignore[misc]
    assert sorted(seen) == list(range(900))
