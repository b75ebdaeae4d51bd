"""What the worker counts, for Prometheus. Counts only: no value of an event is in it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Telemetry:
    """The worker's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.handled = Counter(
            "mooring_events_handled", "Events handled, refused ones included.", ["agent"], registry=self.registry
        )
        self.published = Counter(
            "mooring_records_published", "Records published, by topic.", ["topic"], registry=self.registry
        )
        self.refused = Counter(
            "mooring_dead_letters",
            "Input that went to the dead letters, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.alerts = Counter(
            "mooring_drift_alerts", "Drift alerts published, by severity.", ["severity"], registry=self.registry
        )
        self.ready = Gauge("mooring_worker_ready", "1 while the worker handles events.", registry=self.registry)
