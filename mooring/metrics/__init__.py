"""Metrics of machine-learning models: what each one means, and how to calculate it.

``mooring.metrics.catalogue`` knows codes, labels, directions and ranges, and needs nothing but Python. The modules that
calculate (``mooring.metrics.binary``) need the extra ``mooring[sklearn]`` and are imported by name.
"""

from mooring.metrics.catalogue import CATALOGUE, Direction, MetricSpec, PredictionType, spec_of

__all__ = ["CATALOGUE", "Direction", "MetricSpec", "PredictionType", "spec_of"]
