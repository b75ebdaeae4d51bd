"""Frames of every kind are read as the same columns; what cannot be compared is refused, by name."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mooring.drift.frames import Frame, InvalidFrame, beside, read
from mooring.drift.sketches import Categories, Column, Kind, Numbers, Origin, Presence
from tests.drift.rows import FRAMES, customers, structured

ROWS = np.array([0, 3, 4])


def column(frame: Any, name: str = "a") -> Column:
    return read(name, Frame(frame).series(name), ROWS[Frame(frame).n_rows > ROWS])


def same(one: Column, other: Column) -> bool:
    if isinstance(one, Numbers) and isinstance(other, Numbers):
        arrays = np.array_equal(one.present, other.present), np.array_equal(one.sampled, other.sampled, equal_nan=True)
        return all(arrays) and (one.kind, one.n_missing) == (other.kind, other.n_missing)
    return type(one) is type(other) and vars(one) == vars(other)


@pytest.mark.parametrize("kind", FRAMES)
def test_the_same_columns_from_frames_of_every_kind(kind: str) -> None:
    expected, found = customers(200), FRAMES[kind](customers(200))
    assert Frame(found).names == tuple(expected)
    assert Frame(found).n_rows == 200
    for name in expected:
        assert same(column(found, name), column(expected, name)), name


def test_arrays_of_two_dimensions_and_structured_ones() -> None:
    numbers = np.arange(6.0).reshape(3, 2)
    assert Frame(numbers).names == ("x0", "x1")
    found = column(numbers, "x1")
    assert isinstance(found, Numbers)
    assert found.present.tolist() == [1.0, 3.0, 5.0]
    rows = customers(200)
    for name in ("age", "spent", "visits", "region"):
        assert same(column(structured(rows), name), column(rows, name)), name


def test_a_column_is_read_without_the_others() -> None:
    frame = Frame({"a": [1, 2], "mixed": [1, "x"]})
    assert len(frame.series("a")) == 2
    with pytest.raises(InvalidFrame, match="'mixed' must hold values of one type"):
        frame.series("mixed")


@pytest.mark.parametrize(
    ("values", "present", "sampled"),
    [
        ([3, 1, 2], [1, 2, 3], [3]),
        ([True, False], {"True": 1, "False": 1}, ["True"]),
        (["b", "a", None, "b", ""], {"b": 2, "a": 1, "": 1}, ["b", "b", ""]),
        ([1.5, math.nan, math.inf, -1e101, None], [1.5], [1.5, math.nan, math.nan]),
        ([Decimal("1.5"), Decimal(1)], [1, 1.5], [1.5]),
        ([date(1970, 1, 2), None], [86_400e6], [86_400e6]),
        ([datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)], [1e6], [1e6]),
        ([timedelta(seconds=2), timedelta(0)], [0, 2e6], [2e6]),
        (pd.Series([2, None], dtype="Int64"), [2], [2]),
        (pl.Series([b"a".decode(), None], dtype=pl.Enum(["a", "b"])), {"a": 1}, ["a"]),
        (np.array(["2020-01-01T00", "NaT"], dtype="datetime64[h]"), [1_577_836_800e6], [1_577_836_800e6]),
        (np.array(["x", math.nan, None, pd.NA], dtype=object), {"x": 1}, ["x", None]),
    ],
    ids=str,
)  # fmt: skip
def test_values_of_every_type(values: Any, present: Any, sampled: list[Any]) -> None:
    series = beside("a", values, len(values))
    found = read("a", series, ROWS[len(values) > ROWS])
    if isinstance(found, Categories):
        assert found.counts == present
        assert found.sampled == sampled
    else:
        assert isinstance(found, Numbers)
        assert found.present.tolist() == present
        assert np.array_equal(found.sampled, np.array(sampled, dtype=float), equal_nan=True)
    assert found.n_present + found.n_missing == len(values)


def test_times_are_times_and_durations_are_numbers() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for values, kind in (([moment], Kind.TIME), ([moment.date()], Kind.TIME), ([timedelta(1)], Kind.NUMBER)):
        found = column({"a": values})
        assert isinstance(found, Numbers)
        assert found.kind is kind


def test_categories_say_what_they_were() -> None:
    for values, origin in ((["x"], Origin.TEXT), ([True], Origin.BOOLEAN)):
        found = column({"a": values})
        assert isinstance(found, Categories)
        assert found.origin is origin


@pytest.mark.parametrize("name", ["rows", "value", "count", "index", "literal", ""])
@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame])
def test_a_column_may_have_any_name(name: str, frame: Any) -> None:
    opened = Frame(frame({name: ["north", None, "south", "north"]}))
    found = read(name, opened.series(name), np.arange(2))
    assert isinstance(found, Categories)
    assert (dict(found.counts), found.n_missing, list(found.sampled)) == ({"north": 2, "south": 1}, 1, ["north", None])


@pytest.mark.parametrize("values", [[None, None], [math.nan, math.inf], np.array([None, None])])
def test_a_column_without_a_value(values: Any) -> None:
    assert column({"a": values}) == Presence(0, 2)


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        ([1, 2], "list is no frame"),
        (pd.Series([1, 2]), "Series is no frame"),
        (np.arange(3), "ndarray is no frame"),
        ({}, "no columns"),
        (pd.DataFrame(), "no columns"),
        ({"a": []}, "no rows"),
        (pl.DataFrame({"a": []}), "no rows"),
        ({"a": [1], "b": [1, 2]}, "differ in length"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "same name"),
        ({"b": [1]}, "no column 'a'"),
        ({"A": [1]}, "no column 'a'"),
        ({"a": [1, "x"]}, "'a' must hold values of one type"),
        (pd.DataFrame({"a": [1, "x"]}), "'a' must hold values of one type"),
        ({"a": np.ones((2, 2))}, "'a' must have one dimension"),
        ({"a": np.array([1j])}, "'a' holds complex128"),
        ({"a": [[1], [2]]}, "'a' holds List"),
        ({"a": [{"x": 1}]}, "'a' holds Struct"),
    ],
    ids=str,
)
def test_what_cannot_be_compared(frame: Any, problem: str) -> None:
    with pytest.raises(InvalidFrame, match=problem):
        column(frame)


def test_a_column_beside_the_frame_has_as_many_values() -> None:
    assert len(beside("predictions", pd.Series([0.1, 0.2]), 2)) == 2
    with pytest.raises(InvalidFrame, match="predictions has 2 values, but the frame has 3 rows"):
        beside("predictions", [0.1, 0.2], 3)
    with pytest.raises(InvalidFrame, match="predictions"):
        beside("predictions", 0.5, 3)
