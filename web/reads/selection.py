"""Which versions a filter admits, and which of them come first: arithmetic on columns, without their records.

A filter needs a column whole. An order needs its first key of all versions that are admitted, and the next ones only of
those that are equal by it; where they are few, only the chunks that have them are read.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from web.reads.filters import Interval, VersionFilter
from web.reads.kept import KeptColumns
from web.tables import version_columns as columns
from web.tables.columns import Array, Column, read_some
from web.tables.labels import versions_with
from web.tables.names import KINDS, SEPARATOR, Kind

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]
# Doubles, or integers: Any, since numpy's types cannot say that the two are compared alike.
Values = NDArray[Any]
# Of these versions the numbers by which they are sorted: smaller ones first, infinite where there is none.
Key = Callable[[Numbers], Values]

# From so many chunks' worth of versions on, a column is read whole.
_FEW = 200
# To find the first of many, so many times as many are looked at first.
_SAMPLE = 64
# Up to so many values, it is faster to compare with each than to look each up.
_FEW_VALUES = 4

# Where each kind of name is borne by a version.
_BORNE = {
    Kind.NODE: columns.NODE,
    Kind.PROJECT: columns.PROJECT,
    Kind.MODEL: columns.MODEL,
    Kind.VERSION: columns.VERSION,
    Kind.VERSION_NAME: columns.VERSION_NAME,
    Kind.ALGORITHM: columns.ALGORITHM,
}
_A_WORD = re.compile(r"\w")


class Selection:
    """The versions of a snapshot, by number. Each column that is asked for is read once."""

    def __init__(self, connection: sqlite3.Connection, kept: KeptColumns) -> None:
        self._connection = connection
        self._kept = kept
        (last,) = connection.execute("SELECT max(id) FROM versions").fetchone()
        self.rows = 0 if last is None else last + 1
        self._read: dict[Column, Array] = {}

    def column(self, column: Column) -> Array:
        if column not in self._read:
            self._read[column] = self._kept.read(self._connection, column, self.rows)
        return self._read[column]

    def admitted(self, where: VersionFilter) -> Numbers:
        """The numbers of the versions that the filter admits, in no order that means anything."""
        mask: Mask = self.column(columns.STATE) != columns.NO_VERSION
        for narrow in self._conditions(where):
            mask &= narrow()
        return np.flatnonzero(mask)

    def of(self, column: Column, numbers: Numbers) -> Array:
        """The column's numbers of these versions."""
        if len(numbers) > _FEW or column in self._read:
            return self.column(column)[numbers]
        return read_some(self._connection, column, numbers)

    def metric(self, code: str) -> int | None:
        """The number of a metric; None where no version has had it."""
        found = self._connection.execute("SELECT id FROM metrics WHERE code = ?", (code,)).fetchone()
        return None if found is None else int(found[0])

    def _conditions(self, where: VersionFilter) -> list[Callable[[], Mask]]:
        among, ids = self._among, self._ids
        found: list[Callable[[], Mask]] = []
        if where.state:
            found.append(partial(among, columns.STATE, _places(columns.STATES, where.state)))
        if where.severity:
            found.append(partial(among, columns.SEVERITY, _places(columns.SEVERITIES, where.severity)))
        if where.prediction_type:
            places = _places(columns.PREDICTION_TYPES, where.prediction_type)
            found.append(partial(among, columns.PREDICTION_TYPE, places))
        for column, flag in ((columns.ACTIVE, where.active), (columns.ARCHIVED, where.archived)):
            if flag is not None:
                found.append(partial(among, column, [int(flag)]))
        if where.node:
            found.append(partial(among, columns.NODE, self._named(Kind.NODE, where.node)))
        if where.project:
            found.append(partial(among, columns.PROJECT, ids("projects", "project_key", where.project)))
        if where.model:
            found.append(partial(among, columns.MODEL, ids("models", "model_id", where.model)))
        if where.algorithm:
            found.append(partial(among, columns.ALGORITHM, self._named(Kind.ALGORITHM, where.algorithm)))
        if where.label:
            found.append(partial(self._labelled, where.label))
        found += [partial(self._within, 0, interval) for interval in where.values]
        found += [partial(self._within, 2, interval) for interval in where.drifts]
        if where.evaluated_since is not None or where.evaluated_until is not None:
            found.append(partial(self._evaluated, where.evaluated_since, where.evaluated_until))
        words = [word for word in (where.q or "").split() if _A_WORD.search(word)]
        return found + [partial(self._with_word, word) for word in words]

    def _among(self, column: Column, values: Collection[int]) -> Mask:
        numbers = self.column(column)
        if len(values) > _FEW_VALUES:
            return _has(numbers, np.fromiter(values, np.int64, len(values)))
        mask = np.zeros(self.rows, np.bool_)
        for value in values:
            mask |= numbers == value
        return mask

    def _ids(self, table: str, column: str, texts: Sequence[str]) -> list[int]:
        marks = ", ".join("?" * len(texts))
        statement = f"SELECT id FROM {table} WHERE {column} IN ({marks})"  # noqa: S608  # names from this module
        return [number for (number,) in self._connection.execute(statement, texts)]

    def _named(self, kind: Kind, texts: Sequence[str]) -> list[int]:
        marks = ", ".join("?" * len(texts))
        statement = f"SELECT id FROM names WHERE kind = ? AND text IN ({marks})"  # noqa: S608  # marks
        return [number for (number,) in self._connection.execute(statement, (kind, *texts))]

    def _labelled(self, labels: Sequence[str]) -> Mask:
        mask = np.zeros(self.rows, np.bool_)
        for label in labels:
            name, equals, value = label.partition("=")
            if equals:
                of = "text = ?"
                bound: tuple[str, ...] = (f"{name}{SEPARATOR}{value}",)
            else:
                # All texts that begin so: the separator, and what comes after it.
                of = "text >= ? AND text < ?"
                bound = (f"{name}{SEPARATOR}", f"{name}{chr(ord(SEPARATOR) + 1)}")
            found = self._connection.execute(f"SELECT id FROM names WHERE kind = ? AND {of}", (Kind.LABEL, *bound))  # noqa: S608  # of this module
            for (number,) in found.fetchall():
                mask[versions_with(self._connection, number)] = True
        return mask

    def _evaluated(self, since: int | None, until: int | None) -> Mask:
        at: Values = self.column(columns.EVALUATED_AT)
        mask: Mask = at >= (-math.inf if since is None else since)
        mask &= at < (math.inf if until is None else until)
        return mask

    def _within(self, place: int, interval: Interval) -> Mask:
        metric = self.metric(interval.metric)
        if metric is None:
            return np.zeros(self.rows, np.bool_)
        values: Values = self.column(columns.of_metric(metric)[place])
        # A comparison with NaN is never true.
        mask: Mask = values >= (-math.inf if interval.low is None else interval.low)
        mask &= values <= (math.inf if interval.high is None else interval.high)
        return mask

    def _with_word(self, word: str) -> Mask:
        """The versions that bear a name with a word that begins so."""
        mask = np.zeros(self.rows, np.bool_)
        quoted = '"' + word.replace('"', '""') + '"*'
        rows = self._connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (quoted,))
        documents = np.fromiter((number for (number,) in rows), np.int64)
        for kind, column in _BORNE.items():
            names = documents[documents % KINDS == kind] // KINDS
            if len(names):
                mask |= _has(self.column(column), names)
        return mask


def first(numbers: Numbers, keys: Sequence[Key], count: int) -> Numbers:
    """The `count` of the numbers that come first by the first key, equal ones by the next, in that order."""
    chosen, rest, wanted = [], numbers, count
    for key in keys:
        if len(rest) <= wanted:
            break
        of_rest = key(rest)
        bound = _smallest(of_rest, wanted)
        chosen.append(rest[of_rest < bound])
        wanted -= len(chosen[-1])
        rest = rest[of_rest == bound]
    found = np.concatenate([*chosen, rest[:wanted]])
    return found[np.lexsort([key(found) for key in reversed(keys)])]


def _smallest(values: Values, wanted: int) -> Any:
    """The greatest of the `wanted` smallest values. As `partition`, in a tenth of its time where they are few of many.

    It is no greater than that of some of the values, which are looked at first.
    """
    some = values[:: max(1, len(values) // (_SAMPLE * wanted))]
    likely = values[values <= np.partition(some, wanted - 1)[wanted - 1]]
    return np.partition(likely, wanted - 1)[wanted - 1]


def after(numbers: Numbers, keys: Sequence[Key], last: Sequence[float]) -> Numbers:
    """Those of the numbers that come after one with these keys."""
    past, equal = [], numbers
    for key, bound in zip(keys, last, strict=True):
        of_equal = key(equal)
        past.append(equal[of_equal > bound])
        equal = equal[of_equal == bound]
    return np.concatenate(past)


def _has(numbers: Array, wanted: Numbers) -> Mask:
    """Where the numbers, which are no greater than there are names, are among the wanted ones."""
    has = np.zeros(max(int(wanted.max()), int(numbers.max(initial=0))) + 1, np.bool_)
    has[wanted] = True
    found: Mask = has[numbers]
    return found


def _places(values: Sequence[str], wanted: Collection[str]) -> list[int]:
    return [place for place, value in enumerate(values) if value in wanted]
