"""The filters of the registry page, spelled as the API spells them: one address's filters are the other's. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mooring.metrics.catalogue import MetricSpec, PredictionType
from mooring.outputs import Severity, VersionState
from web.pages import display
from web.reads.filters import Interval, VersionFilter

# Any: JSON for the browser.
Json = dict[str, Any]
Pairs = list[tuple[str, str]]

# The end of the year 9999, epoch ms: what comes later no field for a date can hold.
LAST_MS = 253_402_300_799_999
LONGEST_SEARCH = 200
_LONGEST_VALUE = 2_000

SEVERITIES = {
    Severity.CRITICAL.value: "Critical",
    Severity.WARNING.value: "Warning",
    Severity.INFO.value: "Drift",
    Severity.NONE.value: "OK",
}
STATES = {
    VersionState.EVALUATED.value: "Evaluated",
    VersionState.INITIAL.value: "Not evaluated",
    VersionState.AWAITING_BUILD.value: "Awaiting build",
}
PREDICTION_TYPES = {
    PredictionType.BINARY.value: "Binary classification",
    PredictionType.MULTICLASS.value: "Multiclass classification",
    PredictionType.REGRESSION.value: "Regression",
    PredictionType.TIME_SERIES.value: "Time series",
    PredictionType.CLUSTERING.value: "Clustering",
    PredictionType.OTHER.value: "Other",
}
# Filters with few values, all of which are offered: heading and labels.
CHOICES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "severity": ("Severity", SEVERITIES),
    "state": ("State", STATES),
    "prediction_type": ("Prediction type", PREDICTION_TYPES),
}
# Filters whose values are names.
NAMES = {"project": "Project", "node": "Node", "model": "Model", "algorithm": "Algorithm", "label": "Label"}
_FLAGS = {"active": ("Active", "Not active"), "archived": ("Archived", "Not archived")}


@dataclass(frozen=True, slots=True)
class _Filter:
    """How a filter is spelled. `read` raises ValueError with what is wrong."""

    attribute: str
    read: Callable[[str], Any]  # Any: of the attribute's type
    written: Callable[[Any], str] = str
    several: bool = False


def read(pairs: Iterable[tuple[str, str]]) -> tuple[VersionFilter, list[str]]:
    """The filter that names and values spell, and what is wrong with those that are left out of it.

    Names that are none of a filter's, and empty values, are passed over. Of filters with one value the last one counts.
    """
    found: dict[str, Any] = {}  # Any: of each attribute's type
    wrong: list[str] = []
    for name, text in pairs:
        each = _FILTERS.get(name)
        if each is None or not text:
            continue
        try:
            value = each.read(text)
        except ValueError as error:
            wrong.append(f"{name}: {error}")
            continue
        if each.several:
            found[each.attribute] = tuple(dict.fromkeys((*found.get(each.attribute, ()), value)))
        else:
            found[each.attribute] = value
    return VersionFilter(**found), wrong


def spelled(where: VersionFilter) -> Pairs:
    """Names and values that spell the filter: `read` makes the same of them."""
    pairs: Pairs = []
    for name, each in _FILTERS.items():
        value = getattr(where, each.attribute)
        for one in value if each.several else () if value is None else (value,):
            pairs.append((name, each.written(one)))
    return pairs


def added(where: VersionFilter, name: str, text: str) -> VersionFilter:
    """The filter with one value more, or another one; none where the text is empty and the filter has one.

    Raises ValueError with what is wrong with the value, and KeyError where there is no such filter.
    """
    each = _FILTERS[name]
    kept = [pair for pair in spelled(where) if each.several or pair[0] != name]
    if text:
        each.read(text)
    found, _ = read([*kept, (name, text)])
    since, until = found.evaluated_since, found.evaluated_until
    if since is not None and until is not None and since >= until:
        raise ValueError("The end has to be later than the beginning.")
    return found


def without(where: VersionFilter, name: str, text: str) -> VersionFilter:
    """The filter less one value."""
    found, _ = read(pair for pair in spelled(where) if pair != (name, text))
    return found


def within(where: VersionFilter, name: str, metric: str, low: str, high: str) -> VersionFilter:
    """The filter with a range as typed for a metric's `value` or `drift`, in place of the one that it had; none where
    both bounds are empty.

    Raises ValueError with what is wrong, and KeyError where `name` is neither.
    """
    attribute = {"value": "values", "drift": "drifts"}[name]
    kept = [pair for pair in spelled(where) if pair[0] != name]
    others = [each for each in getattr(where, attribute) if each.metric != metric]
    low, high = _number(low), _number(high)
    typed = [_interval(f"{metric}:{low}..{high}")] if low or high else []
    found, _ = read([*kept, *((name, str(each)) for each in (*others, *typed))])
    return found


def bounds(where: VersionFilter, name: str, metric: str) -> tuple[str, str]:
    """The range of a metric's `value` or `drift` as two fields show it."""
    intervals: tuple[Interval, ...] = {"value": where.values, "drift": where.drifts}[name]
    for each in intervals:
        if each.metric == metric:
            low, _, high = str(each).rpartition(":")[2].partition("..")
            return low, high
    return "", ""


def chips(where: VersionFilter, metrics: Mapping[str, MetricSpec]) -> list[Json]:
    """Each value that narrows the list, in words: with what takes it away. `metrics`: what is known of those named."""
    found = []
    for name, text in spelled(where):
        chip: Json = {"name": name, "value": text, "label": "", "text": text}
        if name in NAMES:
            chip["label"] = NAMES[name]
        elif name in CHOICES:
            label, labels = CHOICES[name]
            chip |= {"label": label, "text": labels[text]}
        elif name in _FLAGS:
            chip["text"] = _FLAGS[name][text == "false"]
        elif name == "q":
            chip |= {"label": "Search", "text": f"“{text}”"}
        elif name in ("from", "to"):
            chip |= {"label": "Evaluated from" if name == "from" else "Evaluated before", "at": int(text)}
        else:
            chip |= {"label": _range_of(name, text, metrics), "text": _range_text(text)}
        found.append(chip)
    return found


def _range_of(name: str, text: str, metrics: Mapping[str, MetricSpec]) -> str:
    code = Interval.parse(text).metric
    label = metrics[code].label if code in metrics else code
    return label if name == "value" else f"{label} drift"


def _range_text(text: str) -> str:
    low, _, high = text.rpartition(":")[2].replace("-", display.MINUS).partition("..")
    if low and high:
        return f"{low} to {high}"
    return f"{low} or more" if low else f"{high} or less"


def _choice(known: Iterable[str]) -> Callable[[str], str]:
    values = tuple(known)

    def read_choice(text: str) -> str:
        if text not in values:
            raise ValueError(f"There is no {text[:80]!r}; known are {', '.join(values)}.")
        return text

    return read_choice


def _name(text: str) -> str:
    if len(text) > _LONGEST_VALUE:
        raise ValueError(f"This is longer than any name: {len(text)} characters.")
    return _sendable(text)


def _search(text: str) -> str:
    if len(text) > LONGEST_SEARCH:
        raise ValueError(f"Search for at most {LONGEST_SEARCH} characters.")
    return _sendable(text)


def _sendable(text: str) -> str:
    """The text as UTF-8 can say it: half of a surrogate pair, which a browser can send, is replaced."""
    return text.encode(errors="replace").decode()


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text[:80]!r} is neither true nor false.")
    return text == "true"


def _time(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LAST_MS):
        raise ValueError(f"{text[:80]!r} is no time in milliseconds since 1970.")
    return int(text)


def _interval(text: str) -> Interval:
    found = Interval.parse(text)
    if found.low is None and found.high is None:
        raise ValueError(f"{text!r} has no bound.")
    if found.low is not None and found.high is not None and found.low > found.high:
        raise ValueError(f"The least value, {found.low:g}, is greater than the greatest, {found.high:g}.")
    _name(found.metric)
    # As it is written: with as many digits as the address keeps.
    return Interval.parse(str(found))


def _number(typed: str) -> str:
    """A bound as typed, with the signs that people and this page write. Raises ValueError where it is no number."""
    text = typed.strip().replace(display.MINUS, "-")
    try:
        finite = not text or math.isfinite(float(text))
    except ValueError:
        finite = False
    if not finite:
        raise ValueError(f"{typed.strip()[:40]!r} is no number; write one like 0.75.")
    return text


_FILTERS: Mapping[str, _Filter] = {
    "q": _Filter("q", _search),
    "project": _Filter("project", _name, several=True),
    "node": _Filter("node", _name, several=True),
    "model": _Filter("model", _name, several=True),
    "active": _Filter("active", _flag, lambda flag: str(flag).lower()),
    "severity": _Filter("severity", _choice(SEVERITIES), several=True),
    "state": _Filter("state", _choice(STATES), several=True),
    "algorithm": _Filter("algorithm", _name, several=True),
    "prediction_type": _Filter("prediction_type", _choice(PREDICTION_TYPES), several=True),
    "label": _Filter("label", _name, several=True),
    "value": _Filter("values", _interval, several=True),
    "drift": _Filter("drifts", _interval, several=True),
    "from": _Filter("evaluated_since", _time),
    "to": _Filter("evaluated_until", _time),
    "archived": _Filter("archived", _flag, lambda flag: str(flag).lower()),
}
