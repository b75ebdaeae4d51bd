"""Offsets that are not there: compaction took them, or they are those of a transaction's markers. That is no loss."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from tests.faults.broker import FaultyBroker
from tests.faults.conftest import Length
from tests.faults.events import Sendable, Story
from tests.faults.load import producer, send
from tests.faults.records import Reader
from tests.faults.scene import Scene, scene

SEED = 5
PARTITIONS = 4
WAVE = 800
_TIMEOUT_S = 30.0


@pytest.mark.timeout(180)
def test_a_compacted_input_has_gaps_that_are_accepted(
    faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path
) -> None:
    """What is left of the evaluations is handled, once, and nothing waits for what is gone.

    Protection: `Position.follows` goes by where a fetch began, not by the first offset that it brings.
    """
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED, per_second=300, wave_size=WAVE) as it:
        body = after_setup(it)
        runs = it.topics.evaluation_runs.name
        # Each short while a segment; all but the last one of a partition can be compacted.
        configure(it, runs, {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"})
        # A compacted topic takes no record without a key.
        kept = [record for record in body if record.key is not None]
        to = producer(faulty_broker.address)
        for start in range(0, len(kept), 100):
            for record in kept[start : start + 100]:
                send(to, it.topics, record)
            to.flush()
            time.sleep(0.15)
        left = compacted(it, runs, sum(record.topic == "evaluation_runs" for record in kept))
        # The judge must see what the workers see.
        configure(it, runs, {"cleanup.policy": "delete", "segment.ms": "604800000"})

        it.workers.start(0)
        it.workers.wait_until_ready(0)
        wait_until_handled(it)
        report = it.approve(it.judged())
        assert report.outcomes_repeated == 0
        assert left > 0


@pytest.mark.timeout(180)
def test_transactions_leave_markers_and_what_was_aborted_does_not_count(
    faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path
) -> None:
    """Markers at the end of the log, too, are passed: the committed offset is the end's.

    Protection: `Position.nothing_before`, without which the offset after the markers is never committed; and
    `_isolation_level` in `ConsumerThread._create_worker_consumer`, without which aborted events count.
    """
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED, per_second=300, wave_size=WAVE) as it:
        body = after_setup(it)
        half = len(body) // 2
        # Half of it lies there when the worker starts, half comes while it runs.
        in_transactions(it, body[:half])
        it.workers.start(0)
        it.workers.wait_until_ready(0)
        in_transactions(it, body[half:])
        wait_until_handled(it)
        ends = ends_of_inputs(it)
        behind = it.load.committed.behind(ends)
        report = it.approve(it.judged())
        assert report.events < sum(ends.values())
        assert report.outcomes_repeated == 0
        assert behind == {}


def after_setup(it: Scene) -> list[Sendable]:
    """Have the setup handled by a worker, which then stops; the body of the wave."""
    it.workers.start(0)
    it.workers.wait_until_ready(0)
    it.load.prepare()
    it.workers.stop(0)
    return next(Story(SEED, 12, WAVE).waves()).body


def in_transactions(it: Scene, records: list[Sendable]) -> None:
    """Send in transactions of twenty, of which every third is aborted."""
    settings = {"transactional.id": f"{it.topics.model_builds.name}-writer", "delivery.timeout.ms": "30000"}
    to = producer(it.broker.address, **settings)
    to.init_transactions()
    for number, start in enumerate(range(0, len(records), 20)):
        to.begin_transaction()
        for record in records[start : start + 20]:
            send(to, it.topics, record)
        to.flush()
        if number % 3 == 2:
            to.abort_transaction()
        else:
            to.commit_transaction()


def compacted(it: Scene, topic: str, sent: int) -> int:
    """Wait until compaction took most of what was sent and leaves the rest; how many that is."""
    deadline = time.monotonic() + _TIMEOUT_S
    before = sent
    while True:
        time.sleep(1.5)
        with Reader(it.broker.address) as reader:
            left = sum(len(reader.read([topic], partition)[topic]) for partition in range(PARTITIONS))
        if left == before < sent / 2:
            return left
        if time.monotonic() > deadline:
            raise AssertionError(f"not compacted within {_TIMEOUT_S} s: {left} of {sent} are left")
        before = left


def ends_of_inputs(it: Scene) -> dict[tuple[str, int], int]:
    """The end of each partition of the topics that workers read, markers included."""
    with Reader(it.broker.address) as reader:
        return reader.ends([topic.name for topic in it.topics.inputs], PARTITIONS)


def wait_until_handled(it: Scene) -> None:
    """Wait until workers have committed everything; the judge says what they have not."""
    it.load.committed.wait_for(ends_of_inputs(it), _TIMEOUT_S)


def configure(it: Scene, topic: str, settings: dict[str, str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=it.broker.address)
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    finally:
        admin.close()


@pytest.mark.timeout(180)
def test_a_fetch_that_loses_records_does_not_lose_them_for_the_worker(
    faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path, length: Length
) -> None:
    """One run in twenty is lost on the way, of the inputs and of the tables' topics that a second worker reads back.

    Protection: `if not position.follows(...)` in `Consumer._round`.
    """
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED + 2, per_second=length.of(400, 300)) as it:
        it.workers.start(0, f"tests.faults.lossy 20 {SEED}")
        it.workers.wait_until_ready(0)
        it.load.prepare()
        it.load.start()
        time.sleep(length.of(8, 60))
        # Without the first one's files, and with what it had not committed.
        it.workers.kill(0)
        it.workers.start(1, f"tests.faults.lossy 20 {SEED + 1}")
        it.conclude()
        said = "".join(log.read_text(errors="replace") for log in it.workers.logs)
        assert "lost a run of" in said
