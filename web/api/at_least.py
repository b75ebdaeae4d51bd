"""The parameter `at_least` of every read: wait until the answer has what a write has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Query

from web.problems import Refusal
from web.seen import TIMEOUT_S, NotWritten, Place, Seen

AtLeast = Annotated[
    str | None,
    Query(
        description=f"The `position` of a write: wait until the answer has what it changed, {TIMEOUT_S:.0f} s at most.",
        examples=["mooring.evaluation-runs:3:1042"],
    ),
]


def at_least(seen: Seen) -> Callable[[AtLeast], Awaitable[None]]:
    """A dependency of routes that read."""

    async def wait(at_least: AtLeast = None) -> None:
        if at_least is None:
            return
        try:
            place = Place.parse(at_least)
        except ValueError as error:
            raise Refusal(400, "invalid-parameter", f"at_least: {error}.") from None
        if not seen.is_input(place):
            raise Refusal(400, "invalid-parameter", f"at_least: {place.topic} is no topic that is written to here.")
        try:
            is_here = await seen.wait(place)
        except NotWritten as error:
            raise Refusal(400, "invalid-parameter", f"at_least: {error}.") from None
        if not is_here:
            raise Refusal(
                503,
                "not-seen-yet",
                f"What was written at {at_least} is not here after {seen.timeout_s:.0f} s. Is a worker running? "
                "Ask again, or without at_least for what there is.",
                headers={"Retry-After": "1"},
            )

    return wait
