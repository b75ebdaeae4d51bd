"""What things are called: nodes, projects, models, versions, algorithms, labels, metrics, each under a number.

Columns hold the numbers. Names are few beside the versions that bear them, so to look for a word is to look through
the names, and then for their numbers.
"""

from __future__ import annotations

import sqlite3
from enum import IntEnum
from functools import lru_cache

from mooring.metrics.catalogue import CATALOGUE, Direction
from mooring.outputs import DeclaredMetric, VersionMetrics


class Kind(IntEnum):
    """What a name is one of. The values are in the file: they stay."""

    NODE = 1
    PROJECT = 2
    MODEL = 3
    VERSION = 4
    VERSION_NAME = 5
    ALGORITHM = 6
    LABEL = 7


# A document of the text search has the id of its name and its kind in one number.
KINDS = 16
# Ids hold no control characters, so this one separates them, and sorts before all they can hold.
SEPARATOR = "\x1f"

TABLES = (
    """CREATE TABLE names (
        id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (kind, text))""",
    """CREATE TABLE projects (
        id INTEGER PRIMARY KEY, node_id TEXT NOT NULL, project_key TEXT NOT NULL, UNIQUE (project_key, node_id))""",
    # `model_name`: that of the newest build, which was at `named_at`. The last three are texts that sort as wanted.
    """CREATE TABLE models (
        id INTEGER PRIMARY KEY, project INTEGER NOT NULL, model_id TEXT NOT NULL, model_name TEXT,
        named_at INTEGER NOT NULL, hierarchy TEXT NOT NULL, by_name TEXT NOT NULL, by_node TEXT NOT NULL,
        UNIQUE (project, model_id))""",
    "CREATE INDEX models_id ON models (model_id)",
    "CREATE INDEX models_hierarchy ON models (hierarchy)",
    "CREATE INDEX models_by_name ON models (by_name)",
    "CREATE INDEX models_by_node ON models (by_node)",
    # How often the models were changed, for those who keep their order.
    "CREATE TABLE models_changed (times INTEGER NOT NULL)",
    "INSERT INTO models_changed VALUES (0)",
    # Every metric that some version has had. Label and direction: those of the earliest declaration, if custom.
    """CREATE TABLE metrics (
        id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, label TEXT, direction TEXT NOT NULL,
        declared_at INTEGER, declared_by TEXT)""",
    # Words of names, without the names themselves. Words begin and end as Unicode has it, "-" and "_" between them.
    """CREATE VIRTUAL TABLE words USING fts5 (
        text, content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3')""",
)

_KEPT = 65_536


class Names:
    """The numbers of names, given out when one is first met. For the one thread that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.name = lru_cache(_KEPT)(self._name)
        self.project = lru_cache(_KEPT)(self._project)
        self.metric = lru_cache(_KEPT)(self._metric)
        # By project and id: number, name, and when it was called so.
        self._models: dict[tuple[int, str], tuple[int, str | None, int]] = {}
        self._declared: set[DeclaredMetric] = set()

    def forget(self) -> None:
        """Forget what was looked up: a transaction in which it was written was rolled back."""
        for cached in (self.name, self.project, self.metric):
            cached.cache_clear()
        self._models.clear()
        self._declared.clear()

    def model(self, row: VersionMetrics) -> int:
        """The number of a version's model, which is called as its newest build says."""
        project = self.project(row.node_id, row.project_key)
        key, named_at = (project, row.model_id), row.built_at or 0
        known = self._models.get(key) or self._known_model(key)
        if known is None:
            known = self._new_model(row, project), row.model_name, named_at
        elif (named_at, row.model_name or "") > (known[2], known[1] or "") and row.model_name != known[1]:
            # Of builds of the same moment one decides, in whatever order they come: replicas have to agree.
            self._rename(known, row)
            known = known[0], row.model_name, named_at
        elif named_at > known[2]:
            self._connection.execute("UPDATE models SET named_at = ? WHERE id = ?", (named_at, known[0]))
            known = known[0], known[1], named_at
        if len(self._models) >= _KEPT:
            self._models.clear()
        self._models[key] = known
        return known[0]

    def declare(self, metric: DeclaredMetric) -> None:
        """Take in what is said of a custom metric: the earliest declaration stands."""
        if metric.code in CATALOGUE or metric in self._declared:
            return
        self._connection.execute(
            "UPDATE metrics SET label = :label, direction = :direction, declared_at = :at, declared_by = :by "
            "WHERE id = :id AND (declared_at IS NULL OR (declared_at, declared_by) > (:at, :by))",
            {
                "id": self.metric(metric.code),
                "label": metric.label,
                "direction": metric.direction.value,
                "at": metric.declared_at,
                "by": metric.declared_by,
            },
        )
        if len(self._declared) >= _KEPT:
            self._declared.clear()
        self._declared.add(metric)

    def _name(self, kind: Kind, text: str) -> int:
        found = self._one("SELECT id FROM names WHERE kind = ? AND text = ?", kind, text)
        if found is not None:
            return int(found[0])
        number = self._insert("INSERT INTO names (kind, text) VALUES (?, ?)", kind, text)
        if kind is not Kind.LABEL:
            self._index(kind, number, text)
        return number

    def _project(self, node_id: str, project_key: str) -> int:
        found = self._one("SELECT id FROM projects WHERE project_key = ? AND node_id = ?", project_key, node_id)
        if found is not None:
            return int(found[0])
        number = self._insert("INSERT INTO projects (node_id, project_key) VALUES (?, ?)", node_id, project_key)
        self._index(Kind.PROJECT, number, project_key)
        return number

    def _metric(self, code: str) -> int:
        found = self._one("SELECT id FROM metrics WHERE code = ?", code)
        if found is not None:
            return int(found[0])
        spec = CATALOGUE.get(code)
        direction = spec.direction if spec else Direction.NONE
        label = spec.label if spec else None
        return self._insert(
            "INSERT INTO metrics (code, label, direction) VALUES (?, ?, ?)", code, label, direction.value
        )

    def _known_model(self, key: tuple[int, str]) -> tuple[int, str | None, int] | None:
        found = self._one("SELECT id, model_name, named_at FROM models WHERE project = ? AND model_id = ?", *key)
        return None if found is None else (found[0], found[1], found[2])

    def _new_model(self, row: VersionMetrics, project: int) -> int:
        number = self._insert(
            "INSERT INTO models (project, model_id, model_name, named_at, hierarchy, by_name, by_node) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            project,
            row.model_id,
            row.model_name,
            row.built_at or 0,
            *_orders(row),
        )
        self._index(Kind.MODEL, number, _document(row.model_id, row.model_name))
        self._count_change()
        return number

    def _rename(self, known: tuple[int, str | None, int], row: VersionMetrics) -> None:
        number, before, _ = known
        self._connection.execute(
            "UPDATE models SET model_name = ?, named_at = ?, hierarchy = ?, by_name = ?, by_node = ? WHERE id = ?",
            (row.model_name, row.built_at or 0, *_orders(row), number),
        )
        document = number * KINDS + Kind.MODEL
        self._connection.execute(
            "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
            (document, _document(row.model_id, before)),
        )
        self._index(Kind.MODEL, number, _document(row.model_id, row.model_name))
        self._count_change()

    def _count_change(self) -> None:
        self._connection.execute("UPDATE models_changed SET times = times + 1")

    def _index(self, kind: Kind, number: int, text: str) -> None:
        self._connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number * KINDS + kind, text))

    def _one(self, statement: str, *values: object) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._connection.execute(statement, values).fetchone()
        return found

    def _insert(self, statement: str, *values: object) -> int:
        number = self._connection.execute(statement, values).lastrowid
        assert number is not None
        return number


def label_name(name: str, value: str) -> str:
    """A label of a version as one text."""
    return f"{name}{SEPARATOR}{value}"


def _document(model_id: str, model_name: str | None) -> str:
    return model_id if model_name is None else f"{model_id} {model_name}"


def _orders(row: VersionMetrics) -> tuple[str, str, str]:
    model, project, node = row.model_name or row.model_id, row.project_key, row.node_id
    # As people sort, and then so that no two are alike.
    named = (model.casefold(), model, row.model_id)
    placed = (project.casefold(), project, node)
    return (
        SEPARATOR.join((*placed, *named)),
        SEPARATOR.join((*named, *placed)),
        SEPARATOR.join((node.casefold(), node, *placed[:2], *named)),
    )
