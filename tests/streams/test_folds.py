"""The folds, rule by rule of domain.md 2 to 5: what a row holds after a few events, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest

from mooring.events import Change, CustomMetric, EvaluationRun, EvaluationStore, LifecycleChange, ModelBuild
from mooring.metrics.catalogue import Direction
from mooring.outputs import ModelActivation, StoreSettings, VersionState
from streams.folds import activated, built, configured, counted, counts, in_force, lived, with_activity
from streams.rows import ARCHIVE, DEPLOYMENT, VersionRow, drift_of
from tests.streams.strategies import V1, V2, build, change, evaluation, store

EMPTY = VersionRow(V1)


def folded(*events: ModelBuild | EvaluationRun | LifecycleChange) -> VersionRow:
    row = EMPTY
    for event in events:
        match event:
            case ModelBuild():
                row = built(row, event)
            case EvaluationRun():
                row = counted(row, event)
            case LifecycleChange():
                row = lived(row, event)
    return row


def current(row: VersionRow) -> dict[str, float]:
    return dict(row.current)


def settings(*events: EvaluationStore) -> StoreSettings:
    row = StoreSettings(store_key="ci/COUPONS/weekly", node_id="ci", project_key="COUPONS", store_id="weekly")
    for event in events:
        row = configured(row, event)
    return row


def in_any_order(events: Iterable[Any]) -> pytest.MarkDecorator:
    """Run a test with its argument `order` being each order of the events."""
    orders = list(permutations(events))
    return pytest.mark.parametrize("order", orders, ids=["-".join(one.event_id for one in order) for order in orders])


# Rule 2: opt-out


@pytest.mark.parametrize(
    ("synced", "configurations", "expected"),
    [
        pytest.param(None, [], True, id="a store that nobody configured is synced"),
        pytest.param(True, [], True, id="said to be synced"),
        pytest.param(False, [], False, id="an evaluation opts out by itself"),
        pytest.param(None, [store("s1", 1_000, synced=False)], False, id="its store opted out"),
        pytest.param(True, [store("s1", 1_000, synced=False)], False, id="an evaluation cannot opt in by itself"),
        pytest.param(False, [store("s1", 1_000, synced=True)], False, id="opts out of a synced store"),
        pytest.param(None, [store("s1", 2_000, synced=False)], False, id="from the very moment on"),
        pytest.param(None, [store("s1", 2_001, synced=False)], True, id="not before it"),
        pytest.param(None, [store("s1", 0, synced=False), store("s2", 1_500)], True, id="opted in again"),
        pytest.param(None, [store("s1", 0), store("s2", 1_500, synced=False)], False, id="opted out later"),
        pytest.param(None, [store("s1", 0, synced=False), store("s2", 2_500)], False, id="opts in too late"),
    ],
)
def test_the_configuration_in_force_when_it_was_evaluated_decides(
    synced: bool | None, configurations: list[EvaluationStore], expected: bool
) -> None:
    run = evaluation(at=2_000, synced=synced)
    for order in permutations(configurations):
        assert counts(run, in_force(settings(*order) if order else None, run.evaluated_at)) is expected


def test_recorded_at_does_not_decide_when_a_configuration_is_in_force() -> None:
    """Neither that of the configuration nor that of the evaluation."""
    late_word = store("s1", 1_000, synced=False, recorded_at=9_000)
    assert not counts(evaluation(at=2_000, recorded_at=2_000), in_force(settings(late_word), 2_000))
    assert counts(evaluation(at=999, recorded_at=2_000), in_force(settings(late_word), 999))


@in_any_order([store("s2", 5, synced=False, recorded_at=1), store("s1", 5, recorded_at=2, name="second")])
def test_of_two_configurations_from_one_moment_on_the_one_recorded_last_stands(order: list[EvaluationStore]) -> None:
    row = settings(*order)
    assert [one.event_id for one in row.configurations] == ["s1"]
    assert (row.configurations[0].name, row.configurations[0].synced) == ("second", True)


@in_any_order([store("s1", 5, recorded_at=1), store("s2", 5, synced=False, recorded_at=1)])
def test_recorded_at_once_the_greater_event_id_decides(order: list[EvaluationStore]) -> None:
    assert [one.event_id for one in settings(*order).configurations] == ["s2"]


@in_any_order([store("s1", 5), store("s2", 3), store("s3", 4)])
def test_every_configuration_is_kept_oldest_first(order: list[EvaluationStore]) -> None:
    row = settings(*order)
    assert [one.event_id for one in row.configurations] == ["s2", "s3", "s1"]
    found = [in_force(row, at) for at in (2, 3, 4, 99)]
    assert [one and one.event_id for one in found] == [None, "s2", "s3", "s1"]


# Rule 4: newest wins, metric by metric

OLDER: dict[str, Any] = {"at": 2_000, "evaluation_id": "m", "store_id": "m", "recorded_at": 2_000}


@pytest.mark.parametrize(
    ("newer", "older_id", "newer_id"),
    [
        # Each newer one is smaller in every field that comes after the one it is greater in.
        pytest.param(
            {"at": 2_001, "evaluation_id": "a", "store_id": "a", "recorded_at": 1}, "z", "a", id="by evaluated_at"
        ),
        pytest.param({"evaluation_id": "n", "store_id": "a", "recorded_at": 1}, "z", "a", id="then by evaluation_id"),
        pytest.param({"store_id": "n", "recorded_at": 1}, "z", "a", id="then by store_id"),
        pytest.param({"recorded_at": 2_001}, "z", "a", id="then by recorded_at"),
        pytest.param({}, "a", "z", id="then by event_id"),
    ],
)
def test_the_greatest_stamp_wins(newer: dict[str, Any], older_id: str, newer_id: str) -> None:
    loses = evaluation(older_id, **OLDER, metrics={"roc_auc": 0.80})
    wins = evaluation(newer_id, **(OLDER | newer), metrics={"roc_auc": 0.70})
    assert current(folded(loses, wins)) == {"roc_auc": 0.70}
    assert current(folded(wins, loses)) == {"roc_auc": 0.70}


def test_the_same_evaluation_again_with_a_later_recorded_at_is_a_correction() -> None:
    first = evaluation("r1", evaluation_id="monday", metrics={"roc_auc": 0.18}, recorded_at=2_000)
    corrected = evaluation("r0", evaluation_id="monday", metrics={"roc_auc": 0.81}, recorded_at=2_001)
    assert current(folded(first, corrected)) == current(folded(corrected, first)) == {"roc_auc": 0.81}


@in_any_order(
    [
        evaluation("r1", 2_000, metrics={"roc_auc": 0.81, "accuracy": 0.9}),
        evaluation("r2", 2_001, metrics={"data_drift": 0.3}, store_id="drift only"),
        evaluation("r3", 2_002, metrics={"accuracy": 0.8}),
    ]
)
def test_a_store_that_measures_one_metric_does_not_blank_the_others(order: list[EvaluationRun]) -> None:
    row = folded(*order)
    assert current(row) == {"roc_auc": 0.81, "accuracy": 0.8, "data_drift": 0.3}
    assert {code: stamp.event_id for stamp, values in row.sources.items() for code in values} == {
        "roc_auc": "r1",
        "accuracy": "r3",
        "data_drift": "r2",
    }


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(evaluation("r2", 2_000), id="a duplicate"),
        pytest.param(evaluation("r1", 1_999, metrics={"roc_auc": 0.5}), id="late"),
        pytest.param(evaluation("r3", 2_001, metrics={}), id="without metrics"),
    ],
)
def test_an_evaluation_that_sets_no_metric_leaves_the_very_row(again: EvaluationRun) -> None:
    row = folded(build(), evaluation("r2", 2_000))
    assert counted(row, again) is row


# Rule 5: builds too


@in_any_order(
    [
        build("b2", 1_000, metrics={"roc_auc": 0.86}, author="bo"),
        build("b1", 1_000, metrics={"roc_auc": 0.85}, author="al"),
        build("b3", 999, metrics={"roc_auc": 0.84}),
    ]
)
def test_the_build_with_the_greatest_built_at_then_event_id_gives_the_initial_metrics(order: list[ModelBuild]) -> None:
    row = folded(*order)
    assert row.initial == {"roc_auc": 0.86}
    assert row.build is not None
    assert (row.build.event_id, row.build.author) == ("b2", "bo")


def test_a_build_that_is_not_newer_leaves_the_very_row() -> None:
    row = folded(build("b2", 1_000, activate=True))
    assert built(row, build("b2", 1_000, activate=True)) is row
    assert built(row, build("b3", 999, metrics={})) is row


def test_an_evaluation_may_arrive_before_its_build() -> None:
    waiting = folded(evaluation())
    assert waiting.state is VersionState.AWAITING_BUILD
    assert (waiting.initial, drift_of(waiting.current, waiting.initial)) == ({}, {})
    complete = folded(evaluation(), build())
    assert complete.state is VersionState.EVALUATED
    assert drift_of(complete.current, complete.initial) == {"roc_auc": 0.81 - 0.87}
    assert complete == folded(build(), evaluation())


def test_a_version_that_is_built_and_not_evaluated_is_in_its_initial_state() -> None:
    assert folded(build()).state is VersionState.INITIAL


def test_drift_is_only_defined_where_both_values_are_known() -> None:
    row = folded(
        build(metrics={"roc_auc": 0.87, "accuracy": 0.9}), evaluation(metrics={"roc_auc": 0.87, "data_drift": 0.1})
    )
    assert drift_of(row.current, row.initial) == {"roc_auc": 0.0}


# Rule 5: the active version


def active_version(*events: ModelBuild | LifecycleChange) -> str | None:
    """Which of the two versions is active after the events, or neither; every order of them must agree."""
    found = {_active_version(order) for order in permutations(events)}
    assert len(found) == 1, f"the order of arrival decides: {found}"
    return found.pop()


def _active_version(order: Iterable[ModelBuild | LifecycleChange]) -> str | None:
    rows = {"v1": VersionRow(V1), "v2": VersionRow(V2)}
    newest: ModelActivation | None = None
    for event in order:
        row = rows[event.version_id]
        rows[event.version_id] = built(row, event) if isinstance(event, ModelBuild) else lived(row, event)
        newest = activated(newest, event)
    active = [name for name, row in rows.items() if with_activity(row, newest).active]
    assert len(active) <= 1
    return active[0] if active else None


ON, OFF = Change.ACTIVATED, Change.DEACTIVATED


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([build("b1")], None, id="a build as such activates nothing"),
        pytest.param([build("b1", activate=True)], "v1", id="a build may activate"),
        pytest.param([change(ON, "c1")], "v1", id="activated before its build is known"),
        pytest.param(
            [build("b1", 10, activate=True), build("b2", 11, activate=True, version_id="v2")],
            "v2",
            id="the newest activation, by built_at",
        ),
        pytest.param(
            [build("b1", 10, activate=True), change(ON, "c1", 9, version_id="v2")], "v1", id="changed_at and built_at"
        ),
        pytest.param(
            [change(ON, "c2", 10), change(ON, "c1", 10, version_id="v2")], "v1", id="at one time, the greater event id"
        ),
        pytest.param(
            [build("z", 10, activate=True), change(ON, "a", 10, version_id="v2")], "v1", id="of a build as well"
        ),
        pytest.param([change(ON, "c1", 10), change(OFF, "c2", 11)], None, id="deactivated since"),
        pytest.param([change(ON, "c1", 10), change(OFF, "c2", 9)], "v1", id="deactivated before"),
        pytest.param([change(ON, "c2", 10), change(OFF, "c1", 10)], "v1", id="both at one time, the greater event id"),
        pytest.param([build("b1", 10, activate=True), change(OFF, "c1", 11)], None, id="deactivated after a build"),
        pytest.param(
            [change(ON, "c1", 10), change(ON, "c2", 12, version_id="v2"), change(OFF, "c3", 13, version_id="v2")],
            None,
            id="deactivating a version does not bring back the one before",
        ),
        pytest.param(
            [change(ON, "c1", 10), change(OFF, "c2", 11, version_id="v2")], "v1", id="another version is deactivated"
        ),
        pytest.param(
            [build("b1", 10, activate=True), build("b2", 12), change(ON, "c1", 11, version_id="v2")],
            "v2",
            id="a rebuild that does not activate",
        ),
    ],
)
def test_the_active_version_is_that_of_the_newest_activation(
    events: list[ModelBuild | LifecycleChange], expected: str | None
) -> None:
    assert active_version(*events) == expected


# Life cycle: newest wins per fact


@in_any_order([change(Change.ARCHIVED, "c1", 10), change(Change.RESTORED, "c2", 11), change(OFF, "c3", 12)])
def test_archiving_is_a_fact_of_its_own(order: list[LifecycleChange]) -> None:
    row = folded(*order)
    assert not row.archived
    assert row.lifecycle[ARCHIVE, None].event_id == "c2"
    assert folded(*order, change(Change.ARCHIVED, "c4", 12)).archived


@in_any_order(
    [
        change(Change.DEPLOYED, "c1", 10, infrastructure="eu", stage="live"),
        change(Change.DEPLOYED, "c2", 11, infrastructure="us"),
        change(Change.UNDEPLOYED, "c3", 12, infrastructure="us"),
    ]
)
def test_a_deployment_is_a_fact_of_its_infrastructure(order: list[LifecycleChange]) -> None:
    facts = {place: fact for (kind, place), fact in folded(*order).lifecycle.items() if kind == DEPLOYMENT}
    assert {place: fact.change for place, fact in facts.items()} == {"eu": Change.DEPLOYED, "us": Change.UNDEPLOYED}
    assert facts["eu"].stage == "live"


def test_a_change_that_is_not_newer_leaves_the_very_row() -> None:
    row = folded(change(Change.ARCHIVED, "c2", 10))
    assert lived(row, change(Change.ARCHIVED, "c2", 10)) is row
    assert lived(row, change(Change.RESTORED, "c1", 10)) is row


# Custom metrics


def declares(label: str, direction: Direction = Direction.HIGHER) -> dict[str, Any]:
    return {"custom_metrics": (CustomMetric(code="uplift", label=label, direction=direction),)}


@in_any_order(
    [
        evaluation("r1", 2_000, **declares("second", Direction.LOWER)),
        build("b2", 1_000, **declares("first")),
        build("b3", 1_000, **declares("same time, greater id")),
        build("b4", 1_500, **declares("newest build")),
    ]
)
def test_the_earliest_declaration_of_a_custom_metric_stands(order: list[ModelBuild | EvaluationRun]) -> None:
    declared = folded(*order).declared["uplift"]
    assert (declared.label, declared.direction, declared.declared_by) == ("first", Direction.HIGHER, "b2")
