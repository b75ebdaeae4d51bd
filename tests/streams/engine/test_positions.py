"""Positions: what may be delivered, and what may be committed, whatever a fetch drops on the way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.positions import Position


def test_a_run_that_follows_the_last_is_delivered() -> None:
    position = Position(5)
    assert position.follows(5)
    position.delivered(7)
    assert (position.in_flight, position.handled, position.to_commit) == (True, 5, 5)
    position.done()
    assert (position.in_flight, position.handled, position.to_commit) == (False, 8, 8)
    assert position.follows(8)


def test_nothing_is_to_commit_where_nothing_was_handled_since() -> None:
    assert Position(5, committed=5).to_commit is None


def test_a_hole_is_read_again_and_taken_only_when_the_log_repeats_it() -> None:
    """Removed, `self._doubted = first` in `Position.follows`, this fails."""
    position = Position(5, committed=5)
    assert not position.follows(9)
    assert not position.follows(7)
    assert position.follows(7)


def test_a_hole_that_was_none_is_filled() -> None:
    position = Position(5, committed=5)
    assert not position.follows(9)
    assert position.follows(5)
    position.delivered(8)
    position.done()
    # The doubt is gone with it: a hole at the same place is doubted again.
    assert position.next == 9
    assert position.follows(9)


def test_records_from_before_are_not_delivered_again() -> None:
    position = Position(5, committed=5)
    assert not position.follows(3)
    assert not position.follows(3)


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


def test_an_end_without_records_is_taken_only_when_it_is_found_twice() -> None:
    """Transaction markers end so; so does a fetch whose records were dropped on the way."""
    position = Position(5, committed=5)
    assert not position.idle_at(9)
    assert position.to_commit is None
    assert position.idle_at(9)
    assert position.next == 9
    assert position.to_commit == 9


def test_what_is_in_flight_is_not_stepped_over() -> None:
    position = Position(5, committed=5)
    position.delivered(7)
    assert position.idle_at(12)
    assert (position.next, position.handled) == (8, 5)


# A log of some offsets, read in runs of which some are lost on the way.
logs = st.lists(st.integers(0, 60), unique=True, min_size=1).map(sorted)


@given(logs, st.data())
def test_whatever_a_fetch_drops_every_record_is_delivered_once_and_in_order(
    log: list[int], data: st.DataObject
) -> None:
    """The hole check seen to matter: with `follows` always true, this fails."""
    position = Position(0)
    end = log[-1] + 3  # markers behind the last record
    delivered: list[int] = []
    fetched = 0
    rounds = 0
    while position.next < end:
        rounds += 1
        ahead = [offset for offset in log if offset >= fetched]
        # Known to the consumer, or not; the read that is to confirm a hole is only dropped knowingly.
        fates = ["kept", "known"] if position._doubted is not None else ["kept", "known", "dropped"]
        fate = data.draw(st.sampled_from(fates), label="fate") if rounds < 50 else "kept"
        dropped = fate != "kept"
        if fate == "known":
            position.dropped()
            fetched = position.next
            continue
        if not ahead:
            fetched = end
            if not dropped and not position.idle_at(end):
                fetched = position.next
            continue
        run = ahead[: data.draw(st.integers(1, 5), label="length")]
        fetched = run[-1] + 1
        if dropped:
            continue
        if not position.follows(run[0]):
            fetched = position.next
            continue
        position.delivered(run[-1])
        delivered += run
        assert position.to_commit in (None, 0) or (position.to_commit or 0) <= run[0]
        position.done()
    assert delivered == log
    assert all(one < other for one, other in pairwise(delivered))
    assert position.to_commit == end
