"""How long a worker with many rows takes to be ready again: from its store, and from the changelog alone."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contenders import Arena, Contender, ContenderFailed
from bench.fill import fill
from bench.program import Result
from bench.workload import rows


@dataclass(frozen=True)
class Restart:
    """Seconds from the start of the process to ready, and rows a second of the clock.

    From the changelog, the seconds that a start without any rows takes are left out, as they are in a bare read.
    """

    store_s: float
    changelog_s: float
    changelog_rows_per_s: float


def restart(arena: Arena, contender: Contender, count: int) -> Restart:
    """Start a contender on a changelog of that many rows: with nothing else, then with the store it has made of it."""
    with arena.topics() as prefix:
        with arena.running(contender, prefix, name="-empty") as process:
            empty_s = process.wait_until_ready()
            process.stop()
        fill(arena.broker.address, f"{prefix}rows", rows(count))
        with arena.running(contender, prefix) as process:
            changelog_s = process.wait_until_ready() - empty_s
            process.stop()
        with arena.running(contender, prefix) as process:
            store_s = process.wait_until_ready()
            _check(contender, process.stop(), count)
    return Restart(store_s, changelog_s, count / changelog_s)


def bare_read(arena: Arena, reader: Contender, count: int) -> float:
    """Rows a second of a program that reads such a changelog and ends."""
    with arena.topics() as prefix:
        fill(arena.broker.address, f"{prefix}rows", rows(count))
        with arena.running(reader, prefix) as process:
            process.wait_until_ready()
            read = process.result()
    _check(reader, read, count)
    return read.events_per_s


def _check(contender: Contender, result: Result, count: int) -> None:
    if result.rows != count:
        raise ContenderFailed(f"{contender.title} has {result.rows:,} rows instead of {count:,}")
