"""The app: routes of the API and of operations over a replica. Pages are added by `web.pages`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Depends, FastAPI

import mooring
from mooring.topics import Topics
from web import health, problems
from web.api import alert_stream, alerts, dead_letters, documentation, registry, reports, stores
from web.api.at_least import at_least
from web.api.etags import ETags
from web.api.requests import KeepPathEncoded, refuse_the_rest, refuse_unknown_parameters
from web.changes import Changes
from web.guard import Guard
from web.queries import Queries
from web.replica import ReplicaState
from web.seen import Seen
from web.writer import Writer

DESCRIPTION = """The registry of model versions and their metrics, and the drift alerts.

Lists come in pages: give `next_cursor` as `cursor` for what follows. `as_of` says how current an answer is. Times are
Unix epoch milliseconds, UTC. Errors are problem documents (RFC 9457). A write answers with its `position`; a read with
`at_least` set to it waits until it has what was written. Answers have an ETag; give it as `If-None-Match`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the app is made of."""

    topics: Topics
    queries: Queries
    changes: Changes
    writer: Writer
    seen: Seen
    # How the replica does, and how many records it could not read.
    state: Callable[[], ReplicaState]
    unreadable: Callable[[], int]


def build_app(parts: Parts, host: str, names: Collection[str] = ()) -> FastAPI:
    """The app over these parts. `host`: what it will listen on; `names`: what else it is called."""
    queries, changes = parts.queries, parts.changes

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        changes.attach()
        yield
        changes.close()

    app = FastAPI(
        title="Mooring",
        version=mooring.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        # The interactive documentation would load its scripts from another host.
        docs_url=None,
        redoc_url=None,
    )
    problems.add_handlers(app)
    documentation.install(app)
    app.include_router(health.router(queries, parts.state, parts.unreadable))
    strict = Depends(refuse_unknown_parameters)
    reads = [strict, Depends(at_least(parts.seen))]
    routers = (
        # Before the routes of one version, whose paths begin alike.
        alert_stream.router(queries, changes, parts.topics.drift_alerts.name),
        registry.router(queries, reads),
        alerts.router(queries, reads),
        stores.router(queries, parts.writer, reads=reads, writes=[strict]),
        dead_letters.router(queries, parts.writer, reads=reads, writes=[strict]),
        reports.router(parts.writer, [strict]),
    )
    for router in routers:
        app.include_router(router)
    refuse_the_rest(app, routers)
    # The last one added is the first to see a request.
    app.add_middleware(ETags)
    app.add_middleware(KeepPathEncoded)
    app.add_middleware(Guard, host=host, names=names)
    return app
