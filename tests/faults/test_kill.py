"""A worker that is killed loses nothing, and what it repeats it repeats as it was."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.broker import FaultyBroker
from tests.faults.conftest import Length
from tests.faults.pinned import SEAMS
from tests.faults.scene import scene

SEED = 1


@pytest.mark.timeout(900)
def test_killed_again_and_again_under_load(
    faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path, length: Length
) -> None:
    """`kill -9` at random instants; another worker takes the slot, with its data folder, at once.

    Protection: `Consumer.perform_seek`, which begins at the last commit; `WriteBehindTable.on_rebalance`, which reads
    the changelog from where the files end.
    """
    random = Random(SEED)
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED, per_second=length.of(150, 300)) as it:
        it.begin(0, 1)
        for _ in range(length.of(2, 20)):
            time.sleep(random.uniform(0.5, 4.0))
            slot = random.choice(list(it.workers.running))
            it.workers.kill(slot)
            it.workers.start(slot)
            it.workers.wait_until_ready(slot)
        it.conclude(at_least=length.of(0, 50_000))


@pytest.mark.timeout(900)
def test_killed_at_each_seam_of_the_checkpoint(
    faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path, length: Length
) -> None:
    """At every seam a worker kills itself, and another takes the slot, until it is at the next.

    Protection: the order of the awaits in `Checkpoint._run`; `Published.again` in `Outbox.put`, without which alerts
    are repeated here.
    """
    random = Random(SEED)
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED + 1, per_second=length.of(200, 300)) as it:
        it.begin(0)
        it.workers.kill(0)
        for _ in range(length.of(1, 5)):
            for seam in SEAMS:
                it.workers.start(0, f"tests.faults.pinned {seam} {random.randint(2, 12)}")
                worker = it.workers.running[0].process
                worker.wait(timeout=60)
                assert worker.returncode == -signal.SIGKILL, it.workers.tails()
                it.workers.kill(0)
        it.workers.start(0)
        report = it.conclude(at_least=length.of(0, 20_000))
        # One worker, whose session was never taken over: nothing that was acknowledged is published again.
        assert report.repeats == 0, report
