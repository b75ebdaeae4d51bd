"""Tabs of a browser for tests: what goes wrong in one fails the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

# What a browser says of a connection that is gone, as it is where a test takes the service away.
_GONE = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "WebSocket connection to")


@contextmanager
def tab(
    chromium: "Browser",
    url: str,
    *,
    width: int = 1440,
    scheme: Literal["light", "dark"] = "light",
    service_stops: bool = False,
) -> "Iterator[Page]":
    """A tab that fails the test for an error on the page or a request to another host.

    `service_stops`: the test takes the service away, so that requests may fail.
    """
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        base_url=url,
        permissions=["clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    wrong: list[str] = []
    opened: set[str] = set()

    def requested(request: "Request") -> None:
        if request.is_navigation_request():
            opened.add(request.url)
        if not request.url.startswith((url, "data:", "blob:")):
            wrong.append(request.url)

    def logged(message: "ConsoleMessage") -> None:
        # That there is no page at an address is an answer; what is shown then is for the tests to see.
        unknown = "responded with a status of 404" in message.text and message.location["url"] in opened
        if message.type == "error" and not unknown:
            complain(message.text)

    def complain(text: str) -> None:
        if not (service_stops and any(gone in text for gone in _GONE)):
            wrong.append(text)

    page.on("request", requested)
    page.on("console", logged)
    page.on("pageerror", lambda error: complain(str(error)))
    try:
        yield page
    finally:
        context.close()
    assert wrong == []
