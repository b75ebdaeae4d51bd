"""Past drift alerts."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.params import Depends as Dependency

from web.api.requests import PREFIX, READ, Alerts, Cursor, Limit
from web.models import AlertItem, Page
from web.queries import Queries
from web.reads.reader import DEFAULT_LIMIT


def router(queries: Queries, dependencies: Sequence[Dependency]) -> APIRouter:
    """The routes, answered from the replica."""
    api = APIRouter(prefix=PREFIX, dependencies=dependencies, responses=READ, tags=["alerts"])

    @api.get("/alerts", summary="Past drift alerts, newest first")
    def alerts(where: Alerts, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[AlertItem]:
        for code in where.metric:
            queries.metrics.spec(code)
        return queries.alerts.page(where, limit=limit, cursor=cursor)

    return api
