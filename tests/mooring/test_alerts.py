"""Drift alerts as the client hands them out."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Timer

import pytest
from kafka import KafkaProducer

from mooring import Mooring
from mooring.alerts import Alerts
from mooring.codec import encode
from mooring.connection import connection_settings
from mooring.errors import (
    InvalidEvent,
)
from mooring.outputs import DriftAlert
from mooring.topics import Topics
from tests.brokers import ROOT, Broker
from tests.mooring.samples import ALERT


@pytest.fixture
def alert(broker: Broker, topics: Topics) -> Iterator[Callable[[str], None]]:
    """Publishes an alert of that id, as the worker would; all in one partition."""
    producer = KafkaProducer(**connection_settings(broker.address))

    def publish(alert_id: str) -> None:
        value = encode(replace(ALERT, alert_id=alert_id))
        producer.send(topics.drift_alerts.name, value, key=b"k", partition=0).get(5)

    yield publish
    producer.close()


Publish = Callable[[str], None]


def ids(alerts: Alerts) -> list[str]:
    return [alert.alert_id for alert in alerts]


def test_alerts_from_now_on(client: Mooring, alert: Publish) -> None:
    alert("before")
    with client.alerts(timeout_s=5) as alerts:
        alert("after-1")
        alert("after-2")
        first = next(alerts)
        assert first == replace(ALERT, alert_id="after-1")
        assert isinstance(first, DriftAlert)
        assert next(alerts).alert_id == "after-2"


def test_alerts_from_the_beginning_to_the_end(client: Mooring, alert: Publish) -> None:
    assert ids(client.alerts(since="beginning", follow=False)) == []
    for number in range(3):
        alert(str(number))
    assert ids(client.alerts(since="beginning", follow=False)) == ["0", "1", "2"]
    assert ids(client.alerts(follow=False)) == []


def test_alerts_since_a_time(client: Mooring, alert: Publish) -> None:
    alert("old")
    time.sleep(0.05)
    moment = datetime.now(UTC)
    time.sleep(0.05)
    alert("new")
    assert ids(client.alerts(since=moment, follow=False)) == ["new"]
    assert ids(client.alerts(since=1, follow=False)) == ["old", "new"]
    assert ids(client.alerts(since=moment + timedelta(hours=1), follow=False)) == []


def test_alerts_end_after_a_while_without_any(client: Mooring, alert: Publish) -> None:
    start = time.monotonic()
    assert ids(client.alerts(timeout_s=0.3)) == []
    assert 0.3 <= time.monotonic() - start < 3


def test_an_alert_is_taken_when_the_next_is_asked_for(client: Mooring, alert: Publish) -> None:
    for number in range(4):
        alert(str(number))
    with client.alerts("group", timeout_s=20) as alerts:
        assert [next(alerts).alert_id for _ in range(3)] == ["0", "1", "2"]
    # 2 was handed out, and nothing more was asked for: it may not have been handled.
    with client.alerts("group", timeout_s=20) as alerts:
        assert [next(alerts).alert_id for _ in range(2)] == ["2", "3"]
        alerts.close()
        assert list(alerts) == []
    assert ids(client.alerts("group", follow=False, timeout_s=20)) == ["3"]


def test_a_group_may_start_now(client: Mooring, alert: Publish) -> None:
    alert("before")
    assert ids(client.alerts("late", since="now", timeout_s=5)) == []


def test_a_bad_since(client: Mooring) -> None:
    with pytest.raises(InvalidEvent, match="since"):
        client.alerts(since="yesterday")  # type: ignore[arg-type]
    with pytest.raises(InvalidEvent, match="since"):
        client.alerts("group", since=1)
    with pytest.raises(InvalidEvent, match="time zone"):
        client.alerts(since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_alert_that_cannot_be_read_does_not_stop_the_others(
    client: Mooring, alert: Publish, broker: Broker, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    producer = KafkaProducer(**connection_settings(broker.address))
    producer.send(topics.drift_alerts.name, b"rubbish", partition=0).get(5)
    producer.close()
    alert("good")
    assert ids(client.alerts(since="beginning", follow=False)) == ["good"]
    assert "passed over" in caplog.text


def test_closing_from_another_thread_ends_the_wait(client: Mooring) -> None:
    alerts = client.alerts()
    closer = Timer(0.3, alerts.close)
    closer.start()
    start = time.monotonic()
    assert list(alerts) == []
    assert time.monotonic() - start < 3
    closer.join()


def test_closing_the_client_ends_its_alerts(broker: Broker, topics: Topics, topic_prefix: str) -> None:
    with Mooring(broker.address, node="n", project="P", topic_prefix=topic_prefix) as mooring:
        alerts = mooring.alerts()
    assert list(alerts) == []


def test_an_alert_arrives_quickly(client: Mooring, alert: Publish) -> None:
    with client.alerts(timeout_s=5) as alerts:
        took = []
        for number in range(20):
            start = time.monotonic()
            alert(str(number))
            assert next(alerts).alert_id == str(number)
            took.append(time.monotonic() - start)
    assert sorted(took)[10] < 0.2


def test_ctrl_c_ends_the_wait(broker: Broker, topics: Topics, topic_prefix: str) -> None:
    program = f"""
        from mooring import Mooring
        with Mooring({broker.address!r}, node="n", project="P", topic_prefix={topic_prefix!r}) as mooring:
            try:
                alerts = mooring.alerts()
                print("waiting", flush=True)
                for alert in alerts:
                    pass
            except KeyboardInterrupt:
                print("stopped")
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.3)
    process.send_signal(2)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "stopped\n", "")
