"""Rows and their records: nothing is lost on the way to the table's topic and back, and equal rows are equal bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from mooring.codec import decode, encode
from mooring.events import Change, CustomMetric, EvaluationRun, EvaluationStore, Event
from mooring.outputs import Severity, VersionMetrics
from streams.folds import built, counted, lived
from streams.rows import VersionRow, drift_of, from_record, to_record
from streams.severity import Policy, row_severity
from tests.streams.registry import Registry
from tests.streams.strategies import V1, build, change, evaluation, facts, stores


def row_bytes(row: VersionRow) -> bytes:
    return encode(to_record(row, row_severity(row, Policy())))


def turned_round(mapping: Any) -> Any:
    """The same mapping with its entries in the reverse order."""
    return dict(reversed(mapping.items()))


def rows_of(known: list[EvaluationStore], events: list[Event]) -> list[VersionRow]:
    registry = Registry()
    registry.handle(*known, *events)
    return [from_record(record) for record in registry.rows().values()]


@settings(deadline=None, max_examples=120)
@given(stores(), facts())
def test_a_row_is_the_same_after_the_way_through_its_bytes(known: list[EvaluationStore], events: list[Event]) -> None:
    """Folded in memory alone, a row equals the one that went through bytes after every event."""
    registry = Registry()
    registry.handle(*known)
    in_memory: dict[str, VersionRow] = {}
    for event in events:
        work = registry.fold(event)
        in_memory |= {str(key): row for key, row in work.versions.changed.items()}
        registry.apply(work)
    assert {key: from_record(record) for key, record in registry.rows().items()} == in_memory


@settings(deadline=None, max_examples=120)
@given(stores(), facts())
def test_equal_rows_have_equal_bytes(known: list[EvaluationStore], events: list[Event]) -> None:
    for row in rows_of(known, events):
        twin = replace(
            row,
            build=row.build and replace(row.build, initial=turned_round(row.build.initial)),
            sources=turned_round({stamp: turned_round(values) for stamp, values in row.sources.items()}),
            declared=turned_round(row.declared),
            lifecycle=turned_round(row.lifecycle),
        )
        assert twin == row
        assert row_bytes(twin) == row_bytes(row)


def test_the_maps_of_a_build_are_written_in_a_fixed_order() -> None:
    row = built(
        VersionRow(V1),
        build(
            metrics={"roc_auc": 0.87, "accuracy": 0.9},
            metric_std={"roc_auc": 0.1, "accuracy": 0.2},
            labels={"b": "1", "a": "2"},
        ),
    )
    assert row.build is not None
    facts = row.build
    turned = {name: turned_round(getattr(facts, name)) for name in ("initial", "initial_std", "labels")}
    assert row_bytes(replace(row, build=replace(facts, **turned))) == row_bytes(row)


def test_a_record_says_where_each_current_value_comes_from() -> None:
    row = VersionRow(V1)
    for run in (
        evaluation("r1", 2_000, metrics={"roc_auc": 0.81, "accuracy": 0.9}, recorded_at=2_005),
        evaluation("r2", 2_100, metrics={"data_drift": 0.2}, store_id="daily"),
    ):
        row = counted(row, run)
    record = to_record(row, Severity.NONE)
    assert [(one.event_id, one.store_id, one.evaluated_at, one.recorded_at, one.metrics) for one in record.sources] == [
        ("r1", "weekly", 2_000, 2_005, ("accuracy", "roc_auc")),
        ("r2", "daily", 2_100, 2_100, ("data_drift",)),
    ]
    assert record.current == {"roc_auc": 0.81, "accuracy": 0.9, "data_drift": 0.2}
    assert record.evaluated_at == 2_100


def test_a_record_of_a_version_awaiting_its_build_has_no_initial_values() -> None:
    record = to_record(counted(VersionRow(V1), evaluation()), Severity.NONE)
    assert (record.state, record.built_at, record.initial, record.drift) == ("AWAITING_BUILD", None, {}, {})
    assert from_record(record).build is None


def test_a_record_has_the_drift_and_its_severity() -> None:
    row = counted(built(VersionRow(V1), build()), evaluation())
    record = decode(row_bytes(row), VersionMetrics)
    assert record.drift == {"roc_auc": pytest.approx(-0.06, abs=1e-15)}
    assert record.severity is Severity.CRITICAL


DECLARED = (CustomMetric(code="uplift"),)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([build(at=5)], 5, id="a build"),
        pytest.param([build(at=5), evaluation(at=7)], 7, id="an evaluation"),
        pytest.param([build("b2", 9), evaluation(at=7)], 9, id="a rebuild"),
        pytest.param([evaluation("r1", 7), evaluation("r0", 6, metrics={"accuracy": 1.0})], 7, id="of several"),
        pytest.param([build(at=5), change(Change.ARCHIVED, at=8)], 8, id="a change of its life"),
        pytest.param([evaluation(at=7, metrics={}, custom_metrics=DECLARED)], 7, id="no more than a declaration"),
    ],
)
def test_updated_at_is_the_time_of_the_newest_event_in_the_row(events: list[Event], expected: int) -> None:
    row = VersionRow(V1)
    for event in events:
        if isinstance(event, EvaluationRun):
            row = counted(row, event)
        else:
            row = built(row, event) if hasattr(event, "built_at") else lived(row, event)  # type: ignore[arg-type]  # the third kind
    assert to_record(row, Severity.NONE).updated_at == expected


def test_hypothesis_draws_rows_worth_testing() -> None:
    """The strategies reach rows that have everything; otherwise the properties above would hold of nothing."""

    def complete(drawn: tuple[list[EvaluationStore], list[Event]]) -> bool:
        return any(
            row.build
            and len(row.current) > 1
            and row.declared
            and row.lifecycle
            and row.active
            and drift_of(row.current, row.initial)
            for row in rows_of(*drawn)
        )

    # Not to be made smaller once found.
    quickly = settings(max_examples=5_000, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    assert find(st.tuples(stores(), facts()), complete, settings=quickly)
