"""A worker that is told to stop leaves everything settled: what it has handled is committed, and is not repeated."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from mooring.codec import decode
from mooring.outputs import EvaluationOutcome
from tests.faults.broker import FaultyBroker
from tests.faults.conftest import Length
from tests.faults.load import BAD_HEADER, Committed
from tests.faults.records import Reader
from tests.faults.scene import Scene, scene

SEED = 2
PARTITIONS = 4


@pytest.mark.timeout(300)
def test_sigterm_and_sigint_under_load_and_nothing_is_repeated(
    faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path, length: Length
) -> None:
    """Exit code 0; what has an outcome is committed and the reverse; after all, not one record is there twice.

    Protection: the last checkpoint, twice: `Checkpoint.finish` in `App._stop_consumer`, and `Consumer.force_commit`,
    which Faust calls after it. With neither, this fails.
    """
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED, per_second=300, partitions=PARTITIONS) as it:
        it.begin(0)
        for number in (signal.SIGTERM, signal.SIGINT) * length.of(1, 5):
            time.sleep(2.0)
            assert it.workers.stop(0, number).exit_code == 0
            assert handled_and_committed(it) == []
            it.workers.start(0)
            it.workers.wait_until_ready(0)
        report = it.conclude()
        assert (report.repeats, report.outcomes_repeated, report.letters_repeated) == (0, 0, 0)

        # With nothing new to handle, a start and a stop write nothing at all.
        before = written(it)
        it.workers.start(0)
        it.workers.wait_until_ready(0)
        time.sleep(1.0)
        assert it.workers.stop(0).exit_code == 0
        assert written(it) == before


def handled_and_committed(it: Scene) -> list[str]:
    """A sentence for each partition whose outcomes are not those of the evaluations before its committed offset."""
    runs, outcomes = it.topics.evaluation_runs.name, it.topics.evaluation_outcomes.name
    committed = Committed(it.broker.address, it.topics)
    try:
        ends = committed.offsets([(runs, partition) for partition in range(PARTITIONS)])
    finally:
        committed.close()
    told = []
    with Reader(it.broker.address) as reader:
        for partition in range(PARTITIONS):
            read = reader.read([runs, outcomes], partition)
            good = [one for one in read[runs] if BAD_HEADER not in one.headers and one.offset < ends[runs, partition]]
            found = [decode(one.value, EvaluationOutcome).event_id for one in read[outcomes]]
            if len(good) != len(found):
                told.append(
                    f"{runs}/{partition}: {ends[runs, partition]} committed, which is {len(good)} evaluations; "
                    f"{len(found)} outcomes, the last of {found[-1:]}"
                )
    return told


def written(it: Scene) -> dict[tuple[str, int], int]:
    """The end of each partition of the topics that workers write."""
    with Reader(it.broker.address) as reader:
        return reader.ends([topic.name for topic in it.topics.outputs], PARTITIONS)
