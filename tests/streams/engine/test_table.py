"""The write-behind table over real files: what the fold sees, what a checkpoint takes, what a failure leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.engine import store as store_module
from streams.engine import table as module
from streams.engine.app import App
from streams.engine.outbox import Outgoing
from streams.engine.rowfile import StoreUnusable
from streams.engine.table import WriteBehindTable

Table = WriteBehindTable[int]


class Producer:
    """Takes the changelog. Offsets are by partition."""

    def __init__(self) -> None:
        self.changelog: dict[TP, list[tuple[bytes | None, bytes | None]]] = {}
        self.fails: Exception | None = None

    async def send_run(self, partition: TP, records: Iterable[Outgoing]) -> asyncio.Future[int]:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.fails:
            future.set_exception(self.fails)
        else:
            log = self.changelog.setdefault(partition, [])
            log += [(record.key, record.value) for record in records]
            future.set_result(len(log) - 1)
        return future


def story(folder: Path, play: Callable[[Table, Producer], Awaitable[None]]) -> None:
    async def main() -> None:
        app = App("test", brokers="localhost:1", datadir=folder)
        producer: Any = Producer()
        app._producer = producer
        table: Table = app.rows_table(
            "numbers", "numbers", to_bytes=lambda row: b"%d" % row, from_bytes=int, partitions=2
        )
        try:
            await play(table, producer)
        finally:
            table.store.close_all()

    asyncio.run(main())


async def checkpoint(table: Table) -> None:
    taken = table.take()
    await taken.to_changelog()
    await taken.to_store()


def test_a_changed_row_is_seen_at_once_and_written_once(tmp_path: Path) -> None:
    async def play(table: Table, producer: Producer) -> None:
        assert table.row(0, b"k") is None
        for row in (1, 2, 3):
            table.put(0, b"k", row)
            assert table.row(0, b"k") == row
        assert table.changed == 1
        assert producer.changelog == {}
        await checkpoint(table)
        assert producer.changelog == {TP("numbers", 0): [(b"k", b"3")]}
        assert (table.store.get(0, b"k"), table.persisted_offset(TP("numbers", 0))) == (b"3", 0)
        assert (table.row(0, b"k"), table.changed) == (3, 0)

    story(tmp_path, play)


def test_partitions_are_apart(tmp_path: Path) -> None:
    async def play(table: Table, producer: Producer) -> None:
        table.put(0, b"k", 1)
        table.put(1, b"k", 2)
        await checkpoint(table)
        assert (table.row(0, b"k"), table.row(1, b"k")) == (1, 2)
        assert producer.changelog == {TP("numbers", 0): [(b"k", b"1")], TP("numbers", 1): [(b"k", b"2")]}

    story(tmp_path, play)


def test_a_deleted_row_is_a_tombstone(tmp_path: Path) -> None:
    async def play(table: Table, producer: Producer) -> None:
        table.put(0, b"k", 1)
        await checkpoint(table)
        table.put(0, b"k", None)
        assert table.row(0, b"k") is None
        await checkpoint(table)
        assert table.row(0, b"k") is None
        assert table.store.get(0, b"k") is None
        assert producer.changelog[TP("numbers", 0)] == [(b"k", b"1"), (b"k", None)]

    story(tmp_path, play)


def test_a_row_changed_during_a_checkpoint_is_of_the_next(tmp_path: Path) -> None:
    async def play(table: Table, producer: Producer) -> None:
        table.put(0, b"k", 1)
        taken = table.take()
        table.put(0, b"k", 2)
        await taken.to_changelog()
        await taken.to_store()
        assert (table.row(0, b"k"), table.store.get(0, b"k"), table.changed) == (2, b"1", 1)
        await checkpoint(table)
        assert table.store.get(0, b"k") == b"2"

    story(tmp_path, play)


def test_while_it_is_written_a_row_is_seen(tmp_path: Path) -> None:
    async def play(table: Table, _: Producer) -> None:
        table.put(0, b"k", 1)
        table.take()
        assert table.row(0, b"k") == 1

    story(tmp_path, play)


def test_after_a_failure_the_store_is_what_is_true(tmp_path: Path) -> None:
    """What the changelog may have and the store has not is read back by recovery, from the store's offset on."""

    async def play(table: Table, producer: Producer) -> None:
        table.put(0, b"k", 1)
        await checkpoint(table)
        table.put(0, b"k", 2)
        producer.fails = ConnectionError("gone")
        with pytest.raises(ConnectionError):
            await checkpoint(table)
        table.put(0, b"other", 3)
        table.discard()
        assert (table.row(0, b"k"), table.row(0, b"other"), table.changed) == (1, None, 0)

    story(tmp_path, play)


def test_a_full_disk_during_recovery_stops_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_MOST_BEHIND_BYTES", 1_000)

    async def play(table: Table, _: Producer) -> None:
        crashes: list[BaseException] = []

        async def crash(reason: BaseException) -> None:
            await asyncio.sleep(0)
            crashes.append(reason)

        # Any: the app's own crash would end the loop's service; of an event, what is looked at.
        app: Any = table.app
        app.crash = crash
        event: Any = SimpleNamespace(
            message=SimpleNamespace(partition=0, key=b"k", value=b"1" * 500_000, offset=1, acked=False)
        )
        table.store.open(0)
        send, _answer = table.store._files[0]._file._open_writer()
        send("PRAGMA max_page_count = 20")
        await table.on_changelog_event(event)
        assert [type(crash) for crash in crashes] == [StoreUnusable]
        assert not event.message.acked, "the next run of the partition would be read"

    story(tmp_path, play)


def test_rows_are_fetched_many_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GENERATION", 10)

    async def play(table: Table, _: Producer) -> None:
        for number in range(100):
            table.put(0, b"%d" % number, number)
        await checkpoint(table)
        table._rows.clear()
        table.put(0, b"1", 1001)
        table.prefetch(0, [b"1", b"2", b"3", b"none", b"2"])
        monkeypatch.setattr(table.store, "get", None)
        assert [table.row(0, key) for key in (b"1", b"2", b"3", b"none")] == [1001, 2, 3, None]
        table.put(0, b"3", None)
        table.prefetch(0, [b"3"])
        assert table.row(0, b"3") is None

    story(tmp_path, play)


def test_a_row_that_cannot_be_decoded_is_told_to_who_needs_it(tmp_path: Path) -> None:
    async def play(table: Table, _: Producer) -> None:
        await table.store.write(0, {b"good": b"1", b"bad": b"no number"}, 1)
        table.prefetch(0, [b"good", b"bad"])
        assert table.row(0, b"good") == 1
        with pytest.raises(ValueError, match="no number"):
            table.row(0, b"bad")

    story(tmp_path, play)


def test_rows_that_are_not_in_use_are_dropped_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GENERATION", 10)

    async def play(table: Table, _: Producer) -> None:
        for number in range(100):
            table.put(0, b"%d" % number, number)
        await checkpoint(table)
        for number in range(100):
            assert table.row(0, b"%d" % number) == number
            assert table.row(0, b"0") == 0
        rows = table._rows[0]
        assert len(rows.recent) + len(rows.older) <= 20
        assert b"0" in rows.recent | rows.older

    story(tmp_path, play)
