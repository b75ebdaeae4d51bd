"""The worker process: checks the broker, runs the app until it is told to stop."""

from __future__ import annotations

import asyncio
import signal

import structlog

from mooring.errors import MooringError
from mooring.topics import Topics
from streams.app import build_app
from streams.health import Health
from streams.provision import partitions_of
from streams.settings import Settings

log = structlog.get_logger()


class WorkerFailed(MooringError):
    """The worker stopped by itself; its log says why."""


def run_worker(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises MooringError where it cannot start, or stops by itself."""
    partitions = partitions_of(settings.brokers, Topics.named(settings.topic_prefix))
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkerFailed(
            f"Cannot make the folder {settings.data_dir} (MOORING_DATA_DIR): {error.strerror}."
        ) from None
    asyncio.run(_run(settings, partitions))


async def _run(settings: Settings, partitions: int) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    parts = build_app(settings, partitions)
    app = parts.app
    await parts.health.start()
    log.info("worker starts", brokers=settings.brokers, topic_prefix=settings.topic_prefix, partitions=partitions)
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
        await app.stop()
        await parts.health.stop()
    if app.crash_reason is not None:
        raise WorkerFailed(f"The worker stopped by itself: {app.crash_reason!r}.") from app.crash_reason
    log.info("worker stopped")


async def _announce(health: Health) -> None:
    while True:
        if health.why_not_ready() is None:
            log.info("worker ready")
            return
        await asyncio.sleep(0.05)
