"""Values as a caller may give them, numpy's scalars and datetimes among them, and as the events want them.

What is no such value is passed on as it is where the event's constructor refuses it, naming the field.
"""

from __future__ import annotations

import math
import numbers
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, SupportsFloat, TypeVar, cast

from mooring.errors import InvalidEvent
from mooring.events import Thresholds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from mooring.metrics.binary import BinaryEvaluation, CostMatrix

# A time: Unix epoch milliseconds, or a datetime that says its time zone.
Time = int | datetime
E = TypeVar("E", bound=StrEnum)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_ms(field: str, given: object) -> int:
    """Epoch milliseconds of a time. Raises InvalidEvent naming the field."""
    if isinstance(given, datetime):
        if given.utcoffset() is None:
            raise InvalidEvent(field, f"{given} says no time zone; give one, for example tzinfo=datetime.UTC")
        return (given - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(given, bool) or not isinstance(given, numbers.Integral):
        raise InvalidEvent(
            field, f"must be whole milliseconds since 1970 or a datetime with a time zone, not {type(given).__name__}"
        )
    return int(given)


def id_or_new(given: str | None) -> str:
    return str(uuid.uuid4()) if given is None else given


def time_or(now: int, field: str, given: Time | None) -> int:
    """The time, or now where none is given. Raises InvalidEvent naming the field."""
    return now if given is None else epoch_ms(field, given)


def number(value: object) -> float:
    """A float of any real number, numpy's scalars included; other things as they are, for the event to refuse."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return cast(float, value)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number_map(field: str, values: Mapping[str, SupportsFloat] | None) -> dict[str, float]:
    return {code: number(value) for code, value in copied(field, values).items()}


def count(value: object) -> int:
    return cast(int, value) if isinstance(value, bool) or not isinstance(value, numbers.Integral) else int(value)


def copied(field: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidEvent(field, f"must map names to values, not be a {type(values).__name__}")
    return dict(values)


def bounds_of(code: str, bounds: Thresholds | Mapping[str, SupportsFloat]) -> Thresholds:
    if isinstance(bounds, Thresholds):
        return bounds
    field = f"thresholds.{code}"
    given = number_map(field, bounds)
    if unknown := given.keys() - Thresholds.__dataclass_fields__.keys():
        raise InvalidEvent(field, f"{', '.join(sorted(map(str, unknown)))}: known are min, soft_min, soft_max, max")
    return Thresholds(**given)


def member(field: str, kind: type[E], given: E | str) -> E:
    try:
        return kind(given)
    except ValueError:
        known = ", ".join(each for each in kind if each != "UNKNOWN")
        raise InvalidEvent(field, f"is {given!r}; known are {known}") from None


@dataclass(frozen=True)
class Calculated:
    """What was calculated from labels and scores; nothing without them."""

    metrics: Mapping[str, float]
    left_out: Mapping[str, str]
    n_rows: int | None
    n_positive: int | None
    n_negative: int | None


def calculated(
    y_true: ArrayLike | None,
    y_score: ArrayLike | None,
    positive: object,
    threshold: float,
    sample_weight: ArrayLike | None,
    cost_matrix: CostMatrix | None,
) -> Calculated | BinaryEvaluation:
    """What scikit-learn calculates of labels and scores. Raises what `evaluate_binary` raises, and InvalidEvent."""
    if y_true is None and y_score is None:
        return Calculated({}, {}, None, None, None)
    if y_true is None:
        raise InvalidEvent("y_true", "must be given with y_score")
    if y_score is None:
        raise InvalidEvent("y_score", "must be given with y_true")
    # Heavy, and an extra: loaded only where it is asked for.
    from mooring.metrics.binary import evaluate_binary

    return evaluate_binary(
        y_true,
        y_score,
        positive=positive,
        threshold=threshold,
        sample_weight=sample_weight,
        cost_matrix=cost_matrix,
    )
