"""Who takes part, and how one of them is run: a process of its own, which says when it is ready and what it did."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from bench.program import Options, Result
from bench.workload import PARTITIONS
from tests.brokers import ROOT, KafkaBroker, tail

PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"

_READY_TIMEOUT_S = 120.0
_RESULT_TIMEOUT_S = 600.0
_STOP_TIMEOUT_S = 30.0


class ContenderFailed(Exception):
    """A contender ended without a result, did not all of the work, or took too long; the message has its last words."""


@dataclass(frozen=True)
class Contender:
    """A program that does the workload, and the Python that has what it needs."""

    name: str
    module: str
    title: str
    python: Path = Path(sys.executable)
    # Of the events of a workload: a slow one need not be waited for.
    share: float = 1.0

    def absence(self) -> str | None:
        """Why it cannot take part, in a few words; None if it can."""
        if not self.python.exists():
            return f"{PEERS_PYTHON.relative_to(ROOT)} is not there; `make bench` makes it"
        if find_spec(self.module) is None:
            return f"{self.module} is not there"
        return None


# The order in which each round runs them.
CONTENDERS = {
    each.name: each
    for each in (
        Contender("engine", "bench.engine", "Mooring's engine"),
        Contender("quix", "bench.peers.quix", "Quix Streams", PEERS_PYTHON),
        Contender("stock_faust", "bench.peers.stock_faust", "stock Faust", share=0.2),
        Contender("aiokafka", "bench.peers.aiokafka_loop", "bare aiokafka loop"),
        Contender("echo", "bench.peers.echo", "two-hop echo"),
        Contender("raw_read", "bench.peers.raw_read", "bare read of a changelog"),
        Contender("mooring", "bench.worker", "Mooring's worker, real events"),
    )
}


class Running:
    """A contender's process. Each of its lines is waited for here; what else it says is in its log."""

    def __init__(self, contender: Contender, given: Options, log: Path) -> None:
        self._contender = contender
        self._log = log
        self.started = time.perf_counter()
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(contender.python), "-m", contender.module, *given.arguments()],
                cwd=ROOT,
                env=os.environ | {"PYTHONWARNINGS": "ignore"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        # Any: what JSON holds. None is the end of its output.
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> float:
        """Block until it has its partitions and rows; answer the seconds since it was started."""
        self._line("ready", _READY_TIMEOUT_S)
        return time.perf_counter() - self.started

    def result(self, timeout_s: float = _RESULT_TIMEOUT_S) -> Result:
        """Block until it is done and has ended; answer what it did."""
        fields = self._line("result", timeout_s)
        try:
            code = self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise self._failed(f"did not end within {_STOP_TIMEOUT_S:.0f} s of its result") from None
        if code != 0:
            raise self._failed(f"ended with {code}")
        del fields["event"]
        return Result(**fields)

    def stop(self) -> Result:
        """Ask it to end (SIGTERM), and answer what it did."""
        self._process.send_signal(signal.SIGTERM)
        return self.result(_STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _line(self, event: str, timeout_s: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise self._failed(f"did not say '{event}' within {timeout_s:.0f} s") from None
        if line is None:
            raise self._failed(f"ended without saying '{event}'")
        if line.get("event") != event:
            raise self._failed(f"said {line} instead of '{event}'")
        return line

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def _failed(self, what: str) -> ContenderFailed:
        return ContenderFailed(f"{self._contender.title} {what}. The end of its log:\n{tail(self._log, 20)}")


class Arena:
    """The broker and the folder that contenders run on, with topics of their own for each run."""

    def __init__(self, broker: KafkaBroker, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.filled: set[str] = set()

    @contextmanager
    def topics(self) -> Iterator[str]:
        """Empty topics for one run, gone after it, its own changelog included. Gives the prefix of their names."""
        prefix = f"bench-{uuid4().hex[:8]}."
        self.broker.create(f"{prefix}events", f"{prefix}alerts", partitions=PARTITIONS)
        self.broker.create(f"{prefix}rows", partitions=PARTITIONS, configs={"cleanup.policy": "compact"})
        try:
            yield prefix
        finally:
            self._delete(prefix)

    @contextmanager
    def running(
        self, contender: Contender, prefix: str, *, name: str = "", until: int | None = None, events: str = ""
    ) -> Iterator[Running]:
        """A contender at work, killed at the end of the block if it still runs. `name` tells members of a group."""
        data_dir = self.folder / f"{prefix}data{name}"
        data_dir.mkdir(exist_ok=True)
        given = Options(self.broker.address, prefix, data_dir, PARTITIONS, until, events or f"{prefix}events")
        process = Running(contender, given, self.folder / f"{prefix}{contender.name}{name}.log")
        try:
            yield process
        finally:
            process.kill()

    def count(self, topic: str) -> int:
        """How many records a topic has had."""
        with self._consumer() as consumer:
            ends = consumer.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])
            return sum(ends.values())

    def committed(self, group: str, topic: str) -> int:
        """How many records of a topic a consumer group has committed."""
        with self._consumer(group) as consumer:
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            return sum(consumer.committed(partition) or 0 for partition in partitions)

    @contextmanager
    def _consumer(self, group: str | None = None) -> Iterator[KafkaConsumer]:
        consumer = KafkaConsumer(bootstrap_servers=self.broker.address, group_id=group)
        try:
            yield consumer
        finally:
            consumer.close()

    def _delete(self, prefix: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.broker.address)
        try:
            # Quix names its changelog itself, with the group's name inside.
            admin.delete_topics([topic for topic in admin.list_topics() if prefix in topic])
        finally:
            admin.close()
        for path in self.folder.glob(f"{prefix}data*"):
            shutil.rmtree(path, ignore_errors=True)
