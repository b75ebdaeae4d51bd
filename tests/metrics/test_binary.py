"""The binary metrics: by hand on four rows, against scikit-learn on many, and laws that hold on any."""

import math
import statistics
import subprocess
import sys
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from mooring.errors import MooringError
from mooring.metrics import CATALOGUE, CostMatrix, Evaluation, InvalidArrays
from mooring.metrics.binary import evaluate_binary

BINARY_CODES = {
    "roc_auc",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "log_loss",
    "average_precision",
    "cost_matrix_gain",
    "calibration_loss",
    "lift",
}

# Scores in multiples of 1/64 stay distinct under the maps below, and their ties stay ties.
SCORE = st.integers(0, 64).map(lambda n: n / 64)
ROWS = st.lists(st.tuples(st.booleans(), SCORE), min_size=1, max_size=40)
ROWS_OF_BOTH_CLASSES = ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2)


# How long an example takes depends on what else the machine does.
law = settings(deadline=None)


def columns(rows: list[tuple[bool, float]]) -> tuple[list[bool], list[float]]:
    return [label for label, _ in rows], [score for _, score in rows]


def simulated(n_rows: int = 2_000, seed: int = 3) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n_rows) < 0.3).astype(int)
    # Rounded, so that there are ties.
    scores = np.clip(0.25 * labels + 0.75 * rng.random(n_rows), 0, 1).round(2)
    return labels, scores, rng.random(n_rows)


# By hand: four rows, scores 0.9 (yes), 0.6 (no), 0.4 (yes), 0.2 (no); at 0.5 that is one TP, FP, FN and TN each.
HAND_LABELS = [1, 0, 1, 0]
HAND_SCORES = [0.9, 0.6, 0.4, 0.2]


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("roc_auc", 3 / 4),  # of the four pairs only (0.4 yes, 0.6 no) is the wrong way round
        ("accuracy", 1 / 2),
        ("precision", 1 / 2),
        ("recall", 1 / 2),
        ("f1", 1 / 2),
        ("log_loss", -(math.log(0.9) + math.log(0.4) + math.log(0.4) + math.log(0.8)) / 4),
        ("average_precision", (1 / 1 + 2 / 3) / 2),
        ("cost_matrix_gain", (1 - 0.3) / 4),
        ("calibration_loss", (0.1 + 0.6 + 0.6 + 0.2) / 4),  # each row is alone in its bin
        ("lift", (1 + 0.6 * 0) / 2 / 0.4),  # the best 1.6 rows: one positive, six tenths of a negative
    ],
)
def test_by_hand(code: str, value: float) -> None:
    assert evaluate_binary(HAND_LABELS, HAND_SCORES).metrics[code] == pytest.approx(value, rel=1e-12)


def test_the_counts_and_the_codes() -> None:
    evaluation = evaluate_binary([1, 0, 1, 0, 0], [0.9, 0.6, 0.4, 0.2, 0.1])
    assert (evaluation.n_rows, evaluation.n_positive, evaluation.n_negative) == (5, 2, 3)
    assert set(evaluation.metrics) == BINARY_CODES
    assert evaluation.left_out == {}


def test_lift_by_hand() -> None:
    # Ten rows, four positive; the best four hold three of them: 3/4 of the positives in 0.4 of the rows.
    labels = [1, 1, 0, 1, 0, 0, 1, 0, 0, 0]
    scores = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    assert evaluate_binary(labels, scores).metrics["lift"] == pytest.approx(0.75 / 0.4)
    # The same score everywhere is guessing.
    assert evaluate_binary(labels, [0.3] * 10).metrics["lift"] == pytest.approx(1.0)
    # A perfect ranking finds all of them.
    assert evaluate_binary(sorted(labels), sorted(scores)).metrics["lift"] == pytest.approx(1 / 0.4)


def test_calibration_loss_by_hand() -> None:
    # Bin up to 0.3: scores 0.25 and 0.25, one of two positive. Bin up to 0.8: score 0.75, positive.
    evaluation = evaluate_binary([1, 0, 1], [0.25, 0.25, 0.75])
    assert evaluation.metrics["calibration_loss"] == pytest.approx((2 * 0.25 + 1 * 0.25) / 3)
    assert evaluate_binary([0, 1], [0.0, 1.0]).metrics["calibration_loss"] == 0
    assert evaluate_binary([1, 0], [0.0, 1.0]).metrics["calibration_loss"] == 1


def test_cost_matrix_by_hand() -> None:
    matrix = CostMatrix(true_positive=10, false_positive=-4, false_negative=-7, true_negative=1)
    assert evaluate_binary(HAND_LABELS, HAND_SCORES, cost_matrix=matrix).metrics["cost_matrix_gain"] == 0.0
    gain = evaluate_binary(HAND_LABELS, HAND_SCORES, cost_matrix=matrix, sample_weight=[2, 0, 1, 1]).metrics
    assert gain["cost_matrix_gain"] == (2 * 10 - 7 + 1) / 4


def test_a_score_at_the_threshold_is_predicted_positive() -> None:
    assert evaluate_binary([1, 0], [0.5, 0.4]).metrics["recall"] == 1
    assert evaluate_binary([1, 0], [0.5, 0.4], threshold=0.51).metrics["recall"] == 0


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_against_scikit_learn(weighted: bool) -> None:
    labels, scores, weights = simulated()
    weights = weights if weighted else None
    predicted = scores >= 0.4
    found = evaluate_binary(labels, scores, threshold=0.4, sample_weight=weights).metrics
    expected = {
        "roc_auc": sk.roc_auc_score(labels, scores, sample_weight=weights),
        "accuracy": sk.accuracy_score(labels, predicted, sample_weight=weights),
        "precision": sk.precision_score(labels, predicted, sample_weight=weights),
        "recall": sk.recall_score(labels, predicted, sample_weight=weights),
        "f1": sk.f1_score(labels, predicted, sample_weight=weights),
        "log_loss": sk.log_loss(labels, scores, sample_weight=weights),
        "average_precision": sk.average_precision_score(labels, scores, sample_weight=weights),
    }
    assert {code: found[code] for code in expected} == pytest.approx(expected, rel=1e-12)
    (_, fp), (_, tp) = sk.confusion_matrix(labels, predicted, sample_weight=weights)
    total = len(labels) if weights is None else weights.sum()
    assert found["cost_matrix_gain"] == pytest.approx((tp - 0.3 * fp) / total, rel=1e-12)


def test_calibration_loss_against_scikit_learns_curve() -> None:
    labels, scores, _ = simulated()
    share, mean_score = calibration_curve(labels, scores, n_bins=10, strategy="uniform")
    rows_in_bin = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], scores), minlength=10)
    expected = np.average(np.abs(share - mean_score), weights=rows_in_bin[rows_in_bin > 0])
    assert evaluate_binary(labels, scores).metrics["calibration_loss"] == pytest.approx(expected, rel=1e-12)


@law
@given(ROWS_OF_BOTH_CLASSES)
def test_roc_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, float]]) -> None:
    positives = [score for label, score in rows if label]
    negatives = [score for label, score in rows if not label]
    wins = sum((p > n) + (p == n) / 2 for p in positives for n in negatives)
    found = evaluate_binary(*columns(rows)).metrics["roc_auc"]
    assert found == pytest.approx(wins / (len(positives) * len(negatives)), abs=1e-12)


@law
@given(ROWS_OF_BOTH_CLASSES)
def test_rank_metrics_stay_under_increasing_maps(rows: list[tuple[bool, float]]) -> None:
    labels, scores = columns(rows)
    before = evaluate_binary(labels, scores).metrics
    for after in (
        evaluate_binary(labels, [s**3 for s in scores]),
        evaluate_binary(labels, [9 * s - 4 for s in scores]),
    ):
        for code in ("roc_auc", "average_precision", "lift"):
            assert after.metrics[code] == pytest.approx(before[code], abs=1e-12)


@law
@given(ROWS_OF_BOTH_CLASSES)
def test_flipped_labels_mirror_roc_auc_and_so_do_flipped_scores(rows: list[tuple[bool, float]]) -> None:
    labels, scores = columns(rows)
    auc = evaluate_binary(labels, scores).metrics["roc_auc"]
    flipped_labels = evaluate_binary([not label for label in labels], scores).metrics
    flipped_both = evaluate_binary([not label for label in labels], [1 - score for score in scores]).metrics
    assert flipped_labels["roc_auc"] == pytest.approx(1 - auc, abs=1e-12)
    assert flipped_both["roc_auc"] == pytest.approx(auc, abs=1e-12)
    assert flipped_both["log_loss"] == pytest.approx(evaluate_binary(labels, scores).metrics["log_loss"], abs=1e-9)


@law
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[bool, float]], random: Random) -> None:
    shuffled = random.sample(rows, len(rows))
    before, after = evaluate_binary(*columns(rows)), evaluate_binary(*columns(shuffled))
    assert dict(after.metrics) == pytest.approx(dict(before.metrics), abs=1e-12)
    assert after.left_out == before.left_out


@law
@given(st.lists(st.tuples(st.booleans(), SCORE, st.integers(0, 3)), min_size=1, max_size=25))
def test_a_weight_is_as_good_as_that_many_rows(rows: list[tuple[bool, float, int]]) -> None:
    repeated = [(label, score) for label, score, times in rows for _ in range(times)]
    if not repeated:
        return
    weighted = evaluate_binary(
        [label for label, _, _ in rows], [score for _, score, _ in rows], sample_weight=[times for _, _, times in rows]
    )
    plain = evaluate_binary(*columns(repeated))
    assert dict(weighted.metrics) == pytest.approx(dict(plain.metrics), abs=1e-9)
    assert weighted.left_out == plain.left_out


@law
@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(-2, 2), st.floats(0, 1e6)).filter(lambda row: row[2] != 0),
        min_size=1,
        max_size=15,
    ),
    st.floats(-3, 3),
)
def test_every_metric_is_either_in_its_range_or_left_out(
    rows: list[tuple[bool, float, float]], threshold: float
) -> None:
    evaluation = evaluate_binary(
        [row[0] for row in rows],
        [row[1] for row in rows],
        threshold=threshold,
        sample_weight=[row[2] for row in rows],
    )
    assert set(evaluation.metrics) | set(evaluation.left_out) == BINARY_CODES
    assert not set(evaluation.metrics) & set(evaluation.left_out)
    assert all(CATALOGUE[code].admits(value) for code, value in evaluation.metrics.items())
    positives = sum(row[0] for row in rows)
    assert (evaluation.n_positive, evaluation.n_negative) == (positives, len(rows) - positives)
    assert evaluation.n_rows == len(rows)


def test_a_perfect_metric_is_not_rounded_past_its_range() -> None:
    # With weights this far apart scikit-learn's sums end at 1.0000000000000002, which would be refused as bad input.
    labels = [0, 0, 1, 1, 1, 1, 1, 1, 1, 0]
    scores = [0.18, 0.19, 0.98, 0.95, 0.94, 0.83, 0.87, 0.58, 0.78, 0.15]
    weights = [
        8.665537823683556e-05,
        1.1992840574325703,
        7.19054290454717e-07,
        6.191440807492833e-05,
        9.73648996643329e-08,
        6.11330833126688e-09,
        0.00010028856234415673,
        5.990520363489459e-08,
        85832.51869488915,
        0.05190121308881929,
    ]
    assert evaluate_binary(labels, scores, sample_weight=weights).metrics["average_precision"] == 1.0


def test_only_negatives() -> None:
    evaluation = evaluate_binary([0, 0], [0.1, 0.2])
    assert set(evaluation.left_out) == {"roc_auc", "precision", "recall", "f1", "average_precision", "lift"}
    assert evaluation.left_out["roc_auc"] == "No row is positive."
    assert evaluation.left_out["precision"] == "No row is predicted positive at the threshold 0.5."


def test_only_positives() -> None:
    evaluation = evaluate_binary([True, True], [0.9, 0.2])
    assert set(evaluation.left_out) == {"roc_auc"}
    assert "no negative" in evaluation.left_out["roc_auc"]
    assert evaluation.metrics["average_precision"] == 1
    assert evaluation.metrics["lift"] == 1


def test_a_class_whose_rows_weigh_nothing_is_absent() -> None:
    evaluation = evaluate_binary([1, 0, 0], [0.9, 0.8, 0.1], sample_weight=[0, 1, 1])
    assert evaluation.left_out["roc_auc"] == "No row is positive."
    assert evaluation.n_positive == 1


def test_scores_that_are_no_probabilities() -> None:
    evaluation = evaluate_binary([1, 0], [3.5, -1.0])
    assert set(evaluation.left_out) == {"log_loss", "calibration_loss"}
    assert "3.5" in evaluation.left_out["log_loss"]
    assert evaluation.metrics["roc_auc"] == 1


def test_log_loss_stays_finite_for_scores_of_0_and_1() -> None:
    assert evaluate_binary([1, 0], [0.0, 1.0]).metrics["log_loss"] == pytest.approx(36.04, abs=0.01)


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        ([1, 0, 1, 0], None),
        ([True, False, True, False], None),
        ([1.0, 0.0, 1.0, 0.0], None),
        (np.array([1, 0, 1, 0], dtype=np.int8), None),
        (np.array([True, False, True, False], dtype=object), None),
        (["yes", "no", "yes", "no"], "yes"),
        (np.array(["yes", "no", "yes", "no"], dtype=object), "yes"),
        ([2, 1, 2, 1], 2),
        ([0, 1, 0, 1], 0),
    ],
)
def test_labels_of_every_kind(labels: ArrayLike, positive: object) -> None:
    expected: Evaluation = evaluate_binary([1, 0, 1, 0], HAND_SCORES)
    assert evaluate_binary(labels, HAND_SCORES, positive=positive) == expected


def test_one_label_that_is_not_the_positive_one_is_the_negative_one() -> None:
    assert evaluate_binary(["no", "no"], [0.1, 0.2], positive="yes").n_negative == 2


@pytest.mark.parametrize(
    ("arguments", "culprit", "problem"),
    [
        ({"y_true": [0, 1, 2]}, "y_true", "must hold 0 and 1"),
        ({"y_true": ["yes", "no", "no"]}, "y_true", "positive="),
        ({"y_true": ["a", "b", "c"], "positive": "a"}, "y_true", "not binary"),
        ({"y_true": ["a", "b", "b"], "positive": "c"}, "positive", "'a', 'b'"),
        ({"y_true": [0, 1, math.nan]}, "y_true", "missing"),
        ({"y_true": [0, 1, None]}, "y_true", "missing"),
        ({"y_true": ["a", "a", None], "positive": "a"}, "y_true", "missing"),
        ({"y_true": np.array(["2024-01-01", "NaT", "NaT"], "datetime64[D]"), "positive": 1}, "y_true", "missing"),
        ({"y_true": [[0, 1, 1]]}, "y_true", "one dimension"),
        ({"y_true": [[0], [1, 1], [1]]}, "y_true", "one dimension"),
        ({"y_true": 1}, "y_true", "one dimension"),
        ({"y_true": np.array([0, 1, {}], dtype=object)}, "y_true", "plain labels"),
        ({"y_true": [], "y_score": []}, "y_true", "empty"),
        ({"y_score": [0.1, 0.2]}, "y_score", "has 2 values, but y_true has 3"),
        ({"y_score": [0.1, 0.2, math.nan]}, "y_score", "missing or infinite"),
        ({"y_score": [0.1, 0.2, math.inf]}, "y_score", "missing or infinite"),
        ({"y_score": [0.1, 0.2, None]}, "y_score", "missing or infinite"),
        ({"y_score": [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]}, "y_score", "column of the positive class"),
        ({"y_score": ["0.1", "0.2", "0.3"]}, "y_score", "must hold numbers"),
        ({"y_score": np.array([0.1, "x", 0.2], dtype=object)}, "y_score", "must hold numbers"),
        ({"threshold": math.nan}, "threshold", "finite"),
        ({"threshold": "best"}, "threshold", "or \"optimal\", not 'best'"),
        ({"optimize": "recall"}, "optimize", "f1, accuracy, cost_matrix_gain"),
        ({"cost_matrix": [[1, 0], [0, 1]]}, "cost_matrix", "CostMatrix"),
        ({"sample_weight": [1, 1]}, "sample_weight", "has 2 values"),
        ({"sample_weight": [1, -1, 1]}, "sample_weight", "negative"),
        ({"sample_weight": [0, 0, 0]}, "sample_weight", "0 for every row"),
        ({"sample_weight": [1, math.nan, 0]}, "sample_weight", "missing or infinite"),
    ],
)
def test_refusals_name_the_argument(arguments: dict[str, Any], culprit: str, problem: str) -> None:
    good: dict[str, Any] = {"y_true": [0, 1, 1], "y_score": [0.1, 0.2, 0.3]}
    with pytest.raises(InvalidArrays, match=problem) as refusal:
        evaluate_binary(**(good | arguments))
    assert refusal.value.argument == culprit
    assert str(refusal.value).startswith(culprit)
    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, MooringError)


def test_a_cost_matrix_of_infinite_gain_is_refused() -> None:
    with pytest.raises(InvalidArrays, match="false_negative is -inf"):
        CostMatrix(false_negative=-math.inf)


# By hand, scores from the top: yes, no, yes, yes, no. Predicted positive down to each of them f1 is 2/4, 2/5, 4/6, 6/7
# and 6/8, and 3, 2, 3, 4 and 3 of five are right; with none of them it is 0, and 2 are.
OPTIMUM_LABELS = [1, 0, 1, 1, 0]
OPTIMUM_SCORES = [0.9, 0.8, 0.7, 0.6, 0.1]


@pytest.mark.parametrize(
    ("arguments", "threshold"),
    [
        ({}, 0.6),
        ({"optimize": "f1"}, 0.6),
        ({"optimize": "accuracy"}, 0.6),
        # A false positive costs nothing: everything is predicted positive as far down as there are positives.
        ({"optimize": "cost_matrix_gain", "cost_matrix": CostMatrix(false_positive=0)}, 0.6),
        # It costs more than two true positives bring: only the first one is worth it.
        ({"optimize": "cost_matrix_gain", "cost_matrix": CostMatrix(false_positive=-3)}, 0.9),
        # A true positive costs as well: none is worth it.
        ({"optimize": "cost_matrix_gain", "cost_matrix": CostMatrix(true_positive=-1)}, math.nextafter(0.9, 1)),
        # The no below the first yes weighs as much as nine.
        ({"optimize": "accuracy", "sample_weight": [1, 9, 1, 0, 1]}, 0.9),
    ],
)
def test_the_optimal_threshold_by_hand(arguments: dict[str, Any], threshold: float) -> None:
    evaluation = evaluate_binary(OPTIMUM_LABELS, OPTIMUM_SCORES, threshold="optimal", **arguments)
    assert evaluation.threshold == threshold
    given = evaluate_binary(OPTIMUM_LABELS, OPTIMUM_SCORES, threshold=threshold, **arguments)
    assert evaluation.metrics == given.metrics


@law
@given(ROWS, st.sampled_from(["f1", "accuracy", "cost_matrix_gain"]))
def test_no_threshold_is_better_than_the_optimal_one(rows: list[tuple[bool, float]], optimize: Any) -> None:
    labels, scores = columns(rows)
    optimal = evaluate_binary(labels, scores, threshold="optimal", optimize=optimize).metrics
    others = [evaluate_binary(labels, scores, threshold=score).metrics for score in [*scores, 2.0]]
    assert optimal.get(optimize, 0.0) >= max(other.get(optimize, 0.0) for other in others) - 1e-12


def test_a_threshold_of_numpy_will_do() -> None:
    threshold: Any = np.float32(0.5)
    assert evaluate_binary(HAND_LABELS, HAND_SCORES, threshold=threshold).threshold == 0.5


# Standard errors


def test_standard_errors_by_hand() -> None:
    # Of the four rows one is a TP, FP, FN and TN each: a half of four rows, of two predicted and of two positive ones.
    errors = evaluate_binary(HAND_LABELS, HAND_SCORES).standard_errors
    assert errors["accuracy"] == pytest.approx(math.sqrt(0.5 * 0.5 / 4))
    assert errors["precision"] == errors["recall"] == pytest.approx(math.sqrt(0.5 * 0.5 / 2))
    losses = [-math.log(0.9), -math.log(0.4), -math.log(0.4), -math.log(0.8)]
    assert errors["log_loss"] == pytest.approx(statistics.stdev(losses) / 2)
    assert errors["cost_matrix_gain"] == pytest.approx(statistics.stdev([1, -0.3, 0, 0]) / 2)
    # Negatives below 0.9: both; below 0.4: one of two. Positives above 0.6: one of two; above 0.2: both.
    assert errors["roc_auc"] == pytest.approx(math.sqrt(statistics.variance([1, 0.5]) / 2 * 2))
    assert set(errors) == {"roc_auc", "accuracy", "precision", "recall", "log_loss", "cost_matrix_gain"}


def test_with_weights_there_are_no_standard_errors() -> None:
    assert evaluate_binary(HAND_LABELS, HAND_SCORES, sample_weight=[1, 1, 1, 1]).standard_errors == {}


def test_at_a_threshold_that_these_rows_chose_there_are_none_of_what_depends_on_it() -> None:
    errors = evaluate_binary(HAND_LABELS, HAND_SCORES, threshold="optimal").standard_errors
    assert set(errors) == {"roc_auc", "log_loss"}


def test_an_error_of_0_is_none() -> None:
    # All in order, and all scores the same: DeLong's formula sees no variation in either.
    for scores in ([0.1, 0.2, 0.8, 0.9], [0.5, 0.5, 0.5, 0.5]):
        evaluation = evaluate_binary([0, 0, 1, 1], scores)
        assert "roc_auc" in evaluation.metrics
        assert "roc_auc" not in evaluation.standard_errors
    # A share of 1 counts as half a row away from it.
    perfect = evaluate_binary([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert perfect.standard_errors["accuracy"] == pytest.approx(math.sqrt(0.125 * 0.875 / 4))


@law
@given(ROWS)
def test_standard_errors_are_positive_and_of_metrics_that_there_are(rows: list[tuple[bool, float]]) -> None:
    evaluation = evaluate_binary(*columns(rows))
    assert set(evaluation.standard_errors) <= set(evaluation.metrics)
    assert all(0 < error < math.inf for error in evaluation.standard_errors.values())


def test_an_evaluation_cannot_be_changed() -> None:
    evaluation = evaluate_binary([0, 1], [0.1, 0.9])
    with pytest.raises(TypeError):
        evaluation.metrics["roc_auc"] = 0.0  # type: ignore[index]  # that it cannot be written is the point


@pytest.mark.parametrize("absent", ["sklearn", "numpy"])
def test_without_scikit_learn_the_import_says_what_to_install(absent: str) -> None:
    program = f"import sys; sys.modules['{absent}'] = None; import mooring.metrics.binary"
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert "pip install 'mooring[sklearn]'" in outcome.stderr.splitlines()[-1]
