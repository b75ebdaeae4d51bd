"""A partition's file where it, the disk or the process fails: refused with a sentence, and both or nothing."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from streams.engine.rowfile import FORMAT, RowFile, StoreUnusable
from tests.brokers import ROOT
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

# What cannot be used is refused, with a sentence


def test_a_newer_format_is_refused_and_left_alone(path: Path) -> None:
    written(path)
    execute(path, "UPDATE rows SET value = ? WHERE key = 'format'", FORMAT + 1)
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=rf"3\.sqlite has format {FORMAT + 1}.* up to {FORMAT}.*delete the file"):
        RowFile.open(path, MINE, BOOT)
    assert path.read_bytes() == before


def test_a_folder_where_the_file_should_be(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreUnusable, match=r"3\.sqlite cannot be opened: .*MOORING_DATA_DIR") as raised:
        RowFile.open(path, MINE, BOOT)
    assert isinstance(raised.value, OSError)
    assert raised.value.path == path


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"3\.sqlite cannot be opened"):
        RowFile.open(tmp_path / "no" / "3.sqlite", MINE, BOOT)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite gives up on a locked file at once, not after five seconds."""
    # Any: whatever arguments there are.
    connect: Any = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, timeout=0.05, **kwargs))


@pytest.mark.usefixtures("impatient")
def test_another_program_that_keeps_the_file_locked(path: Path) -> None:
    written(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnusable, match="Another program has it open"):
            RowFile.open(path, MINE, BOOT)
    file = RowFile.open(path, MINE, BOOT)
    assert content(file) == (ROWS, 41)
    file.close()


@pytest.mark.usefixtures("impatient")
def test_a_file_that_another_program_reads_is_not_closed_cleanly(path: Path) -> None:
    written(path)
    file = RowFile.open(path, MINE, BOOT)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM rows").fetchone()
        file.write({b"a": b"1"}, 42)
        with capture_logs() as logs:
            file.close()
    assert [(line["log_level"], line["file"]) for line in logs] == [("warning", str(path))]
    with capture_logs() as logs:
        RowFile.open(as_a_kill_leaves_it(path), MINE, NEXT_BOOT).close()
    assert "went down" in logs[0]["why"]
    file = RowFile.open(path, MINE, BOOT)
    assert content(file) == ({**ROWS, b"a": b"1"}, 42)
    file.close()


NO_RIGHTS = """
    import os, sys
    from pathlib import Path
    from streams.engine.rowfile import Identity, RowFile, StoreUnusable

    path = Path(sys.argv[1])
    RowFile.open(path, Identity("models", 3), "boot").close()
    path.chmod(0o444 if sys.argv[2] == "file" else 0o644)
    path.parent.chmod(0o555 if sys.argv[2] == "folder" else 0o777)
    if os.getuid() == 0:  # whom no mode of a file stops
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        RowFile.open(path, Identity("models", 3), "boot")
    except StoreUnusable as error:
        print(error)
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_or_folder_that_may_not_be_written(what: str) -> None:
    # Not in tmp_path, which other users may not enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        inside = Path(folder) / "models"
        inside.mkdir()
        told = python(NO_RIGHTS, str(inside / "3.sqlite"), what)
        inside.chmod(0o755)
    assert "3.sqlite cannot be opened: " in told
    assert f"Let the worker write in {inside}, or choose another place with MOORING_DATA_DIR." in told


def test_a_full_disk_changes_nothing_and_can_be_gone_on_from(file: RowFile) -> None:
    """Removed, the look before the commit in `RowFile._write`, this fails."""
    file.write({b"a": b"before"}, 1)
    # SQLite's own way to say how large the disk is.
    send, _ = file._open_writer()
    send("PRAGMA max_page_count = 30")
    with pytest.raises(StoreUnusable, match=r"3\.sqlite cannot be written: .*full.*Free space on its disk"):
        file.write({b"a": b"after", **ROWS}, 2_001)
    assert content(file) == ({b"a": b"before"}, 1)
    # The next write has a connection of its own, without that limit.
    file.write({b"a": b"after"}, 2_002)
    assert content(file) == ({b"a": b"after"}, 2_002)


DISK_FAILS = """
    import resource, sys
    from pathlib import Path
    from streams.engine.rowfile import Identity, RowFile, StoreUnusable

    file = RowFile.open(Path(sys.argv[1]), Identity("models", 3, "topic-a"), "this boot")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    offset = 0
    try:
        while True:
            offset += 1
            rows = {f"{i}".encode(): b"%d " % offset * 100 for i in range(offset)}
            file.write(rows, offset)
    except StoreUnusable as error:
        print(error)
    print(file.offset)
    print({int(value.split()[0]) for _, value in file.items()})
    file.close()
"""


def test_a_disk_that_fails_changes_nothing(path: Path) -> None:
    """With sqlitedict's own commit in `RowFile._write`, which waits for ever, this fails."""
    sentence, offset, rows = python(DISK_FAILS, str(path)).splitlines()
    assert sentence.startswith(f"{path} cannot be written: disk I/O error. Look after its disk")
    assert rows == f"{{{offset}}}"
    file = RowFile.open(path, MINE, BOOT)
    assert file.offset == int(offset)
    file.close()


def test_damage_found_while_in_use_removes_the_file(path: Path) -> None:
    written(path)
    file = RowFile.open(path, MINE, BOOT)
    overwrite(path, 4096, b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(StoreUnusable, match=r"3\.sqlite cannot be read: .*The file was removed: start the worker"):
        file.get_many(list(ROWS))
    file.close()
    again = RowFile.open(path, MINE, BOOT)
    assert content(again) == ({}, None)
    again.close()


def test_a_file_deleted_while_in_use(path: Path, file: RowFile) -> None:
    path.unlink()
    with pytest.raises(StoreUnusable, match=r"3\.sqlite cannot be written: No such file"):
        file.write(ROWS, 1)


def test_an_offset_that_goes_back(file: RowFile) -> None:
    file.write({b"a": b"1"}, 10)
    with pytest.raises(StoreUnusable, match="deleted and created again"):
        file.write({b"a": b"2"}, 9)
    assert content(file) == ({b"a": b"1"}, 10)


def test_a_closed_file(path: Path) -> None:
    file = RowFile.open(path, MINE, BOOT)
    file.close()
    file.close()
    for use in (lambda: file.get(b"a"), lambda: file.count(), lambda: file.write({}, 1)):
        with pytest.raises(RuntimeError, match=r"3\.sqlite is closed"):
            use()


# Killed

KILLED = """
    import sys
    from pathlib import Path
    from streams.engine.rowfile import Identity, RowFile

    file = RowFile.open(Path(sys.argv[1]), Identity("models", 3, "topic-a"), "this boot")
    number = -1 if file.offset is None else file.offset
    print("writing", flush=True)
    while True:
        number += 1
        file.write({b"key-%d" % i: b"%d" % number * 50 for i in range(2_000)}, number)
"""


def test_rows_and_offset_agree_after_every_kill(path: Path) -> None:
    instants = random.Random(7)
    reached = -1
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(path)], cwd=ROOT, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(instants.uniform(0.05, 0.4))
            process.kill()
        file = RowFile.open(path, MINE, BOOT)
        rows, offset = content(file)
        file.close()
        assert offset is not None
        assert set(rows.values()) == {b"%d" % offset * 50}
        assert len(rows) == 2_000
        assert offset >= reached
        reached = offset
    assert reached > 0


def python(program: str, *arguments: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
