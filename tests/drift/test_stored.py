"""A reference in files: the same to the last bit once read back, and nothing believed that does not hold."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mooring.drift import InvalidReference, Reference
from tests.drift.rows import customers
from tests.drift.test_sketches import described

Change = Callable[[Any], Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "reference.json"
    Reference.fit(customers(1_500), predictions="spent", categorical=["visits"], max_rows=300).save(path)
    return path


def same(one: Reference, other: Reference) -> bool:
    sketches = [
        [*each.sketches.items(), *([] if each.prediction is None else [each.prediction])] for each in (one, other)
    ]
    rows = [np.zeros((0, 0)) if each.rows is None else each.rows for each in (one, other)]
    return (
        [(name, type(sketch), described(sketch)) for name, sketch in sketches[0]]
        == [(name, type(sketch), described(sketch)) for name, sketch in sketches[1]]
        and (one.n_rows, one.seed) == (other.n_rows, other.seed)
        and np.array_equal(rows[0], rows[1], equal_nan=True)
    )


@pytest.mark.parametrize(
    "made",
    [
        lambda: Reference.fit(customers(1_500), predictions="spent", seed=7),
        lambda: Reference.fit(customers(1_500), max_rows=0),
        lambda: Reference.fit({"fax": [None], "ü ☃\n": ["\x00"]}),
        lambda: Reference.fit({"tiny": np.array([5e-324, -1e100, 0.1 + 0.2])}),
    ],
)
def test_what_is_read_back_is_what_was_saved(made: Callable[[], Reference], tmp_path: Path) -> None:
    reference, path = made(), tmp_path / "reference.json"
    reference.save(path)
    assert same(Reference.load(path), reference)
    assert path.with_suffix(".npz").exists() == (reference.rows is not None)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.one_of(
            st.lists(st.one_of(st.none(), st.floats()), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.booleans()), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.datetimes()), min_size=3, max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_columns_are_read_back(tmp_path: Path, rows: dict[str, list[Any]]) -> None:
    reference, path = Reference.fit(rows), tmp_path / "reference.json"
    reference.save(str(path))
    assert same(Reference.load(str(path)), reference)


def test_a_comparison_with_what_is_read_back_is_the_same(path: Path) -> None:
    reference = Reference.fit(customers(1_500), predictions="spent", categorical=["visits"], max_rows=300)
    rows = customers(600, seed=2, older=4)
    assert Reference.load(path).compare(rows).to_document() == reference.compare(rows).to_document()


def test_without_the_sample_of_rows_all_but_the_classifier_is_there(path: Path) -> None:
    path.with_suffix(".npz").unlink()
    drift = Reference.load(path).compare(customers(600, seed=2, older=9))
    assert "beside it" in drift.left_out["data_drift"]
    assert "age" in drift.drifted


def test_the_document_holds_no_rows(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["rows"].keys() == {"shape", "sha256"}
    assert "customer 17 of 1" not in path.read_text(encoding="utf-8")


def test_the_document_is_bounded(tmp_path: Path) -> None:
    sizes = []
    for n_rows in (20_000, 80_000):
        rng = np.random.default_rng(1)
        rows = {"number": rng.lognormal(size=n_rows), "word": rng.integers(0, n_rows // 4, n_rows).astype(str)}
        Reference.fit(rows, max_rows=500).save(tmp_path / "reference.json")
        sizes.append((tmp_path / "reference.json").stat().st_size)
    assert sizes[1] < 1.1 * sizes[0] < 100_000


@pytest.mark.parametrize("name", ["rows.npz", "rows"])
def test_the_two_files_have_two_names(name: str, tmp_path: Path) -> None:
    reference = Reference.fit({"a": [1, 2]})
    if name.endswith(".npz"):
        with pytest.raises(ValueError, match="another ending"):
            reference.save(tmp_path / name)
    else:
        reference.save(tmp_path / name)
        assert same(Reference.load(tmp_path / name), reference)


# What is refused


def put(place: str, value: Any) -> Change:
    """Puts a value into a document, at a place like columns.0.name."""

    def change(document: Any) -> Any:
        *parents, last = [int(part) if part.isdigit() else part for part in place.split(".")]
        at = document
        for part in parents:
            at = at[part]
        at[last] = value
        return document

    return change


AGE, REGION, NOTE = "columns.0", "columns.3", "columns.6"

BAD_DOCUMENTS: dict[str, tuple[Change, str]] = {
    "an array": (lambda document: [document], "the document must be an object"),
    "another document": (put("format", "events"), "it does not say so"),
    "a later version": (put("version", 2), "it is of version 2, and this Mooring reads version 1"),
    "no count of rows": (put("n_rows", "many"), "n_rows must be a whole number"),
    "true as a number": (put("n_rows", True), "n_rows must be a whole number"),
    "another count of rows": (put("n_rows", 1_499), "column 'age' has 1,500 rows, not 1,499"),
    "no columns": (put("columns", []), "columns must be some"),
    "columns by name": (put("columns", {}), "columns must be an array"),
    "a column that is none": (put(AGE, 3), "each column must be an object"),
    "a column without a name": (put(f"{AGE}.name", None), "name must be a text"),
    "two columns of a name": (put(f"{AGE}.name", "region"), "each with a name of its own"),
    "an unknown kind": (put(f"{AGE}.kind", "colour"), "column 'age': 'colour' is not a valid Kind"),
    "values that are none": (put(f"{AGE}.values.3", "x"), "column 'age': values must hold numbers only"),
    "values out of order": (put(f"{AGE}.values.3", -1e9), "column 'age': values must be finite and ascend"),
    "counts that are no numbers": (put(f"{AGE}.below.3", 1.5), "column 'age': below must hold numbers only"),
    "a count too large for any": (put(f"{AGE}.below.3", 2**70), "column 'age': below must hold no number that large"),
    "counts that go down": (put(f"{AGE}.upto.3", 0), "column 'age': below and upto must count rows"),
    "a missing list": (put(f"{AGE}.upto", None), "column 'age': upto must be an array"),
    "lists of two lengths": (put(f"{AGE}.upto", [1]), "column 'age': values, below and upto must be equally many"),
    "a negative deviation": (put(f"{AGE}.std", -1), "column 'age': std must be finite"),
    "a category twice": (put(f"{REGION}.categories", [["a", 1], ["a", 2]]), "a category is there twice"),
    "a category without rows": (put(f"{REGION}.categories.0.1", 0), "with at least one row each"),
    "a category that is no pair": (put(f"{REGION}.categories.0", ["a"]), "must be a name and a count"),
    "an unknown origin": (put(f"{REGION}.origin", "heaven"), "'heaven' is not a valid Origin"),
    "empty, but not": (put(f"{NOTE}.kind", "empty"), "column 'note': n_present must be 0 in an empty column"),
    "a prediction that is none": (put("prediction", 1), "each column must be an object"),
    "rows that are none": (put("rows", [1]), "rows must be an object"),
}


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_documents_that_are_refused(path: Path, name: str) -> None:
    change, problem = BAD_DOCUMENTS[name]
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    with pytest.raises(InvalidReference) as refused:
        Reference.load(path)
    assert str(refused.value).startswith(f"{path} is no reference: ")
    assert problem in str(refused.value)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is no JSON document"),
        (b"{", "is no JSON document"),
        (b"\xff\xfe", "is no JSON document"),
        (b'{"format": NaN}', "NaN for a number"),
        (pickle.dumps({"format": "mooring-reference"}), "is no JSON document"),
    ],
)
def test_files_that_are_no_documents(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InvalidReference, match=problem):
        Reference.load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Reference.load(tmp_path / "reference.json")


def npz(**arrays: Any) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


class Evil:
    """Would leave a file behind if anything unpickled it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path("unpickled").touch, ()


@pytest.mark.parametrize(
    ("rows", "vouched", "problem"),
    [
        (npz(rows=np.zeros((300, 6))), False, "is not the sample of rows that was saved with the reference"),
        (b"", True, "is no sample of rows"),
        (npz(rows=np.array([Evil()], dtype=object)), True, "is no sample of rows: .*pickle"),
        (pickle.dumps(Evil()), True, "is no sample of rows"),
        (npz(others=np.zeros((300, 6))), True, "is no sample of rows"),
        (npz(rows=np.zeros((300, 5))), True, "another shape"),
        (npz(rows=np.zeros((300, 6), dtype=np.float32)), True, "another shape"),
    ],
)
def test_samples_of_rows_that_are_refused(
    path: Path, rows: bytes, vouched: bool, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    path.with_suffix(".npz").write_bytes(rows)
    if vouched:
        document = json.loads(path.read_text(encoding="utf-8"))
        document["rows"]["sha256"] = hashlib.sha256(rows).hexdigest()
        path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InvalidReference, match=problem):
        Reference.load(path)
    assert not Path("unpickled").exists()


def test_a_sample_of_other_columns_is_refused(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["columns"][0]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InvalidReference, match="has 6 columns of rows, and the reference 5"):
        Reference.load(path)
