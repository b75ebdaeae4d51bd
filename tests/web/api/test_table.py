"""The registry as CSV."""

import csv
from io import StringIO
from typing import Any

import pytest

from tests.web.api.client import Api
from tests.web.api.conftest import Fed
from tests.web.conftest import AS_OF
from tests.web.feed import BUILT_AT, DAY_MS, version
from web.reads.reader import MAX_LIMIT


def table(api: Api, **parameters: Any) -> list[dict[str, str]]:
    answer = api.client.get("/api/v1/versions.csv", params=parameters)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(answer.text)))


def test_a_line_has_what_the_registry_shows(fed: Fed) -> None:
    row = version(
        "node%201/PRO%2CJECT/m%C3%B6del/v1",
        initial={"roc_auc": 0.87},
        current={"roc_auc": 0.81, "data_drift": 0.6},
        active=True,
        algorithm='random "forest"',
        model_name="line\nbreak",
    )
    fed.written.write(fed.topics.version_metrics, row)
    (line,) = table(fed.api)
    assert (line["node"], line["project"], line["model"], line["version"]) == ("node 1", "PRO,JECT", "mödel", "v1")
    assert (line["algorithm"], line["model_name"], line["version_name"]) == ('random "forest"', "line\nbreak", "")
    assert (line["active"], line["archived"], line["state"], line["severity"]) == ("true", "false", "EVALUATED", "NONE")
    assert (line["focus"], line["value"], line["initial"]) == ("roc_auc", "0.81", "0.87")
    assert float(line["drift"]) == 0.81 - 0.87
    assert float(line["degradation"]) == 0.87 - 0.81
    assert line["data_drift"] == "0.6"
    assert line["built_at"] == "2025-11-01T00:00:00.000+00:00"
    assert line["evaluated_at"] == line["updated_at"] == "2025-11-02T00:00:00.000+00:00"


def test_all_pages_are_in_it_in_the_order_asked_for(fed: Fed) -> None:
    count = 2 * MAX_LIMIT + 3
    fed.written.write(
        fed.topics.version_metrics,
        *(version(f"n/p{number % 2}/m/v{number}", current={"rmse": float(number)}) for number in range(count)),
    )
    assert [line["value"] for line in table(fed.api, focus="rmse", sort="-value")] == [
        repr(float(number)) for number in reversed(range(count))
    ]
    assert len(table(fed.api, project="p1")) == count // 2
    assert table(fed.api, project="none") == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_formulas_are_texts(fed: Fed, text: str) -> None:
    fed.written.write(fed.topics.version_metrics, version("n/p/m/v", model_name=text, built_at=BUILT_AT - DAY_MS))
    (line,) = table(fed.api)
    assert line["model_name"] == f"'{text}"


def test_negative_numbers_stay_numbers(fed: Fed) -> None:
    fed.written.write(fed.topics.version_metrics, version("n/p/m/v", initial={"r2": 0.5}, current={"r2": -0.25}))
    (line,) = table(fed.api, focus="r2")
    assert (line["value"], line["drift"]) == ("-0.25", "-0.75")


@pytest.mark.parametrize(
    ("focus", "disposition"),
    [("roc_auc", 'attachment; filename="mooring-roc_auc.csv"'), ('a"b;ü', "attachment"), ("prüfung", "attachment")],
)
def test_it_is_a_file_that_says_how_current_it_is(fed: Fed, focus: str, disposition: str) -> None:
    fed.written.write(fed.topics.version_metrics, version("n/p/m/v", current={focus: 0.5}))
    answer = fed.api.client.get("/api/v1/versions.csv", params={"focus": focus})
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["mooring-as-of"] == str(AS_OF)
