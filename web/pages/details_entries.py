"""From a version to what its Details panel draws, tab by tab: texts, tones and addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from urllib.parse import quote

from mooring.events import Change
from mooring.metrics.catalogue import MetricSpec, spec_of
from mooring.outputs import Outcome
from web.items import degradation_sign
from web.models import AlertItem, EvaluationItem, Reading, VersionDetail, VersionItem
from web.pages import display, entries
from web.pages.components import Json

TAB_LABELS = {
    "overview": "Overview",
    "metrics": "Model metrics",
    "history": "History",
    "alerts": "Alerts",
    "evaluations": "Evaluations",
    "source": "Source",
}
_TAB_TEST_IDS = {"metrics": "tab-model-metrics"}
_NODE_KINDS = {"DESIGN": "design node", "AUTOMATION": "automation node"}
_OUTCOMES = {
    Outcome.CURRENT: ("Current", "good", "It set at least one current metric when it came."),
    Outcome.LATE: ("Late", "info", "A newer evaluation had come before it: it is part of the history only."),
    Outcome.DUPLICATE: ("Duplicate", "quiet", "The same evaluation had come before: it changed nothing."),
    Outcome.NOT_SYNCED: ("Not synced", "quiet", "Its store or the evaluation opted out: its values are not kept."),
    Outcome.UNKNOWN: ("Other", "quiet", "What became of it is of a kind that this view does not know yet."),
}
_CHANGES = {
    Change.ACTIVATED: "Activated",
    Change.DEACTIVATED: "Deactivated",
    Change.ARCHIVED: "Archived",
    Change.RESTORED: "Restored",
    Change.DEPLOYED: "Deployed",
    Change.UNDEPLOYED: "Undeployed",
    Change.UNKNOWN: "Changed",
}


def tabs(names: Sequence[str], counts: Mapping[str, str]) -> list[Json]:
    """The tabs, some with a count."""
    return [
        {
            "name": name,
            "label": TAB_LABELS[name],
            "testid": _TAB_TEST_IDS.get(name, f"tab-{name}"),
            "count": counts.get(name, ""),
        }
        for name in names
    ]


def header(version: VersionDetail) -> Json:
    """Which version it is, above the tabs."""
    label, tone = display.status(version)
    return {
        "key": version.version_key,
        "name": display.title(version.version_name, version.version),
        "path": path(version),
        "active": version.active,
        "archived": version.archived,
        "status": label,
        "tone": tone,
    }


def overview(version: VersionDetail, focus: MetricSpec, active: VersionItem | None) -> Json:
    """Figures of the focus metric, and facts. `active`: the active version of its model, this one or another."""
    decimals = display.decimals_for([version.value, version.initial])
    reading = next((each for each in version.metrics if each.code == focus.code), None)
    return {
        "focus": focus.label,
        "hint": f"{focus.label}: {focus.description}" if focus.description else focus.label,
        "value": display.number(version.value, decimals),
        "interval": display.interval(version.certainty, decimals),
        "certainty": display.certainty(version.certainty),
        "chance": display.chance(version.p_value),
        "initial": display.number(version.initial, decimals),
        "deviation": _deviation(reading.initial_std) if reading else "",
        "drift": asdict(display.drift(version.drift, version.degradation, decimals)),
        "change": asdict(_change(reading, decimals)) if reading else asdict(display.drift(None, None, decimals)),
        "data_drift": display.number(version.data_drift, 4),
        "active": active_version(version, active),
        "deployments": [
            {
                "where": each.infrastructure,
                "stage": each.stage or "",
                "at": each.changed_at,
            }
            for each in version.deployments
        ],
        "facts": list(_facts(version)),
        "labels": labels(version),
        "lifecycle": [
            {
                "text": " · ".join(filter(None, (_CHANGES[each.change], each.infrastructure, each.stage))),
                "at": each.changed_at,
            }
            for each in sorted(version.lifecycle, key=lambda each: -each.changed_at)
        ],
    }


def metrics(version: VersionDetail, active: VersionItem | None) -> Json:
    """Every metric that the version has."""
    moved = [each.degradation for each in version.metrics if each.degradation]
    worse, better = sum(each > 0 for each in moved), sum(each < 0 for each in moved)
    return {
        "active": active_version(version, active),
        "data_drift": display.number(version.data_drift, 4),
        "worse": str(worse),
        "better": str(better),
        "focus": version.focus,
        "rows": [metric(each) for each in version.metrics],
    }


def active_version(version: VersionItem, active: VersionItem | None) -> Json:
    """Which version of the model is active: a sentence, and where it is another one, its key and name."""
    if version.active:
        return {"text": "This is the active version of its model.", "key": "", "name": "", "this": True}
    if active is None:
        return {"text": "No version of this model is active.", "key": "", "name": "", "this": False}
    decimals = display.decimals_for([active.value])
    return {
        "text": "",
        "key": active.version_key,
        "name": display.title(active.version_name, active.version),
        "value": display.number(active.value, decimals),
        "this": False,
    }


def metric(reading: Reading) -> Json:
    """A row of the table of metrics."""
    decimals = display.decimals_for([reading.value, reading.initial])
    return {
        "code": reading.code,
        "label": reading.label,
        "custom": reading.custom,
        "hint": f"{reading.code}, {display.direction(reading.direction)}",
        "initial": display.number(reading.initial, decimals),
        "initial_interval": display.interval(reading.initial_certainty, decimals),
        "initial_certainty": display.certainty(reading.initial_certainty),
        "deviation": _deviation(reading.initial_std),
        "value": display.number(reading.value, decimals),
        "interval": display.interval(reading.certainty, decimals),
        "certainty": display.certainty(reading.certainty),
        "chance": display.chance(reading.p_value),
        "drift": asdict(display.drift(reading.drift, reading.degradation, decimals)),
        "change": asdict(_change(reading, decimals)),
        "at": reading.evaluated_at,
        "store": reading.store,
        "where": f"store {reading.store}, evaluation {reading.evaluation}" if reading.evaluation else "",
    }


def alerts(found: Sequence[AlertItem], *, more: bool) -> Json:
    """The alerts of the version, newest first."""
    return {"rows": [entries.alert(each) for each in found], "more": more}


def evaluations(
    found: Sequence[EvaluationItem], focus: MetricSpec, seen: Mapping[str, MetricSpec], total: int, *, more: bool
) -> Json:
    """Evaluations, newest first, each with what became of it. `seen`: what is known of the metrics."""
    shown = f"{len(found):,} of {total:,}" if len(found) < total else f"{total:,}"
    return {
        "focus": focus.label,
        "rows": [evaluation(each, focus, seen) for each in found],
        "total": f"{shown} evaluation{'' if total == 1 else 's'}",
        "more": more,
    }


def evaluation(item: EvaluationItem, focus: MetricSpec, seen: Mapping[str, MetricSpec]) -> Json:
    """One evaluation. That which is not synced has no values to show."""
    label, tone, meaning = _OUTCOMES[item.outcome]
    order = {code: place for place, code in enumerate(seen)}
    codes = sorted(item.metrics, key=lambda code: (order.get(code, len(order)), code))
    count = len(item.alert_ids)
    return {
        "id": item.event_id,
        "evaluation": item.evaluation,
        "store": item.store,
        "at": item.evaluated_at,
        "outcome": label,
        "tone": tone,
        "meaning": meaning,
        "alerts": f"{count} alert{'' if count == 1 else 's'}" if count else "",
        "focus": _measured(focus, item) if focus.code in item.metrics else None,
        "metrics": [_measured(seen.get(code) or spec_of(code), item) for code in codes],
    }


def source(version: VersionDetail, stores: Mapping[str, str]) -> Json:
    """Where it comes from and how to ask for it. `stores`: what those measured that its values are from."""
    address = f"/api/v1/versions/{version.version_key}"
    link = display.safe_link(version.source_url)
    kind = _NODE_KINDS.get(version.node_kind, "")
    facts = [
        {"label": "Node", "text": version.node, "note": kind},
        {"label": "Project", "text": version.project},
        {"label": "Model", "text": version.model, "note": version.model_name or ""},
        {"label": "Version", "text": version.version, "note": version.version_name or ""},
        {"label": "Author", "text": version.author or display.MISSING},
    ]
    if version.source_url:
        facts.append({"label": "Source", "text": version.source_url, "href": link or ""})
    else:
        facts.append({"label": "Source", "text": "Its build named no address"})
    return {
        "facts": facts,
        "labels": labels(version),
        "stores": [{"name": name, "text": text} for name, text in stores.items()],
        "key": version.version_key,
        "address": address,
        "history": f"{address}/history?metric={quote(version.focus, safe='')}",
    }


def labels(version: VersionDetail) -> list[str]:
    return [f"{name}: {value}" for name, value in sorted(version.labels.items())]


def path(version: VersionItem) -> str:
    """Where a version belongs: its project and model."""
    return f"{version.project} › {display.title(version.model_name, version.model)}"


def prediction(version: VersionItem) -> str:
    """What its model predicts, in words."""
    return entries.PREDICTIONS.get(version.prediction_type, "")


def _facts(version: VersionDetail) -> Iterator[Json]:
    if version.built_at is None:
        yield {"label": "Built", "text": "Its build has not been reported yet"}
    else:
        yield {"label": "Built", "at": version.built_at}
    if version.evaluated_at is None:
        yield {"label": "Evaluated", "text": "Not yet"}
    else:
        yield {"label": "Evaluated", "at": version.evaluated_at}
    kind = _NODE_KINDS.get(version.node_kind)
    shown = {
        "Algorithm": version.algorithm,
        "Prediction": prediction(version),
        "Author": version.author,
        "Node": f"{version.node}, {'an' if kind.startswith('a') else 'a'} {kind}" if kind else version.node,
        "Project": version.project,
        "Model": version.model,
        "Version": version.version,
    }
    yield from ({"label": label, "text": text} for label, text in shown.items() if text)
    if (link := display.safe_link(version.source_url)) is not None:
        yield {"label": "Source", "text": link, "href": link}
    elif version.source_url:
        yield {"label": "Source", "text": version.source_url}


def _measured(spec: MetricSpec, item: EvaluationItem) -> Json:
    value, drift = item.metrics[spec.code], item.drift.get(spec.code)
    decimals = display.decimals_for([value])
    return {
        "code": spec.code,
        "label": spec.label,
        "value": display.number(value, decimals),
        "drift": asdict(display.drift(drift, _degradation(spec, drift), decimals)),
    }


def _change(reading: Reading, decimals: int) -> display.Drift:
    """What the newest evaluation changed: as a drift, but from the value before."""
    sign = {"HIGHER": -1.0, "LOWER": 1.0}.get(reading.direction)
    change = reading.change
    return display.drift(change, None if change is None or sign is None else change * sign, decimals)


def _degradation(spec: MetricSpec, drift: float | None) -> float | None:
    sign = degradation_sign(spec)
    return None if drift is None or sign is None else drift * sign


def _deviation(deviation: float | None) -> str:
    return "" if deviation is None else f"± {deviation:.2g}"
