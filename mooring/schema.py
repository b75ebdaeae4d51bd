"""The Avro schemas of the contract, as they lie in `schemas/`: the current ones and those of earlier releases."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
# In the wheel the schemas are data of this package; in a checkout they are a folder beside it.
SCHEMA_DIR = _HERE / "schemas" if (_HERE / "schemas").is_dir() else _HERE.parent / "schemas"

Schema = dict[str, Any]


@cache
def schema(name: str) -> Schema:
    """The current schema of that name, as JSON. Raises FileNotFoundError where there is none."""
    return _read(SCHEMA_DIR / f"{name}.avsc")


@cache
def names() -> tuple[str, ...]:
    """The names of all schemas."""
    return tuple(sorted(path.stem for path in SCHEMA_DIR.glob("*.avsc")))


@cache
def writer_schemas() -> tuple[Schema, ...]:
    """Every schema that a writer may have used: the current ones, and those of each release in `schemas/releases/`."""
    paths = [*SCHEMA_DIR.glob("*.avsc"), *SCHEMA_DIR.glob("releases/*/*.avsc")]
    return tuple(_read(path) for path in sorted(paths))


def _read(path: Path) -> Schema:
    parsed: Schema = json.loads(path.read_text(encoding="utf-8"))
    return parsed
