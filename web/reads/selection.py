"""Which versions a filter admits, and which of them come first: arithmetic on columns, without their records."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from web.reads.filters import Interval, VersionFilter
from web.tables import version_columns as columns
from web.tables.columns import Array, Column, read_column
from web.tables.names import KINDS, SEPARATOR, Kind

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]
Key = NDArray[np.float64] | NDArray[np.int64]

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

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        (last,) = connection.execute("SELECT max(id) FROM versions").fetchone()
        self.rows = 0 if last is None else last + 1
        self._read: dict[Column, Array] = {}

    def column(self, column: Column) -> Array:
        if column not in self._read:
            self._read[column] = read_column(self._connection, column, self.rows)
        return self._read[column]

    def admitted(self, where: VersionFilter) -> Numbers:
        """The numbers of the versions that the filter admits, in no order that means anything."""
        mask: Mask = self.column(columns.STATE) != columns.NO_VERSION
        for narrow in self._conditions(where):
            mask &= narrow()
        return np.flatnonzero(mask)

    def metric(self, code: str) -> int | None:
        """The number of a metric; None where no version has had it."""
        found = self._connection.execute("SELECT id FROM metrics WHERE code = ?", (code,)).fetchone()
        return None if found is None else int(found[0])

    def drift(self, code: str) -> Key:
        """A metric's drift, NaN where there is none."""
        return self._of_metric(code, 2)

    def value(self, code: str) -> Key:
        """A metric's current value, likewise."""
        return self._of_metric(code, 0)

    def initial(self, code: str) -> Key:
        """A metric's initial value, likewise."""
        return self._of_metric(code, 1)

    def number(self, column: Column) -> Key:
        """A column as doubles."""
        return self.column(column).astype(np.float64, copy=False)

    def _of_metric(self, code: str, place: int) -> Key:
        metric = self.metric(code)
        if metric is None:
            return np.full(self.rows, math.nan)
        return self.number(columns.of_metric(metric)[place])

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
        found += [partial(_within, self.value(interval.metric), interval) for interval in where.values]
        found += [partial(_within, self.drift(interval.metric), interval) for interval in where.drifts]
        if where.evaluated_since is not None or where.evaluated_until is not None:
            found.append(partial(self._evaluated, where.evaluated_since, where.evaluated_until))
        words = [word for word in (where.q or "").split() if _A_WORD.search(word)]
        return found + [partial(self._with_word, word) for word in words]

    def _among(self, column: Column, values: Collection[int]) -> Mask:
        found: Mask = np.isin(self.column(column), np.fromiter(values, column.dtype, len(values)))
        return found

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
            rows = self._connection.execute(
                f"SELECT version FROM labelled WHERE label IN (SELECT id FROM names WHERE kind = ? AND {of})",  # noqa: S608  # of this module
                (Kind.LABEL, *bound),
            )
            mask[np.fromiter((number for (number,) in rows), np.int64)] = True
        return mask

    def _evaluated(self, since: int | None, until: int | None) -> Mask:
        at = self.number(columns.EVALUATED_AT)
        mask: Mask = at >= (-math.inf if since is None else since)
        mask &= at < (math.inf if until is None else until)
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
                borne = self.column(column)
                has = np.zeros(max(int(names.max()), int(borne.max(initial=0))) + 1, np.bool_)
                has[names] = True
                mask |= has[borne]
        return mask


def ascending(key: Key) -> Key:
    """The key, so that smaller comes first and what is not known last."""
    return np.where(np.isnan(key), math.inf, key)


def descending(key: Key) -> Key:
    """The key, so that greater comes first and what is not known last."""
    return np.where(np.isnan(key), math.inf, -key)


def first(numbers: Numbers, keys: Sequence[Key], count: int) -> Numbers:
    """The `count` of the numbers that come first by the first key, equal ones by the next, in that order."""
    chosen, rest, wanted = [], numbers, count
    for key in keys:
        if len(rest) <= wanted:
            break
        of_rest = key[rest]
        bound = np.partition(of_rest, wanted - 1)[wanted - 1]
        chosen.append(rest[of_rest < bound])
        wanted -= len(chosen[-1])
        rest = rest[of_rest == bound]
    found = np.concatenate([*chosen, rest[:wanted]])
    return found[np.lexsort([key[found] for key in reversed(keys)])]


def after(numbers: Numbers, keys: Sequence[Key], last: Sequence[float]) -> Numbers:
    """Those of the numbers that come after one with these keys."""
    past, equal = np.zeros(len(numbers), np.bool_), np.ones(len(numbers), np.bool_)
    for key, bound in zip(keys, last, strict=True):
        of_all = key[numbers]
        past |= equal & (of_all > bound)
        equal &= of_all == bound
    return numbers[past]


def _within(key: Key, interval: Interval) -> Mask:
    # A comparison with NaN is never true.
    mask: Mask = ~np.isnan(key)
    if interval.low is not None:
        mask &= key >= interval.low
    if interval.high is not None:
        mask &= key <= interval.high
    return mask


def _places(values: Sequence[str], wanted: Collection[str]) -> list[int]:
    return [place for place, value in enumerate(values) if value in wanted]
