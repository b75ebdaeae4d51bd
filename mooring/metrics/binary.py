"""Binary classification: the standard metrics of one set of rows, from true labels and scores.

scikit-learn calculates every metric that it has; what it lacks (cost matrix gain, calibration loss, lift) is below,
each with its definition. Importing this module without scikit-learn raises ``DependencyMissing``, which says how to
get it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from mooring.errors import DependencyMissing, MooringError
from mooring.metrics.catalogue import CATALOGUE

try:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from sklearn import metrics as sk
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error

LIFT_SHARE = 0.4
"""The share of the rows, best scores first, among which ``lift`` looks for positives."""

CALIBRATION_BINS = 10
"""How many bins of equal width the calibration curve has between the scores 0 and 1."""


class InvalidArrays(MooringError, ValueError):
    """An argument from which no metric can be calculated. ``argument`` is its name, ``problem`` what is wrong."""

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument} {problem}")
        self.argument = argument
        self.problem = problem


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """What one row gains (positive) or costs (negative), by true and predicted class. In any unit, all finite.

    The defaults are those seen in the settings of Dataiku's evaluation recipes: a true positive 1, a false positive
    -0.3, the rest 0. No page of its documentation that states them was found. Set your own where the number matters.

    Raises ``InvalidArrays`` naming ``cost_matrix`` for a weight that is not finite.
    """

    true_positive: float = 1.0
    false_positive: float = -0.3
    false_negative: float = 0.0
    true_negative: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            weight = getattr(self, field.name)
            if not math.isfinite(weight):
                raise InvalidArrays("cost_matrix", f"needs finite weights, but {field.name} is {weight}")


@dataclass(frozen=True, slots=True)
class BinaryEvaluation:
    """The metrics of one set of rows.

    ``metrics`` has a value for each metric that is defined on these rows, and ``left_out`` a sentence for each that is
    not; every binary metric with a calculation is in one of the two. The counts are of rows, whatever their weights.
    """

    metrics: Mapping[str, float]
    left_out: Mapping[str, str]
    n_rows: int
    n_positive: int
    n_negative: int


def evaluate_binary(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    positive: object = None,
    threshold: float = 0.5,
    sample_weight: ArrayLike | None = None,
    cost_matrix: CostMatrix | None = None,
) -> BinaryEvaluation:
    """Calculate the binary metrics of the catalogue for n rows.

    ``y_true``
        n labels: 0 and 1, or booleans; or any two labels, of which ``positive`` is the positive one.
    ``y_score``
        n finite numbers, higher for rows that look positive. ``log_loss`` and ``calibration_loss`` need probabilities
        and are left out if a score is outside 0 to 1.
    ``threshold``
        A row is predicted positive if its score is equal to it or above.
    ``sample_weight``
        n finite weights, none negative, not all 0. Without them every row weighs the same.
    ``cost_matrix``
        What rows gain, for ``cost_matrix_gain``; see ``CostMatrix`` for the default.

    A metric that these rows do not define is left out with its reason rather than set to 0 or 1 by convention: 0 would
    look like a fall in quality where there is only a lack of data.

    Raises ``InvalidArrays``, naming the argument, for arrays that are empty, differ in length, have another shape, or
    hold missing or infinite values, for labels that are not binary, and for a threshold that is not finite.
    """
    positives = _positives(y_true, positive)
    scores = _numbers("y_score", y_score, len(positives))
    weights = None if sample_weight is None else _weights(sample_weight, len(positives))
    if not math.isfinite(threshold):
        raise InvalidArrays("threshold", f"must be a finite number, not {threshold}")
    rows = _Rows(positives, scores, weights, threshold, CostMatrix() if cost_matrix is None else cost_matrix)

    metrics: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for code, calculate in _CALCULATIONS.items():
        try:
            metrics[code] = _in_range(code, calculate(rows))
        except _Undefined as reason:
            left_out[code] = str(reason)
    n_positive = int(positives.sum())
    return BinaryEvaluation(
        metrics=MappingProxyType(metrics),
        left_out=MappingProxyType(left_out),
        n_rows=len(positives),
        n_positive=n_positive,
        n_negative=len(positives) - n_positive,
    )


class _Undefined(Exception):
    """These rows do not define the metric; the message is a sentence for people."""


class _Rows:
    """Checked rows: booleans ``positive`` and ``predicted``, floats ``score``, and ``weight`` or None, each of n."""

    def __init__(
        self,
        positive: NDArray[np.bool_],
        score: NDArray[np.float64],
        weight: NDArray[np.float64] | None,
        threshold: float,
        cost_matrix: CostMatrix,
    ) -> None:
        self.positive = positive
        self.score = score
        self.weight = weight
        self.threshold = threshold
        self.cost_matrix = cost_matrix
        self.predicted: NDArray[np.bool_] = score >= threshold
        # A class whose rows all weigh nothing is as good as absent.
        counted = np.ones(len(score)) if weight is None else weight
        self.has_positives = bool(counted[positive].sum() > 0)
        self.has_negatives = bool(counted[~positive].sum() > 0)
        self.has_predicted = bool(counted[self.predicted].sum() > 0)

    def need_positives(self) -> None:
        if not self.has_positives:
            raise _Undefined("No row is positive.")

    def need_both_classes(self) -> None:
        self.need_positives()
        if not self.has_negatives:
            raise _Undefined("Every row is positive: there is no negative one to compare with.")

    def need_probabilities(self) -> None:
        outside = (self.score < 0) | (self.score > 1)
        if outside.any():
            raise _Undefined(f"A score is outside 0 to 1 ({self.score[outside][0]:g}), so scores are no probabilities.")


def _roc_auc(rows: _Rows) -> float:
    rows.need_both_classes()
    return float(sk.roc_auc_score(rows.positive, rows.score, sample_weight=rows.weight))


def _accuracy(rows: _Rows) -> float:
    return float(sk.accuracy_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _precision(rows: _Rows) -> float:
    if not rows.has_predicted:
        raise _Undefined(f"No row is predicted positive at the threshold {rows.threshold:g}.")
    return float(sk.precision_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _recall(rows: _Rows) -> float:
    rows.need_positives()
    return float(sk.recall_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _f1(rows: _Rows) -> float:
    if not (rows.has_positives or rows.has_predicted):
        raise _Undefined(f"No row is positive, and none is predicted positive at the threshold {rows.threshold:g}.")
    return float(sk.f1_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _log_loss(rows: _Rows) -> float:
    """With natural logarithms. scikit-learn moves scores of exactly 0 and 1 inwards by 2.2e-16, so it stays finite."""
    rows.need_probabilities()
    return float(sk.log_loss(rows.positive, rows.score, sample_weight=rows.weight, labels=[False, True]))


def _average_precision(rows: _Rows) -> float:
    rows.need_positives()
    return float(sk.average_precision_score(rows.positive, rows.score, sample_weight=rows.weight))


def _cost_matrix_gain(rows: _Rows) -> float:
    """Mean gain of a row: (TP gain_TP + FP gain_FP + FN gain_FN + TN gain_TN) / n, with weights where given.

    Whether Dataiku's metric is the total or the mean is not stated where its documentation was read. Here it is the
    mean: a total grows with the number of rows and could not be compared between a test set and a week's batch.
    """
    gains = rows.cost_matrix
    gain = np.where(
        rows.positive,
        np.where(rows.predicted, gains.true_positive, gains.false_negative),
        np.where(rows.predicted, gains.false_positive, gains.true_negative),
    )
    return float(np.average(gain, weights=rows.weight))


def _calibration_loss(rows: _Rows) -> float:
    """Expected calibration error: sum over the bins of (rows in it / n) |share of positives - mean score|.

    That is the mean distance between the calibration curve and the diagonal, each bin counting by its rows: Naeini,
    Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (AAAI 2015). Bins as in
    scikit-learn's ``calibration_curve`` with ``strategy="uniform"``. Dataiku's metric of this name may bin and weigh
    otherwise: no definition was found in its documentation.
    """
    rows.need_probabilities()
    weight = np.ones(len(rows.score)) if rows.weight is None else rows.weight
    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)
    bin_of = np.searchsorted(edges[1:-1], rows.score)
    surplus = np.bincount(bin_of, weights=weight * (rows.positive - rows.score), minlength=CALIBRATION_BINS)
    return float(np.abs(surplus).sum() / weight.sum())


def _lift(rows: _Rows) -> float:
    """Share of the positives found in the best-scored ``LIFT_SHARE`` of the rows, divided by ``LIFT_SHARE``.

    That is the height of the cumulative gains curve, relative to guessing, so it is 1 for guessing and at most
    1 / ``LIFT_SHARE``. Rows with the same score share their positives evenly, so the order of the rows does not matter.
    Dataiku too compares the positives found in a given share of the test set with a random model's, and 0.4 is the
    share seen in the settings of its recipes; whether it means the ratio or the difference is not stated.
    """
    rows.need_positives()
    if not rows.has_negatives:
        return 1.0
    false_rate, true_rate, _ = sk.roc_curve(rows.positive, rows.score, sample_weight=rows.weight)
    base_rate = np.average(rows.positive, weights=rows.weight)
    share_of_rows = true_rate * base_rate + false_rate * (1 - base_rate)
    return float(np.interp(LIFT_SHARE, share_of_rows, true_rate) / LIFT_SHARE)


_CALCULATIONS: Mapping[str, Callable[[_Rows], float]] = MappingProxyType(
    {
        "roc_auc": _roc_auc,
        "accuracy": _accuracy,
        "precision": _precision,
        "recall": _recall,
        "f1": _f1,
        "log_loss": _log_loss,
        "average_precision": _average_precision,
        "cost_matrix_gain": _cost_matrix_gain,
        "calibration_loss": _calibration_loss,
        "lift": _lift,
    }
)


def _in_range(code: str, value: float) -> float:
    """The value, moved to the end of the metric's range where sums of weights were rounded a little past it."""
    if not math.isfinite(value):
        raise _Undefined("The result is not a finite number.")
    spec = CATALOGUE[code]
    return min(max(value, spec.low), spec.high)


def _positives(y_true: ArrayLike, positive: object) -> NDArray[np.bool_]:
    labels = _column("y_true", y_true)
    try:
        distinct = set(labels.tolist())
    except TypeError:
        raise InvalidArrays("y_true", "must hold plain labels: numbers, text or booleans") from None
    if any(_is_missing(label) for label in distinct):
        raise InvalidArrays("y_true", "holds missing values")
    if positive is None:
        if not distinct <= {0, 1}:
            raise InvalidArrays(
                "y_true",
                f"must hold 0 and 1 or booleans, but holds {_some(distinct)}; name the positive label with positive=",
            )
        return labels.astype(bool)
    if len(distinct) > 2:
        raise InvalidArrays("y_true", f"is not binary: it holds {len(distinct)} labels: {_some(distinct)}")
    # One label that is not the positive one can be the negative one; two cannot.
    if len(distinct) == 2 and positive not in distinct:
        raise InvalidArrays("positive", f"is {positive!r}, but y_true holds {_some(distinct)}")
    return np.fromiter((label == positive for label in labels.tolist()), dtype=bool, count=len(labels))


def _numbers(argument: str, values: ArrayLike, n_rows: int) -> NDArray[np.float64]:
    given = _column(argument, values)
    if len(given) != n_rows:
        raise InvalidArrays(argument, f"has {len(given)} values, but y_true has {n_rows}")
    if given.dtype.kind not in "biufO":  # booleans, integers, floats, objects: text that looks like numbers is not
        raise InvalidArrays(argument, "must hold numbers")
    try:
        numbers = given.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidArrays(argument, "must hold numbers") from None
    if not np.isfinite(numbers).all():
        raise InvalidArrays(argument, "holds missing or infinite values")
    return numbers


def _weights(sample_weight: ArrayLike, n_rows: int) -> NDArray[np.float64]:
    weights = _numbers("sample_weight", sample_weight, n_rows)
    if (weights < 0).any():
        raise InvalidArrays("sample_weight", "holds negative values")
    if not weights.any():
        raise InvalidArrays("sample_weight", "is 0 for every row")
    return weights


def _column(argument: str, values: ArrayLike) -> NDArray[Any]:  # Any: of whatever type the caller has
    try:
        column = np.asarray(values)
    except ValueError:
        raise InvalidArrays(argument, "must have one dimension, but its rows differ in length") from None
    if column.ndim == 2 and argument == "y_score":
        raise InvalidArrays(argument, "has two dimensions: pass the column of the positive class only")
    if column.ndim != 1:
        raise InvalidArrays(argument, f"must have one dimension, not {column.ndim}")
    if len(column) == 0:
        raise InvalidArrays(argument, "is empty")
    return column


def _is_missing(label: object) -> bool:
    """NaN, NaT and the like are not equal to themselves, or refuse to say."""
    try:
        return label is None or not bool(label == label)
    except TypeError:
        return True


def _some(labels: set[object]) -> str:
    shown = sorted(map(repr, labels))
    return ", ".join(shown[:4]) + (", …" if len(shown) > 4 else "")
