"""The read client against a service that answers as the contract says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from mooring.errors import RequestRefused, ServiceUnavailable
from mooring.keys import VersionKey
from mooring.registry import Registry
from tests.mooring.samples import sample

PAGE = 2


class Service:
    """Some versions and alerts behind HTTP, two a page whatever the limit; remembers what it was asked."""

    def __init__(self) -> None:
        full = {
            "version_key": "automation-1/COUPONS/coupon-redemption/v1",
            "model": "coupon-redemption",
            "version": "v1",
            "active": True,
            "value": 0.8122,
            "initial": 0.8714,
            "drift": -0.0592,
            "severity": "WARNING",
            "state": "EVALUATED",
            "evaluated_at": 1_768_798_800_000,
        }
        unknown = dict.fromkeys(("value", "initial", "drift", "evaluated_at"))
        self.items: list[dict[str, Any]] = [
            full,
            {
                **full,
                **unknown,
                "version_key": "n/p/%5Bm%5D/a%20b",
                "model": "[m]",
                "version": "a b",
                "active": False,
                "severity": "NONE",
            },
            {**full, "version_key": "n/p/m/v3"},
        ]
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                asked = dict(parse_qsl(url.query))
                service.asked.append(asked)
                service.paths.append(url.path)
                status, document = service.answer(url.path, asked)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(document if isinstance(document, bytes) else json.dumps(document).encode())

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        if asked.get("focus") == "nonsense":
            return 400, {
                "title": "Bad request",
                "detail": "Unknown metric 'nonsense'; known are roc_auc.",
                "status": 400,
            }
        if path == "/api/v1/versions/n/p/m/gone":
            return 404, {"title": "Not found", "status": 404}
        if path == "/api/v1/versions/n/p/m/broken":
            return 502, b"<html>Bad gateway</html>"
        if path.startswith("/api/v1/versions/"):
            return 200, sample("VersionMetrics")
        start = int(asked.get("cursor", 0))
        following = start + PAGE if start + PAGE < len(self.items) else None
        cursor = None if following is None else str(following)
        return 200, {"items": self.items[start : start + PAGE], "next_cursor": cursor, "as_of": 0}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()


def test_versions_come_page_by_page(service: Service) -> None:
    with Registry(f"{service.url}/") as registry:
        found = registry.versions(focus="roc_auc", sort="drift", project="COUPONS", active=True, state=None)
        assert list(found) == service.items
    assert service.paths == ["/api/v1/versions"] * 2
    first, second = service.asked
    assert first == {"focus": "roc_auc", "sort": "drift", "project": "COUPONS", "active": "true", "limit": "500"}
    assert second == {**first, "cursor": "2"}


def test_one_version(service: Service) -> None:
    with Registry(service.url) as registry:
        found = registry.version(VersionKey("n", "p/q", "m", "a b"))
    assert found == sample("VersionMetrics")
    assert service.paths == ["/api/v1/versions/n/p%2Fq/m/a%20b"]


def test_alerts(service: Service) -> None:
    with Registry(service.url) as registry:
        assert len(list(registry.alerts(severity="CRITICAL", from_=5))) == len(service.items)
    assert service.paths[0] == "/api/v1/alerts"
    assert service.asked[0] == {"severity": "CRITICAL", "from": "5", "limit": "500"}


def test_refusals(service: Service) -> None:
    with Registry(service.url) as registry:
        with pytest.raises(RequestRefused, match="known are roc_auc") as refused:
            list(registry.versions(focus="nonsense"))
        assert refused.value.status == 400
        assert refused.value.problem["title"] == "Bad request"
        with pytest.raises(RequestRefused, match="Not found"):
            registry.version("n/p/m/gone")


def test_nobody_there(service: Service) -> None:
    with Registry("http://127.0.0.1:1") as registry, pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1:1"):
        next(registry.versions())
    with Registry(service.url) as registry, pytest.raises(ServiceUnavailable):
        registry.version("n/p/m/broken")
    with Registry("nonsense") as registry, pytest.raises(ServiceUnavailable):
        next(registry.versions())
