"""Clustering: the standard metrics of one set of rows, from their features and the clusters that they were put into.

scikit-learn calculates the silhouette. Importing this module without it raises `DependencyMissing`, which says how to
get it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mooring.errors import DependencyMissing
from mooring.metrics.calculation import Undefined, calculated
from mooring.metrics.catalogue import PredictionType
from mooring.metrics.evaluation import Evaluation

try:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from sklearn import metrics as sk

    from mooring.metrics import arrays
    from mooring.metrics.arrays import Numbers
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error

SILHOUETTE_ROWS = 10_000
"""Of more rows than these the silhouette is that of a sample: it compares each row with every other."""

NOISE = -1
"""The label of rows that belong to no cluster, as scikit-learn's density-based methods give it."""


def evaluate_clustering(clusters: ArrayLike, *, features: ArrayLike | None = None, seed: int = 0) -> Evaluation:
    """Calculate the clustering metrics of the catalogue for n rows.

    `clusters`
        n labels (the `y_score` of `evaluate`). Rows labelled -1 belong to none and are not counted.
    `features`
        n rows of finite numbers, as the model saw them: scaled and encoded. Without them silhouette and inertia are
        left out.
    `seed`
        Of the sample of `SILHOUETTE_ROWS` rows that stands for more of them: the same seed draws the same rows.

    Inertia is to the means of these rows, as KMeans has it on the rows that it was fitted on. It is a total, so it
    grows with the rows.

    Raises InvalidArrays, naming the argument, for arrays that are empty, differ in length, have another shape, or hold
    missing or infinite values.
    """
    labels = arrays.labels("y_score", clusters)
    place = {label: index for index, label in enumerate(dict.fromkeys(each for each in labels if each != NOISE))}
    cluster = np.array([place.get(label, NOISE) for label in labels])
    table = None if features is None else arrays.table("features", features, len(labels), like="y_score")
    rows = _Rows(cluster[cluster != NOISE], None if table is None else table[cluster != NOISE], len(place), seed)

    metrics, left_out = calculated(_CALCULATIONS, rows)
    return Evaluation(
        prediction_type=PredictionType.CLUSTERING,
        metrics=metrics,
        left_out=left_out,
        standard_errors=MappingProxyType({}),
        n_rows=len(labels),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Checked rows that are in a cluster: its index, and their features or None, each of n."""

    cluster: NDArray[np.intp]
    features: Numbers | None
    n_clusters: int
    seed: int

    def need_features(self) -> Numbers:
        if self.features is None:
            raise Undefined("No features were given.")
        if self.n_clusters == 0:
            raise Undefined("No row is in a cluster.")
        return self.features


def _silhouette(rows: _Rows) -> float:
    features, cluster = rows.need_features(), rows.cluster
    if len(cluster) > SILHOUETTE_ROWS:
        drawn = np.random.default_rng(rows.seed).choice(len(cluster), SILHOUETTE_ROWS, replace=False)
        features, cluster = features[drawn], cluster[drawn]
    n_clusters = len(np.unique(cluster))
    if n_clusters == 1:
        raise Undefined("Every row is in the same cluster: there is no other to compare with.")
    if n_clusters == len(cluster):
        raise Undefined("Every row is a cluster of its own.")
    return float(sk.silhouette_score(features, cluster))


def _inertia(rows: _Rows) -> float:
    features = rows.need_features()
    sizes = np.bincount(rows.cluster, minlength=rows.n_clusters)
    centres = np.column_stack(
        [np.bincount(rows.cluster, weights=each, minlength=rows.n_clusters) / sizes for each in features.T]
    )
    return float(((features - centres[rows.cluster]) ** 2).sum())


def _n_clusters(rows: _Rows) -> float:
    return float(rows.n_clusters)


_CALCULATIONS: Mapping[str, Callable[[_Rows], float]] = MappingProxyType(
    {"silhouette": _silhouette, "inertia": _inertia, "n_clusters": _n_clusters}
)
