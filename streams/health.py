"""The worker's own small HTTP port: alive, ready, and what it counts."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import faust
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mooring.errors import MooringError
from streams.settings import Settings
from streams.telemetry import Telemetry

_STOP_TIMEOUT_S = 2


class PortTaken(MooringError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int, variable: str) -> None:
        super().__init__(f"Port {port} of {host} is taken by another program. Choose another with {variable}.")


class Health:
    """Serves /health/live, /health/ready and /metrics while the worker runs."""

    def __init__(self, app: faust.App, telemetry: Telemetry, settings: Settings) -> None:
        self._app = app
        self._telemetry = telemetry
        self._host = settings.worker_http_host
        self._port = settings.worker_http_port
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._has_assignment = False
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)

    def why_not_ready(self) -> str | None:
        """A sentence, or None while the worker handles events."""
        if not self._has_assignment:
            return "Waiting for Kafka to assign partitions."
        if self._app.rebalancing:
            return "Partitions are being assigned anew, or the tables read back."
        return None

    async def start(self) -> None:
        """Begin to listen. Raises PortTaken. Port 0 in the settings: no port at all."""
        if not self._port:
            return
        listening = _bind(self._host, self._port)
        config = uvicorn.Config(
            self._routes(),
            loop="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_STOP_TIMEOUT_S,
        )
        self._server = _QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))

    async def stop(self) -> None:
        """Stop listening, within two seconds."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    async def _on_assigned(self, *_: object, **__: object) -> None:
        self._has_assignment = True

    def _routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
                Route("/metrics", self._metrics),
            ]
        )

    async def _live(self, _: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def _ready(self, _: Request) -> Response:
        why = self.why_not_ready()
        return JSONResponse({"status": "ready"}) if why is None else JSONResponse({"status": why}, status_code=503)

    async def _metrics(self, _: Request) -> Response:
        self._telemetry.ready.set(self.why_not_ready() is None)
        return Response(generate_latest(self._telemetry.registry), media_type=CONTENT_TYPE_LATEST)


class _QuietServer(uvicorn.Server):
    """A server that leaves the process's signals to the worker."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), reuse_port=False)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port, "MOORING_WORKER_HTTP_PORT") from None
        raise
