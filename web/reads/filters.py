"""What lists can be narrowed to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from mooring.keys import encode_part

# Any: what SQLite can bind.
Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Interval:
    """Values of a metric from `low` to `high`, both included; None: no bound.

    Written `code:low..high`, a bound left out where there is none: `roc_auc:0.7..`.
    """

    metric: str
    low: float | None = None
    high: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError where the text spells no interval."""
        metric, colon, bounds = text.rpartition(":")
        low, dots, high = bounds.partition("..")
        if not (metric and colon and dots):
            raise ValueError(f"{text!r} is no interval; write code:low..high, as in roc_auc:0.7..0.8 or roc_auc:0.7..")
        return cls(metric, _bound(text, low), _bound(text, high))

    def __str__(self) -> str:
        low, high = ("" if bound is None else f"{bound:.15g}" for bound in (self.low, self.high))
        return f"{self.metric}:{low}..{high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFilter:
    """Which versions: those that every filter admits. Several values of one filter: any of them; none: all.

    `label`: a label's name, or its name and value with "=" between them. `evaluated_since` is included,
    `evaluated_until` is not; epoch ms. `values`, `drifts`: within all of these has to be the current value, or the
    drift, of the metric. `q`: words that must all occur, at least by their beginnings, in the names and ids of version,
    model, project and node, or in the algorithm.
    """

    node: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    algorithm: tuple[str, ...] = ()
    prediction_type: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    active: bool | None = None
    archived: bool | None = None
    evaluated_since: int | None = None
    evaluated_until: int | None = None
    values: tuple[Interval, ...] = ()
    drifts: tuple[Interval, ...] = ()
    q: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts. `since` is included, `until` is not; both are times of the evaluation.

    `q`: words that must all occur in the ids of node, project, model and version.
    """

    version: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    q: str | None = None

    def conditions(self) -> tuple[list[str], Parameters]:
        """Conditions on the table of alerts and their parameters."""
        conditions, parameters = among(
            {
                "version_key": self.version,
                "node_id": self.node,
                "project_key": self.project,
                "severity": self.severity,
                "metric": self.metric,
            }
        )
        narrow_time(conditions, parameters, self.since, self.until)
        for number, word in enumerate((self.q or "").split()):
            conditions.append(f"version_key LIKE :q_{number} ESCAPE '!'")
            parameters[f"q_{number}"] = "%" + re.sub(r"[%_!]", r"!\g<0>", encode_part(word)) + "%"
        return conditions, parameters


def narrow_time(conditions: list[str], parameters: Parameters, since: int | None, until: int | None) -> None:
    """Add the conditions that `evaluated_at` is not before `since`, and before `until`."""
    if since is not None:
        conditions.append("evaluated_at >= :since")
        parameters["since"] = since
    if until is not None:
        conditions.append("evaluated_at < :until")
        parameters["until"] = until


def where(conditions: Sequence[str]) -> str:
    """The clause that all of the conditions make."""
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def among(columns: Mapping[str, Sequence[object]]) -> tuple[list[str], Parameters]:
    """Conditions that each column has one of its values, where there are any, and their parameters."""
    conditions: list[str] = []
    parameters: Parameters = {}
    for column, values in columns.items():
        if not values:
            continue
        names = [f"{column}_{number}" for number in range(len(values))]
        conditions.append(f"{column} IN ({', '.join(':' + name for name in names)})")
        parameters |= dict(zip(names, values, strict=True))
    return conditions, parameters


def _bound(text: str, written: str) -> float | None:
    if not written.strip():
        return None
    try:
        bound = float(written)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise ValueError(f"{text!r} is no interval: {written!r} is no number.")
    return bound
