"""Reporting over HTTP: what is accepted is in Kafka, what is refused says why."""

import json
from typing import Any

import pytest

from mooring.codec import decode
from mooring.events import EvaluationRun, ModelBuild
from tests.mooring.samples import sample
from tests.web.api.client import Api, Json, problem
from tests.web.api.conftest import Fed, Read

BUILD: Json = {"node_id": "n", "project_key": "P", "model_id": "m", "version_id": "v1"}
EVALUATION: Json = {**BUILD, "store_id": "weekly", "metrics": {"roc_auc": 0.8}}


def test_what_is_reported_is_in_the_log(online: Fed, record_at: Read) -> None:
    for path, name, kind, topic in (
        ("/builds", "ModelBuild", ModelBuild, online.topics.model_builds),
        ("/evaluations", "EvaluationRun", EvaluationRun, online.topics.evaluation_runs),
    ):
        accepted = online.api.post(path, sample(name))
        record = record_at(accepted["position"])
        assert record.topic == topic.name
        event: Any = decode(record.value, kind)
        assert event.to_record() == sample(name)
        assert accepted["event_id"] == event.event_id
        assert record.key == topic.key(event)


def test_what_need_not_be_said_is_completed(online: Fed, record_at: Read) -> None:
    accepted = online.api.post("/evaluations", {**EVALUATION, "evaluated_at": "2026-01-05T07:00:00+01:00"})
    event = decode(record_at(accepted["position"]).value, EvaluationRun)
    assert event.event_id == accepted["event_id"]
    assert event.evaluation_id
    assert (event.model_project_key, event.evaluated_at) == ("P", 1_767_592_800_000)
    assert event.recorded_at > event.evaluated_at
    again = online.api.post("/evaluations", EVALUATION)
    assert again["event_id"] != accepted["event_id"]


def test_reports_of_one_project_are_in_one_partition_in_their_order(online: Fed) -> None:
    places = [online.api.post("/evaluations", EVALUATION)["position"].rsplit(":", 2) for _ in range(3)]
    assert len({partition for _, partition, _ in places}) == 1
    first = int(places[0][2])
    assert [int(offset) for *_, offset in places] == [first, first + 1, first + 2]


BAD: dict[str, tuple[str, Any, str, str]] = {
    "no version": ("/builds", {**BUILD, "version_id": None}, "invalid-field", "version_id: must be text"),
    "no version at all": ("/builds", {"node_id": "n", "model_id": "m"}, "invalid-field", "project_key: must be given"),
    "no store": ("/evaluations", BUILD, "invalid-field", "store_id: must be given"),
    "no node": ("/builds", {}, "invalid-field", "node_id: must be given"),
    "empty id": ("/builds", {**BUILD, "model_id": ""}, "invalid-field", "model_id: must not be empty"),
    "id that is no text": ("/builds", {**BUILD, "model_id": 5}, "invalid-field", "model_id: must be text"),
    "unknown field": ("/builds", {**BUILD, "modelid": "m"}, "invalid-field", "did you mean model_id?"),
    "half a character": ("/builds", {**BUILD, "\ud800": "m"}, "invalid-field", "is no field of ModelBuild"),
    "half a character in an id": ("/builds", {**BUILD, "model_id": "\udc00"}, "invalid-field", "is not valid Unicode"),
    "out of range": ("/builds", {**BUILD, "metrics": {"roc_auc": 1.8}}, "metric-out-of-range", "metrics.roc_auc"),
    "no number": ("/builds", {**BUILD, "metrics": {"x": "0.8"}}, "invalid-field", "metrics.x: must be a number"),
    "no metrics": ("/builds", {**BUILD, "metrics": [0.8]}, "invalid-field", "metrics: must be an object"),
    "no flag": ("/builds", {**BUILD, "activate": "false"}, "invalid-field", "activate: must be True or False"),
    "no time": ("/builds", {**BUILD, "built_at": "today"}, "invalid-field", "built_at: 'today' is no time"),
    "no type": ("/builds", {**BUILD, "prediction_type": "GUESS"}, "invalid-field", "known are BINARY"),
    "future": ("/builds", {**BUILD, "built_at": "2999-01-01T00:00:00Z"}, "dated-in-the-future", "built_at: lies"),
    "other project": (
        "/evaluations", {**EVALUATION, "model_project_key": "Q"}, "store-outside-project", "belongs to project 'P'"
    ),
    "no object": ("/builds", [BUILD], "invalid-parameter", "body: "),
    "nothing": ("/builds", None, "invalid-parameter", "body: "),
    "too large": (
        "/builds", {**BUILD, "labels": {f"l{number}": "x" * 4096 for number in range(200)},
        "metrics": {f"{'m' * 250}{number}": 0.5 for number in range(1000)}}, "too-large", "ModelBuild"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_a_rule_is_refused_before_a_broker_is_asked(api: Api, name: str) -> None:
    path, document, kind, told = BAD[name]
    answer = api.client.post(
        f"/api/v1{path}", content=json.dumps(document), headers={"Content-Type": "application/json"}
    )
    assert told in problem(answer, 400, kind)["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(api: Api, number: str) -> None:
    content = json.dumps(EVALUATION).replace("0.8", number)
    answer = api.client.post("/api/v1/evaluations", content=content, headers={"Content-Type": "application/json"})
    assert "metrics.roc_auc" in problem(answer, 400, "metric-not-finite")["detail"]


@pytest.mark.parametrize("content", ["", "{", '{"a": }', "\xff", "[" * 100_000, '{"metrics": ' + "9" * 5_000 + "}"])
def test_what_is_no_json_is_refused(api: Api, content: str) -> None:
    answer = api.client.post(
        "/api/v1/builds", content=content.encode("latin-1"), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    problem(answer, 400, answer.json()["type"].rpartition(":")[2])


@pytest.mark.parametrize("path", ["/builds", "/evaluations", "/stores/n/P/weekly"])
@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON", True),
        ("application/vnd.mooring+json", True),
        ("text/plain", False),
        ("text/plain; application/json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("text/json", False),
        (None, False),
    ],
)
def test_only_json_is_taken_for_a_body(api: Api, path: str, kind: str | None, taken: bool) -> None:
    """A page of another site can send the others without asking the browser for leave."""
    answer = api.client.request(
        "PUT" if "stores" in path else "POST",
        f"/api/v1{path}",
        content=json.dumps({"nonsense": 1}).encode(),
        headers={} if kind is None else {"Content-Type": kind},
    )
    if taken:
        assert answer.status_code == 400
    else:
        assert (kind or "none") in problem(answer, 415, "not-json")["detail"]


def test_without_a_broker_it_says_so(api: Api) -> None:
    for path, document in (("/builds", BUILD), ("/evaluations", EVALUATION)):
        answer = api.client.post(f"/api/v1{path}", json=document)
        assert "127.0.0.1:1" in problem(answer, 503, "broker-unavailable")["detail"]


def test_a_write_takes_no_parameters_of_reads(api: Api) -> None:
    answer = api.client.post("/api/v1/builds", json=BUILD, params={"at_least": "mooring.model-builds:0:1"})
    assert "it takes none" in problem(answer, 400, "unknown-parameter")["detail"]
