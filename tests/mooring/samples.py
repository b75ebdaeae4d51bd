"""The events that the schemas' examples show, for tests that need some."""

from __future__ import annotations

import json
from typing import Any

from mooring.events import EvaluationRun, EvaluationStore, LifecycleChange, ModelBuild
from mooring.outputs import DriftAlert
from mooring.schema import SCHEMA_DIR


def sample(name: str, place: int = 1) -> dict[str, Any]:
    """A record of the examples, as JSON has it; by default the one in which every field is used."""
    records = json.loads((SCHEMA_DIR / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    record: dict[str, Any] = records[place]
    return record


BUILD = ModelBuild.from_record(sample("ModelBuild"))
EVALUATION = EvaluationRun.from_record(sample("EvaluationRun"))
STORE = EvaluationStore.from_record(sample("EvaluationStore"))
LIFECYCLE = LifecycleChange.from_record(sample("LifecycleChange"))
ALERT = DriftAlert.from_record(sample("DriftAlert"))
