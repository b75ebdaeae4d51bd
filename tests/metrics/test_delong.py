"""DeLong's standard error: against the example of the paper, and against its definition, pair by pair."""

import math
from statistics import mean, variance

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mooring.metrics.delong import roc_auc


def values(text: str) -> list[float]:
    return [float(word) for word in text.split()]


# The 43 patients of DeLong, DeLong and Clarke-Pearson (1988) with all three values: of those who benefit from surgery,
# and of those who do not.
ALBUMIN = (
    values("1.6 2.1 2.3 2.6 3.1 3.2 3.2 3.2 3.2 3.3 3.3 3.5 3.5 3.6 3.6 3.7 3.7 3.7 3.7 3.8 3.8 3.8 3.9 4.0 4.1 4.1")
    + values("4.2 4.3 4.3 4.3 4.5"),
    values("0.9 1.7 2.5 2.8 2.8 2.9 3.0 3.0 3.3 3.6 4.0 4.2"),
)
TOTAL_PROTEIN = (
    values("4.4 4.7 4.8 5.1 5.4 5.6 5.7 5.7 5.7 5.8 5.8 6.1 6.2 6.3 6.3 6.5 6.6 6.6 6.6 6.6 6.7 6.8 6.8 6.9 7.0 7.0")
    + values("7.0 7.4 7.4 7.7 8.2"),
    values("4.0 4.0 4.7 4.8 5.7 5.7 5.8 6.2 6.6 6.7 6.8 7.6"),
)
# The lower the score, the better the outlook.
KG_SCORE = (
    values("-3 " * 2 + "-4 " * 3 + "-5 " * 13 + "-6 " * 9 + "-7 " * 4),
    values("-4 -4 -5 -6 -6 -6 -7 -8 -8 -8 -9 -10"),
)

RANKED = st.lists(st.integers(0, 9), min_size=2, max_size=12)


def area(above: list[float], below: list[float]) -> tuple[float, float]:
    return roc_auc(np.arange(len(above) + len(below)) < len(above), np.array([*above, *below], dtype=np.float64))


@pytest.mark.parametrize(
    ("groups", "value", "standard_error"),
    [(KG_SCORE, 0.7258, 0.1028), (ALBUMIN, 0.7366, 0.0927), (TOTAL_PROTEIN, 0.6478, 0.1000)],
    ids=["K-G score", "albumin", "total protein"],
)
def test_the_example_of_the_paper(groups: tuple[list[float], list[float]], value: float, standard_error: float) -> None:
    """The areas and errors that SAS/STAT's documentation of PROC LOGISTIC prints for these data."""
    assert [len(group) for group in groups] == [31, 12]
    assert area(*groups) == pytest.approx((value, standard_error), abs=5e-5)


def test_by_hand() -> None:
    # Positives 3, 2 and negatives 2, 1. Of the negatives, below 3 are both, below 2 one and half of the other: 1 and
    # 3/4. Of the positives, above 2 are one and half of the other, above 1 both: 3/4 and 1. Mean 7/8, and each pair's
    # variance is (1/8)^2 + (1/8)^2 = 1/32.
    assert area([3, 2], [2, 1]) == pytest.approx((7 / 8, math.sqrt(1 / 32 / 2 + 1 / 32 / 2)))


@given(RANKED, RANKED)
def test_the_midranks_come_to_the_definition(above: list[float], below: list[float]) -> None:
    def better(one: float, other: float) -> float:
        return (one > other) + (one == other) / 2

    of_above = [mean(better(one, other) for other in below) for one in above]
    of_below = [mean(better(one, other) for one in above) for other in below]
    expected = (mean(of_above), math.sqrt(variance(of_above) / len(above) + variance(of_below) / len(below)))
    assert area(above, below) == pytest.approx(expected, abs=1e-9)


def test_the_area_is_scikit_learn_s() -> None:
    random = np.random.default_rng(5)
    positive = random.random(3_000) < 0.2
    score = (random.standard_normal(3_000) + positive).round(1)
    assert roc_auc(positive, score).value == pytest.approx(roc_auc_score(positive, score), rel=1e-12)


def test_its_error_is_how_far_areas_lie_apart() -> None:
    """On 400 samples of one distribution the errors' root mean square is the areas' own standard deviation."""
    random = np.random.default_rng(8)
    positive = np.arange(300) < 90
    found = [roc_auc(positive, random.standard_normal(300) + positive) for _ in range(400)]
    spread = np.std([value for value, _ in found], ddof=1)
    assert math.sqrt(mean(error**2 for _, error in found)) == pytest.approx(spread, rel=0.1)


def test_of_one_row_there_is_no_error() -> None:
    value, error = area([1.0], [0.5, 0.7])
    assert value == 1
    assert math.isnan(error)


@pytest.mark.parametrize("positive", [[True, True], [False, False]])
def test_a_class_without_rows_is_refused(positive: list[bool]) -> None:
    with pytest.raises(ValueError, match="both classes"):
        roc_auc(np.array(positive), np.array([0.1, 0.2]))
