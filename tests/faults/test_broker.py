"""The broker restarts, is killed, is away, is held: workers wait, and go on by themselves."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.broker import FaultyBroker
from tests.faults.conftest import Length
from tests.faults.scene import Scene, scene

SEED = 4
_RESUMES_WITHIN_S = 45.0


@pytest.mark.timeout(900)
def test_the_broker_fails_under_load(topic_prefix: str, tmp_path: Path, length: Length) -> None:
    """After each fault the committed offsets move again, and no worker has ended: the processes are the first ones.

    Protection: `request_rejoin` in `Checkpoint._fail`: without it a worker whose lease expired takes no more input.
    """
    away_s = length.of(12, 30)
    faults = [restart, kill, leave]
    if length.is_long:
        faults = [*faults, hold] * 3
        Random(SEED).shuffle(faults)
    # A broker of its own: what is started again in a test must also end in it.
    with (
        FaultyBroker() as broker,
        scene(broker, topic_prefix, tmp_path, seed=SEED, per_second=250) as it,
    ):
        it.begin(0, 1)
        for fault in faults:
            time.sleep(2.0)
            fault(broker, away_s)
            took_s = resumed(it, fault.__name__)
            print(f"{fault.__name__}: all sent before the broker was back is committed {took_s:.1f} s after")
        it.conclude()
        assert len(it.workers.logs) == 2


def restart(broker: FaultyBroker, away_s: float) -> None:
    broker.stop()
    broker.start()


def kill(broker: FaultyBroker, away_s: float) -> None:
    broker.kill()
    broker.start()


def leave(broker: FaultyBroker, away_s: float) -> None:
    broker.kill()
    time.sleep(away_s)
    broker.start()


def hold(broker: FaultyBroker, away_s: float) -> None:
    broker.pause()
    time.sleep(away_s)
    broker.wake()


def resumed(it: Scene, after: str) -> float:
    """Wait until what is sent is committed; how long that takes, in seconds. Fails where a worker ended meanwhile."""
    started = time.monotonic()
    missing = it.load.committed.wait_for(it.load.ends, _RESUMES_WITHIN_S)
    ended = it.workers.start_those_that_ended()
    if missing or ended:
        pytest.fail(f"after {after}: short by {missing}; {ended}\n{it.workers.tails()}", pytrace=False)
    return time.monotonic() - started
