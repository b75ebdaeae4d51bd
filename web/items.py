"""From the rows of the replica's tables to the items that are answered."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from typing import Any

from mooring.metrics.catalogue import CATALOGUE, Direction, MetricSpec, spec_of
from web.models import AlertItem, EvaluationItem, LifecycleItem, MetricItem, Reading, VersionDetail, VersionItem

# Any: a record's plain values are what its schema says.
Plain = Mapping[str, Any]

_SIGNS = {Direction.HIGHER: -1.0, Direction.LOWER: 1.0}


def degradation_sign(spec: MetricSpec) -> float | None:
    """What turns a drift of the metric into a degradation; None where the metric has no direction."""
    return _SIGNS.get(spec.direction)


def version_item(row: sqlite3.Row, focus: MetricSpec) -> VersionItem:
    values = {name: row[name] for name in VersionItem.model_fields if name not in ("focus", "degradation")}
    return VersionItem(**values, focus=focus.code, degradation=_degradation(focus, row["drift"]))


def version_detail(item: VersionItem, plain: Plain, seen: Mapping[str, MetricSpec], as_of: int | None) -> VersionDetail:
    """`plain`: the version's record; `seen`: what is known of the metrics, in the order to show them."""
    return VersionDetail(
        **dict(item),
        author=plain["author"],
        source_url=plain["source_url"],
        labels=plain["labels"],
        lifecycle=[
            LifecycleItem(**{name: fact[name] for name in LifecycleItem.model_fields}) for fact in plain["lifecycle"]
        ],
        metrics=_readings(plain, seen),
        as_of=as_of,
    )


def evaluation_item(plain: Plain, metric: str | None = None) -> EvaluationItem:
    """`metric`: leave out all others."""
    return EvaluationItem(
        event_id=plain["event_id"],
        evaluation=plain["evaluation_id"],
        store=plain["store_id"],
        evaluated_at=plain["evaluated_at"],
        outcome=plain["outcome"],
        metrics=_finite(plain["metrics"], metric),
        drift=_finite(plain["drift"], metric),
        alert_ids=plain["alert_ids"],
    )


def alert_item(plain: Plain) -> AlertItem:
    renamed = {
        "node": "node_id",
        "project": "project_key",
        "model": "model_id",
        "version": "version_id",
        "evaluation": "evaluation_id",
        "store": "store_id",
    }
    return AlertItem(**{name: plain[renamed.get(name, name)] for name in AlertItem.model_fields})


def metric_item(spec: MetricSpec, *, in_use: bool) -> MetricItem:
    return MetricItem(
        code=spec.code,
        label=spec.label,
        direction=spec.direction,
        custom=spec.code not in CATALOGUE,
        low=_bound(spec.low),
        high=_bound(spec.high),
        prediction_types=sorted(spec.prediction_types),
        description=spec.description,
        in_use=in_use,
    )


def metric_spec(code: str, label: str | None, direction: str) -> MetricSpec:
    """What is known of a metric that some event declared, or only named."""
    shown = label if label and label.strip() else code
    return spec_of(code, MetricSpec(code, shown, Direction(direction)))


def _readings(plain: Plain, seen: Mapping[str, MetricSpec]) -> list[Reading]:
    source_of = {code: source for source in plain["sources"] for code in source["metrics"]}
    order = {code: place for place, code in enumerate(seen)}
    codes = sorted({*plain["initial"], *plain["current"]}, key=lambda code: (order.get(code, len(order)), code))
    initial, std, current, drift = (_finite(plain[name]) for name in ("initial", "initial_std", "current", "drift"))
    readings = []
    for code in codes:
        spec, source = seen.get(code) or spec_of(code), source_of.get(code)
        readings.append(
            Reading(
                code=code,
                label=spec.label,
                direction=spec.direction,
                custom=code not in CATALOGUE,
                initial=initial.get(code),
                initial_std=std.get(code),
                value=current.get(code),
                drift=drift.get(code),
                degradation=_degradation(spec, drift.get(code)),
                evaluated_at=source["evaluated_at"] if source else None,
                store=source["store_id"] if source else None,
                evaluation=source["evaluation_id"] if source else None,
            )
        )
    return readings


def _degradation(spec: MetricSpec, drift: float | None) -> float | None:
    sign = degradation_sign(spec)
    # "+ 0.0": no minus zero.
    return None if drift is None or sign is None else drift * sign + 0.0


def _finite(values: Mapping[str, float], only: str | None = None) -> dict[str, float]:
    """JSON has no NaN."""
    return {code: value for code, value in values.items() if math.isfinite(value) and only in (None, code)}


def _bound(value: float) -> float | None:
    return value if math.isfinite(value) else None
