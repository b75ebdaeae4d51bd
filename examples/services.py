"""Mooring's processes, started and stopped by a program: the worker and the web view, each on ports of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).resolve().parent.parent
_STOP_TIMEOUT_S = 10.0
_LOG_LINES = 20


class ServiceFailed(Exception):
    """A process ended by itself, or was not ready in time; the message has the end of its log."""


class Service:
    """`python -m <command>` as a process with the settings given, its output in a log file.

    It is in a process group of its own, so that a Ctrl-C in the terminal reaches only the program that started it and
    that one decides in which order to stop.
    """

    def __init__(self, command: str, settings: Mapping[str, str], folder: Path, ready_url: str | None) -> None:
        self.command = command
        self.log = folder / f"{command.replace(' ', '-')}.log"
        self._ready_url = ready_url
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command.split()],
                cwd=ROOT,
                env={**environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Block until the process says that it is ready. Raises ServiceFailed where it ends, or takes longer."""
        wait_until(self.is_ready, timeout_s, self.failed)

    def is_ready(self) -> bool:
        """Whether its health port answers that it is ready. Raises ServiceFailed where the process has ended."""
        if self.process.poll() is not None:
            raise self.failed("ended")
        if self._ready_url is None:
            return True
        try:
            return httpx.get(self._ready_url, timeout=2.0).is_success
        except httpx.HTTPError:
            return False

    def failed(self, what: str) -> ServiceFailed:
        """An error that tells what happened to the process, with the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return ServiceFailed(f"python -m {self.command} {what}. The end of its log:\n" + "\n".join(lines))

    def stop(self, timeout_s: float = _STOP_TIMEOUT_S) -> int:
        """Ask the process to end (SIGTERM), and answer its exit code; after the timeout it is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Services:
    """A worker and a web view on a broker, ready when the `with` block begins and gone when it ends."""

    def __init__(self, brokers: str, folder: Path, *, topic_prefix: str = "mooring.", http_port: int = 0) -> None:
        self._brokers = brokers
        self._folder = folder
        self._prefix = topic_prefix
        self.http_port = http_port or free_port()
        self.worker_port = free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.worker: Service | None = None
        self.web: Service | None = None

    def start(self) -> None:
        """Start both, without waiting."""
        self.worker = self.start_worker()
        self.web = self.start_web()

    def start_worker(self) -> Service:
        return Service(
            "streams worker",
            self._settings("worker") | {"MOORING_WORKER_HTTP_PORT": str(self.worker_port)},
            self._folder,
            f"http://127.0.0.1:{self.worker_port}/health/ready",
        )

    def start_web(self) -> Service:
        return Service(
            "web",
            self._settings("web") | {"MOORING_HTTP_HOST": "127.0.0.1", "MOORING_HTTP_PORT": str(self.http_port)},
            self._folder,
            f"{self.url}/health/ready",
        )

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Block until both are ready. Raises ServiceFailed."""
        for service in (self.worker, self.web):
            if service is not None:
                service.wait_until_ready(timeout_s)

    def stop(self) -> list[int]:
        """Stop both, the web view first, and answer their exit codes."""
        return [service.stop() for service in (self.web, self.worker) if service is not None]

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _settings(self, process: str) -> dict[str, str]:
        return {
            "MOORING_BROKERS": self._brokers,
            "MOORING_TOPIC_PREFIX": self._prefix,
            "MOORING_DATA_DIR": str(self._folder / process),
        }


def wait_until(condition: Callable[[], bool], timeout_s: float, failed: Callable[[str], Exception]) -> None:
    """Block until the condition holds. Raises what `failed` makes of a sentence where it takes longer."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise failed(f"was not ready within {timeout_s:.0f} s")
        time.sleep(0.05)


def free_port(preferred: int = 0) -> int:
    """A port of 127.0.0.1 that is free now: the preferred one if it is."""
    for port in (preferred, 0):
        with socket.socket() as listening:
            try:
                listening.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(listening.getsockname()[1])
    raise OSError("no port of 127.0.0.1 is free")
