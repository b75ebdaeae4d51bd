"""Dead letters: what was refused, and another try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.params import Depends as Dependency

from mooring.errors import Reason
from web.api.requests import PREFIX, READ, WRITE, Cursor, Limit, Responses, problem
from web.models import DeadLetterDetail, DeadLetterItem, Page, Replayed
from web.problems import Refusal
from web.queries import Queries
from web.reads.reader import DEFAULT_LIMIT
from web.writer import NotKept, Writer

_UNKNOWN: Responses = problem(
    404,
    "unknown-dead-letter",
    "There is none of that id",
    "There is no dead letter 0370d797-b214-5010-922b-fd791947d63a.",
)
Id = Annotated[str, Path(description="The `letter_id`.", examples=["0370d797-b214-5010-922b-fd791947d63a"])]


def router(queries: Queries, writer: Writer, *, reads: Sequence[Dependency], writes: Sequence[Dependency]) -> APIRouter:
    """The routes, answered from the replica; a replay goes to Kafka.

    `reads`, `writes`: what routes of each kind depend on.
    """
    api = APIRouter(prefix=PREFIX, tags=["dead letters"])

    @api.get("/dead-letters", summary="What was refused, newest first", dependencies=reads, responses=READ)
    def letters(
        reason: Annotated[
            tuple[Reason, ...], Query(description="Why it was refused. Repeat it for any of several.")
        ] = (),
        topic: Annotated[
            tuple[str, ...],
            Query(
                description="Names of input topics. Repeat it for any of several.",
                examples=[["mooring.evaluation-runs"]],
            ),
        ] = (),
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[DeadLetterItem]:
        return queries.dead_letters.page(reason=reason, topic=topic, limit=limit, cursor=cursor)

    @api.get(
        "/dead-letters/{letter_id}",
        summary="One dead letter with what it holds",
        dependencies=reads,
        responses={**READ, **_UNKNOWN},
    )
    def letter(letter_id: Id) -> DeadLetterDetail:
        if (found := queries.dead_letters.get(letter_id)) is None:
            raise _unknown(letter_id)
        return found

    @api.post(
        "/dead-letters/{letter_id}/replay",
        summary="Another try",
        description="The record goes to its topic again as it was. Where it is refused again, that is another letter.",
        status_code=202,
        dependencies=writes,
        responses={
            **WRITE,
            **_UNKNOWN,
            **problem(
                409,
                "not-kept",
                "It cannot be replayed",
                "The record was too large to be kept whole; it has to be reported again by who sent it.",
            ),
        },
    )
    def replay(letter_id: Id) -> Replayed:
        if (found := queries.dead_letters.letter(letter_id)) is None:
            raise _unknown(letter_id)
        try:
            return Replayed(letter_id=letter_id, position=writer.replay(found))
        except NotKept as error:
            raise Refusal(409, "not-kept", str(error)) from None

    return api


def _unknown(letter_id: str) -> Refusal:
    return Refusal(404, "unknown-dead-letter", f"There is no dead letter {letter_id}.")
