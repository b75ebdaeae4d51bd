"""Rows on their way into a partition's file: seen at once, written together, and never ahead of the changelog."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from streams.engine.gathering import GatheringFile
from streams.engine.rowfile import RowFile, StoreUnusable
from tests.streams.engine.rowfiles import BOOT, MINE, Changed, as_a_kill_leaves_it


def on_disk(path: Path) -> tuple[dict[bytes, bytes], int | None]:
    """The rows and the offset that a new start would find."""
    copy = as_a_kill_leaves_it(path)
    with closing(sqlite3.connect(copy)) as other:
        rows = dict(other.execute("SELECT key, value FROM rows WHERE key >= x''"))
        offset = other.execute("SELECT value FROM rows WHERE key = 'offset'").fetchone()
    return rows, None if offset is None else offset[0]


@pytest.fixture
def gathering(file: RowFile) -> Iterator[GatheringFile]:
    gathering = GatheringFile(file)
    yield gathering
    gathering.close()


def test_rows_are_seen_at_once_and_written_together(gathering: GatheringFile, path: Path) -> None:
    gathering.take({b"a": b"1", b"b": b"2"}, 10)
    gathering.take({b"a": b"new", b"b": None, b"c": b""}, 12)
    assert (gathering.get(b"a"), gathering.get(b"b"), gathering.get(b"c")) == (b"new", None, None)
    assert gathering.get_many([b"a", b"b", b"c", b"d"]) == {b"a": b"new"}
    assert gathering.offset == 12
    assert on_disk(path) == ({}, None)
    assert gathering.behind_bytes == len(b"a1b2") + len(b"anewbc")
    gathering.flush()
    assert on_disk(path) == ({b"a": b"new"}, 12)
    assert gathering.behind_bytes == 0


def test_records_of_the_changelog_count_from_where_the_rows_are(gathering: GatheringFile, path: Path) -> None:
    gathering.take({b"a": b"1", b"b": b"2"}, 10)
    with capture_logs() as logs:
        gathering.gather([Changed(b"a", b"old", 9), Changed(b"a", b"old", 10), Changed(b"c", b"3", 12)])
        gathering.gather([Changed(None, b"what is this", 13), Changed(b"b", None, 14), Changed(b"c", b"", 15)])
    assert [(line["log_level"], line["offset"]) for line in logs] == [("warning", 13)]
    assert (gathering.get(b"a"), gathering.get(b"b"), gathering.get(b"c")) == (b"1", None, None)
    gathering.flush()
    assert on_disk(path) == ({b"a": b"1"}, 15)


def test_an_offset_before_the_one_reached_is_of_another_topic(gathering: GatheringFile) -> None:
    gathering.take({b"a": b"1"}, 10)
    with pytest.raises(StoreUnusable, match="deleted and created again"):
        gathering.take({b"a": b"2"}, 9)
    assert (gathering.get(b"a"), gathering.offset) == (b"1", 10)


def test_what_is_being_written_is_seen(
    gathering: GatheringFile, file: RowFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row must not be away while it goes from memory to the file: the fold would begin it anew."""
    gathering.take({b"a": b"1", b"b": b"1"}, 1)
    writing, go_on, write = threading.Event(), threading.Event(), RowFile.write

    def slow(self: RowFile, rows: Mapping[bytes, bytes | None], offset: int) -> None:
        writing.set()
        assert go_on.wait(10)
        write(self, rows, offset)

    monkeypatch.setattr(RowFile, "write", slow)
    thread = threading.Thread(target=gathering.flush)
    thread.start()
    assert writing.wait(10)
    gathering.take({b"b": b"2"}, 2)
    try:
        assert gathering.get_many([b"a", b"b", b"c"]) == {b"a": b"1", b"b": b"2"}
        assert (gathering.get(b"a"), gathering.get(b"b"), gathering.offset) == (b"1", b"2", 2)
    finally:
        go_on.set()
        thread.join()
    assert (file.get(b"b"), file.offset) == (b"1", 1)
    assert (gathering.get(b"a"), gathering.get(b"b")) == (b"1", b"2")


def test_what_could_not_be_written_is_still_there(gathering: GatheringFile, file: RowFile) -> None:
    gathering.take({b"%d" % n: b"x" * 600 for n in range(1_000)}, 1)
    send, _ = file._open_writer()
    send("PRAGMA max_page_count = 20")
    with pytest.raises(StoreUnusable):
        gathering.flush()
    assert gathering.get(b"7") == b"x" * 600
    assert gathering.behind_bytes > 0
    gathering.take({b"7": b"y"}, 2)
    gathering.flush()
    assert (file.get(b"7"), file.get(b"8"), file.offset) == (b"y", b"x" * 600, 2)


Op = tuple[str, dict[bytes, bytes | None]]
KEYS = st.sampled_from([b"", b"offset", *(bytes([byte]) for byte in range(6))])
OPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "gather", "flush", "reopen", "kill"]),
        st.dictionaries(KEYS, st.none() | st.binary(max_size=3)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(OPS)
def test_it_is_a_dict_of_which_a_kill_takes_what_was_not_flushed(ops: list[Op]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "a.sqlite"
        now, offset = dict[bytes, bytes](), 0
        flushed: tuple[dict[bytes, bytes], int] = ({}, 0)
        file = GatheringFile(RowFile.open(place, MINE, BOOT))
        for op, rows in ops:
            if op == "take":
                offset += max(1, len(rows))
                file.take(rows, offset)
            elif op == "gather":
                file.gather([Changed(key, value, offset + i) for i, (key, value) in enumerate(rows.items(), 1)])
                offset += len(rows)
            if op in {"take", "gather"}:
                now = {key: value for key, value in {**now, **rows}.items() if value}
            elif op == "flush":
                file.flush()
                flushed = now, offset
            elif op == "reopen":
                file.close()
                file = GatheringFile(RowFile.open(place, MINE, BOOT))
                flushed = now, offset
            else:
                killed = as_a_kill_leaves_it(place)
                file.close()
                place = killed
                file = GatheringFile(RowFile.open(place, MINE, BOOT))
                now, offset = flushed
            assert file.offset == (offset or None)
            assert {key: value for key in now if (value := file.get(key))} == now
            assert file.get_many(list(rows)) == {key: now[key] for key in rows if key in now}
        assert dict(file.items()) == now
        assert file.count() == len(now)
        file.close()
