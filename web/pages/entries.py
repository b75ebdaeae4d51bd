"""From versions and alerts to what the page's components draw: texts, tones and addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mooring.metrics.catalogue import MetricSpec
from web.models import ROC_AUC, AlertItem, Deployment, MetricItem, VersionItem
from web.pages import display
from web.pages.address import View
from web.pages.filtering import PREDICTION_TYPES, STATES
from web.pages.sparkline import sparkline

# Any: JSON for the browser.
Json = dict[str, Any]

PREDICTIONS = {
    "BINARY": "binary classification",
    "MULTICLASS": "multiclass classification",
    "REGRESSION": "regression",
    "TIME_SERIES": "time series",
    "CLUSTERING": "clustering",
}


def table(versions: Sequence[VersionItem], view: View) -> list[Json]:
    """The rows of the table: with headings for projects and models in the order of the hierarchy, else flat."""
    decimals = display.decimals_for([each for version in versions for each in (version.value, version.initial)])
    if not view.grouped:
        return [_version(version, decimals, path=_path(version)) for version in versions]
    return list(_grouped(versions, decimals))


def metric_groups(metrics: Sequence[MetricItem], focus: MetricSpec) -> list[Json]:
    """What can be in focus: what versions have, ROC AUC first, and apart from it what no version has had yet."""
    groups: dict[str, list[Json]] = {"Standard metrics": [], "Custom metrics": [], "Not reported yet": []}
    for metric in metrics:
        there = metric.in_use or metric.code in (ROC_AUC, focus.code)
        group = "Custom metrics" if metric.custom else "Standard metrics"
        groups[group if there else "Not reported yet"].append({"code": metric.code, "label": metric.label})
    return [{"label": label, "metrics": metrics} for label, metrics in groups.items() if metrics]


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


def _grouped(versions: Sequence[VersionItem], decimals: int) -> Iterator[Json]:
    project: tuple[str, str] | None = None
    model: tuple[str, str, str] | None = None
    for version in versions:
        if (version.node, version.project) != project:
            project = (version.node, version.project)
            yield {"kind": "project", "id": f"p {project}", "name": version.project, "node": version.node}
        if (*project, version.model) != model:
            model = (*project, version.model)
            name = display.title(version.model_name, version.model)
            about = [version.model if name != version.model else "", PREDICTIONS.get(version.prediction_type, "")]
            yield {"kind": "model", "id": f"m {model}", "name": name, "note": " · ".join(filter(None, about))}
        yield _version(version, decimals)


def _version(version: VersionItem, decimals: int, path: str = "") -> Json:
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
        "name": name,
        "note": " · ".join(filter(None, about)),
        "path": path,
        "active": version.active,
        "archived": version.archived,
        "status": label,
        "tone": tone,
        "value": display.number(version.value, decimals),
        "interval": _interval(version, decimals),
        "trend": sparkline(version.trend, version.initial, decimals),
        "initial": display.number(version.initial, decimals),
        "drift": moved,
        "degradation": display.number(version.degradation, decimals),
        "data_drift": display.number(version.data_drift, 4),
        "deployments": [_deployment(each) for each in version.deployments],
        "evaluated_at": version.evaluated_at,
        "built_at": version.built_at,
        "updated_at": version.updated_at,
        "node": version.node,
        "project": version.project,
        "algorithm": version.algorithm or display.MISSING,
        "prediction_type": PREDICTION_TYPES[version.prediction_type],
        "state": STATES[version.state],
    }


def _interval(version: VersionItem, decimals: int) -> str:
    """How sure the value is and its drift, in words."""
    between = ""
    if (known := version.certainty) is not None:
        low, high = display.number(known.low, decimals), display.number(known.high, decimals)
        between = f"Between {low} and {high}, 95 times of 100"
    return "; ".join(filter(None, (between, display.chance(version.p_value))))


def _deployment(deployed: Deployment) -> Json:
    return {"text": deployed.infrastructure or "deployed", "stage": deployed.stage or "", "at": deployed.changed_at}


def _path(version: VersionItem) -> str:
    return f"{version.project} › {display.title(version.model_name, version.model)}"
