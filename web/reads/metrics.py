"""The metrics that there are: the catalogue's, and those that some version has had."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

from mooring.metrics.catalogue import CATALOGUE, Direction, MetricSpec, spec_of
from web import items
from web.models import MetricItem
from web.reads.reader import Reader


class UnknownMetric(LookupError):
    """No such metric: neither in the catalogue nor of any version. `known` lists those that are."""

    def __init__(self, code: str, known: list[str]) -> None:
        super().__init__(f"There is no metric {code!r}.")
        self.code = code
        self.known = known


class Metrics:
    """Questions about metrics."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def spec(self, code: str) -> MetricSpec:
        """What is known of a metric. Raises UnknownMetric where there is none of that code."""
        if (spec := CATALOGUE.get(code)) is not None:
            return spec
        with self._reader.snapshot() as connection:
            return spec_in(connection, code)

    def seen(self) -> dict[str, MetricSpec]:
        """Every metric that some version has had: the standard ones in the catalogue's order, then custom ones."""
        with self._reader.snapshot() as connection:
            return seen_in(connection)

    def all(self) -> list[MetricItem]:
        """The catalogue, ROC AUC first, then the custom metrics that there are."""
        seen = self.seen()
        return [items.metric_item(spec, in_use=code in seen) for code, spec in {**CATALOGUE, **seen}.items()]


def spec_in(connection: sqlite3.Connection, code: str) -> MetricSpec:
    """As `Metrics.spec`, of a snapshot."""
    if (spec := CATALOGUE.get(code)) is not None:
        return spec
    seen = seen_in(connection)
    if code not in seen:
        raise UnknownMetric(code, list(dict.fromkeys([*CATALOGUE, *seen])))
    return seen[code]


def seen_in(connection: sqlite3.Connection) -> dict[str, MetricSpec]:
    """As `Metrics.seen`, of a snapshot."""
    found = connection.execute("SELECT code, label, direction FROM metrics ORDER BY coalesce(label, code), code")
    seen = {code: _spec(code, label, direction) for code, label, direction in found}
    standard = {code: spec for code, spec in CATALOGUE.items() if code in seen}
    return standard | {code: spec for code, spec in seen.items() if code not in CATALOGUE}


# They are few and asked for with every version.
@lru_cache(maxsize=4_096)
def _spec(code: str, label: str | None, direction: str) -> MetricSpec:
    """What is known of a metric that some event declared, or only named."""
    shown = label if label and label.strip() else code
    return spec_of(code, MetricSpec(code, shown, Direction(direction)))
