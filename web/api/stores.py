"""Evaluation stores: how they are configured, and to configure them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from fastapi.params import Depends as Dependency
from pydantic import BaseModel, ConfigDict, Field

from mooring.documents import completed, event
from mooring.events import EvaluationStore
from web.api.requests import BAD_REQUEST, NOT_FOUND, PREFIX, UNAVAILABLE, Cursor, Ids, Limit, Store
from web.models import Accepted, Bounds, Page, StoreItem
from web.problems import Refusal
from web.queries import Queries
from web.reads.versions import DEFAULT_LIMIT
from web.writer import Writer

_ROUTE = "/stores/{node}/{project}/{store}"


class StoreConfiguration(BaseModel):
    """How a store is to be configured."""

    model_config = ConfigDict(
        extra="forbid",
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
    thresholds: dict[str, Bounds] = Field(default={}, description="By metric. All that are to hold: none is kept.")
    name: str | None = None
    actor: str | None = Field(default=None, description="Who configures it.")
    effective_at: Annotated[int, Field(ge=0, lt=2**63)] | None = Field(
        default=None, description="From when on, epoch ms; now unless given."
    )


def router(queries: Queries, writer: Writer, dependencies: Sequence[Dependency]) -> APIRouter:
    """The routes, answered from the replica; what is written goes to Kafka."""
    api = APIRouter(prefix=PREFIX, dependencies=dependencies, responses=BAD_REQUEST, tags=["stores"])

    @api.get("/stores", summary="The evaluation stores")
    def stores(
        node: Ids = [],  # noqa: B006  # FastAPI reads it as the default, and copies
        project: Ids = [],  # noqa: B006
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[StoreItem]:
        return queries.stores.page(_now(), node=tuple(node), project=tuple(project), limit=limit, cursor=cursor)

    @api.get(_ROUTE, summary="One evaluation store", responses=NOT_FOUND)
    def store(key: Store) -> StoreItem:
        if (found := queries.stores.get(key, _now())) is None:
            raise Refusal(404, "unknown-store", f"There is no store {key}: nothing was evaluated in it or configured.")
        return found

    @api.put(_ROUTE, summary="Configure an evaluation store", status_code=202, responses=UNAVAILABLE)
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
