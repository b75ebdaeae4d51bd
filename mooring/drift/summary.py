"""A comparison as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mooring.drift.result import ColumnDrift, DataDrift

_COLUMNS_SHOWN = 20
_NOTHING = "-"
_HEAD = ("column", "kind", "drifted", "distance", "p", "PSI", "Wasserstein", "missing", "new", "drift by", "model by")


def lines(drift: DataDrift) -> Iterator[str]:
    """The metrics, then the columns: those that drifted and those that the classifier goes by first."""
    if drift.score is not None and drift.interval is not None:
        low, high = drift.interval
        yield (
            f"Data drift {drift.score:.4f} (95 %: {low:.4f} to {high:.4f}), p {_p(drift.p_value)}: a classifier tells "
            f"{drift.score:.1%} of {drift.n_judged:,} rows right, half of them these, half the reference's."
        )
    if drift.prediction is not None and drift.prediction.distance is not None:
        yield f"Prediction drift {drift.prediction.distance:.4f}, p {_p(drift.prediction.p_value)}. None is 0."
    yield from (f"No {code}: {reason}" for code, reason in drift.left_out.items())
    yield (
        f"{len(drift.drifted)} of {len(drift.columns)} columns drifted, {drift.n_rows:,} rows against "
        f"{drift.n_reference_rows:,}."
    )
    yield ""
    ranked = sorted(drift.columns.items(), key=lambda item: _rank(item[1]))
    rows = [_HEAD, *(_cells(name, column) for name, column in ranked[:_COLUMNS_SHOWN])]
    widths = [max(len(cell) for cell in cells) for cells in zip(*rows, strict=True)]
    for cells in rows:
        words, numbers = zip(cells[:3], widths[:3], strict=True), zip(cells[3:], widths[3:], strict=True)
        yield "  ".join([f"{cell:<{width}}" for cell, width in words] + [f"{cell:>{width}}" for cell, width in numbers])
    if len(ranked) > _COLUMNS_SHOWN:
        yield f"and {len(ranked) - _COLUMNS_SHOWN} more columns"


def _rank(column: ColumnDrift) -> tuple[bool, float, float]:
    return not column.drifted, -(column.importance or 0.0), -column.psi


def _cells(name: str, column: ColumnDrift) -> tuple[str, ...]:
    missing = f"{column.missing_in_reference:.1%} -> {column.missing:.1%}"
    return (
        name,
        column.kind.value,
        "yes" if column.drifted else "",
        _number(column.distance),
        _NOTHING if column.adjusted_p_value is None else _p(column.adjusted_p_value).removeprefix("= "),
        _number(column.psi),
        _number(column.wasserstein),
        missing if column.missing or column.missing_in_reference else _NOTHING,
        f"{len(column.new_categories):,}" if column.new_categories else _NOTHING,
        _share(column.importance),
        _share(column.model_importance),
    )


def _p(p_value: float | None) -> str:
    if p_value is None:
        return "unknown"
    return "< 0.0001" if p_value < 0.0001 else f"= {p_value:.4f}"


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.4f}"


def _share(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1%}"
