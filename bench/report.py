"""What the figures come to: medians, the ratios that were asked for, and the section of docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.contenders import CONTENDERS, PEERS_PYTHON
from bench.measures import MEASURES
from tests.brokers import POM, ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"

# Every figure by its name: measure, contender, figure.
_OVER = {
    "throughput_vs_quix": ("throughput.engine.", "throughput.quix."),
    "throughput_vs_quix_50k_keys": ("throughput_50k_keys.engine.", "throughput_50k_keys.quix."),
    "throughput_vs_quix_1m_keys": ("throughput_1m_keys.engine.", "throughput_1m_keys.quix."),
    "throughput_vs_stock_faust": ("throughput.engine.", "throughput.stock_faust."),
    "throughput_vs_aiokafka": ("throughput.engine.", "throughput.aiokafka."),
    "throughput_mooring_vs_engine": ("throughput_mooring.mooring.", "throughput.engine."),
}
_PACES = {"": "events_per_cpu_s", "_wall": "events_per_s"}
RATIOS = {
    f"{name}{suffix}": (above + pace, below + pace)
    for name, (above, below) in _OVER.items()
    for suffix, pace in _PACES.items()
} | {
    "alert_p50_vs_echo": ("latency.engine.alert_p50_ms", "latency.echo.alert_p50_ms"),
    "alert_p99_vs_echo": ("latency.engine.alert_p99_ms", "latency.echo.alert_p99_ms"),
    "restart_changelog_vs_raw": ("restart.engine.rows_per_s", "restart.raw_read.rows_per_s"),
    "cpu_two_workers_vs_one": (
        "two_workers.engine.cpu_us_per_event_of_two",
        "two_workers.engine.cpu_us_per_event_of_one",
    ),
}
PLAIN = {
    "alert_p99_under_replay_ms": "latency_under_replay.engine.alert_p99_ms",
    "row_public_p99_ms": "latency.engine.row_p99_ms",
    "restart_store_s": "restart.engine.store_s",
    "bytes_per_row": "throughput_1m_keys.engine.bytes_per_row",
    "soak_growth_bytes_per_hour": "soak.engine.growth_bytes_per_hour",
}
_PACKAGES = ("faust-streaming", "aiokafka", "kafka-python", "fastavro", "uvloop")
_PEER_PACKAGES = ("quixstreams", "rocksdict", "confluent-kafka", "fastavro")


def medians(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each figure over the rounds."""
    return {name: statistics.median(values) for name, values in figures.items()}


def headline(middle: Mapping[str, float]) -> dict[str, float]:
    """The figures that targets are set for, as far as what they need was measured."""
    ratios = {
        name: middle[above] / middle[below]
        for name, (above, below) in RATIOS.items()
        if above in middle and below in middle
    }
    return ratios | {name: middle[source] for name, source in PLAIN.items() if source in middle}


def missing(middle: Mapping[str, float]) -> list[str]:
    """The names of the headline that could not be told."""
    there = headline(middle)
    return [name for name in (*RATIOS, *PLAIN) if name not in there]


def machine() -> str:
    """What it ran on, in a line."""
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({processor}), {memory_gb:.0f} GB of memory, {platform.system()} {platform.machine()}"
    )


def versions() -> dict[str, str]:
    """Of what takes part."""
    there = {
        "python": platform.python_version(),
        "kafka": POM.read_text().partition("<kafka.version>")[2].partition("</kafka.version>")[0],
    } | {name: version(name) for name in _PACKAGES}
    if PEERS_PYTHON.exists():
        asking = f"from importlib.metadata import version; print(*map(version, {_PEER_PACKAGES}))"
        answer = subprocess.run([PEERS_PYTHON, "-c", asking], capture_output=True, text=True, check=True)
        there |= zip((f"peer {name}" for name in _PEER_PACKAGES), answer.stdout.split(), strict=True)
    return there


def as_json(figures: Mapping[str, Sequence[float]], notes: Iterable[str]) -> str:
    """Headline first, by the names that targets have; then what it was made of."""
    middle = medians(figures)
    content: dict[str, object] = {name: _rounded(value) for name, value in headline(middle).items()}
    content |= {
        "medians": {name: _rounded(value) for name, value in middle.items()},
        "rounds": {name: [_rounded(value) for value in values] for name, values in figures.items()},
        "machine": machine(),
        "versions": versions(),
        "notes": list(notes),
    }
    return json.dumps(content, indent=2) + "\n"


def section(figures: Mapping[str, Sequence[float]], notes: Sequence[str], repeat: str) -> str:
    """The tables as Markdown, between their two marks."""
    middle = medians(figures)
    rounds = max(len(values) for values in figures.values())
    lines = [
        BEGIN,
        "",
        f"Medians of {rounds} interleaved rounds (`{repeat}`) on {machine()}.",
        "Versions: " + ", ".join(f"{name} {number}" for name, number in versions().items()) + ".",
        "",
        "| measure | who | figure | value |",
        "|---|---|---|---:|",
        *(f"| {' | '.join(_described(name))} | {_written(value)} |" for name, value in middle.items()),
        "",
    ]
    if there := headline(middle):
        lines += ["| target's name | value |", "|---|---:|"]
        lines += [f"| {name} | {_written(value)} |" for name, value in there.items()]
        lines += [""]
    lines += [f"- {note}" for note in notes]
    lines += [""] * bool(notes) + [END]
    return "\n".join(lines)


def rewritten(document: str, new_section: str) -> str:
    """The document with its marked section replaced. Raises ValueError where a mark is missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the document has no section between {BEGIN!r} and {END!r}")
    return before + new_section + after


def _described(name: str) -> tuple[str, str, str]:
    measure, contender, figure = name.split(".")
    return MEASURES[measure].title, CONTENDERS[contender].title, figure.replace("_", " ")


def _rounded(value: float) -> float:
    return round(value, 4 if abs(value) < 100 else 1)


def _written(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
