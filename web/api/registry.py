"""The registry: lists of versions, one version, its history, and what there is to filter by and to focus on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.params import Depends as Dependency
from fastapi.responses import StreamingResponse

from web import export
from web.api.requests import (
    NOT_FOUND,
    PREFIX,
    READ,
    Cursor,
    Focus,
    Key,
    Limit,
    Since,
    Until,
    Versions,
    unknown_version,
)
from web.models import (
    ROC_AUC,
    EvaluationItem,
    MetricItem,
    ModelItem,
    NodeItem,
    Page,
    ProjectItem,
    Sort,
    VersionDetail,
    VersionPage,
)
from web.problems import Refusal
from web.queries import Queries
from web.reads.reader import DEFAULT_LIMIT, MAX_LIMIT

MAX_TREND = 50


async def _sort_key(
    sort: Annotated[
        str,
        Query(
            description="One of hierarchy, name, node, project, value, initial, drift, degradation, data_drift, "
            "severity, evaluated_at, built_at, updated_at; descending with `-` before it. `-degradation` is worst "
            "drift first. Versions that lack it come last.",
            examples=["-degradation", "value", "-evaluated_at"],
        ),
    ] = Sort.HIERARCHY.value,
) -> str:
    if sort.removeprefix("-") not in list(Sort):
        raise Refusal(400, "unknown-sort-key", f"There is no sort key {sort!r}.", [key.value for key in Sort])
    return sort


SortKey = Annotated[str, Depends(_sort_key)]


def router(queries: Queries, dependencies: Sequence[Dependency]) -> APIRouter:
    """The routes, answered from the replica."""
    api = APIRouter(prefix=PREFIX, dependencies=dependencies, responses=READ, tags=["registry"])

    @api.get("/versions", summary="The registry, one metric in focus")
    def versions(
        where: Versions,
        sort: SortKey,
        focus: Focus = ROC_AUC,
        trend: Annotated[
            int, Query(ge=0, le=MAX_TREND, description="How many of its newest values of the focus metric to add.")
        ] = 0,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> VersionPage:
        return queries.versions.list(where, focus=focus, sort=sort, limit=limit, cursor=cursor, trend=trend)

    @api.get(
        "/versions.csv",
        summary="The registry as a table",
        description="All versions that the filters admit, as CSV: a line each, the first one names the columns.",
        response_class=StreamingResponse,
        responses={200: {"description": "The table", "content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    def table(where: Versions, sort: SortKey, focus: Focus = ROC_AUC) -> StreamingResponse:
        first = queries.versions.list(where, focus=focus, sort=sort, limit=MAX_LIMIT)
        lines = export.lines(
            first, lambda cursor: queries.versions.list(where, focus=focus, sort=sort, limit=MAX_LIMIT, cursor=cursor)
        )
        named = focus.isascii() and focus.isidentifier()
        headers = {"Content-Disposition": f'attachment; filename="mooring-{focus}.csv"' if named else "attachment"}
        if first.as_of is not None:
            headers["Mooring-As-Of"] = str(first.as_of)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

    @api.get("/versions/{node}/{project}/{model}/{version}", summary="One version, all metrics", responses=NOT_FOUND)
    def version(key: Key, focus: Focus = ROC_AUC) -> VersionDetail:
        if (found := queries.versions.get(key, focus)) is None:
            raise unknown_version(str(key))
        return found

    @api.get(
        "/versions/{node}/{project}/{model}/{version}/history",
        summary="A version's counted evaluations, oldest first",
        responses=NOT_FOUND,
    )
    def history(
        key: Key,
        metric: Annotated[str | None, Query(description="Only evaluations that have it, and only it.")] = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[EvaluationItem]:
        found = queries.history.counted(key, metric=metric, since=since, until=until, limit=limit, cursor=cursor)
        if found is None:
            raise unknown_version(str(key))
        return found

    @api.get(
        "/versions/{node}/{project}/{model}/{version}/evaluations",
        summary="Every evaluation of a version, newest first",
        description="With what became of each; those that are not synced come without their values.",
        responses=NOT_FOUND,
    )
    def evaluations(
        key: Key, since: Since = None, until: Until = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[EvaluationItem]:
        found = queries.history.all(key, since=since, until=until, limit=limit, cursor=cursor)
        if found is None:
            raise unknown_version(str(key))
        return found

    @api.get("/metrics", summary="The metrics that can be in focus")
    def metrics() -> Page[MetricItem]:
        return Page(items=queries.metrics.all(), next_cursor=None, as_of=queries.as_of())

    @api.get("/models", summary="The models")
    def models(where: Versions, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ModelItem]:
        return queries.versions.models(where, limit=limit, cursor=cursor)

    @api.get("/projects", summary="The projects")
    def projects(limit: Limit = MAX_LIMIT, cursor: Cursor = None) -> Page[ProjectItem]:
        return queries.versions.projects(limit=limit, cursor=cursor)

    @api.get("/nodes", summary="The nodes")
    def nodes() -> Page[NodeItem]:
        return queries.versions.nodes()

    return api
