"""Reporting over HTTP instead of Kafka: builds and evaluations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from fastapi.params import Depends as Dependency

from mooring.documents import completed, event
from mooring.errors import InvalidEvent
from mooring.events import EvaluationRun, Event, ModelBuild
from mooring.schema import SCHEMA_DIR
from web.api.requests import PREFIX, WITH_BODY, WRITE, refuse_what_is_not_json
from web.models import Accepted
from web.writer import Writer

_REQUIRED = {
    ModelBuild: ("node_id", "project_key", "model_id", "version_id"),
    EvaluationRun: ("node_id", "project_key", "store_id", "model_id", "version_id"),
}

# Any: JSON.
Document = Annotated[dict[str, Any], Body(description="The fields of the schema; times also as ISO 8601 texts.")]


def router(writer: Writer, dependencies: Sequence[Dependency]) -> APIRouter:
    """The routes; what is reported goes to Kafka."""
    api = APIRouter(
        prefix=PREFIX,
        dependencies=[Depends(refuse_what_is_not_json), *dependencies],
        responses={**WRITE, **WITH_BODY},
        tags=["reports"],
    )

    @api.post("/builds", summary="Report a build", status_code=202, openapi_extra=_body(ModelBuild))
    def build(document: Document) -> Accepted:
        return _report(writer, ModelBuild, document)

    @api.post("/evaluations", summary="Report an evaluation", status_code=202, openapi_extra=_body(EvaluationRun))
    def evaluation(document: Document) -> Accepted:
        return _report(writer, EvaluationRun, document)

    return api


def _report(writer: Writer, kind: type[Event], document: dict[str, Any]) -> Accepted:
    """Raises InvalidEvent naming the field, and what `Writer.report` raises."""
    for name in _REQUIRED[kind]:
        if name not in document:
            raise InvalidEvent(name, "must be given")
    reported = event(kind, completed(kind, document))
    return Accepted(event_id=reported.event_id, position=writer.report(reported))


# Any: OpenAPI is JSON.
def _body(kind: type[Event]) -> dict[str, Any]:
    """What the documentation says of the body: which fields there must be, and examples."""
    examples = json.loads((SCHEMA_DIR / "examples" / f"{kind.__name__}.json").read_text(encoding="utf-8"))
    schema = {
        "type": "object",
        "title": kind.__name__,
        "description": f"The fields of schemas/{kind.__name__}.avsc; ids and times that are left out are new, and now.",
        "required": list(_REQUIRED[kind]),
        "properties": {name: {"type": "string", "minLength": 1, "maxLength": 255} for name in _REQUIRED[kind]},
        "examples": examples[:1],
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
