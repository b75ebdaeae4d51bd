"""The columns of the registry's table: which there are, how they are sorted, and which are shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mooring.metrics.catalogue import CATALOGUE, MetricSpec
from web.items import degradation_sign
from web.models import Sort

# Any: JSON for the browser.
Json = dict[str, Any]

_WITHOUT_INITIAL = ("data_drift", "prediction_drift")
# Always there, and always the first.
NAME = "name"
TREND = "trend"
DEPLOYMENTS = "deployments"


@dataclass(frozen=True, slots=True)
class Column:
    """`sort`: what its heading sorts by; None: nothing. `kind`: how its cells are drawn and aligned."""

    label: str
    title: str
    sort: Sort | None = None
    kind: str = "text"


COLUMNS: Mapping[str, Column] = {
    NAME: Column("Version", "Sort by model and version name", Sort.NAME),
    "status": Column("Status", "How the version does; the first click sorts the gravest first", Sort.SEVERITY),
    "value": Column("Value", "", Sort.VALUE, "number"),
    TREND: Column("Trend", "The newest values of the metric in focus, dashed its initial value", kind="trend"),
    "initial": Column("Initial", "Its value when the version was built", Sort.INITIAL, "number"),
    "drift": Column(
        "Drift", "Current less initial value; the first click sorts the worst first", Sort.DEGRADATION, "drift"
    ),
    "degradation": Column("Degradation", "The drift, signed so that more is worse", Sort.DEGRADATION, "number"),
    "data_drift": Column("Data drift", CATALOGUE["data_drift"].description, Sort.DATA_DRIFT, "number"),
    DEPLOYMENTS: Column("Deployed", "Where the version is deployed"),
    "evaluated_at": Column("Evaluated", "Sort by the newest evaluation", Sort.EVALUATED_AT, "time"),
    "node": Column("Node", "Sort by node", Sort.NODE),
    "project": Column("Project", "Sort by project", Sort.PROJECT),
    "algorithm": Column("Algorithm", "What the version was trained with"),
    "prediction_type": Column("Prediction", "What the model predicts"),
    "state": Column("State", "Whether the version has been built and evaluated"),
    "built_at": Column("Built", "Sort by when the version was built", Sort.BUILT_AT, "time"),
    "updated_at": Column("Changed", "Sort by the newest event of the version", Sort.UPDATED_AT, "time"),
}
DEFAULT = ("status", "value", TREND, "initial", "drift", "data_drift", DEPLOYMENTS, "evaluated_at", "node")

# What the list of orders offers, in words for a metric's label.
_ORDERS = (
    ("hierarchy", "Project, model, version"),
    ("-degradation", "Worst drift first"),
    ("degradation", "Best drift first"),
    ("-drift", "Greatest drift first"),
    ("drift", "Least drift first"),
    ("-value", "{focus}, highest first"),
    ("value", "{focus}, lowest first"),
    ("-initial", "Initial {focus}, highest first"),
    ("initial", "Initial {focus}, lowest first"),
    ("-data_drift", "Data drift, most first"),
    ("data_drift", "Data drift, least first"),
    ("-severity", "Gravest first"),
    ("severity", "Least grave first"),
    ("-evaluated_at", "Evaluated last"),
    ("evaluated_at", "Evaluated longest ago"),
    ("-built_at", "Built last"),
    ("built_at", "Built longest ago"),
    ("-updated_at", "Changed last"),
    ("updated_at", "Changed longest ago"),
    ("name", "Model, A to Z"),
    ("-name", "Model, Z to A"),
    ("node", "Node, A to Z"),
    ("-node", "Node, Z to A"),
    ("project", "Project, A to Z"),
    ("-project", "Project, Z to A"),
    ("-hierarchy", "Project, model, version backwards"),
)


def parse(text: str) -> tuple[tuple[str, ...], list[str]]:
    """The columns beside the name that a text lists, and what is wrong with those that are left out."""
    listed = [name for name in dict.fromkeys(text.split(",")) if name not in ("", NAME)]
    wrong = [
        f"columns: There is no {name[:80]!r}; known are {', '.join(COLUMNS)}." for name in listed if name not in COLUMNS
    ]
    return tuple(name for name in listed if name in COLUMNS), wrong


def spelled(chosen: Sequence[str]) -> str:
    """The text that lists them: `parse` makes the same of it, and it is never empty."""
    return ",".join(chosen) or NAME


def shown(chosen: Sequence[str] | None, *, deployed: bool) -> list[str]:
    """What to show, the name first; `deployed`: some version that is listed is known to be deployed."""
    if chosen is not None:
        return [NAME, *chosen]
    return [NAME, *(name for name in DEFAULT if deployed or name != DEPLOYMENTS)]


def headings(names: Sequence[str], focus: MetricSpec, sort: str, *, directed: bool) -> list[Json]:
    """The headings, with how the table is sorted."""
    found: list[Json] = []
    for name in names:
        column = COLUMNS[name]
        heading: Json = {
            "key": name,
            "label": column.label,
            "title": column.title,
            "kind": column.kind,
            "sortable": column.sort is not None,
        }
        if name == "value":
            heading |= {"label": focus.label, "title": f"{focus.label}: {focus.description}"}
        if sort.removeprefix("-") in (sort_key(name, directed=directed), name):
            heading["order"] = "descending" if sort.startswith("-") else "ascending"
        found.append(heading)
    return found


def choices(chosen: Sequence[str] | None, focus: MetricSpec) -> list[Json]:
    """All columns to choose from: those that are shown in their order, then the rest."""
    listed = [NAME, *(DEFAULT if chosen is None else chosen)]
    return [
        {"key": name, "label": focus.label if name == "value" else COLUMNS[name].label, "shown": name in listed}
        for name in dict.fromkeys((*listed, *COLUMNS))
    ]


def orders(focus: MetricSpec, sort: str, *, directed: bool) -> list[Json]:
    """What the list can be sorted by, in words: without those that the metric has not, but for the present one."""
    return [
        {"key": key, "label": label.format(focus=focus.label)}
        for key, label in _ORDERS
        if key == sort or directed or key.removeprefix("-") != Sort.DEGRADATION
    ]


def worst_first(focus: MetricSpec) -> Json | None:
    """The order that has the versions first that do worst by the metric, in words; None where it has no direction.

    Of metrics that only an evaluation has, the value itself says how bad it is.
    """
    if focus.code in _WITHOUT_INITIAL:
        return {"key": "-value", "label": f"Most {focus.label.lower()} first"}
    if degradation_sign(focus) is None:
        return None
    return {"key": "-degradation", "label": "Worst drift first"}


def sort_key(column: str, *, directed: bool) -> Sort | None:
    """What a column's heading sorts by. `directed`: as for `next_sort`."""
    key = COLUMNS[column].sort
    return Sort.DRIFT if key is Sort.DEGRADATION and not directed else key


def next_sort(column: str, current: str, *, directed: bool) -> str:
    """What a click on a column's heading sorts by: first what matters most, then the reverse, then the hierarchy.

    `directed`: the focus metric gets better one way, so that its drift is sorted by how much worse it is. A column that
    sorts by nothing, or is none, changes nothing.
    """
    if column not in COLUMNS or (key := sort_key(column, directed=directed)) is None:
        return current
    order = [key.value, f"-{key}"] if key in (Sort.NAME, Sort.NODE, Sort.PROJECT) else [f"-{key}", key.value]
    order.append(Sort.HIERARCHY.value)
    return order[(order.index(current) + 1) % 3] if current in order else order[0]
