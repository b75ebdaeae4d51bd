"""How often the default policy is wrong: false alarms where nothing changed, and true drops that it misses.

`make study` simulates versions, has the folds and the policy of the worker judge them, prints the shares, and draws
them for docs/drift.md. The scores are binormal: those of negative rows are standard normal, those of positive ones
normal around sqrt(2) times the normal quantile of the true ROC AUC, with the same spread.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mooring.events import EvaluationRun, ModelBuild
from mooring.keys import VersionKey
from mooring.metrics.delong import roc_auc
from mooring.outputs import ErrorSource, Severity
from streams.folds import built, counted
from streams.rows import VersionRow
from streams.severity import Policy, row_severity

T = TypeVar("T")

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
VERSIONS = 1_000
AUC = 0.87
PROMISED = Policy().significance
# Of these sizes false alarms are counted; drops are looked for at one of them.
ROWS = (100, 300, 1_000, 2_000, 5_000, 20_000)
ROWS_OF_DROPS = 2_000
DROPS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1)
BALANCED, RARE = 0.5, 0.1
_KNOWN = {
    ErrorSource.SCORES: "from scores (DeLong)",
    ErrorSource.COUNTS: "from counts (Hanley-McNeil)",
    ErrorSource.UNKNOWN: "sizes unknown",
}
_ALARMS = (Severity.WARNING, Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class Measured:
    """A ROC AUC as it comes out on some rows, and how sure that is."""

    auc: float
    standard_error: float
    n_positive: int
    n_negative: int


def measured(random: np.random.Generator, auc: float, rows: int, positives: float) -> Measured:
    """Measure a model of this true ROC AUC on so many rows, of which this share is positive."""
    n_positive = round(rows * positives)
    truth = np.arange(rows) < n_positive
    scores = random.standard_normal(rows) + truth * (2**0.5 * NormalDist().inv_cdf(auc))
    found, error = roc_auc(truth, scores)
    return Measured(found, error, n_positive, rows - n_positive)


def alarms(
    versions: int, rows: int, positives: float, drop: float, seed: int, policy: Policy | None = None
) -> Mapping[ErrorSource, float]:
    """The share of simulated versions that end as WARNING or CRITICAL, by what is known of how sure values are.

    Each is built with a true ROC AUC of 0.87 and evaluated once with one that is lower by `drop`, both on `rows` rows.
    """
    random = np.random.default_rng([seed, rows, round(positives * 1_000), round(drop * 1_000)])
    severe = dict.fromkeys(_KNOWN, 0)
    for _ in range(versions):
        before = measured(random, AUC, rows, positives)
        after = measured(random, AUC - drop, rows, positives)
        for known in _KNOWN:
            severe[known] += _judged(before, after, known, policy or Policy()) in _ALARMS
    return {known: count / versions for known, count in severe.items()}


_VERSION = VersionKey("study", "STUDY", "model", "v1")


def _judged(before: Measured, after: Measured, known: ErrorSource, policy: Policy) -> Severity:
    """What the worker makes of it."""
    build = ModelBuild(
        event_id="build",
        node_id=_VERSION.node_id,
        project_key=_VERSION.project_key,
        recorded_at=1,
        model_id=_VERSION.model_id,
        version_id=_VERSION.version_id,
        built_at=1,
        metrics={"roc_auc": before.auc},
        standard_errors=_errors(before, known),
        **_counts(before, known),
    )
    run = EvaluationRun(
        event_id="run",
        node_id=_VERSION.node_id,
        project_key=_VERSION.project_key,
        recorded_at=2,
        store_id="weekly",
        evaluation_id="1",
        model_project_key=_VERSION.project_key,
        model_id=_VERSION.model_id,
        version_id=_VERSION.version_id,
        evaluated_at=2,
        metrics={"roc_auc": after.auc},
        standard_errors=_errors(after, known),
        **_counts(after, known),
    )
    return row_severity(counted(built(VersionRow(_VERSION), build), run), policy)


def _errors(one: Measured, known: ErrorSource) -> dict[str, float]:
    return {"roc_auc": one.standard_error} if known is ErrorSource.SCORES else {}


# Any: arguments of an event, checked there.
def _counts(one: Measured, known: ErrorSource) -> dict[str, Any]:
    if known is not ErrorSource.COUNTS:
        return {}
    return {"n_positive": one.n_positive, "n_negative": one.n_negative}


@dataclass(frozen=True, slots=True)
class Curve:
    """Shares of alarms along one axis, by what is known."""

    name: str
    title: str
    axis: str
    at: Sequence[float]
    shares: Sequence[Mapping[ErrorSource, float]]


def curves(versions: int, seed: int) -> Iterator[Curve]:
    """What the study draws."""
    for positives, word in ((BALANCED, "balanced"), (RARE, "rare")):
        shares = [alarms(versions, rows, positives, 0.0, seed) for rows in _progress(ROWS, f"False alarms, {word}")]
        title = f"False alarms where nothing changed, {positives:.0%} of the rows positive"
        yield Curve(f"false-alarms-{word}", title, "rows on either side", ROWS, shares)
    shares = [alarms(versions, ROWS_OF_DROPS, BALANCED, drop, seed) for drop in _progress(DROPS, "Power")]
    title = f"True drops that are found, {ROWS_OF_DROPS:,} rows on both sides, half of them positive"
    yield Curve("power", title, f"drop from {AUC}", DROPS, shares)


def main() -> int:
    """Simulate, print, draw."""
    options = _options()
    console = Console(highlight=False)
    for curve in curves(options.versions, options.seed):
        table = Table(title=curve.title)
        table.add_column(curve.axis, justify="right")
        for label in _KNOWN.values():
            table.add_column(label, justify="right")
        for at, shares in zip(curve.at, curve.shares, strict=True):
            table.add_row(f"{at:g}", *(f"{shares[known]:.1%}" for known in _KNOWN))
        console.print(table)
        if options.pictures:
            _draw(curve, options.pictures / f"{curve.name}.svg")
    if options.pictures:
        console.print(f"Drawn in {options.pictures}.")
    return 0


def _progress(values: Sequence[T], what: str) -> Iterator[T]:
    return iter(track(values, what, console=Console(stderr=True), transient=True))


def _draw(curve: Curve, path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    # The same picture, byte by byte, as long as the figures are the same.
    matplotlib.rcParams.update({"svg.hashsalt": "mooring", "font.size": 10, "axes.spines.top": False})
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    figure, axes = pyplot.subplots(figsize=(7.2, 3.6))
    for known, label in _KNOWN.items():
        axes.plot(curve.at, [shares[known] for shares in curve.shares], marker="o", markersize=4, label=label)
    axes.set(title=curve.title, xlabel=curve.axis, ylabel="share of versions")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    if curve.name == "power":
        axes.axhline(0.9, color="0.6", linestyle=":", linewidth=1)
    else:
        axes.set_xscale("log")
        axes.axhline(PROMISED, color="0.6", linestyle=":", linewidth=1)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make study",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples: make study · make study ARGS="--versions 200 --pictures /tmp"',
    )
    parser.add_argument("--versions", type=int, default=VERSIONS, help=f"how many of each kind (default {VERSIONS})")
    parser.add_argument("--seed", type=int, default=1, help="another one draws other versions (default 1)")
    parser.add_argument("--pictures", type=Path, default=PICTURES, metavar="FOLDER", help="where to draw them")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
