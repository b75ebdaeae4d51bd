"""What a rebalance in the midst of handing over must not do. Under load: tests/faults/test_membership.py."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from faust.types import TP

from streams.engine.consumer import Consumer, Fetched
from streams.engine.positions import Position

A, B = TP("events", 0), TP("events", 1)


class Scene:
    """A consumer without a broker, with two partitions. Any: of the app, what a round looks at."""

    def __init__(self) -> None:
        self.consumer = cast(Any, object.__new__(Consumer))
        self.consumer.flow_active = True
        self.consumer._held = {}
        self.consumer._positions = {A: Position(0, 0), B: Position(0, 0)}
        self.consumer._rank = lambda _: 0

    def rebalance(self) -> None:
        """All partitions leave."""
        self.consumer.flow_active = False
        self.consumer._held.clear()
        self.consumer._positions.clear()


def test_a_rebalance_while_a_run_is_handed_over_takes_the_others_too() -> None:
    scene, delivered = Scene(), list[TP]()
    scene.consumer._held = {A: ([], {}), B: ([], {})}

    async def deliver(partition: TP, _: object) -> None:
        await asyncio.sleep(0)
        delivered.append(partition)
        scene.rebalance()

    scene.consumer._deliver = deliver
    asyncio.run(scene.consumer._release())
    assert delivered == [A]


def test_a_rebalance_while_a_hole_is_read_again_takes_what_was_fetched() -> None:
    """Else it would be handed over to whoever has the partition next, from the middle."""
    scene, again = Scene(), list[TP]()

    class Thread:
        async def fetch(self, *_: object) -> Fetched:
            await asyncio.sleep(0)
            return Fetched({A: 5, B: 5}, {}, {}, {})

    async def read_again(partition: TP, _: object) -> None:
        await asyncio.sleep(0)
        again.append(partition)
        scene.rebalance()

    class Checkpoint:
        overloaded = False

    class App:
        checkpoint = Checkpoint()
        consumer_generation_id = 1
        in_recovery = False

        class conf:  # noqa: N801 - Faust's name
            broker_max_poll_records = 10

    scene.consumer.app = App()
    scene.consumer._thread = Thread()
    scene.consumer._progress = asyncio.Event()
    scene.consumer._free = lambda: {A, B}
    scene.consumer._read_again = read_again
    asyncio.run(scene.consumer._round())
    assert len(again) == 1
    assert not scene.consumer._held
