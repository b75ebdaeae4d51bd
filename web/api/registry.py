"""The API under /api/v1: the registry, one version, its history, past alerts, and what there is to filter by.

A parameter that a route does not know is refused, never ignored. Path parts are percent-encoded, each by itself: a
slash within an id is %2F. `KeepPathEncoded` has to wrap the app for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from mooring.errors import InvalidEvent
from mooring.keys import VersionKey
from mooring.outputs import Severity, VersionState
from web.filters import AlertFilter, VersionFilter
from web.models import (
    ROC_AUC,
    AlertItem,
    AlertSeverity,
    EvaluationItem,
    MetricItem,
    ModelItem,
    NodeItem,
    Page,
    ProjectItem,
    Sort,
    VersionDetail,
    VersionItem,
)
from web.problems import Problem, Refusal
from web.queries import DEFAULT_LIMIT, MAX_LIMIT, Queries

PREFIX = "/api/v1"

_PROBLEM = {"model": Problem, "description": "What is wrong, as a problem document"}
_BAD_REQUEST: dict[int | str, dict[str, Any]] = {400: _PROBLEM}  # Any: as FastAPI types it
_NOT_FOUND: dict[int | str, dict[str, Any]] = {400: _PROBLEM, 404: _PROBLEM}

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items of a page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before, with all else as it was.")]
Focus = Annotated[str, Query(description="The metric to focus: a code of /metrics.", examples=["roc_auc", "log_loss"])]
Since = Annotated[int | None, Query(alias="from", ge=0, lt=2**63, description="Evaluated then or later, epoch ms.")]
Until = Annotated[int | None, Query(alias="to", ge=0, lt=2**63, description="Evaluated before, epoch ms.")]
Ids = Annotated[list[str], Query(description="Repeat it for any of several.")]
SortKey = Annotated[
    str,
    Query(
        description="One of hierarchy, name, node, project, value, initial, drift, degradation, data_drift, severity, "
        "evaluated_at, built_at, updated_at; descending with `-` before it. `-degradation` is worst drift first. "
        "Versions that lack it come last.",
        examples=["-degradation", "value", "-evaluated_at"],
    ),
]


class KeepPathEncoded:
    """Middleware: routes of the API see the path as it was sent, so that %2F in an id does not end the id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/") and scope.get("raw_path"):
            scope = {**scope, "path": quote(scope["raw_path"], safe="/%:@!$&'()*+,;=~")}
        await self._app(scope, receive, send)


def refuse_unknown_parameters(request: Request) -> None:
    """A dependency of every route: refuse a query parameter that the route's documentation does not list."""
    route = request.scope["route"]
    operation = request.app.openapi()["paths"].get(route.path_format, {}).get(request.method.lower(), {})
    known = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            instead = f"known are {', '.join(known)}" if known else "it takes none"
            raise Refusal(400, "unknown-parameter", f"There is no parameter {name!r} here; {instead}.", known)


def version_key(node: str, project: str, model: str, version: str) -> VersionKey:
    """The key that four parts of a path spell. Raises Refusal (404) where they can be none."""
    try:
        return VersionKey(*(unquote_to_bytes(part).decode() for part in (node, project, model, version)))
    except (InvalidEvent, UnicodeDecodeError):
        raise _not_found("/".join((node, project, model, version))) from None


def version_filter(
    node: Ids = [],  # noqa: B006  # FastAPI reads it as the default, and copies
    project: Ids = [],  # noqa: B006
    model: Ids = [],  # noqa: B006
    state: Annotated[list[VersionState], Query()] = [],  # noqa: B006
    severity: Annotated[list[Severity], Query()] = [],  # noqa: B006
    algorithm: Ids = [],  # noqa: B006
    active: Annotated[bool | None, Query(description="Whether the version is its model's active one.")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Words in names and ids; all must occur.")] = None,
) -> VersionFilter:
    return VersionFilter(
        node=tuple(node),
        project=tuple(project),
        model=tuple(model),
        state=tuple(state),
        severity=tuple(severity),
        algorithm=tuple(algorithm),
        active=active,
        q=q,
    )


def alert_filter(
    version: Annotated[list[str], Query(description="Version keys.")] = [],  # noqa: B006
    node: Ids = [],  # noqa: B006
    project: Ids = [],  # noqa: B006
    severity: Annotated[list[AlertSeverity], Query()] = [],  # noqa: B006
    metric: Annotated[list[str], Query(description="Codes of metrics.")] = [],  # noqa: B006
    since: Since = None,
    until: Until = None,
) -> AlertFilter:
    return AlertFilter(
        version=tuple(version),
        node=tuple(node),
        project=tuple(project),
        severity=tuple(severity),
        metric=tuple(metric),
        since=since,
        until=until,
    )


Key = Annotated[VersionKey, Depends(version_key)]
Versions = Annotated[VersionFilter, Depends(version_filter)]
Alerts = Annotated[AlertFilter, Depends(alert_filter)]


def router(queries: Queries) -> APIRouter:
    """The routes, answered from the replica."""
    api = APIRouter(prefix=PREFIX, dependencies=[Depends(refuse_unknown_parameters)], responses=_BAD_REQUEST)

    @api.get("/versions", tags=["registry"], summary="The registry, one metric in focus")
    def versions(
        where: Versions,
        focus: Focus = ROC_AUC,
        sort: SortKey = Sort.HIERARCHY.value,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[VersionItem]:
        if sort.removeprefix("-") not in list(Sort):
            raise Refusal(400, "unknown-sort-key", f"There is no sort key {sort!r}.", [key.value for key in Sort])
        return queries.versions(where, focus=focus, sort=sort, limit=limit, cursor=cursor)

    @api.get(
        "/versions/{node}/{project}/{model}/{version}",
        tags=["registry"],
        summary="One version, all metrics",
        responses=_NOT_FOUND,
    )
    def version(key: Key, focus: Focus = ROC_AUC) -> VersionDetail:
        if (found := queries.version(key, focus)) is None:
            raise _not_found(str(key))
        return found

    @api.get(
        "/versions/{node}/{project}/{model}/{version}/history",
        tags=["registry"],
        summary="A version's counted evaluations, oldest first",
        responses=_NOT_FOUND,
    )
    def history(
        key: Key,
        metric: Annotated[str | None, Query(description="Only evaluations that have it, and only it.")] = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[EvaluationItem]:
        if queries.version(key) is None:
            raise _not_found(str(key))
        return queries.history(key, metric=metric, since=since, until=until, limit=limit, cursor=cursor)

    @api.get("/alerts", tags=["alerts"], summary="Past drift alerts, newest first")
    def alerts(where: Alerts, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[AlertItem]:
        for code in where.metric:
            queries.metric(code)
        return queries.alerts(where, limit=limit, cursor=cursor)

    @api.get("/metrics", tags=["registry"], summary="The metrics that can be in focus")
    def metrics() -> Page[MetricItem]:
        return Page(items=queries.metrics(), next_cursor=None, as_of=queries.as_of())

    @api.get("/models", tags=["registry"], summary="The models")
    def models(where: Versions, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ModelItem]:
        return queries.models(where, limit=limit, cursor=cursor)

    @api.get("/projects", tags=["registry"], summary="The projects")
    def projects() -> Page[ProjectItem]:
        return Page(items=queries.projects(), next_cursor=None, as_of=queries.as_of())

    @api.get("/nodes", tags=["registry"], summary="The nodes")
    def nodes() -> Page[NodeItem]:
        return Page(items=queries.nodes(), next_cursor=None, as_of=queries.as_of())

    return api


def refuse_the_rest(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Answer what no route of the API's routers took with a problem. To be called once they are all included."""

    @app.api_route(
        "/api/{rest:path}",
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        include_in_schema=False,
    )
    async def rest(request: Request) -> None:
        scope = request.scope
        allowed = sorted(
            method
            for router in routers
            for route in router.routes
            if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.PARTIAL
            for method in route.methods or ()
        )
        if allowed:
            raise Refusal(
                405,
                "method-not-allowed",
                f"{request.method} is not for this address; known are {', '.join(allowed)}.",
                allowed,
                {"Allow": ", ".join(allowed)},
            )
        raise Refusal(404, "no-such-address", f"There is nothing at {scope['path']}; see /openapi.json.")


def _not_found(key: str) -> Refusal:
    return Refusal(404, "unknown-version", f"There is no model version {key}.")
