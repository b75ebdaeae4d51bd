"""All that can be asked of the replica, by what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mooring.codec import SchemaRegistry
from mooring.topics import Topics
from web.reads.alerts import Alerts
from web.reads.dead_letters import DeadLetters
from web.reads.history import History
from web.reads.metrics import Metrics
from web.reads.names import Names
from web.reads.reader import Reader
from web.reads.stores import Stores
from web.reads.versions import Versions


@dataclass(frozen=True, slots=True)
class Queries:
    """The replica's reading side, for any number of threads at once. What is answered is as of one commit."""

    reader: Reader
    versions: Versions
    history: History
    metrics: Metrics
    names: Names
    alerts: Alerts
    dead_letters: DeadLetters
    stores: Stores

    @classmethod
    def of(
        cls,
        path: Path,
        topics: Topics,
        as_of: Callable[[], int | None] = lambda: None,
        registry: SchemaRegistry | None = None,
    ) -> Self:
        """Those of the replica in a file."""
        reader = Reader(path, as_of, registry)
        return cls(
            reader,
            Versions(reader),
            History(reader),
            Metrics(reader),
            Names(reader),
            Alerts(reader),
            DeadLetters(reader, topics),
            Stores(reader),
        )

    def as_of(self) -> int | None:
        """All that Kafka had acknowledged by then is in what is asked next; epoch ms, None while that is not known."""
        return self.reader.as_of()

    def close(self) -> None:
        """Close all connections. Nobody may be reading any more."""
        self.reader.close()
