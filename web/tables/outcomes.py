"""The outcomes of evaluations: a version's history."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from urllib.parse import unquote

from mooring.codec import SchemaRegistry, decode
from mooring.keys import encode_part
from mooring.outputs import EvaluationOutcome, Outcome
from web.tables.names import SEPARATOR
from web.tables.version_columns import mark_of
from web.tables.versions import Versions

OUTCOMES = tuple(Outcome)
NOT_SYNCED = OUTCOMES.index(Outcome.NOT_SYNCED)

TABLES = (
    # The codes that some evaluation has, in its order. Nearly all evaluations of a model have the same.
    "CREATE TABLE layouts (id INTEGER PRIMARY KEY, codes TEXT NOT NULL UNIQUE)",
    # In the order of arrival. `version`: its number; `mark`: of the event's id; `outcome`: place in OUTCOMES;
    # `numbers`: the values of the layout's metrics as doubles, then their drifts, NaN where there is none.
    """CREATE TABLE outcomes (
        id INTEGER PRIMARY KEY, version INTEGER NOT NULL, evaluated_at INTEGER NOT NULL, mark INTEGER NOT NULL,
        outcome INTEGER NOT NULL, event_id TEXT NOT NULL, evaluation_id TEXT NOT NULL, store_id TEXT NOT NULL,
        recorded_at INTEGER, layout INTEGER NOT NULL, numbers BLOB NOT NULL, alert_ids TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX outcomes_of_a_version ON outcomes (version, evaluated_at, mark)",
)
_ALERTS_APART = " "
_KEPT = 4_096


class Outcomes:
    """For the one thread that writes, within its transactions."""

    def __init__(self, connection: sqlite3.Connection, versions: Versions, registry: SchemaRegistry | None) -> None:
        self._connection = connection
        self._versions = versions
        self._registry = registry
        self._layout = lru_cache(_KEPT)(self._layout_of)
        self._stores: set[str] = set()

    def forget(self) -> None:
        """Forget what was looked up: a transaction in which it was written was rolled back."""
        self._layout.cache_clear()
        self._stores.clear()

    def put(self, value: bytes) -> None:
        """Take in an outcome. The first of an event holds; a later one is a repeat after a crash.

        Raises UnreadableValue.
        """
        row = decode(value, EvaluationOutcome, self._registry)
        self._meet(row.version_key, row.store_id)
        self._connection.execute(
            "INSERT OR IGNORE INTO outcomes (version, evaluated_at, mark, outcome, event_id, evaluation_id, store_id, "
            "recorded_at, layout, numbers, alert_ids) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._versions.number(row.version_key),
                row.evaluated_at,
                mark_of(row.event_id),
                OUTCOMES.index(row.outcome),
                row.event_id,
                row.evaluation_id,
                row.store_id,
                row.recorded_at,
                self._layout(tuple(row.metrics)),
                _doubles(2 * len(row.metrics)).pack(
                    *row.metrics.values(), *[row.drift.get(code, math.nan) for code in row.metrics]
                ),
                _ALERTS_APART.join(row.alert_ids),
            ),
        )

    def _meet(self, version_key: str, store_id: str) -> None:
        """Know of a store that was never configured."""
        node, project, *_ = version_key.split("/")
        key = f"{node}/{project}/{encode_part(store_id)}"
        if key not in self._stores:
            if len(self._stores) >= _KEPT:
                self._stores.clear()
            self._stores.add(key)
            self._connection.execute(
                "INSERT OR IGNORE INTO stores VALUES (?, ?, ?, NULL)", (key, unquote(node), unquote(project))
            )

    def _layout_of(self, codes: tuple[str, ...]) -> int:
        text = SEPARATOR.join(codes)
        self._connection.execute("INSERT OR IGNORE INTO layouts (codes) VALUES (?)", (text,))
        found = self._connection.execute("SELECT id FROM layouts WHERE codes = ?", (text,)).fetchone()
        return int(found[0])


def numbers_of(codes: str, numbers: bytes, only: str | None = None) -> tuple[dict[str, float], dict[str, float]]:
    """Values and drifts of an outcome, by metric; `codes`: its layout's. `only`: leave out all other metrics.

    What is not finite is left out: JSON has no such numbers.
    """
    names = codes.split(SEPARATOR) if codes else []
    found = _doubles(len(numbers) // 8).unpack(numbers)
    return _named(names, found[: len(names)], only), _named(names, found[len(names) :], only)


def alert_ids_of(text: str) -> list[str]:
    """The ids of the alerts that an outcome names."""
    return text.split(_ALERTS_APART) if text else []


def _named(names: Iterable[str], values: Iterable[float], only: str | None) -> dict[str, float]:
    return {
        name: value for name, value in zip(names, values, strict=True) if math.isfinite(value) and only in (None, name)
    }


@lru_cache(1_024)
def _doubles(count: int) -> Struct:
    return Struct(f"<{count}d")
