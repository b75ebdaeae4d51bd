"""The multiclass metrics: by hand on four rows, against scikit-learn on many, and laws that hold on any."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from sklearn import metrics as sk

from mooring.metrics import CATALOGUE, CostMatrix, InvalidArrays, PredictionType
from mooring.metrics.binary import evaluate_binary
from mooring.metrics.multiclass import evaluate_multiclass

CODES = {
    "roc_auc",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "log_loss",
    "average_precision",
    "cost_matrix_gain",
}
OF_SCORES = {"roc_auc", "log_loss", "average_precision"}
AVERAGED = {"roc_auc", "average_precision", "precision", "recall", "f1"}

# How long an example takes depends on what else the machine does.
law = settings(deadline=None)

CLASSES = ["a", "b", "c"]
ROW = st.tuples(st.sampled_from(CLASSES), st.tuples(*[st.integers(1, 8)] * 3))
ROWS = st.lists(ROW, min_size=1, max_size=20)

# By hand: two of class a, one each of b and c. Predicted a, b, b, c: one a is wrong.
LABELS = ["a", "a", "b", "c"]
SCORES = [[0.6, 0.3, 0.1], [0.3, 0.5, 0.2], [0.2, 0.7, 0.1], [0.4, 0.0, 0.6]]
GAINS = [[1, -2, 0], [0, 3, 0], [0, 0, 5]]


def columns(rows: list[tuple[str, tuple[int, int, int]]]) -> tuple[list[str], list[list[float]]]:
    return [label for label, _ in rows], [[part / sum(parts) for part in parts] for _, parts in rows]


@pytest.mark.parametrize(
    ("code", "weighted", "macro"),
    [
        ("accuracy", 3 / 4, 3 / 4),
        # Of a: all of the one predicted; of b: one of two; of c: all.
        ("precision", (2 * 1 + 1 / 2 + 1) / 4, (1 + 1 / 2 + 1) / 3),
        ("recall", (2 * 1 / 2 + 1 + 1) / 4, (1 / 2 + 1 + 1) / 3),
        ("f1", (2 * 2 / 3 + 2 / 3 + 1) / 4, (2 / 3 + 2 / 3 + 1) / 3),
        ("log_loss", *[-(math.log(0.6) + math.log(0.3) + math.log(0.7) + math.log(0.6)) / 4] * 2),
        # Of a, 0.6 and 0.3 against 0.2 and 0.4, only 0.3 is below 0.4. Of b and c all are in order.
        ("roc_auc", (2 * 3 / 4 + 1 + 1) / 4, (3 / 4 + 1 + 1) / 3),
        ("average_precision", (2 * (1 + 2 / 3) / 2 + 1 + 1) / 4, ((1 + 2 / 3) / 2 + 1 + 1) / 3),
        ("cost_matrix_gain", *[(1 - 2 + 3 + 5) / 4] * 2),
    ],
)
def test_by_hand(code: str, weighted: float, macro: float) -> None:
    for average, value in (("weighted", weighted), ("macro", macro)):
        found = evaluate_multiclass(LABELS, SCORES, average=average, cost_matrix=GAINS)  # type: ignore[arg-type]
        assert found.metrics[code] == pytest.approx(value, rel=1e-12)
        assert found.labels == {"average": average}


def test_standard_errors_by_hand() -> None:
    errors = evaluate_multiclass(LABELS, SCORES, cost_matrix=GAINS).standard_errors
    assert errors["accuracy"] == pytest.approx(math.sqrt(3 / 4 * 1 / 4 / 4))
    assert errors["log_loss"] == pytest.approx(statistics.stdev(map(math.log, [0.6, 0.3, 0.7, 0.6])) / 2)
    assert errors["cost_matrix_gain"] == pytest.approx(statistics.stdev([1, -2, 3, 5]) / 2)
    assert set(errors) == {"accuracy", "log_loss", "cost_matrix_gain"}
    assert evaluate_multiclass(LABELS, SCORES, sample_weight=[1, 1, 1, 1]).standard_errors == {}


@pytest.mark.parametrize("average", ["weighted", "macro"])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_against_scikit_learn(average: Any, weighted: bool) -> None:
    random = np.random.default_rng(4)
    labels = random.choice(4, 2_000, p=[0.4, 0.3, 0.2, 0.1])
    scores = random.dirichlet(np.ones(4), 2_000) + 0.5 * np.eye(4)[labels]
    scores /= scores.sum(axis=1, keepdims=True)
    predicted = scores.argmax(axis=1)
    weight = random.random(2_000) if weighted else None
    gains = random.standard_normal((4, 4))
    of_classes: dict[str, Any] = {"average": average, "sample_weight": weight}
    expected = {
        "roc_auc": sk.roc_auc_score(np.eye(4)[labels], scores, **of_classes),
        "average_precision": sk.average_precision_score(np.eye(4)[labels], scores, **of_classes),
        "accuracy": sk.accuracy_score(labels, predicted, sample_weight=weight),
        "precision": sk.precision_score(labels, predicted, **of_classes),
        "recall": sk.recall_score(labels, predicted, **of_classes),
        "f1": sk.f1_score(labels, predicted, **of_classes),
        "log_loss": sk.log_loss(labels, scores, sample_weight=weight),
        "cost_matrix_gain": np.average(gains[labels, predicted], weights=weight),
    }
    found = evaluate_multiclass(labels, scores, average=average, sample_weight=weight, cost_matrix=gains)
    assert dict(found.metrics) == pytest.approx(expected, rel=1e-12)
    assert (found.prediction_type, found.n_rows, found.left_out) == (PredictionType.MULTICLASS, 2_000, {})
    assert (found.n_positive, found.n_negative, found.threshold) == (None, None, None)
    if not weighted:
        assert sk.roc_auc_score(labels, scores, multi_class="ovr", average=average) == pytest.approx(
            expected["roc_auc"]
        )


@law
@given(ROWS)
def test_one_class_against_the_rest_is_binary(rows: list[tuple[str, tuple[int, int, int]]]) -> None:
    """The weighted average of what `evaluate_binary` says of each class that has rows and of its scores."""
    labels, scores = columns(rows)
    found = evaluate_multiclass(labels, scores, classes=CLASSES)
    present = sorted(set(labels))
    if len(present) == 1:
        assert {"roc_auc", "average_precision"} <= set(found.left_out)
        return
    for code in ("roc_auc", "average_precision"):
        of_each = [
            evaluate_binary([each == label for each in labels], [row[CLASSES.index(label)] for row in scores])
            for label in present
        ]
        expected = sum(labels.count(label) * one.metrics[code] for label, one in zip(present, of_each, strict=True))
        assert found.metrics[code] == pytest.approx(expected / len(labels), abs=1e-9)


@law
@given(ROWS)
def test_the_weighted_recall_is_the_accuracy(rows: list[tuple[str, tuple[int, int, int]]]) -> None:
    found = evaluate_multiclass(*columns(rows), classes=CLASSES).metrics
    assert found["recall"] == pytest.approx(found["accuracy"], abs=1e-12)


@law
@given(ROWS, st.permutations(CLASSES), st.sampled_from(["weighted", "macro"]))
def test_the_order_of_the_classes_does_not_matter(
    rows: list[tuple[str, tuple[int, int, int]]], order: list[str], average: Any
) -> None:
    labels, scores = columns(rows)
    # Of equal scores the first class wins, so the order would matter.
    scores = [[score + index / 1e6 for index, score in enumerate(row)] for row in scores]
    moved = [[row[CLASSES.index(label)] for label in order] for row in scores]
    before = evaluate_multiclass(labels, scores, classes=CLASSES, average=average)
    after = evaluate_multiclass(labels, moved, classes=order, average=average)
    assert dict(after.metrics) == pytest.approx(dict(before.metrics), abs=1e-9)
    assert set(after.left_out) == set(before.left_out)


@law
@given(st.lists(st.tuples(ROW, st.integers(0, 3)), min_size=1, max_size=15))
def test_a_weight_is_as_good_as_that_many_rows(rows: list[tuple[tuple[str, tuple[int, int, int]], int]]) -> None:
    repeated = [row for row, times in rows for _ in range(times)]
    if not repeated:
        return
    weights = [times for _, times in rows]
    weighted = evaluate_multiclass(*columns([row for row, _ in rows]), classes=CLASSES, sample_weight=weights)
    plain = evaluate_multiclass(*columns(repeated), classes=CLASSES)
    assert dict(weighted.metrics) == pytest.approx(dict(plain.metrics), abs=1e-9)
    assert weighted.left_out == plain.left_out


@law
@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.tuples(*[st.floats(-2, 2)] * 3)), min_size=1, max_size=12),
    st.sampled_from(["weighted", "macro"]),
)
def test_every_metric_is_either_in_its_range_or_left_out(
    rows: list[tuple[str, tuple[float, float, float]]], average: Any
) -> None:
    found = evaluate_multiclass(
        [label for label, _ in rows], [scores for _, scores in rows], classes=CLASSES, average=average
    )
    assert set(found.metrics) | set(found.left_out) == CODES
    assert not set(found.metrics) & set(found.left_out)
    assert all(CATALOGUE[code].admits(value) for code, value in found.metrics.items())
    assert all(0 < error < math.inf for error in found.standard_errors.values())


# What is left out


def test_a_class_without_rows_weighs_nothing_and_has_no_macro_average() -> None:
    labels, scores = LABELS[:3], SCORES[:3]
    weighted = evaluate_multiclass(labels, scores, classes=CLASSES)
    assert set(weighted.left_out) == {"cost_matrix_gain"}
    macro = evaluate_multiclass(labels, scores, classes=CLASSES, average="macro")
    assert set(macro.left_out) == AVERAGED | {"cost_matrix_gain"}
    assert "'c'" in macro.left_out["roc_auc"]


def test_of_one_class_there_is_nothing_to_rank() -> None:
    found = evaluate_multiclass(["a", "a"], SCORES[:2], classes=CLASSES)
    assert "Every row is of class 'a'" in found.left_out["roc_auc"]
    assert found.metrics["accuracy"] == 0.5


def test_a_class_that_is_never_predicted_has_a_precision_of_0() -> None:
    assert evaluate_multiclass(["a", "b"], ["a", "a"]).metrics["precision"] == pytest.approx(1 / 2 * 1 / 2)


def test_predicted_labels_alone_have_no_metrics_of_scores() -> None:
    labels = evaluate_multiclass(LABELS, ["a", "b", "b", "c"], cost_matrix=GAINS)
    scores = evaluate_multiclass(LABELS, SCORES, cost_matrix=GAINS)
    assert set(labels.left_out) == OF_SCORES
    assert labels.left_out["roc_auc"] == "Only predicted classes were given, no scores."
    assert labels.metrics == {code: value for code, value in scores.metrics.items() if code not in OF_SCORES}


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ([[2.0, -1.0, 0.0], [0.0, 3.0, 1.0]], "outside 0 to 1 (2)"),
        ([[0.5, 0.3, 0.1], [0.2, 0.5, 0.3]], "sum to 0.9, not to 1"),
    ],
)
def test_scores_that_are_no_probabilities(scores: ArrayLike, reason: str) -> None:
    found = evaluate_multiclass(["a", "b"], scores, classes=CLASSES)
    assert reason in found.left_out["log_loss"]
    assert found.metrics["accuracy"] == found.metrics["roc_auc"] == 1


def test_probabilities_in_single_precision_will_do() -> None:
    single = evaluate_multiclass(LABELS, np.array(SCORES, dtype=np.float32))
    assert single.metrics["log_loss"] == pytest.approx(evaluate_multiclass(LABELS, SCORES).metrics["log_loss"])


def test_without_a_cost_matrix_there_is_no_gain() -> None:
    assert evaluate_multiclass(LABELS, SCORES).left_out == {"cost_matrix_gain": "No cost matrix was given."}


# Labels and refusals


@pytest.mark.parametrize(
    "labels",
    [
        [0, 0, 1, 2],
        np.array([0, 0, 1, 2], dtype=np.int8),
        [7.5, 7.5, 8.5, 9.5],
        np.array(["a", "a", "b", "c"], dtype=object),
    ],
)
def test_labels_of_every_kind(labels: ArrayLike) -> None:
    assert evaluate_multiclass(labels, SCORES) == evaluate_multiclass(LABELS, SCORES)


@pytest.mark.parametrize(
    ("arguments", "culprit", "problem"),
    [
        ({"y_true": []}, "y_true", "empty"),
        ({"y_true": ["a", "a", None, "c"]}, "y_true", "missing"),
        ({"y_true": ["a", "a", "b", "d"], "classes": CLASSES}, "y_true", "'d', which is none of the classes"),
        ({"y_true": ["a", "a", "b", "b"]}, "classes", "must be the 3 labels of the columns of y_score; there are 2"),
        ({"y_true": np.array(["a", 1, "b", "c"], dtype=object)}, "classes", "no order"),
        ({"classes": ["a", "b", "b"]}, "classes", "twice"),
        ({"y_score": SCORES[:3]}, "y_score", "has 3 values, but y_true has 4"),
        ({"y_score": [[0.1, math.nan, 0.2]] * 4}, "y_score", "missing or infinite"),
        ({"y_score": [0.1, 0.2, 0.3, 0.4]}, "y_score", "a column of scores for each class"),
        ({"y_score": ["a", "b", "c", "d"], "classes": CLASSES}, "y_score", "'d', which is none of the classes"),
        ({"average": "micro"}, "average", "weighted, macro"),
        ({"cost_matrix": [[1, 2, 3]]}, "cost_matrix", "has 1 values, but classes has 3"),
        ({"cost_matrix": [[1, 2], [3, 4], [5, 6]]}, "cost_matrix", "each of the 3 classes"),
        ({"cost_matrix": CostMatrix()}, "cost_matrix", "a table"),
        ({"sample_weight": [1, 1, 1]}, "sample_weight", "has 3 values"),
    ],
)
def test_refusals_name_the_argument(arguments: dict[str, Any], culprit: str, problem: str) -> None:
    good: dict[str, Any] = {"y_true": LABELS, "y_score": SCORES}
    with pytest.raises(InvalidArrays, match=problem) as refusal:
        evaluate_multiclass(**(good | arguments))
    assert refusal.value.argument == culprit
