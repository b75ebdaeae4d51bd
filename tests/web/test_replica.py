"""The replica on a broker: it follows, resumes, starts anew where it must, and outlives the broker."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mooring.errors import BrokerUnavailable, TopicsMissing
from mooring.keys import VersionKey
from mooring.topics import Topics
from tests.brokers import Broker, BrokerFailed, KafkaBroker, free_ports
from tests.brokers import BrokerUnavailable as KafkaMissing
from tests.web.feed import Feed, alert, dead_letter, outcome, version
from web.queries import Queries
from web.replica import Replica

KEY = VersionKey.parse("design-1/COUPONS/redemption/v1")


def eventually(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.01)


@contextmanager
def following(
    address: str, topics: Topics, folder: Path, changed: Callable[[], None] = lambda: None
) -> Iterator[tuple[Replica, Queries]]:
    replica = Replica(address, topics, folder, changed=changed)
    queries = Queries.of(replica.database.path, topics, replica.as_of)
    try:
        replica.start()
        yield replica, queries
    finally:
        queries.close()
        replica.close()


def test_it_follows_every_topic(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    feed = Feed(broker, topic_prefix)
    feed.send(feed.topics.version_metrics, version(initial={"roc_auc": 0.87}, current={"roc_auc": 0.81}))
    with following(broker.address, feed.topics, tmp_path) as (replica, queries):
        eventually(lambda: replica.state.caught_up_once)
        found = queries.versions.get(KEY)
        assert found is not None
        assert found.value == 0.81
        assert found.drift == pytest.approx(-0.06)
        feed.send(feed.topics.drift_alerts, alert(), alert())
        feed.send(feed.topics.evaluation_outcomes, outcome())
        feed.send(feed.topics.dead_letters, dead_letter())
        eventually(lambda: queries.alerts.counts() == {"CRITICAL": 1})
        eventually(lambda: (history := queries.history.counted(KEY)) is not None and len(history.items) == 1)
        eventually(lambda: queries.dead_letters.counts() == {"undecodable": 1})
        feed.send_bytes(feed.topics.version_metrics, str(KEY).encode(), None)
        eventually(lambda: queries.versions.get(KEY) is None)


def test_a_change_can_be_read_well_within_a_second(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    feed = Feed(broker, topic_prefix)
    told: list[float] = []
    with following(broker.address, feed.topics, tmp_path, lambda: told.append(time.monotonic())) as (replica, queries):
        eventually(lambda: replica.state.caught_up_once)
        for number in range(5):
            told.clear()
            sent_at = time.monotonic()
            feed.send(feed.topics.version_metrics, version(f"n/p/m/v{number}"))
            eventually(lambda: bool(told))
            assert told[0] - sent_at < 0.5
            assert queries.versions.get(VersionKey("n", "p", "m", f"v{number}")) is not None


def test_a_restart_goes_on_where_it_was(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    feed = Feed(broker, topic_prefix)
    feed.send(feed.topics.version_metrics, *(version(f"n/p{number}/m/v") for number in range(20)))
    with following(broker.address, feed.topics, tmp_path) as (replica, queries):
        eventually(lambda: queries.versions.count() == 20)
        assert replica.state.records == 20
    feed.send(feed.topics.version_metrics, version("n/p/m/new"), version("n/p1/m/v", current={"roc_auc": 0.5}))
    with following(broker.address, feed.topics, tmp_path) as (replica, queries):
        eventually(lambda: replica.state.caught_up_once)
        assert queries.versions.count() == 21
        assert replica.state.records == 2


def test_topics_made_anew_are_read_from_their_beginning(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    feed = Feed(broker, topic_prefix)
    feed.send(feed.topics.version_metrics, version("n/p/m/v1"))
    replica = Replica(broker.address, feed.topics, tmp_path)
    # As if the topics had been longer, and held another version, when they were read.
    replica.database.apply([], {(feed.topics.version_metrics.name, partition): 1_000 for partition in range(4)})
    replica.close()
    with following(broker.address, feed.topics, tmp_path) as (replica, queries):
        eventually(lambda: replica.state.caught_up_once)
        assert [each.version_key for each in queries.versions.list().items] == ["n/p/m/v1"]


def test_a_record_that_is_none_of_ours_does_not_stop_it(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    feed = Feed(broker, topic_prefix)
    feed.send_bytes(feed.topics.version_metrics, b"n/p/m/v1", b"no Avro")
    feed.send(feed.topics.version_metrics, version("n/p/m/v2"))
    with following(broker.address, feed.topics, tmp_path) as (replica, queries):
        eventually(lambda: replica.state.caught_up_once)
        assert queries.versions.count() == 1
        assert replica.database.unreadable == 1


def test_no_broker_is_an_error_within_seconds(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    replica = Replica(f"127.0.0.1:{port}", Topics.named(), tmp_path)
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match=str(port)):
        replica.start()
    assert time.monotonic() - began < 6
    replica.close()


def test_missing_topics_are_named(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    topics = Topics.named(topic_prefix)
    broker.create(topics.drift_alerts.name)
    replica = Replica(broker.address, topics, tmp_path)
    with pytest.raises(TopicsMissing) as error:
        replica.start()
    assert topics.version_metrics.name in error.value.names
    assert topics.drift_alerts.name not in error.value.names
    replica.close()


def test_it_outlives_a_broker_that_is_away(topic_prefix: str, tmp_path: Path) -> None:
    try:
        kafka = KafkaBroker().__enter__()
    except KafkaMissing as missing:
        pytest.skip(str(missing))
    try:
        feed = Feed(Broker("kafka", kafka.address, kafka.create), topic_prefix)
        feed.send(feed.topics.version_metrics, version("n/p/m/v1"))
        with following(kafka.address, feed.topics, tmp_path) as (replica, queries):
            eventually(lambda: replica.state.caught_up_once)
            os.kill(kafka.pid, signal.SIGSTOP)
            eventually(lambda: replica.state.trouble is not None, 30)
            assert "No Kafka broker answers" in str(replica.state.trouble)
            assert queries.versions.count() == 1
            os.kill(kafka.pid, signal.SIGCONT)
            eventually(lambda: replica.state.trouble is None, 30)
            feed.send(feed.topics.version_metrics, version("n/p/m/v2"))
            eventually(lambda: queries.versions.count() == 2)
    except BrokerFailed as failed:
        pytest.fail(str(failed))
    finally:
        kafka.__exit__(None, None, None)
