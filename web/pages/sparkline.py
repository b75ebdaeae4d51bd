"""A small line of a metric's newest values, as the table draws it: points for an SVG, and the same in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from web.pages import display

# Any: JSON for the browser.
Json = dict[str, Any]

WIDTH = 84
HEIGHT = 22
# Room for the line's own width, and for the dot at its end.
_MARGIN = 3.0


def sparkline(values: Sequence[float], initial: float | None, decimals: int) -> Json | None:
    """The line of values, oldest first, and the height of the initial value beside them; None where there is no value.

    `points`: of an SVG polyline in a box of WIDTH times HEIGHT; `end`: the last one; `initial`: a height, or None.
    """
    if not values:
        return None
    shown = [*values] if initial is None else [*values, initial]
    low, span = min(shown), max(shown) - min(shown)

    def height(value: float) -> float:
        # Values that are all alike are drawn in the middle.
        part = (value - low) / span if span else 0.5
        return round(HEIGHT - _MARGIN - part * (HEIGHT - 2 * _MARGIN), 1)

    step = (WIDTH - 2 * _MARGIN) / max(1, len(values) - 1)
    # A single value stands at the end, where the newest one is.
    first = _MARGIN if len(values) > 1 else WIDTH - _MARGIN
    points = [(round(first + place * step, 1), height(value)) for place, value in enumerate(values)]
    return {
        "points": " ".join(f"{x:g},{y:g}" for x, y in points),
        "end": list(points[-1]),
        "initial": None if initial is None else height(initial),
        "text": _words(values, initial, decimals),
    }


def _words(values: Sequence[float], initial: float | None, decimals: int) -> str:
    def shown(value: float) -> str:
        return display.number(value, decimals)

    if len(values) == 1:
        line = f"One evaluation: {shown(values[0])}"
    else:
        line = (
            f"{len(values)} evaluations, from {shown(values[0])} to {shown(values[-1])}, "
            f"lowest {shown(min(values))}, highest {shown(max(values))}"
        )
    return line if initial is None else f"{line}; initial {shown(initial)}"
