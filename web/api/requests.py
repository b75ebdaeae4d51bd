"""What the routes have in common: paths, parameters, and how what cannot be answered is refused.

A parameter that a route does not know is refused, never ignored. Path parts are percent-encoded, each by itself: a
slash within an id is %2F. `KeepPathEncoded` has to wrap the app for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from mooring.errors import InvalidEvent
from mooring.keys import StoreKey, VersionKey
from mooring.metrics.catalogue import PredictionType
from mooring.outputs import Severity, VersionState
from web.guard import MAX_BODY_BYTES
from web.models import AlertSeverity
from web.problems import MEDIA_TYPE, Problem, Refusal
from web.reads.filters import AlertFilter, Interval, VersionFilter
from web.reads.reader import MAX_LIMIT

PREFIX = "/api/v1"

# Any: as FastAPI types it.
Responses = dict[int | str, dict[str, Any]]


def problem(status: int, name: str, description: str, detail: str) -> Responses:
    """What the documentation says of an error, with an example."""
    example = Refusal(status, name, detail).problem.model_dump(exclude_none=True)
    content = {MEDIA_TYPE: {"example": example}}
    return {status: {"model": Problem, "description": description, "content": content}}


_ANY: Responses = {
    **problem(
        400, "unknown-parameter", "The request is wrong", "There is no parameter 'metrics' here; known are focus, sort."
    ),
    **problem(403, "unknown-host", "Not for who asks", "This view is for its own machine only."),
    **problem(500, "internal-error", "A defect", "The service met an error that it did not expect."),
}
READ: Responses = {
    304: {"description": "As it was in the answer that had this ETag (`If-None-Match`)"},
    **_ANY,
    **problem(
        503,
        "not-seen-yet",
        "What `at_least` asks for is not here in time, or the broker is away",
        "What was written at mooring.evaluation-runs:3:1042 is not here after 5 s. Is a worker running?",
    ),
}
WRITE: Responses = {
    **_ANY,
    **problem(
        503,
        "broker-unavailable",
        "Kafka does not take it",
        "No Kafka broker answers at localhost:9092. Is it running, and is the address right (MOORING_BROKERS)?",
    ),
}
WITH_BODY: Responses = {
    **problem(413, "too-large", "The body is too large", f"The request has more than {MAX_BODY_BYTES:,} bytes."),
    **problem(
        415, "not-json", "The body is no JSON", "A body has to be JSON, with Content-Type: application/json, not none."
    ),
}
NOT_FOUND: Responses = problem(
    404, "unknown-version", "Nothing is known of it", "There is no model version design-1/COUPONS/redemption/v9."
)

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items of a page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before, with all else as it was.")]
Focus = Annotated[str, Query(description="The metric to focus: a code of /metrics.", examples=["roc_auc", "log_loss"])]
Since = Annotated[int | None, Query(alias="from", ge=0, lt=2**63, description="Evaluated then or later, epoch ms.")]
Until = Annotated[int | None, Query(alias="to", ge=0, lt=2**63, description="Evaluated before, epoch ms.")]
Ids = Annotated[tuple[str, ...], Query(description="Repeat it for any of several.")]


class KeepPathEncoded:
    """Middleware: routes of the API see the path as it was sent, so that %2F in an id does not end the id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/") and scope.get("raw_path"):
            scope = {**scope, "path": quote(scope["raw_path"], safe="/%:@!$&'()*+,;=~")}
        await self._app(scope, receive, send)


async def refuse_unknown_parameters(request: Request) -> None:
    """A dependency of every route: refuse a query parameter that the route's documentation does not list.

    And one that is given twice of which only one would be looked at.
    """
    route = request.scope["route"]
    operation = request.app.openapi()["paths"].get(route.path_format, {}).get(request.method.lower(), {})
    known = {each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"}
    for name in request.query_params:
        if name not in known:
            instead = f"known are {', '.join(known)}" if known else "it takes none"
            raise Refusal(400, "unknown-parameter", f"There is no parameter {name!r} here; {instead}.", list(known))
        if known[name].get("type") != "array" and len(request.query_params.getlist(name)) > 1:
            raise Refusal(400, "invalid-parameter", f"{name}: it can be given once only.")


async def refuse_what_is_not_json(request: Request) -> None:
    """A dependency of routes with a body: refuse what a page of another site could send without asking beforehand."""
    kind = request.headers.get("content-type", "")
    main, _, sub = kind.partition(";")[0].strip().lower().partition("/")
    if main != "application" or not (sub == "json" or sub.endswith("+json")):
        raise Refusal(
            415, "not-json", f"A body has to be JSON, with Content-Type: application/json, not {kind or 'none'}."
        )


def _part(name: str, example: str) -> Any:  # Any: a default that FastAPI reads
    return Path(description=f"Id of the {name}, percent-encoded by itself: a slash in it is %2F.", examples=[example])


NodePart = Annotated[str, _part("node", "design-1")]
ProjectPart = Annotated[str, _part("project", "COUPONS")]
ModelPart = Annotated[str, _part("model", "redemption")]
VersionPart = Annotated[str, _part("version", "v2")]
StorePart = Annotated[str, _part("store", "weekly")]


async def version_key(node: NodePart, project: ProjectPart, model: ModelPart, version: VersionPart) -> VersionKey:
    """The key that four parts of a path spell. Raises Refusal (404) where they can be none."""
    try:
        return VersionKey(*map(_unquoted, (node, project, model, version)))
    except (InvalidEvent, UnicodeDecodeError):
        raise unknown_version("/".join((node, project, model, version))) from None


async def store_key(node: NodePart, project: ProjectPart, store: StorePart) -> StoreKey:
    """The key that three parts of a path spell. Raises Refusal (404) where they can be none."""
    try:
        return StoreKey(*map(_unquoted, (node, project, store)))
    except (InvalidEvent, UnicodeDecodeError):
        raise Refusal(404, "unknown-store", f"There is no store {node}/{project}/{store}.") from None


async def version_filter(
    node: Ids = (),
    project: Ids = (),
    model: Ids = (),
    state: Annotated[tuple[VersionState, ...], Query()] = (),
    severity: Annotated[tuple[Severity, ...], Query()] = (),
    algorithm: Ids = (),
    prediction_type: Annotated[tuple[PredictionType, ...], Query()] = (),
    label: Annotated[
        tuple[str, ...],
        Query(description="A label's name, or name=value. Repeat it for any of several.", examples=[["team=pricing"]]),
    ] = (),
    active: Annotated[bool | None, Query(description="Whether the version is its model's active one.")] = None,
    archived: Annotated[bool | None, Query(description="Whether the version is archived.")] = None,
    since: Since = None,
    until: Until = None,
    value: Annotated[
        tuple[str, ...],
        Query(
            description="code:low..high, both included, one of them left out where there is no bound: versions whose "
            "current value of the metric is within. Repeat it for all of several.",
            examples=[["roc_auc:0.7..0.8"]],
        ),
    ] = (),
    drift: Annotated[
        tuple[str, ...],
        Query(description="Likewise for the drift of a metric.", examples=[["roc_auc:..-0.02"]]),
    ] = (),
    q: Annotated[
        str | None, Query(max_length=200, description="Words, or how they begin, in names and ids; all must occur.")
    ] = None,
) -> VersionFilter:
    return VersionFilter(
        node=node,
        project=project,
        model=model,
        state=state,
        severity=severity,
        algorithm=algorithm,
        prediction_type=prediction_type,
        label=label,
        active=active,
        archived=archived,
        evaluated_since=since,
        evaluated_until=until,
        values=_intervals("value", value),
        drifts=_intervals("drift", drift),
        q=q,
    )


async def alert_filter(
    version: Annotated[tuple[str, ...], Query(description="Version keys.")] = (),
    node: Ids = (),
    project: Ids = (),
    severity: Annotated[tuple[AlertSeverity, ...], Query()] = (),
    metric: Annotated[tuple[str, ...], Query(description="Codes of metrics.")] = (),
    since: Since = None,
    until: Until = None,
) -> AlertFilter:
    return AlertFilter(
        version=version,
        node=node,
        project=project,
        severity=severity,
        metric=metric,
        since=since,
        until=until,
    )


Key = Annotated[VersionKey, Depends(version_key)]
Store = Annotated[StoreKey, Depends(store_key)]
Versions = Annotated[VersionFilter, Depends(version_filter)]
Alerts = Annotated[AlertFilter, Depends(alert_filter)]


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


def unknown_version(key: str) -> Refusal:
    return Refusal(404, "unknown-version", f"There is no model version {key}.")


def _intervals(name: str, texts: Sequence[str]) -> tuple[Interval, ...]:
    try:
        return tuple(map(Interval.parse, texts))
    except ValueError as error:
        raise Refusal(400, "invalid-parameter", f"{name}: {error}") from None


def _unquoted(part: str) -> str:
    return unquote_to_bytes(part).decode()
