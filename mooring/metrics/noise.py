"""How far a measured value may be from the true one, by chance alone: standard errors, p-values, intervals.

Pure, with nothing but the standard library: the worker decides by it and the web view draws it. What needs the scores
is in `mooring.metrics.delong`.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def hanley_mcneil(auc: float, n_positive: int, n_negative: int) -> float:
    """The standard error of an area under the ROC curve that was measured on so many positive and negative rows.

    By Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143 (1982), 29-36: with Q1 = A / (2 - A) and Q2 = 2 A^2 / (1 + A) the variance is
    (A (1 - A) + (P - 1) (Q1 - A^2) + (N - 1) (Q2 - A^2)) / (P N). It needs no scores; it supposes that they are
    distributed exponentially, which for the symmetric curves of practice errs on the side of too large.

    Of an area of 0 or 1 that would be 0, as if nothing could be surer than what a few rows happen to show. So the area
    counts as at least half a pair away from both: 1 / (2 P N).

    Raises ValueError for an area outside 0 to 1 and for counts below 1.
    """
    if not 0.0 <= auc <= 1.0:
        raise ValueError(f"auc must be between 0 and 1, not {auc}")
    if n_positive < 1 or n_negative < 1:
        raise ValueError(f"n_positive and n_negative must be at least 1, not {n_positive} and {n_negative}")
    pairs = n_positive * n_negative
    area = min(max(auc, 0.5 / pairs), 1 - 0.5 / pairs)
    two_positives, two_negatives = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (
        area * (1 - area) + (n_positive - 1) * (two_positives - area**2) + (n_negative - 1) * (two_negatives - area**2)
    ) / pairs
    return math.sqrt(variance)


def binomial(share: float, n_rows: int) -> float:
    """The standard error of a share of so many rows, each in it or not: sqrt(p (1 - p) / n).

    As with an area, a share of 0 or 1 would seem sure; it counts as at least half a row away from both.
    Raises ValueError for a share outside 0 to 1 and for less than one row.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share must be between 0 and 1, not {share}")
    if n_rows < 1:
        raise ValueError(f"n_rows must be at least 1, not {n_rows}")
    inside = min(max(share, 0.5 / n_rows), 1 - 0.5 / n_rows)
    return math.sqrt(inside * (1 - inside) / n_rows)


def difference_error(one: float, other: float) -> float:
    """The standard error of the difference of two values, measured on different rows, from theirs."""
    return math.hypot(one, other)


def p_value(difference: float, standard_error: float) -> float:
    """How often chance alone makes a difference of this size, up or down, where there is none: of a normal one.

    Two-sided: P(|Z| >= |difference| / standard error). Where the standard error is 0, chance makes none at all.
    Raises ValueError for a standard error that is negative or not finite.
    """
    if not (math.isfinite(standard_error) and standard_error >= 0):
        raise ValueError(f"standard_error must be finite and not negative, not {standard_error}")
    if difference == 0:
        return 1.0
    if standard_error == 0:
        return 0.0
    return math.erfc(abs(difference) / standard_error / math.sqrt(2))


def interval(
    value: float, standard_error: float, level: float = 0.95, low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """The interval that has the true value so often, `level`, if it is measured again and again.

    A value between two bounds is taken to their logit, where the interval is symmetric, and back: so it stays within
    them, and leans away from the near one, as it should (Pepe, "The Statistical Evaluation of Medical Tests for
    Classification and Prediction", Oxford 2003, section 5.2.5). At a bound, and where there are not two, it is
    value +- z standard errors, cut off at them.

    Raises ValueError for a level that is not between 0 and 1, and for a standard error that is negative or not finite.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    if not (math.isfinite(standard_error) and standard_error >= 0):
        raise ValueError(f"standard_error must be finite and not negative, not {standard_error}")
    reach = _NORMAL.inv_cdf(0.5 + level / 2) * standard_error
    if not (math.isfinite(low) and math.isfinite(high) and low < value < high):
        return max(low, value - reach), min(high, value + reach)
    share = (value - low) / (high - low)
    # The derivative of the logit is 1 / (p (1 - p)).
    reach /= (high - low) * share * (1 - share)
    logit = math.log(share / (1 - share))
    # The logit's inverse is (1 + tanh(x / 2)) / 2, which no x makes overflow.
    ends = [low + (high - low) * (1 + math.tanh((logit + way) / 2)) / 2 for way in (-reach, reach)]
    return ends[0], ends[1]
