"""The clustering metrics: by hand on four rows, against scikit-learn on many, and what rows do not define."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from mooring.metrics import InvalidArrays, PredictionType
from mooring.metrics.clustering import SILHOUETTE_ROWS, evaluate_clustering

# By hand: 0 and 2 are one cluster, 10 and 14 the other.
FEATURES = [[0.0], [2.0], [10.0], [14.0]]
CLUSTERS = ["near", "near", "far", "far"]


def blobs(n_rows: int, seed: int = 0) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    return random.standard_normal((n_rows, 3)) + 4 * random.integers(0, 3, (n_rows, 1))


def test_by_hand() -> None:
    found = evaluate_clustering(CLUSTERS, features=FEATURES)
    # To the own cluster 2, 2, 4, 4; to the other 12, 10, 9, 13 on average.
    silhouette = ((12 - 2) / 12 + (10 - 2) / 10 + (9 - 4) / 9 + (13 - 4) / 13) / 4
    assert dict(found.metrics) == pytest.approx({"silhouette": silhouette, "inertia": 1 + 1 + 4 + 4, "n_clusters": 2})
    assert (found.prediction_type, found.n_rows, found.left_out) == (PredictionType.CLUSTERING, 4, {})
    assert found.standard_errors == {}


def test_against_scikit_learn() -> None:
    rows = blobs(600)
    means = KMeans(3, n_init=1, random_state=1).fit(rows)
    found = evaluate_clustering(means.labels_, features=rows).metrics
    assert found["silhouette"] == pytest.approx(silhouette_score(rows, means.labels_), rel=1e-12)
    assert found["inertia"] == pytest.approx(means.inertia_, rel=1e-4)
    assert found["n_clusters"] == 3


def test_of_many_rows_the_silhouette_is_that_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SILHOUETTE_ROWS >= 10_000
    monkeypatch.setattr("mooring.metrics.clustering.SILHOUETTE_ROWS", 500)
    rows = blobs(3_000)
    clusters = (rows.mean(axis=1) / 4).round()
    one, again, other = (evaluate_clustering(clusters, features=rows, seed=seed).metrics for seed in (1, 1, 2))
    assert one == again
    assert one["silhouette"] != other["silhouette"]
    assert one["silhouette"] == pytest.approx(silhouette_score(rows, clusters), abs=0.05)
    assert one["inertia"] == other["inertia"]


def test_noise_belongs_to_no_cluster() -> None:
    found = evaluate_clustering([0, 0, 1, 1, -1], features=[*FEATURES, [999.0]])
    assert found.metrics == evaluate_clustering([0, 0, 1, 1], features=FEATURES).metrics
    assert found.n_rows == 5


@pytest.mark.parametrize(
    ("clusters", "features", "left_out"),
    [
        (CLUSTERS, None, {"silhouette": "No features were given.", "inertia": "No features were given."}),
        (["near"] * 4, FEATURES, {"silhouette": "Every row is in the same cluster"}),
        ([1, 2, 3, 4], FEATURES, {"silhouette": "Every row is a cluster of its own."}),
        ([-1] * 4, FEATURES, {"silhouette": "No row is in a cluster.", "inertia": "No row is in a cluster."}),
    ],
)
def test_what_rows_do_not_define_is_left_out(clusters: Any, features: Any, left_out: dict[str, str]) -> None:
    found = evaluate_clustering(clusters, features=features)
    assert set(found.left_out) == set(left_out)
    assert set(found.metrics) == {"silhouette", "inertia", "n_clusters"} - set(left_out)
    assert all(found.left_out[code].startswith(reason) for code, reason in left_out.items())


@pytest.mark.parametrize(
    ("arguments", "culprit", "problem"),
    [
        ({"clusters": []}, "y_score", "empty"),
        ({"clusters": [1, 1, 2, math.nan]}, "y_score", "missing"),
        ({"clusters": [[1], [2], [3], [4]]}, "y_score", "one dimension"),
        ({"features": [0, 2, 10, 14]}, "features", "two dimensions, not 1"),
        ({"features": [[1]]}, "features", "has 1 values, but y_score has 4"),
        ({"features": [[], [], [], []]}, "features", "empty"),
        ({"features": [["a"]] * 4}, "features", "must hold numbers"),
        ({"features": [[math.inf]] * 4}, "features", "missing or infinite"),
    ],
)
def test_refusals_name_the_argument(arguments: dict[str, Any], culprit: str, problem: str) -> None:
    good: dict[str, Any] = {"clusters": CLUSTERS, "features": FEATURES}
    with pytest.raises(InvalidArrays, match=problem) as refusal:
        evaluate_clustering(**(good | arguments))
    assert refusal.value.argument == culprit
