"""The Model registry page: what it shows, and what the reader does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from nicegui import events, run, ui
from starlette.datastructures import QueryParams

from mooring.metrics.catalogue import MetricSpec
from mooring.topics import DEFAULT_PREFIX
from web.items import degradation_sign
from web.models import ROC_AUC, Sort, VersionItem
from web.pages import columns, entries, filtering
from web.pages.address import View
from web.pages.components import ColumnChooser, Json, Registry, SavedViews, Toolbar
from web.pages.details import DetailsPanel
from web.pages.details import Shown as Details
from web.pages.live import LivePage, Services
from web.reads.filters import VersionFilter
from web.reads.names import FILTERS
from web.reads.reader import MAX_LIMIT

_PAGE = 200
_MOST = 2_000
# How many evaluations a sparkline shows.
_TREND = 24
# A look that takes longer than this is said to be under way.
_LATE_S = 0.25
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
    """What was read for a view, ready to be drawn. `view`: the same, less what it says of unknown metrics."""

    view: View
    toolbar: Json
    views: Json
    registry: Json
    chooser: Json
    rows: list[Json]
    details: Details | None
    directed: bool


class RegistryPage(LivePage[View, _Shown]):
    """The list of versions, and beside it one version in full."""

    path = "/"
    heading = "Model registry"

    def __init__(self, services: Services, view: View) -> None:
        super().__init__(services, view)
        # Of which list so many rows are shown: of another one it is a page again.
        self._rows = (view.export_query, _PAGE)
        # What is wrong with what was typed into a filter's field, by the field's name.
        self._errors: dict[str, str] = {}
        self._directed = True
        self._drawn: View | None = None

    def build(self) -> None:
        self._toolbar = Toolbar()
        self._toolbar.on("focus", self.on(self._focus))
        self._toolbar.on("set", self.on(self._set))
        self._toolbar.on("add", self._add)
        self._toolbar.on("range", self.on(self._range))
        self._toolbar.on("remove", self.on(self._remove))
        self._toolbar.on("clear", self.on(self._clear))
        self._toolbar.on("suggest", self._suggest)
        with self._toolbar:
            self._views = SavedViews().on("view", self.on(self._pick_view))
        with ui.element("main").classes("m-main"):
            self._registry = Registry()
            self._registry.on("open", self.on(self._open_version_of_row))
            self._registry.on("sort", self.on(self._sort))
            self._registry.on("sort_by", self.on(self._sort_by))
            self._registry.on("group", self.on(self._group))
            self._registry.on("more", self.on(self._more))
            self._registry.on("clear", self.on(self._clear))
            with self._registry:
                self._chooser = ColumnChooser().on("choose", self.on(self._choose))
            self._details = DetailsPanel(self)

    def parse(self, query: Mapping[str, str]) -> View:
        self._errors = {}
        return View.of(query)

    def is_typing(self, before: View, after: View) -> bool:
        return replace(before, where=replace(before.where, q=after.where.q)) == after

    def go(self, view: View) -> None:
        # What was wrong with the address is said until the reader goes on from there.
        super().go(replace(view, wrong=()))

    async def open_version(self, key: str) -> None:
        self.go(replace(self.view, version=key, tab="alerts"))
        await self.draw()

    async def draw(self) -> float:
        if self.view is self._drawn:
            # The same again, because of a change: nobody waits for it.
            return await super().draw()
        late = asyncio.get_running_loop().call_later(_LATE_S, self._show_late)
        try:
            return await super().draw()
        finally:
            late.cancel()
            self._registry.show(late=False)

    def read(self, view: View) -> _Shown:
        queries = self.services.queries
        metrics = queries.metrics.all()
        specs = {metric.code: queries.metrics.spec(metric.code) for metric in metrics}
        view = _of_known_metrics(view, specs)
        focus = specs[view.focus]
        directed = degradation_sign(focus) is not None
        listed, rows = self._rows
        wanted = rows if listed == view.export_query else _PAGE
        trend = _TREND if columns.TREND in columns.shown(view.columns, deployed=False) else 0
        versions: list[VersionItem] = []
        cursor: str | None = None
        while True:
            limit = min(MAX_LIMIT, wanted - len(versions))
            page = queries.versions.list(
                view.where, focus=focus.code, sort=view.sort, limit=limit, cursor=cursor, trend=trend
            )
            versions += page.items
            cursor = page.next_cursor
            if cursor is None or len(versions) >= wanted:
                break
        shown = columns.shown(view.columns, deployed=any(version.deployments for version in versions))
        caught_up = self.services.state().caught_up_once
        return _Shown(
            view=view,
            toolbar={
                "q": view.where.q or "",
                "active": dict(filtering.spelled(view.where)).get("active", ""),
                "archived": dict(filtering.spelled(view.where)).get("archived", ""),
                "since": view.where.evaluated_since,
                "until": view.where.evaluated_until,
                "names": [
                    {"name": name, "label": label, "values": list(getattr(view.where, name))}
                    for name, label in filtering.NAMES.items()
                ],
                "choices": [
                    {
                        "name": name,
                        "label": label,
                        "options": [{"value": value, "label": text} for value, text in labels.items()],
                        "values": list(getattr(view.where, name)),
                    }
                    for name, (label, labels) in filtering.CHOICES.items()
                ],
                "ranges": [
                    {"name": name, "label": label, "bounds": list(filtering.bounds(view.where, name, focus.code))}
                    for name, label in (("value", focus.label), ("drift", f"{focus.label} drift"))
                ],
                "chips": filtering.chips(view.where, specs),
                "focus": focus.code,
                "metrics": entries.metric_groups(metrics, focus),
                "wrong": list(view.wrong),
            },
            views={"query": view.list_query},
            registry={
                "columns": columns.headings(shown, focus, view.sort, directed=directed),
                "orders": columns.orders(focus, view.sort, directed=directed),
                "sort": view.sort,
                "worst": columns.worst_first(focus),
                "own": view.columns is not None,
                "grouped": view.grouped,
                "pinned": min(view.pinned, len(shown)),
                "link": view.list_query,
                "list": replace(view, focus=ROC_AUC).export_query,
                "exported": f"/api/v1/versions.csv{view.export_query}",
                "selected": view.version,
                "total": f"{page.total:,} version{'' if page.total == 1 else 's'}",
                "shown": f"{len(versions):,}",
                "more": cursor is not None and wanted < _MOST,
                "most": cursor is not None and wanted >= _MOST,
                "empty": "" if versions else _empty(view, caught_up=caught_up),
                "example": self.services.example,
                "busy": not caught_up,
            },
            chooser={
                "choices": columns.choices(view.columns, focus),
                "pinned": view.pinned,
                "chosen": view.columns is not None or view.pinned != View().pinned,
            },
            rows=entries.table(versions, view),
            details=self._details.read(view, focus),
            directed=directed,
        )

    def show(self, view: View, shown: _Shown) -> None:
        self.view = self._drawn = shown.view
        self._directed = shown.directed
        self._toolbar.show(**shown.toolbar, errors=dict(self._errors))
        self._views.show(**shown.views)
        self._chooser.show(**shown.chooser)
        self._registry.show(**shown.registry)
        self._registry.show_entries(shown.rows)
        self._details.show(shown.details)

    def _show_late(self) -> None:
        self._registry.show(late=True)

    # What the reader does

    def _focus(self, code: str) -> View:
        return replace(self.view, focus=str(code))

    def _set(self, name: str, value: object) -> View:
        """A filter that has one value, or none where it is empty."""
        return self._narrowed(name, lambda: filtering.added(self.view.where, name, _text(value)))

    def _range(self, name: str, low: object, high: object) -> View:
        metric = self.view.focus
        return self._narrowed(name, lambda: filtering.within(self.view.where, name, metric, _text(low), _text(high)))

    async def _add(self, event: events.GenericEventArguments) -> None:
        """One value more of a filter that may have several: a name has to be one that there is."""
        name, value = str(event.args[0]), _text(event.args[1]).strip()
        known = name not in FILTERS or await run.io_bound(self.services.queries.names.is_known, name, value)
        if known:
            self.go(self._narrowed(name, lambda: filtering.added(self.view.where, name, value)))
        else:
            self._errors[name] = f"There is no {filtering.NAMES[name].lower()} “{value}”."
        await self.draw()

    async def _suggest(self, event: events.GenericEventArguments) -> None:
        """What begins as the text in a filter's field does, or has it in it."""
        name, text = str(event.args[0]), _text(event.args[1]).strip()
        found = await run.io_bound(self.services.queries.names.suggest, name, text) if name in FILTERS else None
        if found is not None:
            self._toolbar.show(suggested={"name": name, "values": [asdict(each) for each in found]})

    def _remove(self, name: str, value: str) -> View:
        self._errors.pop(name, None)
        return replace(self.view, where=filtering.without(self.view.where, str(name), str(value)))

    def _narrowed(self, name: str, narrow: Callable[[], VersionFilter]) -> View:
        try:
            where = narrow()
        except ValueError as error:
            self._errors[name] = str(error)
            return self.view
        except KeyError:  # no filter of this page's
            return self.view
        for field in (name, *({"from", "to"} if name in ("from", "to") else ())):
            self._errors.pop(field, None)
        return replace(self.view, where=where)

    def _clear(self, *_: object) -> View:
        self._errors = {}
        return replace(self.view, where=VersionFilter())

    def _pick_view(self, query: str) -> View:
        """Another list: the version whose details are open stays open."""
        view = self.parse(QueryParams(str(query).removeprefix("?")))
        return replace(view, version=self.view.version, tab=self.view.tab)

    def _sort(self, column: str) -> View:
        return self._sort_by(columns.next_sort(str(column), self.view.sort, directed=self._directed))

    def _sort_by(self, sort: str) -> View:
        return replace(self.view, sort=sort if str(sort).removeprefix("-") in list(Sort) else self.view.sort)

    def _group(self, grouped: object) -> View:
        sort = Sort.HIERARCHY.value if grouped is True else self.view.sort
        return replace(self.view, sort=sort, flat=grouped is not True)

    def _choose(self, chosen: object, pinned: object) -> View:
        """Columns in their order, and how many are pinned; None: as the page thinks best."""
        if not isinstance(chosen, list) or type(pinned) is not int:
            return replace(self.view, columns=None, pinned=View().pinned)
        listed, _ = columns.parse(",".join(map(str, chosen)))
        return replace(self.view, columns=listed, pinned=max(0, min(pinned, len(listed) + 1)))

    def _more(self, *_: object) -> View:
        listed, rows = self._rows
        now = self.view.export_query
        self._rows = (now, min((rows if listed == now else _PAGE) + _PAGE, _MOST))
        return replace(self.view)

    def _open_version_of_row(self, key: str) -> View:
        return replace(self.view, version=str(key))


def _of_known_metrics(view: View, specs: Mapping[str, MetricSpec]) -> View:
    """The view less what it says of metrics that nobody has heard of, which is said to be wrong."""
    where, unknown = view.where, []
    for name, intervals in (("value", where.values), ("drift", where.drifts)):
        for each in intervals:
            if each.metric not in specs:
                where = filtering.without(where, name, str(each))
                unknown.append(f"{name}: There is no metric {each.metric[:80]!r}.")
    focus = view.focus
    if focus not in specs:
        unknown.append(f"focus: There is no metric {focus[:80]!r}; this is {specs[ROC_AUC].label}.")
        focus = ROC_AUC
    return replace(view, where=where, focus=focus, wrong=(*view.wrong, *unknown)) if unknown else view


def _empty(view: View, *, caught_up: bool) -> str:
    """Why there is no row."""
    if not caught_up:
        return "early"
    return "filtered" if view.filtered else "new"


def _text(value: object) -> str:
    """What a field holds, as text: the browser tells times as numbers, and switches as true or nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
