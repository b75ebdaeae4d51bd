"""The runtime: the order of effects of rule 8, and what becomes of input and machines that fail.

Faust and Kafka are stood in for by objects that write down what happens to them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from agents import AGENTS
from mooring.codec import MAX_VALUE_BYTES, decode, encode
from mooring.events import CustomMetric, Event
from mooring.keys import VersionKey
from mooring.outputs import DeadLetter, DriftAlert, VersionMetrics
from mooring.topics import AnyTopic
from streams.agent import AnyAgent
from streams.app import build_app
from streams.decisions import Policy
from streams.runtime import Runtime
from streams.settings import Settings
from streams.tables import Tables, Work
from streams.telemetry import Telemetry
from tests.brokers import ROOT
from tests.streams.registry import TOPICS, Acknowledgement, Rows, agent_of
from tests.streams.strategies import V1, build, evaluation

ALERTS, OUTCOMES, LETTERS = "drift-alerts", "evaluation-outcomes", "dead-letters"
# Any: stand-ins for Faust's objects, with no more than the runtime uses of them.
Faust = Any


@dataclass
class Broker:
    """A worker's surroundings. `journal` has what happened, in order; `hold` keeps acknowledgements back."""

    journal: list[str] = field(default_factory=list)
    sent: list[tuple[str, bytes | None, bytes, int]] = field(default_factory=list)
    crashes: list[BaseException] = field(default_factory=list)
    hold: asyncio.Event | None = None
    fails: Callable[[str], Exception | None] = lambda _: None
    rows: dict[str, Rows] = field(default_factory=dict)
    delivered: dict[tuple[str, int], int] = field(default_factory=dict)
    telemetry: Telemetry = field(default_factory=Telemetry)

    def runtime(self) -> Runtime:
        tables = Tables.over(self._table, TOPICS, Policy())
        return Runtime(
            AGENTS, tables, TOPICS, Policy(), self._output, self.telemetry, None, self._delivered, self._crash
        )

    def _delivered(self, topic: str, partition: int) -> int:
        return self.delivered.get((topic, partition), -1)

    def event(self, event: Event | bytes, offset: int = 0, **changes: Any) -> Faust:
        """The event as Faust hands it to an agent."""
        message = {
            "topic": "test.topic",
            "partition": 2,
            "offset": offset,
            "timestamp": 9.0,
            "key": b"ci/COUPONS",
            "value": event if isinstance(event, bytes) else encode(event),
            "headers": [("by", b"\xff")],
        } | changes
        return SimpleNamespace(message=SimpleNamespace(**message), ack=lambda: self.journal.append(f"ack {offset}"))

    def letters(self) -> list[DeadLetter]:
        return [decode(value, DeadLetter) for topic, _, value, _ in self.sent if topic == LETTERS]

    def alerts(self) -> list[DriftAlert]:
        return [decode(value, DriftAlert) for topic, _, value, _ in self.sent if topic == ALERTS]

    def durable_row(self) -> VersionMetrics | None:
        """V1 as its topic has it."""
        value = self.rows["version-metrics"].changelog.get(str(V1).encode())
        return None if value is None else decode(value, VersionMetrics)

    def _table(self, topic: AnyTopic) -> Rows:
        name = topic.name.removeprefix("test.")
        return self.rows.setdefault(name, JournalledRows(name, self.journal))

    def _output(self, topic: AnyTopic) -> Faust:
        name = topic.name.removeprefix("test.")

        async def send(key: bytes | None, value: bytes, partition: int) -> asyncio.Task[None]:
            if error := self.fails(name):
                raise error
            self.journal.append(f"send {name}")
            self.sent.append((name, key, value, partition))
            return asyncio.create_task(self._acknowledge(name))

        return SimpleNamespace(send=send)

    async def _acknowledge(self, name: str) -> None:
        # A broker takes its time; whoever does not wait for it is caught.
        for _ in range(5):
            await asyncio.sleep(0)
        if self.hold:
            await self.hold.wait()
        self.journal.append(f"acknowledged {name}")

    async def _crash(self, error: BaseException) -> None:
        self.crashes.append(error)


class JournalledRows(Rows):
    def __init__(self, name: str, journal: list[str]) -> None:
        super().__init__()
        self._name, self._journal = name, journal

    def send_changelog(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        assert partition == 2
        self._journal.append(f"changelog {self._name}")
        super().send_changelog(partition, key, value)
        acknowledgement = Acknowledgement()
        acknowledgement.came = lambda: self._journal.append(f"acknowledged {self._name}")  # type: ignore[method-assign]
        return acknowledgement


class Stream:
    """A Faust stream that ends after its events."""

    def __init__(self, events: Iterable[Faust]) -> None:
        self._events = events

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Faust]:
        for event in self._events:
            yield event


async def run(runtime: Runtime, agent: AnyAgent, *events: Faust) -> None:
    """Until the agent has no more events, and all is settled that can be."""
    await runtime.run(agent, cast("Faust", Stream(events)))
    await settled()


async def settled() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


BUILDS, EVALUATIONS = agent_of(build()), agent_of(evaluation())


# Rule 8


def test_alert_acknowledged_then_changelog_then_the_offset() -> None:
    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        await run(runtime, BUILDS, broker.event(build()))
        broker.journal.clear()
        await run(runtime, EVALUATIONS, broker.event(evaluation(), 7))
        return broker

    broker = asyncio.run(story())
    assert broker.journal == [
        f"send {ALERTS}",
        f"send {OUTCOMES}",
        f"acknowledged {ALERTS}",
        f"acknowledged {OUTCOMES}",
        "changelog version-metrics",
        "ack 7",
    ]


def test_a_version_s_row_is_durable_before_its_model_s() -> None:
    """Else a crash between the two leaves the old version active, and no repeat of the event would mend it."""

    async def story() -> Broker:
        broker = Broker()
        await run(broker.runtime(), BUILDS, broker.event(build(activate=True), 7))
        return broker

    assert asyncio.run(story()).journal == [
        "changelog version-metrics",
        "acknowledged version-metrics",
        "changelog model-activations",
        "ack 7",
    ]


def test_while_the_alert_is_not_acknowledged_nothing_that_would_suppress_it_is_written() -> None:
    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        await run(runtime, BUILDS, broker.event(build()))
        broker.hold = asyncio.Event()
        await run(runtime, EVALUATIONS, broker.event(evaluation(), 7))
        assert [alert.caused_by for alert in broker.alerts()] == ["run-1"]
        row = broker.durable_row()
        assert row is not None
        assert row.current == {}
        assert "ack 7" not in broker.journal
        broker.hold.set()
        await settled()
        return broker

    broker = asyncio.run(story())
    row = broker.durable_row()
    assert row is not None
    assert row.current == {"roc_auc": 0.81}
    assert broker.journal[-1] == "ack 7"


def test_the_next_event_of_a_project_finds_the_rows_of_the_one_before() -> None:
    """Also while that one awaits its acknowledgements, and from another agent."""

    async def story() -> Broker:
        broker = Broker(hold=asyncio.Event())
        assert broker.hold is not None
        runtime = broker.runtime()
        await run(runtime, EVALUATIONS, broker.event(evaluation("run-1", 2_000), 1))
        await run(runtime, BUILDS, broker.event(build(), 0))
        await run(runtime, EVALUATIONS, broker.event(evaluation("run-2", 2_001, metrics={"roc_auc": 0.8}), 2))
        assert not [entry for entry in broker.journal if entry.startswith(("ack", "changelog"))]
        broker.hold.set()
        await settled()
        return broker

    broker = asyncio.run(story())
    assert [(alert.caused_by, alert.previous) for alert in broker.alerts()] == [("build-1", None), ("run-2", 0.81)]
    row = broker.durable_row()
    assert row is not None
    assert (row.initial, row.current) == ({"roc_auc": 0.87}, {"roc_auc": 0.8})
    assert sorted(entry for entry in broker.journal if entry.startswith("ack ")) == ["ack 0", "ack 1", "ack 2"]


def test_an_evaluation_waits_for_what_was_delivered_before_it() -> None:
    """The build of its version and the configuration of its store lie in other topics, and other agents' hands."""

    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        broker.delivered[TOPICS.model_builds.name, 2] = 4
        evaluating = asyncio.create_task(run(runtime, EVALUATIONS, broker.event(evaluation(), 7)))
        await asyncio.sleep(0.01)
        assert not evaluating.done()
        assert broker.journal == []
        await run(runtime, BUILDS, broker.event(build(), 4, topic=TOPICS.model_builds.name))
        await evaluating
        return broker

    (alert,) = asyncio.run(story()).alerts()
    assert alert.previous == build().metrics["roc_auc"]


def test_an_evaluation_does_not_wait_for_what_left_with_its_partition() -> None:
    async def story() -> None:
        broker = Broker()
        runtime = broker.runtime()
        broker.delivered[TOPICS.model_builds.name, 2] = 4
        evaluating = asyncio.create_task(run(runtime, EVALUATIONS, broker.event(evaluation(), 7)))
        await asyncio.sleep(0.01)
        broker.delivered.clear()
        runtime.forget_positions()
        await asyncio.wait_for(evaluating, timeout=10)

    asyncio.run(story())


def test_what_is_published_goes_to_the_partition_of_the_project_under_its_version() -> None:
    async def story() -> Broker:
        broker = Broker()
        await run(broker.runtime(), EVALUATIONS, broker.event(evaluation()))
        return broker

    (only,) = asyncio.run(story()).sent
    assert (only[0], only[1], only[3]) == (OUTCOMES, str(V1).encode(), 2)


@pytest.mark.parametrize("topic", [ALERTS, OUTCOMES])
def test_what_the_broker_refuses_stops_the_worker_with_nothing_written(topic: str) -> None:
    """Neither this event nor one after it is acknowledged: their rows hold what was not published."""
    refusal = ConnectionError("the broker is gone")

    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        await run(runtime, BUILDS, broker.event(build()))
        broker.journal.clear()
        broker.fails = lambda name: refusal if name == topic else None
        await run(runtime, EVALUATIONS, broker.event(evaluation(), 7))
        broker.fails = lambda _: None
        await run(runtime, EVALUATIONS, broker.event(evaluation("run-2", 2_001, metrics={"accuracy": 0.9}), 8))
        return broker

    broker = asyncio.run(story())
    assert broker.crashes == [refusal]
    assert not [entry for entry in broker.journal if entry.startswith(("ack ", "changelog"))]
    row = broker.durable_row()
    assert row is not None
    assert row.current == {}


# Rule 10


def test_bad_input_goes_to_the_dead_letters_and_the_stream_goes_on() -> None:
    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        await run(runtime, BUILDS, broker.event(b"no event", 5), broker.event(build(), 6))
        return broker

    broker = asyncio.run(story())
    (letter,) = broker.letters()
    assert (letter.reason, letter.value, letter.key) == ("undecodable", b"no event", b"ci/COUPONS")
    assert (letter.topic, letter.partition, letter.offset) == ("test.topic", 2, 5)
    assert letter.headers == {"by": b"\xff"}
    assert broker.journal.index(f"acknowledged {LETTERS}") < broker.journal.index("ack 5")
    assert broker.journal[-1] == "ack 6"
    assert broker.durable_row() is not None
    assert broker.telemetry.registry.get_sample_value("mooring_dead_letters_total", {"reason": "undecodable"}) == 1.0


def test_the_time_of_the_record_decides_what_lies_in_the_future() -> None:
    async def story(timestamp_s: float) -> Broker:
        broker = Broker()
        await run(broker.runtime(), BUILDS, broker.event(build(at=3_610_000), timestamp=timestamp_s))
        return broker

    assert asyncio.run(story(10.0)).letters() == []
    assert [letter.reason for letter in asyncio.run(story(9.9)).letters()] == ["dated_in_the_future"]


def test_a_handler_that_raises_has_none_of_its_work_applied() -> None:
    def handle(event: Any, work: Work) -> None:
        EVALUATIONS.handle(event, work)
        assert work.records
        assert work.changes()
        raise ZeroDivisionError("after all the work")

    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        await run(runtime, BUILDS, broker.event(build()))
        await run(runtime, replace(EVALUATIONS, handle=handle), broker.event(evaluation(), 7))
        return broker

    broker = asyncio.run(story())
    assert [topic for topic, *_ in broker.sent] == [LETTERS]
    assert broker.letters()[0].reason == "handler_failed"
    row = broker.durable_row()
    assert row is not None
    assert row.current == {}
    assert decode(broker.rows["version-metrics"].rows[str(V1).encode()], VersionMetrics) == row
    assert (broker.journal[-1], broker.crashes) == ("ack 7", [])


def test_an_event_whose_row_would_be_too_large_is_refused_and_the_stream_goes_on() -> None:
    """Each event is small enough. Their row is not, and would stop the worker at every start."""

    def wide(part: int) -> Event:
        codes = [f"{part}-{n:03}-" + "m" * 240 for n in range(1_000)]
        return evaluation(
            f"run-{part}",
            metrics=dict.fromkeys(codes, 0.5),
            custom_metrics=tuple(CustomMetric(code=code) for code in codes),
        )

    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        await run(
            runtime, EVALUATIONS, broker.event(wide(1), 1), broker.event(wide(2), 2), broker.event(evaluation(), 3)
        )
        return broker

    broker = asyncio.run(story())
    assert [(letter.offset, letter.reason) for letter in broker.letters()] == [(2, "too_large")]
    row = broker.durable_row()
    assert row is not None
    assert (len(row.current), row.current["roc_auc"]) == (1_001, 0.81)
    assert (broker.journal[-1], broker.crashes) == ("ack 3", [])


def test_a_machine_that_fails_is_no_bad_input() -> None:
    """The event is neither acknowledged nor in the dead letters: it comes again after the restart."""
    failure = OSError("no space left on device")

    def handle(event: Any, work: Work) -> None:
        raise failure

    async def story() -> Broker:
        broker = Broker()
        agent = replace(EVALUATIONS, handle=handle)
        await run(broker.runtime(), agent, broker.event(evaluation(), 7), broker.event(evaluation(), 8))
        return broker

    broker = asyncio.run(story())
    assert broker.crashes == [failure]
    assert (broker.sent, broker.journal) == ([], [])


def test_the_producer_takes_every_record_that_the_codec_makes(tmp_path: Path) -> None:
    """One that it refuses stops the worker, at every start: the largest value under the longest key."""
    longest = VersionKey(*["\u00e9" * 127] * 4)

    async def limit() -> int:
        app = build_app(Settings(data_dir=tmp_path), partitions=4).app
        return int(app.conf.producer_max_request_size)

    record = DefaultRecordBatchBuilder.estimate_size_in_bytes(str(longest).encode(), b"x" * MAX_VALUE_BYTES, [])
    assert record <= asyncio.run(limit())


# What is counted and logged


def test_counts_are_of_events_records_and_alerts() -> None:
    async def story() -> Broker:
        broker = Broker()
        runtime = broker.runtime()
        await run(runtime, BUILDS, broker.event(build()))
        await run(runtime, EVALUATIONS, broker.event(evaluation()), broker.event(evaluation(), 1))
        return broker

    count = asyncio.run(story()).telemetry.registry.get_sample_value
    assert count("mooring_events_handled_total", {"agent": "builds"}) == 1.0
    assert count("mooring_events_handled_total", {"agent": "evaluations"}) == 2.0
    assert count("mooring_records_published_total", {"topic": "test.evaluation-outcomes"}) == 2.0
    assert count("mooring_drift_alerts_total", {"severity": "CRITICAL"}) == 1.0


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
