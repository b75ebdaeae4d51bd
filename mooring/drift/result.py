"""What a comparison came to: the two metrics, how sure they are, and the columns one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import false_discovery_control

from mooring.drift.summary import lines
from mooring.drift.univariate import Comparison

LEVEL = 0.05
"""A column has drifted where its adjusted p-value is at most this, which says that it is not chance, …"""

PSI_MIN = 0.1
"""… and its population stability index at least this, which says that it is not too small to matter."""

NEW_CATEGORIES_MAX = 20
"""So many new categories of a column are named in a document, those with the most rows."""


@dataclass(frozen=True)
class ColumnDrift(Comparison):
    """One column, compared, among others.

    `adjusted_p_value` and `adjusted_missing_p_value` are corrected for the number of tests that were made on all
    columns. `importance` is the column's share of what the domain classifier goes by, `model_importance` its share of
    what the model goes by: a column that is high in both is where to look first.
    """

    adjusted_p_value: float | None = None
    adjusted_missing_p_value: float | None = None
    importance: float | None = None
    model_importance: float | None = None

    @property
    def drifted(self) -> bool:
        """Whether it moved by more than chance and by more than a little; missing values count as well."""
        found = [p for p in (self.adjusted_p_value, self.adjusted_missing_p_value) if p is not None]
        return self.psi >= PSI_MIN and min(found, default=1.0) <= LEVEL


@dataclass(frozen=True)
class DataDrift:
    """How far the evaluated rows are from the reference.

    `score` is the accuracy of the domain classifier, from 0.5 (it can only guess) to 1 (never wrong), with its
    `standard_error`, 95 % `interval` and `p_value` against guessing; `n_judged` rows were judged. `columns` has every
    column of the reference by name; `prediction` compares the predictions. `left_out` says for each of the metrics
    `data_drift` and `prediction_drift` that has no value why.
    """

    n_rows: int
    n_reference_rows: int
    columns: Mapping[str, ColumnDrift]
    left_out: Mapping[str, str]
    score: float | None = None
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    n_judged: int | None = None
    prediction: ColumnDrift | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that have a value, by their codes, as `Mooring.evaluated` takes them."""
        predictions = None if self.prediction is None else self.prediction.distance
        found = {"data_drift": self.score, "prediction_drift": predictions}
        return {code: value for code, value in found.items() if value is not None}

    @property
    def standard_errors(self) -> dict[str, float]:
        """The standard errors of the metrics, where they are known, as `Mooring.evaluated` takes them."""
        return {} if self.standard_error is None else {"data_drift": self.standard_error}

    @property
    def drifted(self) -> tuple[str, ...]:
        """The names of the columns that have drifted."""
        return tuple(name for name, column in self.columns.items() if column.drifted)

    def summary(self) -> str:
        """Lines for people: the metrics, and the columns that moved most."""
        return "\n".join(lines(self))

    def to_document(self) -> dict[str, Any]:  # Any: a JSON document
        """All of it for JSON."""
        return {
            "metrics": self.metrics,
            "standard_errors": self.standard_errors,
            "interval": None if self.interval is None else list(self.interval),
            "p_value": self.p_value,
            "n_judged": self.n_judged,
            "n_rows": self.n_rows,
            "n_reference_rows": self.n_reference_rows,
            "left_out": dict(self.left_out),
            "drifted": list(self.drifted),
            "prediction": None if self.prediction is None else _document(self.prediction),
            "columns": [{"name": name, **_document(column)} for name, column in self.columns.items()],
        }


def in_context(
    compared: Mapping[str, Comparison],
    importance: Mapping[str, float] | None = None,
    model_importance: Mapping[str, float] | None = None,
) -> dict[str, ColumnDrift]:
    """The columns of one family of tests, with p-values adjusted by Benjamini and Hochberg.

    At most `LEVEL` of the columns that it finds have not moved, on average (Y. Benjamini and Y. Hochberg, J. Royal
    Statistical Society B 57 (1995) 289-300); where no column has, that is how often it finds any.
    """
    tests = [
        (name, field, p_value)
        for name, column in compared.items()
        for field in ("p_value", "missing_p_value")
        if (p_value := getattr(column, field)) is not None
    ]
    adjusted = false_discovery_control([p_value for _, _, p_value in tests]) if tests else []
    found = {(name, field): float(p_value) for (name, field, _), p_value in zip(tests, adjusted, strict=True)}
    return {
        name: ColumnDrift(
            **vars(column),
            adjusted_p_value=found.get((name, "p_value")),
            adjusted_missing_p_value=found.get((name, "missing_p_value")),
            importance=(importance or {}).get(name),
            model_importance=(model_importance or {}).get(name),
        )
        for name, column in compared.items()
    }


def _document(column: ColumnDrift) -> dict[str, Any]:
    new = column.new_categories
    return asdict(column) | {
        "drifted": column.drifted,
        "new_categories": None if new is None else dict(list(new.items())[:NEW_CATEGORIES_MAX]),
        "n_new_categories": None if new is None else len(new),
    }
