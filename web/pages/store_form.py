"""From what was typed into the form of a store to the event that configures it, or to what is wrong with it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mooring.documents import completed
from mooring.errors import InvalidEvent
from mooring.events import EvaluationStore, Thresholds
from mooring.keys import StoreKey, check_id

BOUNDS = ("min", "soft_min", "soft_max", "max")

# Any: JSON from the browser, of whatever kind it sent.
Form = Mapping[str, Any]


def configuration(key: StoreKey, form: Form) -> tuple[EvaluationStore | None, dict[str, str]]:
    """The event that configures the store as typed, or None and what is wrong, by field: `actor`, `thresholds.0.min`.

    The form has `synced`, `name`, `actor`, `effective_at` (epoch ms, None for now), and `thresholds`: rows of a
    metric's code and bounds as text.
    """
    faults: dict[str, str] = {}
    thresholds = _thresholds(form.get("thresholds") or (), faults)
    document: dict[str, Any] = {  # Any: a field's value each
        "node_id": key.node_id,
        "project_key": key.project_key,
        "store_id": key.store_id,
        "synced": form.get("synced"),
        "thresholds": thresholds,
    }
    document |= {name: form[name].strip() for name in ("name", "actor") if (form.get(name) or "").strip()}
    if form.get("effective_at") is not None:
        document["effective_at"] = form["effective_at"]
    try:
        event = EvaluationStore(**completed(EvaluationStore, document))
    except InvalidEvent as error:
        faults.setdefault(error.field, _without_field(error))
    return (None, faults) if faults else (event, {})


def _thresholds(rows: Sequence[Form], faults: dict[str, str]) -> dict[str, Thresholds]:
    found: dict[str, Thresholds] = {}
    times = Counter(str(row.get("metric", "")).strip() for row in rows)
    for place, row in enumerate(rows):
        at, code = f"thresholds.{place}", str(row.get("metric", "")).strip()
        if not code:
            faults[f"{at}.metric"] = "Say which metric, or remove the line."
            continue
        if times[code] > 1:
            faults[f"{at}.metric"] = "This metric is there twice."
        try:
            check_id("metric", code)
        except InvalidEvent as error:
            faults[f"{at}.metric"] = _without_field(error)
            continue
        bounds = {name: _bound(str(row.get(name) or ""), f"{at}.{name}", faults) for name in BOUNDS}
        if any(f"{at}.{name}" in faults for name in BOUNDS):
            continue
        if set(bounds.values()) == {None}:
            faults[at] = "Give at least one bound, or remove the line."
            continue
        try:
            found[code] = Thresholds(**bounds)
        except InvalidEvent as error:
            faults[at] = _without_field(error)
    return found


def _bound(text: str, at: str, faults: dict[str, str]) -> float | None:
    written = text.strip().replace("−", "-")
    if not written:
        return None
    try:
        return float(written)
    except ValueError:
        faults[at] = f"{text.strip()!r} is no number."
        return None


def _without_field(error: InvalidEvent) -> str:
    """The message alone: it stands at the field."""
    return str(error).removeprefix(f"{error.field}: ")
