"""The client against both brokers: what it reports, and what it refuses."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from mooring import Mooring
from mooring.codec import decode
from mooring.delivery import Position
from mooring.errors import (
    DependencyMissing,
    InvalidEvent,
    MooringError,
    Reason,
    ServiceUnavailable,
)
from mooring.events import Change, CustomMetric, EvaluationRun, EvaluationStore, LifecycleChange, ModelBuild, Thresholds
from mooring.keys import ProjectKey
from mooring.metrics import InvalidArrays, custom_metric, evaluate
from mooring.metrics.binary import evaluate_binary
from mooring.metrics.catalogue import Direction
from mooring.topics import Topic, Topics
from tests.brokers import Broker
from tests.mooring.samples import BUILD, EVALUATION

Y_TRUE = [0, 0, 1, 1, 0, 1, 1, 0, 1, 0]
Y_SCORE = [0.1, 0.4, 0.35, 0.8, 0.2, 0.9, 0.55, 0.6, 0.7, 0.3]


Read = Callable[[Topic[Any]], list[Any]]


# Reports


def test_a_build(client: Mooring, topics: Topics, consumers: Read) -> None:
    before = time.time_ns() // 1_000_000
    receipt = client.model_built(
        "redemption",
        "v1",
        prediction_type="BINARY",
        metrics={"roc_auc": np.float32(0.875), "f1": np.float64(0.5), "custom": np.int64(3)},
        metric_std={"roc_auc": 0.01},
        standard_errors={"roc_auc": 0.02},
        custom_metrics=[CustomMetric(code="custom", label="Custom", direction=Direction.LOWER)],
        n_positive=np.int64(600),
        n_negative=1400,
        built_at=datetime(2026, 1, 5, 7, 0, 0, 1000, tzinfo=timezone(timedelta(hours=1))),
        activate=True,
        model_name="Redemption",
        version_name="first",
        algorithm="RandomForestClassifier",
        author="Ines",
        source_url="https://git.example.com",
        labels={"country": "IT"},
    )
    position = receipt.wait()
    assert receipt.position == position
    (record,) = consumers(topics.model_builds)
    assert (record.topic, record.partition, record.offset) == (position.topic, position.partition, position.offset)
    assert record.key == b"design%201/COUPONS"
    event = decode(record.value, ModelBuild)
    assert event == receipt.event
    assert event.event_id == receipt.event_id == str(UUID(receipt.event_id))
    assert before <= event.recorded_at <= time.time_ns() // 1_000_000
    assert event == ModelBuild(
        event_id=receipt.event_id,
        node_id="design 1",
        project_key="COUPONS",
        model_id="redemption",
        model_name="Redemption",
        version_id="v1",
        version_name="first",
        algorithm="RandomForestClassifier",
        prediction_type=BUILD.prediction_type,
        built_at=1_767_592_800_001,
        recorded_at=event.recorded_at,
        activate=True,
        metrics={"roc_auc": 0.875, "f1": 0.5, "custom": 3.0},
        metric_std={"roc_auc": 0.01},
        standard_errors={"roc_auc": 0.02},
        custom_metrics=(CustomMetric(code="custom", label="Custom", direction=Direction.LOWER),),
        n_positive=600,
        n_negative=1400,
        author="Ines",
        source_url="https://git.example.com",
        labels={"country": "IT"},
    )


def test_every_kind_of_event_reaches_its_topic(client: Mooring, topics: Topics, consumers: Read) -> None:
    receipts = [
        client.model_built("m", "v", prediction_type="REGRESSION", metrics={"r2": 0.6}),
        client.evaluated("m", "v", store="weekly", metrics={"roc_auc": 0.8}, data_drift=0.25, synced=False),
        client.configure_store(
            "weekly", synced=False, name="Weekly", thresholds={"roc_auc": {"min": 0.7}, "f1": Thresholds(max=0.9)}
        ),
        client.activated("m", "v", actor="ines"),
        client.lifecycle("m", "v", "DEPLOYED", infrastructure="k8s", stage="Production", changed_at=1),
    ]
    client.flush()
    assert all(receipt.position for receipt in receipts)
    assert len({receipt.event_id for receipt in receipts}) == len(receipts)
    kinds: dict[Topic[Any], int] = {
        topics.model_builds: 1,
        topics.evaluation_runs: 1,
        topics.evaluation_stores: 1,
        topics.model_lifecycle: 2,
    }
    for topic, count in kinds.items():
        records = consumers(topic)
        assert len(records) == count
        expected = [receipt.event for receipt in receipts if isinstance(receipt.event, topic.type)]
        assert [decode(record.value, topic.type) for record in records] == expected

    evaluation = receipts[1].event
    assert isinstance(evaluation, EvaluationRun)
    assert evaluation.metrics == {"roc_auc": 0.8, "data_drift": 0.25}
    assert evaluation.evaluation_id == str(UUID(evaluation.evaluation_id))
    assert evaluation.synced is False
    store = receipts[2].event
    assert isinstance(store, EvaluationStore)
    assert store.thresholds == {"roc_auc": Thresholds(min=0.7), "f1": Thresholds(max=0.9)}
    deployed = receipts[4].event
    assert isinstance(deployed, LifecycleChange)
    assert (deployed.change, deployed.changed_at) == (Change.DEPLOYED, 1)


def test_a_project_is_in_the_partition_that_java_would_choose(client: Mooring, topics: Topics, consumers: Read) -> None:
    for key in map(ProjectKey.parse, JAVA_PARTITIONS):
        node, project = key.node_id, key.project_key
        client.report(replace(BUILD, node_id=node, project_key=project))
        client.report(replace(EVALUATION, node_id=node, project_key=project, model_project_key=project))
    client.flush()
    places = [
        {record.key: record.partition for record in consumers(topic)}
        for topic in (topics.model_builds, topics.evaluation_runs)
    ]
    assert places[0] == places[1]
    assert {key.decode(): partition for key, partition in places[0].items()} == JAVA_PARTITIONS


# Utils.toPositive(Utils.murmur2(key)) % 4, by Kafka's Java client 4.1.2.
JAVA_PARTITIONS = {"n/A": 1, "n/B": 2, "n/C": 1, "n/D": 2, "n/E": 1, "n/%C3%A9t%C3%A9": 2, "design%201/COUPONS": 0}


def test_metrics_from_labels_and_scores(client: Mooring) -> None:
    expected = evaluate_binary(Y_TRUE, Y_SCORE)
    built = client.model_built(
        "m", "v", prediction_type="BINARY", y_true=np.array(Y_TRUE), y_score=np.array(Y_SCORE), metrics={"lift": 1.5}
    )
    assert isinstance(built.event, ModelBuild)
    assert built.event.metrics == {**expected.metrics, "lift": 1.5}, "what is given by hand holds"
    assert (built.event.n_positive, built.event.n_negative) == (5, 5)
    assert built.left_out == expected.left_out

    evaluated = client.evaluated("m", "v", store="s", y_true=Y_TRUE, y_score=Y_SCORE, n_positive=4, data_drift=0.5)
    assert isinstance(evaluated.event, EvaluationRun)
    assert evaluated.event.metrics == {**expected.metrics, "data_drift": 0.5}
    assert (evaluated.event.n_rows, evaluated.event.n_positive, evaluated.event.n_negative) == (10, 4, 5)
    assert evaluated.event.standard_errors == expected.standard_errors
    assert "roc_auc" in evaluated.event.standard_errors


@custom_metric("profit", label="Profit per coupon", direction="HIGHER")
def profit(y_true: Any, y_score: Any) -> float:
    return float((y_true * y_score).mean())


def test_an_evaluation_is_reported_whole(client: Mooring) -> None:
    evaluation = evaluate(Y_TRUE, Y_SCORE, custom=[profit])
    declared = (CustomMetric(code="profit", label="Profit per coupon", direction=Direction.HIGHER),)
    built = client.model_built("m", "v", prediction_type="BINARY", metrics=evaluation)
    assert isinstance(built.event, ModelBuild)
    assert built.event.metrics == evaluation.metrics
    assert built.event.standard_errors == evaluation.standard_errors
    assert built.event.custom_metrics == declared
    assert (built.event.n_positive, built.event.n_negative) == (5, 5)

    evaluated = client.evaluated("m", "v", store="s", metrics=evaluation, data_drift=0.5)
    assert isinstance(evaluated.event, EvaluationRun)
    assert evaluated.event.metrics == {**evaluation.metrics, "data_drift": 0.5}
    assert evaluated.event.standard_errors == evaluation.standard_errors
    assert evaluated.event.custom_metrics == declared
    assert (evaluated.event.n_rows, evaluated.event.n_positive, evaluated.event.n_negative) == (10, 5, 5)


def test_what_is_given_by_hand_holds_against_an_evaluation(client: Mooring) -> None:
    evaluation = evaluate(["a", "b", "c"], ["a", "c", "c"], custom=[profit_of_classes])
    mine = CustomMetric(code="profit", label="Profit", direction=Direction.NONE)
    receipt = client.evaluated(
        "m",
        "v",
        store="s",
        metrics=evaluation,
        standard_errors={"accuracy": 0.25},
        custom_metrics=[mine],
        n_rows=7,
        labels={"average": "mine", "team": "pricing"},
    )
    assert isinstance(receipt.event, EvaluationRun)
    assert receipt.event.standard_errors == {"accuracy": 0.25}
    assert receipt.event.custom_metrics == (mine,)
    assert receipt.event.n_rows == 7
    assert receipt.event.labels == {"average": "mine", "team": "pricing"}
    assert "roc_auc" in receipt.left_out


@custom_metric("profit")
def profit_of_classes(_y_true: Any, _y_score: Any) -> int:
    return 3


def test_an_evaluation_of_several_classes_says_how_it_averages(client: Mooring) -> None:
    receipt = client.model_built(
        "m", "v", prediction_type="MULTICLASS", metrics=evaluate(["a", "b"], ["a", "a"], average="macro")
    )
    assert isinstance(receipt.event, ModelBuild)
    assert receipt.event.labels == {"average": "macro"}


def test_a_metric_by_hand_has_no_calculated_error(client: Mooring) -> None:
    receipt = client.evaluated("m", "v", store="s", y_true=Y_TRUE, y_score=Y_SCORE, metrics={"roc_auc": 0.5})
    assert isinstance(receipt.event, EvaluationRun)
    assert receipt.event.metrics["roc_auc"] == 0.5
    assert "roc_auc" not in receipt.event.standard_errors
    assert "log_loss" in receipt.event.standard_errors


def test_what_rows_do_not_define_is_told(client: Mooring) -> None:
    receipt = client.evaluated("m", "v", store="s", y_true=[1, 1], y_score=[0.2, 0.9])
    assert "roc_auc" in receipt.left_out
    assert isinstance(receipt.event, EvaluationRun)
    assert "roc_auc" not in receipt.event.metrics


def test_without_scikit_learn(client: Mooring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "mooring.metrics.binary", raising=False)
    with pytest.raises(DependencyMissing, match=r"mooring\[sklearn\]"):
        client.evaluated("m", "v", store="s", y_true=Y_TRUE, y_score=Y_SCORE)


def ahead() -> int:
    return time.time_ns() // 1_000_000 + 7_200_000


BAD: dict[str, tuple[Callable[[Mooring], object], str, Reason]] = {
    "metric out of range": (
        lambda m: m.evaluated("m", "v", store="s", metrics={"roc_auc": 1.3}),
        "metrics.roc_auc",
        Reason.METRIC_OUT_OF_RANGE,
    ),
    "metric is NaN": (
        lambda m: m.evaluated("m", "v", store="s", metrics={"roc_auc": np.nan}),
        "metrics.roc_auc",
        Reason.METRIC_NOT_FINITE,
    ),
    "metric is huge": (
        lambda m: m.evaluated("m", "v", store="s", metrics={"x": 10**400}),
        "metrics.x",
        Reason.METRIC_NOT_FINITE,
    ),
    "metric is text": (
        lambda m: m.evaluated("m", "v", store="s", metrics={"x": "0.5"}),  # type: ignore[dict-item]
        "metrics.x",
        Reason.INVALID_FIELD,
    ),
    "metrics are no mapping": (
        lambda m: m.evaluated("m", "v", store="s", metrics=[0.5]),  # type: ignore[arg-type]
        "metrics",
        Reason.INVALID_FIELD,
    ),
    "bad data drift": (
        lambda m: m.evaluated("m", "v", store="s", data_drift=-1.0),
        "metrics.data_drift",
        Reason.METRIC_OUT_OF_RANGE,
    ),
    "store of another project": (
        lambda m: m.evaluated("m", "v", store="s", model_project="OTHER"),
        "model_project_key",
        Reason.STORE_OUTSIDE_PROJECT,
    ),
    "future": (
        lambda m: m.evaluated("m", "v", store="s", evaluated_at=ahead()),
        "evaluated_at",
        Reason.DATED_IN_THE_FUTURE,
    ),
    "naive time": (
        lambda m: m.evaluated("m", "v", store="s", evaluated_at=datetime(2026, 1, 1)),  # noqa: DTZ001
        "evaluated_at",
        Reason.INVALID_FIELD,
    ),
    "time in seconds with a fraction": (
        lambda m: m.evaluated("m", "v", store="s", evaluated_at=time.time()),  # type: ignore[arg-type]
        "evaluated_at",
        Reason.INVALID_FIELD,
    ),
    "empty id": (lambda m: m.evaluated("", "v", store="s"), "model_id", Reason.INVALID_FIELD),
    "empty event id": (lambda m: m.activated("m", "v", event_id=""), "event_id", Reason.INVALID_FIELD),
    "unknown prediction type": (
        lambda m: m.model_built("m", "v", prediction_type="binary"),
        "prediction_type",
        Reason.INVALID_FIELD,
    ),
    "unknown change": (lambda m: m.lifecycle("m", "v", "EXPLODED"), "change", Reason.INVALID_FIELD),
    "deployed nowhere": (lambda m: m.lifecycle("m", "v", "DEPLOYED"), "infrastructure", Reason.INVALID_FIELD),
    "flag is text": (
        lambda m: m.configure_store("s", synced="false"),  # type: ignore[arg-type]
        "synced",
        Reason.INVALID_FIELD,
    ),
    "unknown bound": (
        lambda m: m.configure_store("s", thresholds={"f1": {"low": 0.1}}),
        "thresholds.f1",
        Reason.INVALID_FIELD,
    ),
    "scores alone": (lambda m: m.evaluated("m", "v", store="s", y_score=[0.5]), "y_true", Reason.INVALID_FIELD),
    "labels alone": (lambda m: m.evaluated("m", "v", store="s", y_true=[1]), "y_score", Reason.INVALID_FIELD),
    "rows of a regression": (
        lambda m: m.model_built("m", "v", prediction_type="REGRESSION", y_true=[1], y_score=[0.5]),
        "y_true",
        Reason.INVALID_FIELD,
    ),
    "an evaluation of another prediction type": (
        lambda m: m.model_built("m", "v", prediction_type="REGRESSION", metrics=evaluate(Y_TRUE, Y_SCORE)),
        "prediction_type",
        Reason.INVALID_FIELD,
    ),
    "an evaluation and rows": (
        lambda m: m.evaluated("m", "v", store="s", metrics=evaluate(Y_TRUE, Y_SCORE), y_true=[1], y_score=[1]),
        "metrics",
        Reason.INVALID_FIELD,
    ),
    "too large": (
        lambda m: m.evaluated("m", "v", store="s", labels={f"l{n}{'x' * 200}": "x" * 4096 for n in range(200)}
            , metrics={f"{'m' * 240}{n}": 0.5 for n in range(1000)}),
        "EvaluationRun",
        Reason.TOO_LARGE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_before_it_is_sent(client: Mooring, topics: Topics, consumers: Read, name: str) -> None:
    report, field, reason = BAD[name]
    with pytest.raises(InvalidEvent) as refused:
        report(client)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    client.flush()
    assert not consumers(topics.evaluation_runs)
    assert not consumers(topics.model_builds)


def test_arrays_that_do_not_fit(client: Mooring) -> None:
    with pytest.raises(InvalidArrays, match="y_score"):
        client.evaluated("m", "v", store="s", y_true=[0, 1], y_score=[0.5])


def test_a_bad_node() -> None:
    with pytest.raises(InvalidEvent, match="node_id"):
        Mooring("localhost:1", node="", project="P")
    with pytest.raises(InvalidEvent, match="node_kind"):
        Mooring("localhost:1", node="n", project="P", node_kind="LAPTOP")
    with pytest.raises(ValueError, match="acks"):
        Mooring("localhost:1", node="n", project="P", security={"acks": 0})


def test_its_registry_is_made_when_asked_for_and_closed_with_it(
    embedded_broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def registry_of(url: str | None = None) -> str:
        with Mooring(embedded_broker.address, node="n", project="P", url=url) as mooring:
            assert mooring.registry is mooring.registry
            return mooring.registry.url

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOORING_URL", raising=False)
    assert registry_of() == "http://127.0.0.1:8080"
    monkeypatch.setenv("MOORING_URL", "http://127.0.0.1:1")
    assert registry_of() == "http://127.0.0.1:1"
    assert registry_of(url="http://127.0.0.1:2/") == "http://127.0.0.1:2"

    mooring = Mooring(embedded_broker.address, node="n", project="P")
    registry = mooring.registry
    with pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1:1"):
        list(registry.versions(focus="roc_auc", sort="drift"))
    mooring.close()
    with pytest.raises(MooringError, match="closed"):
        _ = mooring.registry
    with pytest.raises(MooringError, match="closed"):
        list(registry.versions())


def test_a_position_as_text_is_what_reads_take() -> None:
    assert str(Position("mooring.evaluation-runs", 3, 1042)) == "mooring.evaluation-runs:3:1042"
