"""A bare read of a table's changelog into a dictionary by aiokafka: what a restart without a store costs at least."""

from __future__ import annotations

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.program import Meter, Options, options, say_ready, say_result


async def run(given: Options) -> None:
    rows: dict[bytes, bytes] = {}
    meter = Meter()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=given.brokers,
        group_id=None,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(given.rows, number) for number in range(given.partitions)]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        say_ready()
        meter.begin()
        behind = {partition for partition in partitions if ends[partition]}
        while behind:
            for partition, records in (await consumer.getmany(timeout_ms=100, max_records=5_000)).items():
                for record in records:
                    rows[record.key] = record.value
                meter.events += len(records)
                if records[-1].offset + 1 >= ends[partition]:
                    behind.discard(partition)
        say_result(meter.result(len(rows)))
    finally:
        await consumer.stop()


if __name__ == "__main__":
    uvloop.run(run(options("A bare read of a changelog into a dictionary.")))
