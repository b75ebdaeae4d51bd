"""Numbers, drifts and addresses as the page shows them."""

import pytest

from mooring.outputs import Severity, VersionState
from web.models import Sort
from web.pages import display
from web.pages.address import View, next_sort


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.8123456, "0.8123"), (-0.5, "−0.5000"), (None, "–"), (0.0, "0.0000"), (1e-9, "1.00e−09"), (1e15, "1.00e+15")],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert display.number(value, 4) == shown


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([0.81, 0.9], 4), ([0.001], 6), ([3.2], 3), ([150.0], 2), ([1243.2], 1), ([5e6, 0.1], 0), ([None], 4), ([], 4)],
)
def test_a_column_has_as_many_decimals_as_its_greatest_value_needs(values: list[float | None], decimals: int) -> None:
    assert display.decimals_for(values) == decimals


@pytest.mark.parametrize(
    ("drift", "degradation", "shown"),
    [
        (-0.06, 0.06, display.Drift("−0.0600", "▼", "worse", "bad")),
        (0.06, 0.06, display.Drift("+0.0600", "▲", "worse", "bad")),
        (0.06, -0.06, display.Drift("+0.0600", "▲", "better", "good")),
        (2.0, None, display.Drift("+2.0000", "▲", "", "quiet")),
        (-0.00001, 0.00001, display.Drift("0.0000", "", "", "quiet")),
        (None, None, display.Drift("–", "", "", "quiet")),
    ],
)
def test_drifts_say_which_way_and_whether_it_is_worse(
    drift: float | None, degradation: float | None, shown: display.Drift
) -> None:
    assert display.drift(drift, degradation, 4) == shown


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://example.org/a", True),
        ("HTTP://example.org", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        (" https://example.org", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_are_links(url: str | None, linked: bool) -> None:
    assert (display.safe_link(url) is not None) is linked


def test_every_state_and_severity_has_words() -> None:
    assert {*display._STATES, VersionState.EVALUATED} == set(VersionState)
    assert set(display._SEVERITIES) == set(Severity)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0 s"), (59, "59 s"), (60, "1 minute"), (7_300, "2 hours")])
def test_ages(seconds: float, shown: str) -> None:
    assert display.age(seconds) == shown


def test_a_view_survives_its_address() -> None:
    view = View(focus="log_loss", q="a b&c", node="n/1", active=True, sort="-value", version="n/p/m/v", tab="metrics")
    assert view.query.startswith("?focus=log_loss")
    pairs = dict(pair.split("=") for pair in view.query[1:].split("&"))
    assert set(pairs) == {"focus", "q", "node", "active", "sort", "version", "tab"}
    assert View().query == ""


def test_an_address_that_makes_no_sense_is_the_plain_view() -> None:
    view = View.of({"sort": "age", "tab": "secrets", "active": "maybe", "version": "no key", "unheard": "of"})
    assert (view.sort, view.tab, view.active) == (Sort.HIERARCHY, "overview", False)
    assert view.version_key is None


@pytest.mark.parametrize(
    ("column", "directed", "order"),
    [
        ("drift", True, ["-degradation", "degradation", "hierarchy"]),
        ("drift", False, ["-drift", "drift", "hierarchy"]),
        ("value", True, ["-value", "value", "hierarchy"]),
        ("name", True, ["name", "-name", "hierarchy"]),
    ],
)
def test_clicks_on_a_heading(column: str, directed: bool, order: list[str]) -> None:
    sort = Sort.HIERARCHY.value
    for expected in order:
        sort = next_sort(column, sort, directed=directed)
        assert sort == expected
