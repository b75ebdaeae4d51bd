"""What the rows looked like when a version was built, kept to compare later rows with."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from os import PathLike
from pathlib import Path
from typing import Any, Self, TypeVar

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from mooring.drift import stored
from mooring.drift.classifier import ROWS_MIN, Judgement, judge
from mooring.drift.frames import Frame, InvalidFrame, beside, read, read_as
from mooring.drift.result import ColumnDrift, DataDrift, in_context
from mooring.drift.sketches import CategorySketch, Kind, Numbers, Origin, PresenceSketch, Sketch, encoded, sketch_of
from mooring.drift.univariate import Comparison, compare

MAX_ROWS = 10_000
"""How many rows are kept for the domain classifier, unless told otherwise."""

Progress = Callable[[int, int], object]
"""Called with the number of steps done, and of all."""

_JUDGING_STEPS = 2
_PREDICTIONS = "predictions"

# Any, in this module: whatever the caller's rows are in.
T = TypeVar("T")


@dataclass(frozen=True, eq=False, repr=False)
class Reference(stored.Kept):
    """A bounded summary of each column of the rows that a version was tested on, and a sample of these rows.

    `fit` it when the version is built and `save` it; `load` it to `compare` the rows of an evaluation. It holds values
    of your data, in its summaries as well as in the sample, so keep its files where you may keep those. Nothing of it
    is ever sent to Mooring.
    """

    @classmethod
    def fit(
        cls,
        frame: Any,
        *,
        columns: Iterable[str] | None = None,
        categorical: Collection[str] = (),
        predictions: Any = None,
        max_rows: int = MAX_ROWS,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """Summarise n rows, best those that the version's initial metrics are calculated from.

        `frame`
            A pandas or polars frame, a lazy one too; a two-dimensional or structured numpy array; a mapping of names
            to columns. Numbers, times, booleans, texts and categories. None, NaN and numbers
            beyond 1e100 are missing.
        `columns`
            Which to compare; all unless given. Leave out what differs by its nature: ids, the times of the rows, the
            target.
        `categorical`
            Columns of numbers that are names of something, such as postal codes.
        `predictions`
            The model's scores or predicted labels: n values, or the name of the frame's column with them, which is
            then no input.
        `max_rows`
            How many rows to keep for the domain classifier, chosen at random by `seed`. 0 for none.

        Raises InvalidFrame, naming the columns, for what cannot be compared, ValueError for a negative `max_rows`.
        """
        if max_rows < 0:
            raise ValueError(f"max_rows must not be negative, not {max_rows}")
        opened = Frame(frame)
        predicted = None if predictions is None else _predicted(opened, predictions)
        # An array has no name that a column could not have, too.
        among = [name for name in opened.names if not isinstance(predictions, str) or name != predictions]
        inputs = among if columns is None else list(columns)
        for name in categorical:
            if name not in inputs and (predicted is None or name != predicted[0]):
                raise InvalidFrame(f"categorical names {name!r}, which is none of the columns.", [name])
        rows = _chosen(opened.n_rows, max_rows, seed)

        def summarised(name: str, series: nw.Series[Any]) -> tuple[Sketch, NDArray[np.float64] | None]:
            column = read(name, series, rows)
            if name in categorical and isinstance(column, Numbers) and column.kind is Kind.TIME:
                raise InvalidFrame(f"Column {name!r} holds times, which are no categories.", [name])
            sketch, column = sketch_of(column, categorical=name in categorical)
            return sketch, None if isinstance(sketch, PresenceSketch) else encoded(sketch, column, len(rows))

        done = _counter(progress, len(inputs))
        found = _for_each(inputs, lambda name: summarised(name, opened.series(name)), done)
        samples = [sample for _, sample in found.values() if sample is not None]
        return cls(
            n_rows=opened.n_rows,
            seed=seed,
            sketches={name: sketch for name, (sketch, _) in found.items()},
            prediction=None if predicted is None else (predicted[0], summarised(*predicted)[0]),
            rows=np.column_stack(samples) if samples and len(rows) else None,
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write a JSON document of the summaries, and beside it, with the ending .npz, the sample of rows.

        Without the second file a reference knows everything but the domain classifier's score. Raises OSError.
        """
        stored.write(Path(path), self)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """What `save` wrote, and the same to the last bit. Nothing is unpickled.

        Raises OSError where the document cannot be read, InvalidReference where it or the sample of rows is not what
        was saved.
        """
        return cls(**vars(stored.read(Path(path))))

    def compare(
        self,
        frame: Any,
        *,
        predictions: Any = None,
        model_importance: Mapping[str, float] | None = None,
        progress: Progress | None = None,
    ) -> DataDrift:
        """How far n rows are from those of the reference. The same rows give the same result.

        `frame`
            As in `fit`, though it may be of another kind. Columns that the reference does not have are ignored.
        `predictions`
            As in `fit`. Where it was a column's name there, that column is taken unless another is given.
        `model_importance`
            How important columns are to the model, on any scale.

        Raises InvalidFrame, naming the columns, for those that are absent or of another type than in the reference:
        that is a broken pipeline, which no measure of drift should hide.
        """
        opened = Frame(frame)
        absent = [name for name in self.sketches if name not in opened.names]
        if absent:
            raise InvalidFrame(f"The frame has no {', '.join(map(repr, absent))}, which the reference has.", absent)
        shares = None if model_importance is None else _shares(model_importance, self.sketches)
        n_sampled = 0 if self.rows is None else min(len(self.rows), opened.n_rows)
        rows = _chosen(opened.n_rows, n_sampled, self.seed)

        def compared(name: str) -> tuple[Comparison, NDArray[np.float64] | None]:
            sketch = self.sketches[name]
            column = read_as(sketch, name, opened.series(name), rows)
            codes = None if isinstance(sketch, PresenceSketch) else encoded(sketch, column, n_sampled)
            return compare(sketch, column), codes

        done = _counter(progress, len(self.sketches) + _JUDGING_STEPS)
        found = _for_each(self.sketches, compared, done)
        left_out: dict[str, str] = {}
        prediction = self._compared_prediction(opened, predictions, left_out)
        judged = self._judged([codes for _, codes in found.values() if codes is not None], n_sampled, done, left_out)
        importance = None if judged is None or judged.importance is None else judged.importance.tolist()
        return DataDrift(
            n_rows=opened.n_rows,
            n_reference_rows=self.n_rows,
            columns=in_context(
                {name: comparison for name, (comparison, _) in found.items()},
                None if importance is None else dict(zip(self._judged_by(), importance, strict=True)),
                shares,
            ),
            left_out=left_out,
            score=None if judged is None else judged.accuracy,
            standard_error=None if judged is None else judged.standard_error,
            interval=None if judged is None else judged.interval,
            p_value=None if judged is None else judged.p_value,
            n_judged=None if judged is None else judged.n_judged,
            prediction=prediction,
        )

    def __repr__(self) -> str:
        # Not its values: it may end up in a log.
        kept = 0 if self.rows is None else len(self.rows)
        return f"Reference({self.n_rows:,} rows, {len(self.sketches)} columns, {kept:,} rows kept)"

    @property
    def texts(self) -> set[str]:
        """The columns that were text, though it may look like numbers: what a CSV file does not say of itself."""
        named = (
            dict(self.sketches)
            if self.prediction is None
            else {**self.sketches, self.prediction[0]: self.prediction[1]}
        )
        return {
            name
            for name, sketch in named.items()
            if sketch.kind is Kind.TEXT or (isinstance(sketch, CategorySketch) and sketch.origin is Origin.TEXT)
        }

    def _compared_prediction(self, opened: Frame, given: Any, left_out: dict[str, str]) -> ColumnDrift | None:
        if self.prediction is None:
            left_out["prediction_drift"] = "The reference was made without predictions."
            return None
        name, sketch = self.prediction
        if given is None and name in opened.names:
            given = name
        if given is None:
            left_out["prediction_drift"] = "No predictions are given."
            return None
        named, series = _predicted(opened, given)
        drift = in_context({name: compare(sketch, read_as(sketch, named, series, _chosen(0, 0, 0)))})[name]
        if drift.distance is None:
            left_out["prediction_drift"] = drift.left_out or ""
        return drift

    def _judged(
        self,
        evaluated: list[NDArray[np.float64]],
        n_sampled: int,
        done: Callable[[], object],
        left_out: dict[str, str],
    ) -> Judgement | None:
        if self.rows is None:
            left_out["data_drift"] = "The reference has no sample of rows: none was kept, or its file is not beside it."
        elif n_sampled < ROWS_MIN:
            left_out["data_drift"] = f"It takes {ROWS_MIN} rows on each side, and there are only {n_sampled}."
        else:
            reference = self.rows[_chosen(len(self.rows), n_sampled, self.seed)]
            categorical = [isinstance(self.sketches[name], CategorySketch) for name in self._judged_by()]
            return judge(reference, np.column_stack(evaluated), np.array(categorical), self.seed, done)
        for _ in range(_JUDGING_STEPS):
            done()
        return None

    def _judged_by(self) -> list[str]:
        """The columns that the domain classifier is given, as `rows` has them."""
        return [name for name, sketch in self.sketches.items() if not isinstance(sketch, PresenceSketch)]


def _predicted(opened: Frame, given: Any) -> tuple[str, nw.Series[Any]]:
    """The name and the column of predictions, which are given as either."""
    if isinstance(given, str):
        return given, opened.series(given)
    return _PREDICTIONS, beside(_PREDICTIONS, given, opened.n_rows)


def _chosen(n_rows: int, at_most: int, seed: int) -> NDArray[np.int64]:
    """The numbers of that many rows, each equally likely to be among them, ascending."""
    if n_rows <= at_most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, at_most, replace=False, shuffle=False))


def _shares(importance: Mapping[str, float], known: Collection[str]) -> dict[str, float]:
    """The importances as shares of their sum."""
    for name, value in importance.items():
        if name not in known:
            raise InvalidFrame(f"model_importance names {name!r}, which is no column of the reference.", [name])
        if not (math.isfinite(value) and value >= 0):
            raise InvalidFrame(f"model_importance of {name!r} must be finite and not negative, not {value}.", [name])
    total = sum(importance.values())
    return {name: value / total if total else 0.0 for name, value in importance.items()}


def _for_each(names: Iterable[str], step: Callable[[str], T], done: Callable[[], object]) -> dict[str, T]:
    """What the step gives for each column. Raises InvalidFrame with the complaints about all of them."""
    found, complaints = {}, []
    for name in names:
        try:
            found[name] = step(name)
        except InvalidFrame as complaint:
            complaints.append(complaint)
        done()
    if complaints:
        raise InvalidFrame(" ".join(map(str, complaints)), [name for each in complaints for name in each.columns])
    return found


def _counter(progress: Progress | None, total: int) -> Callable[[], object]:
    """Counts the steps, one a call."""
    numbers = count(1)
    return lambda: progress and progress(next(numbers), total)
