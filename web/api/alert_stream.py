"""GET /alerts/stream: drift alerts as server-sent events, each once, resumable from any web view of the installation.

The id of an event is the position up to which the reader has seen each partition of the topic: `0:17,1:4`, partition
and offset of the next alert. A stream begins with an event that has an id and nothing else, which moves the reader's
`Last-Event-ID` and triggers nothing: so a reader that was told of no alert yet misses none either.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from web.api.requests import PREFIX, READ, Alerts, refuse_unknown_parameters
from web.changes import Changes
from web.models import AlertItem
from web.problems import Refusal
from web.queries import Queries
from web.reads.alerts import PlacedAlert
from web.reads.filters import AlertFilter

HEARTBEAT_S = 15.0
_BATCH = 200
_EXAMPLE = """retry: 1000
id: 0:17,1:4

id: 0:18,1:4
event: alert
data: {"alert_id":"ff8e0ab8-59a7-5b2c-9d4e-4a1f3b1f0c55","version_key":"design-1/COUPONS/redemption/v2"}

"""
_POSITION = re.compile(r"(\d{1,9}):(\d{1,18})")

Seen = dict[int, int]


def router(queries: Queries, changes: Changes, topic: str) -> APIRouter:
    """`topic`: the name of the topic of drift alerts."""
    api = APIRouter(prefix=PREFIX, dependencies=[Depends(refuse_unknown_parameters)])

    @api.get(
        "/alerts/stream",
        tags=["alerts"],
        summary="Drift alerts as they come",
        description="Server-sent events named `alert`, whose data is an item of /alerts. Without `Last-Event-ID` from "
        "now on; with it, everything after that event, then on.",
        response_class=StreamingResponse,
        responses={
            **{status: each for status, each in READ.items() if status not in (304, 503)},
            200: {
                "description": "The events",
                "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
            },
        },
    )
    async def stream(
        where: Alerts,
        last_event_id: Annotated[
            str | None, Header(description="Id of the last event seen.", examples=["0:17,1:4"])
        ] = None,
    ) -> StreamingResponse:
        for code in where.metric:
            await run_in_threadpool(queries.metrics.spec, code)
        seen = _parsed(last_event_id) if last_event_id else await run_in_threadpool(queries.alerts.positions, topic)
        return StreamingResponse(
            _events(queries, changes, topic, where, seen),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return api


async def _events(queries: Queries, changes: Changes, topic: str, where: AlertFilter, seen: Seen) -> AsyncIterator[str]:
    yield f"retry: 1000\nid: {_written(seen)}\n\n"
    loop = asyncio.get_running_loop()
    told_at = loop.time()
    while not changes.closed:
        revision = changes.revision
        found = await run_in_threadpool(_next, queries, topic, where, seen)
        for placed in found:
            seen[placed.partition] = placed.position + 1
            yield _event(placed.alert, seen)
        if found:
            told_at = loop.time()
            continue
        await changes.wait(revision, HEARTBEAT_S - (loop.time() - told_at))
        if loop.time() - told_at >= HEARTBEAT_S:
            yield ": still here\n\n"
            told_at = loop.time()


def _next(queries: Queries, topic: str, where: AlertFilter, seen: Seen) -> list[PlacedAlert]:
    # Partitions that came into being since then have not been seen at all.
    for partition in queries.alerts.positions(topic):
        seen.setdefault(partition, 0)
    return queries.alerts.after(seen, where, _BATCH)


def _event(alert: AlertItem, seen: Seen) -> str:
    # JSON has no line breaks of its own, so the data is one line.
    return f"id: {_written(seen)}\nevent: alert\ndata: {alert.model_dump_json()}\n\n"


def _written(seen: Seen) -> str:
    return ",".join(f"{partition}:{position}" for partition, position in sorted(seen.items()))


def _parsed(event_id: str) -> Seen:
    """Raises Refusal where the text is no id that a stream gave out."""
    found = [_POSITION.fullmatch(part) for part in event_id.split(",")]
    if not all(found):
        raise Refusal(400, "invalid-event-id", f"Last-Event-ID {event_id!r} is none that this stream gave out.")
    return {int(match[1]): int(match[2]) for match in found if match}
