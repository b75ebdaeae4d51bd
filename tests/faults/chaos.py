"""`make chaos MINUTES=…`: workers and broker fail at random under load, for as long as you like; then all is judged."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from tests.brokers import BrokerFailed, BrokerUnavailable
from tests.faults.broker import FaultyBroker
from tests.faults.judge import Report
from tests.faults.load import LoadFailed
from tests.faults.scene import Scene, scene
from tests.faults.workers import ServiceFailed

_PROGRESS_EVERY_S = 10.0
_SETTLE_TIMEOUT_S = 180.0
_SESSION_S = 6.0  # of a worker, in the consumer group


class Chaos:
    """Does one random thing after another to the workers and the broker of a scene, and counts."""

    def __init__(self, it: Scene, broker: FaultyBroker, random: Random, workers: int, console: Console) -> None:
        self.done: Counter[str] = Counter()
        self.ended_by_themselves: list[str] = []
        self.not_stopped: list[str] = []
        self._it = it
        self._broker = broker
        self._random = random
        self._slots = range(workers)
        self._console = console
        self._began = time.monotonic()
        self._told = self._began

    def run(self, until: float) -> None:
        """Go on until that time (of the monotonic clock). Raises LoadFailed where the load has failed."""
        while time.monotonic() < until and self._it.load.is_running:
            self._wait(self._random.uniform(1.0, 6.0))
            self._look_after_the_workers()
            what, act = self._next()
            self._say(what)
            act()
            self.done[what] += 1
        self._look_after_the_workers()
        if not self._it.workers.running:
            self._it.workers.start(0)

    def _next(self) -> tuple[str, Callable[[], None]]:
        workers, chance = self._it.workers, self._random.random()
        running = list(workers.running)
        free = [slot for slot in self._slots if slot not in running]
        if chance < 0.02:
            return "broker restarted", self._restart_broker
        if chance < 0.04:
            return "broker killed", lambda: self._broker.away(0)
        if chance < 0.06:
            away_s = self._random.uniform(2.0, 30.0)
            return "broker away", lambda: self._broker.away(away_s)
        if not running or (free and self._random.random() < 0.5):
            slot = self._random.choice(free)
            return "worker joins", lambda: workers.start(slot)
        slot = self._random.choice(running)
        if chance < 0.55:
            return "kill -9", lambda: workers.kill(slot)
        if chance < 0.90:
            return "worker leaves", lambda: self._stop(slot)
        return "worker sleeps", lambda: self._sleep(slot)

    def _restart_broker(self) -> None:
        self._broker.stop()
        self._broker.start()

    def _stop(self, slot: int) -> None:
        try:
            self._it.workers.stop(slot)
        except ServiceFailed as failed:
            self.not_stopped.append(str(failed))
            self._say(str(failed))

    def _sleep(self, slot: int) -> None:
        self._it.workers.pause(slot)
        self._wait(_SESSION_S * self._random.uniform(0.5, 2.0))
        self._it.workers.wake(slot)

    def _look_after_the_workers(self) -> None:
        for ended in self._it.workers.start_those_that_ended():
            self.ended_by_themselves.append(ended)
            self._say(ended)

    def _wait(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            time.sleep(min(left, 0.5))
            if time.monotonic() - self._told > _PROGRESS_EVERY_S:
                self._say("")

    def _say(self, what: str) -> None:
        self._told = time.monotonic()
        behind = sum(self._it.load.committed.behind(self._it.load.ends).values())
        self._console.print(
            f"{self._told - self._began:7.1f} s  {self._it.load.sent:9,} events  {behind:7,} not committed  "
            f"{len(self._it.workers.running)} workers  {what}",
            markup=False,
        )


def main() -> int:
    options = _options()
    console = Console(highlight=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="mooring-chaos-"))
    try:
        console.print("Starting Kafka ...")
        with (
            FaultyBroker(heap_mb=768) as broker,
            scene(
                broker,
                f"c{uuid4().hex[:8]}.",
                folder,
                seed=options.seed,
                per_second=options.rate,
                partitions=options.partitions,
            ) as it,
        ):
            it.begin(0)
            chaos = Chaos(it, broker, Random(options.seed), options.workers, console)
            chaos.run(time.monotonic() + options.minutes * 60)
            console.print("Letting it settle, and judging ...")
            report = it.end(settle_timeout_s=_SETTLE_TIMEOUT_S)
            report.not_stopped += chaos.not_stopped
    except (BrokerUnavailable, BrokerFailed, LoadFailed, ServiceFailed) as error:
        console.print(f"error: {error}\nThe workers' logs are in {folder}. {_again(options)}", markup=False)
        return 1
    console.print(_table(chaos, report, it))
    if report.faults or chaos.ended_by_themselves:
        console.print(f"{report}\nThe workers' logs are in {folder}.", markup=False)
    console.print(_again(options), markup=False)
    return 1 if report.faults else 0


def _table(chaos: Chaos, report: Report, it: Scene) -> Table:
    done = chaos.done
    membership = sum(done[what] for what in ("kill -9", "worker joins", "worker leaves", "worker sleeps"))
    stops = [stopped.took_s for stopped in it.workers.stops]
    rows: list[tuple[str, int | str]] = [
        ("kills (kill -9)", done["kill -9"]),
        ("changes of membership, kills included", membership),
        ("of these, sleeps (SIGSTOP, half to twice the session)", done["worker sleeps"]),
        ("broker restarted, killed, away", sum(done[what] for what in done if what.startswith("broker"))),
        ("workers that ended by themselves", len(chaos.ended_by_themselves)),
        ("slowest stop after SIGTERM", f"{max(stops, default=0):.1f} s"),
        ("events", report.events),
        ("alerts demanded", report.alerts_demanded),
        ("alerts found", report.alerts_found),
        ("repeats of alerts", report.repeats),
        ("lost alerts", len(report.lost)),
        ("differing rows", len(report.differing_rows)),
        ("lag", len(report.lag)),
    ]
    listed = {"lost", "differing_rows", "lag"}
    rows += [(name.replace("_", " "), len(found)) for name, found in report.faults.items() if name not in listed]
    table = Table(title="What happened, and what came of it", title_justify="left")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for what, count in rows:
        table.add_row(what, f"{count:,}" if isinstance(count, int) else count)
    return table


def _again(options: argparse.Namespace) -> str:
    return (
        f"Again: python -m tests.faults.chaos --minutes {options.minutes:g} --seed {options.seed} "
        f"--workers {options.workers} --partitions {options.partitions} --rate {options.rate:g}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description="Let workers and broker fail at random under load, then judge: nothing may be lost or wrong.",
        epilog="Examples: make chaos MINUTES=60 · make chaos MINUTES=10 ARGS='--workers 4 --partitions 12 --seed 7'. "
        "The seed decides the events and the faults, but not the instants at which these meet.",
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="for how long (default 5)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of events and faults (default: the time)")
    parser.add_argument("--workers", type=int, default=3, help="at most so many at the same time (default 3)")
    parser.add_argument("--partitions", type=int, default=4, help="of each topic (default 4)")
    parser.add_argument("--rate", type=float, default=300.0, help="events a second (default 300)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
