"""A partition's file: what is written is read, and what does not serve is begun anew. Real files, really damaged."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlitedict import SqliteDict
from structlog.testing import capture_logs

from streams.engine.rowfile import FORMAT, Identity, RowFile
from tests.streams.engine.rowfiles import (
    BOOT,
    MINE,
    NEXT_BOOT,
    ROWS,
    as_a_kill_leaves_it,
    content,
    execute,
    overwrite,
    written,
)

# What is written is read


def test_what_was_written_is_read(file: RowFile) -> None:
    assert content(file) == ({}, None)
    file.write({b"a": b"1", b"b": b"2", b"c": b"3"}, 7)
    file.write({b"a": b"new", b"b": None, b"c": b"", b"no row": None}, 9)
    assert content(file) == ({b"a": b"new"}, 9)
    assert (file.get(b"a"), file.get(b"b"), file.get(b"c")) == (b"new", None, None)
    assert file.count() == 1


def test_many_at_once(file: RowFile) -> None:
    file.write(ROWS, 1)
    odd = dict(list(ROWS.items())[1::2])
    assert file.get_many([*odd, b"no row"]) == odd
    assert file.get_many([]) == {}
    file.write(dict.fromkeys(odd), 2)
    assert content(file) == (dict(list(ROWS.items())[::2]), 2)
    assert file.count() == len(ROWS) - len(odd)


def test_the_files_own_entries_are_no_rows(file: RowFile) -> None:
    keys: list[bytes] = [b"offset", b"format", b"boot_id", b"", b"\xff\x00", b"'\"?"]
    rows: dict[bytes, bytes | None] = {key: b"row " + key for key in keys}
    assert all(file.get(key) is None for key in keys)
    file.write(rows, 5)
    assert content(file) == (rows, 5)
    file.write(dict.fromkeys(keys), 6)
    assert content(file) == ({}, 6)


def test_sqlites_log_does_not_grow_while_rows_are_read(file: RowFile, path: Path) -> None:
    """A reader that kept what it saw would keep SQLite from using its log again."""
    sizes = []
    for offset in range(40):
        # Other values each time: SQLite does not write what stays the same.
        file.write(dict.fromkeys(ROWS, b"%d " % offset * 100), offset)
        assert file.get(b"key-1") == b"%d " % offset * 100
        next(file.items())
        sizes.append(path.with_name(path.name + "-wal").stat().st_size)
    assert max(sizes) < 8_000_000, "half of what was written"


Op = tuple[str, dict[bytes, bytes | None]]
KEYS = st.sampled_from([b"", b"offset", *(bytes([byte]) for byte in range(6))])
OPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "reopen", "kill"]),
        st.dictionaries(KEYS, st.none() | st.binary(max_size=3)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(OPS)
def test_it_is_a_dict_that_lasts(ops: list[Op]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place, model, offset = Path(folder) / "a.sqlite", dict[bytes, bytes](), 0
        file = RowFile.open(place, MINE, BOOT)
        for op, rows in ops:
            if op == "write":
                offset += max(1, len(rows))
                file.write(rows, offset)
                model = {key: value for key, value in {**model, **rows}.items() if value}
            elif op == "reopen":
                file.close()
                file = RowFile.open(place, MINE, NEXT_BOOT)
                file.close()
                file = RowFile.open(place, MINE, BOOT)
            else:
                other = as_a_kill_leaves_it(place)
                file.close()
                place = other
                file = RowFile.open(place, MINE, BOOT)
            assert content(file) == (model, offset or None)
            assert file.count() == len(model)
            assert file.get_many(list(rows)) == {key: model[key] for key in rows if key in model}
        file.close()


# What serves is kept, what does not is begun anew


@pytest.mark.parametrize("boot_id", [BOOT, NEXT_BOOT])
def test_a_closed_file_is_kept(path: Path, boot_id: str) -> None:
    written(path)
    with capture_logs() as logs:
        file = RowFile.open(path, MINE, boot_id)
    assert content(file) == (ROWS, 41)
    file.close()
    assert not logs
    assert list(path.parent.iterdir()) == [path], "SQLite's log is in the file"


def test_a_file_in_use_is_kept_after_a_kill_but_not_after_the_machine_went_down(path: Path, file: RowFile) -> None:
    file.write(ROWS, 41)
    killed = as_a_kill_leaves_it(path)
    after_kill = RowFile.open(killed, MINE, BOOT)
    assert content(after_kill) == (ROWS, 41)
    after_kill.close()
    down = as_a_kill_leaves_it(path)
    with capture_logs() as logs:
        after_boot = RowFile.open(down, MINE, NEXT_BOOT)
    assert content(after_boot) == ({}, None)
    after_boot.close()
    assert "went down" in logs[0]["why"]


class Trap:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.trace),)


def pickles(path: Path, table: str) -> None:
    with SqliteDict(str(path), tablename=table, autocommit=True, outer_stack=False) as rows:
        rows["key"] = rows["offset"] = rows["format"] = Trap(path.parent / "unpickled")


def no_database(path: Path) -> None:
    path.write_text("rows, rows, rows\n" * 1_000)


def copy_of(identity: Identity) -> Callable[[Path], None]:
    return lambda path: written(path, identity)


def altered(statement: str, *values: object) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        written(path)
        execute(path, statement, *values)

    return damage


def spoilt(spoil: Callable[[Path], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        written(path)
        spoil(path)

    return damage


UNFIT: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut in half": (spoilt(lambda path: os.truncate(path, path.stat().st_size // 2)), "damaged"),
    "cut by a byte": (spoilt(lambda path: os.truncate(path, path.stat().st_size - 1)), "damaged"),
    "cut to a piece of the first page": (spoilt(lambda path: os.truncate(path, 60)), "damaged"),
    "empty": (lambda path: path.touch(), "no table file"),
    "no database": (no_database, "damaged"),
    "no header any more": (spoilt(lambda path: overwrite(path, 0, bytes(100))), "damaged"),
    "pages of zeros in the middle": (
        spoilt(lambda path: overwrite(path, path.stat().st_size // 2 // 4096 * 4096, bytes(40_960))),
        "damaged",
    ),
    "pages of noise in the middle": (spoilt(lambda path: overwrite(path, 8 * 4096, b"\xa5" * 40_960)), "damaged"),
    "pickles": (lambda path: pickles(path, "unnamed"), "no table file"),
    "pickles, the table's name right": (lambda path: pickles(path, "rows"), "no table file"),
    "another program's": (lambda path: execute(path, "CREATE TABLE rows (id INTEGER, name TEXT)"), "no table file"),
    "identity gone": (altered("DELETE FROM rows WHERE key < x''"), "no table file"),
    "an older format": (altered("UPDATE rows SET value = ? WHERE key = 'format'", FORMAT - 1), "its format is"),
    "another partition's": (copy_of(replace(MINE, partition=4)), "partition 4 of the table models"),
    "another table's": (copy_of(replace(MINE, table="stores")), "partition 3 of the table stores"),
    "of another changelog topic": (copy_of(replace(MINE, topic_id="topic-b")), "id topic-b"),
    "of an unknown changelog topic": (copy_of(replace(MINE, topic_id=None)), "id None"),
    "in use when the machine went down": (
        altered("REPLACE INTO rows (key, value) VALUES ('boot_id', 'the boot before')"),
        "went down",
    ),
}


@pytest.mark.parametrize(("damage", "why"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_serve_is_begun_anew_with_one_warning(
    path: Path, damage: Callable[[Path], None], why: str
) -> None:
    damage(path)
    with capture_logs() as logs:
        file = RowFile.open(path, MINE, BOOT)
    assert content(file) == ({}, None)
    (line,) = logs
    assert (line["log_level"], line["file"]) == ("warning", str(path))
    assert why in line["why"]
    file.write({b"a": b"1"}, 0)
    file.close()
    again = RowFile.open(path, MINE, BOOT)
    assert content(again) == ({b"a": b"1"}, 0)
    again.close()
    assert not (path.parent / "unpickled").exists(), "a value was unpickled"


def test_a_file_whose_topic_is_not_asked_for_is_kept(path: Path) -> None:
    written(path)
    file = RowFile.open(path, replace(MINE, topic_id=None), BOOT)
    assert (file.topic_id, file.offset) == ("topic-a", 41)
    file.close()


def test_what_a_removed_file_left_behind_is_no_part_of_the_new_one(path: Path, file: RowFile) -> None:
    file.write(ROWS, 41)
    killed = as_a_kill_leaves_it(path)
    killed.unlink()
    new = RowFile.open(killed, MINE, BOOT)
    assert content(new) == ({}, None)
    new.close()
