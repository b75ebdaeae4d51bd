"""Alerts and versions as rows for people, in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from mooring.keys import VersionKey
from mooring.metrics.catalogue import CATALOGUE
from mooring.outputs import DriftAlert

_BARS = "▁▂▃▄▅▆▇█"
_STYLES = {"CRITICAL": "bold red", "WARNING": "yellow", "INFO": "cyan"}
_NOTHING = "-"
_ROOM_FOR_ALL = 120


def alert_line(alert: DriftAlert) -> str:
    """An alert in one line, in columns that stay in place from line to line as far as the names allow."""
    before = alert.initial if alert.previous is None else alert.previous
    values = f"{_number(before)} -> {_number(alert.current)}"
    version = VersionKey.parse(alert.version_key)
    place = f"{version.project_key} > {version.model_id} > {version.version_id}{' (active)' if alert.active else ''}"
    return (
        f"{_time(alert.evaluated_at)}  {alert.severity:<8}  {place:<40}  {_label(alert.metric)} {values}"
        f"  drift {_signed(alert.drift)}  {alert.reason}"
    )


def versions_table(items: Iterable[Mapping[str, Any]], focus: str, width: int, *, with_trend: bool = False) -> Table:
    """Items of the registry as a table with the metric to focus, without the last columns where it is narrow."""
    last = ("State", "Evaluated") if width >= _ROOM_FOR_ALL else ()
    label = _label(focus)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Project", "Model", "Version"):
        table.add_column(name, overflow="fold")
    table.add_column("Active", no_wrap=True)
    for name in (label, "Initial", "Drift"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in (*(("Trend",) if with_trend else ()), "Severity", *last):
        table.add_column(name, no_wrap=True)
    for item in items:
        key = VersionKey.parse(item["version_key"])
        severity = str(item.get("severity") or _NOTHING)
        cells: list[str | Text] = [
            # Text, not markup: an id may hold square brackets.
            Text(key.project_key),
            Text(str(item.get("model") or key.model_id)),
            Text(str(item.get("version") or key.version_id)),
            "yes" if item.get("active") else "",
            _number(item.get("value")),
            _number(item.get("initial")),
            _signed(item.get("drift")),
            *((trend_line(item.get("trend") or []),) if with_trend else ()),
            Text(severity, style=_STYLES.get(severity, "")),
            Text(str(item.get("state") or _NOTHING)),
            _time(item.get("evaluated_at")),
        ]
        table.add_row(*cells[: len(table.columns)])
    return table


def trend_line(values: Sequence[float]) -> str:
    """The values as bars, the least one lowest and the greatest one highest; all alike in the middle."""
    if not values:
        return _NOTHING
    low, span = min(values), max(values) - min(values)
    if span == 0:
        return _BARS[len(_BARS) // 2 - 1] * len(values)
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in values)


def _label(code: str) -> str:
    return CATALOGUE[code].label if code in CATALOGUE else code


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.4g}"


def _signed(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:+.4f}"


def _time(epoch_ms: int | None) -> str:
    if epoch_ms is None:
        return _NOTHING
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
