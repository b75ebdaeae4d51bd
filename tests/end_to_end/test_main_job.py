"""A build and its evaluations go in, the registry moves, a drift alert comes out: with the real processes."""

import json
import math
import statistics
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import quote

import fastavro
import httpx
import numpy as np
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from mooring.codec import decode, encode
from mooring.connection import connection_settings
from mooring.errors import MooringError
from mooring.events import EvaluationRun
from mooring.outputs import DeadLetter, DriftAlert, EvaluationOutcome, Outcome
from mooring.schema import schema
from tests.end_to_end.conftest import System

_TIMEOUT_S = 30.0


def roc_auc_by_counting(y_true: Sequence[int], y_score: Sequence[float]) -> float:
    """The share of pairs of a positive and a negative that the scores put in order, ties half: the definition."""
    return statistics.mean(statistics.mean(won) for won in pairs_won(y_true, y_score))


def error_by_counting(y_true: Sequence[int], y_score: Sequence[float]) -> float:
    """DeLong's standard error of it: from the spread of what each row wins, on either side."""
    won = pairs_won(y_true, y_score)
    of_positives = [statistics.mean(row) for row in won]
    of_negatives = [statistics.mean(column) for column in zip(*won, strict=True)]
    return math.sqrt(sum(statistics.variance(side) / len(side) for side in (of_positives, of_negatives)))


def pairs_won(y_true: Sequence[int], y_score: Sequence[float]) -> list[list[float]]:
    """For each positive row against each negative one: 1 where it is scored higher, a half where alike."""
    positives = [score for label, score in zip(y_true, y_score, strict=True) if label]
    negatives = [score for label, score in zip(y_true, y_score, strict=True) if not label]
    return [[(p > n) + (p == n) / 2 for n in negatives] for p in positives]


def severity_by_hand(degradation: float, p_value: float) -> str:
    if p_value > 0.01 or degradation < 0.02:
        return "INFO"
    return "CRITICAL" if degradation >= 0.05 else "WARNING"


def alert_id_by_hand(node: str, project: str, model: str, version: str, metric: str, event_id: str) -> str:
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, "mooring.v1")
    return str(
        uuid.uuid5(
            namespace, "/".join(quote(part, safe="") for part in (node, project, model, version, metric, event_id))
        )
    )


def samples(seed: int, separation: float) -> tuple[list[int], list[float]]:
    """150 labels and scores that tell them apart more or less well."""
    rng = np.random.default_rng(seed)
    labels = [int(row % 3 == 0) for row in range(150)]
    scores = [float(1 / (1 + math.exp(-rng.normal(separation * label, 1)))) for label in labels]
    return labels, scores


def test_alerts_are_what_an_independent_calculation_says(system: System) -> None:
    project, model = "Alerts & more", "churn/eu"
    built, weeks = samples(0, 2.0), [samples(1, 1.75), samples(2, 1.5), samples(3, 0.6)]
    with system.client(project) as mooring:
        mooring.model_built(model, "v 1", prediction_type="BINARY", y_true=built[0], y_score=built[1], activate=True)
        mooring.flush()
        wait_for_version(system, project, model, "v 1")
        sent = []
        for number, (labels, scores) in enumerate(weeks):
            sent.append(
                mooring.evaluated(
                    model, "v 1", store="weekly", evaluation=f"week {number}", y_true=labels, y_score=scores
                )
            )
            mooring.flush()
        alerts = collect_alerts(mooring, project, 3)

    initial = roc_auc_by_counting(*built)
    values = [roc_auc_by_counting(*week) for week in weeks]
    for number, alert in enumerate(alerts):
        previous = initial if number == 0 else values[number - 1]
        drift = values[number] - initial
        assert alert.current == pytest.approx(values[number], abs=1e-12)
        assert alert.initial == pytest.approx(initial, abs=1e-12)
        assert alert.previous == pytest.approx(previous, abs=1e-12)
        assert alert.drift == pytest.approx(drift, abs=1e-12)
        assert alert.change == pytest.approx(values[number] - previous, abs=1e-12)
        assert alert.degradation == pytest.approx(-drift, abs=1e-12)
        error = math.hypot(error_by_counting(*built), error_by_counting(*weeks[number]))
        p_value = math.erfc(abs(drift) / error / math.sqrt(2))
        assert alert.standard_error == pytest.approx(error, rel=1e-9)
        assert alert.p_value == pytest.approx(p_value, rel=1e-9)
        assert (alert.standard_error_from, alert.threshold) == ("SCORES", None)
        assert alert.severity == severity_by_hand(-drift, p_value)
        assert alert.alert_id == alert_id_by_hand("ci", project, model, "v 1", "roc_auc", sent[number].event_id)
        assert (alert.caused_by, alert.evaluation_id) == (sent[number].event_id, f"week {number}")
        assert (alert.metric, alert.direction, alert.store_id, alert.active) == ("roc_auc", "HIGHER", "weekly", True)
    # The story is worth telling only if something drifts, and something else may be chance.
    assert [alert.severity for alert in alerts] == ["INFO", "INFO", "CRITICAL"]
    assert alerts[1].degradation is not None
    assert alerts[1].degradation >= 0.02

    item = wait_for_value(system, project, model, "v 1", alerts[-1].current)
    assert item["initial"] == pytest.approx(initial, abs=1e-12)
    assert item["drift"] == pytest.approx(values[-1] - initial, abs=1e-12)
    assert (item["active"], item["state"], item["severity"]) == (True, "EVALUATED", "CRITICAL")


def test_the_newest_evaluation_counts_whatever_the_order(system: System) -> None:
    project = "Order"
    with system.client(project) as mooring:
        mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9}, built_at=1_000)
        mooring.evaluated("m", "1", store="s", metrics={"roc_auc": 0.8}, evaluated_at=3_000)
        mooring.flush()
        wait_for_value(system, project, "m", "1", 0.8)
        mooring.evaluated("m", "1", store="s", metrics={"roc_auc": 0.5}, evaluated_at=2_000)
        mooring.evaluated("m", "1", store="drift only", metrics={"data_drift": 0.6}, evaluated_at=4_000)
        mooring.flush()
        item = wait_for(system, project, "m", "1", lambda item: item["data_drift"] == 0.6)
        assert (item["value"], item["evaluated_at"]) == (0.8, 4_000)
        assert [alert.current for alert in collect_alerts(mooring, project, 1)] == [0.8]
    assert [outcome.outcome for outcome in outcomes(system, project)] == [
        Outcome.CURRENT,
        Outcome.LATE,
        Outcome.CURRENT,
    ]


def test_an_evaluation_before_its_build(system: System) -> None:
    project = "Early"
    with system.client(project) as mooring:
        mooring.evaluated("m", "1", store="s", metrics={"roc_auc": 0.7}, evaluated_at=2_000)
        mooring.flush()
        item = wait_for_version(system, project, "m", "1")
        assert (item["state"], item["value"], item["initial"], item["drift"]) == ("AWAITING_BUILD", 0.7, None, None)
        build = mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.75}, built_at=1_000)
        mooring.flush()
        (alert,) = collect_alerts(mooring, project, 1)
    assert (alert.caused_by, alert.initial, alert.previous, alert.current) == (build.event_id, 0.75, None, 0.7)
    assert alert.drift == pytest.approx(-0.05)
    assert wait_for(system, project, "m", "1", lambda item: item["state"] == "EVALUATED")["initial"] == 0.75


def test_what_a_store_keeps_to_itself_appears_nowhere(system: System) -> None:
    project, secret = "Opt out", 0.123456789123
    with system.client(project) as mooring:
        mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
        # Reported in one go, as a script would: the worker must not handle the evaluation first.
        mooring.configure_store("private", synced=False, effective_at=0)
        mooring.evaluated("m", "1", store="private", metrics={"roc_auc": secret})
        mooring.evaluated("m", "1", store="public", metrics={"roc_auc": secret}, synced=False)
        # Something that counts, to know that the others have been handled.
        mooring.evaluated("m", "1", store="public", metrics={"roc_auc": 0.8})
        mooring.flush()
        wait_for_value(system, project, "m", "1", 0.8)
        assert [alert.current for alert in collect_alerts(mooring, project, 1)] == [0.8]
    found = outcomes(system, project)
    assert [outcome.outcome for outcome in found] == [Outcome.NOT_SYNCED, Outcome.NOT_SYNCED, Outcome.CURRENT]
    as_written = struct.pack("<d", secret)
    for topic in system.topics.outputs:
        assert not [value for value in values_of(system, topic.name) if as_written in value], topic.name
    for service in (system.services.worker, system.services.web):
        assert service is not None
        assert "0.12345" not in service.log.read_text()
    history = httpx.get(f"{system.api}/versions/ci/{quote(project)}/m/1/history").text
    assert "0.12345" not in history


def test_what_is_reported_in_one_go_is_handled_in_its_order(system: System) -> None:
    """Build and store come before the evaluation that needs them, though they lie in three topics."""
    projects = [f"In one go {number}" for number in range(12)]
    for project in projects:
        with system.client(project) as mooring:
            mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
            mooring.configure_store("private", synced=False, effective_at=0)
            mooring.evaluated("m", "1", store="private", metrics={"roc_auc": 0.5})
            mooring.evaluated("m", "1", store="public", metrics={"roc_auc": 0.8})
    for project in projects:
        wait_for_value(system, project, "m", "1", 0.8)
        assert [outcome.outcome for outcome in outcomes(system, project)] == [Outcome.NOT_SYNCED, Outcome.CURRENT]
    with system.client(projects[0]) as mooring:
        (alert,) = collect_alerts(mooring, projects[0], 1)
    assert (alert.initial, alert.previous, alert.current) == (0.9, 0.9, 0.8)


def test_bad_input_goes_to_the_dead_letters_and_the_stream_goes_on(system: System) -> None:
    project = "Bad input"
    key = f"ci/{quote(project)}".encode()
    refused = bad_evaluations(project)
    before = refused_so_far(system)
    # As old as kafka-python's default for the embedded broker, and no idempotence: any client may send.
    producer = KafkaProducer(**connection_settings(system.broker.address), enable_idempotence=False)
    positions = {}
    for reason, (record_key, value) in refused.items():
        sent = producer.send(
            system.topics.evaluation_runs.name, key=record_key, value=value, headers=[("from", b"test")]
        ).get(10)
        positions[reason] = (sent.partition, sent.offset, record_key, value)
    producer.close()
    with system.client(project) as mooring:
        mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
        mooring.evaluated("m", "1", store="s", metrics={"roc_auc": 0.8})
        mooring.flush()
        wait_for_value(system, project, "m", "1", 0.8)

    def letters() -> dict[tuple[int, int], DeadLetter]:
        found = [decode(value, DeadLetter) for value in values_of(system, system.topics.dead_letters.name)]
        return {(letter.partition, letter.offset): letter for letter in found}

    deadline = time.monotonic() + _TIMEOUT_S
    while len(found := letters()) < len(refused) and time.monotonic() < deadline:
        time.sleep(0.1)
    for reason, (partition, offset, record_key, value) in positions.items():
        letter = found[partition, offset]
        assert letter.reason == reason, letter.message
        assert (letter.key, letter.value, letter.headers) == (record_key, value, {"from": b"test"})
        assert letter.topic == system.topics.evaluation_runs.name
        assert letter.message
    after = refused_so_far(system)
    assert {reason: after.get(reason, 0) - before.get(reason, 0) for reason in refused} == dict.fromkeys(refused, 1)
    # Nothing of them reached the registry.
    assert {item["model"] for item in versions_of(system, project)} == {"m"}
    assert key  # the one good key is that of the version above


def test_the_client_refuses_the_same_before_sending(system: System) -> None:
    with system.client("Refused") as mooring:
        for metrics, field in (({"roc_auc": math.nan}, "metrics.roc_auc"), ({"roc_auc": 1.3}, "metrics.roc_auc")):
            with pytest.raises(MooringError, match=field):
                mooring.evaluated("m", "1", store="s", metrics=metrics)
        with pytest.raises(MooringError, match="evaluated_at"):
            mooring.evaluated(
                "m", "1", store="s", metrics={"roc_auc": 0.5}, evaluated_at=int(time.time() * 1000) + 7_200_000
            )
    assert versions_of(system, "Refused") == []


def test_a_subscriber_over_http_resumes_where_it_was(system: System) -> None:
    project = "Subscriber"
    with system.client(project) as mooring:
        mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
        mooring.flush()
        wait_for_version(system, project, "m", "1")
        with httpx.stream("GET", f"{system.api}/alerts/stream", timeout=_TIMEOUT_S) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            events = server_sent(stream)
            mooring.evaluated("m", "1", store="s", metrics={"roc_auc": 0.85})
            mooring.flush()
            seen_id, first = next((id_, data) for id_, data in events if data["project"] == project)
        # Away, while two more come.
        for value in (0.8, 0.75):
            mooring.evaluated("m", "1", store="s", metrics={"roc_auc": value})
            mooring.flush()
            wait_for_value(system, project, "m", "1", value)
        with httpx.stream(
            "GET", f"{system.api}/alerts/stream", headers={"Last-Event-ID": seen_id}, timeout=_TIMEOUT_S
        ) as stream:
            missed = [data for _, data in take(2, server_sent(stream))]
    assert first["current"] == 0.85
    assert [alert["current"] for alert in missed] == [0.8, 0.75]


def test_a_worker_that_comes_back_knows_what_it_knew(own_system: System) -> None:
    system, project = own_system, "Restart"
    with system.client(project) as mooring:
        mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
        mooring.evaluated("m", "1", store="s", metrics={"roc_auc": 0.8})
        mooring.flush()
        wait_for_value(system, project, "m", "1", 0.8)
        collect_alerts(mooring, project, 1)
        assert system.services.worker is not None
        assert system.services.worker.stop() == 0, system.services.worker.log.read_text()
        mooring.evaluated("m", "1", store="s", metrics={"roc_auc": 0.7})
        mooring.flush()
        system.services.worker = system.services.start_worker()
        system.services.worker.wait_until_ready()
        wait_for_value(system, project, "m", "1", 0.7)
        last = list({alert.alert_id: alert for alert in collect_alerts(mooring, project, 2)}.values())[-1]
    # It compares with what it read back from its changelog.
    assert (last.initial, last.previous, last.current) == (0.9, 0.8, 0.7)


def test_a_backlog_is_handled_in_the_order_in_which_it_was_reported(own_system: System) -> None:
    """Configurations and builds, far apart from their evaluations, come before them also after a pause.

    Removed, the look at `partitions_before` in `Consumer._may_go`, this fails.
    """
    system, projects = own_system, [f"Backlog {number}" for number in range(10)]
    assert system.services.worker is not None
    assert system.services.worker.stop() == 0
    for project in projects:
        with system.client(project) as mooring:
            mooring.model_built("m", "1", prediction_type="BINARY", metrics={"roc_auc": 0.9})
            for store in range(100):
                mooring.configure_store(f"private {store}", synced=False, effective_at=0)
            mooring.flush()
            for store in reversed(range(100)):
                mooring.evaluated("m", "1", store=f"private {store}", metrics={"roc_auc": 0.5})
            mooring.evaluated("m", "1", store="public", metrics={"roc_auc": 0.8})
    system.services.worker = system.services.start_worker()
    for project in projects:
        wait_for_value(system, project, "m", "1", 0.8)
        found = [outcome.outcome for outcome in outcomes(system, project)]
        assert found == [*[Outcome.NOT_SYNCED] * 100, Outcome.CURRENT]
    with system.client(projects[0]) as mooring:
        (alert,) = collect_alerts(mooring, projects[0], 1)
    assert (alert.initial, alert.previous, alert.current) == (0.9, 0.9, 0.8)


def bad_evaluations(project: str) -> dict[str, tuple[bytes | None, bytes]]:
    """Reason -> key and value of a record that deserves it. Written without our constructors, which would refuse."""
    key = f"ci/{quote(project)}".encode()
    now = int(time.time() * 1000)
    good = EvaluationRun(
        event_id="e", node_id="ci", project_key=project, store_id="s", evaluation_id="x", model_project_key=project,
        model_id="never seen", version_id="1", evaluated_at=now, recorded_at=now, metrics={"roc_auc": 0.8},
    )  # fmt: skip

    def with_(**changes: object) -> bytes:
        out = BytesIO()
        out.write(encode(good)[:10])
        fastavro.schemaless_writer(out, schema("EvaluationRun"), good.to_record() | changes)
        return out.getvalue()

    return {
        "undecodable": (key, b"\xff\xfe not avro"),
        "unknown_schema": (key, b"\xc3\x01" + b"12345678" + encode(good)[10:]),
        "missing_key": (None, encode(good)),
        "wrong_key": (b"ci/elsewhere", encode(good)),
        "invalid_field": (key, with_(version_id="")),
        "metric_not_finite": (key, with_(metrics={"roc_auc": math.nan})),
        "metric_out_of_range": (key, with_(metrics={"roc_auc": 1.3})),
        "store_outside_project": (key, with_(model_project_key="another")),
        "dated_in_the_future": (key, with_(evaluated_at=now + 2 * 3_600_000)),
    }


def collect_alerts(mooring: Any, project: str, count: int) -> list[DriftAlert]:
    """The project's alerts so far, at least `count` of them, and none more within a second."""
    found: list[DriftAlert] = []
    deadline = time.monotonic() + _TIMEOUT_S
    while len(found) < count and time.monotonic() < deadline:
        found = [a for a in mooring.alerts(since="beginning", timeout_s=1.0) if a.project_key == project]
    assert len(found) >= count, found
    return found


def outcomes(system: System, project: str) -> list[EvaluationOutcome]:
    found = [decode(value, EvaluationOutcome) for value in values_of(system, system.topics.evaluation_outcomes.name)]
    return [outcome for outcome in found if outcome.version_key.startswith(f"ci/{quote(project)}/")]


def values_of(system: System, topic: str) -> list[bytes]:
    """Every value in a topic now."""
    consumer = KafkaConsumer(**connection_settings(system.broker.address), fetch_max_wait_ms=50)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        found: list[bytes] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=200).values():
                found += [record.value for record in records if record.value is not None]
        return found
    finally:
        consumer.close()


def refused_so_far(system: System) -> dict[str, int]:
    """What the worker's counter of dead letters says, by reason."""
    text = httpx.get(f"http://127.0.0.1:{system.services.worker_port}/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("mooring_dead_letters_total")]
    return {line.split('"')[1]: int(float(line.split()[-1])) for line in lines}


def versions_of(system: System, project: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{system.api}/versions", params={"project": project}).json()
    items: list[dict[str, Any]] = answer["items"]
    return items


def wait_for(system: System, project: str, model: str, version: str, condition: Any) -> dict[str, Any]:
    """The version as the API shows it, once the condition holds."""
    path = "/".join(quote(part, safe="") for part in ("ci", project, model, version))
    deadline = time.monotonic() + _TIMEOUT_S
    item: dict[str, Any] = {}
    while time.monotonic() < deadline:
        answer = httpx.get(f"{system.api}/versions/{path}")
        if answer.is_success and condition(item := answer.json()):
            return item
        time.sleep(0.05)
    raise AssertionError(f"not within {_TIMEOUT_S} s: {item}")


def wait_for_version(system: System, project: str, model: str, version: str) -> dict[str, Any]:
    return wait_for(system, project, model, version, lambda item: True)


def wait_for_value(system: System, project: str, model: str, version: str, value: float) -> dict[str, Any]:
    return wait_for(system, project, model, version, lambda item: item["value"] == value)


def server_sent(stream: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and data of each server-sent event."""
    event_id, data = "", ""
    for line in stream.iter_lines():
        if line.startswith("id:"):
            event_id = line[3:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield event_id, json.loads(data)
            data = ""


def take(count: int, events: Iterator[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [next(events) for _ in range(count)]
