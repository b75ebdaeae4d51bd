"""Serving: bind first, so that a port in use is told in a sentence; stop within seconds, whoever is still connected."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from mooring.errors import MooringError
from web.changes import Changes

if TYPE_CHECKING:
    from fastapi import FastAPI

_STOP_TIMEOUT_S = 1


class AddressUnusable(MooringError):
    """Nothing can listen at the address; carries host and port."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"The web view cannot listen on {host}:{port}: {why} (MOORING_HTTP_HOST, MOORING_HTTP_PORT).")
        self.host = host
        self.port = port


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address; port 0 is any that is free. Raises AddressUnusable."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise AddressUnusable(host, port, "no such host") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Listen at once: until then, another program could still bind the same address.
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise AddressUnusable(host, port, (error.strerror or str(error)).lower()) from error
    return bound


def url(bound: socket.socket) -> str:
    """Where a browser on this machine finds what listens on the socket."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: FastAPI, bound: socket.socket, changes: Changes, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. Calls `ready` once requests are answered."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_TIMEOUT_S,
        # Streams of alerts and pages stay connected for hours, and are few.
        timeout_keep_alive=30,
    )
    uvloop.run(_Server(config, changes, ready).serve([bound]))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, changes: Changes, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._changes = changes
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams end by themselves then, instead of being waited for.
        self._changes.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As the base class, which afterwards raises the signal again and so ends the process with it, not with 0."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self.handle_exit, each, None)
        try:
            yield
        finally:
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(each)
