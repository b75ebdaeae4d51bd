"""What the judge expects, against the oracle that it is a shorter way to."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.events import EvaluationRun, EvaluationStore, Event
from tests.faults.events import Story
from tests.faults.expected import expect
from tests.streams import oracle
from tests.streams.registry import Registry
from tests.streams.strategies import arrivals, facts, stores


@settings(deadline=None, max_examples=100)
@given(stores(), facts(), st.data())
def test_rows_are_the_oracles(known: list[EvaluationStore], events: list[Event], data: st.DataObject) -> None:
    assert expect([*known, *data.draw(arrivals(events))]).rows == oracle.rows([*known, *events])


@settings(deadline=None, max_examples=100)
@given(stores(), facts(), st.data())
def test_alerts_are_the_oracles_once_builds_and_activations_are_known(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    order = data.draw(arrivals(events))
    before: list[Event] = [*known, *(one for one in order if not isinstance(one, EvaluationRun))]
    runs = [one for one in order if isinstance(one, EvaluationRun)]
    demanded = [alert.content for alert in expect([*before, *runs]).alerts.values()]
    alerts = oracle.alerts([*before, *runs])[len(oracle.alerts(before)) :]
    by_id: Any = {alert["alert_id"]: oracle.rounded(alert) for alert in alerts}
    assert {alert["alert_id"]: alert for alert in demanded} == by_id


@settings(deadline=None, max_examples=100)
@given(stores(), facts(), st.data())
def test_tables_of_stores_and_activations_and_outcomes_are_the_registrys(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    registry = Registry()
    order = data.draw(arrivals(events))
    registry.handle(*known, *order)
    expected = expect([*known, *order])
    assert {key: row.to_record() for key, row in registry.stores().items()} == expected.stores
    assert {key: row.to_record() for key, row in registry.activations().items()} == expected.activations
    assert {outcome.event_id for outcome in registry.outcomes()} == set(expected.outcomes)
    for outcome in registry.outcomes():
        demanded = expected.outcomes[outcome.event_id]
        assert (outcome.outcome != "NOT_SYNCED") is demanded.counts
        assert outcome.outcome != "CURRENT" or demanded.sets


def test_a_story_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    first, again, other = (next(Story(seed, 3, 200).waves()) for seed in (1, 1, 2))
    assert first == again
    assert first != other
