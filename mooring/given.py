"""Values as a caller may give them, numpy's scalars and datetimes among them, and as the events want them.

What is no such value is passed on as it is where the event's constructor refuses it, naming the field.
"""

from __future__ import annotations

import math
import numbers
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, SupportsFloat, SupportsIndex, TypeVar, cast

from mooring.errors import InvalidEvent
from mooring.events import CustomMetric, Thresholds
from mooring.metrics.evaluation import CostMatrix, Evaluation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

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
class Measured:
    """What an event says of the rows that were evaluated, and a sentence for each metric that they do not define."""

    metrics: dict[str, float]
    standard_errors: dict[str, float]
    custom_metrics: tuple[CustomMetric, ...]
    labels: dict[str, str]
    n_rows: int | None
    n_positive: int | None
    n_negative: int | None
    left_out: Mapping[str, str]


def measured(
    found: Evaluation | None,
    metrics: Mapping[str, SupportsFloat] | None,
    standard_errors: Mapping[str, SupportsFloat] | None,
    custom_metrics: Iterable[CustomMetric],
    labels: Mapping[str, str] | None,
    n_rows: SupportsIndex | None,
    n_positive: SupportsIndex | None,
    n_negative: SupportsIndex | None,
) -> Measured:
    """An evaluation, if there is one, and what is given by hand, which holds where both say something.

    Raises InvalidEvent naming the field.
    """
    by_hand, declared = number_map("metrics", metrics), tuple(custom_metrics)
    given = Measured(
        metrics=by_hand,
        standard_errors=number_map("standard_errors", standard_errors),
        custom_metrics=declared,
        labels=copied("labels", labels),
        n_rows=None if n_rows is None else count(n_rows),
        n_positive=None if n_positive is None else count(n_positive),
        n_negative=None if n_negative is None else count(n_negative),
        left_out={},
    )
    if found is None:
        return given
    # A value by hand is not the one whose error was calculated.
    errors = {code: error for code, error in found.standard_errors.items() if code not in by_hand}
    codes = {metric.code for metric in declared}
    calculated = (
        CustomMetric(code=spec.code, label=spec.label, direction=spec.direction)
        for spec in found.custom_metrics
        if spec.code not in codes
    )
    return Measured(
        metrics={**found.metrics, **by_hand},
        standard_errors={**errors, **given.standard_errors},
        custom_metrics=(*calculated, *declared),
        labels={**found.labels, **given.labels},
        n_rows=found.n_rows if given.n_rows is None else given.n_rows,
        n_positive=found.n_positive if given.n_positive is None else given.n_positive,
        n_negative=found.n_negative if given.n_negative is None else given.n_negative,
        left_out=found.left_out,
    )


def evaluation_of(
    metrics: Mapping[str, SupportsFloat] | Evaluation | None,
    y_true: ArrayLike | None,
    y_score: ArrayLike | None,
    positive: object,
    threshold: float,
    sample_weight: ArrayLike | None,
    cost_matrix: CostMatrix | None,
) -> tuple[Evaluation | None, Mapping[str, SupportsFloat] | None]:
    """The evaluation that is given as metrics or calculated from labels and scores, and the metrics given by hand.

    Raises what `evaluate_binary` raises, and InvalidEvent.
    """
    if isinstance(metrics, Evaluation):
        if y_true is not None or y_score is not None:
            raise InvalidEvent("metrics", "must be numbers where y_true and y_score are given, not an evaluation too")
        return metrics, None
    if y_true is None and y_score is None:
        return None, metrics
    if y_true is None:
        raise InvalidEvent("y_true", "must be given with y_score")
    if y_score is None:
        raise InvalidEvent("y_score", "must be given with y_true")
    # Heavy, and an extra: loaded only where it is asked for.
    from mooring.metrics.binary import evaluate_binary

    found = evaluate_binary(
        y_true,
        y_score,
        positive=positive,
        threshold=threshold,
        sample_weight=sample_weight,
        cost_matrix=cost_matrix,
    )
    return found, metrics
