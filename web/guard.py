"""Who may ask at all: requests that a page of another site makes in somebody's browser are refused, and large ones.

The web view has no users of its own; what protects it is where it listens. A browser on that machine must not be a way
around that: neither by a name that resolves to this address (DNS rebinding) nor by a page that sends requests here.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.problems import Refusal, answer

MAX_BODY_BYTES = 2_000_000
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Middleware. `host`: what the view listens on; where that is loopback, it is asked for under such a name only."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._loopback = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, _limited(receive) if scope["type"] == "http" else receive, send)
        elif scope["type"] == "http":
            await answer(refusal.problem)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.problem.title})

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._loopback and _name(host) not in _LOOPBACK_NAMES:
            return Refusal(
                403, "unknown-host", f"This view is for its own machine only; {host or 'no host'!r} is no name of it."
            )
        origin = headers.get("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if unsafe and origin is not None and urlsplit(origin).netloc != host:
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


def _limited(receive: Receive) -> Receive:
    """The request as it comes, ended where it is too large although it did not say so."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise Refusal(413, "too-large", f"The request has more than {MAX_BODY_BYTES:,} bytes.")
        return message

    return limited


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
