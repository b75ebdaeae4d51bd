"""One column of the evaluated rows against what the reference keeps of it: how far they are apart, and how surely.

Pure. Kolmogorov-Smirnov, chi-square, Fisher's test and the Wasserstein distance are SciPy's. The population stability
index is that of credit scoring: N. Siddiqi, "Credit Risk Scorecards", Wiley 2006.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mooring.drift.sketches import PSI_BINS, Categories, CategorySketch, Column, Kind, Numbers, NumberSketch, Sketch

EXPECTED_ROWS_MIN = 5
"""Categories of which fewer rows are expected on a side are tested together (Cochran's rule)."""

# With more rows the exact distribution of the Kolmogorov-Smirnov statistic takes long and is no other.
_EXACT_ROWS_MAX = 1_000

Counts = NDArray[np.int64]


class Outcome(NamedTuple):
    """A statistic, and how often chance alone makes one as large where nothing has changed."""

    statistic: float
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """One column, compared.

    `test` is "kolmogorov_smirnov" for numbers and times, "chi_square" for categories, with its `statistic` and
    `p_value`. Where no test can be made the three are None, and `left_out` says why.

    `distance` is the greatest difference between the shares of rows that are at most some number (the
    Kolmogorov-Smirnov statistic) or in some set of categories (total variation): 0 the same, 1 nothing in common.
    `wasserstein` is in standard deviations of the reference, None where that does not vary. `psi` is the population
    stability index; missing values are a bin of their own. `missing` and `missing_in_reference` are shares of the
    rows, their difference tested by `missing_p_value` where there are any. `new_categories` are those that the
    reference lacks, with their rows, most first; None where the reference has not kept all that it has.
    """

    kind: Kind
    missing: float
    missing_in_reference: float
    missing_p_value: float | None
    psi: float
    test: str | None = None
    statistic: float | None = None
    p_value: float | None = None
    left_out: str | None = None
    distance: float | None = None
    wasserstein: float | None = None
    new_categories: Mapping[str, int] | None = None


def compare(sketch: Sketch, column: Column) -> Comparison:
    """A column, as `frames.read_as` reads it for this sketch, against the sketch. Both have rows, if not values."""
    missing = np.array([sketch.n_missing, column.n_missing])
    present = np.array([sketch.n_present, column.n_present])
    shares = missing / (missing + present)
    whole = Comparison(
        sketch.kind,
        missing=float(shares[1]),
        missing_in_reference=float(shares[0]),
        missing_p_value=missing_test(missing, present) if missing.any() else None,
        psi=psi(np.array([present, missing])),
    )
    if not sketch.n_present:
        return replace(whole, left_out="The reference has no value.")
    if not column.n_present:
        return replace(whole, left_out="None of these rows has a value.")
    if isinstance(sketch, NumberSketch) and isinstance(column, Numbers):
        test = kolmogorov_smirnov(sketch, column.present)
        deviations = wasserstein(sketch, column.present) / sketch.std if sketch.std else math.inf
        return replace(
            whole,
            psi=psi(np.vstack([binned(sketch, column.present), missing])),
            test="kolmogorov_smirnov",
            statistic=test.statistic,
            p_value=test.p_value,
            distance=test.statistic,
            wasserstein=deviations if math.isfinite(deviations) else None,
        )
    if isinstance(sketch, CategorySketch) and isinstance(column, Categories):
        return _categories_compared(whole, sketch, column, missing)
    return replace(whole, left_out="Text that is hardly ever the same twice: only whether it is there is compared.")


def kolmogorov_smirnov(sketch: NumberSketch, present: NDArray[np.float64]) -> Outcome:
    """The two-sample Kolmogorov-Smirnov test, two-sided, of a sketch and n ascending numbers.

    Where the sketch keeps every value the statistic is that of SciPy's `ks_2samp`. Else it is too small by at most
    `sketch.ks_error`, and so the p-value too large: the summary never makes a drift. The p-value is exact up to 1,000
    rows on each side, and that of SciPy's `method="asymp"` with more.
    """
    if sketch.is_exact and max(sketch.n_present, len(present)) <= _EXACT_ROWS_MAX:
        with warnings.catch_warnings():
            # Where SciPy's exact calculation fails, its approximation is as good.
            warnings.simplefilter("ignore", RuntimeWarning)
            exact = stats.ks_2samp(np.repeat(sketch.values, sketch.upto - sketch.below), present)
        return Outcome(float(exact.statistic), float(exact.pvalue))
    # The shares are known on both sides of each kept value. Between two of them, both shares can only ascend.
    below = np.searchsorted(present, sketch.values, "left") / len(present) - sketch.below / sketch.n_present
    upto = np.searchsorted(present, sketch.values, "right") / len(present) - sketch.upto / sketch.n_present
    statistic = float(max(np.abs(below).max(), np.abs(upto).max()))
    effective = round(sketch.n_present * len(present) / (sketch.n_present + len(present)))
    return Outcome(statistic, float(np.clip(stats.kstwo.sf(statistic, effective), 0, 1)))


def wasserstein(sketch: NumberSketch, present: NDArray[np.float64]) -> float:
    """The first Wasserstein distance of a sketch and n numbers, in their unit.

    Rows that stand between two kept values are taken to be halfway, which is off by at most
    `sketch.wasserstein_error`.
    """
    halfway = sketch.values[:-1] + np.diff(sketch.values) / 2
    values = np.concatenate([sketch.values, halfway])
    rows = np.concatenate([sketch.upto - sketch.below, sketch.between])
    return float(stats.wasserstein_distance(values[rows > 0], present, rows[rows > 0]))


def binned(sketch: NumberSketch, present: NDArray[np.float64]) -> Counts:
    """Rows of the sketch and of n ascending numbers in the bins of the population stability index: shape (bins, 2).

    A bin reaches up to and including a decile of the reference. A number that is a decile by itself has a bin of its
    own. The counts are exact, since the sketch's counts are.
    """
    wanted = sketch.n_present * np.arange(1, PSI_BINS) / PSI_BINS
    decile = np.unique(np.searchsorted(sketch.upto, wanted))
    heavy = decile[(sketch.upto - sketch.below)[decile] * PSI_BINS >= sketch.n_present]
    values = sketch.values
    cuts = np.concatenate(
        [
            np.column_stack([sketch.below[heavy], np.searchsorted(present, values[heavy], "left")]),
            np.column_stack([sketch.upto[decile], np.searchsorted(present, values[decile], "right")]),
        ]
    )
    # Both columns ascend with the bound, so each can be sorted by itself.
    ends = np.array([[0, 0], [sketch.n_present, len(present)]])
    return np.diff(np.sort(np.concatenate([cuts, ends]), axis=0), axis=0)


def psi(rows: Counts) -> float:
    """The population stability index of two distributions over bins: the sum of (q - p) ln(q / p).

    `rows` has shape (bins, 2): rows of the reference and rows evaluated. p and q are their shares; a bin that is empty
    on one side counts as half a row, one that is empty on both does not count.
    """
    totals = rows.sum(axis=0)
    shares = np.maximum(rows, 0.5)[rows.any(axis=1)] / totals
    return float(((shares[:, 1] - shares[:, 0]) * np.log(shares[:, 1] / shares[:, 0])).sum())


def chi_square(rows: Counts) -> Outcome | None:
    """The chi-square test of independence of rows of shape (categories, 2), by SciPy's `chi2_contingency`.

    Categories that are too rare for it are tested as one; None where less than two are left.
    """
    table = rows[np.argsort(rows.sum(axis=1), kind="stable")]
    table = table[table.any(axis=1)]
    expected = table.sum(axis=1) * (table.sum(axis=0).min() / table.sum())
    n_rare = int(np.count_nonzero(expected < EXPECTED_ROWS_MIN))
    if n_rare:
        # With the least frequent of the others, if they need it to be enough together.
        n_pooled = max(n_rare, 1 + int(np.searchsorted(expected.cumsum(), EXPECTED_ROWS_MIN)))
        table = np.vstack([table[:n_pooled].sum(axis=0), table[n_pooled:]])
    if len(table) < 2:
        return None
    found = stats.chi2_contingency(table)
    return Outcome(float(found.statistic), float(found.pvalue))


def missing_test(missing: Counts, present: Counts) -> float:
    """The p-value of a difference in the share of missing values: chi-square, Fisher's exact test for a few rows."""
    table = np.array([missing, present])
    if not (missing.any() and present.any()):
        return 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    if expected.min() < EXPECTED_ROWS_MIN:
        return float(stats.fisher_exact(table).pvalue)
    return float(stats.chi2_contingency(table).pvalue)


def _categories_compared(whole: Comparison, sketch: CategorySketch, column: Categories, missing: Counts) -> Comparison:
    new = {name: rows for name, rows in column.counts.items() if name not in sketch.counts}
    rows = [[kept, column.counts.get(name, 0)] for name, kept in sketch.counts.items()]
    if sketch.is_exact:
        rows += [[0, count] for count in new.values()]
    else:
        rows.append([sketch.n_other_rows, sum(new.values())])
    table = np.array(rows)
    shares = table / table.sum(axis=0)
    test = chi_square(table)
    return replace(
        whole,
        psi=psi(np.vstack([table, missing])),
        test=None if test is None else "chi_square",
        statistic=None if test is None else test.statistic,
        p_value=None if test is None else test.p_value,
        left_out=None if test is not None else "Fewer than two categories are frequent enough to be tested.",
        distance=float(np.abs(shares[:, 0] - shares[:, 1]).sum() / 2),
        new_categories=dict(sorted(new.items(), key=lambda item: (-item[1], item[0]))) if sketch.is_exact else None,
    )
