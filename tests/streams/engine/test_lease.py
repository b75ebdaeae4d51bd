"""The lease and its fence: what a worker may still write that was away for longer than its session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest

from streams.engine import lease
from streams.engine.lease import Fence, HeartbeatWatch, Lease, LeaseExpired

HEARTBEAT = HeartbeatRequest("group", 1, "member")
SYNC = SyncGroupRequest("group", 1, "member", None, [])
PRODUCE = ProduceRequest(None, -1, 1_000, [])


class Response:
    def __init__(self, error_code: int) -> None:
        self.error_code = error_code


class Client:
    """aiokafka's client, which answers as it is told and writes down what was sent."""

    def __init__(self, error_code: int = 0) -> None:
        self.sent: list[object] = []
        self._response = Response(error_code)

    async def ready(self, _: int, *, group: Any) -> bool:
        return True

    async def send(self, _: int, request: object, *, group: Any) -> Response:
        self.sent.append(request)
        return self._response


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands where its only element says."""
    times = [100.0]
    monkeypatch.setattr(lease, "now", lambda: times[0])
    return times


def test_it_holds_for_nine_tenths_of_a_session_from_the_sending_of_a_heartbeat(clock: list[float]) -> None:
    held = Lease(session_s=10)
    assert held.holds is False
    held.renew(100.0)
    clock[0] = 108.9
    assert bool(held.holds)
    clock[0] = 109.0
    assert held.holds is False


def test_an_answer_that_comes_late_counts_from_its_sending(clock: list[float]) -> None:
    held = Lease(session_s=10)
    held.renew(105.0)
    held.renew(101.0)
    clock[0] = 113.9
    assert held.holds


@pytest.mark.parametrize(
    ("request_", "error_code", "renews"),
    [
        (HEARTBEAT, 0, True),
        (HEARTBEAT, 27, True),  # the group rebalances: its members are members still
        (HEARTBEAT, 25, False),  # unknown member
        (HEARTBEAT, 22, False),  # illegal generation
        (SYNC, 0, True),
        (MetadataRequest([]), 0, False),
    ],
)
def test_what_the_coordinator_answers_well_renews_it(
    clock: list[float], request_: object, error_code: int, renews: bool
) -> None:
    held = Lease(session_s=10)
    client = Client(error_code)
    asyncio.run(HeartbeatWatch(client, held).send(1, request_))
    assert (client.sent, held.holds) == ([request_], renews)


def test_without_it_nothing_is_produced(clock: list[float]) -> None:
    """Removed, the look at the lease in `Fence.send`, this fails."""
    held = Lease(session_s=10)
    client = Client()
    fence = Fence(client, held)
    with pytest.raises(LeaseExpired):
        asyncio.run(fence.send(1, PRODUCE))
    held.renew(100.0)
    asyncio.run(fence.send(1, PRODUCE))
    clock[0] = 200.0
    with pytest.raises(LeaseExpired):
        asyncio.run(fence.send(1, PRODUCE))
    assert client.sent == [PRODUCE]


def test_the_clock_is_looked_at_after_connecting(clock: list[float]) -> None:
    """A worker may be stopped while it connects."""

    class Slow(Client):
        async def ready(self, _: int, *, group: Any) -> bool:
            clock[0] = 200.0
            return True

    held = Lease(session_s=10)
    held.renew(100.0)
    client = Slow()
    with pytest.raises(LeaseExpired):
        asyncio.run(Fence(client, held).send(1, PRODUCE))
    assert client.sent == []


def test_a_closed_fence_lets_nothing_through_under_a_new_lease(clock: list[float]) -> None:
    held = Lease(session_s=10)
    held.renew(100.0)
    client = Client()
    fence = Fence(client, held)
    fence.close()
    with pytest.raises(LeaseExpired):
        asyncio.run(fence.send(1, PRODUCE))
    fence.open()
    asyncio.run(fence.send(1, PRODUCE))
    assert client.sent == [PRODUCE]


def test_other_requests_pass(clock: list[float]) -> None:
    client = Client()
    request = MetadataRequest([])
    asyncio.run(Fence(client, Lease(session_s=10)).send(1, request))
    assert client.sent == [request]


def test_an_expired_lease_is_not_tried_again() -> None:
    assert not LeaseExpired.retriable
