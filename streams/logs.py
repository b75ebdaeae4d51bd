"""How the worker logs: structlog for its own lines and those of its libraries alike, as text or JSON."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

import structlog

# INFO there tells of inner workings; the clients' warnings repeat for as long as a broker is away.
_QUIETER = {
    "faust": "WARNING",
    "streams.engine": "WARNING",
    "mode": "WARNING",
    "aiokafka": "ERROR",
    "kafka": "CRITICAL",
    "httpx": "WARNING",
    "uvicorn": "WARNING",
}
_TALKATIVE = ("aiokafka", "kafka")


class Rarely(logging.Filter):
    """Lets what a Kafka client says through once in a while. With no broker it says the same many times a second."""

    def __init__(self, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._every_s = every_s
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_TALKATIVE):
            return True
        # The text without its arguments: there are only so many.
        said = (record.name, str(record.msg))
        now = self._clock()
        if now - self._said.get(said, float("-inf")) < self._every_s:
            return False
        self._said[said] = now
        return True


def set_up_logs(form: str, level: str) -> None:
    """Write log lines to standard error, `form` being text or json."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if form == "json" else structlog.dev.set_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        # Its own choice of traceback would show local variables: the values of events do not belong in a log.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(Rarely())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    if level != "debug":
        for name, threshold in _QUIETER.items():
            logging.getLogger(name).setLevel(threshold)
