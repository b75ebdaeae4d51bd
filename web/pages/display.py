"""How values are shown: numbers, drifts, states and alerts as text, with a tone for colour and a word beside it.

Pure: no page, no query. Tones: good, bad, warn, info, quiet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mooring.evidence import spelled
from mooring.metrics.catalogue import Direction
from mooring.outputs import ErrorSource, Severity, VersionState
from web.models import AlertItem, Certainty, VersionItem

MISSING = "–"
MINUS = "−"

_STATES = {
    VersionState.AWAITING_BUILD: ("Awaiting build", "quiet"),
    VersionState.INITIAL: ("Not evaluated", "quiet"),
}
_SEVERITIES = {
    Severity.NONE: ("OK", "good"),
    Severity.INFO: ("Drift", "info"),
    Severity.WARNING: ("Warning", "warn"),
    Severity.CRITICAL: ("Critical", "bad"),
}


@dataclass(frozen=True, slots=True)
class Drift:
    """A drift in words: `text` with its sign, `arrow` for where the value went, `word` for whether that is worse."""

    text: str
    arrow: str
    word: str
    tone: str


def decimals_for(values: Iterable[float | None]) -> int:
    """How many decimals a column of these values has, so that its points stand below each other."""
    greatest = max((abs(value) for value in values if value is not None), default=1.0)
    for bound, decimals in ((0.02, 6), (2, 4), (20, 3), (200, 2), (10_000, 1)):
        if greatest < bound:
            return decimals
    return 0


def number(value: float | None, decimals: int) -> str:
    """The value with that many decimals; in powers of ten where they would not show it."""
    if value is None:
        return MISSING
    if value and (abs(value) < 0.5 * 10**-decimals or abs(value) >= 1e12):
        return f"{value:.2e}".replace("-", MINUS)
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def drift(value: float | None, degradation: float | None, decimals: int) -> Drift:
    """A drift and whether it is for the worse, where the metric has a direction."""
    if value is None:
        return Drift(MISSING, "", "", "quiet")
    shown = round(value, decimals)
    if shown == 0:
        return Drift(f"{0:.{decimals}f}", "", "", "quiet")
    text = f"{shown:+,.{decimals}f}".replace("-", MINUS)
    arrow = "▲" if shown > 0 else "▼"
    if degradation is None:
        return Drift(text, arrow, "", "quiet")
    return Drift(text, arrow, "worse", "bad") if degradation > 0 else Drift(text, arrow, "better", "good")


def interval(certainty: Certainty | None, decimals: int) -> str:
    """Between what the true value lies; empty where that is unknown."""
    if certainty is None:
        return ""
    return f"{number(certainty.low, decimals)} to {number(certainty.high, decimals)}"


def certainty(known: Certainty | None) -> str:
    """What an interval is, in a sentence; empty where there is none."""
    if known is None:
        return ""
    how = "from the counts of rows" if known.standard_error_from is ErrorSource.COUNTS else "as it was reported"
    return f"The interval that has the true value 95 times of 100. Standard error {known.standard_error:.2g}, {how}"


def chance(p_value: float | None) -> str:
    """How often chance alone makes such a drift; empty where that is unknown."""
    return "" if p_value is None else spelled(p_value)


def status(version: VersionItem) -> tuple[str, str]:
    """The state of a version, or how it does: label and tone."""
    if version.state in _STATES:
        return _STATES[version.state]
    return _SEVERITIES[version.severity]


def severity(alert: AlertItem) -> tuple[str, str]:
    """How much an alert matters: label and tone."""
    return {"INFO": "Info", "WARNING": "Warning", "CRITICAL": "Critical"}[alert.severity], _SEVERITIES[
        Severity(alert.severity)
    ][1]


def direction(value: Direction) -> str:
    """Which way is better, in words."""
    return {
        Direction.HIGHER: "higher is better",
        Direction.LOWER: "lower is better",
        Direction.NONE: "neither way is better",
    }[value]


def title(name: str | None, identity: str) -> str:
    """What a model or version is called."""
    return name if name and name.strip() else identity


def safe_link(url: str | None) -> str | None:
    """The address if it is one that a page may link to: http or https, nothing that runs a script."""
    return url if url and url.lower().startswith(("http://", "https://")) else None


def age(seconds: float) -> str:
    """A span of time, coarsely."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{max(0, int(seconds))} s"
