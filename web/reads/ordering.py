"""What the registry can be sorted by: for each sort key the numbers that decide, the first one first."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mooring.metrics.catalogue import MetricSpec
from web.items import degradation_sign
from web.models import DATA_DRIFT, Sort
from web.reads.selection import Key, Selection, ascending, descending
from web.tables import version_columns as columns

# The columns of the table of models that have the texts by which people sort.
_TEXTS = {Sort.HIERARCHY: "hierarchy", Sort.PROJECT: "hierarchy", Sort.NAME: "by_name", Sort.NODE: "by_node"}
# What a key has in a cursor: the text of its model, or its numbers; None where there is none.
Place = str | float | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order of versions. `key`: what to sort by; `focus`: the metric that value, drift and so on are those of."""

    key: Sort
    descending: bool
    focus: MetricSpec

    @classmethod
    def parse(cls, sort: str, focus: MetricSpec) -> Order:
        """The order that a sort key spells, descending with "-" before it. Raises ValueError for an unknown key."""
        return cls(Sort(sort.removeprefix("-")), sort.startswith("-"), focus)

    @property
    def by_text(self) -> bool:
        """Whether models are sorted by a text, and the versions of one by their age."""
        return self.key in _TEXTS

    @property
    def text(self) -> str:
        """The column of the table of models that has the text."""
        return _TEXTS[self.key]


class Ranks:
    """The places of the models in each order by text: kept until a model is added or called otherwise."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, Key]] = {}

    def of(self, connection: sqlite3.Connection, text: str) -> Key:
        """The place of each model, by its number."""
        (times,) = connection.execute("SELECT times FROM models_changed").fetchone()
        kept = self._kept.get(text)
        if kept is None or kept[0] != times:
            rows = connection.execute(f"SELECT id FROM models ORDER BY {text}")  # noqa: S608  # of this module
            numbers = np.fromiter((number for (number,) in rows), np.int64)
            ranks = np.zeros(int(numbers.max(initial=0)) + 1)
            ranks[numbers] = np.arange(len(numbers))
            kept = self._kept[text] = (times, ranks)
        return kept[1]


def keys(order: Order, selection: Selection, connection: sqlite3.Connection, ranks: Ranks) -> list[Key]:
    """The numbers that decide, smaller ones first, infinite where there is none. No two versions have all alike."""
    mark: Key = selection.column(columns.MARK).astype(np.int64, copy=False)
    if order.by_text:
        places = ranks.of(connection, order.text)[selection.column(columns.MODEL)]
        newest_first = descending(selection.number(columns.BUILT_AT))
        return [-places if order.descending else places, newest_first, mark]
    first = _number(order, selection)
    found = [descending(first) if order.descending else ascending(first)]
    if order.key is Sort.SEVERITY and (worst := _degradation(order.focus, selection)) is not None:
        found.append(descending(worst))
    return [*found, mark]


def places_of(
    keys_: Sequence[Key], number: int, order: Order, selection: Selection, connection: sqlite3.Connection
) -> list[Place]:
    """The keys of a version as a cursor has them: in every replica the same."""
    found: list[Place] = [None if np.isinf(key[number]) else key[number].item() for key in keys_]
    if order.by_text:
        model = int(selection.column(columns.MODEL)[number])
        statement = f"SELECT {order.text} FROM models WHERE id = ?"  # noqa: S608  # of this module
        (found[0],) = connection.execute(statement, (model,)).fetchone()
    return found


def bounds_of(places: Sequence[Place], order: Order, connection: sqlite3.Connection) -> list[float]:
    """The keys that a cursor has, as this snapshot has them."""
    found = [math.inf if place is None else place for place in places]
    if order.by_text:
        statement = f"SELECT count(*) FROM models WHERE {order.text} < ?"  # noqa: S608  # of this module
        (before,) = connection.execute(statement, (places[0],)).fetchone()
        known = connection.execute(f"SELECT 1 FROM models WHERE {order.text} = ?", (places[0],)).fetchone()  # noqa: S608
        # A model that is called otherwise by now stood between two others.
        place = before if known else before - 0.5
        found[0] = -place if order.descending else place
    return [float(each) if isinstance(each, str) else each for each in found]


def _number(order: Order, selection: Selection) -> Key:
    focus = order.focus
    match order.key:
        case Sort.VALUE:
            return selection.value(focus.code)
        case Sort.INITIAL:
            return selection.initial(focus.code)
        case Sort.DRIFT:
            return selection.drift(focus.code)
        case Sort.DEGRADATION:
            worse = _degradation(focus, selection)
            return np.full(selection.rows, math.nan) if worse is None else worse
        case Sort.DATA_DRIFT:
            return selection.value(DATA_DRIFT)
        case Sort.SEVERITY:
            return selection.number(columns.SEVERITY)
        case Sort.EVALUATED_AT:
            return selection.number(columns.EVALUATED_AT)
        case Sort.BUILT_AT:
            return selection.number(columns.BUILT_AT)
        case _:
            return selection.number(columns.UPDATED_AT)


def _degradation(focus: MetricSpec, selection: Selection) -> Key | None:
    sign = degradation_sign(focus)
    if sign is None:
        return None
    worse: Key = np.float64(sign) * selection.drift(focus.code)
    return worse
