"""Dead letters: listed, read, and sent again as they came."""

import base64
import struct
from typing import Any

import pytest

from mooring.codec import encode
from mooring.errors import Reason
from mooring.events import EvaluationRun
from mooring.outputs import DeadLetter, letter_id
from tests.mooring.samples import sample
from tests.web.api.client import Api, problem
from tests.web.api.conftest import Fed, Read
from tests.web.feed import BUILT_AT

RUNS = "mooring.evaluation-runs"


def letter(offset: int = 0, topic: str = RUNS, **fields: Any) -> DeadLetter:
    given = {
        "letter_id": letter_id(topic, fields.get("partition", 1), offset),
        "topic": topic,
        "partition": 1,
        "offset": offset,
        "key": b"n/P",
        "value": b"no Avro",
        "reason": Reason.UNDECODABLE,
        "message": "The value cannot be read.",
        "failed_at": BUILT_AT + offset,
    }
    return DeadLetter(**{**given, **fields})


def evaluation_with(value: float) -> bytes:
    """An evaluation as a careless producer writes it, with a value of ROC AUC that an event would refuse."""
    good = EvaluationRun.from_record({**sample("EvaluationRun"), "metrics": {"roc_auc": 0.5625}})
    return encode(good).replace(struct.pack("<d", 0.5625), struct.pack("<d", value))


@pytest.fixture
def letters(fed: Fed) -> Api:
    fed.written.write(
        fed.topics.dead_letters,
        *(letter(number) for number in range(3)),
        letter(10, "mooring.model-builds", reason=Reason.WRONG_KEY),
        letter(11, "mooring.model-builds"),
    )
    return fed.api


@pytest.mark.parametrize(
    ("filters", "offsets"),
    [
        ({}, [11, 10, 2, 1, 0]),
        ({"reason": "wrong_key"}, [10]),
        ({"reason": ["wrong_key", "too_large"], "topic": RUNS}, []),
        ({"topic": RUNS}, [2, 1, 0]),
        ({"topic": [RUNS, "mooring.model-builds"], "reason": "undecodable"}, [11, 2, 1, 0]),
        ({"topic": "another"}, []),
    ],
)
def test_the_newest_come_first(letters: Api, filters: dict[str, Any], offsets: list[int]) -> None:
    assert [each["offset"] for each in letters.items("/dead-letters", limit=2, **filters)] == offsets


def test_a_reason_that_is_none_is_refused(letters: Api) -> None:
    answer = letters.client.get("/api/v1/dead-letters", params={"reason": "bad"})
    assert "store_outside_project" in problem(answer, 400, "invalid-parameter")["detail"]


def test_one_is_shown_with_what_it_holds(fed: Fed) -> None:
    bytes_ = evaluation_with(float("nan"))
    refused = letter(
        7,
        value=bytes_,
        reason=Reason.METRIC_NOT_FINITE,
        message="metrics.roc_auc: is nan",
        headers={"trace": b"abc", "odd": b"\xff"},
    )
    fed.written.write(fed.topics.dead_letters, refused)
    found = fed.api.get(f"/dead-letters/{refused.letter_id}")
    assert (found["topic"], found["partition"], found["offset"], found["key"]) == (RUNS, 1, 7, "n/P")
    assert (found["reason"], found["message"]) == ("metric_not_finite", "metrics.roc_auc: is nan")
    assert found["headers"] == {"trace": "abc", "odd": "\ufffd"}
    assert base64.b64decode(found["value_base64"]) == bytes_
    assert found["size"] == len(bytes_)
    # JSON has no such number: as text it is at least to be seen.
    assert found["value"]["metrics"] == {"roc_auc": "nan"}
    assert found["value"]["store_id"] == sample("EvaluationRun")["store_id"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(float("inf"), "inf"), (-float("inf"), "-inf"), (1.5, 1.5)],
)
def test_every_number_is_shown(fed: Fed, value: float, shown: float | str) -> None:
    refused = letter(value=evaluation_with(value))
    fed.written.write(fed.topics.dead_letters, refused)
    assert fed.api.get(f"/dead-letters/{refused.letter_id}")["value"]["metrics"] == {"roc_auc": shown}


@pytest.mark.parametrize(
    "fields",
    [
        {"value": b"no Avro"},
        {"value": b""},
        {"value": None, "key": None},
        {"value": evaluation_with(0.5)[:40]},
        {"value": encode(letter()), "topic": RUNS},
        {"value": evaluation_with(0.5), "topic": "no.topic.of.ours"},
    ],
)
def test_what_cannot_be_read_is_shown_as_it_is(fed: Fed, fields: dict[str, Any]) -> None:
    refused = letter(**fields)
    fed.written.write(fed.topics.dead_letters, refused)
    found = fed.api.get(f"/dead-letters/{refused.letter_id}")
    assert found["value"] is None
    text = found["value_base64"]
    assert (None if text is None else base64.b64decode(text)) == fields["value"]


@pytest.mark.parametrize("unknown", ["00000000-0000-0000-0000-000000000000", "nonsense", "%00", "%FF", "a%2Fb"])
def test_one_that_there_is_none_of(letters: Api, unknown: str) -> None:
    problem(letters.client.get(f"/api/v1/dead-letters/{unknown}"), 404, "unknown-dead-letter")
    problem(letters.client.post(f"/api/v1/dead-letters/{unknown}/replay"), 404, "unknown-dead-letter")


@pytest.mark.parametrize(
    "fields",
    [
        {"partition": 2, "key": b"n/P", "value": b"\x00\xff", "headers": {"trace": b"1", "empty": b"", "b": b"\xff"}},
        {"partition": 0, "key": None, "value": b"no key"},
        {"partition": 3, "key": b"\xff", "value": None},
        {"partition": 1, "key": b"", "value": b""},
    ],
)  # fmt: skip
def test_a_replay_sends_the_record_again_as_it_was(online: Fed, record_at: Read, fields: dict[str, Any]) -> None:
    topic = online.topics.evaluation_runs.name
    refused = letter(5, topic, **fields)
    online.written.write(online.topics.dead_letters, refused)
    answered = online.api.post(f"/dead-letters/{refused.letter_id}/replay")
    assert answered["letter_id"] == refused.letter_id
    record = record_at(answered["position"])
    assert (record.topic, record.partition) == (topic, refused.partition)
    assert (record.key, record.value, dict(record.headers)) == (refused.key, refused.value, refused.headers)


def test_what_was_not_kept_whole_cannot_be_replayed(fed: Fed) -> None:
    for refused in (letter(1, reason=Reason.TOO_LARGE), letter(2, "no.topic.of.ours")):
        fed.written.write(fed.topics.dead_letters, refused)
        problem(fed.api.client.post(f"/api/v1/dead-letters/{refused.letter_id}/replay"), 409, "not-kept")


def test_a_partition_that_is_gone_cannot_be_replayed_to(online: Fed) -> None:
    refused = letter(1, online.topics.evaluation_runs.name, partition=99)
    online.written.write(online.topics.dead_letters, refused)
    answer = online.api.client.post(f"/api/v1/dead-letters/{refused.letter_id}/replay")
    assert "no partition 99" in problem(answer, 409, "not-kept")["detail"]


def test_a_replay_without_a_broker_says_so(letters: Api) -> None:
    known = letters.items("/dead-letters")[0]["letter_id"]
    problem(letters.client.post(f"/api/v1/dead-letters/{known}/replay"), 503, "broker-unavailable")
