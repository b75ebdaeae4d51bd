"""What the client promises of events on their way: all arrive, or it says which did not."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from kafka import TopicPartition

from mooring import Mooring
from mooring.codec import decode
from mooring.delivery import EventsNotDelivered, Outbox, Receipt
from mooring.errors import (
    BrokerUnavailable,
    MooringError,
    NotDelivered,
    TopicsMissing,
)
from mooring.events import EvaluationRun
from mooring.testing import EmbeddedBroker
from mooring.topics import Topic, Topics
from tests.brokers import ROOT, Broker
from tests.mooring.samples import BUILD

Read = Callable[[Topic[Any]], list[Any]]


def test_many_reports_are_all_delivered_in_order(client: Mooring, topics: Topics, consumers: Read) -> None:
    for number in range(2_000):
        client.evaluated("m", "v", store="s", evaluation=str(number), metrics={"roc_auc": number / 2_000})
    client.flush()
    read = [decode(record.value, EvaluationRun).evaluation_id for record in consumers(topics.evaluation_runs)]
    assert read == [str(number) for number in range(2_000)]


def test_leaving_the_block_flushes(broker: Broker, topics: Topics, topic_prefix: str, consumers: Read) -> None:
    with Mooring(broker.address, node="n", project="P", topic_prefix=topic_prefix) as mooring:
        receipt = mooring.activated("m", "v")
    assert receipt.position is not None
    assert len(consumers(topics.model_lifecycle)) == 1
    with pytest.raises(MooringError, match="closed"):
        mooring.activated("m", "v")
    mooring.close()


def test_a_program_that_ends_without_close_loses_nothing(
    broker: Broker, topics: Topics, topic_prefix: str, consumers: Read
) -> None:
    program = f"""
        from mooring import Mooring
        mooring = Mooring({broker.address!r}, node="n", project="P", topic_prefix={topic_prefix!r})
        for number in range(500):
            mooring.activated("m", str(number))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert len(consumers(topics.model_lifecycle)) == 500


def test_a_report_is_quick(client: Mooring) -> None:
    client.activated("m", "v").wait()
    took = []
    for _ in range(50):
        start = time.monotonic()
        client.activated("m", "v").wait()
        took.append(time.monotonic() - start)
    assert sorted(took)[25] < 0.05


def test_nobody_there() -> None:
    start = time.monotonic()
    with pytest.raises(BrokerUnavailable, match="localhost:1"):
        Mooring("localhost:1", node="n", project="P")
    assert time.monotonic() - start < 6


def test_one_of_several_addresses_is_enough(broker: Broker, topics: Topics, topic_prefix: str) -> None:
    with Mooring(f"localhost:1, {broker.address}", node="n", project="P", topic_prefix=topic_prefix) as mooring:
        mooring.activated("m", "v").wait()


def test_missing_topics(kafka_broker: Broker, topic_prefix: str) -> None:
    with (
        Mooring(kafka_broker.address, node="n", project="P", topic_prefix=topic_prefix) as mooring,
        pytest.raises(TopicsMissing, match=f"{topic_prefix}model-lifecycle"),
    ):
        mooring.activated("m", "v")
    with (
        Mooring(kafka_broker.address, node="n", project="P", topic_prefix=topic_prefix) as mooring,
        pytest.raises(TopicsMissing),
    ):
        mooring.alerts()


@pytest.fixture
def own_broker(topic_prefix: str) -> Iterator[EmbeddedBroker]:
    """A broker that the test may stop."""
    with EmbeddedBroker() as broker:
        broker.create(*(topic.name for topic in Topics.named(topic_prefix)))
        yield broker


def test_a_broker_that_goes_away(own_broker: EmbeddedBroker, topic_prefix: str) -> None:
    mooring = Mooring(own_broker.address, node="n", project="P", topic_prefix=topic_prefix)
    mooring.activated("m", "v1").wait()
    own_broker.close()
    receipts = [mooring.activated("m", f"lost-{number}") for number in range(5)]
    with pytest.raises(NotDelivered, match="no acknowledgement"):
        receipts[0].wait(0.1)
    with pytest.raises(NotDelivered):
        mooring.flush(0.2)
    with pytest.raises(EventsNotDelivered) as refused:
        mooring.close(0.2)
    assert [failure.event for failure in refused.value.failed] == [receipt.event for receipt in receipts]
    assert "5 events were not acknowledged" in str(refused.value)
    assert receipts[0].event_id in str(refused.value)
    with pytest.raises(BrokerUnavailable):
        Mooring("localhost:1", node="n", project="P")


def test_an_error_in_the_block_is_not_hidden(own_broker: EmbeddedBroker, topic_prefix: str) -> None:
    def use() -> None:
        with Mooring(own_broker.address, node="n", project="P", topic_prefix=topic_prefix) as mooring:
            mooring.activated("m", "v1").wait()
            own_broker.close()
            mooring.activated("m", "v2")
            raise KeyError("training failed")

    with pytest.raises(KeyError, match="training failed") as raised:
        use()
    (note,) = raised.value.__notes__
    assert "1 event was not acknowledged" in note


def test_the_outbox_waits_for_room() -> None:
    outbox = Outbox()
    assert outbox.make_room(40_000_000, 0.0), "what is larger than all room goes alone"
    assert not outbox.make_room(1, 0.01)
    thread = Thread(target=outbox.give_back, args=(40_000_000,))
    thread.start()
    assert outbox.make_room(1, 5.0)
    thread.join()


def test_a_failure_is_told_once() -> None:
    from kafka.errors import MessageSizeTooLargeError
    from kafka.producer.future import FutureProduceResult, FutureRecordMetadata

    outbox = Outbox()
    result = FutureProduceResult(TopicPartition("t", 0))
    future = FutureRecordMetadata(result, 0, 0, None, 0, 0, 0)
    outbox.make_room(10, 0)
    outbox.add(Receipt(BUILD, "t", future, {}), future, 10)
    with pytest.raises(EventsNotDelivered, match="no acknowledgement"):
        outbox.settle(0.0)
    result.failure(MessageSizeTooLargeError("too large for this broker"))
    with pytest.raises(EventsNotDelivered, match="too large for this broker"):
        outbox.settle(0.0)
    outbox.settle(0.0)


def test_kafka_python_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.NOTSET), pytest.raises(BrokerUnavailable):
        Mooring("localhost:1", node="n", project="P")
    assert not [record for record in caplog.records if record.name.startswith("kafka")]
