"""What /openapi.json says: as FastAPI makes it of the routes, put right where these routes do what it cannot know."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from web.problems import MEDIA_TYPE, Problem

_JSON = "application/json"
_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}
# What FastAPI answers where it checks parameters by itself; here that is a 400.
_NEVER = "422"
_ITS_SCHEMAS = ("HTTPValidationError", "ValidationError")

# Any: OpenAPI is JSON.
Document = dict[str, Any]


def install(app: FastAPI) -> None:
    """Have the app document itself so, from the next time on that it is asked."""
    made = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _put_right(made())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def _put_right(document: Document) -> Document:
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop(_NEVER, None)
            for response in operation["responses"].values():
                _as_problem(response)
    for name in _ITS_SCHEMAS:
        document["components"]["schemas"].pop(name, None)
    return document


def _as_problem(response: Document) -> None:
    """Errors have a media type of their own."""
    content = response.get("content", {})
    if content.get(_JSON, {}).get("schema") == _PROBLEM:
        response["content"] = {MEDIA_TYPE: {**content.pop(_JSON), **content.get(MEDIA_TYPE, {})}}
