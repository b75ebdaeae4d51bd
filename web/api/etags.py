"""ETags: who has an answer already is told that it still holds, instead of being sent it again.

The tag is of what is answered, without `as_of`: that grows every second, whether anything has changed or not. A 304 has
it in the header Mooring-As-Of. https://www.rfc-editor.org/rfc/rfc9110#name-etag
"""

from __future__ import annotations

import hashlib
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.api.requests import PREFIX

# That of the answer itself, which comes after all else that has braces: what is answered may hold the same word.
_AS_OF = re.compile(rb'"as_of":(\d+|null)(?=[^{}]*}$)')
_JSON = "application/json"


class ETags:
    """Middleware: JSON that GET answers under /api/v1 gets an ETag, and If-None-Match is looked at."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(f"{PREFIX}/"):
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, Headers(scope=scope).get("if-none-match", ""))
        await self._app(scope, receive, answer.send)


class _Answer:
    """Holds a JSON answer back until it is whole; everything else passes through."""

    def __init__(self, send: Send, known: str) -> None:
        self._send = send
        self._known = known
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_json = Headers(raw=message["headers"]).get("content-type", "").startswith(_JSON)
            if message["status"] == 200 and is_json:
                self._start = message
                return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        tag = f'W/"{hashlib.blake2b(_AS_OF.sub(b"", self._body), digest_size=12).hexdigest()}"'
        headers = MutableHeaders(raw=start["headers"])
        headers["ETag"] = tag
        headers["Cache-Control"] = "no-cache"
        if (match := _AS_OF.search(self._body)) is not None:
            headers["Mooring-As-Of"] = match[1].decode()
        # Compared as weak ones, as the RFC has it for this header.
        known = {each.strip().removeprefix("W/") for each in self._known.split(",")}
        if tag.removeprefix("W/") in known or known == {"*"}:
            for name in ("content-length", "content-type"):
                del headers[name]
            await self._send({**start, "status": 304})
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._send(start)
        await self._send({"type": "http.response.body", "body": self._body})
