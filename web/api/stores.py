"""Evaluation stores: how they are configured, and to configure them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.params import Depends as Dependency
from pydantic import BaseModel, ConfigDict, Field

from mooring.documents import completed, event
from mooring.events import EvaluationStore
from web.api.requests import (
    PREFIX,
    READ,
    WITH_BODY,
    WRITE,
    Cursor,
    Ids,
    Limit,
    Responses,
    Store,
    problem,
    refuse_what_is_not_json,
)
from web.models import Accepted, Bounds, Page, StoreDetail, StoreItem
from web.problems import Refusal
from web.queries import Queries
from web.reads.reader import DEFAULT_LIMIT
from web.writer import Writer

_ROUTE = "/stores/{node}/{project}/{store}"
_UNKNOWN: Responses = problem(
    404,
    "unknown-store",
    "Nothing is known of it",
    "There is no store design-1/COUPONS/monthly: nothing was evaluated in it or configured.",
)


class GivenBounds(Bounds):
    """Bounds as they are given: nothing else beside them, and numbers as numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StoreConfiguration(BaseModel):
    """How a store is to be configured."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "synced": True,
                    "thresholds": {"roc_auc": {"min": 0.75, "soft_min": 0.82}},
                    "actor": "jane@example.org",
                }
            ]
        },
    )

    synced: bool = Field(description="Whether its evaluations reach the registry.")
    thresholds: dict[str, GivenBounds] = Field(default={}, description="By metric. All that are to hold: none is kept.")
    name: str | None = Field(default=None, description="What people call it.", examples=["Weekly evaluation"])
    actor: str | None = Field(default=None, description="Who configures it.")
    effective_at: Annotated[int, Field(ge=0, lt=2**63)] | None = Field(
        default=None, description="From when on, epoch ms; now unless given."
    )


def router(queries: Queries, writer: Writer, *, reads: Sequence[Dependency], writes: Sequence[Dependency]) -> APIRouter:
    """The routes, answered from the replica; what is written goes to Kafka.

    `reads`, `writes`: what routes of each kind depend on.
    """
    api = APIRouter(prefix=PREFIX, tags=["stores"])

    @api.get(
        "/stores",
        summary="The evaluation stores",
        description="Those that were configured, or in which something was evaluated.",
        dependencies=reads,
        responses=READ,
    )
    def stores(
        node: Ids = (),
        project: Ids = (),
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[StoreItem]:
        return queries.stores.page(_now(), node=node, project=project, limit=limit, cursor=cursor)

    @api.get(_ROUTE, summary="One evaluation store", dependencies=reads, responses={**READ, **_UNKNOWN})
    def store(key: Store) -> StoreDetail:
        as_of = queries.as_of()
        if (found := queries.stores.get(key, _now())) is None:
            raise Refusal(404, "unknown-store", f"There is no store {key}: nothing was evaluated in it or configured.")
        return StoreDetail(**dict(found), as_of=as_of)

    @api.put(
        _ROUTE,
        summary="Configure an evaluation store",
        description="From `effective_at` on, instead of the configuration before: what is left out is not kept.",
        status_code=202,
        dependencies=[Depends(refuse_what_is_not_json), *writes],
        responses={**WRITE, **WITH_BODY, **_UNKNOWN},
    )
    def configure(key: Store, configuration: StoreConfiguration) -> Accepted:
        document = configuration.model_dump(exclude_none=True) | {
            "node_id": key.node_id,
            "project_key": key.project_key,
            "store_id": key.store_id,
        }
        configured = event(EvaluationStore, completed(EvaluationStore, document))
        return Accepted(event_id=configured.event_id, position=writer.report(configured))

    return api


def _now() -> int:
    return time.time_ns() // 1_000_000
