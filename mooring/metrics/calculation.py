"""How metrics of checked rows are calculated: each on its own, and one that the rows do not define says why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from mooring.metrics.catalogue import CATALOGUE

R = TypeVar("R")


class Undefined(Exception):
    """These rows do not define the metric; the message is a sentence for people."""


def calculated(
    calculations: Mapping[str, Callable[[R], float]], rows: R
) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """The standard metrics that these rows define, and why they do not define the others."""
    metrics: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for code, calculate in calculations.items():
        try:
            metrics[code] = _in_range(code, calculate(rows))
        except Undefined as reason:
            left_out[code] = str(reason)
    return MappingProxyType(metrics), MappingProxyType(left_out)


def known_errors(metrics: Mapping[str, float], errors: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    """The standard errors, by metric, that say something.

    One of 0 is none: rows that happen to show no variation do not prove that there is none, and with 0 the least
    difference would count as sure.
    """
    return MappingProxyType(
        {code: error for code, error in errors if code in metrics and math.isfinite(error) and error > 0}
    )


def _in_range(code: str, value: float) -> float:
    """The value, moved to the end of the metric's range where sums of weights were rounded a little past it."""
    if not math.isfinite(value):
        raise Undefined("The result is not a finite number.")
    spec = CATALOGUE[code]
    return min(max(value, spec.low), spec.high)
