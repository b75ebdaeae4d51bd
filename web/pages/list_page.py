"""What pages with a list have in common: filters, rows that are shown in steps, and the one that is open beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass, replace
from typing import TypeVar

from nicegui import ui

from web.pages.components import Drawn, Json
from web.pages.lists import Filters, LiveList
from web.pages.live import LivePage, Services


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView(ABC):
    """Which rows, by the filters that a page has, and the id of the one that is open; empty where none is."""

    opened: str = ""

    @property
    @abstractmethod
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What was read for a list, ready to be drawn.

    `filters`: props of the filters. `more`: whether there are rows after these. `opened`: props of the panel; None
    where nothing is open, or nothing is known of it.
    """

    filters: Json
    rows: list[Json]
    more: bool
    opened: Json | None = None


V = TypeVar("V", bound=ListView)
S = TypeVar("S", bound=Listed)


class ListPage(LivePage[V, S]):
    """A page whose view V narrows a list and may open one of its rows, by what was read for it, S."""

    # How many rows there are at first and with every step, and how many at the most.
    step: int
    most: int

    def __init__(self, services: Services, view: V) -> None:
        super().__init__(services, view)
        self._rows = self.step
        self._panel: Drawn | None = None

    @abstractmethod
    def build_list(self) -> LiveList:
        """The list. Events: `more`, `clear`, and `open` with an id."""

    def build_panel(self) -> Drawn:
        """What shows one row in full, for pages whose rows can be opened. Event: `close`."""
        raise NotImplementedError

    @abstractmethod
    def narrowed(self, name: str, value: object) -> V:
        """The view once a filter has this value; the same where there is no such filter."""

    def build(self) -> None:
        with ui.element("div").classes("m-bar") as self._bar:
            self._filters = Filters()
        with ui.element("main").classes("m-main"):
            self._list = self.build_list()
            self._beside = ui.element("div").classes("m-aside")
        self._filters.on("change", self.on(self._filter))
        self._filters.on("clear", self.on(self._clear))
        self._list.on("open", self.on(self._open))
        self._list.on("more", self.on(self._more))
        self._list.on("clear", self.on(self._clear))

    def show(self, view: V, shown: S) -> None:
        filtered = view != self._plain(view)
        self._filters.show(**shown.filters, filtered=filtered)
        self._list.show_list(
            shown.rows,
            listing=replace(view, opened="").query,
            selected=view.opened,
            more=shown.more and self._rows < self.most,
            empty="" if shown.rows else ("filtered" if filtered else "new"),
            busy=not self.services.state().caught_up_once,
        )
        if shown.opened is None:
            self._beside.clear()
            self._panel = None
            return
        if self._panel is None:
            with self._beside:
                self._panel = self.build_panel().on("close", self.on(self._close))
        self._panel.show(**shown.opened)

    # What the reader does

    def _filter(self, name: str, value: object) -> V:
        self._rows = self.step
        return self.narrowed(name, value)

    def _clear(self, *_: object) -> V:
        self._rows = self.step
        return self._plain(self.view)

    def _more(self, *_: object) -> V:
        self._rows = min(self._rows + self.step, self.most)
        # Another one, so that what is being read with fewer rows is not drawn.
        return copy(self.view)

    def _open(self, key: str) -> V:
        return replace(self.view, opened=str(key))

    def _close(self, *_: object) -> V:
        return replace(self.view, opened="")

    def _plain(self, view: V) -> V:
        """It without filters."""
        return type(view)(opened=view.opened)
