"""The same rows, the same answers as Evidently and NannyML where definitions agree; where not, why they differ.

`make peers` installs them and runs this.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from bench.drift.__main__ import PYTHON, SILENT
from mooring.drift import DataDrift, Reference
from mooring.metrics.binary import evaluate_binary
from tests.brokers import ROOT

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

N_REFERENCE, N_ROWS = 800, 1_000
NUMBERS, CATEGORIES = ("still", "moved", "skewed", "zeros"), ("same", "other", "new")

Answers = dict[str, dict[str, float]]


def rows(n_rows: int, seed: int, shift: float) -> pl.DataFrame:
    """Without missing values, which they leave out."""
    rng = np.random.default_rng(seed)
    words = np.array(["a", "b", "c", "d", "e"])
    return pl.DataFrame(
        {
            "still": rng.normal(size=n_rows),
            "moved": rng.normal(shift, 1, n_rows),
            "skewed": rng.lognormal(sigma=1 + shift, size=n_rows),
            "zeros": np.where(rng.random(n_rows) < 0.6, 0.0, rng.exponential(1 + shift, n_rows)),
            "same": rng.choice(words[:3], n_rows),
            "other": rng.choice(words[:2], n_rows, p=[0.5 + shift, 0.5 - shift]),
            "new": rng.choice(words[: 5 if shift else 4], n_rows),
        }
    )


@pytest.fixture(scope="module")
def before() -> pl.DataFrame:
    return rows(N_REFERENCE, seed=1, shift=0.0)


@pytest.fixture(scope="module")
def after() -> pl.DataFrame:
    return rows(N_ROWS, seed=2, shift=0.2)


@pytest.fixture(scope="module")
def ours(before: pl.DataFrame, after: pl.DataFrame) -> DataDrift:
    return Reference.fit(before, max_rows=0).compare(after)


def asked(who: str, folder: Path, *frames: pl.DataFrame) -> Any:
    """What a peer answers, in its own environment."""
    paths = [folder / f"{number}.parquet" for number in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        frame.write_parquet(path)
    command = [str(PYTHON), str(ROOT / "bench" / "drift" / "peers.py"), who, *map(str, paths)]
    done = subprocess.run(command, env={**os.environ, **SILENT}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def evidently(before: pl.DataFrame, after: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    answers: Answers = asked("evidently", tmp_path_factory.mktemp("evidently"), before, after)["columns"]
    return answers


@pytest.fixture(scope="module")
def nannyml(before: pl.DataFrame, after: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    answers: Answers = asked("nannyml", tmp_path_factory.mktemp("nannyml"), before, after)["columns"]
    return answers


@pytest.mark.parametrize("name", NUMBERS)
def test_kolmogorov_smirnov_is_the_same(name: str, ours: DataDrift, evidently: Answers, nannyml: Answers) -> None:
    column = ours.columns[name]
    assert column.statistic == pytest.approx(nannyml[name]["kolmogorov_smirnov"], abs=1e-12)
    assert column.p_value == pytest.approx(evidently[name]["ks"], rel=1e-9)


@pytest.mark.parametrize("name", NUMBERS)
def test_the_wasserstein_distance_is_the_same(
    name: str, ours: DataDrift, evidently: Answers, nannyml: Answers, before: pl.DataFrame
) -> None:
    found, deviation = ours.columns[name].wasserstein, before[name].to_numpy().std()
    assert found == pytest.approx(evidently[name]["wasserstein"], rel=1e-9)
    assert found == pytest.approx(nannyml[name]["wasserstein"] / deviation, rel=1e-9)


@pytest.mark.parametrize("name", CATEGORIES)
def test_chi_square_is_nannymls(name: str, ours: DataDrift, nannyml: Answers) -> None:
    assert ours.columns[name].statistic == pytest.approx(nannyml[name]["chi2"], rel=1e-9)


@pytest.mark.parametrize("name", ["same", "other"])
def test_chi_square_differs_from_evidentlys_which_takes_the_reference_for_the_truth(
    name: str, ours: DataDrift, evidently: Answers, before: pl.DataFrame, after: pl.DataFrame
) -> None:
    counts = [dict(frame[name].value_counts().iter_rows()) for frame in (before, after)]
    expected = [counts[0][key] * N_ROWS / N_REFERENCE for key in counts[0]]
    goodness_of_fit = stats.chisquare([counts[1][key] for key in counts[0]], expected).pvalue
    assert evidently[name]["chisquare"] == pytest.approx(goodness_of_fit, rel=1e-6)
    p_value = ours.columns[name].p_value
    assert p_value is not None
    assert p_value > evidently[name]["chisquare"]


@pytest.mark.parametrize("name", ["same", "other"])
def test_psi_of_categories_is_evidentlys(name: str, ours: DataDrift, evidently: Answers) -> None:
    assert ours.columns[name].psi == pytest.approx(evidently[name]["psi"], rel=1e-9)


def test_psi_differs_in_a_bin_that_is_empty(ours: DataDrift, evidently: Answers, after: pl.DataFrame) -> None:
    share = (after["new"] == "e").mean()
    assert isinstance(share, float)
    ours_counts, theirs_counts = 0.5 / N_REFERENCE, 0.0001
    difference = (share - ours_counts) * np.log(share / ours_counts) - (share - theirs_counts) * np.log(
        share / theirs_counts
    )
    assert ours.columns["new"].psi - evidently["new"]["psi"] == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize("name", NUMBERS)
def test_psi_of_numbers_differs_by_its_bins(
    name: str, ours: DataDrift, evidently: Answers, before: pl.DataFrame, after: pl.DataFrame
) -> None:
    """Theirs: bins of equal width over both sides together. With these our formula gives their number."""
    edges = np.histogram_bin_edges(np.concatenate([before[name].to_numpy(), after[name].to_numpy()]), bins="sturges")
    shares = [np.histogram(frame[name].to_numpy(), edges)[0] / len(frame) for frame in (before, after)]
    p, q = (np.where(each == 0, 0.0001, each) for each in shares)
    assert evidently[name]["psi"] == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=1e-9)
    assert ours.columns[name].psi != pytest.approx(evidently[name]["psi"], rel=0.01)


def test_from_10_000_rows_on_nannyml_compares_in_bins_of_equal_width(tmp_path: Path) -> None:
    """10,000 of them, from the least to the greatest number: of a heavy-tailed column nearly all rows are in a few."""
    rng = np.random.default_rng(6)
    before, after = (
        pl.DataFrame({"x": rng.standard_cauchy(n_rows) + shift}) for n_rows, shift in ((50_000, 0), (5_000, 0.1))
    )
    exact = stats.ks_2samp(before["x"], after["x"]).statistic
    ours = Reference.fit(before, max_rows=0).compare(after).columns["x"].statistic
    assert ours is not None
    assert exact - 0.001 <= ours <= exact + 1e-12
    assert asked("nannyml", tmp_path, before, after)["columns"]["x"]["kolmogorov_smirnov"] < exact - 0.01


@pytest.mark.parametrize("who", ["evidently", "nannyml"])
def test_roc_auc_is_the_same(who: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    labels = rng.random(3_000) < 0.3
    scores = np.clip(0.3 * labels + 0.7 * rng.random(3_000), 0, 1).round(3)
    frame = pl.DataFrame({"y_true": labels.astype(int), "y_score": scores})
    expected = evaluate_binary(labels, scores).metrics["roc_auc"]
    assert asked(who, tmp_path, frame)["roc_auc"] == pytest.approx(expected, abs=1e-9)
