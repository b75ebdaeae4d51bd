"""From stores to what the page's components draw: since when they are synced, their bounds in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from web.models import Bounds, ConfigurationItem, StoreItem
from web.pages import display
from web.pages.components import Json

_MOST_IN_A_ROW = 2
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Since when a store is synced, or is not, and who said so; `since`: epoch ms, None: it never was otherwise."""

    synced: bool
    since: int | None = None
    actor: str | None = None


def standing(store: StoreItem, now: int) -> Standing:
    """How the store stands at `now`, epoch ms."""
    past = [one for one in store.configurations if one.effective_at <= now]
    turn: ConfigurationItem | None = None
    for one in past:
        if one.synced != store.synced:
            return Standing(store.synced, turn.effective_at, turn.actor) if turn else Standing(store.synced)
        turn = one
    # A store is synced before anybody says so.
    return Standing(synced=True) if turn is None or store.synced else Standing(False, turn.effective_at, turn.actor)


def row(store: StoreItem, now: int, labels: Labels) -> Json:
    """A store as the list draws it. `labels`: of the metrics."""
    summary = [f"{labels.get(code, code)}: {bounds_in_words(each)}" for code, each in store.thresholds.items()]
    return {
        "id": store.store_key,
        "store": store.store,
        "name": store.name or "",
        "place": f"{store.node} › {store.project}",
        **_standing(store, now),
        "thresholds": summary[:_MOST_IN_A_ROW],
        "further": max(0, len(summary) - _MOST_IN_A_ROW),
        "configured": len(store.configurations),
    }


def details(store: StoreItem, now: int, labels: Labels) -> Json:
    """Everything that the panel shows of a store, and what its form begins with."""
    in_force = next((one for one in store.configurations if one.effective_at <= now), None)
    return {
        "id": store.store_key,
        "store": store.store,
        "name": store.name or "",
        "place": f"{store.node} › {store.project}",
        **_standing(store, now),
        "version": store.configurations[0].event_id if store.configurations else "",
        "by": store.configurations[0].actor if store.configurations else None,
        "thresholds": [
            {
                "code": code,
                "label": labels.get(code, code),
                "words": bounds_in_words(bounds),
                **{name: _written(value) for name, value in _bounds(bounds)},
            }
            for code, bounds in store.thresholds.items()
        ],
        "timeline": [
            {
                "id": one.event_id,
                "at": one.effective_at,
                "recorded": one.recorded_at if abs(one.recorded_at - one.effective_at) >= 60_000 else None,
                "when": "ahead" if one.effective_at > now else ("now" if one is in_force else ""),
                "synced": one.synced,
                "actor": one.actor,
                "changes": list(changes(one, before, labels)),
            }
            for one, before in zip(store.configurations, [*store.configurations[1:], None], strict=False)
        ],
    }


def changes(one: ConfigurationItem, before: ConfigurationItem | None, labels: Labels) -> Iterator[str]:
    """What a configuration changed, in words. `before`: the one in force until then; None: there was none."""
    was_synced, old, name = (before.synced, before.thresholds, before.name) if before else (True, {}, None)
    if one.synced != was_synced:
        yield "Opted in to the sync" if one.synced else "Opted out of the sync"
    if one.name != name:
        yield f"Named {one.name}" if one.name else "Name removed"
    for code in dict.fromkeys([*one.thresholds, *old]):
        label = labels.get(code, code)
        if code not in one.thresholds:
            yield f"{label}: thresholds removed"
        elif one.thresholds[code] != old.get(code):
            yield f"{label}: {bounds_in_words(one.thresholds[code])}"


def bounds_in_words(bounds: Bounds) -> str:
    """When it is critical and when a warning, as in "critical below 0.75, warning below 0.82"."""
    told = [
        f"{severity} {outside}"
        for severity, outside in (
            ("critical", _outside(bounds.min, bounds.max)),
            ("warning", _outside(bounds.soft_min, bounds.soft_max)),
        )
        if outside
    ]
    return ", ".join(told) or "no bounds"


def _outside(low: float | None, high: float | None) -> str:
    told = [f"{word} {_shown(value)}" for word, value in (("below", low), ("above", high)) if value is not None]
    return " or ".join(told)


def _standing(store: StoreItem, now: int) -> Json:
    found = standing(store, now)
    ahead = next((one for one in reversed(store.configurations) if one.effective_at > now), None)
    return {
        "synced": found.synced,
        "status": "Synced" if found.synced else "Opted out",
        "tone": "good" if found.synced else "quiet",
        "since": found.since,
        "actor": found.actor,
        "ahead": None if ahead is None else {"at": ahead.effective_at, "synced": ahead.synced, "actor": ahead.actor},
    }


def _bounds(bounds: Bounds) -> Iterator[tuple[str, float | None]]:
    yield from (("min", bounds.min), ("soft_min", bounds.soft_min), ("soft_max", bounds.soft_max), ("max", bounds.max))


def _written(value: float | None) -> str:
    """As it is typed into a field, and read from there to the same number."""
    return "" if value is None else f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)


def _shown(value: float) -> str:
    return _written(value).replace("-", display.MINUS)
