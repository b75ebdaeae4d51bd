"""For operations, outside /api/v1: is it alive, is it ready, and its Prometheus metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from web.problems import Problem, Refusal
from web.queries import Queries
from web.replica import ReplicaState

# A broker that is away for less is not worth taking the view out of service: what it shows is hardly older.
STALE_AFTER_S = 30.0


class Health(BaseModel):
    """That all is well, and how old the data are."""

    status: str = "ok"
    as_of: int | None = None
    behind: int = 0


def not_ready(state: ReplicaState, now_ms: int) -> str | None:
    """Why the view should not be asked now, in a sentence; None where it may be."""
    if not state.caught_up_once:
        return state.trouble or f"The replica is catching up: {state.behind:,} records to read."
    if state.trouble is not None and (now_ms - (state.checked_at or 0)) > STALE_AFTER_S * 1000:
        return state.trouble
    return None


def router(queries: Queries, state: Callable[[], ReplicaState], unreadable: Callable[[], int]) -> APIRouter:
    api = APIRouter(tags=["operations"])
    registry = CollectorRegistry()
    registry.register(_Figures(queries, state, unreadable))
    ProcessCollector(registry=registry)

    @api.get("/health/live", summary="Whether the process answers")
    async def live() -> Health:
        return _health(state())

    @api.get(
        "/health/ready",
        summary="Whether the data are complete and fresh",
        responses={503: {"model": Problem, "description": "Why it is not ready"}},
    )
    async def ready() -> Health:
        now = state()
        if (reason := not_ready(now, time.time_ns() // 1_000_000)) is not None:
            raise Refusal(503, "not-ready", reason)
        return _health(now)

    @api.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return api


class _Figures(Collector):
    def __init__(self, queries: Queries, state: Callable[[], ReplicaState], unreadable: Callable[[], int]) -> None:
        self._queries = queries
        self._state = state
        self._unreadable = unreadable

    def describe(self) -> list[Metric]:
        """None beforehand: to register must not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        state = self._state()
        yield GaugeMetricFamily(
            "mooring_web_versions", "Model versions in the registry.", value=self._queries.versions.count()
        )
        alerts = GaugeMetricFamily("mooring_web_alerts", "Drift alerts known.", labels=["severity"])
        for severity, count in self._queries.alerts.counts().items():
            alerts.add_metric([severity], count)
        yield alerts
        letters = GaugeMetricFamily("mooring_web_dead_letters", "Dead letters known.", labels=["reason"])
        for reason, count in self._queries.dead_letters.counts().items():
            letters.add_metric([reason], count)
        yield letters
        yield GaugeMetricFamily(
            "mooring_web_replica_behind_records", "Records that the replica has yet to read.", value=state.behind
        )
        if state.as_of is not None:
            age_s = max(0.0, time.time() - state.as_of / 1000)
            yield GaugeMetricFamily(
                "mooring_web_replica_age_seconds", "Time since the replica was known to be complete.", value=age_s
            )
        yield GaugeMetricFamily(
            "mooring_web_replica_connected", "1 while the broker answers.", value=float(state.trouble is None)
        )
        yield CounterMetricFamily(
            "mooring_web_replica_records", "Records that the replica has read since its start.", value=state.records
        )
        yield CounterMetricFamily(
            "mooring_web_replica_unreadable", "Records among them that could not be read.", value=self._unreadable()
        )


def _health(state: ReplicaState) -> Health:
    return Health(as_of=state.as_of, behind=state.behind)
