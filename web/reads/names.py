"""The names that versions bear: what is suggested to someone who types one into a filter."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from web.reads.reader import Reader
from web.tables.names import SEPARATOR, Kind

# A name that sorts right after all texts of a label's name: the separator's successor comes after each of its values.
_AFTER = chr(ord(SEPARATOR) + 1)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value of a filter. `called`: what people call it, where that is something else; empty where not."""

    value: str
    called: str = ""


class Names:
    """Questions about names. A filter is one of `FILTERS`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def suggest(self, filter_name: str, text: str = "", *, limit: int = 20) -> list[Suggestion]:
        """Values of the filter that have the text in them, those first that begin with it.

        Upper and lower case are alike for the letters of ASCII. Raises KeyError for another filter.
        """
        find = _FINDERS[filter_name]
        pattern = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        with self._reader.snapshot() as connection:
            found = find(connection, f"{pattern}%", limit)
            if len(found) < limit and text:
                found += find(connection, f"%{pattern}%", limit)
        return list(dict.fromkeys(found))[:limit]

    def is_known(self, filter_name: str, value: str) -> bool:
        """Whether some version has borne this value of the filter. Raises KeyError for another filter."""
        statement, kind = _KNOWN[filter_name]
        bound: tuple[str, ...] = (value, value)
        if kind is Kind.LABEL:
            name, equals, of_name = value.partition("=")
            # With a value that text alone, without one all that begin so.
            bound = (f"{name}{SEPARATOR}{of_name}",) * 2 if equals else (f"{name}{SEPARATOR}", f"{name}{_AFTER}")
        with self._reader.snapshot() as connection:
            found = connection.execute(statement, {"kind": kind, "first": bound[0], "last": bound[1]}).fetchone()
        return found is not None


_Finder = Callable[[sqlite3.Connection, str, int], list[Suggestion]]


def _named(kind: Kind) -> _Finder:
    def find(connection: sqlite3.Connection, pattern: str, limit: int) -> list[Suggestion]:
        return _suggestions(
            connection,
            "SELECT text FROM names WHERE kind = ? AND text LIKE ? ESCAPE '!' ORDER BY text LIMIT ?",
            (kind, pattern, limit),
        )

    return find


def _projects(connection: sqlite3.Connection, pattern: str, limit: int) -> list[Suggestion]:
    statement = (
        "SELECT DISTINCT project_key FROM projects WHERE project_key LIKE ? ESCAPE '!' ORDER BY project_key LIMIT ?"
    )
    return _suggestions(connection, statement, (pattern, limit))


def _models(connection: sqlite3.Connection, pattern: str, limit: int) -> list[Suggestion]:
    statement = (
        "SELECT model_id, coalesce(max(nullif(model_name, model_id)), '') FROM models "
        "WHERE model_id LIKE ? ESCAPE '!' OR model_name LIKE ? ESCAPE '!' GROUP BY model_id ORDER BY model_id LIMIT ?"
    )
    return _suggestions(connection, statement, (pattern, pattern, limit))


def _labels(connection: sqlite3.Connection, pattern: str, limit: int) -> list[Suggestion]:
    """Names of labels first, then names with values."""
    # From name to name: of each only the first value is looked at, however many there are.
    names = """WITH RECURSIVE firsts (text) AS (
            SELECT min(text) FROM names WHERE kind = :kind
            UNION ALL
            SELECT (SELECT min(text) FROM names
                    WHERE kind = :kind AND text >= substr(firsts.text, 1, instr(firsts.text, :separator) - 1) || :after)
            FROM firsts WHERE firsts.text IS NOT NULL)
        SELECT substr(text, 1, instr(text, :separator) - 1) AS name FROM firsts
        WHERE name LIKE :pattern ESCAPE '!' LIMIT :limit"""
    values = """SELECT replace(text, :separator, '=') AS label FROM names
        WHERE kind = :kind AND label LIKE :pattern ESCAPE '!' ORDER BY text LIMIT :limit"""
    bound = {"kind": Kind.LABEL, "separator": SEPARATOR, "after": _AFTER, "pattern": pattern, "limit": limit}
    found = [row[0] for statement in (names, values) for row in connection.execute(statement, bound)]
    return [Suggestion(text) for text in found]


_FINDERS: dict[str, _Finder] = {
    "node": _named(Kind.NODE),
    "project": _projects,
    "model": _models,
    "algorithm": _named(Kind.ALGORITHM),
    "label": _labels,
}
FILTERS = tuple(_FINDERS)
_A_NAME = "SELECT 1 FROM names WHERE kind = :kind AND text BETWEEN :first AND :last"
_KNOWN = {
    "node": (_A_NAME, Kind.NODE),
    "project": ("SELECT 1 FROM projects WHERE project_key BETWEEN :first AND :last", Kind.PROJECT),
    "model": ("SELECT 1 FROM models WHERE model_id BETWEEN :first AND :last", Kind.MODEL),
    "algorithm": (_A_NAME, Kind.ALGORITHM),
    "label": (_A_NAME, Kind.LABEL),
}


def _suggestions(connection: sqlite3.Connection, statement: str, bound: Sequence[object]) -> list[Suggestion]:
    return [Suggestion(*row) for row in connection.execute(statement, bound)]
