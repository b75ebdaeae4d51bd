"""What lists can be narrowed to, and how that is said in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web.database import SEVERITY_RANK

# Any: what SQLite can bind.
Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFilter:
    """Which versions: those that every filter admits. Several values of one filter: any of them; none: all.

    `q`: words that must all occur in the names and ids of version, model, project and node, or the algorithm.
    """

    node: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    algorithm: tuple[str, ...] = ()
    active: bool | None = None
    q: str | None = None

    def conditions(self) -> tuple[list[str], Parameters]:
        """Conditions on the table of versions, `v`, and their parameters."""
        conditions, parameters = _among(
            {
                "v.node_id": self.node,
                "v.project_key": self.project,
                "v.model_id": self.model,
                "v.state": self.state,
                "v.algorithm": self.algorithm,
                "v.severity_rank": [rank for severity, rank in SEVERITY_RANK.items() if severity in self.severity],
            }
        )
        if self.active is not None:
            conditions.append("v.active = :active")
            parameters["active"] = self.active
        for number, word in enumerate((self.q or "").casefold().split()):
            conditions.append(f"instr(v.search, :word{number})")
            parameters[f"word{number}"] = word
        return conditions, parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts. `since` is included, `until` is not; both are times of the evaluation."""

    version: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def conditions(self) -> tuple[list[str], Parameters]:
        """Conditions on the table of alerts and their parameters."""
        conditions, parameters = _among(
            {
                "version_key": self.version,
                "node_id": self.node,
                "project_key": self.project,
                "severity": self.severity,
                "metric": self.metric,
            }
        )
        narrow_time(conditions, parameters, self.since, self.until)
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


def _among(columns: Mapping[str, Sequence[object]]) -> tuple[list[str], Parameters]:
    conditions: list[str] = []
    parameters: Parameters = {}
    for column, values in columns.items():
        if not values:
            continue
        names = [f"{column.rpartition('.')[2]}_{number}" for number in range(len(values))]
        conditions.append(f"{column} IN ({', '.join(':' + name for name in names)})")
        parameters |= dict(zip(names, values, strict=True))
    return conditions, parameters
