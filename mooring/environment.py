"""The environment variables that Mooring's programs read: `MOORING_*`, from the environment or a `.env` file.

All programs of one installation share them, so each knows the names of all: a misspelt one is an error and not a
setting that silently has no effect.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mooring.errors import InvalidSetting

PREFIX = "MOORING_"

# What each means; every program reads those that it needs.
KNOWN: Mapping[str, str] = {
    "MOORING_BROKERS": "addresses of the Kafka brokers, host:port, separated by commas",
    "MOORING_TOPIC_PREFIX": "what the names of the topics begin with",
    "MOORING_DATA_DIR": "where the worker and the web view keep their files",
    "MOORING_HTTP_HOST": "address that the web view listens on",
    "MOORING_HTTP_PORT": "port that the web view listens on",
    "MOORING_HTTP_NAMES": "host names under which the web view is asked for, those of a proxy, separated by commas",
    "MOORING_WORKER_HTTP_HOST": "address of the worker's health and metrics",
    "MOORING_WORKER_HTTP_PORT": "port of the worker's health and metrics; 0 for none",
    "MOORING_SCHEMA_REGISTRY_URL": "where schemas of Confluent-framed values are looked up",
    "MOORING_WATCHED_METRICS": "codes of the metrics whose changes are alerted, separated by commas",
    "MOORING_BAD_INPUT_LIMIT": "share of recent input that may be refused before the worker stops; 1 for no limit",
    "MOORING_LOG_FORMAT": "text or json",
    "MOORING_LOG_LEVEL": "debug, info, warning or error",
    "MOORING_PARTITIONS": "partitions of topics that `python -m streams topics` creates",
    "MOORING_REPLICATION": "replicas of topics that `python -m streams topics` creates",
    "MOORING_NODE": "the node that the command line reports for",
    "MOORING_PROJECT": "the project that the command line reports for",
    "MOORING_URL": "address of the web view, for the command line",
}


def variables(environ: Mapping[str, str] = os.environ, dotenv: Path = Path(".env")) -> dict[str, str]:
    """The MOORING_* variables that are set; those of the environment before those of the file.

    Raises InvalidSetting for a name that no program of Mooring knows.
    """
    found = {name: value for name, value in _of_file(dotenv).items() if name.startswith(PREFIX)}
    found |= {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    refuse_unknown(found)
    return found


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise InvalidSetting for the first name that no program of Mooring knows."""
    for name in names:
        if name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KNOWN)}."
            raise InvalidSetting(name, f"is no setting of Mooring; {hint}")


def _of_file(path: Path) -> dict[str, str]:
    """The assignments of a `.env` file: NAME=value a line, optionally quoted; `#` begins a comment line."""
    if not path.is_file():
        return {}
    lines = (line.strip().removeprefix("export ") for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
