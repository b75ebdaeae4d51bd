"""What was written is in what is read next, with the real processes: a program need not wait and look again."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from mooring import Mooring
from tests.end_to_end.conftest import System


@pytest.fixture
def client(system: System) -> httpx.Client:
    return httpx.Client(base_url=system.api, timeout=30)


def test_over_http(system: System, client: httpx.Client) -> None:
    of_version = {"node_id": "ci", "project_key": "Written & read", "model_id": "m", "version_id": "v/1"}
    path = "/versions/ci/Written%20%26%20read/m/v%2F1"

    def written(method: str, path: str, document: Mapping[str, object]) -> dict[str, str]:
        answer = client.request(method, path, json=document)
        assert answer.status_code == 202, answer.text
        return {"at_least": answer.json()["position"]}

    # Any: JSON.
    def read(path: str, at_least: dict[str, str]) -> Any:
        answer = client.get(path, params=at_least)
        assert answer.status_code == 200, answer.text
        return answer.json()

    with client:
        build = written(
            "POST",
            "/builds",
            {**of_version, "prediction_type": "BINARY", "metrics": {"roc_auc": 0.9}, "activate": True},
        )
        found = read(path, build)
        assert (found["initial"], found["value"], found["active"]) == (0.9, None, True)
        for number in range(8):
            value = 0.8 - number / 20
            evaluation = {**of_version, "store_id": "weekly", "metrics": {"roc_auc": value}}
            at_least = written("POST", "/evaluations", evaluation)
            assert read(path, at_least)["value"] == value
            # All that the evaluation caused is there, not only its version's row.
            assert read("/alerts", at_least | {"project": "Written & read"})["items"][0]["current"] == value
            history = read(f"{path}/history", at_least | {"metric": "roc_auc"})["items"]
            assert len(history) == number + 1
        stores = "/stores/ci/Written%20%26%20read/weekly"
        for synced in (False, True, False):
            configured = written("PUT", stores, {"synced": synced, "actor": "a test"})
            assert read(stores, configured)["synced"] is synced
        evaluation = {**of_version, "store_id": "weekly", "metrics": {"roc_auc": 0.1}}
        kept_back = written("POST", "/evaluations", evaluation)
        (newest, *_) = read(f"{path}/evaluations", kept_back)["items"]
        assert (newest["outcome"], newest["metrics"]) == ("NOT_SYNCED", {})
        assert read(path, kept_back)["value"] == pytest.approx(0.45)


def test_with_the_library(system: System) -> None:
    project, url = "Reported & read", system.services.url
    with Mooring(system.broker.address, node="ci", project=project, topic_prefix=system.prefix, url=url) as mooring:
        mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
        for number in range(3):
            value = 0.8 - number / 10
            position = mooring.evaluated("m", "1", store="s", metrics={"roc_auc": value}).wait()
            versions = mooring.registry.versions(focus="roc_auc", sort="drift", project=project, at_least=position)
            assert [version["value"] for version in versions] == [value]
            assert mooring.registry.version("ci/Reported%20%26%20read/m/1", at_least=str(position))["value"] == value
