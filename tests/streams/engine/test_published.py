"""What was published before a crash is not published again. Reading it back is tested by kills: tests/faults."""

from __future__ import annotations

from collections import Counter

import pytest
from faust.types import TP

from streams.engine.published import Published, cause_of

EVENTS, ALERTS = TP("events", 1), TP("alerts", 1)
ONE, OTHER = cause_of("events", 1, 7), cause_of("events", 1, 8)


def behind(*causes: bytes) -> Published:
    """With these causes found behind the last commit."""
    published = Published(["alerts", "outcomes"])
    published.acknowledged(ALERTS, 50)
    published.again_from({ALERTS: 40}, {ALERTS: Counter(causes)}, committed={EVENTS: 7})
    return published


def test_as_many_of_a_cause_as_are_there_are_left_out() -> None:
    published = behind(ONE, ONE, OTHER)
    assert [published.again(ALERTS, ONE) for _ in range(3)] == [True, True, False]
    assert [published.again(ALERTS, OTHER) for _ in range(2)] == [True, False]


def test_what_has_no_cause_or_lies_elsewhere_is_sent() -> None:
    published = behind(ONE)
    assert not published.again(ALERTS, None)
    assert not published.again(TP("alerts", 2), ONE)
    assert not published.again(TP("outcomes", 1), ONE)


def test_what_input_caused_that_is_committed_is_of_no_interest() -> None:
    published = behind(cause_of("events", 1, 6))
    assert not published.again(ALERTS, cause_of("events", 1, 6))
    assert published.mark(1, {EVENTS: 7}) == "1,51,0"


def test_until_all_is_handled_again_the_mark_stays_where_it_was() -> None:
    """A second crash in the middle must find what the first one left. Removed, `_starts` in `mark`, this fails."""
    published = behind(ONE, OTHER)
    assert published.again(ALERTS, ONE)
    assert published.mark(1, {EVENTS: 8}) == "1,40,0"
    # Handled again, it may cause less: its row knew it already.
    assert published.mark(1, {EVENTS: 9}) == "1,51,0"
    assert not published.again(ALERTS, OTHER)


def test_a_mark_is_how_far_the_outputs_are_and_is_read_back() -> None:
    published = Published(["alerts", "outcomes"])
    published.acknowledged(ALERTS, 41)
    published.acknowledged(TP("version-metrics", 1), 99)
    mark = published.mark(1, {EVENTS: 9})
    assert mark == "1,42,0"
    published.acknowledged(ALERTS, 50)
    assert published._start(ALERTS, [mark]) == 42


@pytest.mark.parametrize(
    ("marks", "start"),
    [
        ([], 51),  # nothing was committed: nothing was published by this group
        (["1,42,0", "1,45,3"], 42),  # of several input topics the earliest
        ([""], 51),  # a commit of somebody else's
        (["2,1,1,1", "1,42,0"], 42),  # of another version
        (["1,42"], 51),  # of a time with fewer outputs
    ],
)
def test_where_reading_back_begins(marks: list[str], start: int) -> None:
    published = Published(["alerts", "outcomes"])
    published.acknowledged(ALERTS, 50)
    assert published._start(ALERTS, marks) == start


def test_when_the_partitions_leave_all_is_forgotten() -> None:
    published = behind(ONE)
    published.forget()
    assert not published.again(ALERTS, ONE)
    assert published.mark(1, {EVENTS: 9}) == "1,0,0"


def test_without_outputs_there_is_no_mark() -> None:
    assert Published([]).mark(0, {}) == ""
