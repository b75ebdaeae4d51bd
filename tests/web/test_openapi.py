"""What /openapi.json promises is what is answered: every route, asked with what fits its description and what does not.

Schemathesis makes the requests up, the same ones in every run.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from mooring.outputs import Outcome, letter_id
from mooring.topics import DEFAULT_PREFIX
from tests.brokers import Broker
from tests.web.feed import Feed, alert, dead_letter, outcome, version
from tests.web.program import WebView

# Any: what Schemathesis knows of the kinds of parameters.
Operation = APIOperation[Any, Any, Any, Any]

KEY = "design-1/COUPONS/redemption/v2"


@pytest.fixture(scope="module")
def url(embedded_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web view that runs, over some content, with a broker behind it."""
    prefix = f"t{uuid4().hex[:8]}."
    fill(Feed(embedded_broker, prefix))
    folder = tmp_path_factory.mktemp("web")
    with WebView(folder, BROKERS=embedded_broker.address, TOPIC_PREFIX=prefix) as view:
        while httpx.get(f"{view.url}/health/ready").status_code != 200:
            time.sleep(0.05)
        yield view.url


def fill(feed: Feed) -> None:
    """Content for the paths that the documentation has as examples."""
    topics = feed.topics
    feed.send(
        topics.version_metrics,
        version(KEY, initial={"roc_auc": 0.87}, current={"roc_auc": 0.81, "profit": 2.0}, labels={"team": "pricing"}),
        version("auto-eu/FRAUD/cards/v1", initial={"rmse": 2.0}, active=True),
    )
    feed.send(
        topics.evaluation_outcomes,
        outcome(KEY, "counted"),
        outcome(KEY, "kept back", outcome=Outcome.NOT_SYNCED, metrics={}, drift={}),
    )
    feed.send(topics.drift_alerts, alert(KEY))
    shown = letter_id(f"{DEFAULT_PREFIX}evaluation-runs", 3, 1042)
    feed.send(
        topics.dead_letters,
        replace(dead_letter(0), letter_id=shown, topic=topics.evaluation_runs.name, value=b"no Avro"),
        replace(dead_letter(1, "too_large"), topic=topics.model_builds.name),
    )


@pytest.fixture(scope="module")
def schema(url: str) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


OPERATIONS = (
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /api/v1/versions",
    "GET /api/v1/versions.csv",
    "GET /api/v1/versions/{node}/{project}/{model}/{version}",
    "GET /api/v1/versions/{node}/{project}/{model}/{version}/history",
    "GET /api/v1/versions/{node}/{project}/{model}/{version}/evaluations",
    "GET /api/v1/metrics",
    "GET /api/v1/models",
    "GET /api/v1/projects",
    "GET /api/v1/nodes",
    "GET /api/v1/alerts",
    "GET /api/v1/stores",
    "GET /api/v1/stores/{node}/{project}/{store}",
    "PUT /api/v1/stores/{node}/{project}/{store}",
    "GET /api/v1/dead-letters",
    "GET /api/v1/dead-letters/{letter_id}",
    "POST /api/v1/dead-letters/{letter_id}/replay",
    "POST /api/v1/builds",
    "POST /api/v1/evaluations",
)
# What does not fit their descriptions cannot be said in a request.
TAKE_ANYTHING = {
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "POST /api/v1/dead-letters/{letter_id}/replay",
}
# It has no end; tests/web/test_alert_stream.py has it.
ENDLESS = "GET /api/v1/alerts/stream"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


def test_every_operation_is_asked(schema: OpenApiSchema) -> None:
    described = {
        f"{method.upper()} {path}" for path, operations in schema.raw_schema["paths"].items() for method in operations
    }
    assert described == {*OPERATIONS, ENDLESS}


def test_what_the_documentation_shows_is_taken(schema: OpenApiSchema, url: str) -> None:
    shown = {
        label: example
        for label in OPERATIONS
        for body in [operation_of(schema, label).definition.raw.get("requestBody")]
        if body
        for example in examples_of(schema, body["content"]["application/json"]["schema"])
    }
    assert set(shown) == {
        label
        for label in OPERATIONS
        if label.endswith(("/builds", "/evaluations", "{store}")) and not label.startswith("GET")
    }
    for label, example in shown.items():
        method, _, path = label.partition(" ")
        path = path.format(node="design-1", project="COUPONS", store="weekly")
        answer = httpx.request(method, f"{url}{path}", json=example)
        assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label.startswith("GET")])
def test_what_the_examples_of_a_path_lead_to_is_there(schema: OpenApiSchema, label: str) -> None:
    operation = operation_of(schema, label)
    given_ = [each for each in operation.definition.raw.get("parameters", []) if each["in"] == "path"]
    case = operation.Case(path_parameters={each["name"]: each["schema"]["examples"][0] for each in given_})
    assert case.call_and_validate(checks=CHECKS).status_code == 200


# Any: JSON.
def examples_of(schema: OpenApiSchema, described: dict[str, Any]) -> list[Any]:
    if "$ref" in described:
        described = schema.raw_schema["components"]["schemas"][described["$ref"].rpartition("/")[2]]
    examples: list[Any] = described["examples"]
    return examples


def operation_of(schema: OpenApiSchema, label: str) -> Operation:
    found = schema.find_operation_by_label(label)
    assert found is not None
    return found


@pytest.mark.parametrize("label", OPERATIONS)
def test_a_request_that_fits_is_answered_as_described(schema: OpenApiSchema, label: str) -> None:
    ask(schema, label, GenerationMode.POSITIVE, CHECKS)


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label not in TAKE_ANYTHING])
def test_a_request_that_does_not_fit_is_answered_as_described(schema: OpenApiSchema, label: str) -> None:
    has_body = label.startswith(("POST", "PUT"))
    # In a query, one number and a list of one text are spelled alike.
    ask(schema, label, GenerationMode.NEGATIVE, [*CHECKS, negative_data_rejection] if has_body else CHECKS)


def ask(schema: OpenApiSchema, label: str, mode: GenerationMode, checks: list[Any]) -> None:
    """Ask a route so many times, and check each answer."""
    operation = operation_of(schema, label)

    @settings(max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(mode))
    def answered(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=checks)

    answered()
