"""The lease: a worker writes only while its group still counts on it.

A worker that was stopped for longer than its session (SIGSTOP, a machine that slept) has lost its partitions, and does
not know it when it wakes: its producer would send what another worker has gone beyond. So each request to produce is
sent only within 0.9 of a session after the *sending* of the last heartbeat that the group's coordinator answered well.
The clock is one that goes on while the machine sleeps.

What remains open: a stop in the instant between that look at the clock and the write to the socket.
"""

from __future__ import annotations

import time
from typing import Any

from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaError, NoError, RebalanceInProgressError, for_code
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.protocol.produce import ProduceRequest

_SHARE_OF_SESSION = 0.9


class LeaseExpired(KafkaError):  # type: ignore[misc]
    """The group may have given this worker's partitions to another: what it meant to write must not be written."""

    retriable = False


class Lease:
    """Until when this worker may write."""

    def __init__(self, session_s: float) -> None:
        self._valid_s = session_s * _SHARE_OF_SESSION
        self._expires = float("-inf")

    def renew(self, sent_at: float) -> None:
        """A heartbeat sent at that time, by `now`, was answered well."""
        self._expires = max(self._expires, sent_at + self._valid_s)

    def end(self) -> None:
        """The group has taken the partitions back."""
        self._expires = float("-inf")

    @property
    def holds(self) -> bool:
        return now() < self._expires


def now() -> float:
    """Seconds, of a clock that does not stop while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Client:
    """aiokafka's client, seen through `send`."""

    def __init__(self, client: Any) -> None:
        # Any: aiokafka's client is not typed.
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class HeartbeatWatch(_Client):
    """The consumer's client: renews the lease by what the coordinator answers."""

    def __init__(self, client: Any, lease: Lease) -> None:
        super().__init__(client)
        self._lease = lease

    async def send(self, node_id: int, request: Any, *, group: Any = ConnectionGroup.DEFAULT) -> Any:
        sent_at = now()
        response = await self._client.send(node_id, request, group=group)
        # A group that rebalances still has its members. The answer to a join may come long after its sending.
        if isinstance(request, HeartbeatRequest | SyncGroupRequest) and for_code(response.error_code) in (
            NoError,
            RebalanceInProgressError,
        ):
            self._lease.renew(sent_at)
        return response


class Fence(_Client):
    """A producer's client: refuses to produce while the lease does not hold, and while it is closed."""

    def __init__(self, client: Any, lease: Lease) -> None:
        super().__init__(client)
        self._lease = lease
        self._closed = False

    def close(self) -> None:
        """Refuse all: what waits in this producer must not be sent under a lease that is won again later."""
        self._closed = True

    def open(self) -> None:
        self._closed = False

    async def send(self, node_id: int, request: Any, *, group: Any = ConnectionGroup.DEFAULT) -> Any:
        if isinstance(request, ProduceRequest):
            # Connecting may take long: it comes before the look at the clock.
            await self._client.ready(node_id, group=group)
            if self._closed or not self._lease.holds:
                raise LeaseExpired
        return await self._client.send(node_id, request, group=group)
