"""The way from arrays to metrics: `evaluate` calculates all that fit the prediction type, and says what it left out.

    evaluation = evaluate(labels, scores)
    mooring.evaluated("redemption", "v1", store="weekly", metrics=evaluation)

Importing this module needs nothing but Python; calling `evaluate` needs the extra `mooring[sklearn]`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from mooring.errors import MooringError
from mooring.metrics.calculation import Undefined
from mooring.metrics.catalogue import MetricSpec, PredictionType
from mooring.metrics.custom import MetricFunction

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    # One series, or several: by name, or one after the other.
    SeriesLike = ArrayLike | Sequence[ArrayLike] | Mapping[Any, ArrayLike]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class InvalidArrays(MooringError, ValueError):
    """An argument from which no metric can be calculated. `argument` is its name, `problem` what is wrong."""

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument} {problem}")
        self.argument = argument
        self.problem = problem


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """What one row gains (positive) or costs (negative), by true and predicted class. In any unit, all finite.

    The defaults are those seen in the settings of Dataiku's evaluation recipes: a true positive 1, a false positive
    -0.3, the rest 0. No page of its documentation that states them was found. Set your own where the number matters.

    Raises InvalidArrays naming `cost_matrix` for a weight that is not finite.
    """

    true_positive: float = 1.0
    false_positive: float = -0.3
    false_negative: float = 0.0
    true_negative: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            weight = getattr(self, each.name)
            if not math.isfinite(weight):
                raise InvalidArrays("cost_matrix", f"needs finite weights, but {each.name} is {weight}")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The metrics of one set of rows. `Mooring.model_built` and `Mooring.evaluated` take it as their `metrics`.

    `metrics` has a value for each metric that these rows define, and `left_out` a sentence for each that they do not;
    every metric of the prediction type that has a calculation is in one of the two. `standard_errors` has how far
    values may be off by chance, where a formula says it: docs/metrics.md lists them. The counts are of rows, whatever
    their weights: `n_positive` and `n_negative` of binary ones, `n_rows` of a forecast its steps in all series.
    `threshold` is the one at which binary rows were predicted positive. `labels` are for the event, and say by which
    average ("weighted" or "macro") metrics of several classes came about. `custom_metrics` declares those that are no
    standard ones.
    """

    prediction_type: PredictionType
    metrics: Mapping[str, float]
    left_out: Mapping[str, str]
    standard_errors: Mapping[str, float]
    n_rows: int
    n_positive: int | None = None
    n_negative: int | None = None
    threshold: float | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    custom_metrics: tuple[MetricSpec, ...] = ()


def evaluate(
    y_true: SeriesLike | None,
    y_score: SeriesLike | None,
    *,
    prediction_type: PredictionType | str | None = None,
    custom: Iterable[MetricFunction] = (),
    sample_weight: ArrayLike | None = None,
    cost_matrix: CostMatrix | ArrayLike | None = None,
    positive: object = None,
    threshold: float | Literal["optimal"] | None = None,
    optimize: str | None = None,
    classes: Sequence[object] | None = None,
    average: Literal["weighted", "macro"] | None = None,
    y_train: SeriesLike | None = None,
    season: int | None = None,
    quantiles: Mapping[float, SeriesLike] | None = None,
    alpha: float | None = None,
    features: ArrayLike | None = None,
    seed: int | None = None,
) -> Evaluation:
    """Calculate every metric that fits. The arguments are those of the function of the prediction type:

    - BINARY, `mooring.metrics.binary.evaluate_binary`: labels and scores, `positive`, `threshold`, `optimize`,
      `cost_matrix`, `sample_weight`;
    - MULTICLASS, `mooring.metrics.multiclass.evaluate_multiclass`: labels, and for each row a score of every class or
      the predicted label, `classes`, `average`, `cost_matrix`, `sample_weight`;
    - REGRESSION, `mooring.metrics.regression.evaluate_regression`: targets and predictions, `sample_weight`;
    - TIME_SERIES, `mooring.metrics.time_series.evaluate_time_series`: targets and forecasts of one series or several,
      `y_train`, `season`, `quantiles`, `alpha`;
    - CLUSTERING, `mooring.metrics.clustering.evaluate_clustering`: None and the clusters, `features`, `seed`.

    Without `prediction_type`, an argument that only one type takes tells it. Else several series are TIME_SERIES, a
    table of scores is MULTICLASS, and labels that are 0 and 1 or booleans are BINARY. Text is BINARY where there are at
    most two labels and the scores are numbers, else MULTICLASS. Other numbers are REGRESSION; but whole numbers on both
    sides could be classes as well as quantities, and are refused until `prediction_type` says which.

    `custom` are metrics of your own: see `custom_metric`.

    Raises InvalidArrays, naming the argument, for what the function of the type refuses and for an argument that has no
    meaning for it; DependencyMissing without scikit-learn.
    """
    arguments = {
        "sample_weight": sample_weight,
        "cost_matrix": cost_matrix,
        "positive": positive,
        "threshold": threshold,
        "optimize": optimize,
        "classes": classes,
        "average": average,
        "y_train": y_train,
        "season": season,
        "quantiles": quantiles,
        "alpha": alpha,
        "features": features,
        "seed": seed,
    }
    given = {name: argument for name, argument in arguments.items() if argument is not None}
    kind = _kind(y_true, y_score, given) if prediction_type is None else _known(prediction_type)
    for name in given:
        if name not in _TAKES[kind]:
            raise InvalidArrays(name, f"has no meaning for {kind}")
    calculation = _calculation(kind)
    if kind is PredictionType.CLUSTERING:
        if y_true is not None:
            raise InvalidArrays(
                "y_true", "has no meaning for CLUSTERING: pass None, the clusters, and the rows as features="
            )
        return _with_custom(calculation(y_score, **given), tuple(custom), (features, y_score), None)
    return _with_custom(calculation(y_true, y_score, **given), tuple(custom), (y_true, y_score), sample_weight)


_TAKES: Mapping[PredictionType, frozenset[str]] = MappingProxyType(
    {
        PredictionType.BINARY: frozenset({"sample_weight", "cost_matrix", "positive", "threshold", "optimize"}),
        PredictionType.MULTICLASS: frozenset({"sample_weight", "cost_matrix", "classes", "average"}),
        PredictionType.REGRESSION: frozenset({"sample_weight"}),
        PredictionType.TIME_SERIES: frozenset({"y_train", "season", "quantiles", "alpha"}),
        PredictionType.CLUSTERING: frozenset({"features", "seed"}),
    }
)


def _kind(y_true: object, y_score: object, given: Mapping[str, object]) -> PredictionType:
    """The prediction type that the arguments tell, else the arrays."""
    told = [
        kind
        for kind, taken in _TAKES.items()
        if any(name in taken and sum(name in others for others in _TAKES.values()) == 1 for name in given)
    ]
    if len(told) == 1:
        return told[0]
    from mooring.metrics.inference import prediction_type_of

    return prediction_type_of(y_true, y_score)


def _known(prediction_type: PredictionType | str) -> PredictionType:
    known = [kind.value for kind in _TAKES]
    if prediction_type not in known:
        raise InvalidArrays("prediction_type", f"is {prediction_type!r}; metrics are calculated for {', '.join(known)}")
    return PredictionType(prediction_type)


def _calculation(kind: PredictionType) -> Callable[..., Evaluation]:
    # Heavy, and an extra: loaded only where it is asked for.
    match kind:
        case PredictionType.BINARY:
            from mooring.metrics.binary import evaluate_binary

            return evaluate_binary
        case PredictionType.MULTICLASS:
            from mooring.metrics.multiclass import evaluate_multiclass

            return evaluate_multiclass
        case PredictionType.REGRESSION:
            from mooring.metrics.regression import evaluate_regression

            return evaluate_regression
        case PredictionType.TIME_SERIES:
            from mooring.metrics.time_series import evaluate_time_series

            return evaluate_time_series
        case _:
            from mooring.metrics.clustering import evaluate_clustering

            return evaluate_clustering


def _with_custom(
    found: Evaluation,
    custom: tuple[MetricFunction, ...],
    compared: tuple[object, object],
    sample_weight: ArrayLike | None,
) -> Evaluation:
    """The evaluation with custom metrics of the same rows added."""
    if not custom:
        return found
    codes = [metric.spec.code for metric in custom]
    if len(set(codes)) < len(codes):
        raise InvalidArrays("custom", f"has a metric twice: {', '.join(codes)}")
    if found.prediction_type is not PredictionType.TIME_SERIES:
        import numpy as np

        one, other = (None if each is None else np.asarray(each) for each in compared)
        compared = (one, other)
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)
    metrics, left_out = dict(found.metrics), dict(found.left_out)
    for metric in custom:
        try:
            metrics[metric.spec.code] = metric.value(*compared, sample_weight=sample_weight)
        except Undefined as reason:
            left_out[metric.spec.code] = str(reason)
    return replace(
        found,
        metrics=MappingProxyType(metrics),
        left_out=MappingProxyType(left_out),
        custom_metrics=tuple(metric.spec for metric in custom),
    )
