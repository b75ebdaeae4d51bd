"""Workers come, go, are killed and fall asleep under load: here stock Faust loses input."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.broker import FaultyBroker
from tests.faults.conftest import Length
from tests.faults.scene import Scene, scene

SEED = 3
# Longer than the session of a worker, which is 6 s.
ASLEEP_S = 13.0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("partitions", [4, 12])
def test_workers_join_leave_and_are_killed_under_load(
    partitions: int, faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path, length: Length
) -> None:
    """Each change moves partitions while records of theirs are being fetched.

    Protection: `self._positions` in `Consumer._round`: what a fetch brings for a partition is taken only where it
    follows what was handed over since the assignment.
    """
    random = Random(SEED + partitions)
    per_second = length.of(400, 300)
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED, per_second=per_second, partitions=partitions) as it:
        it.begin(0)
        for _ in range(length.of(4, 30)):
            change(it, random)
            time.sleep(random.uniform(1.0, 4.0))
        it.conclude()


def change(it: Scene, random: Random) -> str:
    """One change of membership, among one to three workers; what it was."""
    running = list(it.workers.running)
    free = [slot for slot in range(3) if slot not in running]
    if len(running) == 1 or (free and random.random() < 0.4):
        slot = random.choice(free)
        it.workers.start(slot)
        # Most are ready before the next change; some have not joined yet.
        if random.random() < 0.7:
            it.workers.wait_until_ready(slot)
        return f"worker {slot} joins"
    slot = random.choice(running)
    if random.random() < 0.5:
        it.workers.kill(slot)
        return f"worker {slot} is killed"
    it.workers.stop(slot)
    return f"worker {slot} leaves"


@pytest.mark.timeout(600)
def test_a_worker_that_slept_past_its_session_overwrites_nothing(
    faulty_broker: FaultyBroker, topic_prefix: str, tmp_path: Path, length: Length
) -> None:
    """SIGSTOP in the midst of handling; another goes on with its partitions; it wakes with what it still had to write.

    Protection: the look at the lease in `Fence.send`.
    """
    with scene(faulty_broker, topic_prefix, tmp_path, seed=SEED, per_second=400) as it:
        it.begin(0, 1)
        for number in range(length.of(1, 8)):
            time.sleep(2.0)
            it.workers.pause(number % 2)
            time.sleep(ASLEEP_S)
            it.workers.wake(number % 2)
            time.sleep(3.0)
            it.workers.start_those_that_ended()
            it.workers.wait_until_ready()
        it.conclude()
