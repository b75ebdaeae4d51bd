"""Dead letters: what was refused, and why."""

from __future__ import annotations

import json
import sqlite3

from mooring.codec import decode, decode_plain
from mooring.errors import UnreadableValue
from mooring.outputs import DeadLetter
from mooring.records import Record
from mooring.topics import Topics
from web import cursors, items
from web.models import DeadLetterDetail, DeadLetterItem, Page
from web.reads.filters import among
from web.reads.filters import where as clause
from web.reads.reader import DEFAULT_LIMIT, Reader


class DeadLetters:
    """Questions about dead letters. `topics`: of which type the records of each topic are."""

    def __init__(self, reader: Reader, topics: Topics) -> None:
        self._reader = reader
        self._types: dict[str, type[Record]] = {topic.name: topic.type for topic in topics.inputs}

    @property
    def topics(self) -> tuple[str, ...]:
        """The names of the topics that letters can be of."""
        return tuple(self._types)

    def page(
        self,
        *,
        reason: tuple[str, ...] = (),
        topic: tuple[str, ...] = (),
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[DeadLetterItem]:
        """Dead letters, the newest first. Raises InvalidCursor."""
        as_of = self._reader.as_of()
        conditions, parameters = among({"reason": reason, "topic": topic})
        list_name = json.dumps(["dead-letters", reason, topic])
        if cursor:
            parameters["at"], parameters["last_id"] = cursors.read(list_name, cursor, (int, str))
            conditions.append("(failed_at, letter_id) < (:at, :last_id)")
        with self._reader.snapshot() as connection:
            found = connection.execute(
                f"SELECT row FROM dead_letters {clause(conditions)} "  # noqa: S608  # texts of this module
                "ORDER BY failed_at DESC, letter_id DESC LIMIT :limit",
                {**parameters, "limit": limit + 1},
            ).fetchall()
        page = [items.dead_letter_item(self._decoded(row)) for row in found[:limit]]
        following = None
        if len(found) > limit:
            following = cursors.write(list_name, (page[-1].failed_at, page[-1].letter_id))
        return Page(items=page, next_cursor=following, as_of=as_of)

    def letter(self, letter_id: str) -> DeadLetter | None:
        """A dead letter as it is in its topic; None where there is none of that id."""
        with self._reader.snapshot() as connection:
            row = connection.execute("SELECT row FROM dead_letters WHERE letter_id = ?", (letter_id,)).fetchone()
        return None if row is None else self._decoded(row)

    def get(self, letter_id: str) -> DeadLetterDetail | None:
        """A dead letter with its value in plain words where it can be read; None where there is none of that id."""
        as_of = self._reader.as_of()
        letter = self.letter(letter_id)
        return None if letter is None else items.dead_letter_detail(letter, self.plain(letter), as_of)

    def counts(self, *, topic: tuple[str, ...] = ()) -> dict[str, int]:
        """How many dead letters there are of each reason."""
        conditions, parameters = among({"topic": topic})
        with self._reader.snapshot() as connection:
            found = connection.execute(
                f"SELECT reason, count(*) AS n FROM dead_letters {clause(conditions)} GROUP BY reason",  # noqa: S608  # texts of this module
                parameters,
            )
            return {row["reason"]: row["n"] for row in found}

    def plain(self, letter: DeadLetter) -> dict[str, object] | None:
        """The fields of the value, unchecked; None where they cannot be read."""
        type_ = self._types.get(letter.topic)
        if type_ is None:
            return None
        try:
            return decode_plain(letter.value, type_.__name__, self._reader.registry)
        except UnreadableValue:
            return None

    def _decoded(self, row: sqlite3.Row) -> DeadLetter:
        return decode(row["row"], DeadLetter, self._reader.registry)
