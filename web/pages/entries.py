"""From versions and alerts to what the page's components draw: texts, tones and addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mooring.metrics.catalogue import CATALOGUE, MetricSpec
from web.models import ROC_AUC, AlertItem, Reading, Sort, VersionDetail, VersionItem
from web.pages import display
from web.pages.address import View

# Any: JSON for the browser.
Json = dict[str, Any]

_NODE_KINDS = {"DESIGN": ", a design node", "AUTOMATION": ", an automation node"}
_PREDICTION_TYPES = {
    "BINARY": "binary classification",
    "MULTICLASS": "multiclass classification",
    "REGRESSION": "regression",
    "TIME_SERIES": "time series",
    "CLUSTERING": "clustering",
}


def table(versions: Sequence[VersionItem], view: View) -> list[Json]:
    """The rows of the table: with headings for projects and models in the order of the hierarchy, else flat."""
    decimals = display.decimals_for([each for version in versions for each in (version.value, version.initial)])
    if view.sort != Sort.HIERARCHY:
        return [_version(version, view, decimals, path=_path(version)) for version in versions]
    return list(_grouped(versions, view, decimals))


def columns(focus: MetricSpec, view: View) -> list[Json]:
    """The headings, with how the table is sorted."""
    key, descending = view.sort.removeprefix("-"), view.sort.startswith("-")
    worst_first = view.sort == "-degradation"
    found: list[Json] = [
        {"key": "name", "label": "Version", "sortable": True, "title": "Sort by model and version name"},
        {"key": "status", "label": "Status", "sortable": False},
        {"key": "value", "label": focus.label, "sortable": True, "title": f"{focus.label}: {focus.description}"},
        {"key": "initial", "label": "Initial", "sortable": False},
        {
            "key": "drift",
            "label": "Drift, worst first" if worst_first else "Drift",
            "sortable": True,
            "title": "Current less initial value; the first click sorts the worst first",
        },
        {"key": "data_drift", "label": "Data drift", "sortable": True, "title": CATALOGUE["data_drift"].description},
        {"key": "evaluated_at", "label": "Evaluated", "sortable": True, "title": "Sort by the newest evaluation"},
        {"key": "node", "label": "Node", "sortable": True, "title": "Sort by node"},
    ]
    sorted_by = "drift" if key == "degradation" else key
    for column in found:
        if column["key"] == sorted_by:
            column["order"] = "descending" if descending else "ascending"
    return found


def metric_groups(seen: Mapping[str, MetricSpec], focus: MetricSpec) -> list[Json]:
    """What can be in focus: ROC AUC first, then what the data have."""
    offered = {ROC_AUC: CATALOGUE[ROC_AUC], **seen, focus.code: focus}
    groups: dict[str, list[Json]] = {"Standard metrics": [], "Custom metrics": []}
    for code, spec in offered.items():
        group = "Standard metrics" if code in CATALOGUE else "Custom metrics"
        groups[group].append({"code": code, "label": spec.label})
    return [{"label": label, "metrics": metrics} for label, metrics in groups.items() if metrics]


def details(version: VersionDetail, alerts: Sequence[AlertItem], focus: MetricSpec) -> Json:
    """Everything that the panel shows of one version."""
    decimals = display.decimals_for([version.value, version.initial])
    label, tone = display.status(version)
    return {
        "key": version.version_key,
        "name": display.title(version.version_name, version.version),
        "path": _path(version),
        "active": version.active,
        "archived": version.archived,
        "status": label,
        "tone": tone,
        "focus": version.focus,
        "focus_label": focus.label,
        "value": display.number(version.value, decimals),
        "initial": display.number(version.initial, decimals),
        "drift": asdict(display.drift(version.drift, version.degradation, decimals)),
        "data_drift": display.number(version.data_drift, 4),
        "facts": list(_facts(version)),
        "labels": [f"{name}: {value}" for name, value in sorted(version.labels.items())],
        "metrics": [_metric(reading) for reading in version.metrics],
        "alerts": [alert(each) for each in alerts],
    }


def alert(item: AlertItem) -> Json:
    """An alert for a list."""
    label, tone = display.severity(item)
    link = View(version=item.version_key, tab="alerts")
    return {
        "id": item.alert_id,
        "version": item.version_key,
        "title": f"{item.model} · {item.version}",
        "severity": label,
        "tone": tone,
        "reason": item.reason,
        "at": item.evaluated_at,
        "where": f"store {item.store}, evaluation {item.evaluation}",
        "href": f"/{link.query}",
    }


def alert_counts(counts: Mapping[str, int]) -> list[Json]:
    """The counts of alerts for the header, gravest first."""
    names = (("CRITICAL", "critical", "bad"), ("WARNING", "warning", "warn"), ("INFO", "info", "info"))
    return [
        {"severity": severity, "tone": tone, "text": f"{counts[severity]:,}", "title": f"{counts[severity]:,} {word}"}
        for severity, word, tone in names
        if counts.get(severity)
    ]


def _grouped(versions: Sequence[VersionItem], view: View, decimals: int) -> Iterator[Json]:
    project: tuple[str, str] | None = None
    model: tuple[str, str, str] | None = None
    for version in versions:
        if (version.node, version.project) != project:
            project = (version.node, version.project)
            yield {"kind": "project", "id": f"p {project}", "name": version.project, "node": version.node}
        if (*project, version.model) != model:
            model = (*project, version.model)
            name = display.title(version.model_name, version.model)
            about = [version.model if name != version.model else "", _PREDICTION_TYPES.get(version.prediction_type, "")]
            yield {"kind": "model", "id": f"m {model}", "name": name, "note": " · ".join(filter(None, about))}
        yield _version(version, view, decimals)


def _version(version: VersionItem, view: View, decimals: int, path: str = "") -> Json:
    label, tone = display.status(version)
    name = display.title(version.version_name, version.version)
    moved = asdict(display.drift(version.drift, version.degradation, decimals))
    moved["title"] = "" if version.drift is None else f"{version.drift:+.6g}"
    about = [version.version if name != version.version else "", version.algorithm or ""]
    return {
        "kind": "version",
        "id": version.version_key,
        "key": version.version_key,
        "focus": version.focus,
        "href": f"/{View(focus=view.focus, version=version.version_key).query}",
        "name": name,
        "note": " · ".join(filter(None, about)),
        "path": path,
        "active": version.active,
        "archived": version.archived,
        "status": label,
        "tone": tone,
        "value": display.number(version.value, decimals),
        "initial": display.number(version.initial, decimals),
        "drift": moved,
        "data_drift": display.number(version.data_drift, 4),
        "evaluated_at": version.evaluated_at,
        "node": version.node,
    }


def _path(version: VersionItem) -> str:
    return f"{version.project} › {display.title(version.model_name, version.model)}"


def _facts(version: VersionDetail) -> Iterator[Json]:
    if version.built_at is None:
        yield {"label": "Built", "text": "Its build has not been reported yet"}
    else:
        yield {"label": "Built", "at": version.built_at}
    if version.evaluated_at is not None:
        yield {"label": "Evaluated", "at": version.evaluated_at}
    kind = _PREDICTION_TYPES.get(version.prediction_type)
    shown = {
        "Algorithm": version.algorithm,
        "Prediction": kind,
        "Author": version.author,
        "Node": version.node + _NODE_KINDS.get(version.node_kind, ""),
        "Project": version.project,
        "Model": version.model,
        "Version": version.version,
    }
    yield from ({"label": label, "text": text} for label, text in shown.items() if text)
    if (link := display.safe_link(version.source_url)) is not None:
        yield {"label": "Source", "text": link, "href": link}
    elif version.source_url:
        yield {"label": "Source", "text": version.source_url}


def _metric(reading: Reading) -> Json:
    decimals = display.decimals_for([reading.value, reading.initial])
    deviation = reading.initial_std
    return {
        "code": reading.code,
        "label": reading.label,
        "custom": reading.custom,
        "hint": f"{reading.code}, {display.direction(reading.direction)}",
        "initial": display.number(reading.initial, decimals),
        "deviation": "" if deviation is None else f"± {deviation:.3g} over the folds",
        "value": display.number(reading.value, decimals),
        "drift": asdict(display.drift(reading.drift, reading.degradation, decimals)),
        "at": reading.evaluated_at,
        "store": reading.store,
    }
