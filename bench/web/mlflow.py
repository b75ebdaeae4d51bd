"""MLflow's registry beside ours: the same versions in its tables, the same questions over its REST API.

It knows names, times and tags of versions, but no metrics of theirs, so that is all that is asked. Each question has a
connection of its own, on both sides.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx

from bench.web.registry import BEGAN_AT_MS, SUBJECTS, TEAMS, VERSIONS_OF_A_MODEL, key_of
from tests.brokers import ROOT, free_ports, tail

PROGRAM = ROOT / ".venv-mlflow" / "bin" / "mlflow"
_READY_TIMEOUT_S = 180.0
_STOP_TIMEOUT_S = 20.0


class MlflowFailed(Exception):
    """Its server did not start, or refused a question."""


def questions(count: int, versions: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Parameters of the same question to MLflow and to us."""
    random = Random(3)
    for number in range(count):
        key = key_of(random.randrange(versions))
        team, subject = random.choice(TEAMS), random.choice(SUBJECTS)
        yield (
            ({"filter": f"tags.team = '{team}'"}, {"label": f"team={team}"}),
            ({"filter": f"name = '{key.model_id}'"}, {"model": key.model_id}),
            ({"filter": f"name LIKE '{subject}%'"}, {"q": subject}),
            ({"order_by": "last_updated_timestamp DESC"}, {"sort": "-updated_at"}),
        )[number % 4]


def took_ms(url: str, path: str, asked: dict[str, Any]) -> float:
    """How long one answer takes over a new connection."""
    with httpx.Client(timeout=60) as http:
        # The client connects with its first request; to make it, certificates and all, is no part of the answer.
        began = time.perf_counter()
        answer = http.get(f"{url}{path}", params=asked)
        took = (time.perf_counter() - began) * 1000
    if answer.status_code != httpx.codes.OK:
        raise MlflowFailed(f"{path} {asked}: {answer.status_code} {answer.text[:500]}")
    return took


@contextmanager
def server(folder: Path, versions: int) -> Iterator[str]:
    """MLflow's server over so many versions; gives its address. Raises MlflowFailed."""
    file = folder / "mlflow.sqlite3"
    (port,) = free_ports(1)
    log = folder / "mlflow.log"
    url = f"http://127.0.0.1:{port}"
    command = [str(PROGRAM), "server", "--backend-store-uri", f"sqlite:///{file}", "--workers", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, url, log)
        _fill(file, versions)
        yield url
    finally:
        # Its group: it starts processes of its own.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health").status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise MlflowFailed(f"MLflow's server did not start. The end of its log:\n{tail(log)}")


def _fill(file: Path, versions: int) -> None:
    connection = sqlite3.connect(file, timeout=60)
    keys = [key_of(number) for number in range(versions)]
    with connection:
        connection.executemany(
            "INSERT INTO registered_models (name, creation_time, last_updated_time) VALUES (?, ?, ?)",
            [(name, BEGAN_AT_MS, BEGAN_AT_MS) for name in dict.fromkeys(key.model_id for key in keys)],
        )
        connection.executemany(
            "INSERT INTO model_versions (name, version, creation_time, last_updated_time, current_stage, source, "
            "status) VALUES (?, ?, ?, ?, 'None', '', 'READY')",
            [
                (key.model_id, number % VERSIONS_OF_A_MODEL + 1, BEGAN_AT_MS + number, BEGAN_AT_MS + number)
                for number, key in enumerate(keys)
            ],
        )
        connection.executemany(
            "INSERT INTO model_version_tags (key, value, name, version) VALUES ('team', ?, ?, ?)",
            [
                (TEAMS[number // 1_000 % len(TEAMS)], key.model_id, number % VERSIONS_OF_A_MODEL + 1)
                for number, key in enumerate(keys)
            ],
        )
    connection.close()
