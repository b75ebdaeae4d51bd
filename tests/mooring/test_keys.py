"""Keys: their text form, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import InvalidEvent, InvalidKey
from mooring.keys import MAX_ID_BYTES, Key, ModelKey, ProjectKey, StoreKey, VersionKey, are_surely_ids, check_id

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (ProjectKey("design-1", "COUPONS"), "design-1/COUPONS"),
        (ProjectKey("a/b", "c d"), "a%2Fb/c%20d"),
        (ProjectKey("%", "~._-"), "%25/~._-"),
        (ModelKey("n", "p", "été"), "n/p/%C3%A9t%C3%A9"),
        (VersionKey("n", "p", "m", "2026-01-05 06:00"), "n/p/m/2026-01-05%2006%3A00"),
        (StoreKey("n", "p", "+"), "n/p/%2B"),
    ],
)
def test_text_form(key: Key, text: str) -> None:
    assert str(key) == text
    assert key.encoded == text.encode()
    assert type(key).parse(text) == key


@given(IDS, IDS, IDS, IDS)
def test_every_key_reads_back_from_its_text(node: str, project: str, model: str, version: str) -> None:
    key = VersionKey(node, project, model, version)
    assert VersionKey.parse(str(key)) == key
    assert str(key).isascii()


@given(st.text(max_size=60))
def test_a_text_is_a_key_in_one_spelling_or_refused(text: str) -> None:
    try:
        key = VersionKey.parse(text)
    except InvalidEvent:
        return
    assert str(key) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n",
        "n/p/m",
        "n//",
        "n/",
        "n/%zz",
        "n/%ff",
        "n/%41",
        "n/%2f",
        "n/a b",
        "n/é",
        "n/%00",
    ],
)
def test_what_is_no_project_key(text: str) -> None:
    with pytest.raises(InvalidEvent):
        ProjectKey.parse(text)


def test_the_refusal_says_the_right_spelling() -> None:
    with pytest.raises(InvalidKey, match=r"should be spelled 'n/a%20b'"):
        ProjectKey.parse("n/a b")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "empty"),
        (None, "text"),
        (7, "text"),
        (b"id", "text"),
        ("a\nb", "control"),
        ("\x7f", "control"),
        ("\x85", "control"),
        ("\ud800", "Unicode"),
        ("x" * (MAX_ID_BYTES + 1), "256 bytes"),
        ("é" * 128, "256 bytes"),
    ],
)
def test_what_is_no_id(value: object, message: str) -> None:
    with pytest.raises(InvalidEvent, match=message) as refused:
        check_id("model_id", value)
    assert refused.value.field == "model_id"


@pytest.mark.parametrize("value", ["x" * MAX_ID_BYTES, "é" * 127, "a b", "/", "%", "\u200b", "👍"])
def test_ids(value: str) -> None:
    check_id("model_id", value)


def test_parts_of_a_version_key() -> None:
    version = VersionKey("n", "p", "m", "v")
    assert version.model == ModelKey("n", "p", "m")
    assert version.project == ProjectKey("n", "p")


@given(st.lists(st.one_of(st.text(max_size=6), st.just("x" * 86), st.just("é"), st.none() | st.integers()), max_size=5))
def test_what_is_surely_an_id_is_one(values: list[object]) -> None:
    """Checked together, or one by one: no difference, but that the first may leave it to the second."""
    if are_surely_ids(tuple(values)):
        for value in values:
            check_id("node_id", value)


def test_the_usual_ids_are_surely_ids() -> None:
    assert are_surely_ids(("ci", "COUPONS", "evaluation 7/2026-01-05", "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"))
