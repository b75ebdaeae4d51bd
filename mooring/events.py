"""What others report to Mooring: the typed events of the input topics. A constructor refuses what breaks a rule.

Times are Unix epoch milliseconds, UTC. The maps are not to be changed after construction.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from math import isfinite
from operator import le
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from mooring.errors import InvalidEvent, Reason
from mooring.keys import ModelKey, ProjectKey, StoreKey, VersionKey, are_surely_ids, check_id
from mooring.metrics.catalogue import CATALOGUE, Direction, PredictionType
from mooring.records import Record, values_of

FUTURE_TOLERANCE_MS = 3_600_000
MAX_METRICS = 1_000
MAX_LABELS = 200
MAX_TEXT_BYTES = 4_096
_MAX_LONG = 2**63 - 1
_MAX_DOUBLE = sys.float_info.max
_FLOATS = frozenset({float})
_WORDS = {bool: "True or False", str: "text"}


class NodeKind(StrEnum):
    """What kind of place a node is."""

    DESIGN = "DESIGN"
    AUTOMATION = "AUTOMATION"
    OTHER = "OTHER"


class Change(StrEnum):
    """What happened to a model version in its life cycle."""

    ACTIVATED = "ACTIVATED"
    DEACTIVATED = "DEACTIVATED"
    ARCHIVED = "ARCHIVED"
    RESTORED = "RESTORED"
    DEPLOYED = "DEPLOYED"
    UNDEPLOYED = "UNDEPLOYED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomMetric(Record):
    """What a metric that is not in the standard catalogue means.

    Raises InvalidEvent where the code is no id or that of a standard metric.
    """

    code: str
    label: str | None = None
    direction: Direction = Direction.NONE

    def __post_init__(self) -> None:
        check_id("custom_metrics", self.code)
        _check_is("custom_metrics", self.direction, Direction)
        if self.code in CATALOGUE:
            raise InvalidEvent("custom_metrics", f"{self.code} is a standard metric; it cannot be declared anew")
        _check_text("custom_metrics", self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds(Record):
    """Bounds of a metric: outside min..max is critical, outside soft_min..soft_max a warning. None: no bound.

    Raises InvalidEvent where a bound is not finite or the bounds are out of order.
    """

    min: float | None = None
    soft_min: float | None = None
    soft_max: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.min, self.soft_min, self.soft_max, self.max) if bound is not None]
        for bound in bounds:
            _check_number("thresholds", bound)
        if not all(map(_is_finite, bounds)):
            raise InvalidEvent("thresholds", "must be finite numbers")
        if bounds != sorted(bounds):
            raise InvalidEvent("thresholds", "must be in the order min <= soft_min <= soft_max <= max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Record):
    """Base of the events: an identity, a node and a project."""

    IDS: ClassVar[tuple[str, ...]] = ("event_id", "node_id", "project_key")
    TEXTS: ClassVar[tuple[str, ...]] = ()
    TIMES: ClassVar[tuple[str, ...]] = ("recorded_at",)
    COUNTS: ClassVar[tuple[str, ...]] = ()
    FLAGS: ClassVar[tuple[str, ...]] = ()
    CHOICES: ClassVar[Mapping[str, type[StrEnum]]] = {}
    # The times that say when something happened, and that therefore cannot lie in the future.
    PAST: ClassVar[tuple[str, ...]] = ("recorded_at",)

    event_id: str
    node_id: str
    project_key: str
    recorded_at: int

    def __post_init__(self) -> None:
        cls: Any = type(self)  # mypy takes a type for not hashable
        values = _values(cls)
        if not are_surely_ids(values.ids(self)):
            for name in self.IDS:
                check_id(name, getattr(self, name))
        given = values.optional(self) != values.absent
        if given:
            for name in self.TEXTS:
                _check_text(name, getattr(self, name))
        for name in self.TIMES:
            _check_whole(name, getattr(self, name))
        if given:
            for name in self.COUNTS:
                if (count := getattr(self, name)) is not None:
                    _check_whole(name, count)
        for name in self.FLAGS:
            _check_is(name, getattr(self, name), bool)
        for name, kind in self.CHOICES.items():
            _check_is(name, getattr(self, name), kind)

    @property
    def project(self) -> ProjectKey:
        """The key of the event's record in Kafka."""
        return ProjectKey.of(self.node_id, self.project_key)

    def check_not_in_the_future(self, now: int) -> None:
        """Raise InvalidEvent (`dated_in_the_future`) where the event lies more than an hour past `now`, epoch ms."""
        for name in self.PAST:
            ahead = getattr(self, name) - now
            if ahead > FUTURE_TOLERANCE_MS:
                raise InvalidEvent(
                    name,
                    f"lies {ahead / 3_600_000:.1f} hours in the future; check the clock and the unit (milliseconds)",
                    Reason.DATED_IN_THE_FUTURE,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBuild(Event):
    """A model version was built, with the metrics measured at the build."""

    IDS = (*Event.IDS, "model_id", "version_id")
    TEXTS = ("model_name", "version_name", "algorithm", "author", "source_url")
    TIMES = PAST = ("built_at", "recorded_at")
    COUNTS = ("n_positive", "n_negative")
    FLAGS = ("activate",)
    CHOICES = MappingProxyType({"node_kind": NodeKind, "prediction_type": PredictionType})

    node_kind: NodeKind = NodeKind.OTHER
    model_id: str
    model_name: str | None = None
    version_id: str
    version_name: str | None = None
    algorithm: str | None = None
    prediction_type: PredictionType = PredictionType.OTHER
    built_at: int
    activate: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    metric_std: dict[str, float] = field(default_factory=dict)
    standard_errors: dict[str, float] = field(default_factory=dict)
    custom_metrics: tuple[CustomMetric, ...] = ()
    n_positive: int | None = None
    n_negative: int | None = None
    author: str | None = None
    source_url: str | None = None
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        _check_metrics(self.metrics)
        _check_errors("metric_std", self.metric_std)
        _check_additions(self)

    @property
    def version(self) -> VersionKey:
        return VersionKey.of(self.node_id, self.project_key, self.model_id, self.version_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRun(Event):
    """One run of an evaluation of one version in one evaluation store of the version's own project (rule 1)."""

    IDS = (*Event.IDS, "store_id", "evaluation_id", "model_project_key", "model_id", "version_id")
    TEXTS = ("source_url",)
    TIMES = PAST = ("evaluated_at", "recorded_at")
    COUNTS = ("n_rows", "n_positive", "n_negative")

    store_id: str
    evaluation_id: str
    model_project_key: str
    model_id: str
    version_id: str
    evaluated_at: int
    metrics: dict[str, float] = field(default_factory=dict)
    standard_errors: dict[str, float] = field(default_factory=dict)
    custom_metrics: tuple[CustomMetric, ...] = ()
    synced: bool | None = None
    n_rows: int | None = None
    n_positive: int | None = None
    n_negative: int | None = None
    source_url: str | None = None
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if self.model_project_key != self.project_key:
            raise InvalidEvent(
                "model_project_key",
                f"the store belongs to project {self.project_key!r}, the model to {self.model_project_key!r}; "
                "a store only evaluates versions of its own project",
                Reason.STORE_OUTSIDE_PROJECT,
            )
        if self.synced is not None:
            _check_is("synced", self.synced, bool)
        _check_metrics(self.metrics)
        _check_additions(self)

    @property
    def version(self) -> VersionKey:
        return VersionKey.of(self.node_id, self.model_project_key, self.model_id, self.version_id)

    @property
    def store(self) -> StoreKey:
        return StoreKey.of(self.node_id, self.project_key, self.store_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationStore(Event):
    """The configuration of an evaluation store from `effective_at` on, which may lie ahead."""

    IDS = (*Event.IDS, "store_id")
    TEXTS = ("name", "actor")
    TIMES = ("effective_at", "recorded_at")
    FLAGS = ("synced",)

    store_id: str
    name: str | None = None
    synced: bool = True
    effective_at: int
    thresholds: dict[str, Thresholds] = field(default_factory=dict)
    actor: str | None = None

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        _check_size("thresholds", self.thresholds, MAX_METRICS)
        for code, bounds in self.thresholds.items():
            check_id("thresholds", code)
            _check_is(f"thresholds.{code}", bounds, Thresholds)

    @property
    def store(self) -> StoreKey:
        return StoreKey.of(self.node_id, self.project_key, self.store_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleChange(Event):
    """A version was activated, archived, deployed to an infrastructure, or the reverse."""

    IDS = (*Event.IDS, "model_id", "version_id")
    TEXTS = ("infrastructure", "stage", "actor")
    TIMES = PAST = ("changed_at", "recorded_at")
    CHOICES = MappingProxyType({"change": Change})

    model_id: str
    version_id: str
    change: Change
    infrastructure: str | None = None
    stage: str | None = None
    actor: str | None = None
    changed_at: int

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if self.change is Change.UNKNOWN:
            raise InvalidEvent("change", "is none that this version of Mooring knows")
        if self.change in (Change.DEPLOYED, Change.UNDEPLOYED) and not self.infrastructure:
            raise InvalidEvent("infrastructure", f"must be given with {self.change}")

    @property
    def model(self) -> ModelKey:
        return ModelKey.of(self.node_id, self.project_key, self.model_id)

    @property
    def version(self) -> VersionKey:
        return VersionKey.of(self.node_id, self.project_key, self.model_id, self.version_id)


def check_metric(code: str, value: float) -> None:
    """Raise InvalidEvent unless the value is one that the metric can have: finite, and a standard one in its range."""
    if not _is_finite(value):
        raise InvalidEvent(f"metrics.{code}", f"is {value}; leave out what is not known", Reason.METRIC_NOT_FINITE)
    spec = CATALOGUE.get(code)
    if spec is None:
        check_id("metrics", code)
    elif not spec.low <= value <= spec.high:
        raise InvalidEvent(
            f"metrics.{code}",
            f"is {value:g}, outside the range {spec.low:g} to {spec.high:g} of {spec.label}",
            Reason.METRIC_OUT_OF_RANGE,
        )


class _Values(NamedTuple):
    """How to get at what is checked in the events of a class, many values at once."""

    ids: Callable[[Event], tuple[object, ...]]
    optional: Callable[[Event], tuple[object, ...]]
    # What `optional` gets where none is given.
    absent: tuple[None, ...]


@cache
def _values(cls: type[Event]) -> _Values:
    optional = [*cls.TEXTS, *cls.COUNTS]
    return _Values(values_of(cls.IDS), values_of(optional), (None,) * len(optional))


# More metrics than these are checked one by one, and nothing is kept of their codes.
_MOST_AT_ONCE = 64


@lru_cache(maxsize=1_024)
def _bounds(codes: tuple[str, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The least and the greatest values that these metrics can have.

    Where there is no bound, the largest double is one: so infinity is out of every range, as NaN is.
    Raises InvalidEvent where a code is none, and so keeps nothing of it.
    """
    for code in codes:
        check_id("metrics", code)
    specs = [CATALOGUE.get(code) for code in codes]
    return (
        tuple(-_MAX_DOUBLE if spec is None else max(spec.low, -_MAX_DOUBLE) for spec in specs),
        tuple(_MAX_DOUBLE if spec is None else min(spec.high, _MAX_DOUBLE) for spec in specs),
    )


def _are_surely_metrics(metrics: Mapping[str, float]) -> bool:
    """Whether `check_metric` would let all pass, as it does nearly always. It alone can tell where this says no.

    Checked at once: twelve in 1.5 us rather than 2.6.
    """
    if len(metrics) > _MOST_AT_ONCE:
        return False
    try:
        least, greatest = _bounds(tuple(metrics))
    except InvalidEvent:
        return False
    values = metrics.values()
    return _FLOATS.issuperset(map(type, values)) and all(map(le, least, values)) and all(map(le, values, greatest))


def _check_metrics(metrics: Mapping[str, float]) -> None:
    _check_size("metrics", metrics, MAX_METRICS)
    if _are_surely_metrics(metrics):
        return
    for code, value in metrics.items():
        if type(value) is not float:
            _check_number(f"metrics.{code}", value)
        check_metric(code, value)


def _check_additions(event: ModelBuild | EvaluationRun) -> None:
    # Each is nearly always empty, and to call a function for nothing takes longer than to look.
    if event.standard_errors != {}:
        _check_errors("standard_errors", event.standard_errors)
    if event.custom_metrics != ():
        _check_declarations(event.custom_metrics)
    if event.labels != {}:
        _check_labels(event.labels)


def _check_errors(name: str, errors: Mapping[str, float]) -> None:
    _check_size(name, errors, MAX_METRICS)
    for code, value in errors.items():
        check_id(name, code)
        _check_number(f"{name}.{code}", value)
        if not _is_finite(value):
            raise InvalidEvent(f"{name}.{code}", f"is {value}; leave out what is not known", Reason.METRIC_NOT_FINITE)
        if value < 0:
            raise InvalidEvent(f"{name}.{code}", f"is {value:g}; it cannot be negative")


def _check_declarations(declared: tuple[CustomMetric, ...]) -> None:
    for metric in declared:
        _check_is("custom_metrics", metric, CustomMetric)
    codes = [metric.code for metric in declared]
    if len(codes) > MAX_METRICS:
        raise InvalidEvent("custom_metrics", f"has {len(codes)} entries; at most {MAX_METRICS} are allowed")
    if len(set(codes)) != len(codes):
        raise InvalidEvent("custom_metrics", "declares a metric twice")


def _check_labels(labels: Mapping[str, str]) -> None:
    _check_size("labels", labels, MAX_LABELS)
    for name, value in labels.items():
        check_id("labels", name)
        _check_is(f"labels.{name}", value, str)
        _check_text(f"labels.{name}", value)


def _check_size(name: str, values: Mapping[str, object], limit: int) -> None:
    if len(values) > limit:
        raise InvalidEvent(name, f"has {len(values)} entries; at most {limit} are allowed")


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # a whole number beyond the range of doubles
        return False


def _check_is(name: str, value: object, kind: type) -> None:
    # Avro's writer would take the text "false" for true.
    if not isinstance(value, kind):
        raise InvalidEvent(name, f"must be {_WORDS.get(kind) or f'a {kind.__name__}'}, not {type(value).__name__}")


def _check_number(name: str, value: object) -> None:
    # A numpy float64 is a float; a bool is an int, but no measurement.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidEvent(name, f"must be a number, not {type(value).__name__}")


def _check_whole(name: str, value: object) -> None:
    if type(value) is int and 0 <= value <= _MAX_LONG:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidEvent(name, f"must be a whole number, not {type(value).__name__}")
    if not 0 <= value <= _MAX_LONG:
        raise InvalidEvent(name, f"is {value}; it must be between 0 and {_MAX_LONG}")


def _check_text(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidEvent(name, f"must be text, not {type(value).__name__}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidEvent(name, "is not valid Unicode text") from None
    if size > MAX_TEXT_BYTES:
        raise InvalidEvent(name, f"has {size} bytes; at most {MAX_TEXT_BYTES} are allowed")
