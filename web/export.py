"""The registry as CSV, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO

from web.models import VersionItem, VersionPage

_COLUMNS = (
    "node", "project", "model", "model_name", "version", "version_name", "active", "archived", "state", "severity",
    "focus", "value", "initial", "drift", "degradation", "data_drift", "algorithm", "prediction_type",
)  # fmt: skip
_TIMES = ("built_at", "evaluated_at", "updated_at")
# What a spreadsheet would take for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines(first: VersionPage, following: Callable[[str], VersionPage]) -> Iterator[str]:
    """The text, a page at a time; `following` gives the page of a cursor."""
    yield _written([[*_COLUMNS, *_TIMES]])
    page = first
    while True:
        yield _written([_cells(item) for item in page.items])
        if page.next_cursor is None:
            return
        page = following(page.next_cursor)


def _cells(item: VersionItem) -> list[str]:
    values = [_cell(getattr(item, name)) for name in _COLUMNS]
    return values + [_time(getattr(item, name)) for name in _TIMES]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    # Shown as text, not calculated: https://owasp.org/www-community/attacks/CSV_Injection
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _time(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def _written(rows: list[list[str]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
