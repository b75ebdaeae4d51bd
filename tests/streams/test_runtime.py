"""The runtime: what becomes of a batch, of bad input in it, and of handlers and machines that fail.

The order in which effects are made safe is the engine's: tests/streams/engine/test_checkpoint.py.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import ConsumerRecord
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from agents import AGENTS
from mooring.codec import MAX_VALUE_BYTES, decode, encode
from mooring.events import CustomMetric, Event
from mooring.keys import VersionKey
from mooring.outputs import DeadLetter, DriftAlert, VersionMetrics
from streams.agent import AnyAgent
from streams.app import build_app
from streams.engine.batch import Batch
from streams.provision import Layout
from streams.quarantine import Quarantine, TooMuchBadInput
from streams.runtime import Runtime
from streams.settings import Settings
from streams.severity import Policy
from streams.tables import Tables, Work
from streams.telemetry import Telemetry
from tests.brokers import ROOT
from tests.streams.registry import TOPICS, agent_of, bytes_of, empty_tables
from tests.streams.strategies import V1, build, evaluation

PARTITION = TP("test.topic", 2)
BUILDS, EVALUATIONS = agent_of(build()), agent_of(evaluation())


@dataclass
class Worker:
    """A runtime, and all that it does."""

    limit: float = 1.0
    published: list[tuple[TP, bytes | None, bytes]] = field(default_factory=list)
    tables: Tables = field(default_factory=lambda: empty_tables(Policy()))
    telemetry: Telemetry = field(default_factory=Telemetry)

    def __post_init__(self) -> None:
        self.runtime = Runtime(
            self.tables,
            TOPICS,
            Policy(),
            lambda partition, key, value, _: self.published.append((partition, key, value)),
            self.telemetry,
            Quarantine(self.limit),
            None,
        )

    def handle(self, agent: AnyAgent, *values: Event | bytes, first: int = 0, **changes: Any) -> None:
        """Handle a batch of these values."""
        self.runtime.handle(agent, batch(*values, first=first, **changes))

    def letters(self) -> list[DeadLetter]:
        return [decode(value, DeadLetter) for value in self.published_to("dead-letters")]

    def alerts(self) -> list[DriftAlert]:
        return [decode(value, DriftAlert) for value in self.published_to("drift-alerts")]

    def published_to(self, topic: str) -> list[bytes]:
        return [value for partition, _, value in self.published if partition.topic == f"test.{topic}"]

    def row(self) -> VersionMetrics | None:
        """V1 as its topic will have it."""
        value = bytes_of(self.tables.versions).get(str(V1).encode())
        return None if value is None else decode(value, VersionMetrics)


def batch(*values: Event | bytes, first: int = 0, **changes: Any) -> Batch:
    """The values as Kafka delivers them. Any: fields of the records, where they should differ."""
    fields = {"timestamp": 9_000, "key": b"ci/COUPONS", "headers": (("by", b"\xff"),)} | changes
    return Batch(
        PARTITION,
        [
            ConsumerRecord(
                topic=PARTITION.topic,
                partition=PARTITION.partition,
                offset=offset,
                value=value if isinstance(value, bytes) else encode(value),
                timestamp_type=0,
                checksum=None,
                serialized_key_size=0,
                serialized_value_size=0,
                **fields,
            )
            for offset, value in enumerate(values, first)
        ],
    )


def test_the_next_event_of_a_project_finds_the_rows_of_the_one_before() -> None:
    """Within a batch, and from another agent."""
    worker = Worker()
    worker.handle(EVALUATIONS, evaluation("run-1", 2_000))
    worker.handle(BUILDS, build())
    worker.handle(
        EVALUATIONS,
        evaluation("run-2", 2_001, metrics={"roc_auc": 0.8}),
        evaluation("run-3", 2_002, metrics={"roc_auc": 0.79}),
    )
    assert [(alert.caused_by, alert.previous) for alert in worker.alerts()] == [
        ("build-1", None),
        ("run-2", 0.81),
        ("run-3", 0.8),
    ]
    row = worker.row()
    assert row is not None
    assert (row.initial, row.current) == ({"roc_auc": 0.87}, {"roc_auc": 0.79})


def test_what_is_published_goes_to_the_partition_of_the_project_under_its_version() -> None:
    worker = Worker()
    worker.handle(EVALUATIONS, evaluation())
    ((partition, key, _),) = worker.published
    assert (partition, key) == (TP("test.evaluation-outcomes", 2), str(V1).encode())


# Rule 10


def test_bad_input_goes_to_the_dead_letters_and_the_batch_goes_on() -> None:
    worker = Worker()
    worker.handle(BUILDS, b"no event", build(), first=5)
    (letter,) = worker.letters()
    assert (letter.reason, letter.value, letter.key) == ("undecodable", b"no event", b"ci/COUPONS")
    assert (letter.topic, letter.partition, letter.offset) == ("test.topic", 2, 5)
    assert letter.headers == {"by": b"\xff"}
    assert worker.row() is not None
    assert worker.telemetry.registry.get_sample_value("mooring_dead_letters_total", {"reason": "undecodable"}) == 1.0


@pytest.mark.parametrize(("timestamp", "reasons"), [(10_000, []), (9_900, ["dated_in_the_future"]), (-1, [])])
def test_the_time_of_the_record_decides_what_lies_in_the_future(timestamp: int, reasons: list[str]) -> None:
    """-1: the broker keeps no time of the record."""
    worker = Worker()
    worker.handle(BUILDS, build(at=3_610_000), timestamp=timestamp)
    assert [letter.reason for letter in worker.letters()] == reasons


def test_more_bad_input_than_the_limit_stops_the_worker() -> None:
    worker = Worker(limit=0.5)
    worker.handle(EVALUATIONS, *[evaluation()] * 100, *[b"no event"] * 100)
    with pytest.raises(TooMuchBadInput, match="101 of the last 201 records were refused, the last one for 'undecod"):
        worker.handle(EVALUATIONS, b"no event", first=200)


def test_below_the_limit_it_goes_on_for_ever() -> None:
    worker = Worker(limit=0.5)
    for _ in range(20):
        pairs: list[Event | bytes] = [evaluation(), b"no event"] * 100
        worker.handle(EVALUATIONS, *pairs)
    assert len(worker.letters()) == 2_000


@given(st.lists(st.integers(0, 1_200) | st.none(), max_size=12))
def test_records_that_were_fine_count_the_same_together_as_one_by_one(arrivals: list[int | None]) -> None:
    """None: one was refused."""
    together, one_by_one = Quarantine(0.002), Quarantine(0.002)

    def told(quarantine: Quarantine, *, at_once: bool) -> list[str]:
        stops = []
        for arrived in arrivals:
            try:
                if arrived is None:
                    quarantine.refused("undecodable")
                elif at_once:
                    quarantine.taken(arrived)
                else:
                    for _ in range(arrived):
                        quarantine.taken()
            except TooMuchBadInput as stop:
                stops.append(str(stop))
        return stops

    assert told(together, at_once=True) == told(one_by_one, at_once=False)


def test_a_few_bad_records_say_nothing() -> None:
    worker = Worker(limit=0.01)
    worker.handle(EVALUATIONS, *[b"no event"] * 99)
    assert len(worker.letters()) == 99


# Handlers and machines that fail


class Handler:
    """The handler of evaluations, which raises some of the times after all its work."""

    def __init__(self, *raises: Exception | None) -> None:
        self._raises = list(raises)

    def __call__(self, event: Any, work: Work) -> None:
        EVALUATIONS.handle(event, work)
        assert work.records
        if self._raises and (error := self._raises.pop(0)) is not None:
            raise error

    @property
    def agent(self) -> AnyAgent:
        return replace(EVALUATIONS, handle=self)


def test_a_handler_that_raises_once_handles_the_event_the_second_time() -> None:
    worker = Worker()
    worker.handle(BUILDS, build())
    worker.handle(Handler(ZeroDivisionError("a bad moment")).agent, evaluation(), evaluation("run-2", 2_001))
    assert worker.letters() == []
    assert len(worker.published_to("evaluation-outcomes")) == 2
    assert [alert.caused_by for alert in worker.alerts()] == ["run-1"]


def test_a_handler_that_raises_twice_has_none_of_its_work_applied_and_the_batch_goes_on() -> None:
    """Removed, `work.apply()` after the `except` in `Runtime._handle`, this fails."""
    worker = Worker()
    worker.handle(BUILDS, build())
    failing = Handler(None, ZeroDivisionError("always"), ZeroDivisionError("always"))
    events = [evaluation(f"run-{n}", 2_000 + n, metrics={"roc_auc": 0.8 - n / 100}) for n in range(3)]
    worker.handle(failing.agent, *events, first=7)
    assert [(letter.offset, letter.reason) for letter in worker.letters()] == [(8, "handler_failed")]
    assert [alert.caused_by for alert in worker.alerts()] == ["run-0", "run-2"]
    assert [alert.previous for alert in worker.alerts()] == [0.87, 0.8]
    assert len(worker.published_to("evaluation-outcomes")) == 2


def test_an_event_whose_row_would_be_too_large_is_refused_and_the_batch_goes_on() -> None:
    """Each event is small enough. Their row is not, and would stop the worker at every checkpoint."""

    def wide(part: int) -> Event:
        codes = [f"{part}-{n:03}-" + "m" * 240 for n in range(1_000)]
        return evaluation(
            f"run-{part}",
            metrics=dict.fromkeys(codes, 0.5),
            custom_metrics=tuple(CustomMetric(code=code) for code in codes),
        )

    worker = Worker()
    worker.handle(EVALUATIONS, wide(1), wide(2), evaluation(), first=1)
    assert [(letter.offset, letter.reason) for letter in worker.letters()] == [(2, "too_large")]
    row = worker.row()
    assert row is not None
    assert (len(row.current), row.current["roc_auc"]) == (1_001, 0.81)


def test_a_machine_that_fails_is_no_bad_input() -> None:
    """The event is not in the dead letters: it comes again after the restart."""
    worker = Worker()
    with pytest.raises(OSError, match="no space left"):
        worker.handle(Handler(OSError("no space left on device")).agent, evaluation(), evaluation())
    assert worker.published == []


def test_the_producer_takes_every_record_that_the_codec_makes(tmp_path: Path) -> None:
    """One that the broker refuses stops the worker, at every start: the largest value under the longest key."""
    longest = VersionKey(*["\u00e9" * 127] * 4)

    async def limit() -> int:
        app = build_app(Settings(data_dir=tmp_path), Layout(partitions=4), tmp_path).app
        return int(app.conf.producer_max_batch_size)

    record = DefaultRecordBatchBuilder.estimate_size_in_bytes(str(longest).encode(), b"x" * MAX_VALUE_BYTES, [])
    # Kafka's own limit of a batch.
    assert max(record, asyncio.run(limit())) <= 1_048_588


# What is counted and logged


def test_counts_are_of_events_records_and_alerts() -> None:
    worker = Worker()
    worker.handle(BUILDS, build())
    worker.handle(EVALUATIONS, evaluation(), evaluation())
    count = worker.telemetry.registry.get_sample_value
    assert count("mooring_events_handled_total", {"agent": "builds"}) == 1.0
    assert count("mooring_events_handled_total", {"agent": "evaluations"}) == 2.0
    assert count("mooring_records_published_total", {"topic": "test.evaluation-outcomes"}) == 2.0
    assert count("mooring_drift_alerts_total", {"severity": "CRITICAL"}) == 1.0


def test_what_was_published_before_the_worker_stops_is_counted() -> None:
    worker = Worker(limit=0.5)
    with pytest.raises(TooMuchBadInput):
        worker.handle(EVALUATIONS, *[evaluation()] * 60, *[b"no event"] * 61)
    count = worker.telemetry.registry.get_sample_value
    assert count("mooring_records_published_total", {"topic": "test.evaluation-outcomes"}) == 60.0
    assert count("mooring_records_published_total", {"topic": "test.dead-letters"}) == 61.0
    assert count("mooring_dead_letters_total", {"reason": "undecodable"}) == 61.0


def test_every_agent_has_its_topic() -> None:
    assert {agent.topic(TOPICS).name for agent in AGENTS} == {topic.name for topic in TOPICS.inputs}


FAILING = """
import structlog
from streams.logs import set_up_logs
set_up_logs({form!r}, "info")
def handle(values):
    raise RuntimeError("it failed")
try:
    handle({{"roc_auc": 0.123456789}})
except RuntimeError:
    structlog.get_logger().exception("handler failed")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_in_the_log_has_no_values_of_events(form: str) -> None:
    """Those of an evaluation that is not synced must not be in a log (rule 2), and a traceback could show locals."""
    script = [sys.executable, "-c", FAILING.format(form=form)]
    log = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert "handler failed" in log
    assert "RuntimeError: it failed" in log
    assert "0.123456789" not in log


def test_the_rows_of_a_batch_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, asked = Worker(), list[tuple[int, set[bytes]]]()

    def prefetch(partition: int, keys: set[bytes]) -> None:
        asked.append((partition, keys))

    monkeypatch.setattr(worker.tables.versions.rows, "prefetch", prefetch)
    worker.handle(BUILDS, build(), b"no event", build(version_id="v 2"))
    assert asked == [(PARTITION.partition, {b"ci/COUPONS/redemption/v1", b"ci/COUPONS/redemption/v%202"})]
