"""The *Coupon Redemption* project: who will redeem the coupon, and a model that slowly stops knowing.

A shop sends coupons every week and learns a week later who came with one. This module is the data science of the
story, without Mooring in it: the coupons (generated, the same for the same seed), the random forest, and the
figures that go into a build event or an evaluation event.

    first = train(past_coupons(seed=7), trained_on="the months before week 1", seed=7)
    measure_build(first).metrics                         # the initial metrics, on coupons held back from training
    measure(first, weekly_batch(3, seed=7)).metrics      # the evaluation of week 3

    weeks = [weekly_batch(week, seed=7) for week in (6, 7, 8)]
    second = train(joined(*weeks), trained_on="weeks 6 to 8", seed=7)

The coupons change for real. From week to week more of them go out in the app and to younger customers (their
distribution), and what makes a customer redeem one moves from paper to the app and to loyalty (the relation). A model
trained on the past therefore loses ROC AUC until it is trained again.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from mooring.metrics import Evaluation, evaluate

NUMERIC = (
    "customer_age",  # years
    "days_since_last_purchase",
    "purchases_last_year",
    "basket_value",  # euro, mean of the customer's purchases
    "discount_percent",
    "distance_km",  # from the customer's home to the shop
)
CATEGORICAL = ("channel", "region", "loyalty_tier", "product_group")

_CHANNELS = ("app", "email", "paper", "till")
_REGIONS = ("north", "east", "south", "west")
_TIERS = ("none", "silver", "gold")
_GROUPS = ("drinks", "fresh food", "household", "toys")

STORY_SEED = 7
"""With this seed the first model's evaluations lose a little ROC AUC at first, more than 0.02 from week 4 on and more
than 0.05 from week 6 on; a model trained on weeks 6 to 8 is back within 0.02 of where the first one started."""

_MIDDLE_OF_CHANGE_WEEK = 4.5
_PACE_WEEKS = 1.0
_TEST_SHARE = 0.3

# Chosen so that a forest reaches a ROC AUC near 0.87, and a quarter to two fifths of the coupons are redeemed.
_STEEPNESS = 1.25
_RELUCTANCE = 4.2


@dataclass(frozen=True)
class Coupons:
    """n coupons that were sent out, and what became of them.

    ``table`` has n rows and the columns ``NUMERIC`` then ``CATEGORICAL``; its dtype is object, since it holds floats
    and text. ``redeemed`` has n booleans.
    """

    table: NDArray[np.object_]
    redeemed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.redeemed)

    def column(self, name: str) -> NDArray[np.object_]:
        """The n values of one column. Raises ``ValueError`` for a name that is none."""
        return self.table[:, (NUMERIC + CATEGORICAL).index(name)]


@dataclass(frozen=True)
class CouponModel:
    """A fitted random forest, what it was trained on in words, and the coupons held back from its training."""

    pipeline: Pipeline
    trained_on: str
    held_out: Coupons


def past_coupons(*, seed: int, n_rows: int = 8_000) -> Coupons:
    """Coupons from the months before the first week, when nothing was changing yet."""
    return _coupons(np.random.default_rng((seed, 0)), n_rows, change=0.0)


def weekly_batch(week: int, *, seed: int, n_rows: int = 4_000) -> Coupons:
    """The coupons of one week, counted from 1. The same arguments give the same coupons.

    Raises ``ValueError`` for a week before the first.
    """
    if week < 1:
        raise ValueError(f"week must be 1 or later, not {week}")
    # Slow, then fast, then slow: by week 10 the change is all but over.
    change = 1 / (1 + np.exp((_MIDDLE_OF_CHANGE_WEEK - week) / _PACE_WEEKS))
    return _coupons(np.random.default_rng((seed, week)), n_rows, change=float(change))


def joined(*batches: Coupons) -> Coupons:
    """All coupons of the batches, in their order."""
    return Coupons(
        table=np.concatenate([batch.table for batch in batches]),
        redeemed=np.concatenate([batch.redeemed for batch in batches]),
    )


def train(coupons: Coupons, *, trained_on: str, seed: int) -> CouponModel:
    """Fit a random forest on 70 % of the coupons and hold back the rest as test set."""
    fitted, held_out, redeemed, held_out_redeemed = train_test_split(
        coupons.table, coupons.redeemed, test_size=_TEST_SHARE, stratify=coupons.redeemed, random_state=seed
    )
    pipeline = _forest(n_trees=100, leaf_rows=5, seed=seed).fit(fitted, redeemed)
    return CouponModel(pipeline, trained_on, Coupons(held_out, held_out_redeemed))


def measure_build(model: CouponModel) -> Evaluation:
    """The initial metrics: those on the coupons held back from training."""
    return _measured(model, model.held_out)


def measure(model: CouponModel, batch: Coupons, *, seed: int = 0) -> Evaluation:
    """An evaluation: the metrics on a batch, and how far the batch has drifted from the model's test set."""
    evaluation = _measured(model, batch)
    drift = data_drift(model.held_out, batch, seed=seed)
    return replace(evaluation, metrics={**evaluation.metrics, "data_drift": drift})


def data_drift(reference: Coupons, batch: Coupons, *, seed: int = 0) -> float:
    """The accuracy with which a random forest tells the batch's coupons from the reference's, on rows new to it.

    0.5 is guessing, since as many rows are taken of the one as of the other, and 1 is never wrong. By chance it can be
    a little below 0.5. Fitted on one half of the rows, tested on the other. Dataiku's data drift metric is the
    accuracy of such a model too, on half and half; on which rows it is tested, its documentation leaves open.
    """
    rng = np.random.default_rng(seed)
    n_each = min(len(reference), len(batch))
    rows = np.concatenate([rng.permutation(side.table)[:n_each] for side in (reference, batch)])
    is_batch = np.repeat([False, True], n_each)
    fitted, tested, fitted_is_batch, tested_is_batch = train_test_split(
        rows, is_batch, test_size=0.5, stratify=is_batch, random_state=seed
    )
    classifier = _forest(n_trees=40, leaf_rows=10, seed=seed).fit(fitted, fitted_is_batch)
    return float(classifier.score(tested, tested_is_batch))


def _measured(model: CouponModel, coupons: Coupons) -> Evaluation:
    return evaluate(coupons.redeemed, model.pipeline.predict_proba(coupons.table)[:, 1])


def _forest(*, n_trees: int, leaf_rows: int, seed: int) -> Pipeline:
    categorical = list(range(len(NUMERIC), len(NUMERIC) + len(CATEGORICAL)))
    columns = ColumnTransformer(
        [("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categorical)],
        remainder="passthrough",
    )
    forest = RandomForestClassifier(n_trees, min_samples_leaf=leaf_rows, random_state=seed, n_jobs=1)
    return Pipeline([("columns", columns), ("forest", forest)])


def _coupons(rng: np.random.Generator, n_rows: int, *, change: float) -> Coupons:
    """Draw coupons when a share ``change`` (0 to 1) of the move from the old to the new habits is over."""
    age = np.clip(rng.normal(49 - 9 * change, 15, n_rows), 18, 90).round()
    days = rng.exponential(30 + 12 * change, n_rows).round()
    purchases = rng.poisson(11 - 2 * change, n_rows).astype(float)
    basket = rng.lognormal(3.3 + 0.15 * change, 0.5, n_rows).round(2)
    discount = rng.choice([5.0, 10.0, 15.0, 20.0, 30.0, 40.0], n_rows)
    distance = rng.gamma(2.0, 2.5, n_rows).round(1)
    channel = rng.choice(_CHANNELS, n_rows, p=_between((0.15, 0.30, 0.40, 0.15), (0.45, 0.25, 0.15, 0.15), change))
    region = rng.choice(_REGIONS, n_rows, p=(0.2, 0.3, 0.3, 0.2))
    tier = rng.choice(_TIERS, n_rows, p=_between((0.55, 0.30, 0.15), (0.45, 0.33, 0.22), change))
    group = rng.choice(_GROUPS, n_rows)

    # What holds whenever the coupon was sent: recent customers, near by, with a middling basket, and what fits them.
    lasting = (
        1.7 * np.exp(-days / 20)
        - 0.9 * np.log1p(distance / 3)
        - 1.2 * np.log(basket / 30) ** 2
        + 0.5 * np.sqrt(purchases)
        + np.where((group == "toys") & (age > 28) & (age < 45), 2.2, 0.0)
        + np.where((group == "drinks") & (region == "south"), 1.0, 0.0)
    )
    # Before: paper coupons to older customers. After: also the app's to younger ones, and loyalty counts for more.
    before = (
        np.select(
            [channel == "paper", channel == "app"], [np.where(age > 45, 2.4, -0.4), np.where(age < 45, -0.4, -0.8)], 0.0
        )
        + 2.6 / (1 + np.exp((20 - discount) / 4))
        + np.select([tier == "gold", tier == "silver"], [0.6, 0.3], 0.0)
    )
    after = (
        np.select(
            [channel == "paper", channel == "app"], [np.where(age > 45, 1.7, -0.4), np.where(age < 45, 1.3, -0.8)], 0.0
        )
        + 2.4 / (1 + np.exp((20 - discount) / 4))
        + np.select([tier == "gold", tier == "silver"], [1.9, 0.9], 0.0)
    )
    log_odds = _STEEPNESS * (lasting + (1 - change) * before + change * after - _RELUCTANCE)
    redeemed = rng.random(n_rows) < 1 / (1 + np.exp(-log_odds))

    columns = (age, days, purchases, basket, discount, distance, channel, region, tier, group)
    return Coupons(np.column_stack([column.astype(object) for column in columns]), redeemed)


def _between(before: tuple[float, ...], after: tuple[float, ...], change: float) -> NDArray[np.float64]:
    return (1 - change) * np.array(before) + change * np.array(after)
