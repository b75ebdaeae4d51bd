"""`mooring reference` and `mooring data-drift`: files in, a document or a table out, errors in one sentence."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from mooring.codec import decode
from mooring.drift import Reference
from mooring.events import EvaluationRun
from mooring.topics import Topics
from tests.brokers import ROOT, Broker
from tests.drift.rows import Rows, customers
from tests.drift.test_stored import same
from tests.mooring.test_cli import Run, run
from tests.test_packaging import read

__all__ = ["run"]  # a fixture

WRITERS: dict[str, Callable[[Rows, Path], object]] = {
    "polars.parquet": lambda rows, path: pl.DataFrame(rows).write_parquet(path),
    "polars.csv": lambda rows, path: pl.DataFrame(rows).write_csv(path),
    "pandas.csv": lambda rows, path: pd.DataFrame(rows).to_csv(path, index=False),
    "excel.csv": lambda rows, path: pd.DataFrame(rows).to_csv(path, index=False, na_rep="N/A", lineterminator="\r\n"),
}


def parquet(path: str, rows: Rows) -> str:
    pl.DataFrame(rows).write_parquet(path)
    return path


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_of_every_kind_is_what_its_rows_are(run: Run, writer: str) -> None:
    rows = customers(400) | {"code": [f"{number % 60:03}" for number in range(400)]}
    WRITERS[writer](rows, Path(writer))
    # What a CSV file does not say: that these digits are text.
    code, output, errors = run("reference", writer, "-o", "reference.json", "--categorical", "code")
    assert (code, errors) == (0, "")
    expected = Reference.fit(rows, categorical=["code"])
    assert same(Reference.load("reference.json"), expected)
    assert (
        output
        == "The reference of 400 rows and 10 columns is in reference.json, 400 of its rows are in reference.npz.\n"
    )

    later = customers(300, seed=2, older=9) | {"code": ["007"] * 300}
    WRITERS[writer](later, Path(f"later.{writer}"))
    code, output, errors = run("data-drift", f"later.{writer}", "--reference", "reference.json", "--json")
    assert (code, errors) == (0, "")
    assert json.loads(output) == expected.compare(later).to_document()


def test_what_is_compared_is_chosen(run: Run) -> None:
    rows = parquet("rows.parquet", customers(100))
    output = run(
        "reference", rows, "-o", "r.json", "--without", "note", "--prediction", "spent", "--rows", "60", "--json"
    )[1]
    found = json.loads(output)
    assert (found["reference"], found["rows"], found["n_rows"]) == ("r.json", "r.npz", 100)
    assert list(found["columns"]) == ["age", "visits", "children", "region", "member", "since", "fax"]
    reference = Reference.load("r.json")
    assert reference.prediction is not None
    assert reference.prediction[0] == "spent"
    assert reference.rows is not None
    assert len(reference.rows) == 60

    output = run("reference", rows, "-o", "r.json", "--column", "age", "--column", "region", "--rows", "0", "--json")[1]
    assert json.loads(output) == {
        "reference": "r.json",
        "rows": None,
        "n_rows": 100,
        "columns": {"age": "number", "region": "category"},
    }


def test_a_table_for_people(run: Run) -> None:
    run("reference", parquet("rows.parquet", customers(400)), "-o", "reference.json")
    later = parquet("later.parquet", customers(300, seed=2, older=30))
    Path("importance.json").write_text('{"age": 3, "spent": 1}', encoding="utf-8")
    code, output, errors = run("data-drift", later, "-r", "reference.json", "--model-importance", "importance.json")
    assert (code, errors) == (0, "")
    assert output.startswith("Data drift 0.")
    assert "No prediction_drift: The reference was made without predictions.\n" in output
    assert "1 of 9 columns drifted, 300 rows against 400.\n" in output
    (age,) = (line for line in output.splitlines() if line.startswith("age"))
    assert age.split()[1:3] == ["number", "yes"]
    assert age.endswith("75.0%")


def test_the_evaluation_is_reported_through_a_pipe(
    run: Run, embedded_broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("reference", parquet("rows.parquet", customers(400)), "-o", "reference.json", "--prediction", "spent")
    later = parquet("later.parquet", customers(300, seed=2, spending=2.0))
    ids = ("--model", "redemption", "--version", "v1", "--store", "weekly")
    code, output, errors = run("data-drift", later, "--reference", "reference.json", *ids)
    assert (code, errors) == (0, "")

    topic = Topics.named(topic_prefix).evaluation_runs
    embedded_broker.create(topic.name)
    monkeypatch.setenv("MOORING_BROKERS", embedded_broker.address)
    monkeypatch.setenv("MOORING_TOPIC_PREFIX", topic_prefix)
    code, _, errors = run("evaluation", "--file", "-", "--node", "ci", "--project", "P", stdin=output)
    assert (code, errors) == (0, "")
    (record,) = read(embedded_broker, topic.name)
    event = decode(record.value, EvaluationRun)
    drift = Reference.load("reference.json").compare(pl.read_parquet(later))
    assert (event.model_id, event.version_id, event.store_id, event.n_rows) == ("redemption", "v1", "weekly", 300)
    assert event.metrics == drift.metrics
    assert event.standard_errors == drift.standard_errors


def test_a_bar_where_there_is_a_terminal(run: Run) -> None:
    rows = parquet("rows.parquet", customers(100))
    ours, theirs = pty.openpty()
    command = ["from mooring.cli import main; main()", "reference", rows, "-o", "reference.json"]
    process = subprocess.run(
        [sys.executable, "-c", *command],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"},
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "Reading rows.parquet" in shown
    assert process.stdout.startswith(b"The reference of 100 rows")


BAD: dict[str, tuple[list[str], int, str]] = {
    "no file": (["reference", "none.csv", "-o", "r.json"], 2, "none.csv"),
    "a folder": (["reference", ".", "-o", "r.json"], 2, "."),
    "no output": (["reference", "rows.csv"], 2, "--output"),
    "no folder for the output": (["reference", "rows.csv", "-o", "none/r.json"], 2, "none/r"),
    "the sample's name": (["reference", "rows.csv", "-o", "r.npz"], 2, "reference.json"),
    "a column to leave out": (["reference", "rows.csv", "-o", "r.json", "--without", "b"], 2, "no such column"),
    "an unknown column": (["reference", "rows.csv", "-o", "r.json", "--column", "b"], 1, "no column 'b'"),
    "an unknown prediction": (["reference", "rows.csv", "-o", "r.json", "--prediction", "b"], 1, "no column 'b'"),
    "a negative number of rows": (["reference", "rows.csv", "-o", "r.json", "--rows", "-1"], 2, "--rows"),
    "another ending": (["reference", "rows.txt", "-o", "r.json"], 1, "neither .csv nor .parquet"),
    "no rows": (["reference", "empty.csv", "-o", "r.json"], 1, "no rows"),
    "nothing at all": (["reference", "nothing.csv", "-o", "r.json"], 1, "nothing.csv cannot be read"),
    "ragged rows": (["reference", "ragged.csv", "-o", "r.json"], 1, "ragged.csv cannot be read"),
    "no Parquet file": (["reference", "not.parquet", "-o", "r.json"], 1, "not.parquet cannot be read"),
    "half of a Parquet file": (["reference", "half.parquet", "-o", "r.json"], 1, "half.parquet cannot be read"),
    "no reference": (["data-drift", "rows.csv", "-r", "none.json"], 2, "none.json"),
    "no reference said": (["data-drift", "rows.csv"], 2, "--reference"),
    "something else as a reference": (["data-drift", "rows.csv", "-r", "importance.json"], 1, "is no reference"),
    "another column": (["data-drift", "others.csv", "-r", "reference.json"], 1, "no 'a', which the reference has"),
    "half of the ids": (["data-drift", "rows.csv", "-r", "reference.json", "--model", "m"], 2, "all or none"),
    "an importance of no column": (
        ["data-drift", "rows.csv", "-r", "reference.json", "--model-importance", "importance.json"], 1, "names 'c'"
    ),
    "an importance that is no JSON": (
        ["data-drift", "rows.csv", "-r", "reference.json", "--model-importance", "rows.csv"], 2, "no JSON"
    ),
    "an importance that is no object": (
        ["data-drift", "rows.csv", "-r", "reference.json", "--model-importance", "list.json"], 2, "object of numbers"
    ),
}  # fmt: skip


@pytest.fixture
def files(run: Run) -> None:
    """In the current folder, which `run` made a new one."""
    texts = {
        "rows.csv": "a\n1\n2\n",
        "others.csv": "b\n1\n2\n",
        "rows.txt": "a\n1\n",
        "empty.csv": "a\n",
        "nothing.csv": "",
        "ragged.csv": "a\n1\n1,2\n",
        "not.parquet": "a\n1\n",
        "importance.json": '{"c": 1}',
        "list.json": "[1]",
    }
    for name, text in texts.items():
        Path(name).write_text(text, encoding="utf-8")
    whole = Path(parquet("whole.parquet", customers(50))).read_bytes()
    Path("half.parquet").write_bytes(whole[: len(whole) // 2] + whole[-8:])
    Reference.fit({"a": [1, 2]}).save("reference.json")


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("files")
def test_errors_are_one_sentence(run: Run, name: str) -> None:
    arguments, expected, part = BAD[name]
    code, output, errors = run(*arguments)
    assert (code, output) == (expected, "")
    assert part in errors
    assert errors.startswith("mooring: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("command", ["reference", "data-drift"])
def test_help_has_examples(run: Run, command: str) -> None:
    code, output, _ = run(command, "--help")
    assert code == 0
    assert f"  mooring {command} " in output


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    """As where the library is installed bare: its command answers, and this part of it names the extra."""
    hidden: Any = "import sys; sys.modules['narwhals'] = None; from mooring.cli import main; main()"
    for arguments, code, part in (
        (["--help"], 0, ""),
        (["reference", "rows.csv", "-o", "r.json"], 1, "pip install 'mooring[drift]'"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", hidden, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        assert done.returncode == code
        assert part in done.stderr
