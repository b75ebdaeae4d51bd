"""The pages: NiceGUI on the same app as the API. Python decides what is shown, the components here draw it."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from web.pages.address import View
from web.pages.alerts import AlertsPage, AlertView
from web.pages.compare import ComparePage
from web.pages.compare_address import CompareView
from web.pages.dead_letters import DeadLettersPage, LetterView
from web.pages.live import Services
from web.pages.registry import RegistryPage, first_build
from web.pages.stores import StoresPage, StoreView
from web.pages.unknown import add_unknown_page

__all__ = ["Services", "add", "first_build"]

_HERE = Path(__file__).parent
_ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0b6e99" stroke-width="2.2"
stroke-linecap="round"><circle cx="12" cy="4.5" r="2.5"/><path d="M12 7v14M7 11h10M3.5 14c.6 4.2 4 7 8.5 7s7.9-2.8
8.5-7"/></svg>"""

# In the order in which they hold: the last ones overrule.
_SHEETS = (
    "style.css",
    "registry.css",
    "details.css",
    "header.css",
    "lists.css",
    "alerts.css",
    "stores.css",
    "dead_letters.css",
)


def add(app: FastAPI, services: Services) -> None:
    """Add the pages to the app. Once a process: NiceGUI has one app of its own. To be called after all routes."""
    for sheet in _SHEETS:
        ui.add_css(_HERE / sheet, shared=True)
    for script in ("page.js", "lists.js"):
        ui.add_head_html(f"<script>{(_HERE / script).read_text(encoding='utf-8')}</script>", shared=True)
    ui.add_body_html((_HERE / "waiting.html").read_text(encoding="utf-8"), shared=True)

    @ui.page("/", title="Model registry · Mooring", response_timeout=30)
    async def registry(request: Request) -> None:
        await RegistryPage(services, View.of(request.query_params)).open()

    @ui.page("/alerts", title="Drift alerts · Mooring", response_timeout=30)
    async def alerts(request: Request) -> None:
        await AlertsPage(services, AlertView.of(request.query_params)).open()

    @ui.page("/stores", title="Evaluation stores · Mooring", response_timeout=30)
    async def stores(request: Request) -> None:
        await StoresPage(services, StoreView.of(request.query_params)).open()

    @ui.page("/dead-letters", title="Dead letters · Mooring", response_timeout=30)
    async def dead_letters(request: Request) -> None:
        await DeadLettersPage(services, LetterView.of(request.query_params)).open()

    @ui.page(ComparePage.path, title="Compare versions · Mooring", response_timeout=30)
    async def compare(request: Request) -> None:
        await ComparePage(services, CompareView.of(request.query_params)).open()

    add_unknown_page(services)
    # No Tailwind: the style sheets here are all there is. No storage, hence no cookie and no secret.
    ui.run_with(
        app,
        favicon=_ICON,
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        gzip_middleware_factory=_compressed,
    )


def _compressed(app: ASGIApp) -> GZipMiddleware:
    """The lightest compression: with the thorough one, the scripts of a first visit are 50 ms late."""
    return GZipMiddleware(app, minimum_size=1_000, compresslevel=1)
