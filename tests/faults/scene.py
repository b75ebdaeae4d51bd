"""What every test of faults has: topics of its own on a real Kafka, a load, workers, and a judge at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mooring.topics import Topics
from streams.provision import provide_topics
from tests.brokers import KafkaBroker
from tests.faults.events import SECRETS
from tests.faults.judge import Report, judge, told_in
from tests.faults.load import Load
from tests.faults.workers import ServiceFailed, Workers

SETTLE_TIMEOUT_S = 90.0


@dataclass
class Scene:
    """A Mooring under load. `seed` is that of its events."""

    broker: KafkaBroker
    topics: Topics
    workers: Workers
    load: Load
    seed: int

    def begin(self, *slots: int) -> None:
        """Start workers in the slots, have the first setup handled, and let the load begin."""
        for slot in slots:
            self.workers.start(slot)
        self.workers.wait_until_ready(*slots)
        self.load.prepare()
        self.load.start()

    def end(self, *, at_least: int = 0, settle_timeout_s: float = SETTLE_TIMEOUT_S) -> Report:
        """End the load, let the workers be done with it, stop them in good order, and judge.

        `at_least` so many events are sent before, however early the faults were over.
        """
        while self.load.is_running and self.load.sent < at_least:
            time.sleep(0.05)
        self.load.end()
        self.load.join()
        self.load.settled(settle_timeout_s)
        return self.judged()

    def judged(self) -> Report:
        """Stop the workers in good order, and judge."""
        not_stopped = []
        for slot in list(self.workers.running):
            try:
                self.workers.stop(slot)
            except ServiceFailed as failed:
                not_stopped.append(str(failed))
        report = judge(self.broker.address, self.topics)
        report.secrets_told += [
            f"{log}: {secret}"
            for log in self.workers.logs
            for secret in told_in(log.read_text(errors="replace"), SECRETS)
        ]
        report.not_stopped += not_stopped
        return report

    def conclude(self, *, at_least: int = 0) -> Report:
        """`end`, and fail with all there is to know unless everything is right."""
        return self.approve(self.end(at_least=at_least))

    def approve(self, report: Report) -> Report:
        """Fail with all there is to know unless a report is without fault."""
        stops = ", ".join(f"{stopped.took_s:.1f}" for stopped in self.workers.stops)
        print(f"{report}\nstops took, s: {stops}")
        if report.faults:
            pytest.fail(f"seed {self.seed}\n{report}\n{self.workers.tails()}", pytrace=False)
        return report


@contextmanager
def scene(
    broker: KafkaBroker,
    prefix: str,
    folder: Path,
    *,
    seed: int,
    per_second: float,
    partitions: int = 4,
    projects: int = 12,
    wave_size: int = 2_000,
) -> Iterator[Scene]:
    """A scene on topics that are new."""
    topics = Topics.named(prefix)
    provide_topics(broker.address, topics, partitions, replication=1)
    with (
        Workers(broker.address, prefix, folder) as workers,
        Load(
            broker.address,
            topics,
            seed=seed,
            per_second=per_second,
            projects=projects,
            wave_size=wave_size,
        ) as load,
    ):
        yield Scene(broker, topics, workers, load, seed)
