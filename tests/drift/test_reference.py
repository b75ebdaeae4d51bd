"""A reference, and rows compared with it: of every kind of frame, few and many, changed and not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mooring.drift import DataDrift, InvalidFrame, Reference
from mooring.drift.sketches import GRID, Kind
from mooring.metrics import CATALOGUE
from tests.drift.rows import FRAMES, Rows, customers, structured

KINDS = {
    "age": Kind.NUMBER,
    "spent": Kind.NUMBER,
    "visits": Kind.NUMBER,
    "children": Kind.CATEGORY,
    "region": Kind.CATEGORY,
    "member": Kind.CATEGORY,
    "since": Kind.TIME,
    "note": Kind.TEXT,
    "fax": Kind.EMPTY,
}


@pytest.fixture(scope="module")
def reference() -> Reference:
    rows = customers()
    return Reference.fit(rows, predictions=scores(rows))


def scores(rows: Rows) -> list[float]:
    return [1 / (1 + spent / 20) for spent in rows["spent"]]


def kinds(reference: Reference) -> dict[str, Kind]:
    return {name: sketch.kind for name, sketch in reference.sketches.items()}


def test_a_reference_knows_how_each_column_is_compared(reference: Reference) -> None:
    assert kinds(reference) == KINDS
    assert reference.n_rows == 2_000
    assert reference.rows is not None
    assert reference.rows.shape == (2_000, 7)


def test_printing_it_shows_no_values(reference: Reference) -> None:
    assert repr(reference) == "Reference(2,000 rows, 9 columns, 2,000 rows kept)"


def test_without_a_change(reference: Reference) -> None:
    rows = customers(1_500, seed=2)
    drift = reference.compare(rows, predictions=scores(rows))
    assert drift.drifted == ()
    assert drift.score == pytest.approx(0.5, abs=0.03)
    assert drift.p_value is not None
    assert drift.p_value > 0.05
    assert drift.prediction is not None
    assert drift.prediction.p_value is not None
    assert drift.prediction.p_value > 0.05
    assert (drift.n_rows, drift.n_reference_rows, drift.n_judged) == (1_500, 2_000, 1_500)
    assert all(CATALOGUE[code].admits(value) for code, value in drift.metrics.items())
    assert set(drift.metrics) == {"data_drift", "prediction_drift"}


def test_columns_that_moved_are_found_and_ranked(reference: Reference) -> None:
    rows = customers(1_500, seed=2, older=6, spending=3.0)
    drift = reference.compare(rows, predictions=scores(rows), model_importance={"spent": 3, "age": 1, "region": 0})
    assert set(drift.drifted) == {"age", "spent"}
    assert drift.score is not None
    assert drift.interval is not None
    assert drift.interval[0] > 0.6
    assert drift.interval[0] < drift.score < drift.interval[1]
    spent, age, region = (drift.columns[name] for name in ("spent", "age", "region"))
    assert spent.importance is not None
    assert age.importance is not None
    assert spent.importance > age.importance > 0.05
    assert (spent.model_importance, age.model_importance, region.model_importance) == (0.75, 0.25, 0)
    assert drift.columns["visits"].model_importance is None
    assert spent.wasserstein is not None
    assert spent.wasserstein > 0.5
    # The scores fall with what is spent.
    assert drift.metrics["prediction_drift"] == pytest.approx(spent.distance, abs=1 / GRID)


def test_new_categories_and_missing_values(reference: Reference) -> None:
    rows = customers(1_500, seed=2)
    rows["region"] = ["abroad" if region == "west" else region for region in rows["region"]]
    rows["spent"] = [None if number % 3 else spent for number, spent in enumerate(rows["spent"])]
    rows["fax"] = ["yes"] * 1_500
    rows["note"] = [None] * 1_500
    drift = reference.compare(rows)
    assert drift.drifted == ("spent", "region", "note", "fax")
    assert drift.columns["region"].new_categories == {"abroad": rows["region"].count("abroad")}
    assert drift.columns["spent"].missing == pytest.approx(2 / 3, abs=0.01)
    assert drift.columns["spent"].adjusted_p_value is not None
    assert drift.columns["spent"].adjusted_p_value > 0.05
    assert drift.columns["fax"].left_out == "The reference has no value."


def outcome(drift: DataDrift) -> dict[str, Any]:
    return drift.to_document()


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_every_kind_agree(kind: str) -> None:
    before, after = customers(400), customers(300, seed=2, older=5)
    expected = Reference.fit(before, predictions="spent").compare(after)
    assert outcome(Reference.fit(FRAMES[kind](before), predictions="spent").compare(FRAMES[kind](after))) == outcome(
        expected
    )
    assert outcome(Reference.fit(before, predictions="spent").compare(FRAMES[kind](after))) == outcome(expected)


def test_arrays_agree_with_frames() -> None:
    before, after = customers(400), customers(300, seed=2, older=5)
    names = ["age", "spent", "visits", "region"]
    expected = Reference.fit(before, columns=names).compare(after)
    assert outcome(Reference.fit(structured(before)).compare(structured(after))) == outcome(expected)
    numbers = names[:3]
    matrix = Reference.fit(pd.DataFrame(before)[numbers].to_numpy()).compare(pd.DataFrame(after)[numbers].to_numpy())
    expected = Reference.fit(before, columns=numbers).compare(after)
    assert matrix.metrics == expected.metrics
    assert [*matrix.columns.values()] == [*expected.columns.values()]


def test_the_order_of_the_rows_changes_no_column(reference: Reference) -> None:
    rows = pl.DataFrame(customers(1_500, seed=2, older=3))
    there, mixed = reference.compare(rows), reference.compare(rows.sample(fraction=1, shuffle=True, seed=3))
    for name, column in there.columns.items():
        other = mixed.columns[name]
        assert (other.statistic, other.p_value, other.psi, other.wasserstein, other.missing) == (
            column.statistic,
            column.p_value,
            column.psi,
            column.wasserstein,
            column.missing,
        )
    shuffled = Reference.fit(pl.DataFrame(customers()).sample(fraction=1, shuffle=True, seed=4))
    for name, column in shuffled.compare(rows).columns.items():
        assert column.p_value == there.columns[name].p_value
    # The classifier is trained on other rows, which changes its score within its interval.
    assert mixed.interval is not None
    assert there.score is not None
    assert mixed.interval[0] - 0.02 < there.score < mixed.interval[1] + 0.02


def test_the_same_rows_give_the_same_result(reference: Reference) -> None:
    rows = customers(1_500, seed=2, older=3)
    assert outcome(reference.compare(rows)) == outcome(reference.compare(rows))


# What is chosen


def test_only_the_columns_that_are_named_are_compared() -> None:
    reference = Reference.fit(customers(200), columns=["age", "region"])
    assert list(reference.sketches) == ["age", "region"]
    # Others may come and go.
    assert list(reference.compare({name: customers(200)[name] for name in ("region", "age", "note")}).columns) == [
        "age",
        "region",
    ]


def test_numbers_that_are_names() -> None:
    codes = {"code": list(range(100, 150)) * 4}
    assert kinds(Reference.fit(codes)) == {"code": Kind.NUMBER}
    reference = Reference.fit(codes, categorical=["code"])
    assert kinds(reference) == {"code": Kind.CATEGORY}
    later = reference.compare({"code": [100.0, 150.0] * 50}).columns["code"]
    assert later.new_categories == {"150": 50}


def test_predictions_are_a_column_or_beside_the_frame() -> None:
    rows = {**customers(200), "score": np.linspace(0, 1, 200)}
    reference = Reference.fit(rows, predictions="score")
    assert "score" not in reference.sketches
    later = {**customers(200, seed=2), "score": np.linspace(0.25, 1.25, 200)}
    assert reference.compare(later).metrics["prediction_drift"] == pytest.approx(0.25, abs=0.01)
    assert reference.compare(later, predictions="spent").metrics["prediction_drift"] > 0.5
    assert reference.compare(later, predictions=np.linspace(0, 1, 200)).metrics["prediction_drift"] == 0
    named = Reference.fit(rows, predictions=np.linspace(0, 1, 200))
    assert "score" in named.sketches
    assert named.compare(later, predictions=later["score"]).metrics == reference.compare(later).metrics | {
        "data_drift": named.compare(later).metrics["data_drift"]
    }


def test_predictions_beside_a_column_of_that_name() -> None:
    rows = {**customers(200), "predictions": customers(200)["spent"]}
    assert "predictions" in Reference.fit(rows, predictions=[0.5] * 200).sketches
    assert "predictions" not in Reference.fit(rows, predictions="predictions").sketches


def test_predicted_labels_are_categories() -> None:
    reference = Reference.fit(customers(200), predictions=["yes", "no"] * 100)
    drift = reference.compare(customers(200), predictions=["yes"] * 150 + ["no"] * 50)
    assert drift.metrics["prediction_drift"] == 0.25
    assert drift.prediction is not None
    assert drift.prediction.test == "chi_square"


@pytest.mark.parametrize(
    ("fit", "compared", "reason"),
    [
        ({}, {}, "The reference was made without predictions."),
        ({"predictions": [0.5] * 200}, {}, "No predictions are given."),
        ({"predictions": [0.5] * 200}, {"predictions": [None] * 200}, "None of these rows has a value."),
    ],
)
def test_why_there_is_no_prediction_drift(fit: dict[str, Any], compared: dict[str, Any], reason: str) -> None:
    drift = Reference.fit(customers(200), **fit).compare(customers(200), **compared)
    assert "prediction_drift" not in drift.metrics
    assert drift.left_out["prediction_drift"] == reason


@pytest.mark.parametrize(
    ("before", "after", "fit", "reason"),
    [
        (200, 200, {"max_rows": 0}, "The reference has no sample of rows"),
        (200, 49, {}, "It takes 50 rows on each side, and there are only 49."),
        (49, 200, {}, "It takes 50 rows on each side, and there are only 49."),
        (200, 200, {"columns": ["note", "fax"]}, "The reference has no sample of rows"),
    ],
)
def test_why_there_is_no_data_drift(before: int, after: int, fit: dict[str, Any], reason: str) -> None:
    drift = Reference.fit(customers(before), **fit).compare(customers(after, seed=2))
    assert "data_drift" not in drift.metrics
    assert drift.left_out["data_drift"].startswith(reason)
    assert (drift.score, drift.interval, drift.p_value, drift.n_judged) == (None, None, None, None)


@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_hardly_any_rows(n_rows: int) -> None:
    drift = Reference.fit(customers(n_rows)).compare(customers(n_rows, seed=2))
    assert drift.drifted == ()
    assert drift.summary()


def test_a_sample_of_rows_is_bounded() -> None:
    reference = Reference.fit(customers(500), max_rows=100)
    assert reference.rows is not None
    assert len(reference.rows) == 100
    assert reference.compare(customers(500, seed=2)).n_judged == 100
    assert reference.compare(customers(80, seed=2)).n_judged == 80
    other = Reference.fit(customers(500), max_rows=100, seed=1)
    assert other.rows is not None
    assert not np.array_equal(other.rows, reference.rows, equal_nan=True)


def test_progress_is_told_step_by_step() -> None:
    told: list[tuple[int, int]] = []
    reference = Reference.fit(customers(100), progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 9) for number in range(1, 10)]
    for n_rows in (100, 10):
        told.clear()
        reference.compare(customers(n_rows), progress=lambda done, total: told.append((done, total)))
        assert told == [(number, 11) for number in range(1, 12)]


# What is refused


@pytest.mark.parametrize(
    ("changed", "columns", "problem"),
    [
        ({"age": None}, ("age",), "The frame has no 'age', which the reference has."),
        ({"age": None, "region": None}, ("age", "region"), "The frame has no 'age', 'region'"),
        ({"age": ["old"] * 200}, ("age",), "Column 'age' holds categories, but numbers in the reference."),
        ({"since": [1.5] * 200}, ("since",), "Column 'since' holds numbers, but times in the reference."),
        ({"region": [np.datetime64("2026-01-01", "us").item()] * 200}, ("region",), "holds times, but categories"),
        ({"age": ["old"] * 200, "spent": [True] * 200}, ("age", "spent"), "'age'.*'spent'"),
    ],
)
def test_columns_that_are_absent_or_of_another_type(changed: Rows, columns: tuple[str, ...], problem: str) -> None:
    rows = {name: values for name, values in {**customers(200), **changed}.items() if values is not None}
    with pytest.raises(InvalidFrame, match=problem) as refused:
        Reference.fit(customers(200)).compare(rows)
    assert refused.value.columns == columns


def test_a_column_without_values_has_no_type(reference: Reference) -> None:
    drift = reference.compare({**customers(200), "age": [None] * 200, "region": [None] * 200})
    assert drift.columns["age"].left_out == "None of these rows has a value."
    assert set(drift.drifted) >= {"age", "region"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"columns": ["agee"]}, "no column 'agee'; did you mean 'age'"),
        ({"categorical": ["street"]}, "categorical names 'street'"),
        ({"categorical": ["since"]}, "'since' holds times, which are no categories"),
        ({"predictions": "score"}, "no column 'score'"),
        ({"predictions": [1, 2]}, "predictions has 2 values, but the frame has 200 rows"),
        ({"max_rows": -1}, "max_rows must not be negative"),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Reference.fit(customers(200), **arguments)


@pytest.mark.parametrize(
    ("importance", "problem"),
    [
        ({"street": 1.0}, "names 'street'"),
        ({"age": -1.0}, "of 'age' must be finite"),
        ({"age": float("nan")}, "finite"),
    ],
)
def test_an_importance_that_is_refused(reference: Reference, importance: dict[str, float], problem: str) -> None:
    with pytest.raises(InvalidFrame, match=problem):
        reference.compare(customers(100), model_importance=importance)
