"""A reference in files: a JSON document of the summaries, and beside it the sample of rows as numpy's .npz.

Neither is ever unpickled, and nothing in them is believed unchecked.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mooring.drift.sketches import CategorySketch, Kind, NumberSketch, Origin, PresenceSketch, Sketch
from mooring.errors import MooringError

FORMAT, VERSION = "mooring-reference", 1

# Any, in this module: a JSON document.
T = TypeVar("T")


class InvalidReference(MooringError, ValueError):
    """A file that is no reference, or not the sample of rows of one; `path` is where it is."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path = path


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of n rows: the `sketches` of their columns, by name, and that of the predictions with its name.

    `rows` is a sample of the rows, chosen by `seed`, as the domain classifier takes them: shape (rows, columns that
    are neither text nor empty). None where none was kept or its file is not there.
    """

    n_rows: int
    seed: int
    sketches: Mapping[str, Sketch]
    prediction: tuple[str, Sketch] | None
    rows: NDArray[np.float64] | None


def rows_path(path: Path) -> Path:
    """Where the sample of rows is kept: beside the document, with the ending .npz."""
    return path.with_suffix(".npz")


def write(path: Path, kept: Kept) -> None:
    """Write both files; the sample only if there is one. Raises OSError, and ValueError where both had one name."""
    if path == rows_path(path):
        raise ValueError(
            f"{path} is where the sample of rows would be: give the reference another ending, such as .json"
        )
    rows = None
    if kept.rows is not None:
        packed = io.BytesIO()
        np.savez_compressed(packed, rows=kept.rows)
        rows_path(path).write_bytes(packed.getvalue())
        rows = {"shape": list(kept.rows.shape), "sha256": hashlib.sha256(packed.getvalue()).hexdigest()}
    document = {
        "format": FORMAT,
        "version": VERSION,
        "n_rows": kept.n_rows,
        "seed": kept.seed,
        "rows": rows,
        "prediction": None if kept.prediction is None else _described(*kept.prediction),
        "columns": [_described(name, sketch) for name, sketch in kept.sketches.items()],
    }
    path.write_text(json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> Kept:
    """What `write` wrote. Without its file of rows, `rows` is None.

    Raises OSError where the document cannot be read, InvalidReference saying what is wrong with either file.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused)
    except ValueError as error:
        raise InvalidReference(path, f"is no JSON document: {error}.") from None
    try:
        return _read(path, document)
    except (_Wrong, ValueError) as error:
        raise InvalidReference(path, f"is no reference: {error}.") from None


class _Wrong(Exception):
    """What does not hold in a document, as the end of a sentence."""


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"it has {constant} for a number")


def _described(name: str, sketch: Sketch) -> dict[str, Any]:
    head = {"name": name, "kind": sketch.kind.value, "n_missing": sketch.n_missing}
    if isinstance(sketch, NumberSketch):
        counts = {"below": sketch.below.tolist(), "upto": sketch.upto.tolist()}
        return {**head, "std": sketch.std, "values": sketch.values.tolist(), **counts}
    if isinstance(sketch, CategorySketch):
        others = {"n_other": sketch.n_other, "n_other_rows": sketch.n_other_rows}
        return {**head, "origin": sketch.origin.value, "categories": list(sketch.counts.items()), **others}
    return {**head, "n_present": sketch.n_present}


def _read(path: Path, document: Any) -> Kept:
    if _of(dict, document, "the document").get("format") != FORMAT:
        raise _Wrong("it does not say so")
    if document.get("version") != VERSION:
        raise _Wrong(f"it is of version {document.get('version')}, and this Mooring reads version {VERSION}")
    n_rows = _get(int, document, "n_rows")
    named = [_named(column, n_rows) for column in _get(list, document, "columns")]
    columns = dict(named)
    if not columns or len(columns) < len(named):
        raise _Wrong("its columns must be some, each with a name of its own")
    prediction = document.get("prediction")
    return Kept(
        n_rows,
        _get(int, document, "seed"),
        columns,
        None if prediction is None else _named(prediction, n_rows),
        None if document.get("rows") is None else _read_rows(rows_path(path), _get(dict, document, "rows"), columns),
    )


def _named(column: Any, n_rows: int) -> tuple[str, Sketch]:
    name = _get(str, column, "name")
    try:
        sketch = _sketch(column)
    except (_Wrong, ValueError) as error:
        raise _Wrong(f"column {name!r}: {error}") from None
    if sketch.n_present + sketch.n_missing != n_rows:
        raise _Wrong(f"column {name!r} has {sketch.n_present + sketch.n_missing:,} rows, not {n_rows:,}")
    return name, sketch


def _sketch(column: Any) -> Sketch:
    kind, n_missing = Kind(_get(str, column, "kind")), _get(int, column, "n_missing")
    if kind in (Kind.NUMBER, Kind.TIME):
        values = _array(np.float64, column, "values")
        below, upto = (_array(np.int64, column, name) for name in ("below", "upto"))
        return NumberSketch(kind, n_missing, values, below, upto, float(_get((float, int), column, "std")))
    if kind is Kind.CATEGORY:
        pairs = [_of(list, pair, "each of categories") for pair in _get(list, column, "categories")]
        if any(len(pair) != 2 or type(pair[0]) is not str or type(pair[1]) is not int for pair in pairs):
            raise _Wrong("each of categories must be a name and a count")
        counts: dict[str, int] = {pair[0]: pair[1] for pair in pairs}
        if len(counts) < len(pairs):
            raise _Wrong("a category is there twice")
        others = _get(int, column, "n_other"), _get(int, column, "n_other_rows")
        return CategorySketch(Origin(_get(str, column, "origin")), n_missing, counts, *others)
    return PresenceSketch(kind, _get(int, column, "n_present"), n_missing)


def _read_rows(path: Path, described: dict[str, Any], columns: Mapping[str, Sketch]) -> NDArray[np.float64] | None:
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(packed).hexdigest() != _get(str, described, "sha256"):
        raise InvalidReference(path, "is not the sample of rows that was saved with the reference.")
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            rows: NDArray[np.float64] = arrays["rows"]
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise InvalidReference(path, f"is no sample of rows: {error}.") from None
    n_columns = sum(not isinstance(sketch, PresenceSketch) for sketch in columns.values())
    if rows.dtype != np.float64 or rows.ndim != 2 or list(rows.shape) != _get(list, described, "shape"):
        raise InvalidReference(path, "is no sample of rows: it has another shape than the reference says.")
    if rows.shape[1] != n_columns:
        raise InvalidReference(path, f"has {rows.shape[1]} columns of rows, and the reference {n_columns}.")
    return rows


def _array(kind: type[np.generic], document: Any, name: str) -> NDArray[Any]:
    values = _get(list, document, name)
    allowed = (int,) if issubclass(kind, np.integer) else (int, float)
    if not all(type(value) in allowed for value in values):
        raise _Wrong(f"{name} must hold numbers only")
    try:
        return np.array(values, dtype=kind)
    except OverflowError:
        raise _Wrong(f"{name} must hold no number that large") from None


def _get(kind: type[T] | tuple[type[T], ...], document: Any, name: str) -> T:
    return _of(kind, _of(dict, document, "each column").get(name), name)


def _of(kind: type[T] | tuple[type[T], ...], value: Any, name: str) -> T:
    # Not isinstance: True is no number of rows.
    if type(value) not in (kind if isinstance(kind, tuple) else (kind,)):
        raise _Wrong(f"{name} must be {_CALLED[kind if isinstance(kind, type) else float]}")
    return value  # type: ignore[no-any-return]


_CALLED = {dict: "an object", list: "an array", str: "a text", int: "a whole number", float: "a number"}
