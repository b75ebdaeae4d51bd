"""What the load consists of: waves of events, the same for the same seed, whatever their number.

A wave has a setup and a body. The setup is handled and committed before the body is sent, so that which alerts the body
demands is certain whatever becomes of the workers and however Kafka's topics are read relative to one another:

- **steady** models are built and activated in a setup. The body evaluates them, and does what else changes no alert.
- **racing** models are built, rebuilt and activated in the body, before, between and after their evaluations. What
  they demand depends on the order in which topics are read; the judge tries every order.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from random import Random
from typing import NamedTuple

import fastavro

from mooring.codec import encode
from mooring.errors import Reason
from mooring.events import Change, EvaluationRun, EvaluationStore, Event, LifecycleChange, ModelBuild
from mooring.metrics.catalogue import PredictionType
from mooring.schema import schema
from mooring.topics import Topics

NODE = "ci"
RACING = "racing"
# A fixed day in the past: the events, byte for byte, are a matter of the seed.
START_MS = 1_760_000_000_000
STEP_MS = 1_000
_YEAR_2100_MS = 4_102_444_800_000

# Values of evaluations that are not synced. As doubles they all begin with the same six bytes, which nothing else has.
SECRET_MARK = b"\xde\xc0\xad\x0b\x5e\xc7"
SECRETS = tuple(struct.unpack("<d", SECRET_MARK + bytes((0xE0 + step, 0x3F)))[0] for step in range(8))

_TOPIC_OF = {Topics.named().evaluation_runs.type: "evaluation_runs", ModelBuild: "model_builds"} | {
    EvaluationStore: "evaluation_stores",
    LifecycleChange: "model_lifecycle",
}
_STEADY_A_PROJECT = 2
_REMEMBERED_WAVES = 3
_HEADER_BYTES = 10  # the single-object header that the codec writes


class Sendable(NamedTuple):
    """A record of the load: its topic by the name of the field in `Topics`; of a bad record the reason it deserves."""

    topic: str
    key: bytes | None
    value: bytes
    bad: str | None = None


class Wave(NamedTuple):
    """A part of the load: `setup` is handled before `body` is sent."""

    number: int
    setup: list[Sendable]
    body: list[Sendable]


class _Version:
    """A steady version: what is evaluated, and the value that the load last gave it."""

    def __init__(self, build: ModelBuild) -> None:
        self.build = build
        self.value = build.metrics["roc_auc"]
        self.last: EvaluationRun | None = None


class Story:
    """The events of a seed, wave after wave."""

    def __init__(self, seed: int, projects: int, wave_size: int) -> None:
        self._seed = seed
        self._projects = [f"Project {number}/ü" for number in range(projects)]
        self._size = wave_size
        self._pool: list[list[_Version]] = []
        self._recent: list[Sendable] = []
        self._number = 0
        self._random = Random()

    def waves(self) -> Iterator[Wave]:
        """Without end."""
        while True:
            self._random = Random(f"{self._seed}/{self._number}")
            setup = list(self._setup())
            yield Wave(self._number, setup, self._body())
            self._number += 1

    # Setup

    def _setup(self) -> Iterator[Sendable]:
        versions = []
        for project in self._projects:
            yield from self._stores(project)
            for model in range(_STEADY_A_PROJECT):
                for version in ("v1", "v2"):
                    build = self._build(project, f"steady-{self._number}-{model}", version, self._at(0))
                    versions.append(_Version(replace(build, activate=self._random.random() < 0.7)))
                    yield _good(versions[-1].build)
        self._pool = [*self._pool, versions][-_REMEMBERED_WAVES:]

    def _stores(self, project: str) -> Iterator[Sendable]:
        """One store that is private for good, and one that opts out in the middle of the wave and in again."""
        middle, later = self._at(self._size // 2), self._at(self._size * 3 // 4)
        for store, at, synced in (
            ("private", START_MS - STEP_MS, False),
            (f"fickle-{self._number}", middle, False),
            (f"fickle-{self._number}", later, True),
        ):
            if store != "private" or self._number == 0:
                yield _good(
                    EvaluationStore(
                        event_id=f"store-{project}-{store}-{synced}",
                        node_id=NODE,
                        project_key=project,
                        recorded_at=START_MS,
                        store_id=store,
                        synced=synced,
                        effective_at=at,
                    )
                )

    def _build(self, project: str, model: str, version: str, at: int) -> ModelBuild:
        return ModelBuild(
            event_id=f"build-{project}-{model}-{version}-{at}",
            node_id=NODE,
            project_key=project,
            recorded_at=at,
            model_id=model,
            version_id=version,
            model_name=f"Model {model}",
            prediction_type=PredictionType.BINARY,
            built_at=at,
            metrics={"roc_auc": self._value(), "accuracy": self._value(), "uplift": 1.5},
            labels={"team": "faults"},
        )

    # Body

    def _body(self) -> list[Sendable]:
        raced = self._races()
        body: list[Sendable] = []
        for index in range(self._size):
            body += raced.get(index, [])
            body.append(self._next(index))
            self._recent = [*self._recent[-99:], body[-1]] if body[-1].bad is None else self._recent
        return body

    def _next(self, index: int) -> Sendable:
        """The next record of the body: mostly an evaluation of a steady version."""
        version = self._random.choice(self._random.choice(self._pool))
        run = self._evaluation(version, index)
        kind = self._random.random()
        if kind < 0.01:
            return self._bad(run)
        if kind < 0.03 and self._recent:
            return self._random.choice(self._recent)
        if kind < 0.04:
            return _good(version.build)
        if kind < 0.07:
            return _good(self._harmless_change(version.build, index))
        if kind < 0.12:
            return _good(self._unsynced(run))
        if kind < 0.15:
            # Late: another value, and whether it is news depends on what came before.
            return _good(replace(run, evaluated_at=self._at(index - self._random.randint(1, 400)), metrics=self._new()))
        if kind < 0.18:
            return _good(replace(run, metrics={"data_drift": self._value()}))
        if kind < 0.19 and version.last is not None:
            run = replace(version.last, event_id=run.event_id, recorded_at=run.recorded_at, metrics=self._new())
        elif kind < 0.29:
            run = replace(run, metrics=run.metrics | self._new())
        version.value, version.last = run.metrics["roc_auc"], run
        return _good(run)

    def _evaluation(self, version: _Version, index: int) -> EvaluationRun:
        """An evaluation that moves everything but the ROC AUC."""
        at = self._at(index)
        return EvaluationRun(
            event_id=f"run-{self._number}-{index}",
            node_id=NODE,
            project_key=version.build.project_key,
            recorded_at=at,
            store_id=self._random.choice(("weekly", "daily")),
            evaluation_id=f"evaluation-{self._number}-{index}",
            model_project_key=version.build.project_key,
            model_id=version.build.model_id,
            version_id=version.build.version_id,
            evaluated_at=at,
            metrics={"roc_auc": version.value, "accuracy": self._value(), "log_loss": self._value()},
            n_rows=1_000,
        )

    def _unsynced(self, run: EvaluationRun) -> EvaluationRun:
        """One that must not be seen: by its own wish, or that of its store."""
        secret = {"roc_auc": self._random.choice(SECRETS), "accuracy": self._random.choice(SECRETS)}
        store = self._random.choice((None, "private", f"fickle-{self._number}"))
        if store is None:
            return replace(run, synced=False, metrics=secret)
        opted_out = self._at(self._size // 2) <= run.evaluated_at < self._at(self._size * 3 // 4)
        if store == "private" or opted_out:
            return replace(run, store_id=store, metrics=secret)
        return replace(run, store_id=store)

    def _harmless_change(self, build: ModelBuild, index: int) -> LifecycleChange:
        """A change of the life cycle that no alert mentions."""
        changes = (Change.ARCHIVED, Change.RESTORED, Change.DEPLOYED, Change.UNDEPLOYED)
        return self._change(build, self._random.choice(changes), index, f"change-{self._number}-{index}")

    def _change(self, build: ModelBuild, change: Change, index: int, event_id: str) -> LifecycleChange:
        return LifecycleChange(
            event_id=event_id,
            node_id=NODE,
            project_key=build.project_key,
            recorded_at=self._at(index),
            model_id=build.model_id,
            version_id=build.version_id,
            change=change,
            infrastructure=self._random.choice(("eu", "us")),
            changed_at=self._at(index),
        )

    def _races(self) -> dict[int, list[Sendable]]:
        """The events of the racing models by their place in the body; few to a version: all orders will be tried."""
        raced: dict[int, list[Sendable]] = {}
        for project in self._projects:
            model = f"{RACING}-{self._number}"
            for version in ("v1", "v2"):
                for count in range(self._random.randint(3, 6)):
                    index = self._random.randrange(self._size)
                    build = self._build(project, model, version, self._at(index))
                    build = replace(build, event_id=f"{build.event_id}-{count}")
                    event: Event = replace(build, activate=self._random.random() < 0.7)
                    if count >= 2:
                        run = self._evaluation(_Version(build), index)
                        event = replace(
                            run, event_id=f"{run.event_id}-{project}-{version}-{count}", metrics=self._new()
                        )
                    elif count == 1 and self._random.random() < 0.7:
                        name = f"activity-{project}-{model}-{version}"
                        change = self._random.choice((Change.ACTIVATED, Change.DEACTIVATED))
                        event = self._change(build, change, index, name)
                    raced.setdefault(index, []).append(_good(event))
        return raced

    # Bad records

    def _bad(self, run: EvaluationRun) -> Sendable:
        good = _good(run)
        reason = self._random.choice(list(_BAD))
        if reason is Reason.UNDECODABLE:
            topic = self._random.choice(list(_TOPIC_OF.values()))
            return Sendable(topic, good.key, b"\xff\xfe no Avro " + run.event_id.encode(), reason)
        if reason is Reason.UNKNOWN_SCHEMA:
            return good._replace(topic="model_builds", bad=reason)
        if reason is Reason.MISSING_KEY:
            return good._replace(key=None, bad=reason)
        if reason is Reason.WRONG_KEY:
            return good._replace(key=f"{NODE}/elsewhere".encode(), bad=reason)
        # Written without our constructors, which would refuse.
        out = BytesIO()
        out.write(good.value[:_HEADER_BYTES])
        fastavro.schemaless_writer(out, schema("EvaluationRun"), run.to_record() | _BAD[reason])
        return good._replace(value=out.getvalue(), bad=reason)

    # Small things

    def _at(self, index: int) -> int:
        return START_MS + (self._number * self._size + index) * STEP_MS

    def _value(self) -> float:
        return round(self._random.uniform(0.5, 1.0), 4)

    def _new(self) -> dict[str, float]:
        return {"roc_auc": self._value()}


_BAD: dict[Reason, dict[str, object]] = {
    Reason.UNDECODABLE: {},
    Reason.UNKNOWN_SCHEMA: {},
    Reason.MISSING_KEY: {},
    Reason.WRONG_KEY: {},
    Reason.INVALID_FIELD: {"version_id": ""},
    Reason.METRIC_NOT_FINITE: {"metrics": {"roc_auc": math.nan}},
    Reason.METRIC_OUT_OF_RANGE: {"metrics": {"roc_auc": 1.3}},
    Reason.STORE_OUTSIDE_PROJECT: {"model_project_key": "another"},
    Reason.DATED_IN_THE_FUTURE: {"evaluated_at": _YEAR_2100_MS},
}


def _good(event: Event) -> Sendable:
    return Sendable(_TOPIC_OF[type(event)], str(event.project).encode(), encode(event))
