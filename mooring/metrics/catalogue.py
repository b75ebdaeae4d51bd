"""The catalogue of standard metrics: for each its code, label, direction, range and the prediction types it fits.

Nothing is calculated here, and neither numpy nor scikit-learn is loaded: a service that only checks and shows values
needs this module and no other.
"""

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

_CODE_BYTES_MAX = 255


class Direction(StrEnum):
    """Which way a metric gets better."""

    HIGHER = "HIGHER"
    LOWER = "LOWER"
    NONE = "NONE"


class PredictionType(StrEnum):
    """What a model predicts."""

    BINARY = "BINARY"
    MULTICLASS = "MULTICLASS"
    REGRESSION = "REGRESSION"
    TIME_SERIES = "TIME_SERIES"
    CLUSTERING = "CLUSTERING"
    OTHER = "OTHER"


_EVERY_TYPE = frozenset(PredictionType)
_BINARY = frozenset({PredictionType.BINARY})
_CLASSES = frozenset({PredictionType.BINARY, PredictionType.MULTICLASS})
_REGRESSION = frozenset({PredictionType.REGRESSION})
_TIME_SERIES = frozenset({PredictionType.TIME_SERIES})
_NUMBERS = _REGRESSION | _TIME_SERIES
_CLUSTERING = frozenset({PredictionType.CLUSTERING})


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric: how it is called, which way it is better, and which values it can have.

    `low` and `high` belong to the range; an infinite bound means that there is none on that side. `description` is one
    or two sentences for people, `formula` what is calculated, `source` who defined it so.

    Raises ValueError saying what is wrong: a code that is empty, longer than 255 bytes of UTF-8 or holds control
    characters, an empty label, a direction or prediction type that is none, an empty set of prediction types, or a
    range with no finite value in it.
    """

    code: str
    label: str
    direction: Direction
    low: float = -math.inf
    high: float = math.inf
    prediction_types: frozenset[PredictionType] = _EVERY_TYPE
    description: str = ""
    formula: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        _check_code(self.code)
        if not self.label.strip():
            raise ValueError(f"label of metric {self.code!r} must not be empty")
        # Enum members are looked up rather than trusted, so text as it stands in an event will do.
        object.__setattr__(self, "direction", Direction(self.direction))
        object.__setattr__(self, "prediction_types", frozenset(map(PredictionType, self.prediction_types)))
        if not self.prediction_types:
            raise ValueError(f"prediction_types of metric {self.code!r} must not be empty")
        # Written so that a NaN bound fails as well.
        if not (self.low <= self.high and self.low < math.inf and self.high > -math.inf):
            raise ValueError(f"low of metric {self.code!r} must not exceed high: got {self.low} and {self.high}")

    def admits(self, value: float) -> bool:
        """Whether the metric can have this value: finite, and neither below `low` nor above `high`."""
        return math.isfinite(value) and self.low <= value <= self.high


def spec_of(code: str, declared: MetricSpec | None = None) -> MetricSpec:
    """What is known of the metric `code`: the standard one, else the declared one, else next to nothing.

    A declaration cannot redefine a standard metric. A custom metric that nobody declared has its code as label, no
    direction and no bounds, and fits every prediction type.

    Raises ValueError if `declared` has another code, or if `code` cannot be the code of a metric.
    """
    if declared is not None and declared.code != code:
        raise ValueError(f"declared is the metric {declared.code!r}, not {code!r}")
    standard = CATALOGUE.get(code)
    if standard is not None:
        return standard
    return declared if declared is not None else MetricSpec(code, label=code, direction=Direction.NONE)


def _check_code(code: str) -> None:
    if not code:
        raise ValueError("code of a metric must not be empty")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in code):
        raise ValueError(f"code {code!r} must be valid text without control characters")
    if len(code.encode()) > _CODE_BYTES_MAX:
        raise ValueError(f"code {code[:20]!r}… must not be longer than {_CODE_BYTES_MAX} bytes of UTF-8")


# In formulas y is the target, p the score or prediction, n the number of rows; TP, FP, TN and FN count true and false
# positives and negatives; sums and means are over the rows, or a forecast's steps, unless they say otherwise.
_STANDARD = (
    # Classification. Multiclass averages over one-vs-rest say in the event's labels whether they are weighted or macro.
    MetricSpec(
        "roc_auc",
        "ROC AUC",
        Direction.HIGHER,
        0.0,
        1.0,
        _CLASSES,
        "Area under the ROC curve: the chance that a random positive is scored above a random negative, ties counting "
        "half. 0.5 is guessing. Multiclass: average over one-vs-rest.",
        formula="P(p of a positive > p of a negative) + P(equal) / 2",
        source="Hanley and McNeil, Radiology 143 (1982) 29-36; the weighted average: Provost and Domingos, CeDER "
        "working paper IS-00-04 (2000), 6.2",
    ),
    MetricSpec(
        "accuracy",
        "Accuracy",
        Direction.HIGHER,
        0.0,
        1.0,
        _CLASSES,
        "Share of the rows whose class is predicted right.",
        formula="(TP + TN) / n",
        source="scikit-learn, accuracy_score",
    ),
    MetricSpec(
        "precision",
        "Precision",
        Direction.HIGHER,
        0.0,
        1.0,
        _CLASSES,
        "Share of the rows predicted positive that are positive. Multiclass: average over one-vs-rest.",
        formula="TP / (TP + FP)",
        source="van Rijsbergen, Information Retrieval, 2nd ed. (1979), ch. 7",
    ),
    MetricSpec(
        "recall",
        "Recall",
        Direction.HIGHER,
        0.0,
        1.0,
        _CLASSES,
        "Share of the positive rows that are predicted positive. Multiclass: average over one-vs-rest.",
        formula="TP / (TP + FN)",
        source="van Rijsbergen (1979), ch. 7",
    ),
    MetricSpec(
        "f1",
        "F1 score",
        Direction.HIGHER,
        0.0,
        1.0,
        _CLASSES,
        "Harmonic mean of precision and recall. Multiclass: average over one-vs-rest.",
        formula="2 TP / (2 TP + FP + FN)",
        source="van Rijsbergen (1979), ch. 7: 1 - E with equal weights",
    ),
    MetricSpec(
        "log_loss",
        "Log loss",
        Direction.LOWER,
        low=0.0,
        prediction_types=_CLASSES,
        description="Mean of -log(probability that the model gave to the true class), natural logarithm.",
        formula="mean of -ln p(true class)",
        source="Good, Journal of the Royal Statistical Society B 14 (1952) 107-114",
    ),
    MetricSpec(
        "average_precision",
        "Average precision",
        Direction.HIGHER,
        0.0,
        1.0,
        _CLASSES,
        "Precision averaged over the thresholds, each weighted by the recall that it adds. Guessing gives the share of "
        "positives. Multiclass: average over one-vs-rest.",
        formula="sum over thresholds of (recall - recall before) precision",
        source="scikit-learn, average_precision_score (no interpolation)",
    ),
    MetricSpec(
        "cost_matrix_gain",
        "Cost matrix gain",
        Direction.HIGHER,
        prediction_types=_CLASSES,
        description="Mean gain of a row, where each pair of true and predicted class has a gain that the user sets.",
        formula="mean of gain[true class, predicted class]",
        source="Elkan, The foundations of cost-sensitive learning, IJCAI 2001; defaults seen in Dataiku",
    ),
    MetricSpec(
        "calibration_loss",
        "Calibration loss",
        Direction.LOWER,
        0.0,
        1.0,
        _BINARY,
        "Mean distance between the calibration curve (share of positives against mean score, per bin of scores) and "
        "the diagonal.",
        formula="sum over 10 bins of (rows in it / n) |share of positives - mean p|",
        source="Naeini, Cooper and Hauskrecht, AAAI 2015: expected calibration error",
    ),
    MetricSpec(
        "lift",
        "Lift",
        Direction.HIGHER,
        low=0.0,
        prediction_types=_BINARY,
        description="Share of positives among the best-scored rows, relative to that among all rows. 1 is guessing.",
        formula="(share of the positives that are in the best-scored 0.4 of the rows) / 0.4",
        source="Dataiku's prediction settings, read as a ratio",
    ),
    # Regression, of which time series share some.
    MetricSpec(
        "evs",
        "Explained variance score",
        Direction.HIGHER,
        high=1.0,
        prediction_types=_REGRESSION,
        description="Share of the target's variance that the predictions explain. Unlike R2 it does not see a constant "
        "error.",
        formula="1 - Var(y - p) / Var(y)",
        source="scikit-learn, explained_variance_score",
    ),
    MetricSpec(
        "mape",
        "MAPE",
        Direction.LOWER,
        low=0.0,
        prediction_types=_NUMBERS,
        description="Mean of |error| / |target|, as a ratio: 0.1 is ten percent.",
        formula="mean of |y - p| / |y|",
        source="Hyndman and Koehler, International Journal of Forecasting 22 (2006) 679-688",
    ),
    MetricSpec(
        "mae",
        "MAE",
        Direction.LOWER,
        low=0.0,
        prediction_types=_NUMBERS,
        description="Mean absolute error, in the target's unit.",
        formula="mean of |y - p|",
        source="Hyndman and Koehler (2006)",
    ),
    MetricSpec(
        "mse",
        "MSE",
        Direction.LOWER,
        low=0.0,
        prediction_types=_NUMBERS,
        description="Mean squared error, in the square of the target's unit.",
        formula="mean of (y - p)²",
        source="Hyndman and Koehler (2006)",
    ),
    MetricSpec(
        "rmse",
        "RMSE",
        Direction.LOWER,
        low=0.0,
        prediction_types=_NUMBERS,
        description="Square root of the mean squared error, in the target's unit.",
        formula="√(mean of (y - p)²)",
        source="Hyndman and Koehler (2006)",
    ),
    MetricSpec(
        "rmsle",
        "RMSLE",
        Direction.LOWER,
        low=0.0,
        prediction_types=_REGRESSION,
        description="Root mean squared error of the logarithms: large targets do not outweigh small ones.",
        formula="√(mean of (ln(1 + y) - ln(1 + p))²)",
        source="scikit-learn, mean_squared_log_error",
    ),
    MetricSpec(
        "r2",
        "R2 score",
        Direction.HIGHER,
        high=1.0,
        prediction_types=_REGRESSION,
        description="How much better than predicting the targets' mean: 1 is perfect, 0 as good, below 0 worse.",
        formula="1 - sum of (y - p)² / sum of (y - mean y)²",
        source="scikit-learn, r2_score",
    ),
    MetricSpec(
        "pearson",
        "Pearson coefficient",
        Direction.HIGHER,
        -1.0,
        1.0,
        _REGRESSION,
        "Linear correlation of prediction and target.",
        formula="Cov(y, p) / √(Var(y) Var(p))",
        source="Pearson, Proceedings of the Royal Society of London 58 (1895) 240-242; SciPy, pearsonr",
    ),
    # Time series only.
    MetricSpec(
        "mase",
        "MASE",
        Direction.LOWER,
        low=0.0,
        prediction_types=_TIME_SERIES,
        description="Mean absolute error divided by that of the seasonal naive forecast on the training series.",
        formula="mean of |y - p| / mean of |y(t) - y(t - season)| in training; mean over series",
        source="Hyndman and Koehler (2006)",
    ),
    MetricSpec(
        "smape",
        "Symmetric MAPE",
        Direction.LOWER,
        low=0.0,
        prediction_types=_TIME_SERIES,
        description="Mean of 2 |error| / (|target| + |prediction|), as a ratio between 0 and 2.",
        formula="mean of 2 |y - p| / (|y| + |p|); mean over series",
        source="GluonTS, smape",
    ),
    MetricSpec(
        "mean_absolute_quantile_loss",
        "Mean absolute quantile loss",
        Direction.LOWER,
        low=0.0,
        prediction_types=_TIME_SERIES,
        description="Quantile loss summed over the steps, averaged over the series and the forecast quantiles.",
        formula="mean over levels q and series of sum of 2 |(p_q - y) (1[y ≤ p_q] - q)|",
        source="GluonTS, quantile_loss; averaged over series as Dataiku does",
    ),
    MetricSpec(
        "mean_weighted_quantile_loss",
        "Mean weighted quantile loss",
        Direction.LOWER,
        low=0.0,
        prediction_types=_TIME_SERIES,
        description="Quantile loss summed over steps and series, averaged over the forecast quantiles, divided by the "
        "sum of the absolute target.",
        formula="mean over levels q of (sum of 2 |(p_q - y) (1[y ≤ p_q] - q)|) / sum of |y|, over all series",
        source="GluonTS, mean_wQuantileLoss",
    ),
    MetricSpec(
        "msis",
        "MSIS",
        Direction.LOWER,
        low=0.0,
        prediction_types=_TIME_SERIES,
        description="Mean scaled interval score: width of the forecast interval plus a penalty for targets outside it, "
        "divided by the error of the seasonal naive forecast.",
        formula="mean of (u - l + 2/α (l - y)₊ + 2/α (y - u)₊) / mean of |y(t) - y(t - season)| in training; "
        "mean over series",
        source="Makridakis, Spiliotis and Assimakopoulos, International Journal of Forecasting 36 (2020) 54-74",
    ),
    MetricSpec(
        "nd",
        "Normalized deviation",
        Direction.LOWER,
        low=0.0,
        prediction_types=_TIME_SERIES,
        description="Sum of the absolute errors divided by the sum of the absolute target.",
        formula="sum of |y - p| / sum of |y|, over all series",
        source="GluonTS, ND",
    ),
    # Clustering.
    MetricSpec(
        "silhouette",
        "Silhouette",
        Direction.HIGHER,
        -1.0,
        1.0,
        _CLUSTERING,
        "How much nearer rows are to their own cluster than to the next: 1 is well apart, 0 on the border.",
        formula="mean of (b - a) / max(a, b): a the mean distance to the row's own cluster, b to the nearest other one",
        source="Rousseeuw, Journal of Computational and Applied Mathematics 20 (1987) 53-65",
    ),
    MetricSpec(
        "inertia",
        "Inertia",
        Direction.LOWER,
        low=0.0,
        prediction_types=_CLUSTERING,
        description="Sum of the squared distances of the rows to the centre of their cluster.",
        formula="sum of |row - mean of its cluster|²",
        source="scikit-learn, KMeans",
    ),
    MetricSpec(
        "n_clusters",
        "Number of clusters",
        Direction.NONE,
        low=0.0,
        prediction_types=_CLUSTERING,
        description="How many clusters the model found.",
        formula="number of distinct clusters that have rows, without noise (-1)",
        source="scikit-learn, DBSCAN (noise)",
    ),
    # Drift: how far an evaluation's data are from the reference. No build has an initial value of these.
    MetricSpec(
        "data_drift",
        "Data drift",
        Direction.LOWER,
        0.0,
        1.0,
        _EVERY_TYPE,
        "Accuracy of a classifier that tells the evaluated rows from the reference rows, half of each, on rows it was "
        "not fitted on. 0.5: it can only guess, no drift seen. 1: it is never wrong.",
        formula="share of the rows that it assigns right",
        source="Dataiku's drift model; Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017",
    ),
    MetricSpec(
        "prediction_drift",
        "Prediction drift",
        Direction.LOWER,
        0.0,
        1.0,
        _EVERY_TYPE,
        "Distance between the distributions of the predictions on the evaluated and on the reference rows. 0: the "
        "same. 1: nothing in common.",
        formula="a distance between 0 and 1, which whoever measures it chooses",
        source="docs/data-drift.md has the one of this library",
    ),
)

CATALOGUE: Mapping[str, MetricSpec] = MappingProxyType({spec.code: spec for spec in _STANDARD})
"""The standard metrics by code, in the order in which they are offered: ROC AUC first. Read-only."""
