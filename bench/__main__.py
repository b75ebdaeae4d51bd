"""`make bench`: measure, print a table, and with JSON=<file> write the figures."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.worker import BenchFailed, Latency, Throughput, latency, throughput
from tests.brokers import BrokerFailed, BrokerUnavailable, KafkaBroker


def main() -> int:
    options = _options()
    console = Console(highlight=False)
    try:
        console.print("Starting Kafka ...")
        with KafkaBroker() as broker, tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
            console.print(f"Handling {options.events:,} events that wait in Kafka ...")
            speed = throughput(broker, Path(folder), events=options.events)
            console.print(f"Following {options.alerts:,} evaluations, {options.rate:g} a second, to their alerts ...")
            delay = latency(broker, Path(folder), evaluations=options.alerts, per_second=options.rate)
    except (BrokerUnavailable, BrokerFailed, BenchFailed) as error:
        console.print(f"[red]error:[/] {error}")
        return 1
    console.print(_table(speed, delay))
    if options.json:
        figures = {**asdict(speed), **asdict(delay), "python": platform.python_version(), "machine": _machine()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
        console.print(f"Written to {options.json}.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Measure the whole worker on a real Kafka of this machine.",
        epilog="Examples: make bench · make bench JSON=figures.json · make bench ARGS='--events 100000'",
    )
    parser.add_argument("--events", type=int, default=20_000, help="builds and evaluations (default 20,000)")
    parser.add_argument("--alerts", type=int, default=1_000, help="evaluations whose alerts are timed (default 1,000)")
    parser.add_argument("--rate", type=float, default=100.0, help="of those, a second (default 100)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def _table(speed: Throughput, delay: Latency) -> Table:
    table = Table(title=f"Mooring's worker, {_machine()}, Python {platform.python_version()}", title_justify="left")
    table.add_column("measure")
    table.add_column("figure", justify="right")
    rows = (
        ("events handled, 1 round in 10 with alerts", f"{speed.events:,}"),
        ("bytes an event, with 12 metrics", f"{speed.bytes_per_event:.0f}"),
        ("events a second", f"{speed.events_per_s:,.0f}"),
        ("events a second of the worker's CPU", f"{speed.events_per_cpu_s:,.0f}"),
        ("evaluation sent to alert received, p50", f"{delay.alert_p50_ms:.1f} ms"),
        ("the same, p99", f"{delay.alert_p99_ms:.1f} ms"),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
