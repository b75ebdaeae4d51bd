"""How the web view logs: structlog for its own lines and those of its libraries alike, as text or JSON."""

from __future__ import annotations

import logging
import sys

import structlog

# INFO there tells of inner workings; a client's warnings repeat for as long as a broker is away.
_QUIETER = {
    "kafka": "CRITICAL",
    "aiokafka": "CRITICAL",
    "uvicorn": "WARNING",
    "asyncio": "WARNING",
    "engineio": "ERROR",
    "socketio": "ERROR",
    "nicegui": "WARNING",
    "httpx": "WARNING",
}


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
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
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
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    if level != "debug":
        for name, threshold in _QUIETER.items():
            logging.getLogger(name).setLevel(threshold)
