"""Forecasts of time series: the standard metrics of one series or several, from targets, forecasts and quantiles.

The metrics are those of GluonTS (`gluonts.evaluation.metrics`), which Dataiku's forecasting is built on, averaged over
series as its page "Time series forecasting results" says. Where the two differ or leave room, each function says what
it does. Importing this module without numpy raises `DependencyMissing`, which says how to get it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mooring.errors import DependencyMissing
from mooring.metrics.calculation import Undefined, calculated
from mooring.metrics.catalogue import PredictionType
from mooring.metrics.evaluation import Evaluation, InvalidArrays

try:
    import numpy as np

    from mooring.metrics import arrays
    from mooring.metrics.arrays import Numbers
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error

if TYPE_CHECKING:
    from mooring.metrics.evaluation import SeriesLike

MEDIAN = 0.5


def evaluate_time_series(
    y_true: SeriesLike,
    y_score: SeriesLike | None = None,
    *,
    y_train: SeriesLike | None = None,
    season: int = 1,
    quantiles: Mapping[float, SeriesLike] | None = None,
    alpha: float = 0.05,
) -> Evaluation:
    """Calculate the forecasting metrics of the catalogue for one series or several.

    A series is an array of finite numbers, one for each step. Several are a mapping by name, or a sequence of them (or
    a table, one series a row); they may differ in length. All arguments have the same series.

    `y_true`
        What came about, in the steps that were forecast.
    `y_score`
        The point forecast of the same steps; the quantile 0.5 unless given. Every metric of points takes it, where
        GluonTS takes the median for absolute errors and the mean for squared ones.
    `y_train`
        The series before the first step forecast, oldest first. `mase` and `msis` need it.
    `season`
        How many steps back the naive forecast looks in `y_train`: 1 for the last value, 7 for the same weekday.
    `quantiles`
        Forecasts of quantiles, by level between 0 and 1.
    `alpha`
        `msis` is that of the interval between the quantiles alpha / 2 and 1 - alpha / 2, which have to be among those
        given. As in the M4 competition it is 0.05 unless given; 0.2 goes with forecasts of 0.1 and 0.9.

    A metric that one series does not define is left out, as Dataiku has it undefined. There are no standard errors: the
    errors of a forecast's steps depend on each other, and no textbook formula for independent ones holds.

    Raises InvalidArrays, naming the argument, for series that are empty, hold missing or infinite values, or differ in
    number, names or length from those of `y_true`, for a season below 1, and for levels and alphas not between 0 and 1.
    """
    if season < 1 or season != int(season):
        raise InvalidArrays("season", f"must be a whole number of steps, at least 1, not {season}")
    if not 0 < alpha < 1:
        raise InvalidArrays("alpha", f"must be between 0 and 1, not {alpha}")
    targets = _named("y_true", y_true)
    levels = (
        {} if quantiles is None else {level: _alike("quantiles", each, targets) for level, each in quantiles.items()}
    )
    for level in levels:
        if not 0 < level < 1:
            raise InvalidArrays("quantiles", f"must have levels between 0 and 1, not {level}")
    if y_score is not None:
        points = _alike("y_score", y_score, targets)
    elif MEDIAN in levels:
        points = levels[MEDIAN]
    else:
        raise InvalidArrays("y_score", "must be given, or the quantile 0.5 to stand for it")
    trained = None if y_train is None else _alike("y_train", y_train, targets, same_length=False)
    forecasts = _Forecasts(
        [
            _Series(
                name,
                target,
                points[name],
                {level: each[name] for level, each in levels.items()},
                None if trained is None else trained[name],
                season,
                alpha,
            )
            for name, target in targets.items()
        ]
    )
    metrics, left_out = calculated(_CALCULATIONS, forecasts)
    return Evaluation(
        prediction_type=PredictionType.TIME_SERIES,
        metrics=metrics,
        left_out=left_out,
        standard_errors=MappingProxyType({}),
        n_rows=sum(map(len, targets.values())),
    )


@dataclass(frozen=True, slots=True)
class _Series:
    """One checked series. `quantiles` are its forecasts by level; `trained` is what came before, if known."""

    name: Any  # as the caller names it
    target: Numbers
    forecast: Numbers
    quantiles: Mapping[float, Numbers]
    trained: Numbers | None
    season: int
    alpha: float

    def error(self) -> Numbers:
        return self.forecast - self.target

    def naive_error(self) -> float:
        """The mean absolute error of the seasonal naive forecast on the training part: mean |y_t - y_(t-season)|.

        R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", International Journal of
        Forecasting 22 (2006) 679-688. Where the part is no longer than a season, GluonTS looks one step back instead;
        here the metric is left out, since it would mean something else.
        """
        if self.trained is None:
            raise Undefined("No y_train was given, whose naive forecast it compares with.")
        if len(self.trained) <= self.season:
            raise Undefined(f"y_train has {len(self.trained)} steps, and no season of {self.season} to look back on.")
        found = float(np.abs(self.trained[self.season :] - self.trained[: -self.season]).mean())
        if found == 0:
            raise Undefined("The naive forecast makes no error on y_train: there is nothing to compare with.")
        return found

    def quantile_loss(self, level: float) -> float:
        """2 sum |(forecast - target) (1[target <= forecast] - level)| over the steps, with GluonTS's factor of 2."""
        forecast = self.quantiles[level]
        return float(2 * np.abs((forecast - self.target) * ((self.target <= forecast) - level)).sum())

    def interval(self) -> tuple[Numbers, Numbers]:
        """The forecasts of the quantiles alpha / 2 and 1 - alpha / 2."""
        found = []
        for wanted in (self.alpha / 2, 1 - self.alpha / 2):
            # 1 - 0.05 / 2 is not quite 0.975.
            level = next((each for each in self.quantiles if math.isclose(each, wanted)), None)
            if level is None:
                raise Undefined(f"No forecast of the quantile {wanted:g} was given, as alpha = {self.alpha:g} needs.")
            found.append(self.quantiles[level])
        return found[0], found[1]


@dataclass(frozen=True, slots=True)
class _Forecasts:
    """The series, at least one."""

    series: Sequence[_Series]

    def each(self, of_one: Callable[[_Series], float]) -> list[float]:
        """The metric of each. Raises Undefined naming the series that does not define it."""
        found = []
        for one in self.series:
            try:
                found.append(of_one(one))
            except Undefined as reason:
                if len(self.series) == 1:
                    raise
                raise Undefined(f"Series {one.name}: {reason}") from None
        return found

    def levels(self) -> list[float]:
        if not (levels := list(self.series[0].quantiles)):
            raise Undefined("No forecasts of quantiles were given.")
        return levels

    def sum_of_targets(self) -> float:
        found = sum(float(np.abs(one.target).sum()) for one in self.series)
        if found == 0:
            raise Undefined("Every target is 0, and no error is a share of 0.")
        return found


def _mean(of_one: Callable[[_Series], float]) -> Callable[[_Forecasts], float]:
    """The average over all series, each counting alike however long it is."""
    return lambda forecasts: float(np.mean(forecasts.each(of_one)))


def _mase_of(one: _Series) -> float:
    return float(np.abs(one.error()).mean()) / one.naive_error()


def _mape_of(one: _Series) -> float:
    if not one.target.all():
        raise Undefined("A target is 0, and no error is a share of 0.")
    return float(np.abs(one.error() / one.target).mean())


def _smape_of(one: _Series) -> float:
    """Where target and forecast are both 0, GluonTS has no value; it counts as no error here, which it is."""
    size = np.abs(one.target) + np.abs(one.forecast)
    share = np.divide(np.abs(one.error()), size, out=np.zeros(len(size)), where=size > 0)
    return float(2 * share.mean())


def _mae_of(one: _Series) -> float:
    return float(np.abs(one.error()).mean())


def _mse_of(one: _Series) -> float:
    return float((one.error() ** 2).mean())


def _msis_of(one: _Series) -> float:
    """Mean of (width of the interval + 2 / alpha for each unit that the target is outside it) / naive error.

    S. Makridakis, E. Spiliotis and V. Assimakopoulos, "The M4 Competition: 100,000 time series and 61 forecasting
    methods", International Journal of Forecasting 36 (2020) 54-74.
    """
    low, high = one.interval()
    below, above = np.maximum(low - one.target, 0), np.maximum(one.target - high, 0)
    return float((high - low + 2 / one.alpha * (below + above)).mean()) / one.naive_error()


def _rmse(forecasts: _Forecasts) -> float:
    """The root of the average squared error of the series, not the average of their roots."""
    return math.sqrt(_mean(_mse_of)(forecasts))


def _quantile_loss(forecasts: _Forecasts) -> float:
    """Summed over the steps and over the series, averaged over the levels."""
    return float(np.mean([sum(one.quantile_loss(level) for one in forecasts.series) for level in forecasts.levels()]))


def _mean_absolute_quantile_loss(forecasts: _Forecasts) -> float:
    """The quantile loss summed over the steps, averaged over series and levels.

    As Dataiku's documentation has it; GluonTS sums over the series too.
    """
    return _quantile_loss(forecasts) / len(forecasts.series)


def _mean_weighted_quantile_loss(forecasts: _Forecasts) -> float:
    """The quantile loss summed over steps and series, averaged over the levels, over the sum of |target|.

    As GluonTS has it. Dataiku's documentation says to divide the mean over the series by the sum over all of them,
    which would make it the smaller the more series there are.
    """
    return _quantile_loss(forecasts) / forecasts.sum_of_targets()


def _nd(forecasts: _Forecasts) -> float:
    """The sum of |error| over the sum of |target|, each over all steps of all series."""
    return sum(float(np.abs(one.error()).sum()) for one in forecasts.series) / forecasts.sum_of_targets()


_CALCULATIONS: Mapping[str, Callable[[_Forecasts], float]] = MappingProxyType(
    {
        "mape": _mean(_mape_of),
        "mae": _mean(_mae_of),
        "mse": _mean(_mse_of),
        "rmse": _rmse,
        "mase": _mean(_mase_of),
        "smape": _mean(_smape_of),
        "mean_absolute_quantile_loss": _mean_absolute_quantile_loss,
        "mean_weighted_quantile_loss": _mean_weighted_quantile_loss,
        "msis": _mean(_msis_of),
        "nd": _nd,
    }
)


def is_several(values: object) -> bool:
    """Whether these are several series rather than the numbers of one."""
    if isinstance(values, Mapping):
        return True
    if hasattr(values, "ndim"):
        return bool(values.ndim > 1)
    return isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0 and np.ndim(values[0]) > 0


def _named(argument: str, values: Any) -> dict[Any, Numbers]:  # Any: not checked yet; names of any kind
    """The series by name, else by number from 1."""
    if isinstance(values, Mapping):
        given = dict(values)
    elif is_several(values):
        given = dict(enumerate(np.asarray(values) if hasattr(values, "ndim") else values, start=1))
    else:
        given = {1: values}
    if not given:
        raise InvalidArrays(argument, "is empty")
    return {name: arrays.numbers(argument, series) for name, series in given.items()}


def _alike(
    argument: str, values: SeriesLike, targets: Mapping[Any, Numbers], *, same_length: bool = True
) -> dict[Any, Numbers]:
    """The same series as the targets, of the same length."""
    given = _named(argument, values)
    if given.keys() != targets.keys():
        raise InvalidArrays(
            argument, f"must have the series of y_true, {arrays.some(targets)}, but has {arrays.some(given)}"
        )
    for name, series in given.items():
        if same_length and len(series) != len(targets[name]):
            raise InvalidArrays(
                argument, f"has {len(series)} steps, but y_true has {len(targets[name])} in series {name}"
            )
    return given
