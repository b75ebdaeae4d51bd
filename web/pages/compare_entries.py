"""From several versions to what the comparison draws: a row each metric, the best value of each marked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from mooring.metrics.catalogue import Direction, MetricSpec, spec_of
from web.models import Reading, VersionDetail
from web.pages import details_entries, display
from web.pages.address import View
from web.pages.components import Json


def columns(keys: Sequence[str], found: Mapping[str, VersionDetail]) -> list[Json]:
    """A column each version, in this order; those that are not known say so."""
    names = names_of([found[key] for key in keys if key in found])
    return [_column(found[key], names[key]) if key in found else {"key": key, "known": False} for key in keys]


def names_of(versions: Sequence[VersionDetail]) -> dict[str, str]:
    """What to call each, by key: its name, with its model's, and more, where that is needed to tell it from another."""
    names = {each.version_key: display.title(each.version_name, each.version) for each in versions}
    models = {(each.node, each.project, each.model) for each in versions}
    if len(models) > 1:
        names = {
            each.version_key: f"{display.title(each.model_name, each.model)} {names[each.version_key]}"
            for each in versions
        }
    given = list(names.values())
    return {key: name if given.count(name) == 1 else f"{name} ({key})" for key, name in names.items()}


def rows(versions: Sequence[VersionDetail], seen: Mapping[str, MetricSpec]) -> list[Json]:
    """A row each metric that one of them has; the standard ones first, as `seen` has them."""
    order = {code: place for place, code in enumerate(seen)}
    codes = {reading.code for version in versions for reading in version.metrics}
    return [
        _row(seen.get(code) or spec_of(code), versions)
        for code in sorted(codes, key=lambda code: (order.get(code, len(order)), code))
    ]


def best(values: Sequence[float | None], direction: Direction) -> set[int]:
    """The places of the best of the values; of none where the metric has no direction, or nothing to choose from."""
    known = [value for value in values if value is not None]
    if direction == Direction.NONE or len(set(known)) < 2:
        return set()
    found = max(known) if direction == Direction.HIGHER else min(known)
    return {place for place, value in enumerate(values) if value == found}


def _column(version: VersionDetail, name: str) -> Json:
    label, tone = display.status(version)
    return {
        "key": version.version_key,
        "known": True,
        "name": name,
        "path": f"{details_entries.path(version)} · {version.node}",
        "href": f"/{View(version=version.version_key).query}",
        "active": version.active,
        "archived": version.archived,
        "status": label,
        "tone": tone,
        "algorithm": version.algorithm or display.MISSING,
        "prediction": details_entries.prediction(version) or display.MISSING,
        "built_at": version.built_at,
        "evaluated_at": version.evaluated_at,
        "deployed": ", ".join(each.infrastructure for each in version.deployments) or display.MISSING,
    }


def _row(spec: MetricSpec, versions: Sequence[VersionDetail]) -> Json:
    readings = [next((each for each in version.metrics if each.code == spec.code), None) for version in versions]
    decimals = display.decimals_for([value for each in readings if each for value in (each.initial, each.value)])
    best_initial = best([each.initial if each else None for each in readings], spec.direction)
    best_value = best([each.value if each else None for each in readings], spec.direction)
    return {
        "code": spec.code,
        "label": spec.label,
        "hint": f"{spec.code}, {display.direction(spec.direction)}",
        "cells": {
            version.version_key: _cell(
                reading, decimals, best_initial=place in best_initial, best_value=place in best_value
            )
            for place, (version, reading) in enumerate(zip(versions, readings, strict=True))
        },
    }


def _cell(reading: Reading | None, decimals: int, *, best_initial: bool, best_value: bool) -> Json:
    drift, degradation = (reading.drift, reading.degradation) if reading else (None, None)
    return {
        "initial": display.number(reading.initial if reading else None, decimals),
        "value": display.number(reading.value if reading else None, decimals),
        "drift": asdict(display.drift(drift, degradation, decimals)),
        "best_initial": best_initial,
        "best": best_value,
    }
