"""A partition file to be tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.engine.rowfile import RowFile
from tests.streams.engine.rowfiles import BOOT, MINE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "3.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[RowFile]:
    file = RowFile.open(path, MINE, BOOT)
    yield file
    file.close()
