"""Who imports whom, and what `import mooring` loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# `mooring` <- `streams` <- `agents`, and `mooring` <- `web`.
MAY_IMPORT = {
    "mooring": {"mooring"},
    "streams": {"mooring", "streams"},
    "agents": {"mooring", "streams", "agents"},
    "web": {"mooring", "web"},
}
# The app builder registers the agents, explicitly: the one place where streams knows of them.
BUILDERS = {"streams/app.py"}
HEAVY = ("faust", "sklearn", "scipy", "numpy", "pandas", "polars", "narwhals", "confluent_kafka")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The modules that a file names in its imports, wherever in the file these are."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_direction_of_imports(folder: str) -> None:
    assert modules(folder)
    forbidden = {*MAY_IMPORT, "tests", "examples", "bench"} - MAY_IMPORT[folder]
    for path in modules(folder):
        name = str(path.relative_to(ROOT))
        allowed = {"agents"} if name in BUILDERS else set()
        found = {module.partition(".")[0] for module in imported(path)} & forbidden - allowed
        assert not found, f"{name} imports {', '.join(sorted(found))}"


def test_the_library_needs_no_service() -> None:
    """What only the service installs may be imported by the library nowhere, not even late."""
    for path in modules("mooring"):
        found = {module.partition(".")[0] for module in imported(path)}
        service = {"faust", "aiokafka", "fastapi", "nicegui", "uvicorn", "pydantic", "pydantic_settings", "sqlitedict"}
        assert not found & service, path


@pytest.mark.parametrize(
    ("statement", "also"),
    [
        ("import mooring", ("kafka", "fastavro", "httpx", "rich", "typer")),
        ("from mooring import Mooring", ("httpx", "rich", "typer")),
        ("import mooring.cli", ("kafka", "fastavro", "httpx")),
    ],
)
def test_what_an_import_loads(statement: str, also: tuple[str, ...]) -> None:
    check = f"{statement}; import sys; print(*sorted(set({(*HEAVY, *also)!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_mooring_is_found_and_other_names_are_not() -> None:
    import mooring
    from mooring.client import Mooring

    assert mooring.Mooring is Mooring
    with pytest.raises(AttributeError, match="Moorings"):
        _ = mooring.Moorings


@pytest.mark.parametrize("folder", [*MAY_IMPORT, "examples", "tests"])
def test_no_module_is_longer_than_500_lines(folder: str) -> None:
    for path in modules(folder):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path
