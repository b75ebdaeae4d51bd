"""The Model registry page: what it shows, and what the reader does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nicegui import ui

from mooring.topics import DEFAULT_PREFIX
from web.items import degradation_sign
from web.models import Sort, VersionItem
from web.pages import entries
from web.pages.address import TABS, View, next_sort
from web.pages.components import Details, Json, Registry, Toolbar
from web.pages.live import LivePage, Services
from web.reads.filters import AlertFilter
from web.reads.metrics import UnknownMetric
from web.reads.versions import MAX_LIMIT

_PAGE = 200
_MOST = 2_000
_VERSION_ALERTS = 100
_TAB_LABELS = {"overview": "Overview", "metrics": "Model metrics", "alerts": "Alerts"}
_TAB_TEST_IDS = {"overview": "tab-overview", "metrics": "tab-model-metrics", "alerts": "tab-alerts"}
_EXAMPLE = """from mooring import Mooring

with Mooring({where}, node="laptop", project="COUPONS") as mooring:
    mooring.model_built(
        "redemption", "v1", prediction_type="BINARY", metrics={{"roc_auc": 0.87}}, activate=True
    )"""


def first_build(brokers: str, topic_prefix: str) -> str:
    """A program that reports a first build to these brokers: what an empty registry tells the reader to run."""
    prefix = "" if topic_prefix == DEFAULT_PREFIX else f", topic_prefix={json.dumps(topic_prefix)}"
    return _EXAMPLE.format(where=json.dumps(brokers) + prefix)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was read for a view, ready to be drawn."""

    toolbar: Json
    registry: Json
    rows: list[Json]
    details: Json | None
    directed: bool


class RegistryPage(LivePage[View, _Shown]):
    """The list of versions, and beside it one version in full."""

    path = "/"
    heading = "Model registry"

    def __init__(self, services: Services, view: View) -> None:
        super().__init__(services, view)
        self._rows = _PAGE
        self._directed = True
        self._details: Details | None = None

    def build(self) -> None:
        self._toolbar = Toolbar().on("change", self.on(self._filter))
        with ui.element("main").classes("m-main"):
            self._registry = Registry()
            self._registry.on("open", self.on(self._open_version_of_row))
            self._registry.on("sort", self.on(self._sort))
            self._registry.on("more", self.on(self._more))
            self._registry.on("clear", self.on(self._clear))
            self._beside = ui.element("div").classes("m-beside")

    def parse(self, query: Mapping[str, str]) -> View:
        return View.of(query)

    def is_typing(self, before: View, after: View) -> bool:
        return replace(before, q=after.q) == after

    async def open_version(self, key: str) -> None:
        self.go(replace(self.view, version=key, tab="alerts"))
        await self.draw()

    def read(self, view: View) -> _Shown:
        queries = self.services.queries
        try:
            focus = queries.metrics.spec(view.focus)
        except UnknownMetric:
            focus = queries.metrics.spec(View().focus)
        versions: list[VersionItem] = []
        cursor: str | None = None
        while True:
            limit = min(MAX_LIMIT, self._rows - len(versions))
            page = queries.versions.list(view.where, focus=focus.code, sort=view.sort, limit=limit, cursor=cursor)
            versions += page.items
            cursor = page.next_cursor
            if cursor is None or len(versions) >= self._rows:
                break
        return _Shown(
            toolbar={
                "q": view.q,
                "choices": self._choices(view),
                "active": view.active,
                "focus": focus.code,
                "metrics": entries.metric_groups(queries.metrics.seen(), focus),
            },
            registry={
                "columns": entries.columns(focus, view),
                "selected": view.version,
                "total": f"{page.total:,} version{'' if page.total == 1 else 's'}",
                "more": cursor is not None and self._rows < _MOST,
                "empty": "" if versions else ("filtered" if view.filtered else "new"),
                "example": self.services.example,
                "busy": not self.services.state().caught_up_once,
            },
            rows=entries.table(versions, view),
            details=self._read_details(view, focus.code),
            directed=degradation_sign(focus) is not None,
        )

    def show(self, view: View, shown: _Shown) -> None:
        self._directed = shown.directed
        self._toolbar.show(**shown.toolbar)
        self._registry.show(**shown.registry)
        self._registry.show_entries(shown.rows)
        if shown.details is None:
            self._beside.clear()
            self._details = None
            return
        if self._details is None:
            with self._beside:
                self._details = Details()
            self._details.on("close", self.on(self._close))
            self._details.on("tab", self.on(self._turn_tab))
        self._details.show(version=shown.details, tab=view.tab, tabs=_tabs(shown.details))

    def _read_details(self, view: View, focus: str) -> Json | None:
        queries = self.services.queries
        if (key := view.version_key) is None or (version := queries.versions.get(key, focus)) is None:
            return None
        alerts = queries.alerts.page(AlertFilter(version=(str(key),)), limit=_VERSION_ALERTS)
        return entries.details(version, alerts.items, queries.metrics.spec(focus))

    def _choices(self, view: View) -> list[Json]:
        projects = self.services.queries.versions.projects().items
        offered = {
            "node": ("Node", view.node, {each.node for each in projects}),
            "project": ("Project", view.project, {each.project for each in projects}),
        }
        return [
            {"name": name, "label": label, "value": chosen, "options": sorted(options | {chosen} - {""})}
            for name, (label, chosen, options) in offered.items()
        ]

    # What the reader does

    def _filter(self, name: str, value: object) -> View:
        if name not in ("focus", "q", "node", "project", "active"):
            return self.view
        self._rows = _PAGE
        given = {name: value is True if name == "active" else str(value)}
        return replace(self.view, **given)  # type: ignore[arg-type]  # mypy on the fields of a mixed mapping

    def _sort(self, column: str) -> View:
        self._rows = _PAGE
        sort = next_sort(column, self.view.sort, directed=self._directed)
        return replace(self.view, sort=sort if sort.removeprefix("-") in list(Sort) else self.view.sort)

    def _more(self, *_: object) -> View:
        self._rows = min(self._rows + _PAGE, _MOST)
        return replace(self.view)

    def _clear(self, *_: object) -> View:
        return View(focus=self.view.focus, sort=self.view.sort, version=self.view.version, tab=self.view.tab)

    def _open_version_of_row(self, key: str) -> View:
        return replace(self.view, version=str(key))

    def _close(self, *_: object) -> View:
        return replace(self.view, version="")

    def _turn_tab(self, tab: str) -> View:
        return replace(self.view, tab=tab if tab in TABS else self.view.tab)


def _tabs(version: Json) -> list[Json]:
    counts = {"metrics": len(version["metrics"]), "alerts": len(version["alerts"])}
    return [
        {"name": name, "label": _TAB_LABELS[name], "testid": _TAB_TEST_IDS[name], "count": counts.get(name, 0)}
        for name in TABS
    ]
