"""How sure a value and a drift are, by what builds and evaluations said: `docs/drift.md` has the formulas.

Pure, and without numpy: the worker, the web view and programs that read the tables' topics all come to the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mooring.metrics.noise import difference_error, hanley_mcneil, p_value
from mooring.outputs import ErrorSource, Source, VersionMetrics

_ROC_AUC = "roc_auc"
# Of what is rarer it does not matter how much.
_LEAST_P = 0.0001


class Error(NamedTuple):
    """The standard error of a value, in the unit of its metric, and where it comes from."""

    value: float
    source: ErrorSource


class Noise(NamedTuple):
    """How sure a drift is: its standard error, where that comes from, and how often chance alone makes such a drift."""

    standard_error: float
    source: ErrorSource
    p_value: float


def error_of(
    code: str, value: float, given: Mapping[str, float], n_positive: int | None, n_negative: int | None
) -> Error | None:
    """The standard error of a metric's value: as given, else of a ROC AUC from the counts. None where it is unknown.

    The value has to be one that the metric can have.
    """
    if (error := given.get(code)) is not None:
        return Error(error, ErrorSource.SCORES)
    if code == _ROC_AUC and n_positive and n_negative:
        return Error(hanley_mcneil(value, n_positive, n_negative), ErrorSource.COUNTS)
    return None


def noise_of(drift: float | None, initial: Error | None, current: Error | None) -> Noise | None:
    """How sure a drift is, its values measured on different rows; None where one of their errors is unknown."""
    if drift is None or initial is None or current is None:
        return None
    error = difference_error(initial.value, current.value)
    source = ErrorSource.COUNTS if ErrorSource.COUNTS in (initial.source, current.source) else ErrorSource.SCORES
    return Noise(error, source, p_value(drift, error))


def spelled(p_value: float) -> str:
    """A p-value for people, to two figures: `p = 0.18`."""
    return f"p = {p_value:.2g}" if p_value >= _LEAST_P else f"p < {_LEAST_P:g}"


def initial_error(row: VersionMetrics, code: str) -> Error | None:
    """The standard error of a version's initial value of a metric; None where it has none or that is unknown."""
    value = row.initial.get(code)
    if value is None:
        return None
    return error_of(code, value, row.initial_standard_errors, row.initial_n_positive, row.initial_n_negative)


def current_error(row: VersionMetrics, code: str, source: Source | None) -> Error | None:
    """The same of its current value, which comes from this source."""
    value = row.current.get(code)
    if value is None or source is None:
        return None
    return error_of(code, value, source.standard_errors, source.n_positive, source.n_negative)
