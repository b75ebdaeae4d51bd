"""Metrics of one's own: a function with code, label and direction, calculated and declared with the standard ones.

@custom_metric("profit", label="Profit per coupon", direction="HIGHER")
def profit(y_true, y_score):
    sent = y_score >= 0.5
    return (2.5 * (sent & y_true) - 0.4 * sent).mean()

evaluate(redeemed, scores, custom=[profit])
"""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mooring.metrics.calculation import Undefined
from mooring.metrics.catalogue import CATALOGUE, Direction, MetricSpec


@dataclass(frozen=True, slots=True)
class MetricFunction:
    """A function that calculates a metric, and what the metric is. It can be called as the function that it was."""

    spec: MetricSpec
    function: Callable[..., Any]  # Any: whatever real number the function gives, numpy's among them, or None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def value(self, y_true: Any, y_score: Any, sample_weight: Any = None) -> float:
        """The metric of these rows. Raises Undefined where the function gives none, and what the function raises."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if weights and not _takes_weights(self.function):
            raise Undefined("Its function takes no sample_weight, and weights were given.")
        value = self.function(y_true, y_score, **weights)
        if value is None:
            raise Undefined("Its function gave None for these rows.")
        if not isinstance(value, numbers.Real):
            raise TypeError(f"{self.spec.code} must be a number or None, not {type(value).__name__}")
        if not math.isfinite(value):
            raise Undefined(f"Its function gave {float(value)} for these rows.")
        return float(value)


def custom_metric(
    code: str, *, label: str | None = None, direction: Direction | str = Direction.NONE
) -> Callable[[Callable[..., Any]], MetricFunction]:
    """Decorate a function of two arrays, `y_true` and `y_score` as they are given to `evaluate`, that gives a number.

    Where weights are given, it gets them as `sample_weight`, if it takes an argument of that name; else the metric is
    left out. A function that gives None or no finite number leaves the metric out too; what it raises is raised. For
    CLUSTERING the two are features and clusters. `label` is how people read the code, which is its own unless given.

    Raises ValueError for the code of a standard metric, one that can be none (see MetricSpec), or another direction.
    """
    if code in CATALOGUE:
        raise ValueError(f"code {code!r} is that of a standard metric")
    spec = MetricSpec(code, code if label is None else label, Direction(direction))

    def decorated(function: Callable[..., Any]) -> MetricFunction:
        return MetricFunction(spec, function)

    return decorated


def _takes_weights(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters
    return "sample_weight" in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())
