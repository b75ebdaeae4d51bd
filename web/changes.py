"""How the replica's thread wakes those who wait on the event loop for news: streams of alerts, open pages."""

from __future__ import annotations

import asyncio


class Changes:
    """A number that grows with every change of the replica, and a way to wait for it to grow.

    `publish` is for any thread; all else for the event loop that `attach` was called on.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._grown = asyncio.Event()

    def attach(self) -> None:
        """Wake waiters on the running event loop from now on."""
        self._loop = asyncio.get_running_loop()

    def publish(self) -> None:
        """Say that the replica has changed. Never blocks; does nothing before `attach` and after the loop's end."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            # The loop has ended: nobody waits any more.
            self._loop = None

    def close(self) -> None:
        """Wake all waiters for good: the service stops."""
        self.closed = True
        self._wake()

    async def wait(self, seen: int, timeout_s: float) -> int:
        """The revision once it is past `seen`, or the present one when time is up or the service stops."""
        if self.revision == seen and not self.closed:
            grown = self._grown
            try:
                await asyncio.wait_for(grown.wait(), timeout_s)
            except TimeoutError:
                pass
        return self.revision

    def _wake(self) -> None:
        self.revision += 1
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
