"""Evaluation stores: listed, looked at, and configured."""

import time
from typing import Any

import pytest

from mooring.codec import decode
from mooring.events import EvaluationStore, Thresholds
from mooring.outputs import Configuration, Outcome, StoreSettings
from tests.web.api.client import Api, problem
from tests.web.api.conftest import Fed, Read
from tests.web.feed import outcome

DAY_MS = 86_400_000


def settings(key: str, *configurations: Configuration) -> StoreSettings:
    node, project, store = key.split("/")
    return StoreSettings(
        store_key=key, node_id=node, project_key=project, store_id=store, configurations=configurations
    )


def configured(effective_at: int, **fields: Any) -> Configuration:
    event = f"configured at {effective_at}"
    given = {"event_id": event, "synced": True, "effective_at": effective_at, "recorded_at": effective_at}
    return Configuration(**{**given, **fields})


@pytest.fixture
def stores(fed: Fed) -> Api:
    ahead = time.time_ns() // 1_000_000 + DAY_MS
    bounds = {"roc_auc": Thresholds(min=0.7, soft_min=0.8)}
    fed.written.write(
        fed.topics.store_settings,
        settings("n/P/a", configured(10, name="Weekly", thresholds=bounds, actor="jane")),
        settings("n/P/b", configured(10), configured(20, synced=False), configured(ahead, name="Later")),
        settings("n/Q/c", configured(ahead, synced=False)),
    )
    fed.written.write(
        fed.topics.evaluation_outcomes,
        outcome("n/P/m/v", "one", store_id="a"),
        outcome("n/P/m/v", "two", store_id="x/y"),
        outcome("other/P/m/v", "three", store_id="kept", outcome=Outcome.NOT_SYNCED, metrics={}, drift={}),
    )
    return fed.api


def test_all_are_listed_also_those_known_from_an_evaluation_only(stores: Api) -> None:
    found = stores.items("/stores", limit=2)
    assert [each["store_key"] for each in found] == ["n/P/a", "n/P/b", "n/P/x%2Fy", "n/Q/c", "other/P/kept"]
    by_key = {each["store_key"]: each for each in found}
    assert {key: each["synced"] for key, each in by_key.items()} == {
        "n/P/a": True,
        "n/P/b": False,
        "n/P/x%2Fy": True,
        # That it will not be, from tomorrow on, is among its configurations.
        "n/Q/c": True,
        "other/P/kept": True,
    }
    weekly = by_key["n/P/a"]
    bounds = {"min": 0.7, "soft_min": 0.8, "soft_max": None, "max": None}
    assert (weekly["node"], weekly["project"], weekly["store"], weekly["name"]) == ("n", "P", "a", "Weekly")
    assert weekly["thresholds"] == {"roc_auc": bounds}
    assert weekly["configurations"] == [
        {
            "event_id": "configured at 10",
            "name": "Weekly",
            "synced": True,
            "effective_at": 10,
            "recorded_at": 10,
            "actor": "jane",
            "thresholds": {"roc_auc": bounds},
        }
    ]
    assert [each["effective_at"] for each in by_key["n/P/b"]["configurations"][1:]] == [20, 10]
    assert by_key["n/P/b"]["name"] is None, "that is for later"
    assert by_key["n/P/x%2Fy"]["configurations"] == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"node": "other"}, ["other/P/kept"]),
        ({"project": "P", "node": "n"}, ["n/P/a", "n/P/b", "n/P/x%2Fy"]),
        ({"project": ["Q", "R"]}, ["n/Q/c"]),
        ({"node": "none"}, []),
    ],
)
def test_filters(stores: Api, filters: dict[str, Any], expected: list[str]) -> None:
    assert [each["store_key"] for each in stores.items("/stores", limit=1, **filters)] == expected


def test_one_store(stores: Api) -> None:
    assert stores.get("/stores/n/P/a")["name"] == "Weekly"
    assert stores.get("/stores/n/P/x%2Fy")["store"] == "x/y"
    for unknown in ("n/P/none", "n/P/%00", "n/P/%FF"):
        problem(stores.client.get(f"/api/v1/stores/{unknown}"), 404, "unknown-store")


def test_a_configuration_goes_to_the_log(online: Fed, record_at: Read) -> None:
    accepted = online.api.put(
        "/stores/n/P%2FQ/weekly%20run",
        {
            "synced": False,
            "thresholds": {"roc_auc": {"min": 0.7, "soft_min": 0.8}, "rmse": {"max": 3}, "lift": {}},
            "name": "Weekly",
            "actor": "jane",
            "effective_at": 4_102_444_800_000,
        },
    )
    record = record_at(accepted["position"])
    event = decode(record.value, EvaluationStore)
    assert (record.topic, record.key) == (online.topics.evaluation_stores.name, b"n/P%2FQ")
    assert (event.node_id, event.project_key, event.store_id) == ("n", "P/Q", "weekly run")
    assert (event.event_id, event.synced, event.name, event.actor) == (accepted["event_id"], False, "Weekly", "jane")
    assert event.effective_at == 4_102_444_800_000, "it may lie ahead"
    assert event.thresholds == {
        "roc_auc": Thresholds(min=0.7, soft_min=0.8),
        "rmse": Thresholds(max=3.0),
        "lift": Thresholds(),
    }


def test_a_configuration_holds_from_now_on_unless_it_says_otherwise(online: Fed, record_at: Read) -> None:
    before = time.time_ns() // 1_000_000
    event = decode(record_at(online.api.put("/stores/n/P/s", {"synced": True})["position"]).value, EvaluationStore)
    assert before <= event.effective_at == event.recorded_at <= time.time_ns() // 1_000_000
    assert (event.thresholds, event.name, event.actor) == ({}, None, None)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "synced: "),
        ({"synced": None}, "synced: "),
        ({"synced": "false"}, "synced: "),
        ({"synced": 0}, "synced: "),
        ({"synced": True, "threshold": {}}, "threshold: "),
        ({"synced": True, "thresholds": None}, "thresholds: "),
        ({"synced": True, "thresholds": {"roc_auc": {"low": 0.7}}}, "thresholds.roc_auc.low: "),
        ({"synced": True, "thresholds": {"roc_auc": {"min": "0.7"}}}, "thresholds.roc_auc.min: "),
        ({"synced": True, "thresholds": {"roc_auc": {"min": True}}}, "thresholds.roc_auc.min: "),
        ({"synced": True, "thresholds": {"roc_auc": 0.7}}, "thresholds.roc_auc: "),
        ({"synced": True, "thresholds": {"rmse": {}, "roc_auc": {"min": 0.9, "max": 0.1}}}, "thresholds.roc_auc: "),
        ({"synced": True, "thresholds": {"lift": {"soft_min": 9, "soft_max": 8}}}, "min <= soft_min <= soft_max"),
        ({"synced": True, "thresholds": {"": {}}}, "thresholds: must not be empty"),
        ({"synced": True, "effective_at": -1}, "effective_at: "),
        ({"synced": True, "effective_at": 1.5}, "effective_at: "),
        ({"synced": True, "effective_at": 2**63}, "effective_at: "),
        ({"synced": True, "name": "x" * 5_000}, "name: has 5000 bytes"),
        ({"synced": True, "actor": 7}, "actor: "),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused_naming_the_field(api: Api, document: Any, told: str) -> None:
    answer = api.client.put("/api/v1/stores/n/P/s", json=document)
    assert answer.status_code == 400, answer.text
    name = answer.json()["type"].rpartition(":")[2]
    assert told in problem(answer, 400, name)["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_bounds_are_finite(api: Api, number: str) -> None:
    content = f'{{"synced": true, "thresholds": {{"roc_auc": {{"min": {number}}}}}}}'
    answer = api.client.put("/api/v1/stores/n/P/s", content=content, headers={"Content-Type": "application/json"})
    assert "thresholds.roc_auc.min" in problem(answer, 400, "invalid-parameter")["detail"]


def test_an_address_that_is_none_is_refused(api: Api) -> None:
    for path in ("n/P/%00", "n/P/%FF", f"n/P/{'x' * 256}"):
        problem(api.client.put(f"/api/v1/stores/{path}", json={"synced": True}), 404, "unknown-store")


def test_without_a_broker_it_says_so(api: Api) -> None:
    problem(api.client.put("/api/v1/stores/n/P/s", json={"synced": True}), 503, "broker-unavailable")
