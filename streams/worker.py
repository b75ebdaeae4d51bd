"""The worker process: checks the broker, runs the app until it is told to stop."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import structlog
import uvloop

from mooring.errors import MooringError
from mooring.topics import Topics
from streams.app import build_app
from streams.engine.app import App
from streams.health import Health
from streams.provision import Layout, layout_of
from streams.settings import Settings

log = structlog.get_logger()

_STOP_TIMEOUT_S = 2.5


class WorkerFailed(MooringError):
    """The worker stopped by itself; its log says why."""


def run_worker(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises MooringError where it cannot start, or stops by itself."""
    layout = layout_of(settings.brokers, Topics.named(settings.topic_prefix))
    # For the consumer's thread as well, which makes a loop of its own.
    uvloop.install()
    calm_garbage_collector()
    with _own_folder(settings.data_dir) as folder:
        asyncio.run(_run(settings, layout, folder))


def calm_garbage_collector() -> None:
    """Let it look seldom, and no more through what is there by now: else it takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@contextmanager
def _own_folder(data_dir: Path) -> Iterator[Path]:
    """A folder for this worker's files that no other worker uses: the first that is free.

    A worker that starts again finds its files. Raises WorkerFailed.
    """
    for number in count():
        folder = data_dir / f"worker-{number}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / ".lock").open("w")
        except OSError as error:
            raise WorkerFailed(f"Cannot use the folder {folder} (MOORING_DATA_DIR): {error.strerror}.") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # another worker's; a kill of that one gives it back
            yield folder
            return


async def _run(settings: Settings, layout: Layout, folder: Path) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    parts = build_app(settings, layout, folder)
    app = parts.app
    await parts.health.start()
    log.info(
        "worker starts", brokers=settings.brokers, topic_prefix=settings.topic_prefix, partitions=layout.partitions
    )
    announcing = asyncio.create_task(_announce(parts.health))
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(told_to_stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and not stopping.done():
            starting.result()
            await app.wait_for_stopped(told_to_stop.wait())
    finally:
        announcing.cancel()
        stopping.cancel()
        starting.cancel()
        await parts.health.stop()
        await _stop(app)
    if app.crash_reason is not None:
        raise WorkerFailed(f"The worker stopped by itself: {app.crash_reason!r}.") from app.crash_reason
    log.info("worker stopped")


async def _stop(app: App) -> None:
    """Stop the app; where it does not, end the process. Its last checkpoint comes first, and is all that matters."""
    stopping = asyncio.create_task(app.stop())
    await asyncio.wait({stopping}, timeout=_STOP_TIMEOUT_S)
    if stopping.done():
        stopping.result()
        return
    # Within a rebalance, or without a broker, Faust's and aiokafka's threads may wait for one another.
    log.warning("worker stopped without leaving its group; others take its partitions over in some seconds")
    if app.crash_reason is not None:
        log.error("worker stopped by itself", reason=repr(app.crash_reason))
    logging.shutdown()
    os._exit(0 if app.crash_reason is None else 1)


async def _announce(health: Health) -> None:
    while True:
        if health.why_not_ready() is None:
            log.info("worker ready")
            return
        await asyncio.sleep(0.05)
