"""What a person sees who starts Mooring wrongly, and how it stops: a sentence and an exit code, no stack trace."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.services import ROOT, Services, free_port
from mooring.topics import Topics
from tests.brokers import Broker
from tests.end_to_end.conftest import provide

# Long enough for an import on a busy machine and the five seconds that a client waits for a broker.
_AT_MOST_S = 30


def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` to its end with these settings and no others."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environ | settings,
        capture_output=True,
        text=True,
        timeout=_AT_MOST_S,
        check=False,
    )


COMMANDS = [("streams", "worker"), ("streams", "topics"), ("web",)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_broker_that_is_not_there(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*command, MOORING_BROKERS=f"127.0.0.1:{free_port()}", MOORING_DATA_DIR=str(tmp_path))
    assert ended.returncode == 1
    assert "No Kafka broker answers at 127.0.0.1" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_misspelt_setting(command: tuple[str, ...]) -> None:
    ended = run(*command, MOORING_BROKER="localhost:9092")
    assert ended.returncode == 2
    assert "MOORING_BROKER " in ended.stderr
    assert "MOORING_BROKERS" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("command", "variable"),
    [(("streams", "worker"), "MOORING_WORKER_HTTP_PORT"), (("web",), "MOORING_HTTP_PORT")],
)
def test_a_port_that_is_taken(
    command: tuple[str, ...], variable: str, embedded_broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    provide(embedded_broker, topic_prefix)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = {
            "MOORING_BROKERS": embedded_broker.address,
            "MOORING_TOPIC_PREFIX": topic_prefix,
            "MOORING_DATA_DIR": str(tmp_path),
            variable: port,
        }
        ended = run(*command, **settings)
    assert ended.returncode == 1
    assert port in ended.stderr
    assert variable in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_topics_that_are_not_there(kafka_broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    settings = {
        "MOORING_BROKERS": kafka_broker.address,
        "MOORING_TOPIC_PREFIX": topic_prefix,
        "MOORING_DATA_DIR": str(tmp_path),
    }
    for command in (("streams", "worker"), ("web",)):
        ended = run(*command, **settings)
        assert ended.returncode == 1
        assert f"{topic_prefix}model-builds" in ended.stderr or f"{topic_prefix}version-metrics" in ended.stderr
        assert "python -m streams topics" in ended.stderr

    first = run("streams", "topics", **settings, MOORING_PARTITIONS="3")
    assert (first.returncode, first.stdout.count("created ")) == (0, len(list(Topics.named())))
    again = run("streams", "topics", **settings)
    assert (again.returncode, again.stdout.count("verified")) == (0, len(list(Topics.named())))
    assert "3 partitions" in again.stdout


@pytest.fixture
def running(embedded_broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Services]:
    provide(embedded_broker, topic_prefix)
    with Services(embedded_broker.address, tmp_path, topic_prefix=topic_prefix) as services:
        yield services


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_told_to_stop_both_end_in_good_order(running: Services, number: signal.Signals) -> None:
    for service in (running.web, running.worker):
        assert service is not None
        service.process.send_signal(number)
        assert service.process.wait(_AT_MOST_S) == 0, service.log.read_text()
        assert "Traceback" not in service.log.read_text()


def test_the_demo_plays_to_its_end_and_leaves_nothing(tmp_path: Path) -> None:
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "examples.demo", "--once"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for expected in ("WARNING", "CRITICAL", "coupon-redemption v1", "coupon-redemption v2", "drift alerts"):
        assert expected in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_stops_the_demo_and_all_that_it_started(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-u", "-m", "examples.demo", "--port", str(free_port())],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    printed = []
    for line in demo.stdout:
        printed.append(line)
        if "evaluated v1" in line:
            break
    os.killpg(demo.pid, signal.SIGINT)
    printed += demo.stdout
    demo.stdout.close()
    assert demo.wait(_AT_MOST_S) == 0, "".join(printed)
    assert "Traceback" not in "".join(printed)
    assert list(tmp_path.iterdir()) == []
    assert not processes_with(str(tmp_path))


def processes_with(text: str) -> list[str]:
    """Command lines of processes that have the text in their environment, once they have had a moment to end."""
    deadline = time.monotonic() + 5
    while True:
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if text.encode() in environ.read_bytes() and int(environ.parent.name) != os.getpid():
                    found.append((environ.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)
