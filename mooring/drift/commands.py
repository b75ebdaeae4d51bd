"""The commands `mooring reference` and `mooring data-drift`: rows in files, with a progress bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Rows = Annotated[Path, typer.Argument(help="The rows: a .csv or .parquet file.")]
Names = Annotated[list[str] | None, typer.Option()]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def reference(
    file: Rows,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; the sample of rows: beside it. Required.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="An input of the model; repeatable. All unless given.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="A column that is no input; repeatable.")] = None,
    categorical: Annotated[
        list[str] | None, typer.Option(help="A column of numbers that are names; repeatable.")
    ] = None,
    prediction: Annotated[str | None, typer.Option(help="The column of scores or predicted labels.")] = None,
    rows: Annotated[
        int, typer.Option(help="How many rows to keep for the domain classifier; 0 for none.", min=0)
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="Chooses them.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Keep what the rows of a build look like, to compare later ones with.

    \b
    mooring reference test-set.parquet -o reference.json --without customer_id --prediction score
    mooring reference test-set.csv -o reference.json --column age --column region --categorical region
    """
    from mooring.drift import Reference
    from mooring.drift.files import rows_of
    from mooring.drift.stored import rows_path

    if output is None:
        raise typer.BadParameter("Say where to write it, for example --output reference.json.")
    if rows_path(output) == output:
        raise typer.BadParameter(f"--output {output}: that ending is the sample's. Name it reference.json.")
    with _progress(f"Reading {file}") as progress, rows_of(file, categorical or ()) as frame:
        names = column
        if without:
            known = frame.collect_schema().names()
            if unknown := set(without) - set(known):
                raise typer.BadParameter(f"--without {', '.join(sorted(unknown))}: {file} has no such column.")
            names = [name for name in column or known if name not in {*without, prediction}]
        made = Reference.fit(
            frame,
            columns=names,
            categorical=categorical or (),
            predictions=prediction,
            max_rows=rows,
            seed=seed,
            progress=progress,
        )
    made.save(output)
    beside = None if made.rows is None else rows_path(output)
    if as_json:
        kinds = {name: sketch.kind.value for name, sketch in made.sketches.items()}
        files = {"reference": str(output), "rows": None if beside is None else str(beside)}
        print(json.dumps({**files, "n_rows": made.n_rows, "columns": kinds}, ensure_ascii=False))
        return
    kept = "" if made.rows is None else f", {len(made.rows):,} of its rows are in {beside}"
    print(f"The reference of {made.n_rows:,} rows and {len(made.sketches):,} columns is in {output}{kept}.")


def data_drift(
    file: Rows,
    *,
    reference: Annotated[
        Path | None, typer.Option("--reference", "-r", help="What `mooring reference` wrote. Required.")
    ] = None,
    prediction: Annotated[
        str | None, typer.Option(help="The column of predictions, if it is another than in the reference.")
    ] = None,
    model_importance: Annotated[
        Path | None, typer.Option(help="JSON file: an object with the model's importance of columns.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Print the evaluation to report: of this model, …")] = None,
    version: Annotated[str | None, typer.Option(help="… this version, …")] = None,
    store: Annotated[str | None, typer.Option(help="… in this store.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell how far rows are from those of a reference.

    \b
    mooring data-drift week-12.parquet --reference reference.json
    mooring data-drift week-12.csv --reference reference.json --json | jq .drifted
    mooring data-drift week-12.csv --reference reference.json --model redemption --version v1 --store weekly |
      mooring evaluation --file -
    """
    from mooring.drift import Reference
    from mooring.drift.files import rows_of

    if reference is None:
        raise typer.BadParameter("Say what to compare with, for example --reference reference.json.")
    ids = {"model_id": model, "version_id": version, "store_id": store}
    if any(ids.values()) and not all(ids.values()):
        raise typer.BadParameter("Of --model, --version and --store give all or none.")
    kept = Reference.load(reference)
    importance = None if model_importance is None else _importance(model_importance)
    with _progress(f"Reading {file}") as progress, rows_of(file, kept.texts) as frame:
        drift = kept.compare(frame, predictions=prediction, model_importance=importance, progress=progress)
    if model:
        print(
            json.dumps(
                {**ids, "metrics": drift.metrics, "standard_errors": drift.standard_errors, "n_rows": drift.n_rows}
            )
        )
    elif as_json:
        print(json.dumps(drift.to_document(), ensure_ascii=False))
    else:
        print(drift.summary())


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], object] | None]:
    """A bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _importance(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{path}: no JSON: {error}.") from None
    if not isinstance(found, dict) or not all(type(value) in (int, float) for value in found.values()):
        raise typer.BadParameter(f"{path}: must be a JSON object of numbers by column.")
    return found
