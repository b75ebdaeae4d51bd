"""Regression: the standard metrics of one set of rows, from true targets and predictions.

scikit-learn and SciPy calculate every metric. Importing this module without them raises `DependencyMissing`, which says
how to get them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mooring.errors import DependencyMissing
from mooring.metrics.calculation import Undefined, calculated, known_errors
from mooring.metrics.catalogue import PredictionType
from mooring.metrics.evaluation import Evaluation

try:
    import numpy as np
    from numpy.typing import ArrayLike
    from scipy.stats import pearsonr
    from sklearn import metrics as sk

    from mooring.metrics import arrays
    from mooring.metrics.arrays import Numbers, standard_error_of_mean
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error


def evaluate_regression(y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Evaluation:
    """Calculate the regression metrics of the catalogue for n rows.

    `y_true`, `y_score`
        n finite numbers each: what came about, and what was predicted.
    `sample_weight`
        n finite weights, none negative, not all 0. Without them every row weighs the same.

    A metric that these rows do not define is left out with its reason: MAPE where a target is 0, RMSLE where a target
    or a prediction is negative, and what compares with the target's own spread (explained variance, R2, Pearson) where
    it has none. What weighs nothing does not count.

    Standard errors, where all rows weigh the same: of MAE, MSE and MAPE as means; of RMSE that of MSE / (2 RMSE), by
    the delta method.

    Raises InvalidArrays, naming the argument, for arrays that are empty, differ in length, have another shape, or hold
    missing or infinite values.
    """
    target = arrays.numbers("y_true", y_true)
    prediction = arrays.numbers("y_score", y_score, len(target))
    weight = arrays.weights(sample_weight, len(target))
    counts = slice(None) if weight is None else weight > 0
    rows = _Rows(target[counts], prediction[counts], None if weight is None else weight[counts])

    metrics, left_out = calculated(_CALCULATIONS, rows)
    return Evaluation(
        prediction_type=PredictionType.REGRESSION,
        metrics=metrics,
        left_out=left_out,
        standard_errors=known_errors(metrics, _errors(rows, metrics)),
        n_rows=len(target),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Checked rows that count: target, prediction, and weight or None, each of n."""

    target: Numbers
    prediction: Numbers
    weight: Numbers | None

    def need_spread(self) -> None:
        if np.ptp(self.target) == 0:
            raise Undefined("Every target is the same: there is no spread to compare with.")

    def need_targets_off_zero(self) -> None:
        if not self.target.all():
            raise Undefined("A target is 0, and no error is a share of 0.")


def _evs(rows: _Rows) -> float:
    rows.need_spread()
    return float(sk.explained_variance_score(rows.target, rows.prediction, sample_weight=rows.weight))


def _mape(rows: _Rows) -> float:
    rows.need_targets_off_zero()
    return float(sk.mean_absolute_percentage_error(rows.target, rows.prediction, sample_weight=rows.weight))


def _mae(rows: _Rows) -> float:
    return float(sk.mean_absolute_error(rows.target, rows.prediction, sample_weight=rows.weight))


def _mse(rows: _Rows) -> float:
    return float(sk.mean_squared_error(rows.target, rows.prediction, sample_weight=rows.weight))


def _rmse(rows: _Rows) -> float:
    return math.sqrt(_mse(rows))


def _rmsle(rows: _Rows) -> float:
    for name, values in (("target", rows.target), ("prediction", rows.prediction)):
        if (values < 0).any():
            raise Undefined(f"A {name} is negative ({values.min():g}).")
    return math.sqrt(sk.mean_squared_log_error(rows.target, rows.prediction, sample_weight=rows.weight))


def _r2(rows: _Rows) -> float:
    rows.need_spread()
    return float(sk.r2_score(rows.target, rows.prediction, sample_weight=rows.weight))


def _pearson(rows: _Rows) -> float:
    """Covariance over the product of the standard deviations; SciPy's where all rows weigh the same."""
    rows.need_spread()
    if np.ptp(rows.prediction) == 0:
        raise Undefined("Every prediction is the same: there is no spread to compare with.")
    if rows.weight is None:
        return float(pearsonr(rows.target, rows.prediction).statistic)
    target, prediction = (values - np.average(values, weights=rows.weight) for values in (rows.target, rows.prediction))
    product, squares, other_squares = (
        float(np.average(one * other, weights=rows.weight))
        for one, other in ((target, prediction), (target, target), (prediction, prediction))
    )
    return product / math.sqrt(squares) / math.sqrt(other_squares)


_CALCULATIONS: Mapping[str, Callable[[_Rows], float]] = MappingProxyType(
    {
        "evs": _evs,
        "mape": _mape,
        "mae": _mae,
        "mse": _mse,
        "rmse": _rmse,
        "rmsle": _rmsle,
        "r2": _r2,
        "pearson": _pearson,
    }
)


def _errors(rows: _Rows, metrics: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    if rows.weight is not None:
        return
    error = rows.prediction - rows.target
    yield "mae", standard_error_of_mean(np.abs(error))
    if "mape" in metrics:
        yield "mape", standard_error_of_mean(np.abs(error / rows.target))
    of_mse = standard_error_of_mean(error**2)
    yield "mse", of_mse
    if metrics.get("rmse"):
        yield "rmse", of_mse / (2 * metrics["rmse"])
