"""The store as Faust and the engine use it: real files, a real Faust app, no broker."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.stores import STORES
from faust.stores.base import SerializedStore
from faust.stores.base import Store as FaustStore
from faust.types import TP
from structlog.testing import capture_logs

from streams.engine import store as module
from streams.engine.store import SCHEME, Store, StoreUnusable, register
from tests.brokers import ROOT

CHANGELOG = "models-changelog"


@dataclass(frozen=True)
class Changed:
    """A record of the changelog."""

    key: bytes | None
    value: bytes | None
    offset: int


def store_in(folder: Path, **options: Any) -> Store:
    """The store of a table of an app. Call it while a loop runs. Any: the store's own options."""
    register()
    app = faust.App("test", store=f"{SCHEME}://", datadir=folder, autodiscover=False)
    table = app.Table("models", key_type=bytes, value_type=bytes, changelog_topic=app.topic(CHANGELOG))
    if options:
        return Store(f"{SCHEME}://", app, table, table_name="models", key_serializer="raw", **options)
    store = table.data
    assert isinstance(store, Store)
    return store


def story(folder: Path, play: Callable[[Store], Awaitable[None]], **options: Any) -> None:
    """Play with a store, and stop it as Faust does."""

    async def main() -> None:
        store = store_in(folder, **options)
        await store.start()
        try:
            await play(store)
        finally:
            await store.stop()

    asyncio.run(main())


def on_disk(store: Store, partition: int) -> int | None:
    """The offset that a start after a kill would find."""
    if partition not in store._files:
        return None
    with closing(sqlite3.connect(store._path(partition))) as other:
        found: tuple[int] | None = other.execute("SELECT value FROM rows WHERE key = 'offset'").fetchone()
    return None if found is None else found[0]


def event(partition: int, value: object, key: bytes | None = None, offset: int = 0) -> Any:
    # Any: of Faust's events, what a store looks at.
    return SimpleNamespace(message=SimpleNamespace(partition=partition, key=key, value=value, offset=offset))


def run(partition: int, *records: Changed) -> Any:
    return event(partition, SimpleNamespace(partition=TP(CHANGELOG, partition), records=records))


def recover(store: Store, *events: Any) -> None:
    store.apply_changelog_batch(events, bytes, bytes)


def tps(*partitions: int) -> set[TP]:
    return {TP(CHANGELOG, partition) for partition in partitions}


def tp(partition: int) -> TP:
    return TP(CHANGELOG, partition)


def test_what_it_overrides_is_there() -> None:
    """Names of Faust's that an upgrade may move."""
    for name in ("_get", "_set", "_del", "_iterkeys", "_itervalues", "_iteritems", "_size", "_contains", "_clear"):
        assert name in SerializedStore.__abstractmethods__
    for name in ("persisted_offset", "set_persisted_offset", "on_rebalance", "on_recovery_completed"):
        assert callable(getattr(FaustStore, name))
    assert callable(SerializedStore.apply_changelog_batch)
    assert isinstance(STORES.aliases, dict)


def test_a_file_per_partition_lasts(tmp_path: Path) -> None:
    async def first(store: Store) -> None:
        store.open(0, "topic-a")
        await asyncio.gather(*(store.write(n, {b"key": b"%d" % n, b"other": b"x"}, 10 + n) for n in range(4)))
        await store.write(1, {b"other": None}, 12)
        assert [store.get(n, b"key") for n in range(5)] == [b"0", b"1", b"2", b"3", None]

    async def then(store: Store) -> None:
        with capture_logs() as logs:
            store.open(2, "topic-a")
            assert [store.persisted_offset(tp(n)) for n in range(5)] == [10, 12, 12, 13, None]
        assert not logs
        assert dict(store.items_of(1)) == {b"key": b"1"}
        assert store.get_many(3, [b"key", b"none"]) == {b"key": b"3"}
        assert [store.count(n) for n in range(5)] == [2, 1, 2, 2, 0]

    story(tmp_path, first)
    story(tmp_path, then)
    names = {path.name for path in tmp_path.glob("**/tables/models/*")}
    assert names == {".lock", *(f"{n}.sqlite" for n in range(5))}


def test_writes_do_not_hold_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BEHIND_BYTES", 20_000_000)

    async def play(store: Store) -> None:
        writing = asyncio.create_task(store.write(0, {b"%d" % n: b"x" * 600 for n in range(50_000)}, 50_000))
        turns = 0
        while not writing.done():
            turns += 1
            await asyncio.sleep(0)
        assert turns > 10
        assert on_disk(store, 0) == 50_000
        assert store.count(0) == 50_000

    story(tmp_path, play)


@pytest.mark.parametrize("partitions", [1, 3])
def test_the_files_are_never_far_behind_the_changelog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    """What a start after a kill has to read. The same row again and again makes the changelog long as well."""
    monkeypatch.setattr(module, "_MOST_BEHIND_BYTES", 10_000)

    async def play(store: Store) -> None:
        sent = [0] * partitions
        for offset in range(100):
            for partition in range(partitions):
                await store.write(partition, {b"k": b"x" * 999}, offset)
                sent[partition] = offset + 1
            behind = sum(
                sent[n] - 1 - (-1 if (there := on_disk(store, n)) is None else there) for n in range(partitions)
            )
            assert behind <= 10

    story(tmp_path, play)


# Recovery


def test_recovery_brings_rows_and_offsets(tmp_path: Path) -> None:
    async def first(store: Store) -> None:
        await store.write(0, {b"a": b"1", b"b": b"1"}, 4)
        recover(
            store,
            run(0, Changed(b"a", b"known already", 4), Changed(b"a", b"2", 5), Changed(b"b", None, 7)),
            run(1, Changed(b"a", b"one", 0), Changed(b"b", b"", 1), Changed(b"a", b"two", 3)),
            event(2, b"alone", key=b"a", offset=8),
            event(2, None, key=b"b", offset=9),
        )
        recover(store)
        assert dict(store.items_of(0)) == {b"a": b"2"}
        assert [store.persisted_offset(tp(n)) for n in range(3)] == [7, 3, 9]
        store.set_persisted_offset(tp(0), 100)
        assert store.persisted_offset(tp(0)) == 7

    async def then(store: Store) -> None:
        assert [store.persisted_offset(tp(n)) for n in range(3)] == [7, 3, 9]
        assert [dict(store.items_of(n)) for n in range(3)] == [{b"a": b"2"}, {b"a": b"two"}, {b"a": b"alone"}]

    story(tmp_path, first)
    story(tmp_path, then)


def test_what_recovery_brought_is_written_where_it_is_much(tmp_path: Path) -> None:
    async def play(store: Store) -> None:
        much = b"x" * (module._MOST_BEHIND_BYTES // 4)
        for offset in range(4):
            assert on_disk(store, 0) is None
            recover(store, run(0, Changed(b"%d" % offset, much, offset)))
            await store.catch_up()
        assert on_disk(store, 0) == 3

    story(tmp_path, play)


@pytest.mark.parametrize(("end_offset", "kept"), [(100, True), (42, True), (41, False), (3, False), (0, False)])
def test_what_another_life_of_the_topic_wrote_is_discarded(tmp_path: Path, end_offset: int, kept: bool) -> None:
    async def play(store: Store) -> None:
        await store.write(0, {b"a": b"1"}, 41)
        with capture_logs() as logs:
            store.verify(0, end_offset)
            store.verify(1, end_offset)  # nothing in it
        assert dict(store.items_of(0)) == ({b"a": b"1"} if kept else {})
        assert store.persisted_offset(tp(0)) == (41 if kept else None)
        assert [(line["log_level"], line["file"]) for line in logs] == (
            [] if kept else [("warning", str(store._path(0)))]
        )

    story(tmp_path, play)


def test_a_topic_made_anew_is_seen_by_its_id(tmp_path: Path) -> None:
    async def play(store: Store) -> None:
        store.open(0, "topic-a")
        await store.write(0, {b"a": b"1"}, 41)
        await store.write(1, {b"a": b"1"}, 41)
        store.open(0, "topic-a")
        store.open(0)
        assert store.get(0, b"a") == b"1"
        with capture_logs() as logs:
            store.open(0, "topic-b")
        assert [line["log_level"] for line in logs] == ["warning"]
        assert (store.get(0, b"a"), store.persisted_offset(tp(0))) == (None, None)
        # The id is remembered for partitions that are opened when they are used.
        store.close(1)
        assert store.get(1, b"a") is None

    story(tmp_path, play)


def test_after_the_machine_went_down_a_file_in_use_is_begun_anew(tmp_path: Path) -> None:
    async def play(store: Store) -> None:
        await store.write(0, {b"a": b"1"}, 1)
        await store.write(1, {b"a": b"1"}, 1)
        store.close(1)
        # As if this worker were gone, and with it its lock.
        store._files.clear()
        store.close_all()

    async def then(store: Store) -> None:
        with capture_logs() as logs:
            assert [store.get(n, b"a") for n in range(2)] == [None, b"1"]
        assert ["went down" in line["why"] for line in logs] == [True]

    story(tmp_path, play, boot_id="one")
    story(tmp_path, then, boot_id="two")


# Partitions come and go


def test_partitions_that_leave_are_closed_and_those_that_come_are_opened_on_use(tmp_path: Path) -> None:
    async def play(store: Store) -> None:
        for partition in range(3):
            await store.write(partition, {b"a": b"%d" % partition}, 1)
        left = store._files[2]
        assigned = tps(0, 1, 5) | {TP("another-topic", 2)}
        await store.on_rebalance(assigned, tps(2), tps(5), generation_id=2)
        assert store._files.keys() == {0, 1}
        left.take({b"a": b"too late"}, 2)
        with pytest.raises(RuntimeError, match="is closed"):
            left.flush()
        assert store.get(5, b"a") is None
        await store.on_rebalance(tps(2), tps(0, 1, 5), tps(2), generation_id=3)
        assert store.get(2, b"a") == b"2"
        assert store._files.keys() == {2}

    story(tmp_path, play)


def test_discard_and_reset(tmp_path: Path) -> None:
    async def play(store: Store) -> None:
        for partition in range(3):
            await store.write(partition, {b"a": b"1"}, 1)
        store.close(1)
        store.discard(0)
        store.discard(1)
        assert [store.get(n, b"a") for n in range(3)] == [None, None, b"1"]
        assert store.persisted_offset(tp(0)) is None
        await store.write(0, {b"a": b"2"}, 0)
        store.reset_state()
        assert [store.get(n, b"a") for n in range(3)] == [None, None, None]

    story(tmp_path, play)


# One worker to a folder

HOLDER = """
    import asyncio, sys
    from pathlib import Path
    from tests.streams.engine.test_store import store_in

    async def main():
        store = store_in(Path(sys.argv[1]))
        store.open(0)
        print("open", flush=True)
        sys.stdin.read()

    asyncio.run(main())
"""


def test_another_worker_is_kept_out_until_the_first_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"

        async def refused(store: Store) -> None:
            uses: Sequence[Callable[[], object]] = (
                lambda: store.open(0),
                lambda: store.get(7, b"a"),
                store.reset_state,
            )
            for use in uses:
                with pytest.raises(StoreUnusable, match=r"Another worker uses .*models.* its own MOORING_DATA_DIR"):
                    use()

        story(tmp_path, refused)
        holder.kill()

    async def let_in(store: Store) -> None:
        await store.write(0, {b"a": b"1"}, 1)
        with pytest.raises(StoreUnusable, match="Another worker"):
            store_in(tmp_path).open(0)
        await store.stop()
        other = store_in(tmp_path)
        assert other.get(0, b"a") == b"1"
        other.close_all()

    story(tmp_path, let_in)


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def play(store: Store) -> None:
        await asyncio.sleep(0)
        with pytest.raises(StoreUnusable, match=r"cannot be opened: Not a directory\..*MOORING_DATA_DIR"):
            store.open(0)

    story(tmp_path / "file", play)


# Faust's table as a dict


def test_all_open_partitions_can_be_read_as_a_dict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(store: Store) -> None:
        await store.write(0, {b"a": b"a0", b"both": b"0"}, 1)
        await store.write(1, {b"b": b"b1", b"both": b"1"}, 1)
        assert (store[b"a"], store[b"b"]) == (b"a0", b"b1")
        assert (b"a" in store, b"c" in store, len(store)) == (True, False, 4)
        assert sorted(store.items()) == [(b"a", b"a0"), (b"b", b"b1"), (b"both", b"0"), (b"both", b"1")]
        assert sorted(store.keys()) == [b"a", b"b", b"both", b"both"]
        assert sorted(store.values()) == [b"0", b"1", b"a0", b"b1"]
        monkeypatch.setattr(module, "current_event", lambda: event(1, b""))
        assert (store[b"both"], b"a" in store) == (b"1", False)

    story(tmp_path, play)


def test_rows_are_not_written_past_their_offset(tmp_path: Path) -> None:
    async def play(store: Store) -> None:
        await store.write(0, {b"a": b"1"}, 1)
        changes: Sequence[Callable[[], object]] = (
            lambda: store.__setitem__(b"a", b"2"),
            lambda: store.__delitem__(b"a"),
            store.clear,
        )
        for change in changes:
            with pytest.raises(TypeError, match=r"use write\(\)"):
                change()
        assert store.get(0, b"a") == b"1"

    story(tmp_path, play)
