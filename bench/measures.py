"""What is measured, on whom, and how large: a table, in the order in which a round goes through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import worker
from bench.contenders import Arena, Contender
from bench.latency import PER_SECOND, follow, percentile
from bench.program import Result
from bench.restart import bare_read, restart
from bench.soak import growth_bytes_per_hour
from bench.throughput import handle
from bench.two_workers import cpu_s_per_event
from bench.workload import Event, fold, row_bytes

ROW_BYTES = len(row_bytes(fold(None, Event("model-00000000", 0.5, 1, 1_700_000_000_001, b""))[0]))


@dataclass(frozen=True)
class Sizes:
    """How much of everything. A share of the soak is for warming up."""

    events: int
    events_1m_keys: int
    mooring_events: int
    latency_events: int
    restart_rows: int
    soak_minutes: float


FULL = Sizes(300_000, 1_000_000, 20_000, 1_500, 1_000_000, 10.0)
QUICK = Sizes(60_000, 100_000, 5_000, 300, 100_000, 0.5)


@dataclass(frozen=True)
class Measure:
    """One thing to measure on each of its contenders. `run` gives figures by name."""

    name: str
    title: str
    contenders: tuple[str, ...]
    run: Callable[[Arena, Contender, Sizes], Mapping[str, float]]
    once: bool = False  # in the first round only


def _pace(result: Result) -> dict[str, float]:
    return {"events_per_s": result.events_per_s, "events_per_cpu_s": result.events_per_cpu_s}


def _throughput(keys: int) -> Callable[[Arena, Contender, Sizes], Mapping[str, float]]:
    def run(arena: Arena, contender: Contender, sizes: Sizes) -> Mapping[str, float]:
        return _pace(handle(arena, contender, keys, sizes.events))

    return run


def _throughput_1m_keys(arena: Arena, contender: Contender, sizes: Sizes) -> Mapping[str, float]:
    result = handle(arena, contender, 1_000_000, sizes.events_1m_keys)
    return _pace(result) | {"bytes_per_row": result.memory_growth_bytes / result.rows - ROW_BYTES}


def _mooring(arena: Arena, _contender: Contender, sizes: Sizes) -> Mapping[str, float]:
    return _pace(worker.throughput(arena.broker, arena.folder, events=sizes.mooring_events))


def _latency(arena: Arena, contender: Contender, sizes: Sizes) -> Mapping[str, float]:
    if contender.name == "mooring":
        delay = worker.latency(arena.broker, arena.folder, evaluations=sizes.latency_events, per_second=PER_SECOND)
        return {"alert_p50_ms": delay.alert_p50_ms, "alert_p99_ms": delay.alert_p99_ms}
    delays = follow(arena, contender, sizes.latency_events, rows=contender.name != "echo")
    figures = {"alert_p50_ms": percentile(delays.alerts_ms, 50), "alert_p99_ms": percentile(delays.alerts_ms, 99)}
    if delays.rows_ms:
        figures |= {"row_p50_ms": percentile(delays.rows_ms, 50), "row_p99_ms": percentile(delays.rows_ms, 99)}
    return figures


def _latency_under_replay(arena: Arena, contender: Contender, sizes: Sizes) -> Mapping[str, float]:
    delays = follow(arena, contender, sizes.latency_events, replay=True)
    return {
        "alert_p50_ms": percentile(delays.alerts_ms, 50),
        "alert_p99_ms": percentile(delays.alerts_ms, 99),
        "events_per_s": delays.events_per_s,
    }


def _restart(arena: Arena, contender: Contender, sizes: Sizes) -> Mapping[str, float]:
    if contender.name == "raw_read":
        return {"rows_per_s": bare_read(arena, contender, sizes.restart_rows)}
    took = restart(arena, contender, sizes.restart_rows)
    return {"store_s": took.store_s, "changelog_s": took.changelog_s, "rows_per_s": took.changelog_rows_per_s}


def _two_workers(arena: Arena, contender: Contender, sizes: Sizes) -> Mapping[str, float]:
    return {
        f"cpu_us_per_event_of_{name}": cpu_s_per_event(arena, contender, workers, sizes.events_1m_keys) * 1e6
        for workers, name in ((1, "one"), (2, "two"))
    }


def _soak(arena: Arena, contender: Contender, sizes: Sizes) -> Mapping[str, float]:
    return {"growth_bytes_per_hour": growth_bytes_per_hour(arena, contender, sizes.soak_minutes)}


MEASURES = {
    each.name: each
    for each in (
        Measure("throughput", "1,000 keys", ("engine", "quix", "stock_faust", "aiokafka"), _throughput(1_000)),
        Measure("throughput_50k_keys", "50,000 keys", ("engine", "quix"), _throughput(50_000)),
        Measure("throughput_1m_keys", "1,000,000 keys", ("engine", "quix"), _throughput_1m_keys),
        Measure("throughput_mooring", "Mooring's own events", ("mooring",), _mooring),
        Measure("latency", "100 events a second", ("echo", "engine", "mooring"), _latency),
        Measure("latency_under_replay", "beside 20,000 events a second", ("engine",), _latency_under_replay),
        Measure("restart", "a table of many rows", ("raw_read", "engine"), _restart),
        Measure("two_workers", "one worker, then two", ("engine",), _two_workers),
        Measure("soak", "a steady pace", ("engine",), _soak, once=True),
    )
}
