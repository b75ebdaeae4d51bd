"""The app: routes of the API and of operations over a replica. Pages are added by `web.pages`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

import mooring
from mooring.topics import Topics
from web import alert_stream, api, health, problems
from web.changes import Changes
from web.queries import Queries
from web.replica import ReplicaState

DESCRIPTION = """The registry of model versions and their metrics, and the drift alerts.

Lists come in pages: give `next_cursor` as `cursor` for what follows. `as_of` says how current an answer is. Times are
Unix epoch milliseconds, UTC. Errors are problem documents (RFC 9457)."""


def build_app(
    queries: Queries,
    changes: Changes,
    state: Callable[[], ReplicaState],
    unreadable: Callable[[], int],
    topics: Topics,
) -> FastAPI:
    """The app that answers from the replica that `queries` reads; `state`, `unreadable`: how it does."""

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
    app.include_router(health.router(queries, state, unreadable))
    routers = (alert_stream.router(queries, changes, topics.drift_alerts.name), api.router(queries))
    for router in routers:
        app.include_router(router)
    api.refuse_the_rest(app, routers)
    app.add_middleware(api.KeepPathEncoded)
    return app
