"""What the registry page shows, and the address that says it."""

import math
import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlencode

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from web.api.requests import version_filter
from web.models import Sort
from web.pages import columns, filtering
from web.pages.address import TABS, View
from web.reads.filters import Interval, VersionFilter

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
# As many digits as an address keeps.
NUMBERS = st.floats(-1e300, 1e300).map(lambda number: float(f"{number:.15g}"))
TIMES = st.integers(0, filtering.LAST_MS)


def several(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, unique=True, max_size=3).map(tuple)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, high = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    kept = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    return Interval(draw(NAMES), low if kept[0] else None, high if kept[1] else None)


FILTERS = st.builds(
    VersionFilter,
    node=several(NAMES),
    project=several(NAMES),
    model=several(NAMES),
    algorithm=several(NAMES),
    label=several(NAMES),
    state=several(st.sampled_from(list(filtering.STATES))),
    severity=several(st.sampled_from(list(filtering.SEVERITIES))),
    prediction_type=several(st.sampled_from(list(filtering.PREDICTION_TYPES))),
    active=st.none() | st.booleans(),
    archived=st.none() | st.booleans(),
    evaluated_since=st.none() | TIMES,
    evaluated_until=st.none() | TIMES,
    values=st.lists(intervals(), unique=True, max_size=2).map(tuple),
    drifts=st.lists(intervals(), unique=True, max_size=2).map(tuple),
    q=st.none() | NAMES,
)
BESIDE_NAME = [name for name in columns.COLUMNS if name != columns.NAME]
VIEWS = st.builds(
    View,
    focus=NAMES,
    where=FILTERS,
    sort=st.sampled_from([*Sort, *(f"-{key}" for key in Sort)]).map(str),
    flat=st.booleans(),
    columns=st.none() | several(st.sampled_from(BESIDE_NAME)),
    pinned=st.integers(0, len(columns.COLUMNS)),
    version=NAMES,
    tab=st.sampled_from(TABS),
)


@given(VIEWS)
def test_an_address_says_all_of_a_view(view: View) -> None:
    found = View.of(QueryParams(view.query.removeprefix("?")))
    assert found == view
    assert found.wrong == ()


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    """A route that takes the API's filters, and answers with what they came to."""
    app = FastAPI()

    @app.get("/")
    def answer(where: Annotated[VersionFilter, Depends(version_filter)]) -> str:
        return repr(where)

    with TestClient(app) as client:
        yield client


@given(where=FILTERS)
def test_a_filter_is_spelled_as_the_api_spells_it(api: TestClient, where: VersionFilter) -> None:
    answer = api.get(f"/?{urlencode(filtering.spelled(where))}")
    # Members of enumerations are texts, written otherwise.
    assert re.sub(r"<[A-Z]\w+\.[A-Z_]+: ('[A-Z_]+')>", r"\1", answer.json()) == repr(where)


@given(
    st.dictionaries(
        st.sampled_from(["q", "node", "active", "severity", "value", "from", "sort", "pin", "columns"]), NAMES
    )
)
def test_whatever_an_address_says_there_is_a_view_of_it(query: dict[str, str]) -> None:
    view = View.of(query)
    assert View.of(QueryParams(view.query.removeprefix("?"))) == view


def test_the_plain_view_has_no_query() -> None:
    assert View().query == ""
    # Which tab is open says nothing without a version.
    assert View(tab="metrics").query == ""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sort=age", "sort: There is no 'age'; known are hierarchy"),
        ("severity=BAD", "severity: There is no 'BAD'; known are CRITICAL"),
        ("active=maybe", "active: 'maybe' is neither true nor false"),
        ("from=yesterday", "from: 'yesterday' is no time"),
        ("from=-1", "from: '-1' is no time"),
        ("to=99999999999999999", "to: '99999999999999999' is no time"),
        ("value=roc_auc", "value: 'roc_auc' is no interval"),
        ("value=roc_auc:..", "value: 'roc_auc:..' has no bound"),
        ("value=roc_auc:0.9..0.1", "value: The least value, 0.9, is greater than the greatest, 0.1."),
        ("drift=roc_auc:nan..", "drift: "),
        ("columns=value,age", "columns: There is no 'age'"),
        (f"q={'x' * 201}", "q: Search for at most 200 characters."),
    ],
)
def test_what_an_address_cannot_mean_is_left_out_and_said(query: str, said: str) -> None:
    view = View.of(QueryParams(query))
    assert len(view.wrong) == 1
    assert view.wrong[0].startswith(said)
    assert (view.where, view.sort) == (VersionFilter(), Sort.HIERARCHY)


def test_what_an_address_does_not_know_is_passed_over() -> None:
    view = View.of(QueryParams("tab=secrets&version=no key&unheard=of&pin=99&node="))
    assert (view.tab, view.pinned, view.wrong, view.version_key) == ("overview", 1, (), None)


@pytest.mark.parametrize(
    ("query", "grouped"),
    [("", True), ("flat=true", False), ("sort=-degradation", False), ("sort=-hierarchy", False), ("q=a", True)],
)
def test_headings_are_there_in_the_order_of_the_hierarchy_only(query: str, grouped: bool) -> None:
    assert View.of(QueryParams(query)).grouped is grouped


def test_what_is_saved_and_exported_is_the_list_not_the_details() -> None:
    view = View.of(QueryParams("focus=log_loss&node=a&node=b&sort=-value&columns=drift&version=n/p/m/v&tab=alerts"))
    assert view.list_query == "?focus=log_loss&node=a&node=b&sort=-value&columns=drift"
    assert view.export_query == "?focus=log_loss&node=a&node=b&sort=-value"


def test_numbers_of_an_address_are_no_more_exact_than_the_address() -> None:
    view = View.of(QueryParams(f"value=roc_auc:{math.pi!r}.."))
    assert View.of(QueryParams(view.query[1:])) == view
