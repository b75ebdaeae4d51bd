"""The store of a table: `sqlitedict://`, a Faust store of one SQLite file per partition.

    <tabledir>/<table>/<partition>.sqlite    the rows, and the changelog offset that they have reached
    <tabledir>/<table>/.lock                 held by the worker that uses the folder

Keys and values are bytes, as they stand in the changelog. What a file is good for is said in streams.engine.rowfile.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import structlog
from faust.stores import STORES
from faust.stores.base import SerializedStore
from faust.streams import current_event
from faust.types import TP, EventT

from streams.engine.gathering import GatheringFile
from streams.engine.rowfile import Identity, RowFile, StoreUnusable, remove, unusable

__all__ = ["SCHEME", "Store", "StoreUnusable", "register"]

log = structlog.get_logger()

SCHEME = "sqlitedict"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Of the changelog, over all partitions, by which the files may be behind it. A kill costs reading that much again, half
# a second; rows written few at a time, with keys in no order, take three times as long.
_MOST_BEHIND_BYTES = 64_000_000


class Store(SerializedStore[bytes, bytes]):
    """The rows of a table, by partition.

    What reads or writes a partition opens it first. Methods block, but for the coroutines. Those that touch a file
    raise StoreUnusable, an OSError, where it or the disk fails, and leave what was in the file as it was.
    """

    def __init__(self, *args: Any, boot_id: str | None = None, **kwargs: Any) -> None:
        """`boot_id` names this run of the machine; by default as Linux does.

        Any: what Faust gives its stores.
        """
        super().__init__(*args, **kwargs)
        self._boot_id = boot_id or _this_boot()
        self._files: dict[int, GatheringFile] = {}
        self._topic_id: str | None = None
        self._folder_lock: TextIOWrapper | None = None
        self._opening = threading.Lock()

    # For the engine

    def get(self, partition: int, key: bytes) -> bytes | None:  # type: ignore[override]
        """The row, with all that a write that returned has changed. (A dict's `get` has no partition.)"""
        return self._file(partition).get(key)

    def get_many(self, partition: int, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """The rows that there are of these."""
        return self._file(partition).get_many(keys)

    def items_of(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All rows, in no order. One that is written meanwhile is seen as it was or as it is."""
        return self._file(partition).items()

    def count(self, partition: int) -> int:
        """The number of rows."""
        return self._file(partition).count()

    async def write(self, partition: int, rows: Mapping[bytes, bytes | None], offset: int) -> None:
        """Change rows (None or empty deletes) and the offset of the last one's changelog record: both or nothing.

        `rows` must not change any more. They are seen at once; the files take them with others.
        """
        self._file(partition).take(rows, offset)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Where the files are far behind the changelog, write all that was gathered for them."""
        if self._behind_bytes() > _MOST_BEHIND_BYTES:
            await asyncio.gather(*(asyncio.to_thread(file.flush) for file in self._open_files()))

    def open(self, partition: int, topic_id: str | None = None) -> None:
        """Open the partition's file; nothing if it is open. Where it does not serve, it is begun anew, with a warning.

        `topic_id` is the changelog topic's; a file that follows another does not serve. Once told it is remembered.
        """
        with self._opening:
            self._topic_id = topic_id or self._topic_id
            file = self._files.get(partition)
            if file is not None and self._topic_id not in {None, file.topic_id}:
                self._files.pop(partition).close()
                file = None
            if file is None:
                self._lock_folder()
                identity = Identity(self.table_name, partition, self._topic_id)
                opened = RowFile.open(self._path(partition), identity, self._boot_id)
                self._files[partition] = GatheringFile(opened)

    def close(self, partition: int) -> None:
        """Close the partition's file, if it is open, so that it survives the machine going down."""
        with self._opening:
            file = self._files.pop(partition, None)
        if file is not None:
            file.close()

    def discard(self, partition: int) -> None:
        """Delete the partition's rows and begin anew, empty."""
        with self._opening:
            self._lock_folder()
            file = self._files.pop(partition, None)
            try:
                if file is not None:
                    file.remove()
                remove(self._path(partition))
            except OSError as error:
                raise unusable(self._path(partition), "deleted", error) from error
        self.open(partition)

    def verify(self, partition: int, end_offset: int) -> None:
        """Discard what is of another life of the changelog topic, whose next record has offset `end_offset`."""
        offset = self._file(partition).offset
        if offset is not None and offset >= end_offset:
            log.warning(
                "table file begun anew, its rows come from the changelog",
                file=str(self._path(partition)),
                why=f"it has the changelog up to offset {offset}, and that ends before {end_offset}",
            )
            self.discard(partition)

    # For Faust

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset that the file has reached: recovery reads on from there."""
        return self._file(tp.partition).offset

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Nothing: Faust calls this when a changelog record is sent, and the offset is written with its row."""

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], bytes], to_value: Callable[[Any], bytes]
    ) -> None:
        """Take what recovery read of the changelog: events of a record each, or of a run of them (`value.records`).

        Whoever calls this awaits `catch_up` from time to time. Any: Faust's events of whatever value.
        """
        for event in batch:
            # Any: Faust types a message's value as bytes.
            message: Any = event.message
            self._file(message.partition).gather(getattr(message.value, "records", (message,)))

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Close the files of partitions that are this worker's no more. Others are opened when they are used."""
        topics = self.table.changelog_topic.topics
        kept = {tp.partition for tp in assigned if tp.topic in topics}
        await self._close_all_of(self._files.keys() - kept)

    async def on_stop(self) -> None:
        """Close all files, and leave the folder to others."""
        await self._close_all_of(self._files)
        self.close_all()

    def close_all(self) -> None:
        """Close all files, and leave the folder to others."""
        for partition in list(self._files):
            self.close(partition)
        if self._folder_lock is not None:
            self._folder_lock.close()
            self._folder_lock = None

    def reset_state(self) -> None:
        """Delete all rows of the table on this machine."""
        with self._opening:
            self._lock_folder()
        for partition in list(self._files):
            self.close(partition)
        try:
            for path in self._folder.glob("*.sqlite"):
                remove(path)
        except OSError as error:
            raise unusable(self._folder, "emptied", error) from error

    async def backup_partition(self, *_: object, **__: object) -> NoReturn:
        raise NotImplementedError("The changelog is a table's backup.")

    def restore_backup(self, *_: object, **__: object) -> NoReturn:
        raise NotImplementedError("The changelog is a table's backup.")

    # For Faust's table as a dict: all partitions that are open, to be read only

    def _get(self, key: bytes) -> bytes | None:
        event = current_event()
        if event is not None:
            return self.get(event.message.partition, key)
        return next((value for file in self._open_files() if (value := file.get(key)) is not None), None)

    def _contains(self, key: bytes) -> bool:
        return self._get(key) is not None

    def _size(self) -> int:
        return sum(file.count() for file in self._open_files())

    def _iterkeys(self) -> Iterator[bytes]:
        return (key for key, _ in self._iteritems())

    def _itervalues(self) -> Iterator[bytes]:
        return (value for _, value in self._iteritems())

    def _iteritems(self) -> Iterator[tuple[bytes, bytes]]:
        for file in self._open_files():
            yield from file.items()

    def _set(self, key: bytes, value: bytes | None) -> NoReturn:
        raise TypeError("A row is written with its partition and its changelog offset: use write().")

    def _del(self, key: bytes) -> NoReturn:
        raise TypeError("A row is deleted with its partition and its changelog offset: use write().")

    def _clear(self) -> NoReturn:
        raise TypeError("Rows are deleted with their partition and their changelog offset: use write().")

    def _open_files(self) -> list[GatheringFile]:
        return list(self._files.values())

    def _file(self, partition: int) -> GatheringFile:
        try:
            return self._files[partition]
        except KeyError:
            self.open(partition)
            return self._files[partition]

    async def _close_all_of(self, partitions: Iterable[int]) -> None:
        await asyncio.gather(*(asyncio.to_thread(self.close, partition) for partition in partitions))

    def _behind_bytes(self) -> int:
        return sum(file.behind_bytes for file in self._open_files())

    @property
    def _folder(self) -> Path:
        return Path(self.app.conf.tabledir) / self.table_name

    def _path(self, partition: int) -> Path:
        return self._folder / f"{partition}.sqlite"

    def _lock_folder(self) -> None:
        """Keep other workers out. A kill of this one lets them in."""
        if self._folder_lock is not None:
            return
        path = self._folder / ".lock"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = path.open("w")
        except OSError as error:
            raise unusable(path, "opened", error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StoreUnusable(
                path, f"Another worker uses {self._folder}. Give each worker its own MOORING_DATA_DIR."
            ) from None
        except OSError as error:
            lock.close()
            raise unusable(path, "locked", error) from error
        self._folder_lock = lock


def register() -> None:
    """Let Faust find the store by its scheme."""
    # Any: Faust's registry is not typed for this.
    aliases: Any = STORES.aliases
    aliases[SCHEME] = f"{__name__}:{Store.__name__}"
    # It logs a traceback for each statement after one that failed. The error is raised, and that is enough.
    logging.getLogger("sqlitedict").setLevel(logging.CRITICAL)


def _this_boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        # Not Linux: take each start for one after the machine went down.
        return uuid4().hex
