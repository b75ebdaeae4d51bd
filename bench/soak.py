"""Whether memory stays where it is: a steady pace of events for minutes, and the slope of the process's memory."""

from __future__ import annotations

import statistics
import time

from bench.contenders import Arena, Contender
from bench.latency import replayed
from bench.program import resident_bytes

PER_SECOND = 2_000
_WARM_UP_SHARE = 0.25
_SAMPLE_S = 1.0


def growth_bytes_per_hour(arena: Arena, contender: Contender, minutes: float) -> float:
    """The slope of a straight line through the memory of the last three quarters of the time; it may fall, too."""
    seconds = minutes * 60
    with arena.topics() as prefix, arena.running(contender, prefix) as process:
        process.wait_until_ready()
        at_s, sizes = [], []
        with replayed(arena, f"{prefix}events", seconds, PER_SECOND):
            started = time.monotonic()
            while (now_s := time.monotonic() - started) < seconds:
                if now_s > seconds * _WARM_UP_SHARE:
                    at_s.append(now_s)
                    sizes.append(resident_bytes(process.pid))
                time.sleep(_SAMPLE_S)
        process.stop()
    return statistics.linear_regression(at_s, sizes).slope * 3600
