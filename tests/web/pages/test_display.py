"""Numbers and drifts as the pages show them."""

import pytest

from mooring.outputs import Severity, VersionState
from web.pages import display


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
