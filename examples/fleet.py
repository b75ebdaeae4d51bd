"""A fleet of real models on scikit-learn's own data, whose inputs grow noisier week by week: something to look at.

    with Mooring("localhost:9092", …) as mooring: …
    report("localhost:9092", weeks=8)

Three projects on two nodes, three algorithms each, two versions of each model. No number is made up: each is measured
on a model, on data that was disturbed a little more than the week before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mooring import Mooring
from mooring.metrics import evaluate
from mooring.topics import DEFAULT_PREFIX

WEEK_MS = 7 * 86_400_000
_NOISE_A_WEEK = 0.09
_FLIPPED_A_WEEK = 0.008


@dataclass(frozen=True)
class Project:
    """A project: where it is, what it predicts, its data (n rows of features, n booleans)."""

    node: str
    node_kind: str
    name: str
    model: str
    features: NDArray[np.float64]
    wanted: NDArray[np.bool_]
    # How fast its world changes, as a share of the others'.
    pace: float


def projects() -> Iterator[Project]:
    """The projects, with their data loaded."""
    cancer, wine, digits = load_breast_cancer(), load_wine(), load_digits()
    yield Project("design-1", "DESIGN", "TUMOUR_SCREENING", "malignancy", cancer.data, cancer.target == 0, 0.6)
    yield Project("automation-1", "AUTOMATION", "CELLAR", "first_growth", wine.data, wine.target == 0, 1.6)
    yield Project("automation-1", "AUTOMATION", "MAIL_SORTING", "odd_digit", digits.data, digits.target % 2 == 1, 1.0)


def algorithms(seed: int) -> Iterator[tuple[str, ClassifierMixin]]:
    """What each project tries, not fitted yet."""
    yield "logistic regression", make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))
    yield "random forest", RandomForestClassifier(60, random_state=seed, n_jobs=1)
    yield "gradient boosting", GradientBoostingClassifier(n_estimators=40, random_state=seed)


def report(brokers: str, *, weeks: int = 8, topic_prefix: str = DEFAULT_PREFIX, now_ms: int | None = None) -> int:
    """Train, evaluate and report everything. Blocks until Kafka has it; answers how many evaluations there were."""
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    evaluations = 0
    for project in projects():
        with Mooring(
            brokers,
            node=project.node,
            node_kind=project.node_kind,
            project=project.name,
            topic_prefix=topic_prefix,
        ) as mooring:
            mooring.configure_store("weekly", actor="mlops", thresholds={"roc_auc": {"min": 0.85, "soft_min": 0.92}})
            for version, seed in (("v1", 1), ("v2", 2)):
                for algorithm, classifier in algorithms(seed):
                    evaluations += _life(mooring, project, version, seed, algorithm, classifier, weeks, now)
    return evaluations


def _life(
    mooring: Mooring,
    project: Project,
    version: str,
    seed: int,
    algorithm: str,
    classifier: ClassifierMixin,
    weeks: int,
    now: int,
) -> int:
    """Report a version's build and its evaluations, one a week; answers how many."""
    fitted, held_out, is_wanted, held_out_is_wanted = train_test_split(
        project.features, project.wanted, test_size=0.4, stratify=project.wanted, random_state=seed
    )
    classifier.fit(fitted, is_wanted)
    model = f"{project.model}_{algorithm.split()[0]}"
    first_week = 0 if version == "v1" else weeks // 2
    built = evaluate(held_out_is_wanted, classifier.predict_proba(held_out)[:, 1])
    mooring.model_built(
        model,
        version,
        prediction_type="BINARY",
        algorithm=algorithm,
        model_name=f"{project.model.replace('_', ' ').capitalize()}, {algorithm}",
        built_at=now - (weeks - first_week) * WEEK_MS,
        activate=True,
        metrics=built,
        author="mlops",
        labels={"team": project.name.split("_")[0].lower(), "stage": "production" if version == "v2" else "previous"},
    )
    random = np.random.default_rng((seed, len(algorithm)))
    spread = held_out.std(axis=0)
    for week in range(first_week + 1, weeks + 1):
        age = (week - first_week) * project.pace
        noisy = held_out + random.normal(0, 1, held_out.shape) * spread * _NOISE_A_WEEK * age
        flipped = random.random(len(held_out)) < _FLIPPED_A_WEEK * age
        now_wanted = held_out_is_wanted ^ flipped
        measured = evaluate(now_wanted, classifier.predict_proba(noisy)[:, 1])
        mooring.evaluated(
            model,
            version,
            store="weekly",
            evaluation=f"week {week}",
            evaluated_at=now - (weeks - week) * WEEK_MS,
            metrics=measured,
            data_drift=_data_drift(held_out, noisy, seed),
        )
    return weeks - first_week


def _data_drift(reference: NDArray[np.float64], batch: NDArray[np.float64], seed: int) -> float:
    """The accuracy with which a forest tells the batch from the reference, on rows new to it; 0.5 is guessing."""
    rows = np.concatenate([reference, batch])
    is_batch = np.repeat([False, True], [len(reference), len(batch)])
    fitted, tested, fitted_is_batch, tested_is_batch = train_test_split(
        rows, is_batch, test_size=0.5, stratify=is_batch, random_state=seed
    )
    forest = RandomForestClassifier(20, min_samples_leaf=5, random_state=seed, n_jobs=1).fit(fitted, fitted_is_batch)
    return float(forest.score(tested, tested_is_batch))
