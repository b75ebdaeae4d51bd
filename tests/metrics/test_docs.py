"""What docs/metrics.md says is so: its table is the catalogue, its programs run, its list of errors is whole."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mooring import Mooring
from mooring.metrics import CATALOGUE, Direction, Evaluation, MetricSpec, PredictionType, evaluate
from mooring.topics import Topics
from tests.brokers import ROOT, Broker

TEXT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
HEAD = """\
| code | label | better | range | prediction types | formula | source |
|---|---|---|---|---|---|---|
"""
BETTER = {Direction.HIGHER: "higher", Direction.LOWER: "lower", Direction.NONE: "-"}


def span(spec: MetricSpec) -> str:
    if math.isinf(spec.low):
        return "any" if math.isinf(spec.high) else f"at most {spec.high:g}"
    return f"at least {spec.low:g}" if math.isinf(spec.high) else f"{spec.low:g} to {spec.high:g}"


def row(spec: MetricSpec) -> str:
    fits = "all" if spec.prediction_types == set(PredictionType) else ", ".join(sorted(spec.prediction_types))
    cells = (f"`{spec.code}`", spec.label, BETTER[spec.direction], span(spec), fits, spec.formula, spec.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def test_the_table_is_the_catalogue() -> None:
    assert all(spec.formula and spec.source for spec in CATALOGUE.values())
    table = HEAD + "".join(map(row, CATALOGUE.values()))
    assert table in TEXT, f"docs/metrics.md should have this table:\n\n{table}"


def test_its_programs_run(embedded_broker: Broker, topic_prefix: str) -> None:
    embedded_broker.create(*(topic.name for topic in Topics.named(topic_prefix)))
    random = np.random.default_rng(1)
    labels, new_labels = (random.integers(0, 2, 200) for _ in range(2))
    names: dict[str, Any] = {
        "labels": labels,
        "scores": (labels + 2 * random.random(200)) / 3,
        "new_labels": new_labels,
        "new_scores": (new_labels + 2 * random.random(200)) / 3,
    }
    programs = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(programs) == 5
    with Mooring(embedded_broker.address, node="n", project="P", topic_prefix=topic_prefix) as mooring:
        names["mooring"] = mooring
        for program in programs:
            exec(program, names)
    assert names["evaluation"].metrics["profit"] > 0


EVALUATED: dict[PredictionType, Callable[[], Evaluation]] = {
    PredictionType.BINARY: lambda: evaluate([1, 0, 1, 0], [0.9, 0.6, 0.4, 0.2]),
    PredictionType.MULTICLASS: lambda: evaluate(
        [0, 1, 2, 2], [[0.6, 0.3, 0.1], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.1, 0.2, 0.7]], cost_matrix=np.eye(3)
    ),
    PredictionType.REGRESSION: lambda: evaluate([1.5, 2.5, 4.0], [1.0, 3.5, 4.0]),
}


@pytest.mark.parametrize("kind", EVALUATED)
def test_it_lists_what_has_a_standard_error(kind: PredictionType) -> None:
    section = TEXT.partition("## How sure a value is")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in section.splitlines() if "|" in line)))
    assert set(EVALUATED[kind]().standard_errors) <= listed
    assert listed == {code for evaluated in EVALUATED.values() for code in evaluated().standard_errors}
