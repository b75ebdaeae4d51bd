"""What a second worker costs: CPU seconds an event of two processes that share the partitions, and of one."""

from __future__ import annotations

import time
from contextlib import ExitStack

from bench.contenders import Arena, Contender, ContenderFailed
from bench.throughput import filled
from bench.workload import ALERT_EVERY

_KEYS = 1_000
_TIMEOUT_S = 300.0


def cpu_s_per_event(arena: Arena, contender: Contender, workers: int, count: int) -> float:
    """Start workers together on a filled topic, and wait for the last event's alert."""
    topic = filled(arena, _KEYS, count)
    with ExitStack() as stack:
        prefix = stack.enter_context(arena.topics())
        processes = [
            stack.enter_context(arena.running(contender, prefix, name=f"-{number}", events=topic))
            for number in range(workers)
        ]
        for process in processes:
            process.wait_until_ready()
        deadline = time.monotonic() + _TIMEOUT_S
        while arena.count(f"{prefix}alerts") < count // ALERT_EVERY:
            if time.monotonic() > deadline:
                raise ContenderFailed(f"{contender.title} did not handle {count:,} events in {_TIMEOUT_S:.0f} s")
            time.sleep(0.2)
        results = [process.stop() for process in processes]
    handled = [result.events for result in results]
    if sum(handled) < count or not all(handled):
        raise ContenderFailed(f"{workers} workers handled {handled} of {count:,} events")
    # What one had begun when the other came is handled twice, and counts for what it costs.
    return sum(result.cpu_s for result in results) / count
