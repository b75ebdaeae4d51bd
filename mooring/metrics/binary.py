"""Binary classification: the standard metrics of one set of rows, from true labels and scores.

scikit-learn calculates every metric that it has; what it lacks (cost matrix gain, calibration loss, lift) is below,
each with its definition. Importing this module without scikit-learn raises `DependencyMissing`, which says how to
get it.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from mooring.errors import DependencyMissing
from mooring.metrics.calculation import Undefined, calculated, known_errors
from mooring.metrics.catalogue import PredictionType
from mooring.metrics.evaluation import CostMatrix, Evaluation, InvalidArrays
from mooring.metrics.noise import binomial

try:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from sklearn import metrics as sk

    from mooring.metrics import arrays, delong
    from mooring.metrics.arrays import Numbers, standard_error_of_log_loss, standard_error_of_mean
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error

LIFT_SHARE = 0.4
"""The share of the rows, best scores first, among which `lift` looks for positives."""

CALIBRATION_BINS = 10
"""How many bins of equal width the calibration curve has between the scores 0 and 1."""

Optimizable = Literal["accuracy", "f1", "cost_matrix_gain"]


def evaluate_binary(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    positive: object = None,
    threshold: float | Literal["optimal"] = 0.5,
    optimize: Optimizable = "f1",
    sample_weight: ArrayLike | None = None,
    cost_matrix: CostMatrix | None = None,
) -> Evaluation:
    """Calculate the binary metrics of the catalogue for n rows.

    `y_true`
        n labels: 0 and 1, or booleans; or any two labels, of which `positive` is the positive one.
    `y_score`
        n finite numbers, higher for rows that look positive. `log_loss` and `calibration_loss` need probabilities
        and are left out if a score is outside 0 to 1.
    `threshold`
        A row is predicted positive if its score is equal to it or above. "optimal" takes the one at which the metric
        `optimize` ("f1", "accuracy" or "cost_matrix_gain") is best on these rows, of several the highest, as
        Dataiku's threshold optimization does with the metric chosen there. The evaluation says which it was; give that
        to later evaluations of the same model, since what is best on the rows that chose it looks better than it is.
    `sample_weight`
        n finite weights, none negative, not all 0. Without them every row weighs the same.
    `cost_matrix`
        What rows gain, for `cost_matrix_gain`; see `CostMatrix` for the default.

    A metric that these rows do not define is left out with its reason rather than set to 0 or 1 by convention: 0 would
    look like a fall in quality where there is only a lack of data.

    Standard errors, where all rows weigh the same: of ROC AUC by DeLong; of accuracy, precision and recall as shares of
    rows; of log loss and cost matrix gain as means. Not of what depends on a threshold that these rows chose.

    Raises InvalidArrays, naming the argument, for arrays that are empty, differ in length, have another shape, or
    hold missing or infinite values, for labels that are not binary, for a threshold that is not finite and for a metric
    that no threshold can be optimal for.
    """
    positives = _positives(y_true, positive)
    scores = _scores(y_score, len(positives))
    weights = arrays.weights(sample_weight, len(positives))
    if cost_matrix is not None and not isinstance(cost_matrix, CostMatrix):
        raise InvalidArrays("cost_matrix", "must be a CostMatrix where there are two classes")
    gains = CostMatrix() if cost_matrix is None else cost_matrix
    if optimize not in _GAINS:
        raise InvalidArrays("optimize", f"is {optimize!r}; a threshold can be optimal for {', '.join(_GAINS)}")
    if threshold == "optimal":
        used = _optimal_threshold(positives, scores, weights, _GAINS[optimize], gains)
    else:
        used = _checked(threshold)
    rows = _Rows(positives, scores, weights, used, gains)

    metrics, left_out = calculated(_CALCULATIONS, rows)
    n_positive = int(positives.sum())
    return Evaluation(
        prediction_type=PredictionType.BINARY,
        metrics=metrics,
        left_out=left_out,
        standard_errors=known_errors(metrics, _errors(rows, metrics, is_given=threshold != "optimal")),
        n_rows=len(positives),
        n_positive=n_positive,
        n_negative=len(positives) - n_positive,
        threshold=rows.threshold,
    )


class _Rows:
    """Checked rows: booleans `positive` and `predicted`, floats `score`, and `weight` or None, each of n."""

    def __init__(
        self,
        positive: NDArray[np.bool_],
        score: Numbers,
        weight: Numbers | None,
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
            raise Undefined("No row is positive.")

    def need_both_classes(self) -> None:
        self.need_positives()
        if not self.has_negatives:
            raise Undefined("Every row is positive: there is no negative one to compare with.")

    def gain(self) -> Numbers:
        """What each row gains."""
        gains = self.cost_matrix
        return np.where(
            self.positive,
            np.where(self.predicted, gains.true_positive, gains.false_negative),
            np.where(self.predicted, gains.false_positive, gains.true_negative),
        )


def _roc_auc(rows: _Rows) -> float:
    rows.need_both_classes()
    return float(sk.roc_auc_score(rows.positive, rows.score, sample_weight=rows.weight))


def _accuracy(rows: _Rows) -> float:
    return float(sk.accuracy_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _precision(rows: _Rows) -> float:
    if not rows.has_predicted:
        raise Undefined(f"No row is predicted positive at the threshold {rows.threshold:g}.")
    return float(sk.precision_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _recall(rows: _Rows) -> float:
    rows.need_positives()
    return float(sk.recall_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _f1(rows: _Rows) -> float:
    if not (rows.has_positives or rows.has_predicted):
        raise Undefined(f"No row is positive, and none is predicted positive at the threshold {rows.threshold:g}.")
    return float(sk.f1_score(rows.positive, rows.predicted, sample_weight=rows.weight))


def _log_loss(rows: _Rows) -> float:
    """With natural logarithms. scikit-learn moves scores of exactly 0 and 1 inwards by 2.2e-16, so it stays finite."""
    arrays.check_probabilities(rows.score)
    return float(sk.log_loss(rows.positive, rows.score, sample_weight=rows.weight, labels=[False, True]))


def _average_precision(rows: _Rows) -> float:
    rows.need_positives()
    return float(sk.average_precision_score(rows.positive, rows.score, sample_weight=rows.weight))


def _cost_matrix_gain(rows: _Rows) -> float:
    """Mean gain of a row: (TP gain_TP + FP gain_FP + FN gain_FN + TN gain_TN) / n, with weights where given.

    Dataiku's help calls it the average gain per record. A total would grow with the number of rows and could not be
    compared between a test set and a week's batch.
    """
    return float(np.average(rows.gain(), weights=rows.weight))


def _calibration_loss(rows: _Rows) -> float:
    """Expected calibration error: sum over the bins of (rows in it / n) |share of positives - mean score|.

    That is the mean distance between the calibration curve and the diagonal, each bin counting by its rows: Naeini,
    Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (AAAI 2015). Bins as in
    scikit-learn's `calibration_curve` with `strategy="uniform"`. Dataiku's help describes the same for propensities:
    the distance to the diagonal in ten ranges of equal width, each weighing by its rows. Its ranges have their lower
    ends in them, scikit-learn's their upper ones: that differs for scores that are tenths exactly.
    """
    arrays.check_probabilities(rows.score)
    weight = np.ones(len(rows.score)) if rows.weight is None else rows.weight
    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)
    bin_of = np.searchsorted(edges[1:-1], rows.score)
    surplus = np.bincount(bin_of, weights=weight * (rows.positive - rows.score), minlength=CALIBRATION_BINS)
    return float(np.abs(surplus).sum() / weight.sum())


def _lift(rows: _Rows) -> float:
    """Share of the positives found in the best-scored `LIFT_SHARE` of the rows, divided by `LIFT_SHARE`.

    That is the height of the cumulative gains curve, relative to guessing, so it is 1 for guessing and at most
    1 / `LIFT_SHARE`. Rows with the same score share their positives evenly, so the order of the rows does not matter.
    Dataiku's settings call it "the additional proportion of positive records found by a model on a given proportion of
    the test set, compared to a random model", and 0.4 is the share seen in those of its recipes; whether that is the
    ratio or the difference they do not say.
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


def _errors(rows: _Rows, metrics: Mapping[str, float], *, is_given: bool) -> Iterator[tuple[str, float]]:
    """The standard errors of metrics; of those at a threshold only where that was given."""
    if rows.weight is not None:
        return
    if "roc_auc" in metrics:
        yield "roc_auc", delong.roc_auc(rows.positive, rows.score).standard_error
    if "log_loss" in metrics:
        yield "log_loss", standard_error_of_log_loss(np.where(rows.positive, rows.score, 1 - rows.score))
    if not is_given:
        return
    yield "cost_matrix_gain", standard_error_of_mean(rows.gain())
    for code, among in (
        ("accuracy", len(rows.score)),
        ("precision", int(rows.predicted.sum())),
        ("recall", int(rows.positive.sum())),
    ):
        if code in metrics:
            yield code, binomial(metrics[code], among)


# What is best where f1, accuracy or the gain is, for each threshold: of the weights of true and false positives there
# (arrays), of all positives and of all negatives.
_Gain = Callable[[Numbers, Numbers, float, float, CostMatrix], Numbers]

_GAINS: Mapping[str, _Gain] = MappingProxyType(
    {
        "f1": lambda true, false, positives, _negatives, _gains: 2 * true / (true + false + positives),
        "accuracy": lambda true, false, _positives, negatives, _gains: true + (negatives - false),
        "cost_matrix_gain": lambda true, false, positives, negatives, gains: (
            true * gains.true_positive
            + false * gains.false_positive
            + (positives - true) * gains.false_negative
            + (negatives - false) * gains.true_negative
        ),
    }
)


def _optimal_threshold(
    positive: NDArray[np.bool_], score: Numbers, weight: Numbers | None, gain: _Gain, gains: CostMatrix
) -> float:
    """The score that, as threshold, makes the gain greatest; just above all of them where none should be positive."""
    order = np.argsort(-score, kind="stable")
    ordered, counted = score[order], (np.ones(len(score)) if weight is None else weight)[order]
    # Rows of the same score are predicted alike: only the last of them can end those predicted positive.
    ends = np.flatnonzero(np.append(ordered[:-1] != ordered[1:], True))
    true = np.cumsum(counted * positive[order])
    false = np.cumsum(counted * ~positive[order])
    thresholds = np.append(np.nextafter(ordered[0], np.inf), ordered[ends])
    with np.errstate(invalid="ignore"):  # 0 / 0 where f1 is not defined
        found = gain(np.append(0.0, true[ends]), np.append(0.0, false[ends]), true[-1], false[-1], gains)
    return float(thresholds[np.argmax(np.nan_to_num(found, nan=-np.inf))])


def _checked(threshold: object) -> float:
    if not (isinstance(threshold, numbers.Real) and math.isfinite(threshold)):
        raise InvalidArrays("threshold", f'must be a finite number or "optimal", not {threshold!r}')
    return float(threshold)


def _positives(y_true: ArrayLike, positive: object) -> NDArray[np.bool_]:
    labels = arrays.labels("y_true", y_true)
    distinct = set(labels)
    if positive is None:
        if not distinct <= {0, 1}:
            raise InvalidArrays(
                "y_true",
                f"must hold 0 and 1 or booleans, but holds {arrays.some(distinct)}; "
                "name the positive label with positive=",
            )
        return np.array(labels).astype(bool)
    if len(distinct) > 2:
        raise InvalidArrays("y_true", f"is not binary: it holds {len(distinct)} labels: {arrays.some(distinct)}")
    # One label that is not the positive one can be the negative one; two cannot.
    if len(distinct) == 2 and positive not in distinct:
        raise InvalidArrays("positive", f"is {positive!r}, but y_true holds {arrays.some(distinct)}")
    return np.fromiter((label == positive for label in labels), dtype=bool, count=len(labels))


def _scores(y_score: ArrayLike, n_rows: int) -> Numbers:
    given = arrays.array("y_score", y_score)
    if given.ndim == 2:
        raise InvalidArrays("y_score", "has two dimensions: pass the column of the positive class only")
    return arrays.numbers("y_score", given, n_rows)
