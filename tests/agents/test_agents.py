"""The agents: for each kind of event, what is published, in which order, and which rows change."""

from __future__ import annotations

from typing import Any

import pytest

from agents import AGENTS
from mooring.codec import encode
from mooring.events import Change, CustomMetric, EvaluationRun, Event, Thresholds
from mooring.outputs import Configuration, LifecycleFact, ModelActivation, Outcome, Severity, VersionState
from mooring.topics import INPUT_NAMES
from streams.tables import Work
from tests.streams.registry import TOPICS, Registry, changes
from tests.streams.strategies import V1, V2, build, change, evaluation, store


@pytest.fixture
def registry() -> Registry:
    return Registry()


def published(work: Work) -> list[tuple[str, str]]:
    """Topic and record key of what is to be published, in order."""
    return [(topic.name, (topic.key(record) or b"").decode()) for topic, record in work.records]


def changed(work: Work) -> list[str]:
    """The keys of the rows that change, in order."""
    return [str(key) for _, key, _ in changes(work)]


def test_every_input_topic_has_one_agent() -> None:
    assert sorted(agent.topic(TOPICS).name for agent in AGENTS) == sorted(
        getattr(TOPICS, name).name for name in INPUT_NAMES
    )
    assert len({agent.name for agent in AGENTS}) == len(AGENTS)


# Builds


def test_a_build_makes_the_version_s_row_and_publishes_nothing(registry: Registry) -> None:
    work = registry.fold(build(algorithm="random forest"))
    assert (published(work), changed(work)) == ([], [str(V1)])
    registry.apply(work)
    row = registry.row(V1)
    assert (row.state, row.active, row.initial, row.algorithm) == (
        VersionState.INITIAL,
        False,
        {"roc_auc": 0.87},
        "random forest",
    )


def test_a_build_that_activates_changes_the_model_s_row_too(registry: Registry) -> None:
    work = registry.fold(build(activate=True))
    # The model's row last: a kill in between must not find the activation known and a version's row left behind.
    assert changed(work) == [str(V1), str(V1.model)]
    registry.apply(work)
    assert registry.row(V1).active
    assert registry.activations() == {
        str(V1.model): ModelActivation(model_key=str(V1.model), version_id="v1", changed_at=1_000, event_id="build-1")
    }


def test_the_version_that_was_active_gives_way(registry: Registry) -> None:
    registry.handle(build(activate=True))
    work = registry.fold(build("build-2", 1_001, version_id="v2", activate=True))
    assert changed(work) == [str(V1), str(V2), str(V1.model)]
    registry.apply(work)
    assert (registry.row(V1).active, registry.row(V2).active) == (False, True)
    assert registry.row(V1).initial == {"roc_auc": 0.87}


def test_a_late_activation_changes_neither_the_active_version_nor_the_model(registry: Registry) -> None:
    registry.handle(build(activate=True))
    work = registry.fold(build("build-0", 999, version_id="v2", activate=True))
    assert changed(work) == [str(V2)]
    registry.apply(work)
    assert (registry.row(V1).active, registry.row(V2).active) == (True, False)


def test_a_late_build_publishes_its_alert(registry: Registry) -> None:
    registry.handle(evaluation())
    work = registry.fold(build())
    assert published(work) == [("test.drift-alerts", str(V1))]
    registry.apply(work)
    assert [alert.caused_by for alert in registry.alerts()] == ["build-1"]
    assert registry.row(V1).severity is Severity.CRITICAL


# Evaluations


def test_an_evaluation_publishes_its_alert_then_its_outcome(registry: Registry) -> None:
    registry.handle(build())
    work = registry.fold(evaluation())
    assert published(work) == [("test.drift-alerts", str(V1)), ("test.evaluation-outcomes", str(V1))]
    assert changed(work) == [str(V1)]
    registry.apply(work)
    row = registry.row(V1)
    assert (row.state, row.current, row.severity) == (VersionState.EVALUATED, {"roc_auc": 0.81}, Severity.CRITICAL)
    (outcome,) = registry.outcomes()
    assert outcome.outcome is Outcome.CURRENT
    assert outcome.alert_ids == tuple(alert.alert_id for alert in registry.alerts())


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        pytest.param(evaluation("run-1", 2_000), Outcome.DUPLICATE, id="a duplicate"),
        pytest.param(evaluation("run-0", 1_999, metrics={"roc_auc": 0.3}), Outcome.LATE, id="late"),
    ],
)
def test_an_evaluation_that_sets_no_metric_only_joins_the_history(
    registry: Registry, event: EvaluationRun, outcome: Outcome
) -> None:
    registry.handle(build(), evaluation("run-1", 2_000))
    work = registry.fold(event)
    assert (published(work), changed(work)) == ([("test.evaluation-outcomes", str(V1))], [])
    registry.apply(work)
    assert (registry.outcomes()[-1].outcome, registry.outcomes()[-1].metrics) == (outcome, event.metrics)


def test_an_evaluation_of_an_unknown_version_makes_its_row(registry: Registry) -> None:
    registry.handle(evaluation())
    assert registry.row(V1).state is VersionState.AWAITING_BUILD
    assert registry.alerts() == []


# Rule 2: the values of an evaluation that is not synced appear nowhere

SECRET = 0.123456789


@pytest.mark.parametrize(
    ("configuration", "synced"),
    [
        pytest.param([], False, id="the evaluation opts out"),
        pytest.param([store(synced=False)], None, id="its store opted out"),
        pytest.param([store(synced=False)], True, id="its store opted out, whatever it says"),
    ],
)
@pytest.mark.parametrize("earlier", [[], [build()], [build(), evaluation("run-0")]], ids=["first", "built", "known"])
def test_the_values_of_an_evaluation_that_is_not_synced_appear_nowhere(
    configuration: list[Event], synced: bool | None, earlier: list[Event]
) -> None:
    registry = Registry()
    registry.handle(*configuration, *earlier)
    secret = evaluation(
        "run-2",
        metrics={"roc_auc": SECRET, "secret_metric": SECRET},
        standard_errors={"roc_auc": SECRET},
        custom_metrics=(CustomMetric(code="secret_metric", label="secret label"),),
        labels={"secret": "secret"},
        source_url="https://secret.example",
        n_rows=123_456_789,
        synced=synced,
    )
    work = registry.fold(secret)
    assert (published(work), changed(work)) == ([("test.evaluation-outcomes", str(V1))], [])
    rows_before = {name: dict(rows) for name, rows in registry.tables().items()}
    registry.apply(work)
    assert registry.tables() == rows_before
    assert registry.all_bytes().count(double(SECRET)) == 0
    assert b"secret" not in registry.all_bytes()
    outcome = registry.outcomes()[-1]
    assert (outcome.outcome, outcome.event_id) == (Outcome.NOT_SYNCED, "run-2")
    assert (outcome.metrics, outcome.drift, outcome.alert_ids) == ({}, {}, ())


def test_the_values_of_one_that_is_synced_would_be_found() -> None:
    """The test above looks for the right bytes."""
    registry = Registry()
    registry.handle(build(), evaluation(metrics={"roc_auc": SECRET}))
    # In the alert, in the outcome and in the row.
    assert registry.all_bytes().count(double(SECRET)) == 3


def double(value: float) -> bytes:
    """A double as Avro writes it."""
    return encode(build("e", metrics={"m": value})).partition(b"\x02m")[2][:8]


# Stores


def test_a_configuration_changes_the_store_s_row_and_publishes_nothing(registry: Registry) -> None:
    thresholds = {"roc_auc": Thresholds(min=0.7, soft_min=0.8)}
    work = registry.fold(store("store-1", 50, synced=False, name="Weekly", thresholds=thresholds))
    assert (published(work), changed(work)) == ([], ["ci/COUPONS/weekly"])
    registry.apply(work)
    (row,) = registry.stores().values()
    assert (row.node_id, row.project_key, row.store_id) == ("ci", "COUPONS", "weekly")
    assert row.configurations == (
        Configuration(
            event_id="store-1", name="Weekly", synced=False, effective_at=50, recorded_at=50, thresholds=thresholds
        ),
    )


def test_a_store_is_of_its_project_alone(registry: Registry) -> None:
    """Another project's store of the same name opted out; this one did not."""
    elsewhere = store(synced=False).to_record() | {"project_key": "OTHER"}
    registry.handle(type(store()).from_record(elsewhere), build(), evaluation())
    assert registry.row(V1).current == {"roc_auc": 0.81}


# Life cycle


def test_a_change_of_its_life_changes_the_version_s_row_and_publishes_nothing(registry: Registry) -> None:
    registry.handle(build(), evaluation())
    before = registry.row(V1)
    work = registry.fold(change(Change.ARCHIVED))
    assert (published(work), changed(work)) == ([], [str(V1)])
    registry.apply(work)
    row = registry.row(V1)
    assert row.archived
    assert row.lifecycle == (LifecycleFact(change=Change.ARCHIVED, changed_at=3_000, event_id="change-1"),)
    assert (row.current, row.initial, row.severity) == (before.current, before.initial, before.severity)


def test_an_activation_moves_the_activity_from_one_version_to_another(registry: Registry) -> None:
    registry.handle(build(activate=True), change(Change.ACTIVATED, version_id="v2"))
    assert (registry.row(V1).active, registry.row(V2).active) == (False, True)
    assert registry.row(V2).state is VersionState.AWAITING_BUILD
    registry.handle(change(Change.DEACTIVATED, "change-2", 3_001, version_id="v2"))
    assert (registry.row(V1).active, registry.row(V2).active) == (False, False)


# All


EVENTS: list[Event] = [
    build(activate=True),
    evaluation(),
    store(),
    change(Change.ACTIVATED, version_id="v2"),
    change(Change.DEPLOYED, "change-2", infrastructure="eu"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_repeated_event_changes_no_row_and_repeats_no_alert(event: Event) -> None:
    registry = Registry()
    registry.handle(*EVENTS)
    alerts = len(registry.alerts())
    work = registry.fold(event)
    assert changed(work) == []
    registry.apply(work)
    assert len(registry.alerts()) == alerts == 1


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_handling_alone_changes_no_table(event: Event) -> None:
    registry = Registry()
    registry.handle(build(), evaluation("run-0", 1_500, metrics={"roc_auc": 0.9}))
    before = {name: dict(rows) for name, rows in registry.tables().items()}
    work = registry.fold(event)
    assert changes(work)
    assert registry.tables() == before


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_handler_that_raises_half_way_leaves_the_tables_untouched(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry()
    registry.handle(build("build-0", 500, activate=True), evaluation("run-0", 1_500))
    before = {name: dict(rows) for name, rows in registry.tables().items()}

    def full(*_: Any) -> None:
        raise RuntimeError("no room for the row")

    # `put` is the last thing that a handler does.
    monkeypatch.setattr("streams.tables.Pending.put", full)
    with pytest.raises(RuntimeError, match="no room"):
        registry.fold(event)
    assert registry.tables() == before
