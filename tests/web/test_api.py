"""The API: what it answers, how it is sorted and paged, and that every error is a problem document."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from mooring.metrics.catalogue import Direction
from mooring.outputs import DeclaredMetric, Outcome, Severity, VersionMetrics
from mooring.topics import Topics
from tests.web.api import client
from tests.web.api.client import Json
from tests.web.conftest import AS_OF, app_over
from tests.web.feed import BUILT_AT, DAY_MS, Written, alert, outcome, version
from web.changes import Changes
from web.database import Database
from web.models import Sort, VersionItem
from web.queries import Queries
from web.replica import ReplicaState

STATE = ReplicaState(as_of=AS_OF, checked_at=AS_OF)
V1 = "design-1/COUPONS/redemption/v1"


class Api(client.Api):
    """The API over `written`'s database, with the state that a test gives it."""

    def __init__(self, queries: Queries, topics: Topics) -> None:
        self.state = STATE
        super().__init__(app_over(queries, topics, Changes(), lambda: self.state))


@pytest.fixture
def api(queries: Queries, topics: Topics) -> Iterator[Api]:
    api = Api(queries, topics)
    yield api
    api.client.close()


@pytest.fixture
def registry(written: Written) -> Written:
    """Five versions of three models on two nodes."""
    written.write(
        written.topics.version_metrics,
        version(V1, initial={"roc_auc": 0.87, "log_loss": 0.3}, current={"roc_auc": 0.81, "log_loss": 0.4}),
        version(
            "design-1/COUPONS/redemption/v2",
            initial={"roc_auc": 0.88},
            current={"roc_auc": 0.89, "data_drift": 0.6},
            active=True,
            model_name="Coupon redemption",
            built_at=BUILT_AT + DAY_MS,
        ),
        version("design-1/COUPONS/basket/v1", initial={"rmse": 12.0}, algorithm="Gradient boosting"),
        version(
            "auto-eu/FRAUD/cards/v1",
            initial={"roc_auc": 0.9},
            current={"roc_auc": 0.8},
            active=True,
            severity=Severity.CRITICAL,
        ),
        version("auto-eu/FRAUD/cards/v2", initial={"roc_auc": 0.9}),
    )
    return written


def keys(items: list[Json]) -> list[str]:
    return ["/".join((item["model"], item["version"])) for item in items]


@pytest.mark.usefixtures("registry")
def test_an_item_has_the_metric_in_focus(api: Api) -> None:
    page = api.get("/versions", model="redemption", sort="-degradation", limit=1)
    assert page["as_of"] == AS_OF
    assert page["next_cursor"]
    (item,) = page["items"]
    assert item["version_key"] == V1
    assert (item["focus"], item["value"], item["initial"]) == ("roc_auc", 0.81, 0.87)
    assert item["drift"] == pytest.approx(-0.06)
    assert item["degradation"] == pytest.approx(0.06)
    (item,) = api.get("/versions", model="redemption", sort="-degradation", limit=1, focus="log_loss")["items"]
    assert item["degradation"] == item["drift"] == pytest.approx(0.1)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["redemption/v2", "redemption/v1", "basket/v1", "cards/v1", "cards/v2"]),
        ({"node": "auto-eu"}, ["cards/v1", "cards/v2"]),
        ({"project": "COUPONS"}, ["basket/v1", "redemption/v2", "redemption/v1"]),
        ({"model": ["basket", "cards"]}, ["basket/v1", "cards/v1", "cards/v2"]),
        ({"active": "true"}, ["redemption/v2", "cards/v1"]),
        ({"active": "true", "node": "auto-eu"}, ["cards/v1"]),
        ({"severity": "CRITICAL"}, ["cards/v1"]),
        ({"state": "INITIAL"}, ["basket/v1", "cards/v2"]),
        ({"algorithm": "Gradient boosting"}, ["basket/v1"]),
        ({"q": "COUPON redemption"}, ["redemption/v2", "redemption/v1"]),
        ({"q": "gradient"}, ["basket/v1"]),
        ({"project": "NONE"}, []),
    ],
)
def test_filters(api: Api, filters: dict[str, str | list[str]], expected: list[str]) -> None:
    assert sorted(keys(api.items("/versions", **filters))) == sorted(expected)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-value", ["redemption/v2", "redemption/v1", "cards/v1", "cards/v2", "basket/v1"]),
        ("value", ["cards/v1", "redemption/v1", "redemption/v2", "cards/v2", "basket/v1"]),
        ("-degradation", ["cards/v1", "redemption/v1", "redemption/v2", "cards/v2", "basket/v1"]),
        ("drift", ["cards/v1", "redemption/v1", "redemption/v2", "cards/v2", "basket/v1"]),
        # Its name counts as it is shown; without one its id.
        ("hierarchy", ["basket/v1", "redemption/v2", "redemption/v1", "cards/v1", "cards/v2"]),
    ],
)
def test_sorting(api: Api, sort: str, expected: list[str]) -> None:
    found = keys(api.items("/versions", sort=sort, limit=2))
    if sort == "hierarchy":
        # Newest build of a model first; one without a name of its own may stand apart from its namesakes.
        assert found[0] == "basket/v1"
        assert found[-2:] == ["cards/v1", "cards/v2"]
        return
    assert found == expected


def _value(item: VersionItem, key: Sort) -> str | float | None:
    if key is Sort.SEVERITY:
        return list(Severity).index(item.severity)
    found: str | float | None = getattr(item, key.value)
    return found


_small = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 0.75]))


@st.composite
def _registries(draw: st.DrawFn) -> list[VersionMetrics]:
    parts = st.sampled_from(["a", "B", "é", "x/y", "a b"])
    found = {}
    for key in draw(st.lists(st.tuples(parts, parts, parts, parts), unique=True, max_size=9)):
        current = {code: draw(_small) for code in ("roc_auc", "log_loss", "n_clusters", "data_drift")}
        initial = {code: draw(_small) for code in ("roc_auc", "log_loss", "n_clusters")}
        text = "/".join(quote(part, safe="") for part in key)
        found[text] = version(
            text,
            initial={code: value for code, value in initial.items() if value is not None},
            current={code: value for code, value in current.items() if value is not None},
            built_at=draw(st.sampled_from([None, BUILT_AT, BUILT_AT + 1])),
            severity=draw(st.sampled_from(list(Severity))),
        )
    return list(found.values())


@settings(max_examples=25, deadline=None)
@given(
    rows=_registries(),
    focus=st.sampled_from(["roc_auc", "log_loss", "n_clusters", "lift"]),
    limit=st.integers(1, 4),
    sort=st.sampled_from([sign + key.value for key in Sort for sign in ("", "-")]),
)
def test_pages_hold_every_version_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[VersionMetrics], focus: str, limit: int, sort: str
) -> None:
    topics = Topics.named()
    database = Database(tmp_path_factory.mktemp("web"), topics)
    queries = Queries.of(database.path, topics)
    try:
        Written(database, topics).write(topics.version_metrics, *rows)
        items: list[VersionItem] = []
        cursor: str | None = None
        while True:
            page = queries.versions.list(focus=focus, sort=sort, limit=limit, cursor=cursor)
            items += page.items
            if (cursor := page.next_cursor) is None:
                break
            assert len(page.items) == limit
        assert sorted(item.version_key for item in items) == sorted(row.version_key for row in rows)
        key = Sort(sort.removeprefix("-"))
        if key not in (Sort.HIERARCHY, Sort.NAME):
            values = [_value(item, key) for item in items]
            known = [value for value in values if value is not None]
            assert values[: len(known)] == known, "what lacks the value comes last"
            assert known == sorted(known, key=_comparable, reverse=sort.startswith("-"))
    finally:
        queries.close()
        database.close()


def _comparable(value: str | float) -> tuple[str, bytes, float]:
    # As people sort: capital letters beside small ones.
    return (value.casefold(), value.encode(), 0.0) if isinstance(value, str) else ("", b"", value)


def test_pages_do_not_shift_when_rows_come_in_between(api: Api, written: Written) -> None:
    topic = written.topics.version_metrics
    written.write(topic, *(version(f"n/p/m/v{number}", current={"roc_auc": number / 10}) for number in range(6)))
    first = api.get("/versions", sort="value", limit=3)
    written.write(topic, version("n/p/m/new", current={"roc_auc": 0.05}))
    second = api.get("/versions", sort="value", limit=3, cursor=first["next_cursor"])
    assert keys(first["items"] + second["items"]) == [f"m/v{number}" for number in range(6)]


def test_ids_may_hold_any_character(api: Api, written: Written) -> None:
    parts = ("node/1", "PRO JECT", "modèle?", "v%2F1+#&")
    path = "/".join(quote(part, safe="") for part in parts)
    written.write(written.topics.version_metrics, version(path, current={"roc_auc": 0.8}))
    written.write(written.topics.evaluation_outcomes, outcome(path))
    found = api.get(f"/versions/{path}")
    assert (found["node"], found["project"], found["model"], found["version"]) == parts
    assert found["version_key"] == path
    assert len(api.get(f"/versions/{path}/history")["items"]) == 1


def test_one_version_has_all_metrics_and_where_they_come_from(api: Api, written: Written) -> None:
    declared = DeclaredMetric(
        code="profit", label="Profit", direction=Direction.HIGHER, declared_at=1, declared_by="event"
    )
    row = version(
        V1,
        initial={"roc_auc": 0.87, "lift": 3.0},
        initial_std={"roc_auc": 0.01},
        current={"profit": 1.5, "roc_auc": 0.81, "data_drift": 0.6},
        custom_metrics=(declared,),
        labels={"team": "growth"},
        source_url="https://example.org/run",
    )
    written.write(written.topics.version_metrics, row)
    found = api.get(f"/versions/{V1}")
    assert found["as_of"] == AS_OF
    assert found["labels"] == {"team": "growth"}
    assert [each["code"] for each in found["metrics"]] == ["roc_auc", "lift", "data_drift", "profit"]
    by_code = {each["code"]: each for each in found["metrics"]}
    assert by_code["roc_auc"]["initial_std"] == 0.01
    assert by_code["roc_auc"]["store"] == "weekly"
    assert by_code["lift"]["value"] is by_code["lift"]["store"] is None
    assert (by_code["profit"]["label"], by_code["profit"]["custom"]) == ("Profit", True)


def test_history_has_what_counted_oldest_first(api: Api, written: Written) -> None:
    written.write(written.topics.version_metrics, version(V1))
    written.write(
        written.topics.evaluation_outcomes,
        outcome(V1, "late", evaluated_at=30, outcome=Outcome.LATE, metrics={"lift": 2.0}, drift={}),
        outcome(V1, "kept back", evaluated_at=20, outcome=Outcome.NOT_SYNCED, metrics={}, drift={}),
        outcome(V1, "first", evaluated_at=10, metrics={"roc_auc": 0.8, "lift": 2.5}),
        outcome("n/p/m/other", "another"),
    )
    path = f"/versions/{V1}/history"
    assert [each["event_id"] for each in api.items(path, limit=1)] == ["first", "late"]
    assert [each["metrics"] for each in api.items(path, metric="lift")] == [{"lift": 2.5}, {"lift": 2.0}]
    assert [each["event_id"] for each in api.items(path, metric="roc_auc")] == ["first"]
    assert [each["event_id"] for each in api.items(path, **{"from": 11, "to": 31})] == ["late"]


def test_alerts_newest_first(api: Api, written: Written) -> None:
    other = "auto-eu/FRAUD/cards/v1"
    written.write(
        written.topics.drift_alerts,
        *(alert(V1, f"event-{number}", evaluated_at=100 + number) for number in range(5)),
        alert(other, severity=Severity.INFO, evaluated_at=50),
        alert(other, metric="log_loss", severity=Severity.INFO, evaluated_at=103),
    )
    found = api.items("/alerts", limit=2)
    times = [each["evaluated_at"] for each in found]
    assert times == sorted(times, reverse=True)
    assert len({each["alert_id"] for each in found}) == 7
    assert {each["version_key"] for each in api.items("/alerts", version=other)} == {other}
    assert len(api.items("/alerts", project="FRAUD", severity="INFO", metric="log_loss")) == 1
    assert [each["evaluated_at"] for each in api.items("/alerts", version=V1, **{"from": 101, "to": 103})] == [102, 101]


@pytest.mark.usefixtures("registry")
def test_what_there_is_to_filter_and_focus_on(api: Api) -> None:
    assert [each["node"] for each in api.items("/nodes")] == ["auto-eu", "design-1"]
    assert [(each["project"], each["models"], each["versions"]) for each in api.items("/projects")] == [
        ("FRAUD", 1, 2),
        ("COUPONS", 2, 3),
    ]
    models = {each["model"]: each for each in api.items("/models", limit=1)}
    assert models["redemption"]["name"] == "Coupon redemption"
    assert models["redemption"]["active_version"] == "v2"
    assert models["basket"]["active_version"] is None
    metrics = api.items("/metrics")
    assert metrics[0]["code"] == "roc_auc"
    assert {each["code"] for each in metrics if each["in_use"]} == {"roc_auc", "log_loss", "data_drift", "rmse"}


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("path", "status", "name", "known"),
    [
        ("/versions?focus=rocauc", 400, "unknown-metric", "roc_auc"),
        ("/versions?sort=age", 400, "unknown-sort-key", "degradation"),
        ("/versions?sort=--value", 400, "unknown-sort-key", "value"),
        ("/versions?signof=APPROVED", 400, "unknown-parameter", "focus"),
        ("/nodes?limit=5", 400, "unknown-parameter", None),
        ("/versions?limit=501", 400, "invalid-parameter", None),
        ("/versions?limit=0", 400, "invalid-parameter", None),
        ("/versions?severity=BAD", 400, "invalid-parameter", None),
        ("/versions?active=perhaps", 400, "invalid-parameter", None),
        ("/versions?cursor=nonsense", 400, "invalid-cursor", None),
        ("/versions?cursor=WyJhIiwxLDJd", 400, "invalid-cursor", None),
        ("/versions?cursor=%C3%A9", 400, "invalid-cursor", None),
        ("/versions/n/p/m/v", 404, "unknown-version", None),
        ("/versions/n/p/m/v/history", 404, "unknown-version", None),
        ("/versions/n/p/m/%FF", 404, "unknown-version", None),
        ("/versions/n/p/m/%00", 404, "unknown-version", None),
        (f"/versions/{V1}?focus=none", 400, "unknown-metric", "roc_auc"),
        (f"/versions/{V1}/history?metric=none", 400, "unknown-metric", "roc_auc"),
        (f"/versions/{V1}/history?from=soon", 400, "invalid-parameter", None),
        ("/alerts?metric=none", 400, "unknown-metric", "roc_auc"),
        ("/alerts?severity=NONE", 400, "invalid-parameter", None),
        ("/alerts?to=99999999999999999999", 400, "invalid-parameter", None),
        ("/nothing", 404, "no-such-address", None),
    ],
)
def test_every_refusal_is_a_problem_document(api: Api, path: str, status: int, name: str, known: str | None) -> None:
    answer = api.client.get(f"/api/v1{path}")
    problem = _problem(answer.status_code, answer.headers["content-type"], answer.json())
    assert (problem["status"], problem["type"]) == (status, f"urn:mooring:problem:{name}")
    if known:
        assert known in problem["known"]


def test_a_method_that_is_not_for_the_address(api: Api) -> None:
    answer = api.client.delete("/api/v1/versions")
    problem = _problem(answer.status_code, answer.headers["content-type"], answer.json())
    assert problem["status"] == 405
    assert answer.headers["allow"] == "GET"


def test_a_cursor_of_another_list_is_refused(api: Api, registry: Written) -> None:
    cursor = api.get("/versions", limit=1)["next_cursor"]
    for other in ({"sort": "value"}, {"focus": "lift"}, {"node": "auto-eu"}):
        assert api.client.get("/api/v1/versions", params={"cursor": cursor, **other}).status_code == 400


def test_a_failure_here_is_a_problem_too(api: Api, database: Database, tmp_path: Path) -> None:
    database.close()
    (tmp_path / "web" / "registry.sqlite3").unlink()
    with capture_logs() as logged:
        answer = api.client.get("/api/v1/versions")
    problem = _problem(answer.status_code, answer.headers["content-type"], answer.json())
    assert problem["status"] == 500
    assert [each["path"] for each in logged] == ["/api/v1/versions"]
    assert "sqlite" not in answer.text.lower()


def _problem(status: int, media_type: str, problem: Json) -> Json:
    assert media_type == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].endswith((".", "!"))
    return problem


@pytest.mark.parametrize(
    ("state", "ready", "reason"),
    [
        (STATE, True, ""),
        (ReplicaState(behind=12, known=40), False, "catching up: 12 records"),
        (ReplicaState(trouble="No Kafka broker answers at x."), False, "No Kafka broker"),
        (ReplicaState(as_of=1, checked_at=1, trouble="No Kafka broker answers at x."), False, "No Kafka broker"),
    ],
)
def test_readiness_says_why_not(api: Api, state: ReplicaState, ready: bool, reason: str) -> None:
    api.state = state
    assert api.client.get("/health/live").status_code == 200
    answer = api.client.get("/health/ready")
    assert answer.status_code == (200 if ready else 503)
    if not ready:
        assert reason in _problem(503, answer.headers["content-type"], answer.json())["detail"]


def test_figures_for_prometheus(api: Api, registry: Written) -> None:
    registry.write(registry.topics.drift_alerts, alert())
    text = api.client.get("/metrics").text
    assert "mooring_web_versions 5.0" in text
    assert 'mooring_web_alerts{severity="CRITICAL"} 1.0' in text
    assert "mooring_web_replica_behind_records 0.0" in text
    assert "mooring_web_replica_age_seconds" in text
    assert "process_resident_memory_bytes" in text


def test_the_documentation_is_complete(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    routes = {path for path in document["paths"] if path.startswith("/api/v1")}
    assert {
        "/api/v1/versions",
        "/api/v1/versions/{node}/{project}/{model}/{version}",
        "/api/v1/versions.csv",
        "/api/v1/versions/{node}/{project}/{model}/{version}/history",
        "/api/v1/versions/{node}/{project}/{model}/{version}/evaluations",
        "/api/v1/metrics",
        "/api/v1/models",
        "/api/v1/projects",
        "/api/v1/nodes",
        "/api/v1/alerts",
        "/api/v1/alerts/stream",
        "/api/v1/builds",
        "/api/v1/evaluations",
        "/api/v1/stores",
        "/api/v1/stores/{node}/{project}/{store}",
        "/api/v1/dead-letters",
        "/api/v1/dead-letters/{letter_id}",
        "/api/v1/dead-letters/{letter_id}/replay",
    } <= routes
    parameters = {each["name"] for each in document["paths"]["/api/v1/alerts"]["get"]["parameters"]}
    assert parameters == {
        "version", "node", "project", "severity", "metric", "from", "to", "limit", "cursor", "at_least",
    }  # fmt: skip
