"""Arrays as callers may give them, checked: what is passed on holds numbers or labels for every row, and no gaps.

Importing this module without numpy raises `DependencyMissing`, which says how to get it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mooring.errors import DependencyMissing
from mooring.metrics.calculation import Undefined
from mooring.metrics.evaluation import InvalidArrays

try:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error

Numbers = NDArray[np.float64]

_MANY = 4


def array(argument: str, values: object) -> NDArray[Any]:  # Any: of whatever type the caller has
    """An array of any shape, not ragged."""
    try:
        return np.asarray(values)
    except ValueError:
        raise InvalidArrays(argument, "must have one dimension, but its rows differ in length") from None


def column(argument: str, values: object) -> NDArray[Any]:
    """One value for each row, at least one row."""
    given = array(argument, values)
    if given.ndim != 1:
        raise InvalidArrays(argument, f"must have one dimension, not {given.ndim}")
    if len(given) == 0:
        raise InvalidArrays(argument, "is empty")
    return given


def numbers(argument: str, values: object, n_rows: int | None = None) -> Numbers:
    """A finite number for each row."""
    return _finite(argument, _as_long(argument, column(argument, values), n_rows))


def table(argument: str, values: object, n_rows: int, like: str = "y_true") -> Numbers:
    """A row of finite numbers for each row of the argument that it should be `like`, in at least one column."""
    given = array(argument, values)
    if given.ndim != 2:
        raise InvalidArrays(argument, f"must have two dimensions, not {given.ndim}")
    if given.size == 0:
        raise InvalidArrays(argument, "is empty")
    return _finite(argument, _as_long(argument, given, n_rows, like))


def weights(values: ArrayLike | None, n_rows: int) -> Numbers | None:
    """A weight for each row, none negative and not all 0; None where none are given."""
    if values is None:
        return None
    given = numbers("sample_weight", values, n_rows)
    if (given < 0).any():
        raise InvalidArrays("sample_weight", "holds negative values")
    if not given.any():
        raise InvalidArrays("sample_weight", "is 0 for every row")
    return given


def labels(argument: str, values: object, n_rows: int | None = None) -> list[Any]:  # Any: whatever labels are
    """A label for each row, that can be told from others and is not missing."""
    given: list[Any] = _as_long(argument, column(argument, values), n_rows).tolist()
    try:
        distinct = set(given)
    except TypeError:
        raise InvalidArrays(argument, "must hold plain labels: numbers, text or booleans") from None
    if any(map(is_missing, distinct)):
        raise InvalidArrays(argument, "holds missing values")
    return given


def is_missing(value: object) -> bool:
    """Whether it stands for none: None; NaN, NaT and the like are not equal to themselves, or refuse to say."""
    try:
        return value is None or not bool(value == value)
    except TypeError:
        return True


def check_probabilities(scores: Numbers) -> None:
    """Raise Undefined where one of them can be none."""
    outside = (scores < 0) | (scores > 1)
    if outside.any():
        raise Undefined(f"A score is outside 0 to 1 ({scores[outside][0]:g}), so scores are no probabilities.")


def some(values: Iterable[object]) -> str:
    """A few of them, for a message."""
    shown = sorted(map(repr, values))
    return ", ".join(shown[:_MANY]) + (", …" if len(shown) > _MANY else "")


def standard_error_of_mean(values: Numbers) -> float:
    """The sample's standard deviation over the root of its size; NaN for a single value."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")


def standard_error_of_log_loss(chance: Numbers) -> float:
    """Of the probabilities that rows were given of what they are."""
    # As scikit-learn does it, so that the logarithm stays finite.
    return standard_error_of_mean(-np.log(np.maximum(chance, np.finfo(np.float64).eps)))


def _as_long(argument: str, given: NDArray[Any], n_rows: int | None, like: str = "y_true") -> NDArray[Any]:
    if n_rows is not None and len(given) != n_rows:
        raise InvalidArrays(argument, f"has {len(given)} values, but {like} has {n_rows}")
    return given


def _finite(argument: str, given: NDArray[Any]) -> Numbers:
    if given.dtype.kind not in "biufO":  # booleans, integers, floats, objects: text that looks like numbers is not
        raise InvalidArrays(argument, "must hold numbers")
    try:
        found = given.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidArrays(argument, "must hold numbers") from None
    if not np.isfinite(found).all():
        raise InvalidArrays(argument, "holds missing or infinite values")
    return found
