"""The chart of a metric over time, for all pages that have one."""

from __future__ import annotations

from web.pages.components import Drawn

# What a chart is given at most of a line; it has some 500 pixels to draw it on.
MOST_POINTS = 500


class Chart(Drawn, component="chart.js"):
    """Lines with bands and marks. ECharts comes with NiceGUI; the browser asks for it when it has the first chart.

    Event: `zoom` with from and until when (epoch ms, both 0: all), where the series was thinned.
    """
