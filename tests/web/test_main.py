"""`python -m web` as a program: what it says when it cannot start, and how it stops."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mooring.topics import Topics
from tests.brokers import ROOT, Broker
from tests.web.feed import Feed, version
from tests.web.program import WebView, stop


@pytest.fixture
def feed(embedded_broker: Broker, topic_prefix: str) -> Feed:
    return Feed(embedded_broker, topic_prefix)


def ended(view: WebView) -> tuple[int, str]:
    process = view.start()
    try:
        code = process.wait(15)
    finally:
        stop(process)
    return code, view.output()


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"BROKERS": "127.0.0.1:1"}, 1, "No Kafka broker answers at 127.0.0.1:1"),
        ({"HTTP_HOST": "no.such.host.invalid"}, 1, "MOORING_HTTP_HOST"),
        ({"BROKRES": "localhost:9092"}, 2, "did you mean MOORING_BROKERS"),
        ({"HTTP_PORT": "80800"}, 2, "MOORING_HTTP_PORT"),
        ({"LOG_FORMAT": "xml"}, 2, "MOORING_LOG_FORMAT"),
    ],
)
def test_what_keeps_it_from_starting_is_told_in_a_sentence(
    tmp_path: Path, settings: dict[str, str], code: int, said: str
) -> None:
    ended_with, output = ended(WebView(tmp_path, **settings))
    assert ended_with == code
    assert said in output
    assert "Traceback" not in output
    assert len(output.strip().splitlines()) == 1


def test_missing_topics(tmp_path: Path, embedded_broker: Broker, topic_prefix: str) -> None:
    code, output = ended(WebView(tmp_path, BROKERS=embedded_broker.address, TOPIC_PREFIX=topic_prefix))
    assert code == 1
    assert Topics.named(topic_prefix).version_metrics.name in output
    assert "python -m streams topics" in output


def test_a_port_in_use(tmp_path: Path, embedded_broker: Broker) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, output = ended(WebView(tmp_path, BROKERS=embedded_broker.address, HTTP_PORT=port))
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}: address already in use" in output
    assert "Traceback" not in output


@pytest.mark.usefixtures("feed")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_whoever_is_connected(
    tmp_path: Path, embedded_broker: Broker, topic_prefix: str, sent: signal.Signals
) -> None:
    view = WebView(tmp_path, BROKERS=embedded_broker.address, TOPIC_PREFIX=topic_prefix)
    with view:
        assert httpx.get(f"{view.url}/health/live").status_code == 200
        with httpx.stream("GET", f"{view.url}/api/v1/alerts/stream", timeout=10) as stream:
            lines = stream.iter_lines()
            next(lines)
            process = view._process
            assert process is not None
            process.send_signal(sent)
            process.wait(3)
    folder = tmp_path / "data" / "web"
    assert sorted(path.name for path in folder.iterdir()) == ["registry.sqlite3", "registry.sqlite3.lock"]


def test_it_serves_what_the_topics_have(tmp_path: Path, feed: Feed, embedded_broker: Broker, topic_prefix: str) -> None:
    feed.send(feed.topics.version_metrics, version("n/p/m%2F1/v", current={"roc_auc": 0.5}))
    with WebView(tmp_path, BROKERS=embedded_broker.address, TOPIC_PREFIX=topic_prefix, LOG_FORMAT="json") as view:
        assert json.loads(view.output().splitlines()[-1]) == {"event": "ready", "url": view.url}
        for _ in range(100):
            if httpx.get(f"{view.url}/health/ready").status_code == 200:
                break
        assert httpx.get(f"{view.url}/api/v1/versions/n/p/m%2F1/v").json()["value"] == 0.5
        assert httpx.get(f"{view.url}/api/nothing").headers["content-type"] == "application/problem+json"
        page = httpx.get(view.url)
        assert page.status_code == 200
        assert "set-cookie" not in page.headers


def test_help_has_examples() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "web", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "python -m web" in shown
    assert "examples:" in shown
    assert "MOORING_BROKERS" in shown
