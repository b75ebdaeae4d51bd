"""The page of evaluation stores: whether they are synced, their thresholds, and how both came about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from nicegui import background_tasks, events, run

from mooring.errors import InvalidEvent, MooringError
from mooring.events import EvaluationStore
from mooring.keys import StoreKey
from mooring.metrics.catalogue import CATALOGUE
from web.models import StoreItem
from web.pages import store_entries
from web.pages.components import Drawn
from web.pages.list_page import Listed, ListPage, ListView
from web.pages.lists import LiveList, address, counted, place_choices, text
from web.pages.live import Services, notice
from web.pages.store_form import configuration
from web.seen import Place

# The longest that a timer is set for.
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView(ListView):
    """Which stores, and the key of the one that is open. What is empty is not in the address."""

    node: str = ""
    project: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view that an address asks for; what it does not know is as if it were not there."""
        return cls(opened=text(query, "store"), node=text(query, "node"), project=text(query, "project"))

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""
        return address(node=self.node, project=self.project, store=self.opened)

    @property
    def key(self) -> StoreKey | None:
        """The store that is open."""
        try:
            return StoreKey.parse(self.opened) if self.opened else None
        except InvalidEvent:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed(Listed):
    next_change_at: int | None


class StoreList(LiveList, component="stores.js"):
    """The stores. Events: `open` with a store's key, `more`, `clear`."""


class StorePanel(Drawn, component="store.js"):
    """One store, and the form to configure it. Events: `close`; `check` and `save` with a key and what was typed."""


class StoresPage(ListPage[StoreView, _Listed]):
    """All evaluation stores, and beside them one in full."""

    path = "/stores"
    heading = "Evaluation stores"
    step = 100
    most = 1_000

    def __init__(self, services: Services, view: StoreView) -> None:
        super().__init__(services, view)
        self._timer: asyncio.TimerHandle | None = None
        self._client.on_delete(self._stop_timer)

    def build_list(self) -> StoreList:
        return StoreList()

    def build_panel(self) -> StorePanel:
        return StorePanel().on("check", self._check).on("save", self._save)

    def parse(self, query: Mapping[str, str]) -> StoreView:
        return StoreView.of(query)

    def read(self, view: StoreView) -> _Listed:
        queries, now = self.services.queries, _now_ms()
        page = queries.stores.page(
            now,
            node=(view.node,) if view.node else (),
            project=(view.project,) if view.project else (),
            limit=self._rows,
        )
        opened = queries.stores.get(view.key, now) if view.key else None
        known = {**CATALOGUE, **queries.metrics.seen()}
        labels = {code: spec.label for code, spec in known.items()}
        listed = {(item.node, item.project) for item in page.items}
        metrics = [{"code": code, "label": label} for code, label in labels.items()]
        number = counted(len(page.items), "store")
        return _Listed(
            filters={
                "label": "Filter the stores",
                "choices": list(place_choices(queries.versions, view.node, view.project, listed)),
                "total": f"First {number}" if page.next_cursor else number,
            },
            rows=[store_entries.row(item, now, labels) for item in page.items],
            more=page.next_cursor is not None,
            opened={"store": store_entries.details(opened, now, labels), "metrics": metrics} if opened else None,
            next_change_at=_next_change([*page.items, *([opened] if opened else [])], now),
        )

    def show(self, view: StoreView, shown: _Listed) -> None:
        super().show(view, shown)
        self._set_timer(shown.next_change_at)

    def narrowed(self, name: str, value: object) -> StoreView:
        return replace(self.view, **{name: str(value)}) if name in ("node", "project") else self.view

    def _set_timer(self, at: int | None) -> None:
        """Draw again at that time, epoch ms: a configuration that lies ahead comes into force without any event."""
        self._stop_timer()
        if at is not None:
            delay_s = min(_DAY_S, max(0.0, at / 1000 - time.time()) + 0.05)
            self._timer = asyncio.get_running_loop().call_later(delay_s, lambda: background_tasks.create(self.draw()))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    # What the reader does

    def _check(self, event: events.GenericEventArguments) -> None:
        _, faults = self._typed(event)
        self._tell("judge", faults)

    async def _save(self, event: events.GenericEventArguments) -> None:
        configured, faults = self._typed(event)
        if configured is None:
            self._tell("fail", faults, "Nothing was saved: see what is marked.")
            return
        key = str(configured.store)
        try:
            self._tell("progress", "Sending it to Kafka …")
            position = await run.io_bound(self.services.writer.report, configured)
            if position is None:  # the process is shutting down
                return
            self._tell("progress", "Kafka has it. Waiting until it is in force …")
            there = await self.services.seen.wait(Place.parse(position))
        except MooringError as error:
            self._tell("fail", {}, f"{error} What you typed is still here.")
            return
        await self.draw()
        self._tell("saved", key)
        with self._client:
            if there:
                notice(f"{configured.store_id} is configured anew.", "info")
            else:
                notice(
                    f"Kafka has the configuration of {configured.store_id}, but no worker has handled it within "
                    f"{self.services.seen.timeout_s:.0f} s. Is one running? It appears here as soon as it is handled.",
                    "warn",
                )

    # Any: what the browser sent.
    def _typed(self, event: events.GenericEventArguments) -> tuple[EvaluationStore | None, dict[str, str]]:
        key, form = event.args
        return configuration(StoreKey.parse(key), form)

    # Any: JSON for the browser.
    def _tell(self, method: str, *told: Any) -> None:
        if self._panel is not None:
            self._panel.run_method(method, *told)


def _next_change(stores: list[StoreItem], now: int) -> int | None:
    return min(
        (one.effective_at for item in stores for one in item.configurations if one.effective_at > now), default=None
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
