"""`make bench-web`: build the replica of a large registry from Kafka, ask, and write how long it took."""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.fill import FillFailed, fill
from bench.report import machine
from bench.web import mlflow
from bench.web.load import AnswerWrong, Reader, percentile
from bench.web.registry import Size, evaluations, versions
from bench.web.view import MeasuredView, ViewFailed
from mooring.topics import Topics
from streams.provision import provide_topics
from tests.brokers import PARTITIONS, ROOT, BrokerFailed, BrokerUnavailable, KafkaBroker

DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- web figures: written by make bench-web -->", "<!-- end of web figures -->"
FULL = Size(1_000_000, 10_000_000)
QUICK = Size(20_000, 100_000)
# As many as MLflow is filled with.
PEER_VERSIONS = 50_000
QUICK_PEER_VERSIONS = 5_000
_QUESTIONS, _QUICK_QUESTIONS = 1_000, 100
_PAINTS = 5
_TIMES_TOLD = 10

TITLES = {
    "page_p99_ms": "a page of 50, any sort key, any one filter: p99, ms",
    "page_two_filters_p99_ms": "the same with any two filters: p99, ms",
    "version_p99_ms": "one version with all metrics: p99, ms",
    "history_p99_ms": "a version's history: p99, ms",
    "search_p99_ms": "text search, worst drift first: p99, ms",
    "first_paint_ms": "the registry page's first paint in Chromium, ms",
    "first_rows_ms": "the same, until its rows are there, ms",
    "web_rss_mb": "most memory of the web process, MB",
    "replica_versions_per_s": "replica built from the topics: versions a second",
    "replica_evaluations_per_s": "the same: evaluations a second",
    "mlflow_search_vs_ours": "MLflow's search over ours, median, at 50,000 versions",
}


def main() -> int:
    options = _options()
    # As an exception, so that the broker and the web view are ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}")

    try:
        say("Starting Kafka ...")
        with KafkaBroker(heap_mb=1024) as broker, tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
            figures, more = _measure(broker.address, Path(folder), options, say)
    except (BrokerUnavailable, BrokerFailed, FillFailed, ViewFailed, AnswerWrong, mlflow.MlflowFailed) as error:
        console.print(f"[red]error:[/] {error}")
        return 1
    _conclude(figures, more, options, console)
    return 0


def _measure(
    brokers: str, folder: Path, options: argparse.Namespace, say: Callable[[str], None]
) -> tuple[dict[str, float], dict[str, float]]:
    """The figures by the names of the targets, and further ones."""
    size: Size = options.size
    figures: dict[str, float] = {}
    more: dict[str, float] = {"versions": size.versions, "evaluations": size.evaluations}
    topics = Topics.named("registry.")
    provide_topics(brokers, topics, PARTITIONS, replication=1)
    say(f"Filling Kafka with {size.versions:,} versions ...")
    fill(brokers, topics.version_metrics.name, _told(versions(size.versions), size.versions, say))
    view = MeasuredView(folder, brokers, "registry.")
    with view:
        figures["replica_versions_per_s"] = view.records_per_s(size.versions)
    say(f"{figures['replica_versions_per_s']:,.0f} versions a second. Filling in {size.evaluations:,} evaluations ...")
    fill(brokers, topics.evaluation_outcomes.name, _told(evaluations(size), size.evaluations, say))
    with view:
        figures["replica_evaluations_per_s"] = view.records_per_s(size.evaluations)
        more["web_rss_mb_while_building"] = view.peak_mb()
    say(f"{figures['replica_evaluations_per_s']:,.0f} evaluations a second. Asking ...")
    with view:
        reader = Reader(view.url, size.versions)
        reader.pages(20, filters=1)  # the first ones open connections
        asked = {
            "page": reader.pages(options.questions, filters=1),
            "page_two_filters": reader.pages(options.questions, filters=2),
            "version": reader.one(options.questions),
            "history": reader.histories(options.questions),
            "search": reader.searches(options.questions),
        }
        reader.close()
        for name, took in asked.items():
            figures[f"{name}_p99_ms"], more[f"{name}_p50_ms"] = percentile(took, 99), percentile(took, 50)
            say(f"{name}: p50 {percentile(took, 50):.1f} ms, p99 {percentile(took, 99):.1f} ms")
        figures["first_paint_ms"], figures["first_rows_ms"] = view.first_paints_ms(_PAINTS)
        figures["web_rss_mb"] = view.peak_mb()
    if options.mlflow:
        figures |= _beside_mlflow(brokers, folder, options, more, say)
    return figures, more


def _told(
    records: Iterable[tuple[bytes, bytes]], count: int, say: Callable[[str], None]
) -> Iterator[tuple[bytes, bytes]]:
    """The records; says at each tenth of them how far it is."""
    for number, record in enumerate(records, 1):
        yield record
        if number % max(1, count // _TIMES_TOLD) == 0 and number < count:
            say(f"… {number:,} of {count:,}")


def _beside_mlflow(
    brokers: str, folder: Path, options: argparse.Namespace, more: dict[str, float], say: Callable[[str], None]
) -> dict[str, float]:
    count: int = options.peer_versions
    say(f"Filling MLflow and another view with {count:,} versions ...")
    topics = Topics.named("peer.")
    provide_topics(brokers, topics, PARTITIONS, replication=1)
    fill(brokers, topics.version_metrics.name, versions(count))
    beside = folder / "peer"
    beside.mkdir()
    view = MeasuredView(beside, brokers, "peer.")
    ours, theirs = [], []
    with view, mlflow.server(beside, count) as url:
        view.wait_until_read(count)
        for their_question, our_question in mlflow.questions(options.questions, count):
            asked = {"max_results": 50, **their_question}
            theirs.append(mlflow.took_ms(url, "/api/2.0/mlflow/model-versions/search", asked))
            ours.append(mlflow.took_ms(view.url, "/api/v1/versions", {"limit": 50, **our_question}))
    for name, took in (("mlflow", theirs), ("ours_beside_mlflow", ours)):
        more[f"{name}_p50_ms"], more[f"{name}_p99_ms"] = percentile(took, 50), percentile(took, 99)
    return {"mlflow_search_vs_ours": statistics.median(theirs) / statistics.median(ours)}


def _conclude(figures: dict[str, float], more: dict[str, float], options: argparse.Namespace, console: Console) -> None:
    table = Table()
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in (figures | more).items():
        table.add_row(TITLES.get(name, name), f"{value:,.1f}")
    console.print(table)
    if options.json:
        content = {name: round(value, 2) for name, value in (figures | more).items()} | {"machine": machine()}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
        console.print(f"Written to {options.json}.")
    if options.size is FULL and len(figures) == len(TITLES):
        rows = [f"| {TITLES[name]} | {name} | {figures[name]:,.1f} |" for name in TITLES]
        rows += [f"| | {name} | {value:,.1f} |" for name, value in more.items()]
        section = [BEGIN, "", f"`make bench-web` on {machine()}.", "", "| what | figure | value |", "|---|---|---:|"]
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(before + "\n".join([*section, *rows, "", END]) + after)
        console.print(f"Written to {DOCUMENT.name}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-web",
        description=__doc__,
        epilog="examples: make bench-web JSON=figures.json · make bench-web ARGS=--quick",
    )
    parser.add_argument("--quick", action="store_true", help="small: a try, not a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    given = parser.parse_args()
    given.size = QUICK if given.quick else FULL
    given.questions = _QUICK_QUESTIONS if given.quick else _QUESTIONS
    given.peer_versions = QUICK_PEER_VERSIONS if given.quick else PEER_VERSIONS
    given.mlflow = mlflow.PROGRAM.exists()
    return given


if __name__ == "__main__":
    sys.exit(main())
