"""`make bench-drift`: how long `mooring data-drift` takes for a million rows, and the peers for fewer."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from bench.report import machine
from tests.brokers import ROOT

PYTHON = ROOT / ".venv-drift" / "bin" / "python"
DOCUMENT = ROOT / "docs" / "data-drift.md"
BEGIN, END = "<!-- figures: written by make bench-drift -->", "<!-- end of figures -->"
SHIFT = 0.3
LIMIT_S = 300.0
# They would report their use, if there were a network.
SILENT = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Took:
    """Seconds, and the most memory of the process; neither where it did not end in time."""

    seconds: float | None
    peak_mb: float | None


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench-drift", description=__doc__, epilog="example: make bench-drift JSON=figures.json"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows: a try, not a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}")

    many, fewer = (100_000, 20_000) if given.quick else (1_000_000, 100_000)
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
        figures = {**_commands(Path(folder), many, say), **_side_by_side(Path(folder), fewer, many, say)}
    table = Table("what", "seconds", "memory, MB")
    rows = [
        (what, *(("-" if each is None else f"{each:,.1f}") for each in vars(took).values()))
        for what, took in figures.items()
    ]
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if given.json:
        content = {what: vars(took) for what, took in figures.items()}
        given.json.write_text(json.dumps({"machine": machine(), "figures": content}, indent=2) + "\n")
    if not given.quick:
        head = ["| what | seconds | most memory, MB |", "|---|---:|---:|"]
        lines = [
            BEGIN,
            "",
            f"`make bench-drift` on {machine()}.",
            "",
            *head,
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        DOCUMENT.write_text(before + "\n".join([*lines, "", END]) + rest.partition(END)[2])
        console.print(f"Written to {DOCUMENT.name}.")
    return 0


def _commands(folder: Path, n_rows: int, say: Say) -> dict[str, Took]:
    """The two commands on files, from the start of the process to its end."""
    say(f"Writing {n_rows:,} rows ...")
    before, after, text = folder / "before.parquet", folder / "after.parquet", folder / "after.csv"
    _write(before, n_rows, 1, 0.0)
    _write(after, n_rows, 2, SHIFT, text)
    kept, size = folder / "reference.json", f"{n_rows:,} x {len(pl.read_parquet_schema(before))}"
    found = {}
    for what, arguments in (
        (f"`mooring reference`, {size}, Parquet", ["reference", before, "-o", kept]),
        (f"`mooring data-drift`, {size}, Parquet", ["data-drift", after, "-r", kept]),
        (f"`mooring data-drift`, {size}, CSV", ["data-drift", text, "-r", kept]),
    ):
        program = "from mooring.cli import main; main()"
        found[what] = _took([sys.executable, "-c", program, *map(str, arguments)])
        say(f"{what}: {found[what]}")
    return found


def _side_by_side(folder: Path, n_rows: int, many: int, say: Say) -> dict[str, Took]:
    """Frames in memory, every measure of single columns that the other has, too; the largest that it is done with."""
    found = {}
    for size in (n_rows, many):
        before, after = folder / f"before-{size}.parquet", folder / f"after-{size}.parquet"
        _write(before, size, 1, 0.0)
        _write(after, size, 2, SHIFT)
        for who, command in (
            ("Mooring", [sys.executable, "-m", "bench.drift.ours"]),
            ("Mooring, with the domain classifier", [sys.executable, "-m", "bench.drift.ours", "--classifier"]),
            ("Evidently", [PYTHON, "bench/drift/peers.py", "evidently"]),
            ("NannyML", [PYTHON, "bench/drift/peers.py", "nannyml"]),
        ):
            what = f"{who}, {size:,} rows"
            found[what] = _answered([*map(str, command), str(before), str(after)])
            say(f"{what}: {found[what]}")
    return found


def _write(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "bench.drift.rows", *map(str, arguments)], cwd=ROOT, check=True)


def _took(command: Sequence[str]) -> Took:
    """By the operating system's count of the child."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    return Took(time.perf_counter() - began, usage.ru_maxrss / 1024)


def _answered(command: Sequence[str]) -> Took:
    """By the program's own clock, which begins when the frames are there."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **SILENT}, stdout=subprocess.PIPE, timeout=LIMIT_S, check=True
        )
    except subprocess.TimeoutExpired:
        return Took(None, None)
    document = json.loads(done.stdout.splitlines()[-1])
    return Took(document["seconds"], document["peak_mb"])


if __name__ == "__main__":
    sys.exit(main())
