"""Addresses of the pages with lists, and the rows that go to the browser."""

import pytest
from starlette.datastructures import QueryParams

from web.pages import lists
from web.pages.alerts import AlertView
from web.pages.dead_letters import LetterView
from web.pages.stores import StoreView

NOON = 1_762_084_800_000  # 2 November 2025, 12:00 UTC


@pytest.mark.parametrize(
    ("view", "query"),
    [
        (AlertView(), ""),
        (AlertView(severity=("CRITICAL", "INFO"), q="a b&c"), "?severity=CRITICAL,INFO&q=a+b%26c"),
        (AlertView(since=NOON, until=NOON + 1), "?from=2025-11-02T12:00:00Z&to=2025-11-02T12:00:00.001Z"),
        (AlertView(since=0), "?from=1970-01-01T00:00:00Z"),
        (StoreView(node="n/1", opened="n%2F1/p/s"), "?node=n/1&store=n%252F1/p/s"),
        (
            LetterView(reason=("undecodable",), topic="mooring.model-builds"),
            "?reason=undecodable&topic=mooring.model-builds",
        ),
    ],
)
def test_a_view_survives_its_address(view: AlertView | StoreView | LetterView, query: str) -> None:
    assert view.query == query
    assert type(view).of(QueryParams(query[1:])) == view


@pytest.mark.parametrize(
    "query",
    [{"severity": "AWFUL"}, {"from": "yesterday"}, {"to": "9" * 30}, {"from": "2025-11-02T12:00"}, {"unheard": "of"}],
)
def test_an_address_that_makes_no_sense_is_the_plain_view(query: dict[str, str]) -> None:
    assert AlertView.of(query) == AlertView()


def test_the_stream_is_asked_for_what_is_shown_but_the_words_searched_for() -> None:
    view = AlertView(severity=("CRITICAL", "INFO"), metric="roc_auc", project="a'b", q="words", since=NOON)
    assert view.stream_query == (f"?severity=CRITICAL&severity=INFO&metric=roc_auc&project=a%27b&from={NOON}")


@pytest.mark.parametrize(
    ("value", "at"), [(5, 5), (None, None), ("5", None), (True, None), (-1, None), (10**18, None), (1.5, None)]
)
def test_only_a_moment_is_taken_for_one(value: object, at: int | None) -> None:
    assert lists.at_ms(value) == at


@pytest.mark.parametrize(
    ("chosen", "value", "after"), [((), "b", ("b",)), (("b",), "a", ("a", "b")), (("b",), "b", ())]
)
def test_values_are_switched_one_by_one_and_keep_their_order(
    chosen: tuple[str, ...], value: str, after: tuple[str, ...]
) -> None:
    assert lists.toggled(chosen, value, ("a", "b")) == after


@pytest.mark.parametrize(("count", "words"), [(0, "0 alerts"), (1, "1 alert"), (1_234, "1,234 alerts")])
def test_things_are_counted_in_words(count: int, words: str) -> None:
    assert lists.counted(count, "alert") == words
