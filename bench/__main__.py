"""`make bench`: run contenders against each other in rounds, print what comes out, write it where it was asked for."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import report
from bench.contenders import CONTENDERS, Arena, ContenderFailed
from bench.fill import FillFailed
from bench.measures import FULL, MEASURES, QUICK
from bench.worker import BenchFailed
from examples.services import ServiceFailed
from tests.brokers import BrokerFailed, BrokerUnavailable, KafkaBroker

_DESCRIPTION = """\
Measure the engine and its peers on a real Kafka of this machine, interleaved in rounds; medians count.
All of it takes about half an hour. Figures of one run belong together: machines are noisy.
"""
_EPILOG = """\
examples:
  make bench JSON=figures.json               everything, and docs/performance.md is rewritten
  make bench ARGS=--quick                    everything small, once: does it run at all?
  make bench ARGS='--only throughput quix aiokafka --rounds 1'

measures:
{measures}
contenders:
{contenders}
"""


def main() -> int:
    options = _options()
    # As an exception, so that the broker and the contenders are ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False, soft_wrap=True)
    try:
        console.print("Starting Kafka ...")
        with KafkaBroker(heap_mb=1024) as broker, tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
            return _bench(Arena(broker, Path(folder)), options, console)
    except (BrokerUnavailable, BrokerFailed) as error:
        console.print(f"[red]error:[/] {error}")
        return 1


def _bench(arena: Arena, options: argparse.Namespace, console: Console) -> int:
    measures = [each for each in MEASURES.values() if each.name in options.measures]
    sizes = QUICK if options.quick else FULL
    absent = {name: why for name in options.contenders if (why := CONTENDERS[name].absence())}
    notes = [f"{CONTENDERS[name].title} did not take part: {why}." for name, why in absent.items()]
    for note in notes:
        console.print(f"[yellow]{note}[/]")
    figures: dict[str, list[float]] = defaultdict(list)
    failures = 0
    started = time.monotonic()
    for number in range(1, options.rounds + 1):
        for measure in measures:
            for name in measure.contenders:
                if name not in options.contenders or name in absent or (measure.once and number > 1):
                    continue
                contender = CONTENDERS[name]
                where = f"{time.monotonic() - started:5.0f} s  round {number} of {options.rounds}"
                label = f"{where}  {measure.name}, {measure.title}: {contender.title}"
                try:
                    for figure, value in measure.run(arena, contender, sizes).items():
                        figures[f"{measure.name}.{name}.{figure}"].append(value)
                        label += f"  {figure} {value:,.1f}"
                    console.print(label)
                except (ContenderFailed, BenchFailed, FillFailed, ServiceFailed) as error:
                    # What the others took minutes to measure is not lost for this.
                    failures += 1
                    notes.append(f"{contender.title} failed in {measure.name}, round {number}.")
                    console.print(label, style="red", end=" failed: ")
                    console.print(str(error), markup=False)
    if not figures:
        console.print("[red]error:[/] nothing was measured")
        return 1
    _conclude(figures, notes, options, console, complete=not failures)
    return 1 if failures else 0


def _conclude(
    figures: dict[str, list[float]], notes: list[str], options: argparse.Namespace, console: Console, *, complete: bool
) -> None:
    middle = report.medians(figures)
    console.print(_table(middle))
    if left_out := report.missing(middle):
        notes.append(f"Not told, for want of what it needs: {', '.join(left_out)}.")
        if not options.only:
            console.print(f"[yellow]{notes[-1]}[/]")
    if options.json:
        options.json.write_text(report.as_json(figures, notes))
        console.print(f"Written to {options.json}.")
    if options.partial or not complete:
        console.print(f"{report.DOCUMENT.name} is left as it is: this was not a whole run.")
    else:
        section = report.section(figures, notes, "make bench")
        report.DOCUMENT.write_text(report.rewritten(report.DOCUMENT.read_text(), section))
        console.print(f"Written to {report.DOCUMENT.name}.")


def _table(middle: dict[str, float]) -> Table:
    table = Table(title="Medians, and what they come to", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for values in (middle, report.headline(middle)):
        for name, value in values.items():
            table.add_row(name, f"{value:,.2f}")
        table.add_section()
    return table


def _options() -> argparse.Namespace:
    epilog = _EPILOG.format(
        measures="\n".join(
            f"  {each.name:<24}{each.title}: {', '.join(each.contenders)}" for each in MEASURES.values()
        ),
        contenders="\n".join(f"  {each.name:<24}{each.title}" for each in CONTENDERS.values()),
    )
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=_DESCRIPTION,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured (default 3, with --quick 1)")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these measures, these contenders")
    parser.add_argument("--quick", action="store_true", help="small and once: a try, not a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    given = parser.parse_args()
    if unknown := [name for name in given.only if name not in {*MEASURES, *CONTENDERS}]:
        parser.error(f"nothing is called {' or '.join(unknown)}; --help names all measures and contenders")
    if given.rounds is not None and given.rounds < 1:
        parser.error("--rounds has to be 1 at least")
    given.partial = bool(given.only or given.quick)
    given.rounds = given.rounds or (1 if given.quick else 3)
    given.measures = [name for name in given.only if name in MEASURES] or list(MEASURES)
    given.contenders = [name for name in given.only if name in CONTENDERS] or list(CONTENDERS)
    return given


if __name__ == "__main__":
    sys.exit(main())
