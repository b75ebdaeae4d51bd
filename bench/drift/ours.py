"""The same of Mooring's: `python -m bench.drift.ours A B`, which prints a document as `peers.py` does."""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from mooring.drift import DataDrift, Reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference")
    parser.add_argument("rows")
    parser.add_argument("--classifier", action="store_true", help="the domain classifier, too, which the others lack")
    given = parser.parse_args()
    reference, rows = _pandas(given.reference), _pandas(given.rows)
    began = time.perf_counter()
    kept = Reference.fit(reference) if given.classifier else Reference.fit(reference, max_rows=0)
    drift = kept.compare(rows)
    seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "columns": _answers(drift)}))


def _pandas(path: str) -> pd.DataFrame:
    """The frame that the others read with pyarrow, which Mooring does not need."""
    columns = {}
    for name, values in pl.read_parquet(path).to_dict().items():
        if values.dtype == pl.String:
            # A text is there once, as pyarrow has it.
            ranks = values.rank("dense").to_numpy() - 1
            columns[name] = pd.Series(np.array(values.unique().sort().to_list(), dtype=object)[ranks])
        else:
            columns[name] = pd.Series(values.to_numpy())
    return pd.DataFrame(columns)


def _answers(drift: DataDrift) -> dict[str, dict[str, Any]]:  # Any: JSON
    return {
        name: {
            "statistic": column.statistic,
            "p_value": column.p_value,
            "psi": column.psi,
            "wasserstein": column.wasserstein,
        }
        for name, column in drift.columns.items()
    }


if __name__ == "__main__":
    main()
