"""Metrics of machine-learning models: what each one means, and how to calculate it.

`CATALOGUE` has codes, labels, directions, ranges and formulas; `evaluate` calculates all that fit from arrays.
Importing this needs nothing but Python. What calculates is loaded when `evaluate` is called, and needs the extra
`mooring[sklearn]`.
"""

from mooring.metrics.catalogue import CATALOGUE, Direction, MetricSpec, PredictionType, spec_of
from mooring.metrics.custom import MetricFunction, custom_metric
from mooring.metrics.evaluation import CostMatrix, Evaluation, InvalidArrays, evaluate

__all__ = [
    "CATALOGUE",
    "CostMatrix",
    "Direction",
    "Evaluation",
    "InvalidArrays",
    "MetricFunction",
    "MetricSpec",
    "PredictionType",
    "custom_metric",
    "evaluate",
    "spec_of",
]
