"""The domain classifier: can a model tell the evaluated rows from those of the reference?

D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017. A half of the rows trains it, and it
judges the other half. Where nothing has changed, each of its judgements is then the toss of a coin, independent of the
others, and the number of right ones is binomial. With cross-validation each row would be judged, but by models that
its neighbours trained and the other way round: right answers come in pairs, and the binomial test finds a drift where
there is none almost twice as often as it says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

ROWS_MIN = 50
"""With fewer rows on a side no classifier is trained: it would not find even a large drift."""

LEVEL = 0.95
"""Of the interval around the accuracy."""

SIGNIFICANT = 0.05
"""Above this p-value what the classifier goes by is noise, and so is the importance of its columns."""

# Small trees: they find shifts of a single column as well as changes of how two go together, in a second.
_TREES = {"max_iter": 100, "learning_rate": 0.05, "max_leaf_nodes": 8, "early_stopping": False}
# So many rows are judged again for each column: a part of many, few ones more than once.
_SHUFFLED_ROWS = 5_000


@dataclass(frozen=True)
class Judgement:
    """What came of it: `n_right` of `n_judged` rows were told right, half of which are the reference's.

    `importance` has for each column the share of the classifier's accuracy that is lost when the column's values are
    shuffled; the shares sum to 1. None where the classifier cannot tell the rows apart.
    """

    n_judged: int
    n_right: int
    importance: NDArray[np.float64] | None

    @property
    def accuracy(self) -> float:
        return self.n_right / self.n_judged

    @property
    def standard_error(self) -> float:
        return float((self.accuracy * (1 - self.accuracy) / self.n_judged) ** 0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval around the accuracy, 95 %."""
        found = binomtest(self.n_right, self.n_judged).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    @property
    def p_value(self) -> float:
        """How often guessing alone tells so many rows right, or more: binomial, against one half."""
        return float(binomtest(self.n_right, self.n_judged, alternative="greater").pvalue)


def judge(
    reference: NDArray[np.float64],
    evaluated: NDArray[np.float64],
    categorical: NDArray[np.bool_],
    seed: int,
    on_step: Callable[[], object],
) -> Judgement:
    """Train the classifier and have it judge; the same rows and seed give the same.

    `reference` and `evaluated` have shape (rows, columns) with equally many rows, at least `ROWS_MIN`; NaN is missing.
    `categorical` says which columns hold codes from 0 to 254. `on_step` is called twice.
    """
    rows = np.concatenate([reference, evaluated])
    is_evaluated = np.repeat([False, True], [len(reference), len(evaluated)])
    train, test, train_is, test_is = train_test_split(
        rows, is_evaluated, test_size=0.5, stratify=is_evaluated, random_state=seed
    )
    # Nothing can be learnt from a column without a value, and scikit-learn's trees refuse it.
    silent = np.isnan(train).all(axis=0)
    train[:, silent] = test[:, silent] = 0
    model = HistGradientBoostingClassifier(categorical_features=categorical, random_state=seed, **_TREES)
    # On data this small several threads wait for each other more than they work, the more so on a busy machine.
    with threadpool_limits(1, user_api="openmp"):
        model.fit(train, train_is)
        n_right = int(np.count_nonzero(model.predict(test) == test_is))
        judged = Judgement(len(test), n_right, None)
        on_step()
        if judged.p_value <= SIGNIFICANT:
            judged = replace(judged, importance=_importance(model, test, test_is, seed))
        on_step()
    return judged


def _importance(
    model: HistGradientBoostingClassifier, rows: NDArray[np.float64], truth: NDArray[np.bool_], seed: int
) -> NDArray[np.float64] | None:
    shuffled = permutation_importance(
        model,
        rows[:_SHUFFLED_ROWS],
        truth[:_SHUFFLED_ROWS],
        scoring="accuracy",
        n_repeats=max(1, _SHUFFLED_ROWS // len(rows)),
        random_state=seed,
    )
    lost = np.maximum(shuffled.importances_mean, 0)
    return lost / lost.sum() if lost.any() else None
