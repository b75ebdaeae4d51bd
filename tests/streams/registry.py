"""The agents over tables of bytes that lie in dicts: the whole stream but for Kafka and Faust."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agents import AGENTS
from mooring.codec import decode, encode
from mooring.events import Event
from mooring.keys import VersionKey
from mooring.outputs import DriftAlert, EvaluationOutcome, ModelActivation, StoreSettings, VersionMetrics
from mooring.records import Record
from mooring.topics import Topics
from streams.agent import AnyAgent
from streams.decisions import Policy
from streams.tables import Tables, Work

TOPICS = Topics.named("test.")

R = TypeVar("R", bound=Record)


def agent_of(event: Event) -> AnyAgent:
    """The agent whose topic holds events of this type."""
    (agent,) = (agent for agent in AGENTS if agent.topic(TOPICS).type is type(event))
    return agent


@dataclass
class Rows:
    """A table of bytes: what is in memory, and what is in the changelog and would be there after a restart."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    changelog: dict[bytes, bytes] = field(default_factory=dict)

    def send_changelog(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        self.changelog[key] = value
        return Acknowledgement()


class Acknowledgement(Awaitable[None]):
    """Comes a moment after somebody begins to wait for it; nobody has to."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from asyncio.sleep(0).__await__()
        self.came()

    def came(self) -> None:
        pass


@dataclass
class Registry:
    """Handles events as the runtime does, one at a time."""

    policy: Policy = field(default_factory=Policy)
    data: dict[str, Rows] = field(default_factory=dict)
    published: list[tuple[str, bytes]] = field(default_factory=list)

    def fold(self, event: Event) -> Work:
        """What handling the event comes to, not yet applied."""
        work = self.work()
        agent_of(event).handle(event, work)
        return work

    def work(self) -> Work:
        """An overlay over the tables, with nothing in it yet."""
        tables = Tables.over(lambda topic: self.data.setdefault(topic.name, Rows()), TOPICS, self.policy)
        return Work(tables, TOPICS, self.policy)

    def handle(self, *events: Event) -> None:
        for event in events:
            self.apply(self.fold(event))

    def apply(self, work: Work, up_to: int | None = None) -> None:
        """Publish, then change the rows: all, or only the first few as if the process were killed then."""
        self.published += [(topic.name, encode(record)) for topic, record in work.records]
        for table, key, value in work.changes()[:up_to]:
            table.rows[key] = value
            table.send_changelog(0, key, value)

    def restarted(self) -> Registry:
        """A new process with the tables as the changelog has them. What was published is out and stays."""
        data = {name: Rows(dict(table.changelog), dict(table.changelog)) for name, table in self.data.items()}
        return Registry(self.policy, data, self.published)

    def tables(self) -> dict[str, dict[bytes, bytes]]:
        """The bytes of every table."""
        return {name: table.rows for name, table in self.data.items()}

    def rows(self) -> dict[str, VersionMetrics]:
        found = self._table(TOPICS.version_metrics.name, VersionMetrics)
        assert all(key == row.version_key for key, row in found.items())
        return found

    def row(self, version: VersionKey) -> VersionMetrics:
        return self.rows()[str(version)]

    def activations(self) -> dict[str, ModelActivation]:
        return self._table(TOPICS.model_activations.name, ModelActivation)

    def stores(self) -> dict[str, StoreSettings]:
        return self._table(TOPICS.store_settings.name, StoreSettings)

    def alerts(self) -> list[DriftAlert]:
        return list(self._published(TOPICS.drift_alerts.name, DriftAlert))

    def outcomes(self) -> list[EvaluationOutcome]:
        return list(self._published(TOPICS.evaluation_outcomes.name, EvaluationOutcome))

    def all_bytes(self) -> bytes:
        """Everything that is written anywhere."""
        rows = [key + value for table in self.tables().values() for key, value in table.items()]
        return b"".join([*rows, *(value for _, value in self.published)])

    def _table(self, name: str, kind: type[R]) -> dict[str, R]:
        return {key.decode(): decode(value, kind) for key, value in self.tables().get(name, {}).items()}

    def _published(self, name: str, kind: type[R]) -> Iterable[R]:
        return (decode(value, kind) for topic, value in self.published if topic == name)
