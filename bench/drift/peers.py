"""Evidently's and NannyML's measures of each column, in the environment that has them: `python peers.py WHO A B`.

A program of its own that imports nothing of this project. Prints a JSON document: how long it took from the frames in
memory to the answers, the most memory of the process, and the answers by column.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

# Any, in this module: libraries without types, or with their own.
Answers = dict[str, dict[str, float]]
EVIDENTLY = {"number": ("ks", "psi", "wasserstein"), "category": ("chisquare", "psi")}
NANNYML = {"number": ("kolmogorov_smirnov", "wasserstein"), "category": ("chi2",)}


def evidently(reference: pd.DataFrame, rows: pd.DataFrame, kinds: dict[str, list[str]]) -> Answers:
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-not-found, unused-ignore]
    from evidently.metrics import ValueDrift  # type: ignore[import-not-found, unused-ignore]

    definition = DataDefinition(numerical_columns=kinds["number"], categorical_columns=kinds["category"])
    asked = [(name, method) for kind, names in kinds.items() for name in names for method in EVIDENTLY[kind]]
    report = Report([ValueDrift(column=name, method=method) for name, method in asked])
    found = report.run(
        Dataset.from_pandas(rows, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )
    answers: Answers = {}
    for (name, method), metric in zip(asked, found.dict()["metrics"], strict=True):
        answers.setdefault(name, {})[method] = float(metric["value"])
    return answers


def nannyml(reference: pd.DataFrame, rows: pd.DataFrame, kinds: dict[str, list[str]]) -> Answers:
    import nannyml as nml  # type: ignore[import-not-found, unused-ignore]

    calculator = nml.UnivariateDriftCalculator(
        column_names=kinds["number"] + kinds["category"],
        treat_as_categorical=kinds["category"],
        continuous_methods=list(NANNYML["number"]),
        categorical_methods=list(NANNYML["category"]),
        chunk_size=len(rows),
    )
    calculator.fit(reference)
    table = calculator.calculate(rows).filter(period="analysis").to_df()
    return {
        name: {method: float(table[name, method, "value"].iloc[0]) for method in NANNYML[kind]}
        for kind, names in kinds.items()
        for name in names
    }


def roc_auc_evidently(rows: pd.DataFrame) -> float:
    from evidently import BinaryClassification, DataDefinition, Dataset, Report  # type: ignore[import-not-found, unused-ignore]
    from evidently.metrics import RocAuc  # type: ignore[import-not-found, unused-ignore]

    definition = DataDefinition(
        classification=[BinaryClassification(target="y_true", prediction_probas="y_score")],
        numerical_columns=["y_score"],
        categorical_columns=["y_true"],
    )
    report = Report([RocAuc()])
    return float(report.run(Dataset.from_pandas(rows, data_definition=definition)).dict()["metrics"][0]["value"])


def roc_auc_nannyml(rows: pd.DataFrame) -> float:
    import nannyml as nml  # type: ignore[import-not-found, unused-ignore]

    calculator = nml.PerformanceCalculator(
        y_true="y_true",
        y_pred="y_pred",
        y_pred_proba="y_score",
        problem_type="classification_binary",
        metrics=["roc_auc"],
        chunk_size=len(rows),
    )
    whole = rows.assign(y_pred=(rows["y_score"] >= 0.5).astype(int))
    table = calculator.fit(whole).calculate(whole).filter(period="analysis").to_df()
    return float(table["roc_auc", "value"].iloc[0])


WHO: dict[str, Callable[..., Answers]] = {"evidently": evidently, "nannyml": nannyml}
AREAS = {"evidently": roc_auc_evidently, "nannyml": roc_auc_nannyml}


def kinds_of(frame: pd.DataFrame) -> dict[str, list[str]]:
    """The columns that both can compare: numbers as they are, all but times as categories."""
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool]
    times = [name for name in frame if pd.api.types.is_datetime64_any_dtype(frame[name])]
    return {"number": numbers, "category": [name for name in frame if name not in {*numbers, *times}]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=WHO)
    parser.add_argument("reference")
    parser.add_argument("rows", nargs="?", help="without it: the ROC AUC of the columns y_true and y_score")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    reference = pd.read_parquet(given.reference)
    if given.rows is None:
        print(json.dumps({"roc_auc": AREAS[given.who](reference)}))
        return
    rows = pd.read_parquet(given.rows)
    kinds = kinds_of(reference)
    began = time.perf_counter()
    answers = WHO[given.who](reference, rows, kinds)
    document: dict[str, Any] = {
        "seconds": time.perf_counter() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "columns": answers,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
