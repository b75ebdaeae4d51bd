"""The agents over tables of bytes that lie in dicts: the whole stream but for Kafka and Faust."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from agents import AGENTS
from mooring.codec import decode, encode
from mooring.events import Event
from mooring.keys import Key, VersionKey
from mooring.outputs import DriftAlert, EvaluationOutcome, ModelActivation, StoreSettings, VersionMetrics
from mooring.records import Record
from mooring.topics import AnyTopic, Topics
from streams.agent import AnyAgent
from streams.severity import Policy
from streams.tables import RowFormat, RowFormats, Table, Tables, Work

TOPICS = Topics.named("test.")

R = TypeVar("R", bound=Record)
Row = TypeVar("Row")


def agent_of(event: Event) -> AnyAgent:
    """The agent whose topic holds events of this type."""
    (agent,) = (agent for agent in AGENTS if agent.topic(TOPICS).type is type(event))
    return agent


@dataclass
class Rows(Generic[Row]):
    """A table's rows as bytes, and thus what would be there after a restart."""

    format: RowFormat[Row]
    rows: dict[bytes, bytes] = field(default_factory=dict)

    def row(self, partition: int, key: bytes) -> Row | None:
        value = self.rows.get(key)
        return None if value is None else self.format.from_bytes(value)

    def prefetch(self, partition: int, keys: Iterable[bytes]) -> None:
        """Nothing: they are at hand."""

    def put(self, partition: int, key: bytes, row: Row | None) -> None:
        if row is None:
            del self.rows[key]
        else:
            self.rows[key] = self.format.to_bytes(row)


def empty_tables(policy: Policy) -> Tables:
    """The tables, with no rows yet."""
    formats = RowFormats.under(policy)
    return Tables(
        Table(Rows(formats.versions), formats.versions),
        Table(Rows(formats.models), formats.models),
        Table(Rows(formats.stores), formats.stores),
    )


@dataclass
class Registry:
    """Handles events as the runtime does, one at a time."""

    policy: Policy = field(default_factory=Policy)
    data: Tables | None = None
    published: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = self.data or empty_tables(self.policy)

    def fold(self, event: Event) -> Work:
        """What handling the event comes to, not yet applied."""
        work = self.work()
        agent_of(event).handle(event, work)
        return work

    def work(self) -> Work:
        """An overlay over the tables, with nothing in it yet."""
        return Work(self.kept, TOPICS, self.policy, partition=0)

    def handle(self, *events: Event) -> None:
        for event in events:
            self.apply(self.fold(event))

    def apply(self, work: Work, up_to: int | None = None) -> None:
        """Publish, then change the rows: all, or only the first few as if the process were killed then."""
        self.published += [(topic.name, encode(record)) for topic, record in work.records]
        for table, key, row in changes(work)[:up_to]:
            table.rows.put(0, str(key).encode(), row)

    def restarted(self) -> Registry:
        """A new process with the tables as they were written. What was published is out and stays."""
        return Registry(self.policy, deepcopy(self.kept), self.published)

    def tables(self) -> dict[str, dict[bytes, bytes]]:
        """The bytes of every table."""
        topics: tuple[AnyTopic, ...] = (TOPICS.version_metrics, TOPICS.model_activations, TOPICS.store_settings)
        tables: tuple[Table[Any, Any], ...] = (self.kept.versions, self.kept.models, self.kept.stores)
        return {topic.name: bytes_of(table) for topic, table in zip(topics, tables, strict=True)}

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


# Any: rows of every type, side by side.
def changes(work: Work) -> list[tuple[Table[Any, Any], Key, Any]]:
    """The rows that an event changes, in the order in which a checkpoint writes them."""
    return [
        (pending._table, key, row)
        for pending in (work.versions, work.models, work.stores)
        for key, row in pending.changed.items()
    ]


def bytes_of(table: Table[Any, Any]) -> dict[bytes, bytes]:
    return cast(Rows[Any], table.rows).rows
