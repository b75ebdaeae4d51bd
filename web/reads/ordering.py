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
from web.reads.reader import tables_made
from web.reads.selection import Key, Numbers, Selection, Values
from web.tables import version_columns as columns
from web.tables.columns import Column

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
        self._kept: dict[str, tuple[object, Values]] = {}

    def of(self, connection: sqlite3.Connection, text: str) -> Values:
        """The place of each model, by its number."""
        (times,) = connection.execute("SELECT times FROM models_changed").fetchone()
        kept = self._kept.get(text)
        state = tables_made(connection), times
        if kept is None or kept[0] != state:
            rows = connection.execute(f"SELECT id FROM models ORDER BY {text}")  # noqa: S608  # of this module
            numbers = np.fromiter((number for (number,) in rows), np.int64)
            ranks = np.zeros(int(numbers.max(initial=0)) + 1)
            ranks[numbers] = np.arange(len(numbers))
            kept = self._kept[text] = (state, ranks)
        return kept[1]


def keys(order: Order, selection: Selection, connection: sqlite3.Connection, ranks: Ranks) -> list[Key]:
    """What decides, the first key first. No two versions have all alike."""

    def mark(numbers: Numbers) -> Values:
        return selection.of(columns.MARK, numbers).astype(np.int64, copy=False)

    if order.by_text:
        places = ranks.of(connection, order.text)
        return [
            _signed(lambda numbers: places[selection.of(columns.MODEL, numbers)], descending=order.descending),
            # Of one model the newest first, whichever way models are sorted.
            _signed(_column(selection, columns.BUILT_AT), descending=True),
            mark,
        ]
    found = [_signed(_number(order, selection), descending=order.descending)]
    if order.key is Sort.SEVERITY:
        found.append(_signed(_degradation(order.focus, selection), descending=True))
    return [*found, mark]


def places_of(
    keys_: Sequence[Key], number: int, order: Order, selection: Selection, connection: sqlite3.Connection
) -> list[Place]:
    """The keys of a version as a cursor has them: in every replica the same."""
    itself = np.array([number])
    found: list[Place] = [None if np.isinf(value := key(itself)[0]) else value.item() for key in keys_]
    if order.by_text:
        model = int(selection.of(columns.MODEL, itself)[0])
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
    return [each if isinstance(each, int) else float(each) for each in found]


def _number(order: Order, selection: Selection) -> Key:
    code = order.focus.code
    match order.key:
        case Sort.VALUE:
            return _of_metric(selection, code, 0)
        case Sort.INITIAL:
            return _of_metric(selection, code, 1)
        case Sort.DRIFT:
            return _of_metric(selection, code, 2)
        case Sort.DEGRADATION:
            return _degradation(order.focus, selection)
        case Sort.DATA_DRIFT:
            return _of_metric(selection, DATA_DRIFT, 0)
        case Sort.SEVERITY:
            return _column(selection, columns.SEVERITY)
        case Sort.EVALUATED_AT:
            return _column(selection, columns.EVALUATED_AT)
        case Sort.BUILT_AT:
            return _column(selection, columns.BUILT_AT)
        case _:
            return _column(selection, columns.UPDATED_AT)


# In these four, NaN stands for what there is not; `_signed` makes keys of them.


def _column(selection: Selection, column: Column) -> Key:
    return lambda numbers: selection.of(column, numbers).astype(np.float64, copy=False)


def _of_metric(selection: Selection, code: str, place: int) -> Key:
    metric = selection.metric(code)
    return _nothing if metric is None else _column(selection, columns.of_metric(metric)[place])


def _degradation(focus: MetricSpec, selection: Selection) -> Key:
    drift, sign = _of_metric(selection, focus.code, 2), degradation_sign(focus)
    return _nothing if sign is None else lambda numbers: sign * drift(numbers)


def _nothing(numbers: Numbers) -> Values:
    return np.full(len(numbers), math.nan)


def _signed(key: Key, *, descending: bool) -> Key:
    def signed(numbers: Numbers) -> Values:
        values = -key(numbers) if descending else key(numbers).copy()
        values[np.isnan(values)] = math.inf
        return values

    return signed
