"""Mooring's worker with Mooring's events (12 metrics, every rule checked): its pace, and how long an alert takes."""

from __future__ import annotations

import os
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from kafka import KafkaConsumer, TopicPartition

from bench.program import Result, resident_bytes
from examples.services import Service, Services, wait_until
from mooring import Mooring
from mooring.connection import connection_settings
from mooring.events import EvaluationRun
from mooring.topics import Topics
from streams.provision import provide_topics
from tests.brokers import PARTITIONS, KafkaBroker

_PROJECTS = 40
_VERSIONS = 1_000
_ALERT_EVERY = 10
_TIMEOUT_S = 300.0
_ALERTS_TIMEOUT_S = 30.0
_CODES = (
    "roc_auc", "accuracy", "precision", "recall", "f1", "log_loss", "average_precision", "cost_matrix_gain",
    "calibration_loss", "lift", "data_drift", "prediction_drift",
)  # fmt: skip


@dataclass(frozen=True)
class Latency:
    """From the client's `evaluated(…)` to the alert in a subscriber's hands."""

    alert_p50_ms: float
    alert_p99_ms: float


class BenchFailed(Exception):
    """The worker did not do what was to be measured."""


def throughput(broker: KafkaBroker, folder: Path, *, events: int) -> Result:
    """Let one worker, just started, handle events that lie in Kafka already: one in ten makes an alert.

    Counted from the first outcome on, so that starting up is not.
    """
    prefix = _new_topics(broker)
    topics = Topics.named(prefix)
    _report(broker, prefix, events)
    outcomes, alerts = topics.evaluation_outcomes.name, topics.drift_alerts.name
    services = Services(broker.address, folder, topic_prefix=prefix)
    worker = services.start_worker()
    try:
        pid = worker.process.pid
        wait_until(lambda: _there(worker, broker, outcomes, 1), _TIMEOUT_S, BenchFailed)
        begun, cpu_begun, memory_begun = time.perf_counter(), _cpu_s(pid), resident_bytes(pid)
        handled_before, alerts_before = _count(broker, outcomes), _count(broker, alerts)
        wait_until(lambda: _there(worker, broker, outcomes, events - _VERSIONS), _TIMEOUT_S, BenchFailed)
        handled, made = events - _VERSIONS - handled_before, _count(broker, alerts) - alerts_before
        took_s, cpu_took_s = time.perf_counter() - begun, _cpu_s(pid) - cpu_begun
        grown = resident_bytes(pid) - memory_begun
    finally:
        worker.stop()
    return Result(handled, took_s, cpu_took_s, made, _VERSIONS, grown)


def latency(broker: KafkaBroker, folder: Path, *, evaluations: int, per_second: float) -> Latency:
    """Send evaluations at a steady pace, each of which causes an alert, and time each to its alert."""
    prefix = _new_topics(broker)
    services = Services(broker.address, folder, topic_prefix=prefix)
    worker = services.start_worker()
    sent: dict[str, float] = {}
    took_ms: list[float] = []
    try:
        worker.wait_until_ready()
        with (
            Mooring(broker.address, node="bench", project="latency", topic_prefix=prefix) as mooring,
            mooring.alerts(since="beginning") as alerts,
        ):
            mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
            mooring.flush()

            def receive() -> None:
                for alert in alerts:
                    took_ms.append((time.perf_counter() - sent[alert.evaluation_id]) * 1000)
                    if len(took_ms) == evaluations:
                        return

            receiver = threading.Thread(target=receive, daemon=True)
            receiver.start()
            started = time.perf_counter()
            for number in range(evaluations):
                time.sleep(max(0.0, started + number / per_second - time.perf_counter()))
                # Ids and times in the order of sending: two evaluations of one millisecond would else be decided by id.
                name = f"{number:08}"
                sent[name] = time.perf_counter()
                mooring.evaluated(
                    "m",
                    "1",
                    store="s",
                    evaluation=name,
                    evaluated_at=number,
                    metrics={"roc_auc": 0.5 + number % 97 / 1000},
                )
            mooring.flush()
            receiver.join(_ALERTS_TIMEOUT_S)
            if len(took_ms) < evaluations:
                raise BenchFailed(f"Only {len(took_ms)} of {evaluations} alerts came within {_ALERTS_TIMEOUT_S:.0f} s.")
    finally:
        worker.stop()
    cuts = statistics.quantiles(took_ms, n=100)
    return Latency(cuts[49], cuts[98])


def _new_topics(broker: KafkaBroker) -> str:
    prefix = f"b{uuid4().hex[:8]}."
    provide_topics(broker.address, Topics.named(prefix), PARTITIONS, replication=1)
    return prefix


def _report(broker: KafkaBroker, prefix: str, events: int) -> None:
    """Builds of all versions, then evaluations of them in rounds; the ROC AUC of a version moves with every tenth."""
    values = {code: 0.5 + index / 100 for index, code in enumerate(_CODES)}
    clients = [
        Mooring(broker.address, node="bench", project=f"project {number}", topic_prefix=prefix)
        for number in range(_PROJECTS)
    ]
    now = int(time.time() * 1000)
    for number in range(_VERSIONS):
        clients[number % _PROJECTS].model_built(
            f"model {number}", "1", prediction_type="BINARY", metrics=values, built_at=now - events - 1
        )
    for number in range(events - _VERSIONS):
        version = number % _VERSIONS
        # A round is an evaluation of every version. In each round it is the turn of other versions to move.
        moved = (number // _VERSIONS + version % _ALERT_EVERY) // _ALERT_EVERY
        event = EvaluationRun(
            event_id=f"event {number}",
            node_id="bench",
            project_key=f"project {version % _PROJECTS}",
            model_project_key=f"project {version % _PROJECTS}",
            store_id="store",
            evaluation_id=f"evaluation {number}",
            model_id=f"model {version}",
            version_id="1",
            evaluated_at=now - events + number,
            recorded_at=now,
            metrics=values | {"roc_auc": 0.5 + (moved % 100) / 1000, "accuracy": 0.5 + number % 100 / 1000},
        )
        clients[version % _PROJECTS].report(event)
    for client in clients:
        client.close()


def _there(worker: Service, broker: KafkaBroker, topic: str, records: int) -> bool:
    """Whether a topic has that many records. Raises ServiceFailed where the worker has ended: no more will come."""
    if worker.process.poll() is not None:
        raise worker.failed("ended")
    return _count(broker, topic) >= records


def _count(broker: KafkaBroker, topic: str) -> int:
    """How many records a topic has."""
    consumer = KafkaConsumer(**connection_settings(broker.address))
    try:
        ends = consumer.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])
        return sum(ends.values())
    finally:
        consumer.close()


def _cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used, all its threads, in user and system mode; see proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
