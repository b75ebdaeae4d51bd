"""Events for the tests of the stream: one of each kind with the rest filled in, and Hypothesis strategies.

The strategies draw from a few models, versions, stores, metrics and times, so that collisions, ties, corrections and
late arrivals are the rule. Event ids are unique, and their order has nothing to do with that of the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from mooring.events import (
    Change,
    CustomMetric,
    EvaluationRun,
    EvaluationStore,
    Event,
    LifecycleChange,
    ModelBuild,
    NodeKind,
    Thresholds,
)
from mooring.keys import VersionKey
from mooring.metrics.catalogue import Direction, PredictionType

NODE = "ci"
PROJECT = "COUPONS"
V1 = VersionKey(NODE, PROJECT, "redemption", "v1")
V2 = VersionKey(NODE, PROJECT, "redemption", "v2")

E = TypeVar("E", bound=Event)


# One event of each kind. Any: the fields are those of the event, which checks them itself.
Given = dict[str, Any]


def build(event_id: str = "build-1", at: int = 1_000, **fields: Any) -> ModelBuild:
    """A build of V1 at a time, with a ROC AUC of 0.87."""
    given: Given = {"model_id": V1.model_id, "version_id": V1.version_id, "metrics": {"roc_auc": 0.87}} | fields
    return ModelBuild(event_id=event_id, node_id=NODE, project_key=PROJECT, built_at=at, recorded_at=at, **given)


def evaluation(event_id: str = "run-1", at: int = 2_000, **fields: Any) -> EvaluationRun:
    """An evaluation of V1 at a time in the store "weekly", with a ROC AUC of 0.81."""
    given: Given = {
        "model_id": V1.model_id,
        "version_id": V1.version_id,
        "model_project_key": PROJECT,
        "store_id": "weekly",
        "evaluation_id": f"evaluation-{event_id}",
        "recorded_at": at,
        "metrics": {"roc_auc": 0.81},
    } | fields
    return EvaluationRun(event_id=event_id, node_id=NODE, project_key=PROJECT, evaluated_at=at, **given)


def store(event_id: str = "store-1", at: int = 0, **fields: Any) -> EvaluationStore:
    """A configuration of the store "weekly" from a time on."""
    given: Given = {"store_id": "weekly", "recorded_at": at} | fields
    return EvaluationStore(event_id=event_id, node_id=NODE, project_key=PROJECT, effective_at=at, **given)


def change(what: Change, event_id: str = "change-1", at: int = 3_000, **fields: Any) -> LifecycleChange:
    """A change in the life of V1 at a time."""
    given: Given = {"model_id": V1.model_id, "version_id": V1.version_id, "recorded_at": at} | fields
    return LifecycleChange(event_id=event_id, node_id=NODE, project_key=PROJECT, change=what, changed_at=at, **given)


# Strategies

_UNNAMED = "unnamed"
_times = st.integers(1, 4)
_models = st.sampled_from(["redemption", "model/ü 2"])
_versions = st.sampled_from(["v1", "v2"])
_stores = st.sampled_from(["weekly", "daily"])
# 0.80, 0.82 and 0.85 lie a warning and a critical drift apart, but for what floating point makes of it.
_values = st.sampled_from([0.8, 0.82, 0.85, 0.87])
_others = {"data_drift": _values, "uplift": _values}
_with_roc_auc = st.fixed_dictionaries({"roc_auc": _values}, optional=_others)
_metrics = st.one_of(_with_roc_auc, _with_roc_auc, st.fixed_dictionaries({}, optional=_others))
_declarations = st.one_of(
    st.just(()),
    st.builds(
        lambda label, direction: (CustomMetric(code="uplift", label=label, direction=direction),),
        st.sampled_from([None, "Uplift"]),
        st.sampled_from(Direction),
    ),
)
# Of 100 rows a fall of 0.07 may be chance, of 10,000 none of 0.02 is.
_counts = st.sampled_from([None, 50, 5_000])
_sizes = {
    "n_positive": _counts,
    "n_negative": _counts,
    "standard_errors": st.dictionaries(
        st.sampled_from(["roc_auc", "data_drift"]), st.sampled_from([0.002, 0.03]), max_size=2
    ),
}
_project = {"event_id": st.just(_UNNAMED), "node_id": st.just(NODE), "project_key": st.just(PROJECT)}
_about = _project | {"model_id": _models, "version_id": _versions, "recorded_at": _times}

builds = st.builds(
    ModelBuild,
    **_about,
    built_at=_times,
    activate=st.booleans(),
    metrics=_metrics,
    metric_std=st.dictionaries(st.just("roc_auc"), st.just(0.01)),
    **_sizes,
    custom_metrics=_declarations,
    node_kind=st.sampled_from(NodeKind),
    model_name=st.sampled_from([None, "Coupon redemption"]),
    version_name=st.sampled_from([None, "first"]),
    algorithm=st.sampled_from([None, "random forest"]),
    prediction_type=st.sampled_from(PredictionType),
    author=st.sampled_from([None, "ana"]),
    source_url=st.sampled_from([None, "https://builds.example/1"]),
    labels=st.dictionaries(st.sampled_from(["team", "stage"]), st.just("x"), max_size=2),
)

evaluations = st.builds(
    EvaluationRun,
    **_about,
    store_id=_stores,
    model_project_key=st.just(PROJECT),
    evaluation_id=st.sampled_from(["a", "b"]),
    evaluated_at=_times,
    metrics=_metrics,
    n_rows=st.sampled_from([None, None, 500]),
    **_sizes,
    custom_metrics=_declarations,
    synced=st.integers(0, 7).map([None, None, None, None, None, True, True, False].__getitem__),
    source_url=st.sampled_from([None, "https://runs.example/1"]),
)

configurations = st.builds(
    EvaluationStore,
    **_project,
    store_id=_stores,
    recorded_at=_times,
    effective_at=_times,
    synced=st.booleans(),
    name=st.sampled_from([None, "Every week"]),
    thresholds=st.dictionaries(
        st.sampled_from(["roc_auc", "data_drift"]),
        st.builds(Thresholds, min=_values, soft_min=st.sampled_from([None, 0.87])),
        max_size=2,
    ),
    actor=st.sampled_from([None, "jane"]),
)

changes = st.one_of(
    st.builds(
        LifecycleChange,
        **_about,
        changed_at=_times,
        change=st.sampled_from([Change.ACTIVATED, Change.DEACTIVATED]),
        stage=st.sampled_from([None, "test"]),
    ),
    st.builds(
        LifecycleChange,
        **_about,
        changed_at=_times,
        change=st.sampled_from([Change.ARCHIVED, Change.RESTORED, Change.DEPLOYED, Change.UNDEPLOYED]),
        infrastructure=st.sampled_from(["eu", "us"]),
    ),
)


@st.composite
def named(draw: st.DrawFn, kinds: st.SearchStrategy[E], max_size: int = 12) -> list[E]:
    """Distinct events of some kinds, in the order of nothing."""
    # Left alone, Hypothesis prefers short lists, in which little meets.
    fewest = draw(st.sampled_from([0, max_size // 3, max_size * 2 // 3]))
    drafts = draw(st.lists(kinds, min_size=fewest, max_size=max_size))
    ranks = draw(st.permutations(range(len(drafts))))
    return [replace(draft, event_id=f"event-{rank:02}") for draft, rank in zip(drafts, ranks, strict=True)]


def facts(max_size: int = 12) -> st.SearchStrategy[list[Event]]:
    """Builds, evaluations and life-cycle changes; evaluations more than half of them."""
    # Not `one_of`, which takes a strategy that is named twice for one.
    return named(st.integers(0, 4).flatmap(lambda kind: _KINDS[kind]), max_size)


_KINDS: tuple[st.SearchStrategy[Event], ...] = (evaluations, evaluations, evaluations, builds, changes)


def facts_of_one_version() -> st.SearchStrategy[list[Event]]:
    """The same, all of V1: most of them meet there."""
    return facts().map(lambda events: [_of_v1(event) for event in events])


def _of_v1(event: Event) -> Event:
    assert isinstance(event, ModelBuild | EvaluationRun | LifecycleChange)
    return replace(event, model_id=V1.model_id, version_id=V1.version_id)


@st.composite
def stores(draw: st.DrawFn) -> list[EvaluationStore]:
    """Configurations of stores, with ids that no other event has."""
    found = draw(named(configurations, 3))
    return [replace(one, event_id=f"store-{one.event_id}") for one in found]


@st.composite
def arrivals(draw: st.DrawFn, events: Sequence[E]) -> list[E]:
    """The events in any order, some of them repeatedly, none left out."""
    repeated = draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    return draw(st.permutations([*events, *repeated]))
