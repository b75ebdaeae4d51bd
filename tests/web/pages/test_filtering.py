"""How the filters of the registry page change, and what they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.metrics.catalogue import CATALOGUE
from web.pages import filtering
from web.reads.filters import Interval, VersionFilter

FRAUD = VersionFilter(
    project=("FRAUD",), severity=("CRITICAL",), values=(Interval("log_loss", None, 0.4),), active=True
)


@pytest.mark.parametrize(
    ("name", "value", "pairs"),
    [
        ("node", "a", [("node", "a")]),
        ("project", "CHURN", [("project", "FRAUD"), ("project", "CHURN")]),
        ("project", "FRAUD", [("project", "FRAUD")]),
        ("active", "false", [("active", "false")]),
        ("active", "", []),
        ("from", "1000", [("from", "1000")]),
        ("from", "", []),
        ("q", "two words", [("q", "two words")]),
    ],
)
def test_a_value_joins_those_of_its_filter_or_replaces_the_one(
    name: str, value: str, pairs: list[tuple[str, str]]
) -> None:
    after = filtering.spelled(filtering.added(FRAUD, name, value))
    assert [pair for pair in after if pair[0] == name] == pairs
    assert [pair for pair in after if pair[0] != name] == [pair for pair in filtering.spelled(FRAUD) if pair[0] != name]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("severity", "BAD", "There is no 'BAD'"),
        ("from", "soon", "'soon' is no time"),
        ("to", "1000", "The end has to be later than the beginning."),
        ("q", "x" * 201, "at most 200"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_words(name: str, value: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        filtering.added(VersionFilter(evaluated_since=2_000), name, value)


@pytest.mark.parametrize("name", ["sort", "columns", ""])
def test_what_is_no_filter_is_none(name: str) -> None:
    with pytest.raises(KeyError):
        filtering.added(FRAUD, name, "x")


@pytest.mark.parametrize("pair", filtering.spelled(FRAUD))
def test_each_value_can_be_taken_away_by_itself(pair: tuple[str, str]) -> None:
    after = filtering.without(FRAUD, *pair)
    assert filtering.spelled(after) == [each for each in filtering.spelled(FRAUD) if each != pair]


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        ("0.7", "0.8", (Interval("roc_auc", 0.7, 0.8),)),
        (" 0.7 ", "", (Interval("roc_auc", 0.7, None),)),
        ("", "−.02", (Interval("roc_auc", None, -0.02),)),
        ("1e-3", "1", (Interval("roc_auc", 0.001, 1.0),)),
        ("", "", ()),
    ],
)
def test_a_range_as_typed_takes_the_place_of_the_metrics_own(low: str, high: str, found: tuple[Interval, ...]) -> None:
    before = VersionFilter(values=(Interval("log_loss", None, 0.4), Interval("roc_auc", 0.1, None)), q="x")
    after = filtering.within(before, "value", "roc_auc", low, high)
    assert after == VersionFilter(values=(Interval("log_loss", None, 0.4), *found), q="x")
    if found:
        assert filtering.within(VersionFilter(), "drift", "roc_auc", low, high).drifts == found


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        ("high", "", "'high' is no number"),
        ("", "0,8", "'0,8' is no number"),
        ("nan", "", "'nan' is no number"),
        ("", "inf", "'inf' is no number"),
        ("0.8", "0.7", "The least value, 0.8, is greater than the greatest, 0.7."),
    ],
)
def test_a_range_that_is_none_is_refused_in_words(low: str, high: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        filtering.within(VersionFilter(), "value", "roc_auc", low, high)


@given(st.text(max_size=8), st.text(max_size=8))
def test_whatever_is_typed_is_a_range_or_refused(low: str, high: str) -> None:
    try:
        after = filtering.within(VersionFilter(), "value", "roc_auc", low, high)
    except ValueError:
        return
    shown = filtering.bounds(after, "value", "roc_auc")
    assert filtering.within(VersionFilter(), "value", "roc_auc", *shown) == after


@pytest.mark.parametrize(
    ("where", "label", "text"),
    [
        (VersionFilter(project=("FRAUD",)), "Project", "FRAUD"),
        (VersionFilter(severity=("NONE",)), "Severity", "OK"),
        (VersionFilter(state=("AWAITING_BUILD",)), "State", "Awaiting build"),
        (VersionFilter(prediction_type=("TIME_SERIES",)), "Prediction type", "Time series"),
        (VersionFilter(active=True), "", "Active"),
        (VersionFilter(active=False), "", "Not active"),
        (VersionFilter(archived=False), "", "Not archived"),
        (VersionFilter(q="v1 b"), "Search", "“v1 b”"),
        (VersionFilter(values=(Interval("roc_auc", 0.7, None),)), "ROC AUC", "0.7 or more"),
        (VersionFilter(drifts=(Interval("roc_auc", None, -0.02),)), "ROC AUC drift", "−0.02 or less"),
        (VersionFilter(drifts=(Interval("unheard of", -1.0, 2.0),)), "unheard of drift", "−1 to 2"),
        (VersionFilter(label=("team=growth",)), "Label", "team=growth"),
    ],
)
def test_a_chip_says_what_narrows_the_list(where: VersionFilter, label: str, text: str) -> None:
    (chip,) = filtering.chips(where, CATALOGUE)
    assert (chip["label"], chip["text"]) == (label, text)
    assert filtering.without(where, chip["name"], chip["value"]) == VersionFilter()


def test_times_are_left_to_the_browser_to_say() -> None:
    since, until = filtering.chips(VersionFilter(evaluated_since=5, evaluated_until=7), {})
    assert (since["at"], until["at"]) == (5, 7)
