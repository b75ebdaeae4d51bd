"""What the tests of the read side share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.topics import Topics
from tests.web.feed import Written
from web.database import Database
from web.queries import Queries

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
def queries(database: Database) -> Iterator[Queries]:
    """Reads `database`."""
    queries = Queries(database.path, lambda: AS_OF)
    yield queries
    queries.close()
