"""The command line: what it sends and prints, its exit codes, and that an error is one sentence."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from mooring import cli
from mooring.codec import decode, encode
from mooring.connection import connection_settings
from mooring.events import EvaluationRun, EvaluationStore, ModelBuild, Thresholds
from mooring.topics import Topic, Topics
from tests.brokers import ROOT, Broker
from tests.mooring.samples import ALERT, sample
from tests.mooring.test_registry import Service, service

__all__ = ["service"]  # a fixture

Read = Callable[[Topic[Any]], list[Any]]
Result = tuple[int, str, str]
Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command; its exit code, output and errors. No variables, no .env file."""
    for name in [name for name in os.environ if name.startswith("MOORING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = cli.run(list(arguments))
        output = capsys.readouterr()
        return code, output.out, output.err

    return command


@pytest.fixture
def reporting(run: Run, broker: Broker, topics: Topics, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run`, with the variables of a node that reports."""
    monkeypatch.setenv("MOORING_BROKERS", broker.address)
    monkeypatch.setenv("MOORING_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("MOORING_NODE", "design-1")
    monkeypatch.setenv("MOORING_PROJECT", "COUPONS")
    return run


def test_a_build_from_flags(reporting: Run, topics: Topics, consumers: Read) -> None:
    code, output, errors = reporting(
        *(
            "build",
            "--model",
            "redemption",
            "--version",
            "v1",
            "--prediction-type",
            "BINARY",
            "--activate",
            "--author",
            "Ines",
        ),
        *("--metric", "roc_auc=0.87", "-m", "custom=3", "--metric-std", "roc_auc=0.01"),
        *("--custom-metric", "custom:LOWER:Custom: lower", "--label", "a=b=c", "--n-positive", "600"),
        *("--built-at", "2026-01-05T07:00:00+01:00"),
    )
    assert (code, errors) == (0, "")
    (record,) = consumers(topics.model_builds)
    event = decode(record.value, ModelBuild)
    assert event.event_id in output
    assert "partition" in output
    assert event.metrics == {"roc_auc": 0.87, "custom": 3.0}
    assert event.metric_std == {"roc_auc": 0.01}
    assert (event.custom_metrics[0].label, event.custom_metrics[0].direction.value) == ("Custom: lower", "LOWER")
    assert (event.labels, event.n_positive, event.activate) == ({"a": "b=c"}, 600, True)
    assert (str(event.version), event.built_at) == ("design-1/COUPONS/redemption/v1", 1_767_592_800_000)


def test_an_example_as_a_file(reporting: Run, topics: Topics, consumers: Read, tmp_path: Path) -> None:
    """A full record of the schema's examples comes through as it is, with its own node and project."""
    for command, name, topic in (
        ("build", "ModelBuild", topics.model_builds),
        ("evaluation", "EvaluationRun", topics.evaluation_runs),
        ("store", "EvaluationStore", topics.evaluation_stores),
    ):
        document = tmp_path / "document.json"
        document.write_text(json.dumps(sample(name)), encoding="utf-8")
        code, output, errors = reporting(command, "--file", str(document), "--json")
        assert (code, errors) == (0, "")
        printed = json.loads(output)
        (record,) = consumers(topic)
        assert decode(record.value, topic.type).to_record() == sample(name)
        assert printed["event_id"] == sample(name)["event_id"]
        assert (printed["topic"], printed["partition"], printed["offset"]) == (topic.name, record.partition, 0)


def test_json_lines_from_standard_input(reporting: Run, topics: Topics, consumers: Read) -> None:
    line = {"model_id": "m", "version_id": "v", "store_id": "weekly", "metrics": {"roc_auc": 0.8}}
    lines = [{**line, "evaluated_at": f"2026-01-0{day}T00:00:00Z"} for day in (1, 2, 3)]
    code, output, _ = reporting("evaluation", "-f", "-", "--json", stdin="\n\n".join(map(json.dumps, lines)))
    assert code == 0
    assert len(output.splitlines()) == 3
    events = [decode(record.value, EvaluationRun) for record in consumers(topics.evaluation_runs)]
    assert [event.evaluated_at for event in events] == [1_767_225_600_000 + day * 86_400_000 for day in range(3)]
    assert len({event.evaluation_id for event in events}) == 3
    assert {event.model_project_key for event in events} == {"COUPONS"}

    code, output, _ = reporting("evaluation", "-f", "-", "--json", stdin=json.dumps(lines))
    assert (code, len(output.splitlines())) == (0, 3), "an array too"


def test_all_are_checked_before_the_first_is_sent(reporting: Run, topics: Topics, consumers: Read) -> None:
    good = {"model_id": "m", "version_id": "v", "store_id": "weekly", "metrics": {"roc_auc": 0.8}}
    bad = {**good, "metrics": {"roc_auc": 1.8}}
    code, output, errors = reporting("evaluation", "-f", "-", stdin=f"{json.dumps(good)}\n{json.dumps(bad)}")
    assert (code, output) == (1, "")
    assert "metrics.roc_auc" in errors
    assert consumers(topics.evaluation_runs) == []


def test_a_store(reporting: Run, topics: Topics, consumers: Read) -> None:
    code, _, errors = reporting(
        "store",
        "--store",
        "weekly",
        "--not-synced",
        "--threshold",
        "roc_auc:min=0.7,soft_min=0.8",
        "--threshold",
        "a:b:max=1",
    )
    assert (code, errors) == (0, "")
    (record,) = consumers(topics.evaluation_stores)
    event = decode(record.value, EvaluationStore)
    assert event.synced is False
    assert event.thresholds == {"roc_auc": Thresholds(min=0.7, soft_min=0.8), "a:b": Thresholds(max=1.0)}


@pytest.fixture
def alert(broker: Broker, topics: Topics) -> Iterator[Callable[[str], None]]:
    producer = KafkaProducer(**connection_settings(broker.address))

    def publish(alert_id: str) -> None:
        producer.send(topics.drift_alerts.name, encode(replace(ALERT, alert_id=alert_id)), partition=0).get(5)

    yield publish
    producer.close()


Publish = Callable[[str], None]


def test_past_alerts(reporting: Run, alert: Publish) -> None:
    assert reporting("alerts") == (0, "", "")
    alert("1")
    alert("2")
    code, output, errors = reporting("alerts", "--json")
    assert (code, errors) == (0, "")
    assert [json.loads(line)["alert_id"] for line in output.splitlines()] == ["1", "2"]
    assert json.loads(output.splitlines()[0]) == {**sample("DriftAlert"), "alert_id": "1"}

    code, output, _ = reporting("alerts")
    assert code == 0
    first, second = output.splitlines()
    assert first == second
    for part in ("2026-01-19 05:00:00Z", "WARNING", "COUPONS > coupon-redemption > v1 (active)", "ROC AUC", "-0.0592"):
        assert part in first
    assert "0.8714 -> 0.8122" in first


def test_alerts_since(reporting: Run, alert: Publish) -> None:
    alert("1")
    assert reporting("alerts", "--since", "2999-01-01T00:00:00Z")[:2] == (0, "")
    assert reporting("alerts", "--since", "now", "--follow", "--timeout-s", "0.2") == (0, "", "")
    assert len(reporting("alerts", "--since", "1")[1].splitlines()) == 1
    assert reporting("alerts", "--since", "yesterday")[0] == 1


def test_following_alerts_until_ctrl_c(broker: Broker, topics: Topics, topic_prefix: str, alert: Publish) -> None:
    follow = ["alerts", "--follow", "--since", "beginning", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from mooring.cli import main; main()", *follow],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MOORING_BROKERS": broker.address, "MOORING_TOPIC_PREFIX": topic_prefix},
    )
    try:
        assert process.stdout is not None
        for number in range(3):
            alert(str(number))
            assert json.loads(process.stdout.readline())["alert_id"] == str(number)
        process.send_signal(2)
        output, errors = process.communicate(timeout=10)
        assert (process.returncode, output, errors) == (0, "", "")
    finally:
        process.kill()


def test_a_reader_that_goes_away(broker: Broker, topics: Topics, topic_prefix: str, alert: Publish) -> None:
    for number in range(3):
        alert(str(number))
    command = f"{sys.executable} -c 'from mooring.cli import main; main()' alerts --json | head -n 1"
    result = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MOORING_BROKERS": broker.address, "MOORING_TOPIC_PREFIX": topic_prefix},
    )
    assert (len(result.stdout.splitlines()), result.stderr) == (1, "")


def test_versions(run: Run, service: Service) -> None:
    code, output, errors = run("versions", "--url", service.url)
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    assert len(lines) == 1 + len(service.items)
    assert lines[0].split()[:6] == ["Project", "Model", "Version", "Active", "ROC", "AUC"]
    for part in ("COUPONS", "coupon-redemption", "v1", "yes", "0.8122", "0.8714", "-0.0592", "WARNING"):
        assert part in lines[1]

    code, output, _ = run(
        "versions", "--url", service.url, "--json", "--focus", "log_loss", "--sort", "-drift", "--active"
    )
    assert code == 0
    assert [json.loads(line) for line in output.splitlines()] == service.items
    assert {"focus": "log_loss", "sort": "-drift", "active": "true"}.items() <= service.asked[-1].items()


OF_A_VERSION = ("--model", "m", "--version", "v")

BAD: dict[str, tuple[list[str], int, str]] = {
    "no command": ([], 2, "Missing command"),
    "unknown command": (["deploy"], 2, "No such command"),
    "unknown option": (["build", "--speed", "1"], 2, "--speed"),
    "nothing to report": (["build"], 2, "--file"),
    "no node": (["build", *OF_A_VERSION], 2, "MOORING_NODE"),
    "no project": (["build", *OF_A_VERSION, "--node", "n"], 2, "MOORING_PROJECT"),
    "file and flags": (["build", *OF_A_VERSION, "--file", "x.json"], 2, "model_id"),
    "no such file": (["build", "--file", "missing.json"], 2, "missing.json"),
    "a folder as a file": (["build", "--file", "."], 2, "."),
    "metric without a value": (["build", *OF_A_VERSION, "--metric", "roc_auc"], 2, "NAME=VALUE"),
    "metric that is no number": (["build", *OF_A_VERSION, "--metric", "roc_auc=high"], 2, "'high' is no number"),
    "count that is no number": (["build", *OF_A_VERSION, "--n-positive", "many"], 2, "--n-positive"),
    "metric out of range": (["build", *OF_A_VERSION, "--metric", "roc_auc=1.3"], 1, "metrics.roc_auc"),
    "metric is NaN": (["build", *OF_A_VERSION, "--metric", "roc_auc=nan"], 1, "metrics.roc_auc"),
    "no version": (["build", "--model", "m"], 1, "version_id: must be given"),
    "empty id": (["build", "--model", "", "--version", "v"], 1, "model_id: must not be empty"),
    "no store": (["evaluation", *OF_A_VERSION], 1, "store_id: must be given"),
    "unknown type": (["build", *OF_A_VERSION, "--prediction-type", "binary"], 1, "known are BINARY"),
    "naive time": (["build", *OF_A_VERSION, "--built-at", "2026-01-01"], 1, "time zone"),
    "a time that is none": (["build", *OF_A_VERSION, "--built-at", "today"], 1, "'today' is no time"),
    "unknown bound": (["store", "--store", "s", "--threshold", "f1:low=1"], 1, "thresholds.f1.low"),
    "bounds out of order": (["store", "--store", "s", "--threshold", "f1:min=0.9,max=0.1"], 1, "min <= soft_min"),
    "far future": (["build", *OF_A_VERSION, "--built-at", "2999-01-01T00:00:00Z"], 1, "built_at"),
    "no broker": (["alerts"], 3, "No Kafka broker answers at localhost:1"),
    "no broker for a report": (["store", "--store", "s"], 3, "No Kafka broker answers at localhost:1"),
    "no service": (["versions"], 3, "http://127.0.0.1:1"),
    "no address": (["versions", "--url", "nonsense"], 3, "nonsense"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_errors_are_one_sentence(run: Run, embedded_broker: Broker, name: str) -> None:
    arguments, code, part = BAD[name]
    if arguments[:1] in (["build"], ["evaluation"], ["store"]) and not name.startswith("no "):
        arguments = [*arguments, "--node", "n", "--project", "p"]
    if name in ("no version", "no store", "no broker for a report"):
        arguments = [*arguments, "--node", "n", "--project", "p"]
    if arguments[:1] in (["build"], ["evaluation"], ["store"], ["alerts"]):
        # What is refused is refused without a broker, except for what only sending finds out.
        arguments = [*arguments, "--brokers", embedded_broker.address if name == "far future" else "localhost:1"]
    if name == "no service":
        arguments = [*arguments, "--url", "http://127.0.0.1:1"]
    result, output, errors = run(*arguments)
    assert (result, output) == (code, "")
    assert part in errors
    assert errors.startswith("mooring: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "line 1 is no JSON"),
        ('{"model_id": "m"}\n{', "line 2 is no JSON"),
        ("[1]", "document 1 is no JSON object"),
        ('"text"', "document 1 is no JSON object"),
    ],
)
def test_texts_that_are_no_documents(run: Run, text: str, part: str) -> None:
    code, _, errors = run("build", "-f", "-", stdin=text)
    assert code == 2
    assert part in errors


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({"modelid": "m"}, "modelid: is no field of ModelBuild; did you mean model_id?"),
        ({"metrics": [1]}, "metrics: must be an object, not list"),
        ({"metrics": {"roc_auc": "0.8"}}, "metrics.roc_auc: must be a number"),
        ({"metrics": None}, "metrics: must be an object"),
        ({"custom_metrics": {"code": "a"}}, "custom_metrics: must be an array"),
        ({"custom_metrics": [{"label": "A"}]}, "custom_metrics.code: must be given"),
        ({"custom_metrics": [{"code": "a", "direction": "UP"}]}, "custom_metrics.direction: is 'UP'"),
        ({"activate": "true"}, "activate: must be True or False"),
        ({"built_at": "yesterday"}, "built_at: 'yesterday' is no time"),
        ({"built_at": 1.5}, "built_at: must be a whole number"),
        ({"labels": {"a": 1}}, "labels.a: must be text"),
        ({"event_id": None}, "event_id: must be text"),
    ],
)
def test_documents_that_are_refused(run: Run, document: dict[str, object], part: str) -> None:
    whole = {"model_id": "m", "version_id": "v", "node_id": "n", "project_key": "p", **document}
    code, _, errors = run("build", "-f", "-", "--brokers", "localhost:1", stdin=json.dumps(whole))
    assert code == 1
    assert part in errors


def test_an_unknown_variable_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_BROKER", "localhost:1")
    code, _, errors = run("alerts")
    assert code == 2
    assert "did you mean MOORING_BROKERS" in errors


def test_flags_come_before_variables_and_these_before_a_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("MOORING_BROKERS=localhost:2\n", encoding="utf-8")
    assert "localhost:2" in run("alerts")[2]
    monkeypatch.setenv("MOORING_BROKERS", "localhost:3")
    assert "localhost:3" in run("alerts")[2]
    assert "localhost:4" in run("alerts", "--brokers", "localhost:4")[2]


def test_a_defect_is_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("a\nb")

    monkeypatch.setattr(cli, "_settings", broken)
    assert run("alerts") == (1, "", "mooring: unexpected RuntimeError: a b\n")


@pytest.mark.parametrize("command", ["build", "evaluation", "store", "alerts", "versions"])
def test_help_has_examples(run: Run, command: str) -> None:
    code, output, _ = run(command, "--help")
    assert code == 0
    assert f"mooring {command} " in output.split("Options:")[0].replace("Usage: mooring", "")


def test_help_is_quick() -> None:
    start = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", "from mooring.cli import main; main()", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "MOORING_BROKERS" in result.stdout
    # It takes 0.2 s of an idle machine.
    assert time.monotonic() - start < 5
