"""Positions: what may be delivered, and what may be committed, whatever is lost between a fetch and its delivery."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.positions import Position


def test_a_run_that_was_fetched_from_where_the_last_ended_is_delivered() -> None:
    position = Position(5)
    assert position.follows(5)
    position.delivered(7)
    assert (position.in_flight, position.handled, position.to_commit) == (True, 5, 5)
    position.done()
    assert (position.in_flight, position.handled, position.to_commit) == (False, 8, 8)
    assert position.follows(8)


def test_nothing_is_to_commit_where_nothing_was_handled_since() -> None:
    assert Position(5, committed=5).to_commit is None


@pytest.mark.parametrize("began", [3, 6, 9, None])
def test_what_was_fetched_from_elsewhere_is_not_taken(began: int | None) -> None:
    assert not Position(5).follows(began)


@pytest.mark.parametrize("messages", [1, 3])
def test_a_run_is_handled_when_all_its_messages_are(messages: int) -> None:
    position = Position(0)
    position.delivered(2, messages)
    for _ in range(messages - 1):
        position.done()
    assert position.in_flight
    assert position.handled == 0
    position.done()
    assert position.handled == 3


def test_an_end_without_records_is_committed() -> None:
    """Transaction markers end so."""
    position = Position(5, committed=5)
    position.nothing_before(9)
    assert position.next == 9
    assert position.to_commit == 9


def test_it_does_not_go_back() -> None:
    position = Position(5, committed=5)
    position.nothing_before(3)
    assert (position.next, position.to_commit) == (5, None)


# A log of some offsets, read in runs of which any may be lost on the way.
logs = st.lists(st.integers(0, 60), unique=True, min_size=1).map(sorted)


@given(logs, st.data())
def test_whatever_is_lost_on_the_way_each_record_is_delivered_once_in_order(
    log: list[int], data: st.DataObject
) -> None:
    """With `follows` always true, this fails."""
    position = Position(0)
    end = log[-1] + 3  # markers behind the last record
    delivered: list[int] = []
    fetch = 0
    rounds = 0
    while position.next < end:
        rounds += 1
        began = fetch
        run = [offset for offset in log if offset >= fetch][: data.draw(st.integers(1, 5), label="length")]
        fetch = run[-1] + 1 if run else end
        if rounds < 50 and data.draw(st.booleans(), label="lost"):
            continue
        if not position.follows(began):
            fetch = position.next
        elif run:
            position.delivered(run[-1])
            delivered += run
            assert (position.to_commit or 0) <= run[0]
            position.done()
        else:
            position.nothing_before(fetch)
    assert delivered == log
    assert position.to_commit == end
