"""Classification into several classes: the standard metrics of one set of rows, from true labels and scores.

Metrics of one class (ROC AUC, average precision, precision, recall, F1) are calculated for each class against all
others, one-vs-rest, and averaged: "weighted" by the rows of the classes, or "macro", each class alike. Importing this
module without scikit-learn raises `DependencyMissing`, which says how to get it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from mooring.errors import DependencyMissing
from mooring.metrics.calculation import Undefined, calculated, known_errors
from mooring.metrics.catalogue import PredictionType
from mooring.metrics.evaluation import CostMatrix, Evaluation, InvalidArrays
from mooring.metrics.noise import binomial

try:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from sklearn import metrics as sk

    from mooring.metrics import arrays
    from mooring.metrics.arrays import Numbers, standard_error_of_log_loss, standard_error_of_mean
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error

AVERAGES = ("weighted", "macro")

SUM_TOLERANCE = 1e-3
"""By how much the probabilities of a row may miss 1: they come rounded, and in single precision."""


def evaluate_multiclass(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    classes: Sequence[object] | None = None,
    average: Literal["weighted", "macro"] = "weighted",
    sample_weight: ArrayLike | None = None,
    cost_matrix: ArrayLike | None = None,
) -> Evaluation:
    """Calculate the multiclass metrics of the catalogue for n rows and k classes.

    `y_true`
        n labels: numbers, text or booleans.
    `y_score`
        n x k finite numbers, a column for each class: the higher, the more the row looks like it. The predicted class
        is that of the highest, of several the first. `log_loss` needs probabilities and is left out if a row's are
        outside 0 to 1 or do not sum to 1. Or n predicted labels; then all that needs scores is left out.
    `classes`
        The k labels, in the order of the columns and of the cost matrix, as scikit-learn's `classes_`. Without them
        they are those that there are, sorted.
    `average`
        A class without rows weighs nothing in the weighted average; the macro average is left out then, since one of
        fewer classes could not be compared with it. The precision of a class that has rows and is never predicted
        counts as 0. Which of the two Dataiku takes for ROC AUC is in a document that its settings page links to, and
        that was not found.
    `sample_weight`
        n finite weights, none negative, not all 0. Without them every row weighs the same.
    `cost_matrix`
        k x k finite numbers: what a row gains by true class (row) and predicted class (column). Without it,
        `cost_matrix_gain` is left out.

    Standard errors, where all rows weigh the same: of accuracy as a share of rows; of log loss and cost matrix gain as
    means.

    Raises InvalidArrays, naming the argument, for arrays that are empty, differ in length, have another shape, or hold
    missing or infinite values, for a label that is none of the classes, and for another average.
    """
    if average not in AVERAGES:
        raise InvalidArrays("average", f"is {average!r}; known are {', '.join(AVERAGES)}")
    truth = arrays.labels("y_true", y_true)
    given = arrays.array("y_score", y_score)
    if given.ndim == 2:
        scores = arrays.table("y_score", given, len(truth))
        known = _classes(classes, truth, n_columns=scores.shape[1])
        predicted = scores.argmax(axis=1)
    else:
        scores = None
        labels = arrays.labels("y_score", given, len(truth))
        if isinstance(labels[0], str) != isinstance(truth[0], str):
            raise InvalidArrays("y_score", "must have a column of scores for each class, or hold labels like y_true")
        known = _classes(classes, [*truth, *labels])
        predicted = _indices("y_score", labels, known)
    weights = arrays.weights(sample_weight, len(truth))
    true = _indices("y_true", truth, known)
    counted = np.bincount(true, weights=weights, minlength=len(known)).astype(np.float64)
    rows = _Rows(known, true, predicted, scores, weights, counted, _gains(cost_matrix, len(known)), average)

    metrics, left_out = calculated(_CALCULATIONS, rows)
    return Evaluation(
        prediction_type=PredictionType.MULTICLASS,
        metrics=metrics,
        left_out=left_out,
        standard_errors=known_errors(metrics, _errors(rows, metrics)),
        n_rows=len(truth),
        labels=MappingProxyType({"average": average}),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """n checked rows. `true` and `predicted` are indices into the classes, `counted` is the weight of each class."""

    classes: list[Any]  # Any: whatever labels are
    true: NDArray[np.intp]
    predicted: NDArray[np.intp]
    score: Numbers | None
    weight: Numbers | None
    counted: Numbers
    gains: Numbers | None
    average: str

    def present(self) -> NDArray[np.intp]:
        """The classes to average over. Raises Undefined where that is not what the average means."""
        if self.average == "macro" and not self.counted.all():
            absent = self.classes[int(np.argmin(self.counted > 0))]
            raise Undefined(f"No row is of class {absent!r}, which counts as much as any other in the macro average.")
        return np.flatnonzero(self.counted)

    def scores(self) -> Numbers:
        if self.score is None:
            raise Undefined("Only predicted classes were given, no scores.")
        return self.score

    def probabilities(self) -> Numbers:
        scores = self.scores()
        arrays.check_probabilities(scores)
        sums = scores.sum(axis=1)
        if (off := np.abs(sums - 1) > SUM_TOLERANCE).any():
            raise Undefined(f"The scores of a row sum to {sums[off][0]:g}, not to 1, so they are no probabilities.")
        found: Numbers = scores / sums[:, np.newaxis]
        return found

    def gain(self) -> Numbers:
        """What each row gains."""
        if self.gains is None:
            raise Undefined("No cost matrix was given.")
        found: Numbers = self.gains[self.true, self.predicted]
        return found


def _one_vs_rest(rows: _Rows, of_one: Callable[..., float]) -> float:
    """The average of the metric of each class against all others, by scores."""
    scores, present = rows.scores(), rows.present()
    if len(present) < 2:
        raise Undefined(f"Every row is of class {rows.classes[present[0]]!r}: there is no other to compare with.")
    values = [of_one(rows.true == each, scores[:, each], sample_weight=rows.weight) for each in present]
    return float(np.average(values, weights=rows.counted[present] if rows.average == "weighted" else None))


def _roc_auc(rows: _Rows) -> float:
    return _one_vs_rest(rows, sk.roc_auc_score)


def _average_precision(rows: _Rows) -> float:
    return _one_vs_rest(rows, sk.average_precision_score)


def _accuracy(rows: _Rows) -> float:
    return float(sk.accuracy_score(rows.true, rows.predicted, sample_weight=rows.weight))


def _of_predictions(of_classes: Callable[..., float]) -> Callable[[_Rows], float]:
    def calculate(rows: _Rows) -> float:
        return float(
            of_classes(
                rows.true,
                rows.predicted,
                labels=rows.present(),
                average=rows.average,
                sample_weight=rows.weight,
                zero_division=0,
            )
        )

    return calculate


def _log_loss(rows: _Rows) -> float:
    """With natural logarithms. scikit-learn moves probabilities of 0 and 1 inwards by 2.2e-16, so it stays finite."""
    return float(
        sk.log_loss(rows.true, rows.probabilities(), sample_weight=rows.weight, labels=list(range(len(rows.classes))))
    )


def _cost_matrix_gain(rows: _Rows) -> float:
    """Mean gain of a row: of the matrix's entries at true and predicted class. The mean, as for two classes."""
    return float(np.average(rows.gain(), weights=rows.weight))


_CALCULATIONS: Mapping[str, Callable[[_Rows], float]] = MappingProxyType(
    {
        "roc_auc": _roc_auc,
        "accuracy": _accuracy,
        "precision": _of_predictions(sk.precision_score),
        "recall": _of_predictions(sk.recall_score),
        "f1": _of_predictions(sk.f1_score),
        "log_loss": _log_loss,
        "average_precision": _average_precision,
        "cost_matrix_gain": _cost_matrix_gain,
    }
)


def _errors(rows: _Rows, metrics: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    if rows.weight is not None:
        return
    yield "accuracy", binomial(metrics["accuracy"], len(rows.true))
    if "log_loss" in metrics:
        chance = rows.probabilities()[np.arange(len(rows.true)), rows.true]
        yield "log_loss", standard_error_of_log_loss(chance)
    if "cost_matrix_gain" in metrics:
        yield "cost_matrix_gain", standard_error_of_mean(rows.gain())


def _classes(given: Sequence[object] | None, labels: list[Any], n_columns: int | None = None) -> list[Any]:
    if given is None:
        try:
            known = sorted(set(labels))
        except TypeError:
            raise InvalidArrays("classes", "must be given: labels of several kinds have no order") from None
    else:
        known = arrays.labels("classes", given)
        if len(set(known)) < len(known):
            raise InvalidArrays("classes", "has a class twice")
    if n_columns is not None and len(known) != n_columns:
        raise InvalidArrays(
            "classes", f"must be the {n_columns} labels of the columns of y_score; there are {len(known)}"
        )
    return known


def _indices(argument: str, labels: list[Any], classes: list[Any]) -> NDArray[np.intp]:
    place = {label: index for index, label in enumerate(classes)}
    try:
        return np.fromiter((place[label] for label in labels), dtype=np.intp, count=len(labels))
    except KeyError as unknown:
        raise InvalidArrays(argument, f"holds {unknown.args[0]!r}, which is none of the classes") from None


def _gains(cost_matrix: ArrayLike | None, n_classes: int) -> Numbers | None:
    if cost_matrix is None:
        return None
    if isinstance(cost_matrix, CostMatrix):
        raise InvalidArrays("cost_matrix", "must be a table where there are several classes, not a CostMatrix")
    gains = arrays.table("cost_matrix", cost_matrix, n_classes, like="classes")
    if gains.shape[1] != n_classes:
        raise InvalidArrays("cost_matrix", f"must have a row and a column for each of the {n_classes} classes")
    return gains
