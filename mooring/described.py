"""What the command line reports, as its flags or a file describe it: documents, one for each event."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from mooring.documents import completed, documents
from mooring.events import Event

_WHO = {"node_id": "node", "project_key": "project"}


def described(file: str | None, flags: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """The documents of the file, "-" for standard input; without one, that of the flags that are given.

    Raises typer.BadParameter where there is nothing, or both, or what is no JSON; OSError where it cannot be read.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if file is None:
        if not given:
            raise typer.BadParameter("Nothing to report: give the ids, or --file.")
        yield given
        return
    if given:
        raise typer.BadParameter(f"With --file, fields come from the file, but there is also {', '.join(given)}.")
    try:
        yield from documents(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{'standard input' if file == '-' else file}: {error}.") from error


def with_what_is_set(kind: type[Event], document: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """The document with what need not be said: who reports, a new id, now. Raises typer.BadParameter."""
    said = {field: settings[name] for field, name in _WHO.items() if name in settings}
    for field, name in _WHO.items():
        if field not in said and field not in document:
            raise typer.BadParameter(f"No {name} is given: use --{name} or MOORING_{name.upper()}.")
    return completed(kind, {**said, **document})
