"""The area under the ROC curve and its standard error, from the scores, without supposing how they are distributed.

E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
operating characteristic curves: a nonparametric approach", Biometrics 44 (1988), 837-845; calculated by midranks in
O(n log n) as X. Sun and W. Xu have it, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21
(2014), 1389-1393. Importing this module without SciPy raises `DependencyMissing`, which says how to get it.
"""

from __future__ import annotations

from typing import NamedTuple

from mooring.errors import DependencyMissing

try:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.stats import rankdata
except ImportError as error:
    raise DependencyMissing("scikit-learn", extra="sklearn") from error


class Area(NamedTuple):
    """An area under the ROC curve, and its standard error; NaN where a class has but one row."""

    value: float
    standard_error: float


def roc_auc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> Area:
    """The area for n rows: which of them are positive, and n finite scores, higher for what looks positive.

    With V of a positive row the share of negative ones that are below it, equal ones counting half, and V of a negative
    row the share of positive ones above it, the area is the mean of either, and its variance
    var(V of the positive) / P + var(V of the negative) / N, each with one degree of freedom less.

    Raises ValueError where a class has no row.
    """
    above, below = score[positive], score[~positive]
    if not (len(above) and len(below)):
        raise ValueError("positive must have rows of both classes")
    ranks = rankdata(score)
    # Of the rows that are no greater, those of the same class are taken away.
    of_above = (ranks[positive] - rankdata(above)) / len(below)
    of_below = 1 - (ranks[~positive] - rankdata(below)) / len(above)
    value = float(of_above.mean())
    if len(above) < 2 or len(below) < 2:
        return Area(value, float("nan"))
    variance = of_above.var(ddof=1) / len(above) + of_below.var(ddof=1) / len(below)
    return Area(value, float(variance**0.5))
