"""What the tests of the read side share."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from mooring.topics import DEFAULT_PREFIX, Topics
from tests.web.columns import made
from tests.web.feed import Written
from web.app import Parts, build_app
from web.changes import Changes
from web.database import Database
from web.queries import Queries
from web.replica import ReplicaState
from web.seen import Seen
from web.writer import Writer

AS_OF = 1_764_000_000_000


@pytest.fixture
def topics() -> Topics:
    return Topics.named()


@pytest.fixture
def database(tmp_path: Path, topics: Topics) -> Iterator[Database]:
    """An empty replica that no broker feeds."""
    database = Database(tmp_path / "web", topics)
    # Where the replica stands when it starts: at the beginning of every partition.
    database.apply([], {(topic, partition): 0 for topic in database.topics for partition in range(2)})
    yield database
    database.close()


@pytest.fixture
def written(database: Database, topics: Topics) -> Written:
    """Fills `database`."""
    return Written(database, topics)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """To a database that has nothing but empty columns."""
    connection = made()
    yield connection
    connection.close()


@pytest.fixture
def queries(database: Database, topics: Topics) -> Iterator[Queries]:
    """Reads `database`."""
    queries = Queries.of(database.path, topics, lambda: AS_OF)
    yield queries
    queries.close()


def app_over(
    queries: Queries, topics: Topics, changes: Changes, state: Callable[[], ReplicaState] = ReplicaState
) -> FastAPI:
    """The app over a replica that a test feeds, with no broker behind it."""
    brokers = "127.0.0.1:1"
    seen = Seen(brokers, topics, DEFAULT_PREFIX, (), lambda _: True, changes)
    parts = Parts(topics, queries, changes, Writer(brokers, topics), seen, state, lambda: 0)
    return build_app(parts, "127.0.0.1")
