"""The coupon story: the same for the same seed, with a drift that is real, and a model that recovers."""

import numpy as np
import pytest

from examples import coupon_redemption as coupons
from examples.coupon_redemption import STORY_SEED, CouponModel
from mooring.metrics import CATALOGUE, Evaluation

SMALL = 600


@pytest.fixture(scope="module")
def first() -> CouponModel:
    return coupons.train(coupons.past_coupons(seed=STORY_SEED), trained_on="the months before week 1", seed=STORY_SEED)


@pytest.fixture(scope="module")
def weeks(first: CouponModel) -> dict[int, Evaluation]:
    return {week: coupons.measure(first, coupons.weekly_batch(week, seed=STORY_SEED)) for week in range(1, 9)}


@pytest.fixture(scope="module")
def second() -> CouponModel:
    recent = coupons.joined(*(coupons.weekly_batch(week, seed=STORY_SEED) for week in (6, 7, 8)))
    return coupons.train(recent, trained_on="weeks 6 to 8", seed=STORY_SEED)


def test_both_kinds_of_columns_are_there() -> None:
    batch = coupons.weekly_batch(1, seed=1, n_rows=SMALL)
    assert len(batch) == SMALL
    assert batch.table.shape == (SMALL, len(coupons.NUMERIC) + len(coupons.CATEGORICAL))
    for name in coupons.NUMERIC:
        assert np.isfinite(batch.column(name).astype(float)).all()
    for name in coupons.CATEGORICAL:
        assert 3 <= len(set(batch.column(name))) <= 4
        assert all(isinstance(value, str) for value in batch.column(name))


def test_the_same_seed_gives_the_same_coupons_and_another_gives_others() -> None:
    batch = coupons.weekly_batch(4, seed=1, n_rows=SMALL)
    again = coupons.weekly_batch(4, seed=1, n_rows=SMALL)
    assert (batch.table == again.table).all()
    assert (batch.redeemed == again.redeemed).all()
    for other in (coupons.weekly_batch(4, seed=2, n_rows=SMALL), coupons.weekly_batch(5, seed=1, n_rows=SMALL)):
        assert (batch.table != other.table).any()


def test_the_same_seed_gives_the_same_numbers() -> None:
    def story() -> tuple[Evaluation, Evaluation]:
        model = coupons.train(coupons.past_coupons(seed=1, n_rows=SMALL), trained_on="little", seed=1)
        return coupons.measure_build(model), coupons.measure(model, coupons.weekly_batch(5, seed=1, n_rows=SMALL))

    assert story() == story()


@pytest.mark.parametrize("seed", [1, STORY_SEED, 42])
def test_a_quarter_to_two_fifths_are_redeemed(seed: int) -> None:
    batches = [coupons.past_coupons(seed=seed), *(coupons.weekly_batch(week, seed=seed) for week in range(1, 13))]
    assert all(0.25 <= batch.redeemed.mean() <= 0.40 for batch in batches)


def test_the_distribution_moves() -> None:
    early, late = coupons.weekly_batch(1, seed=STORY_SEED), coupons.weekly_batch(9, seed=STORY_SEED)
    assert (late.column("channel") == "app").mean() > (early.column("channel") == "app").mean() + 0.2
    assert late.column("customer_age").mean() < early.column("customer_age").mean() - 5


def test_the_relation_moves() -> None:
    def redeemed_on_paper(week: int) -> float:
        batch = coupons.weekly_batch(week, seed=STORY_SEED)
        paper = (batch.column("channel") == "paper") & (batch.column("customer_age") > 45)
        young_app = (batch.column("channel") == "app") & (batch.column("customer_age") < 45)
        return float(batch.redeemed[paper].mean() - batch.redeemed[young_app].mean())

    assert redeemed_on_paper(1) > redeemed_on_paper(9) + 0.2


def test_a_build_has_initial_metrics_and_no_drift(first: CouponModel) -> None:
    initial = coupons.measure_build(first)
    assert 0.85 < initial.metrics["roc_auc"] < 0.90
    assert "data_drift" not in initial.metrics
    assert initial.n_rows == len(first.held_out) == 2_400
    redeemed = int(first.held_out.redeemed.sum())
    assert (initial.n_positive, initial.n_negative) == (redeemed, 2_400 - redeemed)


def test_every_metric_is_a_standard_one_in_its_range(weeks: dict[int, Evaluation]) -> None:
    for evaluation in weeks.values():
        assert {"roc_auc", "log_loss", "lift", "data_drift"} <= set(evaluation.metrics)
        assert all(CATALOGUE[code].admits(value) for code, value in evaluation.metrics.items())
        assert evaluation.n_rows == 4_000


def test_the_story_has_alerts_of_every_severity(first: CouponModel, weeks: dict[int, Evaluation]) -> None:
    initial = coupons.measure_build(first).metrics["roc_auc"]
    lost = {week: initial - evaluation.metrics["roc_auc"] for week, evaluation in weeks.items()}
    assert all(0 < lost[week] < 0.02 for week in (1, 2, 3))
    assert all(0.02 <= lost[week] < 0.05 for week in (4, 5))
    assert all(0.05 <= lost[week] < 0.12 for week in (6, 7, 8))


def test_data_drift_grows_from_guessing_to_plain(weeks: dict[int, Evaluation]) -> None:
    drift = {week: evaluation.metrics["data_drift"] for week, evaluation in weeks.items()}
    assert drift[1] == pytest.approx(0.5, abs=0.04)
    assert drift[1] < drift[5] - 0.05 < drift[8] - 0.1
    assert drift[8] > 0.65


def test_a_retrained_model_recovers(first: CouponModel, second: CouponModel, weeks: dict[int, Evaluation]) -> None:
    initial = coupons.measure_build(first).metrics["roc_auc"]
    assert coupons.measure_build(second).metrics["roc_auc"] > weeks[8].metrics["roc_auc"] + 0.05
    for week in (9, 10):
        batch = coupons.weekly_batch(week, seed=STORY_SEED)
        recovered = coupons.measure(second, batch).metrics
        assert recovered["roc_auc"] > coupons.measure(first, batch).metrics["roc_auc"] + 0.04
        assert recovered["roc_auc"] > initial - 0.02
        assert recovered["data_drift"] == pytest.approx(0.5, abs=0.04)


def test_rows_of_both_sides_are_drawn_for_data_drift() -> None:
    few, many = coupons.weekly_batch(1, seed=1, n_rows=SMALL), coupons.weekly_batch(9, seed=1, n_rows=4 * SMALL)
    # With all rows a forest could reach 0.8 by always naming the larger side.
    same = coupons.data_drift(few, coupons.weekly_batch(1, seed=2, n_rows=4 * SMALL))
    assert same == pytest.approx(0.5, abs=0.08)
    assert coupons.data_drift(few, many) > same
    assert coupons.data_drift(many, few) > same


def test_a_week_before_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="week must be 1 or later, not 0"):
        coupons.weekly_batch(0, seed=1)


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        coupons.weekly_batch(1, seed=1, n_rows=10).column("shoe_size")
