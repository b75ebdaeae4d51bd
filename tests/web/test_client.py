"""The library's read client and `mooring versions`, in front of the real API."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from mooring import cli
from mooring.errors import RequestRefused
from mooring.keys import StoreKey, VersionKey
from mooring.metrics.catalogue import PredictionType
from mooring.outputs import Outcome
from mooring.registry import Item, Registry
from mooring.topics import Topics
from tests.web.conftest import app_over
from tests.web.feed import BUILT_AT, DAY_MS, Written, alert, dead_letter, outcome, version
from web import server
from web.changes import Changes
from web.queries import Queries

V1 = VersionKey("design-1", "COUPONS", "redemption/eu", "v1")


@pytest.fixture
def url(written: Written, queries: Queries, topics: Topics) -> Iterator[str]:
    """The API over some content, on a socket of its own."""
    fill(written)
    bound: socket.socket = server.bind("127.0.0.1", 0)
    running = uvicorn.Server(
        uvicorn.Config(app_over(queries, topics, Changes()), log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=running.run, args=([bound],))
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield server.url(bound)
    running.should_exit = True
    thread.join()


def fill(written: Written) -> None:
    topics = written.topics
    written.write(
        topics.version_metrics,
        version(str(V1), initial={"roc_auc": 0.87}, current={"roc_auc": 0.81}, active=True, labels={"team": "a=b"}),
        version("design-1/COUPONS/redemption%2Feu/v2", initial={"roc_auc": 0.9}, archived=True),
        version(
            "auto-eu/FRAUD/cards/v1",
            initial={"rmse": 2.0},
            current={"rmse": 3.5},
            prediction_type=PredictionType.REGRESSION,
            algorithm="ridge",
            evaluated_at=BUILT_AT + 5 * DAY_MS,
        ),
    )
    written.write(
        topics.evaluation_outcomes,
        *(outcome(str(V1), f"e{week}", evaluated_at=week, metrics={"roc_auc": week / 10}) for week in range(1, 5)),
        outcome(str(V1), "kept", evaluated_at=9, outcome=Outcome.NOT_SYNCED, metrics={}, drift={}, store_id="mine"),
    )
    written.write(topics.drift_alerts, alert(str(V1)), alert("auto-eu/FRAUD/cards/v1", metric="rmse", evaluated_at=7))
    written.write(topics.dead_letters, dead_letter(0), dead_letter(1, "wrong_key"))


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    with Registry(url) as registry:
        yield registry


Ask = Callable[[Registry], Iterator[Item]]

# What is asked, which field to look at, and what has to be there.
ANSWERS: dict[str, tuple[Ask, str, list[Any]]] = {
    "worst first": (lambda r: r.versions(sort="-degradation", node="design-1"), "version", ["v1", "v2"]),
    "focus": (lambda r: r.versions(focus="rmse", sort="-value", model="cards"), "value", [3.5]),
    "trend": (lambda r: r.versions(trend=3, active=True), "trend", [[0.2, 0.3, 0.4]]),
    "a list": (lambda r: r.versions(sort="node", project=("FRAUD", "X")), "project", ["FRAUD"]),
    "label": (lambda r: r.versions(label="team=a=b"), "version", ["v1"]),
    "archived": (lambda r: r.versions(archived=True), "version", ["v2"]),
    "prediction type": (lambda r: r.versions(prediction_type="REGRESSION"), "node", ["auto-eu"]),
    "evaluated": (lambda r: r.versions(from_=BUILT_AT + DAY_MS, to=BUILT_AT + 2 * DAY_MS), "version", ["v1"]),
    "value": (lambda r: r.versions(value=["roc_auc:0.8.."]), "version", ["v1"]),
    "drift": (lambda r: r.versions(drift="rmse:1.."), "project", ["FRAUD"]),
    "text": (lambda r: r.versions(q="ridge", severity=None), "algorithm", ["ridge"]),
    "history": (lambda r: r.history(V1, metric="roc_auc", from_=2, to=4), "event_id", ["e2", "e3"]),
    "evaluations": (lambda r: r.evaluations(str(V1), from_=4), "outcome", ["NOT_SYNCED", "CURRENT"]),
    "models": (lambda r: r.models(), "model", ["cards", "redemption/eu"]),
    "models of some": (lambda r: r.models(archived=True), "versions", [1]),
    "projects": (lambda r: r.projects(), "project", ["FRAUD", "COUPONS"]),
    "nodes": (lambda r: r.nodes(), "node", ["auto-eu", "design-1"]),
    "alerts": (lambda r: r.alerts(metric="rmse", to=8), "project", ["FRAUD"]),
    "alerts of a version": (lambda r: r.alerts(version=[str(V1)]), "metric", ["roc_auc"]),
    "stores": (lambda r: r.stores(project="COUPONS"), "store", ["mine", "weekly"]),
    "dead letters": (lambda r: r.dead_letters(reason="wrong_key"), "offset", [1]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_lists(registry: Registry, name: str) -> None:
    ask, field, expected = ANSWERS[name]
    assert [item[field] for item in ask(registry)] == expected


def test_single_ones(registry: Registry) -> None:
    assert registry.version(V1)["value"] == 0.81
    assert registry.version(str(V1), focus="lift")["value"] is None
    assert registry.store(StoreKey("design-1", "COUPONS", "mine"))["synced"] is True
    (letter, _) = registry.dead_letters()
    assert registry.dead_letter(letter["letter_id"])["message"] == letter["message"]
    assert next(registry.metrics())["code"] == "roc_auc"


READS: dict[str, Callable[[Registry, str], object]] = {
    "versions": lambda r, p: next(r.versions(at_least=p)),
    "version": lambda r, p: r.version(V1, at_least=p),
    "history": lambda r, p: next(r.history(V1, at_least=p)),
    "evaluations": lambda r, p: next(r.evaluations(V1, at_least=p)),
    "models": lambda r, p: next(r.models(at_least=p)),
    "projects": lambda r, p: next(r.projects(at_least=p)),
    "nodes": lambda r, p: next(r.nodes(at_least=p)),
    "metrics": lambda r, p: next(r.metrics(at_least=p)),
    "alerts": lambda r, p: next(r.alerts(at_least=p)),
    "stores": lambda r, p: next(r.stores(at_least=p)),
    "store": lambda r, p: r.store("design-1/COUPONS/mine", at_least=p),
    "dead letters": lambda r, p: next(r.dead_letters(at_least=p)),
    "dead letter": lambda r, p: r.dead_letter("a/b", at_least=p),
}


@pytest.mark.parametrize("name", READS)
def test_every_read_takes_the_position_of_a_write(registry: Registry, name: str) -> None:
    with pytest.raises(RequestRefused, match="nonsense' is no position"):
        READS[name](registry, "nonsense")


def test_what_the_service_refuses_is_raised(registry: Registry) -> None:
    with pytest.raises(RequestRefused, match="Known are roc_auc"):
        next(registry.versions(focus="rocauc"))
    with pytest.raises(RequestRefused, match=r"write code:low\.\.high"):
        next(registry.versions(value="roc_auc"))
    with pytest.raises(RequestRefused, match="There is no parameter 'flavour'"):
        next(registry.versions(flavour="sweet"))  # type: ignore[call-arg]
    with pytest.raises(RequestRefused, match="There is no model version n/p/m/none") as refused:
        registry.version("n/p/m/none")
    assert refused.value.status == 404


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `mooring versions` against the API; its exit code, output and errors."""
    for name in [name for name in os.environ if name.startswith("MOORING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOORING_URL", url)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["versions", *arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return command


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"redemption/eu v1", "redemption/eu v2", "cards v1"}),
        (["--project", "FRAUD", "--project", "X"], {"cards v1"}),
        (["--label", "team"], {"redemption/eu v1"}),
        (["--archived"], {"redemption/eu v2"}),
        (["--not-archived", "--node", "design-1"], {"redemption/eu v1"}),
        (["--prediction-type", "REGRESSION", "--algorithm", "ridge"], {"cards v1"}),
        (["--value", "roc_auc:0.8..", "--drift", "roc_auc:..-0.05"], {"redemption/eu v1"}),
        (["--from", "2025-11-05T00:00:00Z"], {"cards v1"}),
        (["--to", "2025-11-05T01:00:00+01:00", "--active"], {"redemption/eu v1"}),
        (["--search", "rid"], {"cards v1"}),
    ],
)
def test_versions_by_filters(run: Run, arguments: list[str], expected: set[str]) -> None:
    code, output, errors = run(*arguments, "--json")
    assert (code, errors) == (0, "")
    items = [json.loads(line) for line in output.splitlines()]
    assert {f"{item['model']} {item['version']}" for item in items} == expected


def test_a_trend_is_drawn(run: Run) -> None:
    code, output, _ = run("--trend", "4", "--sort", "-value")
    assert code == 0
    heading, first, *_ = output.splitlines()
    assert "Trend" in heading
    assert "▁▃▆█" in first
    assert "Trend" not in run()[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--value", "roc_auc"], "write code:low..high"),
        (["--at-least", "nonsense"], "is no position"),
        (["--sort", "age"], "Known are hierarchy"),
        (["--trend", "500"], "trend: "),
    ],
)
def test_wrong_use_is_told_in_a_sentence(run: Run, arguments: list[str], told: str) -> None:
    code, output, errors = run(*arguments)
    assert (code, output) == (2, "")
    assert told in errors
    assert errors.count("\n") == 1


def test_a_time_that_is_none(run: Run) -> None:
    code, _, errors = run("--from", "yesterday")
    assert code == 1
    assert "from: 'yesterday' is no time" in errors
