"""Rule 6: the tables are a function of the set of events. Any order, any duplication, any restart: the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.events import EvaluationStore, Event
from tests.streams import oracle
from tests.streams.registry import Registry, changes
from tests.streams.strategies import V1, V2, arrivals, build, configurations, facts, facts_of_one_version, named, stores


def plain_rows(registry: Registry) -> dict[str, dict[str, Any]]:
    """The rows as plain values, with the order of lists that the oracle gives them."""
    found = {key: row.to_record() for key, row in registry.rows().items()}
    for row in found.values():
        for name in ("sources", "lifecycle"):
            row[name].sort(key=lambda entry: entry["event_id"])
    return found


def handled(events: Sequence[Event]) -> Registry:
    registry = Registry()
    registry.handle(*events)
    return registry


@settings(deadline=None, max_examples=200)
@given(stores(), facts(), st.data())
def test_rows_are_what_the_rules_say_of_the_set_of_events(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    order = data.draw(arrivals(events))
    assert plain_rows(handled([*known, *order])) == oracle.rows([*known, *events])


@settings(deadline=None, max_examples=200)
@given(stores(), facts(), st.data())
def test_any_order_and_any_duplication_give_the_same_bytes(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    orders = [data.draw(arrivals(events)) for _ in range(2)]
    one, other = (handled([*known, *order]).tables() for order in orders)
    assert one == other


@settings(deadline=None, max_examples=60)
@given(named(configurations, 8), st.data())
def test_configurations_of_a_store_come_in_any_order_too(known: list[EvaluationStore], data: st.DataObject) -> None:
    assert handled(known).tables() == handled(data.draw(arrivals(known))).tables()


@settings(deadline=None, max_examples=200)
@given(stores(), facts(), st.data())
def test_killed_at_any_moment_and_started_again_it_ends_with_the_same_rows(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    """A kill falls between two rows of one event; that event and some before it, not yet committed, come again."""
    order = [*known, *data.draw(arrivals(events))]
    kills = data.draw(st.lists(st.integers(len(known), max(len(known), len(order) - 1)), max_size=3, unique=True))
    registry, at = Registry(), 0
    while at < len(order):
        work = registry.fold(order[at])
        if at not in kills:
            registry.apply(work)
            at += 1
            continue
        kills.remove(at)
        rows_written = data.draw(st.integers(0, len(changes(work))))
        note(f"rows written before the kill: {rows_written} of {len(changes(work))}")
        registry.apply(work, up_to=rows_written)
        registry = registry.restarted()
        at = data.draw(st.integers(max(len(known), at - 3), at)) if at >= len(known) else at
    assert registry.tables() == handled([*known, *events]).tables()
    assert plain_rows(registry) == oracle.rows([*known, *events])


@settings(deadline=None, max_examples=200)
@given(stores(), facts(), st.data())
def test_at_most_one_version_of_a_model_is_active_and_it_is_the_one_activated_last(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    registry = handled([*known, *data.draw(arrivals(events))])
    active = [(row.model_id, key) for key, row in registry.rows().items() if row.active]
    assert sorted(active) == sorted(oracle.active_versions(events).items())


@settings(deadline=None, max_examples=200)
@given(stores(), facts_of_one_version(), st.data())
def test_alerts_are_those_of_rule_7_in_the_order_of_arrival(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    order = [*known, *data.draw(arrivals(events))]
    alerts = [oracle.rounded(alert.to_record()) for alert in handled(order).alerts()]
    assert all(alert.pop("reason") for alert in alerts)
    expected = [oracle.rounded(alert) for alert in oracle.alerts(order)]
    note(f"alerts: {min(len(expected), 3)}")
    assert alerts == expected


@settings(deadline=None, max_examples=200)
@given(stores(), facts_of_one_version(), st.data())
def test_an_alert_that_a_kill_repeats_has_the_same_id_and_the_same_content(
    known: list[EvaluationStore], events: list[Event], data: st.DataObject
) -> None:
    """Killed at every event, after its alert was acknowledged and before any row of it was written (rule 8)."""
    order = [*known, *data.draw(arrivals(events))]
    killed = Registry()
    for event in order:
        killed.apply(killed.fold(event), up_to=0)
        killed = killed.restarted()
        killed.handle(event)
    uninterrupted = handled(order)
    assert {alert.alert_id: alert for alert in killed.alerts()} == {
        alert.alert_id: alert for alert in uninterrupted.alerts()
    }
    assert len(killed.alerts()) == 2 * len(uninterrupted.alerts())
    assert killed.tables() == uninterrupted.tables()


@pytest.mark.parametrize("rows_written", range(4))
def test_killed_while_the_activity_moves_it_ends_with_one_active_version(rows_written: int) -> None:
    """Three rows change: the version that was active, the one that is, and last the model, which names it."""
    before = [build(activate=True)]
    moves = build("build-2", 1_001, version_id="v2", activate=True)
    registry = handled(before)
    work = registry.fold(moves)
    assert len(changes(work)) == 3
    registry.apply(work, up_to=rows_written)
    registry = registry.restarted()
    registry.handle(moves)
    assert (registry.row(V1).active, registry.row(V2).active) == (False, True)
    assert registry.tables() == handled([*before, moves]).tables()
