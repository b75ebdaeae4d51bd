"""A contender that is absent, ends, or says the wrong thing is told from one that did its work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contenders import CONTENDERS, Contender, ContenderFailed, Running
from bench.program import Meter, Options, Result


@contextmanager
def running(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    (folder / "some_contender.py").write_text(f"import json, os, sys\nfrom bench.program import *\n{program}\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    given = Options("127.0.0.1:9", "p.", folder, 4, 10, "p.events")
    process = Running(Contender("some", "some_contender", "Some contender"), given, folder / "log")
    try:
        yield process
    finally:
        process.kill()


def test_it_is_given_its_arguments_and_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "given = options('a test')\n"
        "say_ready()\n"
        "say_result(Result(given.until, 2.0, 1.0, given.partitions, len(given.group), 0))"
    )
    with running(program, tmp_path, monkeypatch) as process:
        assert process.wait_until_ready() > 0
        result = process.result()
    assert result == Result(10, 2.0, 1.0, 4, len("p.bench"), 0)
    assert (result.events_per_s, result.events_per_cpu_s) == (5.0, 10.0)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("sys.exit('no Kafka here')", "ended without saying 'ready'.*\n.*no Kafka here"),
        ("print(json.dumps({'event': 'result'}))", "instead of 'ready'"),
    ],
)
def test_it_fails_with_the_end_of_its_log(
    program: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(program, tmp_path, monkeypatch) as process, pytest.raises(ContenderFailed, match=reason):
        process.wait_until_ready()


def test_a_result_counts_only_with_exit_code_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "say_ready()\nsay_result(Meter().result(0))\nsys.exit(4)"
    with running(program, tmp_path, monkeypatch) as process:
        process.wait_until_ready()
        with pytest.raises(ContenderFailed, match="ended with 4"):
            process.result()


def test_absence_is_told_by_its_reason() -> None:
    here = CONTENDERS["aiokafka"]
    assert here.absence() is None
    assert replace(here, module="bench.nowhere").absence() == "bench.nowhere is not there"
    elsewhere = replace(here, python=Path(sys.prefix) / "nowhere" / "python")
    assert "`make bench` makes it" in str(elsewhere.absence())


def test_a_meter_counts_from_the_first_event_on() -> None:
    meter = Meter()
    assert meter.result(rows=0) == Result(0, 0.0, 0.0, 0, 0, 0)
    meter.begin()
    meter.events += 2
    sum(range(100_000))
    result = meter.result(rows=1)
    assert (result.events, result.rows) == (2, 1)
    assert result.cpu_s > 0
    assert result.wall_s > 0
