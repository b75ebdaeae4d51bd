"""The stream of alerts: over a real connection, resumed exactly after `Last-Event-ID`."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn

from mooring.outputs import DriftAlert
from mooring.topics import Topics
from tests.web.conftest import app_over
from tests.web.feed import Written, alert
from web import server
from web.api import alert_stream
from web.changes import Changes
from web.queries import Queries

PARTITIONS = 2


@dataclass(frozen=True)
class Event:
    """What a reader gets: id, name and data; None for the first, which only has an id."""

    id: str
    name: str | None
    data: dict[str, Any] | None  # Any: JSON

    @property
    def cause(self) -> str:
        assert self.data is not None
        cause: str = self.data["caused_by"]
        return cause


@dataclass
class Service:
    """The API on a socket of its own, fed by hand."""

    url: str
    written: Written
    changes: Changes

    def tell(self, *alerts: DriftAlert) -> None:
        topic = self.written.topics.drift_alerts
        self.written.write(topic, *alerts, partition=lambda each: len(each.project_key) % PARTITIONS)
        self.changes.publish()

    def events(self, last: str | None = None, **parameters: str) -> Iterator[Event]:
        headers = {"Last-Event-ID": last} if last is not None else {}
        url = f"{self.url}/api/v1/alerts/stream"
        with httpx.stream("GET", url, headers=headers, params=parameters, timeout=10) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if line and name:
                    fields[name] = value
                elif "id" in fields:
                    data = json.loads(fields["data"]) if "data" in fields else None
                    yield Event(fields["id"], fields.get("event"), data)
                    fields = {}


@pytest.fixture
def service(written: Written, queries: Queries, topics: Topics) -> Iterator[Service]:
    changes = Changes()
    app = app_over(queries, topics, changes)
    bound: socket.socket = server.bind("127.0.0.1", 0)
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, args=([bound],))
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield Service(server.url(bound), written, changes)
    changes.closed = True
    changes.publish()
    running.should_exit = True
    thread.join()


def some(count: int, start: int = 0) -> list[DriftAlert]:
    """Alerts of two projects, which lie in different partitions."""
    return [
        alert(f"n/{'ab' if number % 2 else 'abc'}/m/v", f"event-{number}") for number in range(start, start + count)
    ]


def causes(events: Iterator[Event], count: int) -> list[str]:
    return [next(events).cause for _ in range(count)]


def test_alerts_come_as_they_are_raised(service: Service) -> None:
    service.tell(*some(3))
    events = service.events()
    first = next(events)
    assert first.data is None, "those of before are not told"
    service.tell(*some(2, start=3))
    told = [next(events), next(events)]
    assert [each.name for each in told] == ["alert", "alert"]
    assert sorted(each.cause for each in told) == ["event-3", "event-4"]
    assert told[0].data
    assert told[0].data["degradation"] == 0.06


def test_it_resumes_with_nothing_lost_and_nothing_twice(service: Service) -> None:
    reader = service.events()
    last = next(reader).id
    seen = []
    for number in range(0, 12, 4):
        service.tell(*some(4, start=number))
        # Reads three of four, and is cut off.
        for _ in range(3):
            event = next(reader)
            seen.append(event.cause)
            last = event.id
        reader.close()  # type: ignore[attr-defined]  # it is a generator
        reader = service.events(last)
        assert next(reader).data is None
    seen += causes(reader, 3)
    assert sorted(seen) == sorted(f"event-{number}" for number in range(12))
    service.tell(*some(1, start=12))
    assert causes(reader, 1) == ["event-12"]


def test_a_reader_that_was_told_nothing_misses_nothing(service: Service) -> None:
    last = next(service.events()).id
    service.tell(*some(3))
    events = service.events(last)
    assert next(events).data is None
    assert sorted(causes(events, 3)) == ["event-0", "event-1", "event-2"]


def test_an_alert_told_again_by_a_worker_is_not_told_again_here(service: Service) -> None:
    events = service.events()
    next(events)
    service.tell(*some(2))
    service.tell(*some(3))
    assert sorted(causes(events, 3)) == ["event-0", "event-1", "event-2"]


def test_filters(service: Service) -> None:
    events = service.events(project="ab")
    next(events)
    service.tell(*some(4))
    assert causes(events, 2) == ["event-1", "event-3"]


def test_heartbeats(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_stream, "HEARTBEAT_S", 0.1)
    with httpx.stream("GET", f"{service.url}/api/v1/alerts/stream", timeout=5) as answer:
        assert any(line.startswith(":") for line in answer.iter_lines())


@pytest.mark.parametrize("last", ["yesterday", "1:2,", "1:2;3:4", "-1:2"])
def test_an_id_that_is_none(service: Service, last: str) -> None:
    answer = httpx.get(f"{service.url}/api/v1/alerts/stream", headers={"Last-Event-ID": last})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:mooring:problem:invalid-event-id"
