"""The Model registry page of one browser tab: what it shows, what the reader does, and what the replica changes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nicegui import Client, background_tasks, events, run, ui

from mooring.topics import DEFAULT_PREFIX
from web.changes import Changes
from web.items import degradation_sign
from web.models import Sort, VersionItem
from web.pages import display, entries
from web.pages.address import TABS, View, next_sort
from web.pages.components import Details, Header, Registry, Toolbar
from web.queries import Queries
from web.reads.alerts import PlacedAlert
from web.reads.filters import AlertFilter
from web.reads.metrics import UnknownMetric
from web.reads.versions import MAX_LIMIT
from web.replica import ReplicaState

_PAGE = 200
_MOST = 2_000
_LATEST_ALERTS = 20
_VERSION_ALERTS = 100
_NOTICES = 2
# A page redraws at most this often, however fast the events come.
_REST_S = 0.15
_STATUS_S = 1.0
_FRESH_S = 6.0
_TAB_LABELS = {"overview": "Overview", "metrics": "Model metrics", "alerts": "Alerts"}
_TAB_TEST_IDS = {"overview": "tab-overview", "metrics": "tab-model-metrics", "alerts": "tab-alerts"}
_EXAMPLE = """from mooring import Mooring

with Mooring({where}, node="laptop", project="COUPONS") as mooring:
    mooring.model_built(
        "redemption", "v1", prediction_type="BINARY", metrics={{"roc_auc": 0.87}}, activate=True
    )"""

# Any: JSON for the browser.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was read for a view, ready to be drawn."""

    header: Json
    toolbar: Json
    registry: Json
    rows: list[Json]
    details: Json | None
    directed: bool
    alert_number: int
    new_alerts: list[PlacedAlert]


def first_build(brokers: str, topic_prefix: str) -> str:
    """A program that reports a first build to these brokers: what an empty registry tells the reader to run."""
    prefix = "" if topic_prefix == DEFAULT_PREFIX else f", topic_prefix={json.dumps(topic_prefix)}"
    return _EXAMPLE.format(where=json.dumps(brokers) + prefix)


class RegistryPage:
    """One open page. All methods are for the event loop; reading goes to threads."""

    def __init__(
        self, queries: Queries, changes: Changes, state: Callable[[], ReplicaState], view: View, example: str
    ) -> None:
        self._queries = queries
        self._changes = changes
        self._state = state
        self._view = view
        self._example = example
        self._rows = _PAGE
        self._directed = True
        self._alert_number: int | None = None
        self._drawing = asyncio.Lock()
        self._client: Client = ui.context.client

    async def open(self) -> None:
        """Draw the page, and keep it current until its browser is gone."""
        revision = self._changes.revision
        with ui.element("div").classes("m-page"):
            self._header = Header().on("open", self._do(self._open_alert))
            self._toolbar = Toolbar().on("change", self._do(self._filter))
            with ui.element("main").classes("m-main"):
                self._registry = Registry()
                self._registry.on("open", self._do(self._open_version))
                self._registry.on("sort", self._do(self._sort))
                self._registry.on("more", self._do(self._more))
                self._registry.on("clear", self._do(self._clear))
                self._beside = ui.element("div").classes("m-beside")
        self._details: Details | None = None
        ui.on("address", self._do(self._go))
        await self._draw()
        task = background_tasks.create(self._follow(revision), name="registry page")
        self._client.on_delete(lambda: task.cancel() and None)

    async def _follow(self, revision: int) -> None:
        while not self._changes.closed:
            seen = await self._changes.wait(revision, _STATUS_S)
            if seen == revision:
                self._header.show(status=self._status())
                continue
            revision = seen
            await self._draw()
            await asyncio.sleep(_REST_S)

    async def _draw(self) -> None:
        """Read what the view asks for, and show it."""
        async with self._drawing:
            view = self._view
            shown = await run.io_bound(partial(self._read, view))
            # None: the process is shutting down. Another view: the reader went on while this was read.
            if shown is None or view is not self._view:
                return
            with self._client:
                self._show(view, shown)

    def _show(self, view: View, shown: _Shown) -> None:
        self._directed = shown.directed
        self._header.show(status=self._status(), **shown.header)
        self._toolbar.show(**shown.toolbar)
        self._registry.show(**shown.registry)
        self._registry.show_entries(shown.rows)
        if shown.details is None:
            self._beside.clear()
            self._details = None
        else:
            if self._details is None:
                with self._beside:
                    self._details = Details()
                self._details.on("close", self._do(self._close))
                self._details.on("tab", self._do(self._turn_tab))
            self._details.show(version=shown.details, tab=view.tab, tabs=_tabs(shown.details))
        if self._alert_number is not None:
            _notify(shown.new_alerts)
        self._alert_number = shown.alert_number

    def _read(self, view: View) -> _Shown:
        """Everything that is shown. Blocks: for a thread."""
        queries = self._queries
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
        latest = queries.alerts.newest(_LATEST_ALERTS)
        number = latest[0].number if latest else 0
        told = self._alert_number if self._alert_number is not None else number
        return _Shown(
            header={
                "counts": entries.alert_counts(queries.alerts.counts()),
                "alerts": [entries.alert(placed.alert) for placed in latest],
            },
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
                "example": self._example,
                "busy": not self._state().caught_up_once,
            },
            rows=entries.table(versions, view),
            details=self._read_details(view, focus.code),
            directed=degradation_sign(focus) is not None,
            alert_number=number,
            new_alerts=[placed for placed in latest if placed.number > told],
        )

    def _read_details(self, view: View, focus: str) -> Json | None:
        if (key := view.version_key) is None or (version := self._queries.versions.get(key, focus)) is None:
            return None
        alerts = self._queries.alerts.page(AlertFilter(version=(str(key),)), limit=_VERSION_ALERTS)
        return entries.details(version, alerts.items, self._queries.metrics.spec(focus))

    def _choices(self, view: View) -> list[Json]:
        projects = self._queries.versions.projects().items
        offered = {
            "node": ("Node", view.node, {each.node for each in projects}),
            "project": ("Project", view.project, {each.project for each in projects}),
        }
        return [
            {"name": name, "label": label, "value": chosen, "options": sorted(options | {chosen} - {""})}
            for name, (label, chosen, options) in offered.items()
        ]

    def _status(self) -> Json:
        state, now = self._state(), time.time()
        if state.as_of is None:
            done = f" {100 * (1 - state.behind / state.known):.0f} %" if state.known else ""
            return {"tone": "warn", "text": f"Catching up{done}", "title": state.trouble or "Reading the topics"}
        age_s = now - state.as_of / 1000
        if state.trouble is None and age_s < _FRESH_S:
            return {"tone": "good", "text": "Live", "title": "Changes appear here by themselves"}
        text = f"Data {display.age(age_s)} old"
        return {"tone": "warn", "text": text, "title": state.trouble or f"{state.behind:,} records to read"}

    # What the reader does

    def _do(self, change: Callable[..., View]) -> Callable[[events.GenericEventArguments], Coroutine[None, None, None]]:
        """A handler that shows the view that `change` makes of an event's arguments, under its own address."""

        async def handle(event: events.GenericEventArguments) -> None:
            given = event.args if isinstance(event.args, list) else [event.args]
            before, self._view = self._view, change(*given)
            if change != self._go and self._view != before:
                # Typing should not fill the browser's history.
                typed = replace(before, q=self._view.q) == self._view
                record = ui.navigate.history.replace if typed else ui.navigate.history.push
                record(f"/{self._view.query}")
            await self._draw()

        return handle

    def _go(self, query: dict[str, str]) -> View:
        """Back or forward: the address has changed already."""
        return View.of(query)

    def _filter(self, name: str, value: object) -> View:
        if name not in ("focus", "q", "node", "project", "active"):
            return self._view
        self._rows = _PAGE
        given = {name: value is True if name == "active" else str(value)}
        return replace(self._view, **given)  # type: ignore[arg-type]  # mypy on the fields of a mixed mapping

    def _sort(self, column: str) -> View:
        self._rows = _PAGE
        sort = next_sort(column, self._view.sort, directed=self._directed)
        return replace(self._view, sort=sort if sort.removeprefix("-") in list(Sort) else self._view.sort)

    def _more(self, *_: object) -> View:
        self._rows = min(self._rows + _PAGE, _MOST)
        return replace(self._view)

    def _clear(self, *_: object) -> View:
        return View(focus=self._view.focus, sort=self._view.sort, version=self._view.version, tab=self._view.tab)

    def _open_version(self, key: str) -> View:
        return replace(self._view, version=str(key))

    def _open_alert(self, key: str) -> View:
        return replace(self._view, version=str(key), tab="alerts")

    def _close(self, *_: object) -> View:
        return replace(self._view, version="")

    def _turn_tab(self, tab: str) -> View:
        return replace(self._view, tab=tab if tab in TABS else self._view.tab)


def _tabs(version: Json) -> list[Json]:
    counts = {"metrics": len(version["metrics"]), "alerts": len(version["alerts"])}
    return [
        {"name": name, "label": _TAB_LABELS[name], "testid": _TAB_TEST_IDS[name], "count": counts.get(name, 0)}
        for name in TABS
    ]


def _notify(alerts: list[PlacedAlert]) -> None:
    """A passing notice of what is new, not one each where much is."""
    told = list(reversed(alerts))
    if len(told) > _NOTICES:
        _notice(f"{len(told)} new drift alerts", "info")
        return
    for placed in told:
        _, tone = display.severity(placed.alert)
        _notice(placed.alert.reason, tone)


def _notice(text: str, tone: str) -> None:
    ui.notify(
        text,
        position="bottom-left",
        timeout=6_000,
        classes=f"m-notice m-{tone}",
        # Names that Quasar does not know: its own colours could not be overruled.
        color="m-notice",
        textColor="m-notice",
    )
