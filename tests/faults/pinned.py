"""A worker that kills itself at a seam of the checkpoint: `python -m tests.faults.pinned <seam> <nth>`.

It is the real worker; the seam's function is wrapped, and at its nth call the process is gone (SIGKILL).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, NamedTuple

from streams.__main__ import app
from streams.engine.consumer import Consumer
from streams.engine.outbox import Outbox
from streams.engine.table import TakenRows


class Seam(NamedTuple):
    """Before or after a function of the engine."""

    owner: type
    name: str
    after: bool


SEAMS = {
    "before-alerts": Seam(Outbox, "acknowledged", after=False),
    "after-alerts": Seam(Outbox, "acknowledged", after=True),
    "before-changelog": Seam(TakenRows, "to_changelog", after=False),
    # Of one table: with three of them, a kill between two is among any three calls in a row.
    "after-changelog": Seam(TakenRows, "to_changelog", after=True),
    "before-store": Seam(TakenRows, "to_store", after=False),
    "after-store": Seam(TakenRows, "to_store", after=True),
    "before-commit": Seam(Consumer, "commit_offsets", after=False),
    "after-commit": Seam(Consumer, "commit_offsets", after=True),
}


def pin(seam: Seam, nth: int) -> None:
    """Have this process killed when it is at the seam for the nth time."""
    # Any: whatever the function takes and gives.
    original: Callable[..., Awaitable[Any]] = getattr(seam.owner, seam.name)
    calls = count(1)

    def pass_by() -> None:
        if next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    async def pinned(*args: Any, **kwargs: Any) -> Any:
        if not seam.after:
            pass_by()
        answer = await original(*args, **kwargs)
        if seam.after:
            pass_by()
        return answer

    setattr(seam.owner, seam.name, pinned)


if __name__ == "__main__":
    pin(SEAMS[sys.argv[1]], int(sys.argv[2]))
    app(["worker"])
