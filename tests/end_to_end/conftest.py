"""The real processes on each broker: worker and web view as subprocesses, and a client of the library."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from examples.services import Services
from mooring import Mooring
from mooring.topics import Topics
from streams.provision import provide_topics
from tests.brokers import PARTITIONS, Broker


@dataclass(frozen=True)
class System:
    """A Mooring that runs."""

    broker: Broker
    prefix: str
    services: Services

    @property
    def topics(self) -> Topics:
        return Topics.named(self.prefix)

    @property
    def api(self) -> str:
        return f"{self.services.url}/api/v1"

    def client(self, project: str) -> Mooring:
        return Mooring(self.broker.address, node="ci", project=project, topic_prefix=self.prefix)


def provide(broker: Broker, prefix: str) -> None:
    """Make the topics exist, as an operator would where the broker can."""
    topics = Topics.named(prefix)
    if broker.kind == "kafka":
        provide_topics(broker.address, topics, PARTITIONS, replication=1)
    else:
        broker.create(*(topic.name for topic in topics))


@contextmanager
def _running(broker: Broker, folder: Path) -> Iterator[System]:
    prefix = f"e{uuid4().hex[:8]}."
    provide(broker, prefix)
    with Services(broker.address, folder, topic_prefix=prefix) as services:
        yield System(broker, prefix, services)


@pytest.fixture(scope="module")
def system(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A Mooring that a module's tests share: each reports for a project of its own."""
    with _running(broker, tmp_path_factory.mktemp(broker.kind)) as system:
        yield system


@pytest.fixture
def own_system(broker: Broker, tmp_path: Path) -> Iterator[System]:
    """A Mooring for one test, which may stop and start its processes."""
    with _running(broker, tmp_path) as system:
        yield system
