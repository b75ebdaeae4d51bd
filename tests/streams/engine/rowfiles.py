"""What the tests of partition files share: a file with rows, and ways to look at it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from streams.engine.rowfile import Identity, RowFile

BOOT, NEXT_BOOT = "this boot", "the next boot"
MINE = Identity("models", 3, topic_id="topic-a")
ROWS: dict[bytes, bytes | None] = {f"key-{i}".encode(): f"value-{i}".encode() * 50 for i in range(2_000)}


@dataclass(frozen=True)
class Changed:
    """A record of a changelog."""

    key: bytes | None
    value: bytes | None
    offset: int


def written(path: Path, identity: Identity = MINE, boot_id: str = BOOT) -> None:
    """Have a file at `path`, with rows, closed."""
    file = RowFile.open(path, identity, boot_id)
    file.write(ROWS, 41)
    file.close()


def content(file: RowFile) -> tuple[dict[bytes, bytes], int | None]:
    return dict(file.items()), file.offset


def execute(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as opened:
        opened.seek(start)
        opened.write(data)


def as_a_kill_leaves_it(path: Path) -> Path:
    """A copy of an open file and of SQLite's log beside it."""
    other = path.with_name("copy-" + path.name)
    for suffix in ("", "-wal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            shutil.copy(beside, other.with_name(other.name + suffix))
    return other
