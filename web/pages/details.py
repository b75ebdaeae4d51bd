"""The Details panel of a version, beside the list: what is read for its open tab, and what the reader does in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nicegui import ui

from mooring.keys import StoreKey, VersionKey
from mooring.metrics.catalogue import MetricSpec
from web.models import Bounds, VersionDetail
from web.pages import chart_entries, details_entries
from web.pages.address import TABS, View
from web.pages.chart import MOST_POINTS, Chart
from web.pages.chart_entries import Line
from web.pages.compare_address import CompareView
from web.pages.components import Drawn, Json
from web.pages.live import LivePage
from web.pages.picker import Offer, Picker, active_version
from web.queries import Queries
from web.reads.filters import AlertFilter
from web.reads.series import Series

_STEP = 50
_MOST = 500


class Details(Drawn, component="details.js"):
    """One version in full, or that there is none of that key.

    Events: `close`, `tab` with a tab's name, `open` with another version's key, `metric` with a code, `more`. In its
    default slot belongs what stands beside its name, in the slot `chart` the chart.
    """


@dataclass(frozen=True, slots=True)
class Shown:
    """What was read for the panel, ready to be drawn."""

    panel: Json
    chart: Json | None
    offer: Json


class DetailsPanel:
    """The panel of a page whose view says which version and which tab.

    `read` is for a thread, all else for the event loop.
    """

    # Any: what else the page shows is its own affair.
    def __init__(self, page: LivePage[View, Any]) -> None:
        """Puts its place, empty, where the page is being built."""
        self._page = page
        self._queries = page.services.queries
        self._place = ui.element("div").classes("m-beside")
        self._details: Details | None = None
        self._chart: Chart | None = None
        self._picker: Picker | None = None
        self._offer = Offer()
        # Of which version and tab more rows are to be shown, and how many.
        self._asked = (("", ""), _STEP)
        # In the chart of what was zoomed in, and to which times.
        self._window: tuple[tuple[str, str], tuple[int, int]] | None = None

    def read(self, view: View, focus: MetricSpec) -> Shown | None:
        """What the view asks to be shown; None where no version is open. Blocks."""
        if not view.version:
            return None
        queries, key = self._queries, view.version_key
        version = queries.versions.get(key, focus.code) if key is not None else None
        if key is None or version is None:
            panel: Json = {"version": None, "unknown": view.version, "tab": view.tab, "tabs": [], "body": None}
            return Shown(panel, None, {"ready": False, "found": []})
        alerts = queries.alerts.page(AlertFilter(version=(str(key),)), limit=self._rows(view))
        count = queries.history.count(key)
        counts = {
            "metrics": str(len(version.metrics) or ""),
            "alerts": f"{len(alerts.items) or ''}{'+' if alerts.next_cursor else ''}",
            "evaluations": f"{count:,}" if count else "",
        }
        body: Json
        chart: Json | None = None
        match view.tab:
            case "overview":
                body = details_entries.overview(version, focus, active_version(queries, version, focus.code))
            case "metrics":
                body = details_entries.metrics(version, active_version(queries, version, focus.code))
            case "history":
                spec = _charted(queries, version, view.metric, focus)
                body = {
                    "metric": spec.code,
                    "metrics": [{"code": each.code, "label": each.label} for each in version.metrics],
                }
                chart = self._read_chart(key, version, spec)
            case "alerts":
                more = alerts.next_cursor is not None and len(alerts.items) < _MOST
                body = details_entries.alerts(alerts.items, more=more)
            case "evaluations":
                found = queries.history.all(key, limit=self._rows(view))
                items = found.items if found else []
                more = found is not None and found.next_cursor is not None and len(items) < _MOST
                body = details_entries.evaluations(items, focus, queries.metrics.seen(), count, more=more)
            case _:
                body = details_entries.source(version, _stores(queries, version))
        panel = {
            "version": details_entries.header(version),
            "unknown": "",
            "tab": view.tab,
            "tabs": details_entries.tabs(TABS, counts),
            "body": body,
        }
        return Shown(panel, chart, self._offer.read(queries, version, focus.code, [version.version_key]))

    def show(self, shown: Shown | None) -> None:
        """Draw what was read; nothing where no version is open."""
        if shown is None:
            self._place.clear()
            self._details = self._chart = self._picker = None
            return
        if self._details is None:
            self._details = self._build()
        if shown.chart is None and self._chart is not None:
            self._chart.delete()
            self._chart = None
        if shown.chart is not None:
            if self._chart is None:
                with self._details.add_slot("chart"):
                    self._chart = Chart().on("zoom", self._page.on(self._zoom))
            self._chart.show(chart=shown.chart)
        if self._picker is not None:
            self._picker.show(offer=shown.offer)
            self._picker.set_visibility(shown.panel["version"] is not None)
        self._details.show(**shown.panel)

    def _build(self) -> Details:
        page = self._page
        with self._place, Details() as details:
            self._picker = Picker()
        self._picker.show(label="Compare with…", testid="compare-with")
        self._picker.on("find", page.on(self._find))
        self._picker.on("pick", lambda event: self._compare(str(event.args)))
        details.on("close", page.on(self._close))
        details.on("tab", page.on(self._turn))
        details.on("open", page.on(self._open))
        details.on("metric", page.on(self._show_history))
        details.on("more", page.on(self._more))
        return details

    def _read_chart(self, key: VersionKey, version: VersionDetail, spec: MetricSpec) -> Json:
        reading = next((each for each in version.metrics if each.code == spec.code), None)
        series = self._queries.history.series(key, spec.code, most=MOST_POINTS)
        thresholds: Mapping[str, Bounds] = {}
        if reading is not None:
            thresholds = _thresholds(self._queries, version, spec.code, reading.store, series)
        alerts = self._queries.alerts.page(AlertFilter(version=(str(key),), metric=(spec.code,)), limit=_MOST)
        finer = self._finer(key, spec.code, series)
        line = Line(version.version, finer, None if reading is None else reading.initial)
        return chart_entries.chart(str(key), spec, [line], thresholds=thresholds, alerts=alerts.items)

    def _finer(self, key: VersionKey, metric: str, series: Series) -> Series:
        """The series with more points where the reader has zoomed to, if some were left out."""
        window = self._window
        if window is None or window[0] != (str(key), metric) or series.total == len(series.points):
            return series
        since, until = window[1]
        within = self._queries.history.series(key, metric, most=MOST_POINTS, since=since, until=until + 1)
        before = [point for point in series.points if point.at < since]
        after = [point for point in series.points if point.at > until]
        return Series((*before, *within.points, *after), series.total)

    def _rows(self, view: View) -> int:
        """How many rows of a list are to be shown."""
        asked, rows = self._asked
        return rows if asked == (view.version, view.tab) else _STEP

    # What the reader does

    def _close(self, *_: object) -> View:
        return replace(self._page.view, version="", metric="")

    def _turn(self, tab: str) -> View:
        view = self._page.view
        return replace(view, tab=tab if tab in TABS else view.tab)

    def _open(self, key: str) -> View:
        return replace(self._page.view, version=str(key))

    def _show_history(self, metric: str) -> View:
        return replace(self._page.view, tab="history", metric=str(metric)[:2_000])

    def _more(self, *_: object) -> View:
        view = self._page.view
        self._asked = ((view.version, view.tab), min(_MOST, self._rows(view) + _STEP))
        return replace(view)

    def _zoom(self, since: float, until: float) -> View:
        view = self._page.view
        metric = view.metric or view.focus
        self._window = ((view.version, metric), (int(since), int(until))) if until else None
        return replace(view)

    def _find(self, text: str | None) -> View:
        self._offer.find(text)
        return replace(self._page.view)

    def _compare(self, key: str) -> None:
        view = self._page.view
        metric = (view.metric or view.focus) if view.tab == "history" else view.focus
        ui.navigate.to(f"{CompareView.path}{CompareView((view.version, key), metric).query}")


def _charted(queries: Queries, version: VersionDetail, metric: str, focus: MetricSpec) -> MetricSpec:
    """The metric of the chart: the one asked for if the version has it, else the focus, else its first."""
    codes = [each.code for each in version.metrics]
    code = next((each for each in (metric, focus.code) if each in codes), next(iter(codes), focus.code))
    return queries.metrics.spec(code)


def _thresholds(
    queries: Queries, version: VersionDetail, metric: str, current: str | None, series: Series
) -> dict[str, Bounds]:
    """By store that measured the metric, its thresholds for it; first that of the current value."""
    stores = dict.fromkeys(filter(None, [current, *(point.store for point in reversed(series.points))]))
    found: dict[str, Bounds] = {}
    for store in stores:
        item = queries.stores.get(StoreKey.of(version.node, version.project, store), _now())
        if item is not None and metric in item.thresholds:
            found[store] = item.thresholds[metric]
    return found


def _stores(queries: Queries, version: VersionDetail) -> dict[str, str]:
    """By store that the current values come from, what it measured and whether it is synced."""
    found: dict[str, str] = {}
    for store in dict.fromkeys(each.store for each in version.metrics if each.store):
        labels = [each.label for each in version.metrics if each.store == store]
        item = queries.stores.get(StoreKey.of(version.node, version.project, store), _now())
        synced = item is None or item.synced
        found[store] = f"{', '.join(labels)}{'' if synced else ' · not synced now'}"
    return found


def _now() -> int:
    return time.time_ns() // 1_000_000
