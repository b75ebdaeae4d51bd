"""A generated registry: what the worker would have published of so many versions, and their evaluations.

Values hang together as real ones do: severity follows the drift of ROC AUC, metrics fall together, models of a project
were built around the same time. So what is filtered by is often what sorts, which is what makes lists slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from mooring.codec import encode
from mooring.events import NodeKind
from mooring.keys import VersionKey
from mooring.metrics.catalogue import CATALOGUE, PredictionType
from mooring.outputs import EvaluationOutcome, Outcome, Severity, Source, VersionMetrics, VersionState
from streams.severity import Policy, degradation_of, severity_of

NODES = 20
VERSIONS_OF_A_MODEL = 10
MODELS_OF_A_PROJECT = 50
TEAMS = ("pricing", "fraud", "search", "supply", "support", "growth", "risk", "ads")
ALGORITHMS = ("random forest", "gradient boosting", "logistic regression", "neural network", "nearest neighbours")
SUBJECTS = ("churn", "coupon", "basket", "fraud", "demand", "delay", "lead", "claim", "defect", "price")

BEGAN_AT_MS = 1_700_000_000_000
_DAY_MS = 86_400_000
_STANDARD = (
    "roc_auc", "accuracy", "precision", "recall", "f1", "log_loss", "average_precision", "cost_matrix_gain",
    "calibration_loss", "lift", "data_drift", "prediction_drift",
)  # fmt: skip
CODES = (*_STANDARD, *(f"business_{number}" for number in range(1, 9)))
# As many sets of values as this are drawn; versions and evaluations take one each.
_DRAWS = 2_000
_SHARES = (("evaluated", 0.9), ("built", 0.98))


@dataclass(frozen=True, slots=True)
class Size:
    """How large a registry is."""

    versions: int
    evaluations: int


def key_of(number: int) -> VersionKey:
    """The key of the version of that number."""
    model = number // VERSIONS_OF_A_MODEL
    project = model // MODELS_OF_A_PROJECT
    subject = SUBJECTS[model % len(SUBJECTS)]
    version = number % VERSIONS_OF_A_MODEL + 1
    return VersionKey.of(f"node-{project % NODES:02}", f"PROJECT_{project:05}", f"{subject}_{model:06}", f"v{version}")


def versions(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of the records of the version table."""
    random = Random(1)
    draws = [_values(random) for _ in range(_DRAWS)]
    for number in range(count):
        row = _row(number, draws[random.randrange(_DRAWS)], random)
        yield row.version_key.encode(), encode(row)


def evaluations(size: Size) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of the records of the outcomes: rounds over all versions, as time goes by."""
    random = Random(2)
    draws = [_values(random) for _ in range(_DRAWS)]
    for number in range(size.evaluations):
        version = number % size.versions
        round_ = number // size.versions
        initial, current = draws[(version + round_) % _DRAWS]
        key = str(key_of(version))
        outcome = EvaluationOutcome(
            version_key=key,
            event_id=f"event-{number:010}",
            evaluation_id=f"evaluation-{number:010}",
            store_id="weekly",
            evaluated_at=BEGAN_AT_MS + round_ * 7 * _DAY_MS + version,
            outcome=Outcome.CURRENT,
            metrics=current,
            drift={code: value - initial[code] for code, value in current.items() if code in initial},
        )
        yield key.encode(), encode(outcome)


def _row(number: int, drawn: tuple[dict[str, float], dict[str, float]], random: Random) -> VersionMetrics:
    key = key_of(number)
    initial, current = drawn
    share = random.random()
    state = next(
        (state for state, (_, until) in zip(_STATES, _SHARES, strict=False) if share < until),
        VersionState.AWAITING_BUILD,
    )
    if state is VersionState.INITIAL:
        current = {}
    elif state is VersionState.AWAITING_BUILD:
        initial = {}
    drift = {code: value - initial[code] for code, value in current.items() if code in initial}
    built_at = BEGAN_AT_MS + (number // VERSIONS_OF_A_MODEL) * 60_000 + number % VERSIONS_OF_A_MODEL * _DAY_MS
    evaluated_at = built_at + random.randrange(90) * _DAY_MS if current else None
    moved = drift.get("roc_auc")
    source = Source(
        store_id="weekly",
        evaluation_id=f"evaluation-{number:010}",
        evaluated_at=evaluated_at or 0,
        recorded_at=evaluated_at or 0,
        event_id=f"event-{number:010}",
        metrics=tuple(sorted(current)),
    )
    return VersionMetrics(
        version_key=str(key),
        node_id=key.node_id,
        node_kind=NodeKind.AUTOMATION,
        project_key=key.project_key,
        model_id=key.model_id,
        model_name=key.model_id.replace("_", " ").title(),
        version_id=key.version_id,
        algorithm=random.choice(ALGORITHMS),
        prediction_type=PredictionType.BINARY,
        state=state,
        active=number % VERSIONS_OF_A_MODEL == VERSIONS_OF_A_MODEL - 1,
        built_at=None if state is VersionState.AWAITING_BUILD else built_at,
        initial=initial,
        current=current,
        drift=drift,
        sources=(source,) if current else (),
        evaluated_at=evaluated_at,
        severity=severity_of(degradation_of(moved, CATALOGUE["roc_auc"]), moved, None, Policy())
        if current
        else Severity.NONE,
        labels={"team": TEAMS[number // 1_000 % len(TEAMS)]},
        updated_at=evaluated_at or built_at,
    )


_STATES = (VersionState.EVALUATED, VersionState.INITIAL)


def _values(random: Random) -> tuple[dict[str, float], dict[str, float]]:
    """Initial and current values; how good a model is, and how much worse it has become, goes through all of them."""
    quality, decay = random.betavariate(8, 3), max(0.0, random.gauss(0.01, 0.03))
    initial, current = {}, {}
    for code in sorted(CODES):
        spec = CATALOGUE.get(code)
        base = min(0.99, max(0.01, quality + random.gauss(0, 0.03)))
        worse = min(0.99, max(0.01, base - decay + random.gauss(0, 0.01)))
        if spec is not None and spec.direction == "LOWER":
            base, worse = 1 - base, 1 - worse
        if code not in ("data_drift", "prediction_drift"):
            initial[code] = base
        current[code] = worse
    return initial, current
