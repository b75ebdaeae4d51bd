"""What a second worker costs: CPU seconds an event of two processes that share the partitions, and of one."""

from __future__ import annotations

import time
from contextlib import ExitStack

from bench.contenders import Arena, Contender, ContenderFailed
from bench.fill import fill
from bench.workload import ALERT_EVERY, events

_KEYS = 1_000
_TIMEOUT_S = 300.0


def cpu_s_per_event(arena: Arena, contender: Contender, workers: int, count: int) -> float:
    """Send that many events to workers that are ready, and wait for the last one's alert."""
    with ExitStack() as stack:
        prefix = stack.enter_context(arena.topics())
        processes = []
        for number in range(workers):
            process = stack.enter_context(arena.running(contender, prefix, name=f"-{number}"))
            process.wait_until_ready()  # one after another, so that the last finds a settled group
            processes.append(process)
        fill(arena.broker.address, f"{prefix}events", events(count, _KEYS))
        deadline = time.monotonic() + _TIMEOUT_S
        while arena.count(f"{prefix}alerts") < count // ALERT_EVERY:
            if time.monotonic() > deadline:
                raise ContenderFailed(f"{contender.title} did not handle {count:,} events in {_TIMEOUT_S:.0f} s")
            time.sleep(0.2)
        results = [process.stop() for process in processes]
    handled = [result.events for result in results]
    if sum(handled) != count or not all(handled):
        raise ContenderFailed(f"{workers} workers handled {handled} of {count:,} events")
    return sum(result.cpu_s for result in results) / count
