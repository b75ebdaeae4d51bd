"""Columns of the registry's table: order, sorting, and which are shown; and the lines that one of them draws."""

import pytest

from mooring.metrics.catalogue import CATALOGUE, Direction, MetricSpec
from web.models import Sort
from web.pages import columns
from web.pages.sparkline import HEIGHT, WIDTH, sparkline

UNDIRECTED = MetricSpec("size", "Size", Direction.NONE)


@pytest.mark.parametrize(
    ("column", "directed", "order"),
    [
        ("drift", True, ["-degradation", "degradation", "hierarchy"]),
        ("drift", False, ["-drift", "drift", "hierarchy"]),
        ("degradation", False, ["-drift", "drift", "hierarchy"]),
        ("value", True, ["-value", "value", "hierarchy"]),
        ("status", True, ["-severity", "severity", "hierarchy"]),
        ("built_at", True, ["-built_at", "built_at", "hierarchy"]),
        ("name", True, ["name", "-name", "hierarchy"]),
        ("project", True, ["project", "-project", "hierarchy"]),
        ("trend", True, ["hierarchy"]),
        ("no such column", True, ["hierarchy"]),
    ],
)
def test_clicks_on_a_heading(column: str, directed: bool, order: list[str]) -> None:
    sort = Sort.HIERARCHY.value
    for expected in order:
        sort = columns.next_sort(column, sort, directed=directed)
        assert sort == expected


@pytest.mark.parametrize(
    ("text", "found"), [("drift,value", ("drift", "value")), ("name", ()), ("value,value,name", ("value",))]
)
def test_columns_are_listed_in_their_order(text: str, found: tuple[str, ...]) -> None:
    assert columns.parse(text) == (found, [])
    assert columns.parse(columns.spelled(found)) == (found, [])


def test_deployments_are_shown_where_they_are_known_or_asked_for() -> None:
    assert columns.DEPLOYMENTS not in columns.shown(None, deployed=False)
    assert columns.DEPLOYMENTS in columns.shown(None, deployed=True)
    assert columns.shown(("deployments",), deployed=False) == ["name", "deployments"]


def test_all_columns_are_offered_those_that_are_shown_first() -> None:
    offered = columns.choices(("node", "value"), CATALOGUE["log_loss"])
    assert {each["key"] for each in offered} == set(columns.COLUMNS)
    assert [each["label"] for each in offered if each["shown"]] == ["Version", "Node", "Log loss"]


@pytest.mark.parametrize("sort", [*Sort, *(f"-{key}" for key in Sort)])
def test_every_order_is_offered_in_words(sort: str) -> None:
    assert sort in [each["key"] for each in columns.orders(CATALOGUE["roc_auc"], sort, directed=True)]


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (CATALOGUE["roc_auc"], "-degradation"),
        (CATALOGUE["log_loss"], "-degradation"),
        (CATALOGUE["data_drift"], "-value"),
        (UNDIRECTED, None),
    ],
)
def test_worst_first_is_by_how_much_worse_it_is(spec: MetricSpec, key: str | None) -> None:
    worst = columns.worst_first(spec)
    assert (worst and worst["key"]) == key


def test_a_heading_says_how_the_table_is_sorted() -> None:
    found = columns.headings(["name", "drift", "value"], CATALOGUE["log_loss"], "-degradation", directed=True)
    assert [heading.get("order") for heading in found] == [None, "descending", None]
    assert found[2]["label"] == "Log loss"


@pytest.mark.parametrize(
    ("values", "initial", "text"),
    [
        ([0.8], None, "One evaluation: 0.80"),
        ([0.8, 0.7], 0.9, "2 evaluations, from 0.80 to 0.70, lowest 0.70, highest 0.80; initial 0.90"),
        ([0.5, 0.5, 0.5], 0.5, "3 evaluations, from 0.50 to 0.50, lowest 0.50, highest 0.50; initial 0.50"),
        ([1e300, -1e300], None, "2 evaluations, from 1.00e+300 to −1.00e+300, lowest −1.00e+300, highest 1.00e+300"),
    ],
)
def test_a_line_stays_in_its_box_and_says_the_same_in_words(
    values: list[float], initial: float | None, text: str
) -> None:
    line = sparkline(values, initial, 2)
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line["points"].split()]
    assert len(points) == len(values)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert list(points[-1]) == line["end"]
    assert line["text"] == text


def test_a_higher_value_is_drawn_higher() -> None:
    line = sparkline([0.1, 0.9], 0.5, 2)
    assert line is not None
    first, last = (float(point.split(",")[1]) for point in line["points"].split())
    assert last < line["initial"] < first


def test_without_a_value_there_is_no_line() -> None:
    assert sparkline([], 0.5, 2) is None
