"""ETags: the same while nothing has changed, whatever the time; another once something has."""

from collections.abc import Callable

import pytest
from httpx import Response

from mooring.errors import Reason
from tests.web.api.client import Api
from tests.web.api.conftest import Fed
from tests.web.conftest import AS_OF
from tests.web.feed import alert, dead_letter, outcome, version

V1 = "design-1/COUPONS/redemption/v1"
PATHS = (
    "/versions",
    "/versions?sort=-degradation&trend=5",
    f"/versions/{V1}",
    f"/versions/{V1}/history",
    f"/versions/{V1}/evaluations",
    "/metrics",
    "/models",
    "/projects",
    "/nodes",
    "/alerts",
    "/stores",
    "/stores/design-1/COUPONS/weekly",
    "/dead-letters",
)


@pytest.fixture
def filled(fed: Fed) -> Fed:
    written, topics = fed.written, fed.topics
    written.write(topics.version_metrics, version(V1, initial={"roc_auc": 0.87}, current={"roc_auc": 0.81}))
    written.write(topics.evaluation_outcomes, outcome(V1))
    written.write(topics.drift_alerts, alert(V1))
    written.write(topics.dead_letters, dead_letter())
    return fed


def ask(api: Api, path: str, *known: str) -> Response:
    answer: Response = api.client.get(f"/api/v1{path}", headers={"If-None-Match": ", ".join(known)} if known else {})
    return answer


@pytest.mark.parametrize("path", PATHS)
def test_what_has_not_changed_is_not_sent_again(filled: Fed, path: str) -> None:
    first = ask(filled.api, path)
    assert first.status_code == 200, first.text
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["mooring-as-of"] == str(AS_OF)
    # All that is known grows older by the second.
    filled.as_of = AS_OF + 1_000
    again = ask(filled.api, path, first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["mooring-as-of"] == str(AS_OF + 1_000)
    assert "content-type" not in again.headers
    assert ask(filled.api, path).json()["as_of"] == AS_OF + 1_000


def _another_version(fed: Fed) -> None:
    fed.written.write(fed.topics.version_metrics, version("auto-eu/FRAUD/cards/v1", current={"profit": 2.0}))


def _another_evaluation(fed: Fed) -> None:
    fed.written.write(fed.topics.version_metrics, version(V1, initial={"roc_auc": 0.87}, current={"roc_auc": 0.8}))
    fed.written.write(fed.topics.evaluation_outcomes, outcome(V1, "event-2", store_id="monthly"))


def _another_alert(fed: Fed) -> None:
    fed.written.write(fed.topics.drift_alerts, alert(V1, "event-2"))


def _another_letter(fed: Fed) -> None:
    fed.written.write(fed.topics.dead_letters, dead_letter(1, Reason.WRONG_KEY))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        *((path, _another_version) for path in ("/versions", "/metrics", "/models", "/projects", "/nodes")),
        *((path, _another_evaluation) for path in PATHS[:5]),
        ("/stores", _another_evaluation),
        ("/alerts", _another_alert),
        ("/dead-letters", _another_letter),
    ],
)
def test_what_has_changed_has_another_tag(filled: Fed, path: str, change: Callable[[Fed], None]) -> None:
    first = ask(filled.api, path)
    change(filled)
    again = ask(filled.api, path, first.headers["etag"])
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    assert again.json() != first.json()


def test_a_metric_of_the_same_name_as_the_time_counts(fed: Fed) -> None:
    fed.written.write(fed.topics.version_metrics, version(V1))
    fed.written.write(fed.topics.evaluation_outcomes, outcome(V1, "a", metrics={"as_of": 1.0}, drift={}))
    path = f"/versions/{V1}/evaluations?limit=1"
    first = ask(fed.api, path)
    assert first.json()["items"][0]["metrics"] == {"as_of": 1.0}
    assert first.headers["mooring-as-of"] == str(AS_OF)
    other = "n/p/m/other"
    fed.written.write(fed.topics.version_metrics, version(other))
    fed.written.write(
        fed.topics.evaluation_outcomes,
        outcome(other, "a", evaluation_id="evaluation of a", metrics={"as_of": 2.0}, drift={}),
    )
    assert ask(fed.api, f"/versions/{other}/evaluations?limit=1").headers["etag"] != first.headers["etag"]


def test_while_the_time_is_not_known_there_is_a_tag_too(filled: Fed) -> None:
    known = ask(filled.api, "/versions").headers["etag"]
    filled.as_of = None
    unknown = ask(filled.api, "/versions")
    assert unknown.json()["as_of"] is None
    assert unknown.headers["etag"] == known
    assert unknown.headers["mooring-as-of"] == "null"


def test_tags_are_compared_as_weak_ones_and_any_of_several_will_do(filled: Fed) -> None:
    tag = ask(filled.api, "/versions").headers["etag"]
    for known in ([tag], ['"other"', tag], [tag.removeprefix("W/")], ["*"]):
        assert ask(filled.api, "/versions", *known).status_code == 304, known
    for known in (['"other"'], [tag.strip('W/"')], [tag[:-2]]):
        assert ask(filled.api, "/versions", *known).status_code == 200, known


def test_errors_and_tables_have_no_tag(filled: Fed) -> None:
    for path in ("/versions?focus=none", "/versions.csv"):
        answer = filled.api.client.get(f"/api/v1{path}", headers={"If-None-Match": "*"})
        assert answer.status_code in (200, 400)
        assert "etag" not in answer.headers
