"""The columns among each other, and how the result is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mooring.drift.result import ColumnDrift, DataDrift, in_context
from mooring.drift.sketches import Kind
from mooring.drift.univariate import Comparison

COLUMN = Comparison(
    Kind.NUMBER,
    missing=0.0,
    missing_in_reference=0.0,
    missing_p_value=None,
    psi=0.2,
    test="kolmogorov_smirnov",
    statistic=0.3,
    p_value=0.01,
    distance=0.3,
    wasserstein=0.5,
)
UNTESTED = replace(COLUMN, test=None, statistic=None, p_value=None, distance=None, left_out="None has a value.")


def test_p_values_are_adjusted_for_all_tests_together() -> None:
    """Benjamini and Hochberg by hand: the i-th of m p-values times m / i, and none greater than the next."""
    columns = {
        "a": replace(COLUMN, p_value=0.01),
        "b": replace(COLUMN, p_value=0.04, missing_p_value=0.03),
        "c": replace(COLUMN, p_value=0.5),
        "d": UNTESTED,
    }
    found = in_context(columns)
    assert found["a"].adjusted_p_value == pytest.approx(0.01 * 4 / 1)
    assert found["b"].adjusted_missing_p_value == pytest.approx(0.04 * 4 / 3)  # 0.03 * 4 / 2 is greater
    assert found["b"].adjusted_p_value == pytest.approx(0.04 * 4 / 3)
    assert found["c"].adjusted_p_value == pytest.approx(0.5)
    assert (found["d"].adjusted_p_value, found["d"].adjusted_missing_p_value) == (None, None)
    assert in_context({"d": UNTESTED})["d"].adjusted_p_value is None
    assert in_context({}) == {}


@pytest.mark.parametrize(
    ("p_value", "missing_p_value", "psi", "drifted"),
    [
        (0.05, None, 0.1, True),
        (0.051, None, 0.1, False),  # may be chance
        (0.0001, None, 0.09, False),  # too little to matter
        (0.5, 0.01, 0.3, True),
        (None, 0.01, 0.3, True),
        (None, None, 0.3, False),
    ],
)
def test_a_column_has_drifted_if_it_is_neither_chance_nor_little(
    p_value: float | None, missing_p_value: float | None, psi: float, drifted: bool
) -> None:
    column = ColumnDrift(
        **{**vars(COLUMN), "psi": psi}, adjusted_p_value=p_value, adjusted_missing_p_value=missing_p_value
    )
    assert column.drifted is drifted


def drift(**changes: object) -> DataDrift:
    columns = in_context({"age": COLUMN, "fax": UNTESTED}, {"age": 0.75, "fax": 0.25}, {"age": 0.5})
    whole = DataDrift(
        n_rows=1_200,
        n_reference_rows=5_000,
        columns=columns,
        left_out={},
        score=0.625,
        standard_error=0.01,
        interval=(0.61, 0.64),
        p_value=1e-9,
        n_judged=1_200,
        prediction=in_context({"score": replace(COLUMN, distance=0.125)})["score"],
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # fields by name


def test_the_metrics_are_those_with_a_value() -> None:
    assert drift().metrics == {"data_drift": 0.625, "prediction_drift": 0.125}
    assert drift().standard_errors == {"data_drift": 0.01}
    without = drift(score=None, standard_error=None, prediction=None)
    assert (without.metrics, without.standard_errors) == ({}, {})


def test_the_drifted_columns_are_named() -> None:
    assert drift().drifted == ("age",)


def test_the_document_is_json_and_names_only_some_new_categories() -> None:
    many = {f"c{number}": 100 - number for number in range(50)}
    columns = in_context({"region": replace(COLUMN, kind=Kind.CATEGORY, new_categories=many)})
    document = json.loads(json.dumps(drift(columns=columns).to_document(), allow_nan=False))
    (region,) = document["columns"]
    assert (region["name"], region["kind"], region["drifted"]) == ("region", "category", True)
    assert list(region["new_categories"]) == [f"c{number}" for number in range(20)]
    assert region["n_new_categories"] == 50
    assert document["metrics"] == {"data_drift": 0.625, "prediction_drift": 0.125}
    assert document["prediction"]["distance"] == 0.125


def test_the_summary_reads() -> None:
    lines = drift(left_out={"prediction_drift": "No predictions are given."}, prediction=None).summary().splitlines()
    assert lines[0].startswith("Data drift 0.6250 (95 %: 0.6100 to 0.6400), p < 0.0001")
    assert lines[1] == "No prediction_drift: No predictions are given."
    assert lines[2] == "1 of 2 columns drifted, 1,200 rows against 5,000."
    age, fax = lines[-2].split(), lines[-1].split()
    assert age == ["age", "number", "yes", "0.3000", "0.0100", "0.2000", "0.5000", "-", "-", "75.0%", "50.0%"]
    assert fax == ["fax", "number", "-", "-", "0.2000", "0.5000", "-", "-", "25.0%", "-"]
    assert "Prediction drift 0.1250, p = 0.0100" in drift().summary()


def test_the_summary_shows_what_drifted_first_and_not_all() -> None:
    columns = {f"still {number}": replace(COLUMN, p_value=0.9, psi=0.01) for number in range(30)}
    lines = drift(columns=in_context({**columns, "moved": replace(COLUMN, p_value=1e-9)})).summary().splitlines()
    assert lines[-1] == "and 11 more columns"
    assert lines[-21].startswith("moved")
