"""Who may ask at all: requests that a page of another site makes in somebody's browser are refused, and large ones.

The web view has no users of its own; what protects it is where it listens. A browser on that machine must not be a way
around that: neither by a name that resolves to this address (DNS rebinding) nor by a page that sends requests here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.problems import Refusal, answer

MAX_BODY_BYTES = 2_000_000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Middleware. `host`: what the view listens on; where that is loopback, it is asked for under such a name only.

    `names`: others under which it is known, those of a proxy before it.
    """

    def __init__(self, app: ASGIApp, host: str, names: Collection[str] = ()) -> None:
        self._app = app
        self._loopback = is_loopback(host)
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None and scope["type"] == "http":
            await _Limited(receive, send).serve(self._app, scope)
        elif refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await answer(refusal.problem)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.problem.title})

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        # No page's own name can lead here when only addresses and "localhost" do.
        if self._loopback and not is_loopback(_name(host)) and _name(host) not in self._names:
            return Refusal(
                403,
                "unknown-host",
                f"This view is for its own machine only; {host or 'no host'!r} is no name of it. "
                "Those of a proxy before it have to be said (MOORING_HTTP_NAMES).",
            )
        origin = headers.get("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if unsafe and origin is not None and _place(origin) != host and _name(_place(origin)) not in self._names:
            return Refusal(403, "other-origin", f"A page of {origin} may not change anything here.")
        if (size := headers.get("content-length", "")).isdigit() and int(size) > MAX_BODY_BYTES:
            return Refusal(413, "too-large", f"The request has {size} bytes; at most {MAX_BODY_BYTES:,} are taken.")
        return None


def is_loopback(host: str) -> bool:
    """Whether what listens there can be reached from its own machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Limited:
    """A request that ends where it is too large although it did not say so; whoever reads on, that is the answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._taken = 0
        self._has_begun = False
        self._refusal: Refusal | None = None

    async def serve(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._next, self._answer)
        except Refusal as refusal:
            if refusal is not self._refusal:
                raise
        if self._refusal is not None and not self._has_begun:
            await answer(self._refusal.problem, {"Connection": "close"})(scope, self._receive, self._send)

    async def _next(self) -> Message:
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > MAX_BODY_BYTES:
            self._refusal = Refusal(413, "too-large", f"The request has more than {MAX_BODY_BYTES:,} bytes.")
            raise self._refusal
        return message

    async def _answer(self, message: Message) -> None:
        # What the app makes of the refusal, 400 for one, is not what is the matter.
        if self._refusal is None or self._has_begun:
            self._has_begun = True
            await self._send(message)


def _place(origin: str) -> str:
    """Host and port of an origin, as a browser says them; empty for "null" and for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
