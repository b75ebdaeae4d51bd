"""The checkpoint: the order of effects of rule 8, and what becomes of it when a step fails.

What is around it is stood in for by objects that write down what happens to them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.engine.checkpoint import Checkpoint
from streams.engine.lease import Lease, LeaseExpired, now

P0 = TP("events", 0)


@dataclass
class Surroundings:
    """The app of a checkpoint, its consumer, its outbox and two tables. `journal` has what happened, in order."""

    journal: list[str] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    hold: dict[str, asyncio.Event] = field(default_factory=dict)
    crashes: list[BaseException] = field(default_factory=list)
    handled: int = 8
    committed: int = 0
    rebalancing: bool = False
    in_recovery: bool = False

    def __post_init__(self) -> None:
        self.lease = Lease(10)
        self.lease.renew(now())
        self.flow_control = SimpleNamespace(suspend=lambda: self.journal.append("suspend"))
        self.consumer = self
        self.producer = self
        self.outbox = SimpleNamespace(
            acknowledged=lambda: self.step("publish"), discard=lambda: self.journal.append("forget"), full=False
        )
        self.tables = [Table(self, "versions"), Table(self, "models")]
        self.checkpoint = Checkpoint(self, self.tables, self.outbox)  # type: ignore[arg-type]

    async def step(self, name: str) -> None:
        if name in self.hold:
            await self.hold[name].wait()
        self.journal.append(name)
        if name in self.fails:
            raise self.fails[name]

    # Of the app

    @property
    def crash_reason(self) -> BaseException | None:
        return self.crashes[0] if self.crashes else None

    async def crash(self, error: BaseException) -> None:
        self.crashes.append(error)

    # Of the consumer

    def to_commit(self) -> dict[TP, int]:
        return {P0: self.handled} if self.handled > self.committed else {}

    def marks(self, offsets: dict[TP, int]) -> dict[int, str]:
        return {partition.partition: "" for partition in offsets}

    async def commit_offsets(self, offsets: dict[TP, int], marks: dict[int, str]) -> bool:
        assert marks == {0: ""}
        await self.step(f"commit {offsets[P0]}")
        self.committed = offsets[P0]
        return True

    def progressed(self) -> None:
        pass

    def stop_flow(self) -> None:
        self.journal.append("stop")

    async def request_rejoin(self) -> None:
        self.journal.append("rejoin")

    # Of the producer

    async def drain(self) -> None:
        self.journal.append("drain" if not self.lease.holds else "drain under the lease")


class Table:
    """A table with one changed row."""

    def __init__(self, around: Surroundings, name: str) -> None:
        self._around, self._name = around, name
        self.changed = 1

    def take(self) -> Any:
        self.changed = 0
        return SimpleNamespace(
            to_changelog=lambda: self._around.step(f"changelog {self._name}"),
            to_store=lambda: self._around.step(f"store {self._name}"),
        )

    def discard(self) -> None:
        self._around.journal.append(f"discard {self._name}")


def story(play: Callable[[Surroundings], Awaitable[None]], **given: Any) -> Surroundings:
    found = None

    async def main() -> None:
        nonlocal found
        found = Surroundings(**given)
        await play(found)

    asyncio.run(main())
    assert found is not None
    return found


async def run(around: Surroundings) -> None:
    await around.checkpoint.run()


WHOLE = ["publish", "changelog versions", "changelog models", "store versions", "store models", "commit 8"]


def test_alerts_then_changelog_then_store_then_offsets() -> None:
    """And of the changelogs, the versions' before the models': else a crash between leaves two versions active."""
    assert story(run).journal == WHOLE


@pytest.mark.parametrize("step", range(6))
def test_a_step_waits_for_the_one_before(step: int) -> None:
    """Each `await` in `Checkpoint._run` seen to matter."""

    async def play(around: Surroundings) -> None:
        around.hold[WHOLE[step]] = asyncio.Event()
        running = asyncio.create_task(around.checkpoint.run())
        for _ in range(50):
            await asyncio.sleep(0)
        assert around.journal == WHOLE[:step]
        around.hold[WHOLE[step]].set()
        await running

    assert story(play).journal == WHOLE


def test_it_covers_what_was_handled_when_it_began() -> None:
    """What is handled meanwhile has effects that are not safe: its offset is for the next one."""

    async def play(around: Surroundings) -> None:
        around.hold["publish"] = asyncio.Event()
        running = asyncio.create_task(around.checkpoint.run())
        await asyncio.sleep(0)
        around.handled = 12
        around.hold["publish"].set()
        await running
        await around.checkpoint.run()

    assert [entry for entry in story(play).journal if entry.startswith("commit")] == ["commit 8", "commit 12"]


def test_two_at_once_follow_one_another() -> None:
    async def play(around: Surroundings) -> None:
        await asyncio.gather(around.checkpoint.run(), around.checkpoint.run())

    journal = story(play).journal
    assert journal[: len(WHOLE)] == WHOLE
    assert "commit" not in "".join(journal[len(WHOLE) :])


@pytest.mark.parametrize("failing", WHOLE)
def test_where_the_lease_is_lost_nothing_more_is_written_and_the_group_is_asked_anew(failing: str) -> None:
    journal = story(run, fails={failing: LeaseExpired()}).journal
    assert journal == [*WHOLE[: WHOLE.index(failing) + 1], "stop", "suspend", "rejoin"]


def test_after_a_failure_there_is_none_until_the_partitions_have_left() -> None:
    async def play(around: Surroundings) -> None:
        around.fails["changelog versions"] = LeaseExpired()
        await around.checkpoint.run()
        around.fails.clear()
        around.journal.clear()
        await around.checkpoint.run()
        assert around.journal == []
        await around.checkpoint.finish()
        assert around.journal == ["drain", "forget", "discard versions", "discard models"]
        around.lease.renew(now())
        await around.checkpoint.run()
        assert around.journal[-1] == "commit 8"

    story(play)


@pytest.mark.parametrize("error", [KafkaError("refused"), OSError("no space left on device")])
def test_any_other_failure_stops_the_worker(error: Exception) -> None:
    around = story(run, fails={"store versions": error})
    assert around.crashes == [error]
    assert around.committed == 0


def test_offsets_are_not_committed_without_the_lease() -> None:
    async def play(around: Surroundings) -> None:
        around.hold["store models"] = asyncio.Event()
        running = asyncio.create_task(around.checkpoint.run())
        await asyncio.sleep(0)
        around.lease.end()
        around.hold["store models"].set()
        await running

    assert story(play).committed == 0


def test_none_while_tables_are_read_back() -> None:
    assert story(run, in_recovery=True).journal == []


async def finish(around: Surroundings) -> None:
    await around.checkpoint.finish()


def test_the_last_one_leaves_nothing_that_could_be_written_later() -> None:
    """The lease ends before the producer is drained, so that what waits there is refused."""
    around = story(finish)
    assert around.journal == [*WHOLE, "drain", "forget", "discard versions", "discard models"]


def test_the_last_one_gives_up_when_the_lease_does() -> None:
    """A broker that is away must not hold the group up."""

    async def play(around: Surroundings) -> None:
        around.hold["publish"] = asyncio.Event()
        finishing = asyncio.create_task(around.checkpoint.finish())
        await asyncio.sleep(0.01)
        around.lease.end()
        await finishing

    around = story(play)
    assert around.journal == ["drain", "forget", "discard versions", "discard models"]
    assert around.committed == 0


def test_a_worker_that_stops_by_itself_makes_nothing_safe() -> None:
    """What made it stop may be in the rows."""
    around = story(finish, crashes=[ValueError()])
    assert around.journal == ["drain", "forget", "discard versions", "discard models"]


@pytest.mark.parametrize(("rows", "full", "overloaded"), [(1, False, False), (25_000, False, True), (1, True, True)])
def test_it_says_when_no_more_input_should_be_taken(rows: int, full: bool, overloaded: bool) -> None:
    async def play(around: Surroundings) -> None:
        for table in around.tables:
            table.changed = rows
        around.outbox.full = full
        assert around.checkpoint.overloaded is overloaded

    story(play)
