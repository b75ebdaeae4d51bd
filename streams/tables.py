"""The worker's tables: typed rows over tables of bytes, and the overlay in which one event's effects gather."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

from mooring.codec import decode, encode
from mooring.keys import Key, ModelKey, StoreKey, VersionKey
from mooring.outputs import ModelActivation, StoreSettings, VersionMetrics
from mooring.records import Record
from mooring.topics import AnyTopic, Topic, Topics
from streams.decisions import Policy, row_severity
from streams.rows import VersionRow, from_record, to_record

K = TypeVar("K", bound=Key)
R = TypeVar("R")
T = TypeVar("T", bound=Record)


class Bytes(Protocol):
    """A table of bytes, and how a change of it is made durable."""

    @property
    def rows(self) -> MutableMapping[bytes, bytes]:
        """What the table holds now. A change here is seen at once, and forgotten in a crash."""
        ...

    def send_changelog(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        """Send a changed row to the table's topic. What is awaited is the broker's acknowledgement."""
        ...


class Change(NamedTuple):
    """A row of a table of bytes, changed."""

    table: Bytes
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Table(Generic[K, R]):
    """Rows of one type. The bytes below are Avro, as they stand in the table's topic."""

    data: Bytes
    to_bytes: Callable[[R], bytes]
    from_bytes: Callable[[bytes], R]

    def get(self, key: K) -> R | None:
        value = self.data.rows.get(str(key).encode())
        return None if value is None else self.from_bytes(value)


@dataclass(frozen=True)
class Tables:
    """All tables of the worker."""

    versions: Table[VersionKey, VersionRow]
    models: Table[ModelKey, ModelActivation]
    stores: Table[StoreKey, StoreSettings]

    @classmethod
    def over(cls, data: Callable[[AnyTopic], Bytes], topics: Topics, policy: Policy) -> Tables:
        """The tables over those of bytes that `data` gives for each table's topic."""
        return cls(
            versions=Table(
                data(topics.version_metrics),
                lambda row: encode(to_record(row, row_severity(row, policy))),
                lambda value: from_record(decode(value, VersionMetrics)),
            ),
            models=Table(data(topics.model_activations), encode, lambda value: decode(value, ModelActivation)),
            stores=Table(data(topics.store_settings), encode, lambda value: decode(value, StoreSettings)),
        )


@dataclass
class Pending(Generic[K, R]):
    """A table seen through the rows that an event changed. The table itself changes when the event is done."""

    table: Table[K, R]
    rows: dict[K, R] = field(default_factory=dict)

    def get(self, key: K) -> R | None:
        row = self.rows.get(key)
        return self.table.get(key) if row is None else row

    def put(self, key: K, row: R) -> None:
        self.rows[key] = row

    def changes(self) -> list[Change]:
        return [Change(self.table.data, str(key).encode(), self.table.to_bytes(row)) for key, row in self.rows.items()]


class Work:
    """What handling one event comes to: rows changed and records to publish. Applied whole, or not at all."""

    def __init__(self, tables: Tables, topics: Topics, policy: Policy) -> None:
        self.topics = topics
        self.policy = policy
        self.versions = Pending(tables.versions)
        self.models = Pending(tables.models)
        self.stores = Pending(tables.stores)
        self.records: list[tuple[AnyTopic, Record]] = []

    def publish(self, topic: Topic[T], *records: T) -> None:
        """Have the records published, before the rows are changed (rule 8)."""
        self.records += [(topic, record) for record in records]

    def changes(self) -> list[Change]:
        return self.versions.changes() + self.models.changes() + self.stores.changes()
