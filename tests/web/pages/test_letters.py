"""Dead letters in words: reasons, values as lines, bytes."""

import math
from typing import Any

import pytest

from mooring.errors import Reason
from tests.web.feed import dead_letter
from web.pages import letter_entries as entries


def test_every_reason_has_a_label_a_meaning_and_a_remedy() -> None:
    assert set(entries.REASONS) == set(Reason)
    assert all(all(words) for words in entries.REASONS.values())


def test_a_reason_of_a_newer_mooring_is_shown_by_its_code() -> None:
    assert entries.in_words("too_late")[0] == "too_late"


def test_reasons_are_offered_by_how_many_there_are_and_those_filtered_by_with_none() -> None:
    offered = entries.reasons({"wrong_key": 1, "too_large": 3, "missing_key": 0}, ["undecodable"])
    assert [(each["value"], each["count"]) for each in offered] == [
        ("too_large", "3"),
        ("wrong_key", "1"),
        ("undecodable", "0"),
    ]


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (math.nan, "NaN", "odd"),
        (math.inf, "Infinity", "odd"),
        (-math.inf, "-Infinity", "odd"),
        (0.81, "0.81", "number"),
        (True, "true", "word"),
        (None, "null", "word"),
        ("nan", "nan", "text"),
        (b"\xff\x00", "0xff00", "text"),
        (b"text", "text", "text"),
    ],
)
def test_values_are_shown_as_what_they_are(value: object, text: str, kind: str) -> None:
    assert list(entries.tree({"field": value})) == [{"depth": 0, "name": "field", "text": text, "kind": kind}]


def test_a_value_is_a_tree_of_lines() -> None:
    value: dict[str, Any] = {"metrics": {"roc_auc": 0.8}, "labels": {}, "custom": [{"code": "x"}], "built_at": 1_000}
    assert [(line["depth"], line["name"], line["text"]) for line in entries.tree(value)] == [
        (0, "metrics", "1 field"),
        (1, "roc_auc", "0.8"),
        (0, "labels", "empty"),
        (0, "custom", "1 item"),
        (1, "0", "1 field"),
        (2, "code", "x"),
        (0, "built_at", "1000"),
    ]
    assert [line["at"] for line in entries.tree(value) if "at" in line] == [1_000]


def test_bytes_are_shown_sixteen_a_line() -> None:
    assert entries.hex_dump(b"ABCDEFGHIJKLMNOP\x00\xff").splitlines() == [
        "000000  41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP",
        "000010  00 ff                                            ··",
    ]


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (["taken"], "It was taken."),
        (["taken", "refused", "taken"], "Of 3 letters: 2 accepted, 1 refused again."),
        (["failed", "waiting"], "Of 2 letters: 1 not handled yet, 1 could not be replayed."),
    ],
)
def test_what_came_of_several_is_told_in_a_sentence(kinds: list[str], told: str) -> None:
    assert entries.summary([entries.outcome(kind, "It was taken.") for kind in kinds]) == told


def test_a_letter_without_a_value_or_of_a_topic_that_is_not_known_can_be_shown() -> None:
    shown = entries.details(dead_letter(), None, None)
    assert (shown["size"], shown["hex"], shown["key"], shown["lines"]) == (None, "", None, [])
