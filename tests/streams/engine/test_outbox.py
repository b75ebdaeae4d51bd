"""The outbox: in order, together, and nothing acknowledged that the broker did not acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.types import TP

from streams.engine.outbox import Outbox, Outgoing, batches
from streams.engine.published import Published

P0, P1 = TP("alerts", 0), TP("alerts", 1)


class Producer:
    """Takes what it is given; acknowledges when told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[TP, list[bytes | None]]] = []
        self.futures: list[asyncio.Future[int]] = []

    async def send(self, partition: TP, records: Iterable[Outgoing]) -> asyncio.Future[int]:
        await asyncio.sleep(0)
        self.sent.append((partition, [record.value for record in records]))
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


def story(play: Callable[[Outbox, Producer], Awaitable[None]]) -> Producer:
    producer = Producer()

    async def main() -> None:
        await play(Outbox(producer.send, Published([])), producer)

    asyncio.run(main())
    return producer


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_what_is_put_together_is_sent_together_and_in_order() -> None:
    async def play(outbox: Outbox, producer: Producer) -> None:
        outbox.put(P0, b"k", b"1")
        outbox.put(P1, b"k", b"2")
        outbox.put(P0, b"k", b"3")
        await settled()
        outbox.put(P0, b"k", b"4")
        await settled()

    assert story(play).sent == [(P0, [b"1", b"3"]), (P1, [b"2"]), (P0, [b"4"])]


def test_it_waits_for_every_acknowledgement() -> None:
    """Removed, the wait for `self._underway` in `Outbox.acknowledged`, this fails."""

    async def play(outbox: Outbox, producer: Producer) -> None:
        outbox.put(P0, None, b"1")
        outbox.put(P1, None, b"2")
        waiting = asyncio.create_task(outbox.acknowledged())
        await settled()
        assert not waiting.done()
        producer.futures[0].set_result(0)
        await settled()
        assert not waiting.done()
        producer.futures[1].set_result(0)
        await waiting

    story(play)


def test_a_failure_is_raised_where_it_is_waited_for_and_stays_until_it_is_discarded() -> None:
    async def play(outbox: Outbox, producer: Producer) -> None:
        outbox.put(P0, None, b"1")
        outbox.put(P1, None, b"2")
        await settled()
        producer.futures[0].set_exception(ConnectionError("gone"))
        producer.futures[1].set_result(0)
        for _ in range(2):
            with pytest.raises(ConnectionError, match="gone"):
                await outbox.acknowledged()
        outbox.discard()
        await outbox.acknowledged()

    story(play)


def test_what_comes_after_does_not_make_it_wait() -> None:
    """A checkpoint covers what was put before it; it must end under a steady load."""

    async def play(outbox: Outbox, producer: Producer) -> None:
        outbox.put(P0, None, b"1")
        await settled()
        waiting = asyncio.create_task(outbox.acknowledged())
        await settled()
        outbox.put(P0, None, b"2")
        await settled()
        producer.futures[0].set_result(0)
        await waiting
        assert not producer.futures[1].done()

    story(play)


def test_discarded_nothing_of_it_is_sent_or_counted() -> None:
    async def play(outbox: Outbox, producer: Producer) -> None:
        outbox.put(P0, None, b"1")
        await settled()
        outbox.put(P0, None, b"2")
        outbox.discard()
        await settled()
        producer.futures[0].set_result(0)
        await settled()
        await outbox.acknowledged()
        assert outbox._records == 0
        outbox.put(P0, None, b"3")
        await settled()

    assert [values for _, values in story(play).sent] == [[b"1"], [b"3"]]


def test_it_is_full_at_twenty_thousand_records_until_they_are_acknowledged() -> None:
    async def play(outbox: Outbox, producer: Producer) -> None:
        for _ in range(20_001):
            outbox.put(P0, None, b"x")
        assert outbox.full
        await settled()
        assert outbox.full
        producer.futures[0].set_result(0)
        await settled()
        assert not outbox.full

    story(play)


def test_it_is_full_at_64_mib() -> None:
    async def play(outbox: Outbox, producer: Producer) -> None:
        for _ in range(65):
            outbox.put(P0, None, bytes(1024 * 1024))
        assert outbox.full

    story(play)


def test_records_fill_batches_up_to_their_size_and_none_is_left_out() -> None:
    records = [Outgoing(b"%d" % n, bytes(400)) for n in range(1_000)]
    made = list(batches(lambda: BatchBuilder(10_000, 0), records))
    assert sum(batch.record_count() for batch in made) == 1_000
    assert all(0 < batch.size() <= 10_000 for batch in made)
    assert len(made) < 60
    assert list(batches(lambda: BatchBuilder(10_000, 0), [])) == []


def test_a_record_larger_than_a_batch_has_one_for_itself() -> None:
    made = list(batches(lambda: BatchBuilder(10_000, 0), [Outgoing(b"k", bytes(50_000)), Outgoing(b"k", b"")]))
    assert [batch.record_count() for batch in made] == [1, 1]
