"""The worker's tables, and the overlay in which one event's effects gather."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from mooring.codec import decode, encode
from mooring.keys import Key, ModelKey, StoreKey, VersionKey
from mooring.outputs import ModelActivation, StoreSettings, VersionMetrics
from mooring.records import Record
from mooring.topics import AnyTopic, Topic, Topics
from streams.rows import VersionRow, from_record, surely_fits, to_record
from streams.severity import Policy, row_severity

K = TypeVar("K", bound=Key)
R = TypeVar("R")
T = TypeVar("T", bound=Record)


class Rows(Protocol[R]):
    """The rows of a table as the engine keeps them. Rows are immutable."""

    def row(self, partition: int, key: bytes) -> R | None:
        """The row as the last event left it; None if there is none."""
        ...

    def prefetch(self, partition: int, keys: Iterable[bytes]) -> None:
        """Have the rows of these keys at hand: they will be asked for."""
        ...

    def put(self, partition: int, key: bytes, row: R | None) -> None:
        """Change a row. Seen at once, forgotten in a crash."""
        ...


@dataclass(frozen=True)
class RowFormat(Generic[R]):
    """How the rows of a table look as records of its topic: Avro.

    `to_bytes` raises InvalidEvent (`too_large`) where a row does not fit into a record. `check` raises the same without
    writing the row out, where that can be known: it is called for each event, and `to_bytes` for many at once.
    """

    to_bytes: Callable[[R], bytes]
    from_bytes: Callable[[bytes], R]
    check: Callable[[R], object]


@dataclass(frozen=True)
class RowFormats:
    """Those of all tables."""

    versions: RowFormat[VersionRow]
    models: RowFormat[ModelActivation]
    stores: RowFormat[StoreSettings]

    @classmethod
    def under(cls, policy: Policy) -> RowFormats:
        def version_to_bytes(row: VersionRow) -> bytes:
            return encode(to_record(row, row_severity(row, policy)))

        return cls(
            versions=RowFormat(
                version_to_bytes,
                lambda value: from_record(decode(value, VersionMetrics)),
                lambda row: surely_fits(row) or version_to_bytes(row),
            ),
            models=RowFormat(encode, lambda value: decode(value, ModelActivation), lambda _: None),
            stores=RowFormat(encode, lambda value: decode(value, StoreSettings), encode),
        )


@dataclass(frozen=True)
class Table(Generic[K, R]):
    """Rows of one type, and their format."""

    rows: Rows[R]
    format: RowFormat[R]


@dataclass(frozen=True)
class Tables:
    """All tables of the worker."""

    versions: Table[VersionKey, VersionRow]
    models: Table[ModelKey, ModelActivation]
    stores: Table[StoreKey, StoreSettings]


class Pending(Generic[K, R]):
    """A table seen through the rows that an event changed. The table itself changes when the event is done."""

    __slots__ = ("_partition", "_table", "changed")

    def __init__(self, table: Table[K, R], partition: int) -> None:
        self._table = table
        self._partition = partition
        self.changed: dict[K, R] = {}

    def get(self, key: K) -> R | None:
        row = self.changed.get(key) if self.changed else None
        return self._table.rows.row(self._partition, key.encoded) if row is None else row

    def put(self, key: K, row: R) -> None:
        self.changed[key] = row

    def check(self) -> None:
        """Raise InvalidEvent (`too_large`) where a row no longer fits into a record."""
        for row in self.changed.values():
            self._table.format.check(row)

    def apply(self) -> None:
        for key, row in self.changed.items():
            self._table.rows.put(self._partition, key.encoded, row)


class Work:
    """What handling one event comes to: rows changed and records to publish. Applied whole, or not at all.

    Cleared, it serves for the next event of the partition.
    """

    __slots__ = ("_tables", "models", "policy", "records", "stores", "topics", "versions")

    def __init__(self, tables: Tables, topics: Topics, policy: Policy, partition: int) -> None:
        self.topics = topics
        self.policy = policy
        self.versions = Pending(tables.versions, partition)
        self.models = Pending(tables.models, partition)
        self.stores = Pending(tables.stores, partition)
        # Any: rows of every type, side by side.
        self._tables: tuple[Pending[Any, Any], ...] = (self.versions, self.models, self.stores)
        self.records: list[tuple[AnyTopic, Record]] = []

    def publish(self, topic: Topic[T], *records: T) -> None:
        """Have the records published, before the rows are written (rule 8)."""
        for record in records:
            self.records.append((topic, record))

    def check(self) -> None:
        """Raise InvalidEvent (`too_large`) where a changed row no longer fits into a record."""
        for pending in self._tables:
            if pending.changed:
                pending.check()

    def clear(self) -> None:
        """Forget everything."""
        for pending in self._tables:
            pending.changed.clear()
        self.records.clear()

    def apply(self) -> None:
        """Change the tables."""
        for pending in self._tables:
            if pending.changed:
                pending.apply()
