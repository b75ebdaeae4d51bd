"""From records to the items that are answered."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mooring import evidence
from mooring.events import Change
from mooring.metrics.catalogue import CATALOGUE, Direction, MetricSpec, spec_of
from mooring.metrics.noise import interval
from mooring.outputs import Configuration, DeadLetter, StoreSettings, VersionMetrics
from web.models import (
    DATA_DRIFT,
    AlertItem,
    Bounds,
    Certainty,
    ConfigurationItem,
    DeadLetterDetail,
    DeadLetterItem,
    Deployment,
    LifecycleItem,
    MetricItem,
    Reading,
    StoreItem,
    VersionDetail,
    VersionItem,
)

# Any: a record's plain values are what its schema says.
Plain = Mapping[str, Any]

_SIGNS = {Direction.HIGHER: -1.0, Direction.LOWER: 1.0}


def degradation_sign(spec: MetricSpec) -> float | None:
    """What turns a drift of the metric into a degradation; None where the metric has no direction."""
    return _SIGNS.get(spec.direction)


def version_item(row: VersionMetrics, focus: MetricSpec, trend: Sequence[float] = ()) -> VersionItem:
    return VersionItem(**_version(row, focus, trend))


def version_detail(
    row: VersionMetrics,
    focus: MetricSpec,
    seen: Mapping[str, MetricSpec],
    previous: Mapping[str, float],
    as_of: int | None,
) -> VersionDetail:
    """`seen`: what is known of the metrics, in the order to show them; `previous`: their values before the current."""
    return VersionDetail(
        **_version(row, focus, ()),
        author=row.author,
        source_url=row.source_url,
        labels=row.labels,
        lifecycle=[
            LifecycleItem(
                change=fact.change,
                infrastructure=fact.infrastructure,
                stage=fact.stage,
                changed_at=fact.changed_at,
            )
            for fact in row.lifecycle
        ],
        metrics=_readings(row, seen, previous),
        as_of=as_of,
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
        low=_known(spec.low),
        high=_known(spec.high),
        prediction_types=sorted(spec.prediction_types),
        description=spec.description,
        in_use=in_use,
    )


def store_item(row: StoreSettings, now: int) -> StoreItem:
    """`now`: epoch ms; the configuration in force then is the store's."""
    in_force = next((one for one in reversed(row.configurations) if one.effective_at <= now), None)
    return StoreItem(
        store_key=row.store_key,
        node=row.node_id,
        project=row.project_key,
        store=row.store_id,
        name=in_force.name if in_force else None,
        synced=in_force.synced if in_force else True,
        thresholds=_bounds(in_force) if in_force else {},
        configurations=[_configuration(one) for one in reversed(row.configurations)],
    )


def dead_letter_item(letter: DeadLetter) -> DeadLetterItem:
    return DeadLetterItem(**_letter(letter))


def dead_letter_detail(letter: DeadLetter, plain: Plain | None, as_of: int | None) -> DeadLetterDetail:
    """`plain`: the fields of what it holds; None where they cannot be read."""
    return DeadLetterDetail(
        **_letter(letter),
        headers={name: value.decode(errors="replace") for name, value in letter.headers.items()},
        value_base64=None if letter.value is None else base64.b64encode(letter.value).decode(),
        value=None if plain is None else {name: _json(value) for name, value in plain.items()},
        as_of=as_of,
    )


# Any: of each field's type.
def _version(row: VersionMetrics, focus: MetricSpec, trend: Sequence[float]) -> dict[str, Any]:
    code = focus.code
    drift = _known(row.drift.get(code))
    source = next((each for each in row.sources if code in each.metrics), None)
    now = evidence.current_error(row, code, source)
    noise = evidence.noise_of(drift, evidence.initial_error(row, code), now)
    return {
        "version_key": row.version_key,
        "node": row.node_id,
        "node_kind": row.node_kind,
        "project": row.project_key,
        "model": row.model_id,
        "model_name": row.model_name,
        "version": row.version_id,
        "version_name": row.version_name,
        "algorithm": row.algorithm,
        "prediction_type": row.prediction_type,
        "state": row.state,
        "active": row.active,
        "archived": row.archived,
        "severity": row.severity,
        "built_at": row.built_at,
        "evaluated_at": row.evaluated_at,
        "updated_at": row.updated_at,
        "focus": code,
        "value": _known(row.current.get(code)),
        "initial": _known(row.initial.get(code)),
        "drift": drift,
        "degradation": _degradation(focus, drift),
        "certainty": _certainty(_known(row.current.get(code)), now, focus),
        "p_value": noise.p_value if noise else None,
        "data_drift": _known(row.current.get(DATA_DRIFT)),
        "deployments": [
            Deployment(infrastructure=fact.infrastructure or "", stage=fact.stage, changed_at=fact.changed_at)
            for fact in row.lifecycle
            if fact.change is Change.DEPLOYED
        ],
        "trend": list(trend),
    }


def _readings(row: VersionMetrics, seen: Mapping[str, MetricSpec], previous: Mapping[str, float]) -> list[Reading]:
    source_of = {code: source for source in row.sources for code in source.metrics}
    order = {code: place for place, code in enumerate(seen)}
    codes = sorted({*row.initial, *row.current}, key=lambda code: (order.get(code, len(order)), code))
    readings = []
    for code in codes:
        spec, source = seen.get(code) or spec_of(code), source_of.get(code)
        value, drift, before = _known(row.current.get(code)), _known(row.drift.get(code)), previous.get(code)
        initially, now = evidence.initial_error(row, code), evidence.current_error(row, code, source)
        noise = evidence.noise_of(drift, initially, now)
        readings.append(
            Reading(
                code=code,
                label=spec.label,
                direction=spec.direction,
                custom=code not in CATALOGUE,
                initial=_known(row.initial.get(code)),
                initial_std=_known(row.initial_std.get(code)),
                value=value,
                drift=drift,
                degradation=_degradation(spec, drift),
                previous=before,
                change=None if value is None or before is None else _known(value - before),
                evaluated_at=source.evaluated_at if source else None,
                store=source.store_id if source else None,
                evaluation=source.evaluation_id if source else None,
                initial_certainty=_certainty(row.initial.get(code), initially, spec),
                certainty=_certainty(value, now, spec),
                drift_standard_error=noise.standard_error if noise else None,
                p_value=noise.p_value if noise else None,
            )
        )
    return readings


def _certainty(value: float | None, error: evidence.Error | None, spec: MetricSpec) -> Certainty | None:
    if value is None or error is None:
        return None
    low, high = interval(value, error.value, low=spec.low, high=spec.high)
    return Certainty(standard_error=error.value, standard_error_from=error.source, low=low, high=high)


def _configuration(one: Configuration) -> ConfigurationItem:
    return ConfigurationItem(
        event_id=one.event_id,
        name=one.name,
        synced=one.synced,
        effective_at=one.effective_at,
        recorded_at=one.recorded_at,
        actor=one.actor,
        thresholds=_bounds(one),
    )


def _bounds(one: Configuration) -> dict[str, Bounds]:
    return {
        code: Bounds(min=each.min, soft_min=each.soft_min, soft_max=each.soft_max, max=each.max)
        for code, each in one.thresholds.items()
    }


# Any: of each field's type.
def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "letter_id": letter.letter_id,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": None if letter.key is None else letter.key.decode(errors="replace"),
        "size": None if letter.value is None else len(letter.value),
        "reason": letter.reason,
        "message": letter.message,
        "failed_at": letter.failed_at,
    }


def _json(value: object) -> object:
    """The value as JSON can say it: NaN and infinity, which are what many letters are about, as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_json(each) for each in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _degradation(spec: MetricSpec, drift: float | None) -> float | None:
    sign = degradation_sign(spec)
    # "+ 0.0": no minus zero.
    return None if drift is None or sign is None else drift * sign + 0.0


def _known(value: float | None) -> float | None:
    """JSON has no NaN."""
    return value if value is not None and math.isfinite(value) else None
