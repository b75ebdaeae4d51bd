"""The page that compares versions: a table metric by metric, and a chart of one metric with a line for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nicegui import ui

from mooring.errors import InvalidEvent
from mooring.keys import VersionKey
from mooring.metrics.catalogue import MetricSpec
from web.models import ROC_AUC, VersionDetail
from web.pages import chart_entries, compare_entries
from web.pages.chart import MOST_POINTS, Chart
from web.pages.chart_entries import Line
from web.pages.compare_address import MOST_VERSIONS, CompareView
from web.pages.components import Drawn, Json
from web.pages.live import LivePage, Services
from web.pages.picker import Offer, Picker
from web.reads.metrics import UnknownMetric
from web.reads.series import Series


class Comparison(Drawn, component="compare.js"):
    """The table, with a place for the picker (the default slot) and one for the chart (the slot `chart`).

    Events: `remove` with a version key, `metric` with a code.
    """


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was read for a view, ready to be drawn."""

    comparison: Json
    chart: Json | None
    offer: Json


class ComparePage(LivePage[CompareView, _Shown]):
    """Two versions or more side by side."""

    path = CompareView.path
    heading = "Compare versions"

    def __init__(self, services: Services, view: CompareView) -> None:
        super().__init__(services, view)
        self._offer = Offer()
        self._chart: Chart | None = None

    def build(self) -> None:
        with ui.element("main").classes("m-main"), Comparison() as self._comparison:
            self._picker = Picker()
        self._picker.show(label="Add a version…", testid="add-version")
        self._picker.on("find", self.on(self._find))
        self._picker.on("pick", self.on(self._add))
        self._comparison.on("remove", self.on(self._remove))
        self._comparison.on("metric", self.on(self._chart_metric))

    def parse(self, query: Mapping[str, str]) -> CompareView:
        return CompareView.of(query)

    def read(self, view: CompareView) -> _Shown:
        queries = self.services.queries
        try:
            spec = queries.metrics.spec(view.metric)
        except UnknownMetric:
            spec = queries.metrics.spec(ROC_AUC)
        found = {key: version for key in view.versions if (version := self._version(key, spec.code)) is not None}
        versions = list(found.values())
        rows = compare_entries.rows(versions, queries.metrics.seen())
        comparison = {
            "columns": compare_entries.columns(view.versions, found),
            "rows": rows,
            "metric": spec.code,
            "most": len(view.versions) >= MOST_VERSIONS,
        }
        return _Shown(
            comparison,
            self._read_chart(versions, spec) if versions else None,
            self._offer.read(queries, versions[0] if versions else None, spec.code, view.versions),
        )

    def show(self, view: CompareView, shown: _Shown) -> None:
        self._comparison.show(**shown.comparison)
        self._picker.show(offer=shown.offer)
        if shown.chart is None:
            if self._chart is not None:
                self._chart.delete()
                self._chart = None
            return
        if self._chart is None:
            with self._comparison.add_slot("chart"):
                self._chart = Chart()
        self._chart.show(chart=shown.chart)

    def _version(self, key: str, focus: str) -> VersionDetail | None:
        try:
            return self.services.queries.versions.get(VersionKey.parse(key), focus)
        except InvalidEvent:
            return None

    def _read_chart(self, versions: list[VersionDetail], spec: MetricSpec) -> Json:
        names = compare_entries.names_of(versions)
        lines = [Line(names[each.version_key], self._series(each, spec.code), each.initial) for each in versions]
        return chart_entries.chart(" ".join(each.version_key for each in versions), spec, lines)

    def _series(self, version: VersionDetail, metric: str) -> Series:
        return self.services.queries.history.series(VersionKey.parse(version.version_key), metric, most=MOST_POINTS)

    # What the reader does

    def _find(self, text: str | None) -> CompareView:
        self._offer.find(text)
        return replace(self.view)

    def _add(self, key: str) -> CompareView:
        return replace(self.view, versions=(*self.view.versions, str(key)))

    def _remove(self, key: str) -> CompareView:
        return replace(self.view, versions=tuple(each for each in self.view.versions if each != key))

    def _chart_metric(self, metric: str) -> CompareView:
        return replace(self.view, metric=str(metric))
