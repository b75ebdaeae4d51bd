"""Lists: which versions a filter admits and in which order, beside a plain implementation over the same records."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.keys import VersionKey
from mooring.metrics.catalogue import PredictionType
from mooring.outputs import Severity, VersionMetrics, VersionState
from mooring.topics import Topics
from tests.web.feed import BUILT_AT, DAY_MS, Written, version
from web.database import Database
from web.models import Sort, VersionItem
from web.queries import Queries
from web.reads.filters import Interval, VersionFilter

TOPICS = Topics.named()
CODES = ("roc_auc", "log_loss", "profit")
_VALUES = st.dictionaries(st.sampled_from(CODES), st.sampled_from([0.1, 0.5, 0.75, 0.9]), max_size=3)


@st.composite
def _versions(draw: st.DrawFn) -> VersionMetrics:
    node, project, model = (draw(st.sampled_from(names)) for names in (("n1", "N2"), ("P", "p", "Q"), ("m", "a", "B")))
    number = draw(st.integers(1, 3))
    initial, current = draw(_VALUES), draw(_VALUES)
    return version(
        str(VersionKey(node, project, model, f"v{number}")),
        initial=initial,
        current=current,
        built_at=draw(st.sampled_from([BUILT_AT, BUILT_AT + DAY_MS, BUILT_AT + 2 * DAY_MS])),
        severity=draw(st.sampled_from(list(Severity))),
        active=draw(st.booleans()),
        archived=draw(st.booleans()),
        algorithm=draw(st.sampled_from([None, "Random forest", "Linear"])),
        prediction_type=draw(st.sampled_from([PredictionType.BINARY, PredictionType.REGRESSION])),
        model_name=draw(st.sampled_from([None, "Coupon redemption"])),
        labels=draw(st.dictionaries(st.sampled_from(["team", "stage"]), st.sampled_from(["a", "b"]), max_size=2)),
    )


_REGISTRIES = st.lists(_versions(), max_size=12)

# A filter, and the same rule in plain words over a record.
Rule = tuple[VersionFilter, Callable[[VersionMetrics], bool]]
RULES: list[Rule] = [
    (VersionFilter(), lambda _: True),
    (VersionFilter(node=("n1",)), lambda row: row.node_id == "n1"),
    (VersionFilter(project=("P", "Q")), lambda row: row.project_key in ("P", "Q")),
    (VersionFilter(model=("B",)), lambda row: row.model_id == "B"),
    (VersionFilter(model=("unheard of",)), lambda _: False),
    (VersionFilter(state=(VersionState.EVALUATED,)), lambda row: row.state is VersionState.EVALUATED),
    (VersionFilter(severity=("CRITICAL", "INFO")), lambda row: row.severity in (Severity.CRITICAL, Severity.INFO)),
    (VersionFilter(algorithm=("Linear",)), lambda row: row.algorithm == "Linear"),
    (VersionFilter(prediction_type=("REGRESSION",)), lambda row: row.prediction_type is PredictionType.REGRESSION),
    (VersionFilter(active=True), lambda row: row.active),
    (VersionFilter(archived=False), lambda row: not row.archived),
    (VersionFilter(label=("team=a",)), lambda row: row.labels.get("team") == "a"),
    (VersionFilter(label=("team", "stage=b")), lambda row: "team" in row.labels or row.labels.get("stage") == "b"),
    (VersionFilter(values=(Interval("roc_auc", 0.5, 0.8),)), lambda row: 0.5 <= row.current.get("roc_auc", 0) <= 0.8),
    (VersionFilter(drifts=(Interval("log_loss", None, 0.0),)), lambda row: row.drift.get("log_loss", 1) <= 0),
    (
        VersionFilter(evaluated_since=BUILT_AT + DAY_MS),
        lambda row: row.evaluated_at is not None and row.evaluated_at >= BUILT_AT + DAY_MS,
    ),
    (VersionFilter(evaluated_until=BUILT_AT), lambda row: row.evaluated_at is not None and row.evaluated_at < BUILT_AT),
    (VersionFilter(q="random v1"), lambda row: row.algorithm == "Random forest" and row.version_id == "v1"),
    (
        VersionFilter(active=True, node=("N2",), severity=("NONE",)),
        lambda row: row.active and row.node_id == "N2" and row.severity is Severity.NONE,
    ),
]


def _replica(folder: Path, rows: list[VersionMetrics]) -> tuple[Database, Queries]:
    database = Database(folder, TOPICS)
    written = Written(database, TOPICS)
    for row in rows:
        # Each by itself: a version that comes again is changed, not left out.
        written.write(TOPICS.version_metrics, row)
    return database, Queries.of(database.path, TOPICS)


@settings(max_examples=25, deadline=None)
@given(rows=_REGISTRIES)
def test_a_filter_admits_what_its_rule_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[VersionMetrics]
) -> None:
    database, queries = _replica(tmp_path_factory.mktemp("web"), rows)
    newest = {row.version_key: row for row in rows}
    # What no version has had is no metric to filter by.
    seen = {code for row in rows for code in (*row.current, *row.initial)} | {"roc_auc", "log_loss"}
    try:
        for where, rule in RULES:
            if all(interval.metric in seen for interval in (*where.values, *where.drifts)):
                page = queries.versions.list(where, limit=100)
                expected = {key for key, row in newest.items() if rule(row)}
                assert {item.version_key for item in page.items} == expected, where
                assert page.total == queries.versions.count(where) == len(expected)
    finally:
        queries.close()
        database.close()


_KEYS: dict[Sort, Callable[[VersionItem], Any]] = {
    Sort.VALUE: lambda item: item.value,
    Sort.INITIAL: lambda item: item.initial,
    Sort.DRIFT: lambda item: item.drift,
    Sort.DEGRADATION: lambda item: item.degradation,
    Sort.DATA_DRIFT: lambda item: item.data_drift,
    Sort.SEVERITY: lambda item: list(Severity).index(item.severity),
    Sort.EVALUATED_AT: lambda item: item.evaluated_at,
    Sort.BUILT_AT: lambda item: item.built_at,
    Sort.UPDATED_AT: lambda item: item.updated_at,
    Sort.NODE: lambda item: (item.node.casefold(), item.node),
    Sort.PROJECT: lambda item: (item.project.casefold(), item.project),
    Sort.HIERARCHY: lambda item: (item.project.casefold(), item.project, item.node),
}


@settings(max_examples=25, deadline=None)
@given(
    rows=_REGISTRIES,
    sort=st.sampled_from(list(Sort)),
    descending=st.booleans(),
    focus=st.sampled_from(["roc_auc", "log_loss"]),
    limit=st.integers(1, 4),
    data=st.data(),
)
def test_pages_go_on_in_another_replica_that_heard_of_it_all_in_another_order(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[VersionMetrics],
    sort: Sort,
    descending: bool,
    focus: str,
    limit: int,
    data: st.DataObject,
) -> None:
    newest = list({row.version_key: row for row in rows}.values())
    replicas = [
        _replica(tmp_path_factory.mktemp("web"), order) for order in (newest, data.draw(st.permutations(newest)))
    ]
    try:
        found: list[VersionItem] = []
        cursor: str | None = None
        for turn in range(len(newest) + 1):
            _, queries = replicas[turn % 2]
            page = queries.versions.list(
                sort=f"-{sort}" if descending else sort, focus=focus, limit=limit, cursor=cursor
            )
            found += page.items
            if (cursor := page.next_cursor) is None:
                break
        assert sorted(item.version_key for item in found) == sorted(row.version_key for row in newest)
        # By name, it is the name of the model, which is that of its newest build.
        keys = [_KEYS[sort](item) for item in found] if sort is not Sort.NAME else []
        known = [key for key in keys if key is not None]
        assert keys[: len(known)] == known, "what lacks it comes last"
        for one, next_ in pairwise(known):
            assert one >= next_ if descending else one <= next_
    finally:
        for database, queries in replicas:
            queries.close()
            database.close()


def test_a_model_is_found_by_what_its_newest_build_calls_it(written: Written, queries: Queries) -> None:
    topic = written.topics.version_metrics
    written.write(topic, version("n/p/m/v1", model_name="Coupons"), version("n/p/other/v1"))
    written.write(topic, version("n/p/m/v2", model_name="Vouchers", built_at=BUILT_AT + DAY_MS))
    written.write(topic, version("n/p/m/v0", model_name="Stamps", built_at=BUILT_AT - DAY_MS))
    found = {word: queries.versions.count(VersionFilter(q=word)) for word in ("coup", "vouch", "stamp", "m", "oth")}
    assert found == {"coup": 0, "vouch": 3, "stamp": 0, "m": 3, "oth": 1}


def test_equal_severities_come_worst_drift_first(written: Written, queries: Queries) -> None:
    written.write(
        TOPICS.version_metrics,
        *(
            version(f"n/p/m/v{number}", initial={"roc_auc": 0.9}, current={"roc_auc": value}, severity=severity)
            for number, (value, severity) in enumerate(
                [(0.85, Severity.WARNING), (0.7, Severity.CRITICAL), (0.6, Severity.CRITICAL), (0.87, Severity.WARNING)]
            )
        ),
    )
    page = queries.versions.list(sort="-severity")
    assert [item.version for item in page.items] == ["v2", "v1", "v0", "v3"]


def test_versions_of_a_model_come_newest_first_whichever_way_models_are_sorted(
    written: Written, queries: Queries
) -> None:
    written.write(
        TOPICS.version_metrics,
        *(version(f"n/p/m/v{number}", built_at=BUILT_AT + number * DAY_MS) for number in range(3)),
        version("n/p/m/unbuilt", built_at=None, state=VersionState.AWAITING_BUILD),
    )
    for sort in ("hierarchy", "-hierarchy", "name", "-node"):
        page = queries.versions.list(sort=sort)
        assert [item.version for item in page.items] == ["v2", "v1", "v0", "unbuilt"], sort


def test_a_page_goes_on_though_its_model_was_called_otherwise_meanwhile(written: Written, queries: Queries) -> None:
    written.write(TOPICS.version_metrics, *(version(f"n/p/{model}/v1") for model in ("a", "b", "c", "d")))
    first = queries.versions.list(sort="name", limit=2)
    written.write(TOPICS.version_metrics, version("n/p/b/v1", model_name="zebra", built_at=BUILT_AT + 1))
    second = queries.versions.list(sort="name", limit=2, cursor=first.next_cursor)
    assert [item.model for item in first.items] == ["a", "b"]
    assert [item.model for item in second.items] == ["c", "d"]


def test_a_metric_that_a_newer_build_no_longer_has_is_no_longer_sorted_by(written: Written, queries: Queries) -> None:
    written.write(
        TOPICS.version_metrics,
        version(initial={"roc_auc": 0.9, "log_loss": 0.3}, current={"roc_auc": 0.8, "log_loss": 0.4}),
    )
    where = VersionFilter(drifts=(Interval("log_loss"),))
    assert queries.versions.count(where) == 1
    written.write(TOPICS.version_metrics, version(initial={"roc_auc": 0.9}, current={"roc_auc": 0.8, "log_loss": 0.4}))
    assert queries.versions.count(where) == 0
    assert queries.versions.count(VersionFilter(values=(Interval("log_loss"),))) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("roc_auc:0.7..0.8", Interval("roc_auc", 0.7, 0.8)),
        ("roc_auc:..-0.02", Interval("roc_auc", None, -0.02)),
        ("a:b:1e3..", Interval("a:b", 1_000.0, None)),
        ("roc_auc:..", Interval("roc_auc")),
    ],
)
def test_an_interval_is_read_as_it_is_written(text: str, expected: Interval) -> None:
    assert Interval.parse(text) == expected
    assert Interval.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "roc_auc", "roc_auc:0.7", ":0..1", "roc_auc:x..1", "roc_auc:nan..1", "a:0..inf"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no interval"):
        Interval.parse(text)


def test_columns_of_doubles_say_nothing_by_nan(written: Written, queries: Queries) -> None:
    written.write(TOPICS.version_metrics, version(initial={"roc_auc": math.inf}, current={"roc_auc": 0.8}))
    (item,) = queries.versions.list().items
    assert item.initial is None
