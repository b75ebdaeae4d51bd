"""The prediction type that arrays tell by themselves, for who does not say it."""

from __future__ import annotations

from typing import Any

from mooring.errors import DependencyMissing
from mooring.metrics.catalogue import PredictionType
from mooring.metrics.evaluation import InvalidArrays

try:
    import numpy as np

    from mooring.metrics import arrays
    from mooring.metrics.time_series import is_several
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error

_WHOLE = "iu"
_NUMBERS = "biuf"


def prediction_type_of(y_true: Any, y_score: Any) -> PredictionType:  # Any: not checked yet
    """By the rules that `evaluate` states. Raises InvalidArrays where they do not tell, and for no arrays."""
    for argument, values in (("y_true", y_true), ("y_score", y_score)):
        if values is None:
            raise InvalidArrays(argument, "must be given")
    if is_several(y_true):
        return PredictionType.TIME_SERIES
    truth, scores = arrays.column("y_true", y_true), arrays.array("y_score", y_score)
    distinct = set(arrays.labels("y_true", truth))
    if scores.ndim == 2:
        return PredictionType.MULTICLASS
    if distinct <= {0, 1}:
        return PredictionType.BINARY
    if _kind(truth) not in _NUMBERS:
        is_binary = _kind(scores) in _NUMBERS and len(distinct) <= 2
        return PredictionType.BINARY if is_binary else PredictionType.MULTICLASS
    if _kind(truth) in _WHOLE and _kind(scores) in _WHOLE:
        raise InvalidArrays("prediction_type", "must be given: whole numbers could be classes as well as quantities")
    return PredictionType.REGRESSION


def _kind(values: np.ndarray[Any, Any]) -> str:
    """numpy's letter for what the array holds, of objects too where these are numbers alone."""
    if values.dtype.kind == "O":
        # Labels are plain, so this is no ragged list.
        values = np.array(values.tolist())
    return str(values.dtype.kind)
