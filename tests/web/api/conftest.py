"""The API over a replica that a test feeds, without a broker and with one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from mooring.connection import connection_settings
from mooring.topics import Topics
from tests.brokers import PARTITIONS, Broker
from tests.web.api.client import Api
from tests.web.conftest import AS_OF
from tests.web.feed import Written
from web.app import Parts, build_app
from web.changes import Changes
from web.database import Database
from web.queries import Queries
from web.replica import ReplicaState
from web.seen import Seen
from web.writer import Writer

STATE = ReplicaState(as_of=AS_OF, checked_at=AS_OF)


class Fed:
    """An app in front of the broker at an address, with topics of a prefix, and what feeds its replica.

    `as_of` is what it says of itself. To make one takes half a second, so tests share it, emptied.
    """

    def __init__(self, folder: Path, brokers: str, prefix: str) -> None:
        self.topics = topics = Topics.named(prefix)
        self.as_of: int | None = AS_OF
        changes = Changes()
        self._database = Database(folder, topics)
        self._queries = Queries.of(self._database.path, topics, lambda: self.as_of)
        self._writer = Writer(brokers, topics)
        self._seen = Seen(brokers, topics, prefix, self._database.topics, lambda _: True, changes, timeout_s=0.3)
        parts = Parts(topics, self._queries, changes, self._writer, self._seen, lambda: STATE, lambda: 0)
        self.api = Api(build_app(parts, "127.0.0.1"))
        # One event loop for all requests, as in a server.
        self.api.client.__enter__()
        self.empty()

    def empty(self) -> None:
        """Forget all that was fed: the replica as it begins."""
        self.as_of = AS_OF
        self._database.reset()
        begin = {(topic, partition): 0 for topic in self._database.topics for partition in range(PARTITIONS)}
        self._database.apply([], begin)
        self.written = Written(self._database, self.topics)

    def close(self) -> None:
        self.api.client.__exit__()
        self._queries.close()
        self._seen.close()
        self._writer.close()
        self._database.close()


@pytest.fixture(scope="session")
def _offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    fed = Fed(tmp_path_factory.mktemp("offline"), "127.0.0.1:1", "mooring.")
    yield fed
    fed.close()


@pytest.fixture
def fed(_offline: Fed) -> Fed:
    """With no broker behind it."""
    _offline.empty()
    return _offline


@pytest.fixture
def api(fed: Fed) -> Api:
    return fed.api


@pytest.fixture(scope="session")
def _online(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    prefix = f"a{uuid4().hex[:8]}."
    broker.create(*(topic.name for topic in Topics.named(prefix)))
    fed = Fed(tmp_path_factory.mktemp("online"), broker.address, prefix)
    yield fed
    fed.close()


@pytest.fixture
def online(_online: Fed) -> Fed:
    """In front of each broker, whose topics exist and may have records of other tests."""
    _online.empty()
    return _online


# Any: kafka-python has no types.
Read = Callable[[str], Any]


@pytest.fixture
def record_at(broker: Broker) -> Iterator[Read]:
    """Gives the record at a position, `topic:partition:offset`."""
    consumer = KafkaConsumer(**connection_settings(broker.address), enable_auto_commit=False, fetch_max_wait_ms=20)

    def read(position: str) -> Any:
        topic, partition, offset = position.rsplit(":", 2)
        place = TopicPartition(topic, int(partition))
        consumer.assign([place])
        consumer.seek(place, int(offset))
        while True:
            for record in consumer.poll(timeout_ms=200).get(place, []):
                return record

    yield read
    consumer.close()
