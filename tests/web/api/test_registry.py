"""The registry's finer questions: filters, trends, totals, what was before, and every evaluation of a version."""

from typing import Any

import pytest

from mooring.metrics.catalogue import PredictionType
from mooring.outputs import Outcome, Source, VersionMetrics
from tests.web.api.client import Api, problem
from tests.web.api.conftest import Fed
from tests.web.feed import BUILT_AT, DAY_MS, outcome, version

V1 = "design-1/COUPONS/redemption/v1"


@pytest.fixture
def registry(fed: Fed) -> Api:
    fed.written.write(
        fed.topics.version_metrics,
        version("n/p/m/v1", initial={"roc_auc": 0.9}, current={"roc_auc": 0.7, "profit": -2.0}, labels={"team": "a"}),
        version("n/p/m/v2", initial={"roc_auc": 0.8}, current={"roc_auc": 0.8}, labels={"team": "b", "tier": "1"}),
        version("n/p/m/v3", initial={"roc_auc": 0.7}, labels={"tiers": "1", "team": "a=b"}),
        version(
            "n/p/m/v4",
            initial={"rmse": 5.0},
            current={"rmse": 7.5},
            prediction_type=PredictionType.REGRESSION,
            evaluated_at=BUILT_AT + 9 * DAY_MS,
        ),
        version("n/p/m/v5", archived=True, prediction_type=PredictionType.BINARY),
    )
    return fed.api


def found(api: Api, **filters: Any) -> set[str]:
    return {item["version"] for item in api.items("/versions", limit=2, **filters)}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"value": "roc_auc:0.7..0.8"}, {"v1", "v2"}),
        ({"value": "roc_auc:0.75.."}, {"v2"}),
        ({"value": "roc_auc:..0.7"}, {"v1"}),
        ({"value": "roc_auc:.."}, {"v1", "v2"}),
        ({"value": "profit:-3..-1e0"}, {"v1"}),
        ({"value": ["roc_auc:0.6..", "profit:..0"]}, {"v1"}),
        ({"value": "roc_auc:0.8..0.7"}, set()),
        ({"drift": "roc_auc:..-0.02"}, {"v1"}),
        ({"drift": "rmse:2..", "value": "rmse:..8"}, {"v4"}),
        ({"drift": "lift:.."}, set()),
        ({"label": "team"}, {"v1", "v2", "v3"}),
        ({"label": "team=a"}, {"v1"}),
        ({"label": "team=a=b"}, {"v3"}),
        ({"label": ["team=b", "tiers"]}, {"v2", "v3"}),
        ({"label": "tier"}, {"v2"}),
        ({"label": "team="}, set()),
        ({"prediction_type": "REGRESSION"}, {"v4"}),
        ({"prediction_type": ["REGRESSION", "BINARY"]}, {"v4", "v5"}),
        ({"archived": "true"}, {"v5"}),
        ({"archived": "false", "prediction_type": "BINARY"}, set()),
        ({"from": BUILT_AT + 2 * DAY_MS}, {"v4"}),
        ({"to": BUILT_AT + 2 * DAY_MS}, {"v1", "v2"}),
        ({"from": BUILT_AT + DAY_MS, "to": BUILT_AT + DAY_MS}, set()),
        ({"from": BUILT_AT + DAY_MS, "to": BUILT_AT + DAY_MS + 1}, {"v1", "v2"}),
    ],
)
def test_filters(registry: Api, filters: dict[str, Any], expected: set[str]) -> None:
    assert found(registry, **filters) == expected
    page = registry.get("/versions", limit=1, **filters)
    assert page["total"] == len(expected), "in all, not on this page"
    models = registry.items("/models", **filters)
    assert sum(model["versions"] for model in models) == len(expected)


@pytest.mark.parametrize(
    ("parameters", "name", "told"),
    [
        ({"value": "roc_auc"}, "invalid-parameter", "value: 'roc_auc' is no interval"),
        ({"value": "roc_auc:0.7"}, "invalid-parameter", "write code:low..high"),
        ({"value": ":0.7..0.8"}, "invalid-parameter", "write code:low..high"),
        ({"value": "roc_auc:high.."}, "invalid-parameter", "'high' is no number"),
        ({"drift": "roc_auc:..nan"}, "invalid-parameter", "drift: "),
        ({"drift": "roc_auc:..inf"}, "invalid-parameter", "'inf' is no number"),
        ({"value": "rocauc:0..1"}, "unknown-metric", "There is no metric 'rocauc'"),
        ({"drift": "rocauc:0..1"}, "unknown-metric", "There is no metric 'rocauc'"),
        ({"prediction_type": "GUESS"}, "invalid-parameter", "prediction_type.0: "),
        ({"archived": "maybe"}, "invalid-parameter", "archived: "),
        ({"trend": "51"}, "invalid-parameter", "trend: "),
        ({"from": "-1"}, "invalid-parameter", "from: "),
        ({"from": "soon"}, "invalid-parameter", "from: "),
        ({"q": ["a", "b"]}, "invalid-parameter", "q: it can be given once only."),
        ({"focus": ["lift", "r2"]}, "invalid-parameter", "focus: it can be given once only."),
    ],
)
def test_a_filter_that_is_none_is_refused(registry: Api, parameters: dict[str, Any], name: str, told: str) -> None:
    assert told in problem(registry.client.get("/api/v1/versions", params=parameters), 400, name)["detail"]


def test_a_trend_has_the_newest_values_of_the_focus_metric(fed: Fed) -> None:
    fed.written.write(fed.topics.version_metrics, version(V1, current={"roc_auc": 0.5}), version("n/p/m/none"))
    fed.written.write(
        fed.topics.evaluation_outcomes,
        *(
            outcome(V1, f"e{week}", evaluated_at=BUILT_AT + week, metrics={"roc_auc": week / 10, "lift": 2.0})
            for week in range(1, 6)
        ),
        outcome(V1, "kept back", evaluated_at=BUILT_AT + 9, outcome=Outcome.NOT_SYNCED, metrics={}, drift={}),
    )

    def trends(**parameters: Any) -> list[list[float]]:
        items = fed.api.get("/versions", sort="-value", **parameters)["items"]
        return [item["trend"] for item in items]

    assert trends(trend=4)[0] == [0.2, 0.3, 0.4, 0.5]
    assert trends(trend=50) == [[0.1, 0.2, 0.3, 0.4, 0.5], []]
    assert trends(trend=50, focus="lift", model="redemption") == [[2.0] * 5]
    assert trends() == [[], []]


def test_every_evaluation_is_listed_those_that_are_not_synced_without_values(fed: Fed) -> None:
    fed.written.write(fed.topics.version_metrics, version(V1))
    fed.written.write(
        fed.topics.evaluation_outcomes,
        outcome(V1, "counted", evaluated_at=10, alert_ids=("a", "b")),
        outcome(V1, "late", evaluated_at=5, outcome=Outcome.LATE),
        outcome(V1, "kept back", evaluated_at=20, outcome=Outcome.NOT_SYNCED, metrics={}, drift={}, store_id="mine"),
    )
    items = fed.api.items(f"/versions/{V1}/evaluations", limit=1)
    assert [(each["event_id"], each["outcome"]) for each in items] == [
        ("kept back", "NOT_SYNCED"),
        ("counted", "CURRENT"),
        ("late", "LATE"),
    ]
    assert (items[0]["metrics"], items[0]["drift"], items[0]["store"]) == ({}, {}, "mine")
    assert (items[1]["metrics"], items[1]["alert_ids"]) == ({"roc_auc": 0.81}, ["a", "b"])
    narrowed = fed.api.items(f"/versions/{V1}/evaluations", **{"from": 10, "to": 20})
    assert [each["event_id"] for each in narrowed] == ["counted"]
    problem(fed.api.client.get("/api/v1/versions/n/p/m/none/evaluations"), 404, "unknown-version")


def evaluated(*sources: tuple[str, int, tuple[str, ...]], **fields: Any) -> VersionMetrics:
    """A version whose current values are those of these events: id, time, and the codes that it gave."""
    return version(
        V1,
        sources=tuple(
            Source(store_id="s", evaluation_id=f"e of {event}", evaluated_at=at, recorded_at=at, event_id=event,
                   metrics=codes)
            for event, at, codes in sources
        ),
        **fields,
    )  # fmt: skip


def changes(fed: Fed) -> dict[str, tuple[float | None, float | None]]:
    """By metric, what was before, and the difference."""
    metrics = fed.api.get(f"/versions/{V1}")["metrics"]
    return {each["code"]: (each["previous"], each["change"]) for each in metrics}


def test_before_the_first_evaluation_there_was_the_initial_value(fed: Fed) -> None:
    current, initial = {"roc_auc": 0.5, "data_drift": 0.25}, {"roc_auc": 0.75, "lift": 2.0}
    row = evaluated(("a", 10, ("roc_auc", "data_drift")), initial=initial, current=current, evaluated_at=10)
    fed.written.write(fed.topics.version_metrics, row)
    fed.written.write(fed.topics.evaluation_outcomes, outcome(V1, "a", evaluated_at=10, metrics=current))
    assert changes(fed) == {"roc_auc": (0.75, -0.25), "data_drift": (None, None), "lift": (None, None)}


def test_what_was_before_is_found_metric_by_metric(fed: Fed) -> None:
    current = {"roc_auc": 0.5, "data_drift": 0.5, "lift": 1.0}
    sources = (("c", 30, ("roc_auc",)), ("b", 20, ("data_drift",)), ("a", 10, ("lift",)))
    fed.written.write(
        fed.topics.version_metrics,
        evaluated(*sources, initial={"roc_auc": 0.75, "lift": 3.0}, current=current, evaluated_at=30),
    )
    fed.written.write(
        fed.topics.evaluation_outcomes,
        outcome(V1, "kept back", evaluated_at=25, outcome=Outcome.NOT_SYNCED, metrics={}, drift={}),
        outcome(V1, "a", evaluated_at=10, metrics={"roc_auc": 0.25, "data_drift": 0.25, "lift": 1.0}),
        outcome(V1, "b", evaluated_at=20, metrics={"data_drift": 0.5}),
        outcome(V1, "c", evaluated_at=30, metrics={"roc_auc": 0.5}),
    )
    assert changes(fed) == {"roc_auc": (0.25, 0.25), "data_drift": (0.25, 0.25), "lift": (3.0, -2.0)}


def test_what_was_before_is_not_guessed_where_it_lies_far_back(fed: Fed) -> None:
    row = evaluated(("last", 999, ("roc_auc",)), initial={"roc_auc": 0.75}, current={"roc_auc": 0.5}, evaluated_at=999)
    fed.written.write(fed.topics.version_metrics, row)
    fed.written.write(
        fed.topics.evaluation_outcomes,
        outcome(V1, "first", evaluated_at=1, metrics={"roc_auc": 0.25}),
        *(outcome(V1, f"d{number}", evaluated_at=2 + number, metrics={"data_drift": 0.5}) for number in range(60)),
        outcome(V1, "last", evaluated_at=999, metrics={"roc_auc": 0.5}),
    )
    assert changes(fed)["roc_auc"] == (None, None)


def test_topics_made_anew_have_an_order_of_their_own(fed: Fed) -> None:
    for models in ("abc", "cba"):
        fed.empty()
        fed.written.write(fed.topics.version_metrics, *(version(f"n/p/{model}/v") for model in models))
        assert [item["model"] for item in fed.api.items("/versions", sort="name")] == ["a", "b", "c"]


def test_how_sure_values_and_their_drift_are(fed: Fed) -> None:
    """By what was reported, else from counts; nothing where one of both is unknown."""
    measured = Source(
        store_id="weekly",
        evaluation_id="e1",
        evaluated_at=BUILT_AT,
        recorded_at=BUILT_AT,
        event_id="event-1",
        metrics=("accuracy", "log_loss", "roc_auc"),
        standard_errors={"accuracy": 0.02},
        n_positive=150,
        n_negative=150,
    )
    fed.written.write(
        fed.topics.version_metrics,
        version(
            "n/p/m/v1",
            initial={"roc_auc": 0.87, "accuracy": 0.9, "log_loss": 0.3},
            current={"roc_auc": 0.85, "accuracy": 0.8, "log_loss": 0.4},
            initial_standard_errors={"accuracy": 0.01},
            initial_n_positive=150,
            initial_n_negative=150,
            sources=(measured,),
        ),
    )
    detail = fed.api.get("/versions/n/p/m/v1")
    auc, accuracy, log_loss = (
        next(reading for reading in detail["metrics"] if reading["code"] == code)
        for code in ("roc_auc", "accuracy", "log_loss")
    )
    assert auc["certainty"]["standard_error_from"] == auc["initial_certainty"]["standard_error_from"] == "COUNTS"
    assert auc["certainty"]["standard_error"] == pytest.approx(0.02244, abs=1e-5)
    assert auc["certainty"]["low"] < 0.85 < auc["certainty"]["high"] < 1
    assert auc["p_value"] == pytest.approx(0.515, abs=1e-3)
    assert accuracy["certainty"]["standard_error_from"] == "SCORES"
    assert (accuracy["certainty"]["standard_error"], accuracy["initial_certainty"]["standard_error"]) == (0.02, 0.01)
    assert accuracy["drift_standard_error"] == pytest.approx(0.0005**0.5)
    unknown = ("certainty", "initial_certainty", "drift_standard_error", "p_value")
    assert [log_loss[name] for name in unknown] == [None] * 4
    # The list has it of the metric in focus.
    (item,) = fed.api.items("/versions", limit=50)
    assert (item["certainty"], item["p_value"]) == (auc["certainty"], auc["p_value"])
