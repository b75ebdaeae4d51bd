"""Errors as RFC 9457 problem documents (https://www.rfc-editor.org/rfc/rfc9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from mooring.connection import BrokerRefused
from mooring.errors import BrokerUnavailable, InvalidEvent, MooringError, NotDelivered
from web.cursors import InvalidCursor
from web.reads.metrics import UnknownMetric

MEDIA_TYPE = "application/problem+json"

_log = structlog.stdlib.get_logger("web.problems")


class Problem(BaseModel):
    """What is wrong with a request, or here."""

    type: str = Field(examples=["urn:mooring:problem:unknown-metric"])
    title: str = Field(examples=["Unknown metric"])
    status: int = Field(examples=[400])
    detail: str = Field(description="A sentence for a person.", examples=["There is no metric 'rocauc'."])
    known: list[str] | None = Field(default=None, description="What could have been given instead.")


class Refusal(Exception):
    """A request that cannot be answered, as the problem that says so. `headers` go with the answer."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        known: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            type=f"urn:mooring:problem:{name}",
            title=name.replace("-", " ").capitalize(),
            status=status,
            # What was given may be quoted in it, and JSON can spell halves of characters, which UTF-8 cannot.
            detail=_sentence(detail.encode(errors="replace").decode()),
            known=None if known is None else list(known),
        )
        self.headers = headers


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(exclude_none=True), status_code=problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def add_handlers(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> JSONResponse:
        return answer(refusal.problem, refusal.headers)

    @app.exception_handler(UnknownMetric)
    async def unknown_metric(_: Request, error: UnknownMetric) -> JSONResponse:
        return answer(Refusal(400, "unknown-metric", str(error), error.known).problem)

    @app.exception_handler(InvalidCursor)
    async def invalid_cursor(_: Request, error: InvalidCursor) -> JSONResponse:
        return answer(Refusal(400, "invalid-cursor", str(error)).problem)

    @app.exception_handler(InvalidEvent)
    async def invalid_event(_: Request, error: InvalidEvent) -> JSONResponse:
        return answer(Refusal(400, error.reason.replace("_", "-"), str(error)).problem)

    @app.exception_handler(BrokerUnavailable)
    @app.exception_handler(BrokerRefused)
    @app.exception_handler(NotDelivered)
    async def unreachable(_: Request, error: MooringError) -> JSONResponse:
        return answer(Refusal(503, "broker-unavailable", str(error)).problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(Refusal(400, "invalid-parameter", _complaints(error)).problem)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return answer(Refusal(error.status_code, "http-error", str(error.detail)).problem, error.headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        _log.error("request_failed", path=request.url.path, exc_info=error)
        detail = "The service met an error that it did not expect. Its log says more."
        return answer(Refusal(500, "internal-error", detail).problem)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _complaints(error: RequestValidationError) -> str:
    told = []
    for each in error.errors():
        place, *path = each["loc"]
        name = ".".join(map(str, path)) or str(place)
        told.append(f"{name}: {each['msg'].removeprefix('Value error, ')}")
    return "; ".join(dict.fromkeys(told))
