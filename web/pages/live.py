"""What every page has in common: the header, notices of new alerts, and that it keeps itself current."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog
from nicegui import Client, background_tasks, events, run, ui
from starlette.datastructures import QueryParams

from web.changes import Changes
from web.pages import display, entries
from web.pages.address import View
from web.pages.components import Header, Json
from web.queries import Queries
from web.reads.alerts import PlacedAlert
from web.replica import ReplicaState
from web.seen import Seen
from web.writer import Writer

_LATEST_ALERTS = 20
_NOTICES = 2
# A page redraws at most this often, however fast the events come; and it rests for some times of what a look took.
_REST_S = 0.15
_REST_PER_LOOK = 3.0
_MOST_REST_S = 0.7
_STATUS_S = 1.0
_FRESH_S = 6.0

_log = structlog.stdlib.get_logger("web.pages")


@dataclass(frozen=True, slots=True)
class Services:
    """What pages work with. `example`: what an empty registry tells the reader to run."""

    queries: Queries
    changes: Changes
    writer: Writer
    seen: Seen
    state: Callable[[], ReplicaState]
    example: str


class Addressed(Protocol):
    """What a page shows, as its address says it."""

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""
        ...


V = TypeVar("V", bound=Addressed)
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class _Alerts:
    counts: list[Json]
    latest: list[PlacedAlert]


class LivePage(ABC, Generic[V, S]):
    """One open page of a browser tab, which shows a view V by what was read for it, S.

    All methods are for the event loop, but for `read`, which goes to a thread.
    """

    # Its own address, and what its heading says.
    path: str
    heading: str

    def __init__(self, services: Services, view: V) -> None:
        self.services = services
        self.view = view
        self._alert_number: int | None = None
        self._drawing = asyncio.Lock()
        self._client: Client = ui.context.client

    @abstractmethod
    def build(self) -> None:
        """Put the page's components in place, empty, below the header; what is the page's own belongs into <main>."""

    @abstractmethod
    def read(self, view: V) -> S:
        """Everything that is shown. Blocks: it is called in a thread."""

    @abstractmethod
    def show(self, view: V, shown: S) -> None:
        """Hand what was read to the components."""

    @abstractmethod
    def parse(self, query: Mapping[str, str]) -> V:
        """The view that an address asks for; what it does not know, or cannot be, is as if it were not there."""

    def is_typing(self, before: V, after: V) -> bool:  # most pages have nothing to type into
        """Whether a change of the view should not be a step of its own in the browser's history."""
        return False

    async def open(self) -> None:
        """Draw the page, and keep it current until its browser is gone."""
        revision = self.services.changes.revision
        with ui.element("div").classes("m-page"):
            self._header = Header().on("open", self._open_version)
            self._header.show(path=self.path, heading=self.heading)
            self.build()
        # The query as it stands in the address: a name may be in it several times.
        ui.on("address", self.on(lambda query: self.parse(QueryParams(query)), follows=True))
        await self.draw()
        task = background_tasks.create(self._follow(revision), name=f"page {self.path}")
        self._client.on_delete(lambda: task.cancel() and None)

    async def draw(self) -> float:
        """Read what the view asks for, and show it. Answers how long that took, in seconds."""
        async with self._drawing:
            began, view = time.monotonic(), self.view
            read = await run.io_bound(self._read, view)
            # None: the process is shutting down. Another view: the reader went on while this was read.
            if read is not None and view is self.view:
                shown, alerts = read
                with self._client:
                    self._show_alerts(alerts)
                    self.show(view, shown)
            return time.monotonic() - began

    def on(
        self, change: Callable[..., V], *, follows: bool = False
    ) -> Callable[[events.GenericEventArguments], Coroutine[None, None, None]]:
        """A handler that shows the view that `change` makes of an event's arguments, under its own address.

        `follows`: the address has changed already, by the browser's back or forward.
        """

        async def handle(event: events.GenericEventArguments) -> None:
            view = change(*(event.args if isinstance(event.args, list) else [event.args]))
            if follows:
                self.view = view
            else:
                self.go(view)
            await self.draw()

        return handle

    def go(self, view: V) -> None:
        """Have another view, under its own address. It is still to be drawn."""
        before, self.view = self.view, view
        if view != before:
            history = ui.navigate.history
            record = history.replace if self.is_typing(before, view) else history.push
            record(f"{self.path}{view.query}")

    async def open_version(self, key: str) -> None:
        """An alert's version was picked in the header: go to its details."""
        ui.navigate.to(f"/{View(version=key, tab='alerts').query}")

    async def _open_version(self, event: events.GenericEventArguments) -> None:
        await self.open_version(str(event.args))

    async def _follow(self, revision: int) -> None:
        changes = self.services.changes
        while not changes.closed:
            seen = await changes.wait(revision, _STATUS_S)
            if seen == revision:
                self._header.show(status=self._status())
                continue
            revision = seen
            try:
                took_s = await self.draw()
            except Exception:  # noqa: BLE001  # a page that ended its following in silence would only look alive
                _log.exception("page_not_drawn", path=self.path)
                took_s = _MOST_REST_S
            await asyncio.sleep(min(_MOST_REST_S, max(_REST_S, _REST_PER_LOOK * took_s)))

    def _read(self, view: V) -> tuple[S, _Alerts]:
        alerts = self.services.queries.alerts
        return self.read(view), _Alerts(entries.alert_counts(alerts.counts()), alerts.newest(_LATEST_ALERTS))

    def _show_alerts(self, alerts: _Alerts) -> None:
        number = alerts.latest[0].number if alerts.latest else 0
        told = number if self._alert_number is None else self._alert_number
        self._alert_number = number
        self._header.show(
            status=self._status(),
            counts=alerts.counts,
            alerts=[entries.alert(placed.alert) for placed in alerts.latest],
        )
        _notify([placed for placed in alerts.latest if placed.number > told])

    def _status(self) -> Json:
        state, now = self.services.state(), time.time()
        if state.as_of is None:
            done = f" {100 * (1 - state.behind / state.known):.0f} %" if state.known else ""
            return {"tone": "warn", "text": f"Catching up{done}", "title": state.trouble or "Reading the topics"}
        age_s = now - state.as_of / 1000
        if state.trouble is None and age_s < _FRESH_S:
            return {"tone": "good", "text": "Live", "title": "Changes appear here by themselves"}
        text = f"Data {display.age(age_s)} old"
        return {"tone": "warn", "text": text, "title": state.trouble or f"{state.behind:,} records to read"}


def notice(text: str, tone: str) -> None:
    """A passing notice in a corner of the page."""
    ui.notify(
        text,
        position="bottom-left",
        timeout=6_000,
        classes=f"m-notice m-{tone}",
        # Names that Quasar does not know: its own colours could not be overruled.
        color="m-notice",
        textColor="m-notice",
    )


def _notify(alerts: list[PlacedAlert]) -> None:
    """A notice of what is new, not one each where much is."""
    if len(alerts) > _NOTICES:
        notice(f"{len(alerts)} new drift alerts", "info")
        return
    for placed in reversed(alerts):
        _, tone = display.severity(placed.alert)
        notice(placed.alert.reason, tone)
