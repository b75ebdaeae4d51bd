"""What the programs of all contenders share: their arguments, and the two lines of JSON that they print.

A contender is a process: `python -m bench.<name> --brokers A --prefix P --data-dir D --partitions 4 [--until N]`.

- It reads the topic of `--events` (by default `<prefix>events`) from the beginning, in the consumer group
  `<prefix>bench`, whose committed offsets it starts from when they are there; writes alerts to `<prefix>alerts` by the
  row's key; and keeps its rows in a table whose changelog is `<prefix>rows`: the row's key, and `row_bytes(row)`.
  The three topics are there, with the same number of partitions.
- When it has its partitions and all of their rows, it prints `{"event": "ready"}`.
- With `--until N` it ends by itself once N events and all of their effects are acknowledged and committed; without, or
  earlier, on SIGTERM. Before it ends it prints `{"event": "result", …}`: the fields of `Result`, which `Meter` counts.
- It writes nothing else to its standard output, and logs to its standard error. Its exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The arguments of a contender."""

    brokers: str
    prefix: str
    data_dir: Path
    partitions: int
    until: int | None
    events: str

    @property
    def group(self) -> str:
        return f"{self.prefix}bench"

    @property
    def alerts(self) -> str:
        return f"{self.prefix}alerts"

    @property
    def rows(self) -> str:
        return f"{self.prefix}rows"

    def arguments(self) -> list[str]:
        """The command line that `options` reads."""
        given = {
            "--brokers": self.brokers,
            "--prefix": self.prefix,
            "--data-dir": str(self.data_dir),
            "--partitions": str(self.partitions),
            "--events": self.events,
        }
        if self.until is not None:
            given["--until"] = str(self.until)
        return [word for pair in given.items() for word in pair]


@dataclass(frozen=True)
class Result:
    """What a contender did, from the first event handled to the last one's effects acknowledged and committed.

    `cpu_s` is that of the whole process and of its children, in user and system mode; `rows` is how many it has;
    `memory_growth_bytes` is by how much its resident memory grew.
    """

    events: int
    wall_s: float
    cpu_s: float
    alerts: int
    rows: int
    memory_growth_bytes: int

    @property
    def events_per_s(self) -> float:
        return self.events / self.wall_s

    @property
    def events_per_cpu_s(self) -> float:
        return self.events / self.cpu_s


class Meter:
    """Counts what a contender does, and the time and CPU it takes, from `begin` on."""

    def __init__(self) -> None:
        self.events = 0
        self.alerts = 0
        self._wall_s = 0.0
        self._cpu_s = 0.0
        self._memory_bytes = 0

    def begin(self) -> None:
        """To be called as the first event is handled."""
        self._memory_bytes = resident_bytes()
        self._wall_s = time.perf_counter()
        self._cpu_s = _cpu_s()

    def result(self, rows: int) -> Result:
        """What was done since."""
        if not self._wall_s:
            return Result(0, 0.0, 0.0, 0, rows, 0)
        wall_s = time.perf_counter() - self._wall_s
        cpu_s = _cpu_s() - self._cpu_s
        return Result(self.events, wall_s, cpu_s, self.alerts, rows, resident_bytes() - self._memory_bytes)


def options(description: str) -> Options:
    """The arguments that this process was given."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--brokers", required=True, help="host:port of a broker")
    parser.add_argument("--prefix", required=True, help="what the names of its topics and of its group begin with")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder for its files")
    parser.add_argument("--partitions", type=int, default=4, help="of each topic (default 4)")
    parser.add_argument("--until", type=int, help="end after that many events (default: on SIGTERM)")
    parser.add_argument("--events", help="topic of the events (default: the prefix and `events`)")
    given = parser.parse_args()
    return Options(
        given.brokers,
        given.prefix,
        given.data_dir,
        given.partitions,
        given.until,
        given.events or f"{given.prefix}events",
    )


def say_ready() -> None:
    """Print that this contender has its partitions and rows."""
    print(json.dumps({"event": "ready"}), flush=True)


def say_result(result: Result) -> None:
    """Print what it did."""
    print(json.dumps({"event": "result", **asdict(result)}), flush=True)


def resident_bytes(process: int | str = "self") -> int:
    """The memory of a process that is in use now, all its mappings; see proc(5)."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
