"""Dead letters: what was refused, and another try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.params import Depends as Dependency

from mooring.errors import Reason
from web.api.requests import BAD_REQUEST, NOT_FOUND, PREFIX, UNAVAILABLE, Cursor, Limit
from web.models import DeadLetterDetail, DeadLetterItem, Page, Replayed
from web.problems import Problem, Refusal
from web.queries import Queries
from web.reads.versions import DEFAULT_LIMIT
from web.writer import NotKept, Writer


def router(queries: Queries, writer: Writer, dependencies: Sequence[Dependency]) -> APIRouter:
    """The routes, answered from the replica; a replay goes to Kafka."""
    api = APIRouter(prefix=PREFIX, dependencies=dependencies, responses=BAD_REQUEST, tags=["dead letters"])

    @api.get("/dead-letters", summary="What was refused, newest first")
    def letters(
        reason: Annotated[list[Reason], Query()] = [],  # noqa: B006  # FastAPI reads it as the default, and copies
        topic: Annotated[list[str], Query(description="Names of input topics.")] = [],  # noqa: B006
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[DeadLetterItem]:
        return queries.dead_letters.page(reason=tuple(reason), topic=tuple(topic), limit=limit, cursor=cursor)

    @api.get("/dead-letters/{letter_id}", summary="One dead letter with what it holds", responses=NOT_FOUND)
    def letter(letter_id: str) -> DeadLetterDetail:
        if (found := queries.dead_letters.get(letter_id)) is None:
            raise _unknown(letter_id)
        return found

    @api.post(
        "/dead-letters/{letter_id}/replay",
        summary="Another try",
        description="The record goes to its topic again as it was. Where it is refused again, that is another letter.",
        status_code=202,
        responses={
            **NOT_FOUND,
            **UNAVAILABLE,
            409: {"model": Problem, "description": "The record was not kept whole"},
        },
    )
    def replay(letter_id: str) -> Replayed:
        if (found := queries.dead_letters.letter(letter_id)) is None:
            raise _unknown(letter_id)
        try:
            return Replayed(letter_id=letter_id, position=writer.replay(found))
        except NotKept as error:
            raise Refusal(409, "not-kept", str(error)) from None

    return api


def _unknown(letter_id: str) -> Refusal:
    return Refusal(404, "unknown-dead-letter", f"There is no dead letter {letter_id}.")
