"""From series, thresholds and alerts to what the chart draws, with a text that says the same. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mooring.metrics.catalogue import MetricSpec
from web.items import degradation_sign
from web.models import AlertItem, Bounds
from web.pages import display
from web.pages.components import Json
from web.reads.series import Series

_STEPS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A metric of one version over time."""

    name: str
    series: Series
    initial: float | None


class Axis(NamedTuple):
    """From where to where a chart's values reach, and the distance of its marks."""

    low: float
    high: float
    step: float


def chart(
    key: str,
    metric: MetricSpec,
    lines: Sequence[Line],
    *,
    thresholds: Mapping[str, Bounds] | None = None,
    alerts: Sequence[AlertItem] = (),
) -> Json:
    """What the chart of one metric shows, a line each version.

    `key`: what it is about; while that stays, the reader's zoom does. `thresholds`: by store; those of the first one
    are drawn. Alerts about other metrics are left out.
    """
    values = [point.value for line in lines for point in line.series.points]
    initial = lines[0].initial if len(lines) == 1 else None
    bounds = next(iter((thresholds or {}).values()), None)
    about = [alert for alert in alerts if alert.metric == metric.code]
    measured = [*values, *(alert.current for alert in about), *([] if initial is None else [initial])]
    decimals = display.decimals_for(measured)
    stores = sorted({point.store for line in lines for point in line.series.points})
    place = {store: number for number, store in enumerate(stores)}
    reach = axis(measured, _limits(bounds), metric.low, metric.high)
    return {
        "key": f"{key} {metric.code}",
        "label": metric.label,
        "decimals": decimals,
        "axis": {"low": reach.low, "high": reach.high, "step": reach.step, "decimals": _decimals_of(reach.step)},
        "stores": stores,
        "lines": [
            {
                "name": line.name,
                "points": [[point.at, point.value, place[point.store]] for point in line.series.points],
                "initial": line.initial,
            }
            for line in lines
        ],
        "initial": None if initial is None else {"value": initial, "text": display.number(initial, decimals)},
        "bands": list(bands(bounds)),
        "marks": [_mark(alert) for alert in reversed(about)],
        "thinned": any(line.series.total > len(line.series.points) for line in lines),
        "summary": summary(metric, lines, thresholds or {}, len(about)),
    }


def axis(
    values: Iterable[float], limits: Iterable[float] = (), least: float = -math.inf, greatest: float = math.inf
) -> Axis:
    """An axis with round marks that has room for all values, and for those limits that are not far from them.

    It does not reach past `least` and `greatest`, which no value can pass.
    """
    known = list(values)
    low, high = min(known, default=0.0), max(known, default=1.0)
    span = (high - low) or abs(high) * 0.1 or 1.0
    near = [limit for limit in limits if low - span <= limit <= high + span]
    low, high = min([low, *near]), max([high, *near])
    margin = (high - low) * 0.08 or span / 2
    step = _round_step((high - low + 2 * margin) / _STEPS)
    # Multiples of the step, written without the noise of binary fractions.
    first, last = math.floor((low - margin) / step), math.ceil((high + margin) / step)
    if low >= 0:
        first = max(first, 0)
    places = _decimals_of(step)
    return Axis(max(least, round(first * step, places)), min(greatest, round(last * step, places)), step)


def bands(bounds: Bounds | None) -> Iterator[Json]:
    """Where values are a warning, and where they are critical; a bound that is null is open."""
    if bounds is None:
        return
    if bounds.min is not None:
        yield {"tone": "bad", "word": "critical", "low": None, "high": bounds.min}
    if bounds.soft_min is not None:
        yield {"tone": "warn", "word": "warning", "low": bounds.min, "high": bounds.soft_min}
    if bounds.soft_max is not None:
        yield {"tone": "warn", "word": "warning", "low": bounds.soft_max, "high": bounds.max}
    if bounds.max is not None:
        yield {"tone": "bad", "word": "critical", "low": bounds.max, "high": None}


def summary(metric: MetricSpec, lines: Sequence[Line], thresholds: Mapping[str, Bounds], alerts: int) -> str:
    """What the chart shows, in words."""
    told = [_told(metric, line, named=len(lines) > 1) for line in lines]
    said = {store: _words(bounds) for store, bounds in thresholds.items()}
    told += [f"Thresholds of store {store}: {words}." for store, words in said.items() if words]
    if alerts:
        told.append(f"{alerts} drift alert{'' if alerts == 1 else 's'}.")
    if (shown := sum(len(line.series.points) for line in lines)) < (total := sum(line.series.total for line in lines)):
        told.append(f"{shown:,} of {total:,} values are drawn, the least and greatest of each stretch among them.")
    return " ".join(told)


def _told(metric: MetricSpec, line: Line, *, named: bool) -> str:
    who = f"{line.name}: " if named else ""
    values = [point.value for point in line.series.points]
    decimals = display.decimals_for([*values, line.initial])
    if not values:
        known = "" if line.initial is None else f" Its initial value is {display.number(line.initial, decimals)}."
        return f"{who}No evaluation with {metric.label} has counted yet.{known}"
    count = line.series.total
    least, greatest, newest = (display.number(each, decimals) for each in (min(values), max(values), values[-1]))
    text = (
        f"{who}{metric.label} is {newest} after 1 evaluation"
        if count == 1
        else f"{who}{metric.label} lay between {least} and {greatest} in {count:,} evaluations and is {newest} now"
    )
    if line.initial is not None:
        drift = values[-1] - line.initial
        sign = degradation_sign(metric)
        moved = display.drift(drift, None if sign is None else drift * sign, decimals)
        word = f", {moved.word}" if moved.word else ""
        text += f", {moved.text} from its initial {display.number(line.initial, decimals)}{word}"
    return f"{text}."


def _words(bounds: Bounds) -> str:
    """The thresholds as a clause."""
    said = (
        ("critical below", bounds.min),
        ("warning below", bounds.soft_min),
        ("warning above", bounds.soft_max),
        ("critical above", bounds.max),
    )
    return ", ".join(f"{word} {bound:.6g}" for word, bound in said if bound is not None)


def _limits(bounds: Bounds | None) -> list[float]:
    known = () if bounds is None else (bounds.min, bounds.soft_min, bounds.soft_max, bounds.max)
    return [bound for bound in known if bound is not None]


def _mark(alert: AlertItem) -> Json:
    label, tone = display.severity(alert)
    return {
        "id": alert.alert_id,
        "at": alert.evaluated_at,
        "value": alert.current,
        "severity": label,
        "tone": tone,
        "text": alert.reason,
    }


def _round_step(least: float) -> float:
    """The next of 1, 2, 2.5, 5, 10, 20 …"""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


def _decimals_of(step: float) -> int:
    """How many decimals show every multiple of a step."""
    places = max(0, -math.floor(math.log10(step)))
    return places if math.isclose(round(step, places), step) else places + 1
