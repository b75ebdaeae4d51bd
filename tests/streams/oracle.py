"""Rules 2 to 7 of the domain once more, written the slow way: everything anew from the set of events.

Shares no code with the folds, the decisions or the rows. Plain dicts; differences that decide are taken in decimals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from mooring.events import EvaluationRun, EvaluationStore, Event, LifecycleChange, ModelBuild

# Any: rows and alerts are what Avro would hold, maps of plain values.
Plain = dict[str, Any]

# Of the metrics that the strategies draw; the custom one has the direction that was declared first.
DIRECTIONS = {"roc_auc": "HIGHER", "data_drift": "LOWER"}


def rows(events: Iterable[Event]) -> dict[str, Plain]:
    """Every version's row by version key, from the events in whatever order and number."""
    known = _distinct(events)
    relevant = [event for event in known if not isinstance(event, EvaluationStore)]
    keys = {_key(event): event for event in relevant if _is_about_a_row(event, known)}
    return {key: _row(key, event, known) for key, event in keys.items()}


def alerts(arrivals: Sequence[Event]) -> list[Plain]:
    """The alerts on ROC AUC that the events cause, arriving in this order (store configurations first)."""
    found = []
    for number, event in enumerate(arrivals):
        before, after = _distinct(arrivals[:number]), _distinct(arrivals[: number + 1])
        if isinstance(event, EvaluationRun):
            previous, current = _current(_key(event), before), _current(_key(event), after)
            compared = previous["roc_auc"][0] if "roc_auc" in previous else _initial(event, before).get("roc_auc")
            if compared is not None and "roc_auc" in current and current["roc_auc"][0] != compared:
                found.append(_alert(event, compared, after))
        elif isinstance(event, ModelBuild):
            current = _current(_key(event), after)
            newest, initial = _newest_build(_key(event), after), _initial(event, after)
            is_news = newest is event and all(event != known for known in before)
            if is_news and {"roc_auc"} <= current.keys() & initial and current["roc_auc"][0] != initial["roc_auc"]:
                found.append(_alert(event, None, after))
    return found


def _distinct(events: Iterable[Event]) -> list[Event]:
    return list({event.event_id: event for event in events}.values())


def _part(text: str) -> str:
    return quote(text, safe="-._~")


def _key(event: Any) -> str:
    return "/".join(map(_part, (event.node_id, event.project_key, event.model_id, event.version_id)))


def _is_about_a_row(event: Event, known: list[Event]) -> bool:
    if isinstance(event, EvaluationRun):
        return _counts(event, known) and bool(event.metrics or event.custom_metrics)
    return True


def _of(key: str, kind: type[Any], known: list[Event]) -> list[Any]:
    return [event for event in known if type(event) is kind and _key(event) == key]


def rounded(alert: Plain) -> Plain:
    """The alert with what is calculated in more than one step to nine figures."""
    figures = {name: alert[name] for name in ("p_value", "standard_error")}
    return alert | {name: None if value is None else float(f"{value:.9g}") for name, value in figures.items()}


# Rule 2


def _store(run: EvaluationRun, known: list[Event]) -> EvaluationStore | None:
    """How the run's store was configured when it ran."""
    before = [
        one
        for one in known
        if isinstance(one, EvaluationStore) and one.store_id == run.store_id and one.effective_at <= run.evaluated_at
    ]
    return max(before, key=lambda one: (one.effective_at, one.recorded_at, one.event_id), default=None)


def _counts(run: EvaluationRun, known: list[Event]) -> bool:
    store = _store(run, known)
    return run.synced in (None, True) and (store is None or store.synced)


def _counted(key: str, known: list[Event]) -> list[EvaluationRun]:
    return [run for run in _of(key, EvaluationRun, known) if _counts(run, known)]


# Rule 4


def _current(key: str, known: list[Event]) -> dict[str, tuple[float, EvaluationRun]]:
    oldest_first = sorted(
        _counted(key, known),
        key=lambda run: (run.evaluated_at, run.evaluation_id, run.store_id, run.recorded_at, run.event_id),
    )
    return {code: (value, run) for run in oldest_first for code, value in run.metrics.items()}


# Rule 5


def _newest_build(key: str, known: list[Event]) -> ModelBuild | None:
    found = _of(key, ModelBuild, known)
    return max(found, key=lambda one: (one.built_at, one.event_id), default=None)


def _initial(event: Any, known: list[Event]) -> dict[str, float]:
    newest = _newest_build(_key(event), known)
    return newest.metrics if newest else {}


def _switches(known: list[Event]) -> list[tuple[int, str, str, str, bool]]:
    """Every activation and deactivation: time, event id, model, version key, on or off."""
    found = []
    for event in known:
        if isinstance(event, ModelBuild) and event.activate:
            found.append((event.built_at, event.event_id, event.model_id, _key(event), True))
        if isinstance(event, LifecycleChange) and event.change in ("ACTIVATED", "DEACTIVATED"):
            on = event.change == "ACTIVATED"
            found.append((event.changed_at, event.event_id, event.model_id, _key(event), on))
    return sorted(found)


def active_versions(events: Iterable[Event]) -> dict[str, str]:
    """The key of the active version of each model that has one."""
    switches = _switches(_distinct(events))
    found = {}
    for _, _, model, key, on in switches:
        if on:
            found[model] = key
    last_word = {key: on for _, _, _, key, on in switches}
    return {model: key for model, key in found.items() if last_word[key]}


# The row


def _row(key: str, event: Any, known: list[Event]) -> Plain:
    newest = _newest_build(key, known)
    current = _current(key, known)
    initial = _initial(event, known)
    both = current.keys() & initial.keys()
    facts = _facts(key, known)
    declared = _declared(key, known)
    runs = {run.event_id: run for _, run in current.values()}
    times = [run.evaluated_at for run in runs.values()] + [fact["changed_at"] for fact in facts]
    times += [one["declared_at"] for one in declared] + ([newest.built_at] if newest else [])
    return {
        "version_key": key,
        "node_id": event.node_id,
        "project_key": event.project_key,
        "model_id": event.model_id,
        "version_id": event.version_id,
        "node_kind": newest.node_kind if newest else "OTHER",
        "prediction_type": newest.prediction_type if newest else "OTHER",
        **{
            name: getattr(newest, name, None)
            for name in ("model_name", "version_name", "algorithm", "built_at", "author", "source_url")
        },
        "build_event_id": newest.event_id if newest else None,
        "labels": newest.labels if newest else {},
        "state": "AWAITING_BUILD" if newest is None else "EVALUATED" if current else "INITIAL",
        "active": active_versions(known).get(event.model_id) == key,
        "archived": any(fact["change"] == "ARCHIVED" for fact in facts),
        "initial": initial,
        "initial_std": newest.metric_std if newest else {},
        "initial_standard_errors": _about(newest.standard_errors, newest.metrics) if newest else {},
        "initial_n_positive": newest.n_positive if newest else None,
        "initial_n_negative": newest.n_negative if newest else None,
        "current": {code: value for code, (value, _) in current.items()},
        "drift": {code: current[code][0] - initial[code] for code in both},
        "sources": sorted(
            (_source(run, [code for code in current if current[code][1] is run], known) for run in runs.values()),
            key=lambda source: str(source["event_id"]),
        ),
        "evaluated_at": max((run.evaluated_at for run in runs.values()), default=None),
        "severity": _judged(*current["roc_auc"], newest, known)["severity"] if "roc_auc" in current else "NONE",
        "custom_metrics": declared,
        "lifecycle": facts,
        "updated_at": max(times),
    }


def _source(run: EvaluationRun, gives: list[str], known: list[Event]) -> Plain:
    store = _store(run, known)
    thresholds = _about(store.thresholds, gives) if store else {}
    return {
        **{name: getattr(run, name) for name in ("store_id", "evaluation_id", "evaluated_at", "recorded_at")},
        **{name: getattr(run, name) for name in ("event_id", "n_rows", "n_positive", "n_negative")},
        "metrics": sorted(gives),
        "standard_errors": _about(run.standard_errors, gives),
        "thresholds": {code: bounds.to_record() for code, bounds in thresholds.items()},
    }


def _about(values: Plain, codes: Iterable[str]) -> Plain:
    return {code: values[code] for code in codes if code in values}


def _facts(key: str, known: list[Event]) -> list[Plain]:
    """The newest change of each fact, sorted by event id."""
    pairs = {"DEACTIVATED": "ACTIVATED", "RESTORED": "ARCHIVED", "UNDEPLOYED": "DEPLOYED"}
    said: list[Plain] = [
        {"change": "ACTIVATED", "infrastructure": None, "stage": None}
        | {"changed_at": one.built_at, "event_id": one.event_id}
        for one in _of(key, ModelBuild, known)
        if one.activate
    ]
    said += [
        {name: getattr(one, name) for name in ("change", "infrastructure", "stage", "changed_at", "event_id")}
        for one in _of(key, LifecycleChange, known)
    ]
    newest: dict[tuple[str, str | None], Plain] = {}
    for fact in sorted(said, key=lambda fact: (fact["changed_at"], fact["event_id"])):
        what = str(fact["change"])
        kind = pairs.get(what, what)
        newest[kind, fact["infrastructure"] if kind == "DEPLOYED" else None] = fact
    return sorted(newest.values(), key=lambda fact: str(fact["event_id"]))


def _declared(key: str, known: list[Event]) -> list[Plain]:
    """The earliest declaration of each custom metric, by a build or a counted evaluation."""
    said = [(one.built_at, one.event_id, one.custom_metrics) for one in _of(key, ModelBuild, known)]
    said += [(run.evaluated_at, run.event_id, run.custom_metrics) for run in _counted(key, known)]
    earliest: dict[str, Plain] = {}
    for at, event_id, metrics in sorted(said, key=lambda one: one[:2]):
        for metric in metrics:
            one = {"code": metric.code, "label": metric.label, "direction": metric.direction}
            earliest.setdefault(metric.code, one | {"declared_at": at, "declared_by": event_id})
    return [earliest[code] for code in sorted(earliest)]


# Rule 7, for ROC AUC


def _judged(current: float, run: EvaluationRun, build: ModelBuild | None, known: list[Event]) -> Plain:
    """What to make of a ROC AUC that a run gave: severity, the threshold that it is beyond, and how sure that is."""
    initial = build.metrics.get("roc_auc") if build else None
    found: Plain = {"p_value": None, "standard_error": None, "standard_error_from": "UNKNOWN", "threshold": None}
    if build is not None and initial is not None:
        errors = _error(initial, build), _error(current, run)
        if None not in errors:
            error = math.hypot(*(each for each, _ in errors if each))  # type: ignore[misc]  # none is None
            found["standard_error"] = error
            found["p_value"] = math.erfc(abs(current - initial) / error / math.sqrt(2))
            found["standard_error_from"] = "COUNTS" if "COUNTS" in {each[1] for each in errors if each} else "SCORES"
    store = _store(run, known)
    bounds = store.thresholds.get("roc_auc") if store else None
    worse_by = None if initial is None else Decimal(str(initial)) - Decimal(str(current))
    severity = "NONE" if not worse_by else "INFO"
    if bounds is not None and bounds.min is not None:
        if current < bounds.min:
            return found | {"severity": "CRITICAL", "threshold": bounds.min}
        if bounds.soft_min is not None and current < bounds.soft_min:
            return found | {"severity": "WARNING", "threshold": bounds.soft_min}
    elif worse_by is not None and (found["p_value"] is None or found["p_value"] <= 0.01):
        if worse_by >= Decimal("0.05"):
            severity = "CRITICAL"
        elif worse_by >= Decimal("0.02"):
            severity = "WARNING"
    return found | {"severity": severity}


def _error(auc: float, event: ModelBuild | EvaluationRun) -> tuple[float, str] | None:
    """The standard error that an event gives of its ROC AUC, else that of Hanley and McNeil by its counts."""
    if "roc_auc" in event.standard_errors:
        return event.standard_errors["roc_auc"], "SCORES"
    m, n = event.n_positive, event.n_negative
    if not m or not n:
        return None
    # Two positives both above one negative, and one positive above both of two negatives (Radiology 143:29, 1982).
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    return math.sqrt((auc * (1 - auc) + (m - 1) * (q1 - auc**2) + (n - 1) * (q2 - auc**2)) / (m * n)), "COUNTS"


def _alert(cause: EvaluationRun | ModelBuild, previous: float | None, known: list[Event]) -> Plain:
    key = _key(cause)
    current, run = _current(key, known)["roc_auc"]
    initial = _initial(cause, known).get("roc_auc")
    drift = None if initial is None else current - initial
    judged = _judged(current, run, _newest_build(key, known), known)
    name = f"{key}/roc_auc/{_part(cause.event_id)}"
    return {
        "alert_id": str(uuid5(uuid5(NAMESPACE_URL, "mooring.v1"), name)),
        "version_key": key,
        **{part: getattr(cause, part) for part in ("node_id", "project_key", "model_id", "version_id", "source_url")},
        "active": active_versions(known).get(cause.model_id) == key,
        "metric": "roc_auc",
        "direction": "HIGHER",
        "initial": initial,
        "previous": previous,
        "current": current,
        "drift": drift,
        "change": None if previous is None else current - previous,
        "degradation": None if drift is None else 0 - drift,
        **judged,
        "severity": "INFO" if judged["severity"] == "NONE" else judged["severity"],
        "evaluation_id": run.evaluation_id,
        "store_id": run.store_id,
        "evaluated_at": run.evaluated_at,
        "caused_by": cause.event_id,
    }
