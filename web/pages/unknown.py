"""What is answered where there is no page: the same header, and where to go from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import nicegui
from fastapi import Request, Response
from nicegui import Client, ui

from web.pages.components import Drawn
from web.pages.live import LivePage, Services
from web.problems import Refusal, answer


@dataclass(frozen=True, slots=True)
class Nowhere:
    """An address that shows nothing."""

    query: str = ""


class Unknown(Drawn, component="unknown.js"):
    """That there is no such page, and which there are."""


class UnknownPage(LivePage[Nowhere, None]):
    """In place of a page that is not there."""

    path = ""
    heading = "Page not found"

    def build(self) -> None:
        with ui.element("main").classes("m-main"):
            Unknown()

    def read(self, view: Nowhere) -> None:
        return None

    def show(self, view: Nowhere, shown: None) -> None:
        return None

    def parse(self, query: Mapping[str, str]) -> Nowhere:
        return self.view


def add_unknown_page(services: Services) -> None:
    """Answer browsers that ask for a page that is not there with one that says so, and programs with a problem."""

    @nicegui.app.exception_handler(404)
    async def unknown(request: Request, _: Exception) -> Response:
        if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
            return answer(Refusal(404, "no-such-address", f"There is nothing at {request.url.path}.").problem)
        with Client(ui.page("", title="Page not found · Mooring"), request=request) as client:
            await UnknownPage(services, Nowhere()).open()
        return client.build_response(request, 404)
