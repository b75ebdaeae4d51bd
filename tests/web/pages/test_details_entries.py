"""What the Details panel, the chart and the comparison say: facts, rows, bands, and words beside every colour."""

import pytest

from mooring.events import NodeKind
from mooring.keys import VersionKey
from mooring.metrics.catalogue import CATALOGUE, Direction
from mooring.outputs import ErrorSource, Outcome, Severity
from tests.web.feed import BUILT_AT, DAY_MS, Written, outcome, version
from web.models import AlertItem, AlertSeverity, Bounds, Certainty, EvaluationItem, Reading, VersionDetail
from web.pages import chart_entries, compare_entries, details_entries
from web.pages.chart_entries import Axis, Line
from web.pages.compare_address import MOST_VERSIONS, CompareView
from web.queries import Queries
from web.reads.series import Point, Series, thinned

V1, V2 = "design-1/COUPONS/redemption/v1", "design-1/COUPONS/redemption/v2"
ROC_AUC, LOG_LOSS, DATA_DRIFT = CATALOGUE["roc_auc"], CATALOGUE["log_loss"], CATALOGUE["data_drift"]


def reading(**fields: object) -> Reading:
    """ROC AUC that fell from 0.87 to 0.81, by 0.01 in the newest evaluation."""
    given = {
        "code": "roc_auc", "label": "ROC AUC", "direction": Direction.HIGHER, "custom": False, "initial": 0.87,
        "initial_std": 0.0123, "value": 0.81, "drift": -0.06, "degradation": 0.06, "previous": 0.82, "change": -0.01,
        "evaluated_at": BUILT_AT, "store": "weekly", "evaluation": "e1", "initial_certainty": None, "certainty": None,
        "drift_standard_error": None, "p_value": None,
    }  # fmt: skip
    return Reading(**{**given, **fields})


def evaluation(**fields: object) -> EvaluationItem:
    given = {
        "event_id": "event-1", "evaluation": "e1", "store": "weekly", "evaluated_at": BUILT_AT,
        "outcome": Outcome.CURRENT, "metrics": {"roc_auc": 0.81}, "drift": {"roc_auc": -0.06}, "alert_ids": [],
    }  # fmt: skip
    return EvaluationItem(**{**given, **fields})


def alert(metric: str = "roc_auc") -> AlertItem:
    return AlertItem(
        alert_id="a1", version_key=V1, node="design-1", project="COUPONS", model="redemption", version="v1",
        active=True, metric=metric, direction=Direction.HIGHER, initial=0.87, previous=0.82, current=0.81, drift=-0.06,
        change=-0.01, degradation=0.06, severity=AlertSeverity.WARNING, reason="It fell.", p_value=None, threshold=None,
        standard_error=None, standard_error_from=ErrorSource.UNKNOWN, evaluation="e1", store="weekly",
        evaluated_at=BUILT_AT, caused_by="event-1", source_url=None,
    )  # fmt: skip


def series(*values: float) -> Series:
    points = tuple(Point(BUILT_AT + place * DAY_MS, value, "weekly") for place, value in enumerate(values))
    return Series(points, len(points))


@pytest.fixture
def detail(written: Written, queries: Queries) -> VersionDetail:
    """A version that was evaluated, as the replica tells it."""
    written.write(
        written.topics.version_metrics,
        version(
            V1,
            initial={"roc_auc": 0.87, "log_loss": 0.3},
            initial_std={"roc_auc": 0.0123},
            current={"roc_auc": 0.81, "log_loss": 0.28, "data_drift": 0.7},
            severity=Severity.CRITICAL,
            model_name="Coupon redemption",
            node_kind=NodeKind.DESIGN,
            source_url="javascript:alert(1)",
            labels={"team": "growth", "branch": "main"},
        ),
        version(V2, initial={"roc_auc": 0.88}, current={"roc_auc": 0.889}, active=True),
    )
    found = queries.versions.get(VersionKey.parse(V1))
    assert found is not None
    return found


# Overview, metrics, source


def test_the_overview_has_the_figures_of_the_focus_and_says_which_version_is_active(
    detail: VersionDetail, queries: Queries
) -> None:
    active = queries.versions.get(VersionKey.parse(V2))
    shown = details_entries.overview(detail, ROC_AUC, active)
    assert (shown["value"], shown["initial"], shown["data_drift"]) == ("0.8100", "0.8700", "0.7000")
    assert (shown["drift"]["text"], shown["drift"]["word"]) == ("−0.0600", "worse")
    assert (shown["active"]["key"], shown["active"]["name"], shown["active"]["value"]) == (V2, "v2", "0.8890")
    facts = {fact["label"]: fact for fact in shown["facts"]}
    assert facts["Node"]["text"] == "design-1, a design node"
    assert facts["Source"]["text"] == "javascript:alert(1)"
    assert "href" not in facts["Source"]
    assert shown["labels"] == ["branch: main", "team: growth"]


def test_one_sentence_says_which_version_is_active(detail: VersionDetail) -> None:
    assert details_entries.active_version(detail, None)["text"] == "No version of this model is active."
    this = detail.model_copy(update={"active": True})
    assert details_entries.active_version(this, this)["this"] is True


@pytest.mark.parametrize(
    ("change", "drift", "direction", "shown"),
    [
        (-0.01, 0.06, Direction.HIGHER, ("▼", "−0.0100", "worse")),
        (0.01, -0.06, Direction.HIGHER, ("▲", "+0.0100", "better")),
        (0.01, 0.06, Direction.LOWER, ("▲", "+0.0100", "worse")),
        (0.01, None, Direction.NONE, ("▲", "+0.0100", "")),
        (None, None, Direction.HIGHER, ("", "–", "")),
    ],
)
def test_a_change_has_a_sign_and_a_word_beside_its_colour(
    change: float | None, drift: float | None, direction: Direction, shown: tuple[str, str, str]
) -> None:
    row = details_entries.metric(reading(change=change, degradation=drift, direction=direction))
    assert (row["change"]["arrow"], row["change"]["text"], row["change"]["word"]) == shown


def test_a_metric_has_its_deviation_and_where_it_was_evaluated() -> None:
    row = details_entries.metric(reading())
    assert (row["deviation"], row["where"]) == ("± 0.012", "store weekly, evaluation e1")
    bare = details_entries.metric(reading(initial_std=None, evaluation=None, store=None, evaluated_at=None))
    assert (bare["deviation"], bare["where"], bare["at"]) == ("", "", None)


@pytest.mark.parametrize(
    ("source", "how"), [(ErrorSource.COUNTS, "from the counts of rows"), (ErrorSource.SCORES, "as it was reported")]
)
def test_a_metric_says_how_sure_its_value_and_its_drift_are(source: ErrorSource, how: str) -> None:
    known = Certainty(standard_error=0.0081, standard_error_from=source, low=0.794, high=0.826)
    row = details_entries.metric(reading(certainty=known, p_value=0.18))
    assert (row["interval"], row["chance"]) == ("0.7940 to 0.8260", "p = 0.18")
    assert row["certainty"] == f"The interval that has the true value 95 times of 100. Standard error 0.0081, {how}"
    assert (row["initial_interval"], row["initial_certainty"]) == ("", "")


def test_of_what_is_rare_it_does_not_say_how_rare() -> None:
    assert details_entries.metric(reading(p_value=3e-12))["chance"] == "p < 0.0001"


def test_metrics_are_counted_by_whether_they_got_worse(detail: VersionDetail) -> None:
    shown = details_entries.metrics(detail, None)
    assert (shown["worse"], shown["better"]) == ("1", "1")
    assert [row["code"] for row in shown["rows"]] == ["roc_auc", "log_loss", "data_drift"]


def test_the_source_names_the_address_of_the_api(detail: VersionDetail) -> None:
    shown = details_entries.source(detail, {"weekly": "ROC AUC"})
    assert shown["address"] == f"/api/v1/versions/{V1}"
    assert shown["history"] == f"/api/v1/versions/{V1}/history?metric=roc_auc"
    assert next(fact for fact in shown["facts"] if fact["label"] == "Source")["href"] == ""


# Evaluations


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_word_and_a_meaning(outcome: Outcome) -> None:
    shown = details_entries.evaluation(evaluation(outcome=outcome), ROC_AUC, {})
    assert shown["outcome"]
    assert shown["meaning"]


def test_an_evaluation_shows_the_focus_and_all_its_metrics_in_the_catalogues_order() -> None:
    item = evaluation(metrics={"data_drift": 0.7, "roc_auc": 0.81}, alert_ids=["a", "b"])
    shown = details_entries.evaluation(item, ROC_AUC, {"roc_auc": ROC_AUC, "data_drift": DATA_DRIFT})
    assert (shown["focus"]["value"], shown["focus"]["drift"]["word"], shown["alerts"]) == (
        "0.8100",
        "worse",
        "2 alerts",
    )
    assert [metric["label"] for metric in shown["metrics"]] == ["ROC AUC", "Data drift"]


def test_an_evaluation_that_is_not_synced_has_no_values_to_show() -> None:
    shown = details_entries.evaluation(evaluation(outcome=Outcome.NOT_SYNCED, metrics={}, drift={}), ROC_AUC, {})
    assert (shown["outcome"], shown["focus"], shown["metrics"]) == ("Not synced", None, [])


# Charts


@pytest.mark.parametrize(
    ("values", "limits", "axis"),
    [
        ([0.81, 0.87], [], Axis(0.80, 0.88, 0.02)),
        ([0.81, 0.87], [0.78], Axis(0.75, 0.9, 0.025)),
        ([0.81, 0.87], [0.2], Axis(0.80, 0.88, 0.02)),
        ([], [], Axis(0.0, 1.25, 0.25)),
        ([0.0, 0.0], [], Axis(0.0, 0.6, 0.2)),
        ([1243.2, 1500.0], [], Axis(1200.0, 1600.0, 100.0)),
    ],
)
def test_an_axis_has_round_marks_and_room_for_every_value(values: list[float], limits: list[float], axis: Axis) -> None:
    assert tuple(chart_entries.axis(values, limits)) == pytest.approx(tuple(axis))


def test_an_axis_does_not_reach_where_no_value_can_be() -> None:
    assert chart_entries.axis([0.01, 0.99], (), 0.0, 1.0)[:2] == (0.0, 1.0)


@pytest.mark.parametrize(
    ("bounds", "bands"),
    [
        (Bounds(), []),
        (Bounds(min=0.7, soft_min=0.8), [("critical", None, 0.7), ("warning", 0.7, 0.8)]),
        (Bounds(soft_max=0.5, max=0.9), [("warning", 0.5, 0.9), ("critical", 0.9, None)]),
        (Bounds(soft_min=0.8), [("warning", None, 0.8)]),
        (None, []),
    ],
)
def test_thresholds_are_bands_that_reach_to_the_next_bound(
    bounds: Bounds | None, bands: list[tuple[str, float | None, float | None]]
) -> None:
    assert [(band["word"], band["low"], band["high"]) for band in chart_entries.bands(bounds)] == bands


def test_a_chart_has_points_the_initial_value_and_the_alerts_of_its_metric() -> None:
    shown = chart_entries.chart(
        V1,
        ROC_AUC,
        [Line("v1", series(0.85, 0.81), 0.87)],
        thresholds={"weekly": Bounds(min=0.8)},
        alerts=[alert(), alert("log_loss")],
    )
    assert shown["lines"][0]["points"] == [[BUILT_AT, 0.85, 0], [BUILT_AT + DAY_MS, 0.81, 0]]
    assert shown["initial"] == {"value": 0.87, "text": "0.8700"}
    assert [(mark["value"], mark["severity"]) for mark in shown["marks"]] == [(0.81, "Warning")]
    assert shown["thinned"] is False
    assert shown["summary"] == (
        "ROC AUC lay between 0.8100 and 0.8500 in 2 evaluations and is 0.8100 now, −0.0600 from its initial 0.8700, "
        "worse. Thresholds of store weekly: critical below 0.8. 1 drift alert."
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (Line("v1", Series(), 0.87), "No evaluation with ROC AUC has counted yet. Its initial value is 0.8700."),
        (Line("v1", series(0.9), None), "ROC AUC is 0.9000 after 1 evaluation."),
        (
            Line("v1", series(0.9), 0.8),
            "ROC AUC is 0.9000 after 1 evaluation, +0.1000 from its initial 0.8000, better.",
        ),
    ],
)
def test_the_summary_says_what_the_chart_shows(line: Line, words: str) -> None:
    assert chart_entries.summary(ROC_AUC, [line], {}, 0) == words


def test_the_summary_says_when_points_were_left_out() -> None:
    line = Line("v1", Series(series(0.8, 0.9).points, 12_000), None)
    assert "2 of 12,000 values are drawn" in chart_entries.summary(ROC_AUC, [line], {}, 0)


# Thinning, and what is read for a chart


@pytest.mark.parametrize(("count", "most"), [(5, 500), (500, 500), (501, 500), (20_000, 500), (100, 4)])
def test_thinning_keeps_the_ends_and_the_extremes_and_no_more_points_than_asked_for(count: int, most: int) -> None:
    values = [0.5 + ((place * 7919) % 1000) / 10_000 for place in range(count)]
    values[count // 2], values[count // 3] = 0.99, 0.01
    points = series(*values).points
    kept = thinned(points, most)
    assert len(kept) <= most
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert {0.99, 0.01} <= {point.value for point in kept} or most < 6
    assert kept == sorted(kept)


def test_points_at_one_time_are_thinned_too() -> None:
    points = [Point(BUILT_AT, place / 100, "weekly") for place in range(100)]
    assert {point.value for point in thinned(points, 10)} == {0.0, 0.99}


def test_a_series_has_what_counted_and_of_a_corrected_evaluation_the_newest(written: Written, queries: Queries) -> None:
    at = BUILT_AT + DAY_MS
    written.write(written.topics.version_metrics, version(V1, current={"roc_auc": 0.8}))
    written.write(
        written.topics.evaluation_outcomes,
        outcome(V1, "b", evaluated_at=at + 2, metrics={"roc_auc": 0.82}),
        outcome(V1, "a", evaluated_at=at, metrics={"roc_auc": 0.84}, outcome=Outcome.LATE),
        outcome(V1, "wrong", evaluated_at=at + 3, recorded_at=1, evaluation_id="e", metrics={"roc_auc": 0.1}),
        outcome(V1, "right", evaluated_at=at + 3, recorded_at=2, evaluation_id="e", metrics={"roc_auc": 0.8}),
        outcome(V1, "again", evaluated_at=at + 3, metrics={"roc_auc": 0.5}, outcome=Outcome.DUPLICATE),
        outcome(V1, "secret", evaluated_at=at + 4, metrics={}, drift={}, outcome=Outcome.NOT_SYNCED),
        outcome(V1, "other", evaluated_at=at + 5, metrics={"log_loss": 0.3}, drift={}),
        outcome(V2, "elsewhere", evaluated_at=at, metrics={"roc_auc": 0.9}),
    )
    key = VersionKey.parse(V1)
    found = queries.history.series(key, "roc_auc", most=500)
    assert [(point.at - at, point.value) for point in found.points] == [(0, 0.84), (2, 0.82), (3, 0.8)]
    assert queries.history.count(key) == 7
    within = queries.history.series(key, "roc_auc", most=500, since=at + 1, until=at + 3)
    assert [point.value for point in within.points] == [0.82]
    # What is asked again is answered from before, until there is more.
    assert queries.history.series(key, "roc_auc", most=500) is found
    written.write(written.topics.evaluation_outcomes, outcome(V1, "late", evaluated_at=at + 1))
    assert queries.history.series(key, "roc_auc", most=500).total == 4
    assert queries.history.series(key, "never_heard_of", most=500) == Series()
    assert queries.history.series(VersionKey.parse("n/p/m/none"), "roc_auc", most=500) == Series()


# Comparisons


@pytest.mark.parametrize(
    ("values", "direction", "best"),
    [
        ([0.8, 0.9, None], Direction.HIGHER, {1}),
        ([0.8, 0.9], Direction.LOWER, {0}),
        ([0.9, 0.9, 0.8], Direction.HIGHER, {0, 1}),
        ([0.9, 0.9], Direction.HIGHER, set()),
        ([0.9, None], Direction.HIGHER, set()),
        ([0.8, 0.9], Direction.NONE, set()),
    ],
)
def test_the_best_value_is_marked_where_there_is_a_choice(
    values: list[float | None], direction: Direction, best: set[int]
) -> None:
    assert compare_entries.best(values, direction) == best


def test_a_comparison_has_a_row_each_metric_and_a_cell_each_version(detail: VersionDetail, queries: Queries) -> None:
    other = queries.versions.get(VersionKey.parse(V2))
    assert other is not None
    rows = compare_entries.rows([detail, other], queries.metrics.seen())
    assert [row["code"] for row in rows] == ["roc_auc", "log_loss", "data_drift"]
    first = rows[0]["cells"]
    assert (first[V1]["value"], first[V1]["best"], first[V2]["value"], first[V2]["best"]) == (
        "0.8100", False, "0.8890", True,
    )  # fmt: skip
    assert rows[1]["cells"][V2]["value"] == "–"
    columns = compare_entries.columns([V2, "n/p/m/none", V1], {V1: detail, V2: other})
    assert [(column["key"], column["known"]) for column in columns] == [(V2, True), ("n/p/m/none", False), (V1, True)]


def test_versions_of_different_models_are_called_by_both_names(detail: VersionDetail) -> None:
    other = detail.model_copy(update={"version_key": "n/p/basket/v1", "model": "basket", "model_name": None})
    assert compare_entries.names_of([detail, other]) == {
        V1: "Coupon redemption v1",
        "n/p/basket/v1": "basket v1",
    }
    twin = detail.model_copy(update={"version_key": "other/COUPONS/redemption/v1", "node": "other"})
    assert len(set(compare_entries.names_of([detail, twin]).values())) == 2


def test_a_comparison_survives_its_address() -> None:
    view = CompareView((V1, "a/b%2Fc/d/e"), "log_loss")
    assert view.query == f"?version={V1},a/b%252Fc/d/e&metric=log_loss"
    assert CompareView.of({"version": f"{V1},a/b%2Fc/d/e", "metric": "log_loss"}) == view
    assert CompareView().query == ""


def test_a_comparison_has_each_version_once_and_not_too_many() -> None:
    assert CompareView((V1, V2, V1, "")).versions == (V1, V2)
    assert len(CompareView(tuple(f"n/p/m/{number}" for number in range(40))).versions) == MOST_VERSIONS
