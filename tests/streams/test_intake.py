"""The intake: what is accepted, and every reason for which it is not, each with its letter (rules 1, 9 and 10)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from io import BytesIO
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import fastavro
import pytest

from mooring.codec import MAX_VALUE_BYTES, decode, encode, parse, single_object_fingerprint
from mooring.errors import InvalidEvent, Reason, UnreadableValue
from mooring.events import EvaluationRun, EvaluationStore, Event, ModelBuild
from mooring.outputs import DeadLetter
from mooring.schema import Schema, schema
from streams.intake import InputRecord, dead_letter, read
from tests.streams.strategies import build, evaluation, store

NOW = 10_000
HOUR = 3_600_000
KEY = b"ci/COUPONS"
# What Kafka's brokers accept of a record unless told otherwise, less room for its framing.
RECORD_BYTES = 1_048_000


def record(value: bytes | None, **changes: Any) -> InputRecord:
    given = InputRecord(
        topic="test.evaluation-runs",
        partition=3,
        offset=41,
        timestamp=NOW,
        key=KEY,
        value=value,
        headers={"by": b"\xff"},
    )
    return replace(given, **changes)


def written(event: Event, written_as: Schema | None = None, **changes: Any) -> bytes:
    """The event's bytes with fields that its constructor would refuse, as a foreign writer would have them."""
    as_schema = written_as or schema(type(event).__name__)
    out = BytesIO()
    fastavro.schemaless_writer(out, parse(as_schema), event.to_record() | changes)
    return b"\xc3\x01" + single_object_fingerprint(as_schema) + out.getvalue()


def refused(given: InputRecord, expected: type[Event] = EvaluationRun) -> InvalidEvent | UnreadableValue:
    with pytest.raises((InvalidEvent, UnreadableValue)) as caught:
        read(given, expected)
    error = caught.value
    assert isinstance(error, InvalidEvent | UnreadableValue)
    return error


# Accepted


def test_an_event_is_read_as_it_was_written() -> None:
    event = evaluation()
    assert read(record(encode(event)), EvaluationRun) == event
    assert written(event) == encode(event)


def test_an_hour_ahead_of_its_record_is_no_more_than_a_clock_that_goes_wrong() -> None:
    event = evaluation(at=NOW + HOUR)
    assert read(record(encode(event)), EvaluationRun) == event


def test_without_a_timestamp_on_the_record_there_is_nothing_to_be_ahead_of() -> None:
    event = evaluation(at=NOW + 9 * HOUR)
    assert read(record(encode(event), timestamp=None), EvaluationRun) == event


def test_a_store_may_be_configured_from_a_moment_ahead() -> None:
    event = store(at=NOW + 9 * HOUR, recorded_at=NOW)
    assert read(record(encode(event)), EvaluationStore) == event


# Refused


def written_elsewhere(event: Event, **fields: Any) -> bytes:
    """Written with a schema of the same name that no release of Mooring ever had."""
    foreign = json.loads(json.dumps(schema(type(event).__name__)))
    foreign["fields"].append({"name": "surprise", "type": "int"})
    return written(event, foreign, surprise=1, **fields)


REFUSALS = [
    pytest.param(record(None), Reason.UNDECODABLE, "empty", id="no value"),
    pytest.param(record(b""), Reason.UNDECODABLE, "empty", id="an empty value"),
    pytest.param(record(b'{"event_id": "1"}'), Reason.UNDECODABLE, "header", id="JSON"),
    pytest.param(record(b"\xc3\x01\x00"), Reason.UNDECODABLE, "header", id="half a header"),
    pytest.param(record(encode(evaluation())[:-3]), Reason.UNDECODABLE, "EvaluationRun", id="cut short"),
    pytest.param(record(encode(evaluation()) + b"x"), Reason.UNDECODABLE, "1 bytes after", id="bytes after the end"),
    pytest.param(
        record(b"\xc3\x01" + b"\x07" * 8 + b"x"),
        Reason.UNKNOWN_SCHEMA,
        "0707070707070707",
        id="a fingerprint nobody knows",
    ),
    pytest.param(
        record(written_elsewhere(evaluation())),
        Reason.UNKNOWN_SCHEMA,
        "unknown here",
        id="a schema of that name nobody knows",
    ),
    pytest.param(
        record(b"\x00\x00\x00\x00\x07x"), Reason.UNKNOWN_SCHEMA, "schema registry", id="a registry, and none configured"
    ),
    pytest.param(record(encode(build())), Reason.UNKNOWN_SCHEMA, "ModelBuild", id="another topic's event"),
    pytest.param(record(encode(evaluation()), key=None), Reason.MISSING_KEY, "ci/COUPONS", id="no key"),
    pytest.param(record(encode(evaluation()), key=b""), Reason.WRONG_KEY, "ci/COUPONS", id="an empty key"),
    pytest.param(
        record(encode(evaluation()), key=b"ci/OTHER"), Reason.WRONG_KEY, "ci/COUPONS", id="another project's key"
    ),
    pytest.param(record(encode(evaluation()), key=b"\xff"), Reason.WRONG_KEY, "xff", id="a key that is no text"),
    pytest.param(record(written(evaluation(), event_id="")), Reason.INVALID_FIELD, "event_id", id="an empty id"),
    pytest.param(
        record(written(evaluation(), version_id="v" * 256)), Reason.INVALID_FIELD, "version_id", id="a long id"
    ),
    pytest.param(record(written(evaluation(), store_id="a\nb")), Reason.INVALID_FIELD, "store_id", id="a line break"),
    pytest.param(
        record(written(evaluation(), evaluated_at=-1)), Reason.INVALID_FIELD, "evaluated_at", id="before 1970"
    ),
    pytest.param(record(written(evaluation(), n_rows=-1)), Reason.INVALID_FIELD, "n_rows", id="fewer rows than none"),
    pytest.param(
        record(written(evaluation(), metrics={"roc_auc": float("nan")})),
        Reason.METRIC_NOT_FINITE,
        "metrics.roc_auc",
        id="a NaN",
    ),
    pytest.param(
        record(written(evaluation(), metrics={"uplift": float("-inf")})),
        Reason.METRIC_NOT_FINITE,
        "metrics.uplift",
        id="infinite",
    ),
    pytest.param(
        record(written(evaluation(), standard_errors={"roc_auc": float("nan")})),
        Reason.METRIC_NOT_FINITE,
        "standard_errors.roc_auc",
        id="a standard error that is NaN",
    ),
    pytest.param(
        record(written(evaluation(), metrics={"roc_auc": 1.3})),
        Reason.METRIC_OUT_OF_RANGE,
        "ROC AUC",
        id="a ROC AUC of 1.3",
    ),
    pytest.param(
        record(written(evaluation(), metrics={"data_drift": -0.01})),
        Reason.METRIC_OUT_OF_RANGE,
        "metrics.data_drift",
        id="below the range",
    ),
    pytest.param(
        record(written(evaluation(), model_project_key="OTHER")),
        Reason.STORE_OUTSIDE_PROJECT,
        "model_project_key",
        id="a store of another project",
    ),
    pytest.param(
        record(encode(evaluation(at=NOW + HOUR + 1, recorded_at=NOW))),
        Reason.DATED_IN_THE_FUTURE,
        "evaluated_at",
        id="evaluated more than an hour ahead",
    ),
    pytest.param(
        record(encode(evaluation(recorded_at=NOW + HOUR + 1))),
        Reason.DATED_IN_THE_FUTURE,
        "recorded_at",
        id="recorded more than an hour ahead",
    ),
    pytest.param(record(b"x" * (MAX_VALUE_BYTES + 1)), Reason.TOO_LARGE, "1,000,001 bytes", id="too large"),
]


@pytest.mark.parametrize(("given", "reason", "named"), REFUSALS)
def test_what_is_refused_has_its_reason_and_names_the_culprit(given: InputRecord, reason: Reason, named: str) -> None:
    error = refused(given)
    assert error.reason is reason
    assert named in str(error)


def test_every_reason_but_that_of_a_failing_handler_is_tried_above() -> None:
    assert {one.values[1] for one in REFUSALS} == set(Reason) - {Reason.HANDLER_FAILED}


def test_a_value_of_exactly_the_limit_is_not_too_large() -> None:
    assert refused(record(b"x" * MAX_VALUE_BYTES)).reason is Reason.UNDECODABLE


@pytest.mark.parametrize("field", ["built_at", "recorded_at"])
def test_a_build_from_the_future_is_refused(field: str) -> None:
    given = record(written(build(at=NOW), **dict[str, Any]({field: NOW + HOUR + 1})))
    error = refused(given, ModelBuild)
    assert error.reason is Reason.DATED_IN_THE_FUTURE
    assert str(error).startswith(field)


# Letters


def test_a_letter_keeps_bytes_headers_and_position() -> None:
    given = record(b"\x00no event\xff", key=b"\xfe", headers={"by": b"\xff", "empty": b""})
    letter = dead_letter(given, refused(given), failed_at=77)
    assert decode(encode(letter), DeadLetter) == DeadLetter(
        letter_id=str(uuid5(uuid5(NAMESPACE_URL, "mooring.v1"), "test.evaluation-runs/3/41")),
        topic="test.evaluation-runs",
        partition=3,
        offset=41,
        key=b"\xfe",
        value=b"\x00no event\xff",
        headers={"by": b"\xff", "empty": b""},
        reason=letter.reason,
        message=letter.message,
        failed_at=77,
    )


@pytest.mark.parametrize(("given", "reason", "named"), REFUSALS)
def test_the_letter_of_a_refusal_says_why(given: InputRecord, reason: Reason, named: str) -> None:
    letter = dead_letter(given, refused(given), failed_at=77)
    assert letter.reason == reason.value
    assert named in letter.message


def test_what_no_rule_foresaw_is_a_handler_that_failed() -> None:
    letter = dead_letter(record(b"x"), ZeroDivisionError("division by zero"), failed_at=77)
    assert letter.reason == "handler_failed"
    assert letter.message == "ZeroDivisionError: division by zero"


def test_what_is_missing_stays_missing() -> None:
    letter = dead_letter(record(None, key=None, headers={}), ValueError(), failed_at=77)
    assert (letter.key, letter.value, letter.headers) == (None, None, {})


def test_a_value_that_fits_is_not_cut() -> None:
    value = b"x" * 980_000
    letter = dead_letter(record(value), ValueError(), failed_at=77)
    assert letter.value == value
    assert len(encode(letter)) <= MAX_VALUE_BYTES


@pytest.mark.parametrize("part", ["value", "key"])
def test_what_is_too_large_is_cut_and_its_size_and_digest_kept(part: str) -> None:
    content = b"0123456789" * 150_000
    given = record(b"v", headers={"by": b"\xff"})
    given = replace(given, **dict[str, Any]({part: content}))
    letter = dead_letter(given, ValueError("no good"), failed_at=77)
    assert getattr(letter, part) == content[:100_000]
    assert "1,500,000 bytes" in letter.message
    assert hashlib.sha256(content).hexdigest() in letter.message
    assert letter.message.startswith("ValueError: no good")
    assert (letter.offset, letter.headers) == (41, {"by": b"\xff"})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(record(b"x" * 5_000_000, key=b"k" * 2_000_000), id="value and key"),
        pytest.param(record(b"x", headers={"big": b"h" * 1_500_000}), id="a large header"),
        pytest.param(record(b"x", headers={f"{n}": b"h" * 1_000 for n in range(1_500)}), id="many headers"),
        pytest.param(record(b"x", headers={"n" * 1_500_000: b""}), id="a large name of a header"),
        pytest.param(
            record(b"x", headers={f"{n:03x}": b"" for n in range(0x4E200)}), id="headers of nothing but names"
        ),
        pytest.param(record(b"x" * 900_000, headers={"h": b"h" * 95_000}), id="each fits, all do not"),
        pytest.param(record(b"x" * 890_000, key=b"k" * 99_000), id="the key is there twice"),
    ],
)
def test_a_letter_always_fits_into_a_record(given: InputRecord) -> None:
    letter = dead_letter(given, ValueError("é" * 100_000), failed_at=77)
    # The codec refuses what is larger; the record has the letter's key once more.
    assert len(encode(letter)) + len(letter.key or b"") < RECORD_BYTES
