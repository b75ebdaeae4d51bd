"""Cursors: opaque texts that say where a list goes on. They hold values of the last row, so nothing shifts them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any


class InvalidCursor(ValueError):
    """A text that is no cursor, or one of another list."""

    def __init__(self) -> None:
        super().__init__(
            "The cursor is none that this list gave out. Use `next_cursor` of the page before, with the same focus, "
            "filters and sort key."
        )


def write(list_name: str, values: Sequence[str | float | None]) -> str:
    """The cursor past a row with these values. `list_name`: whatever tells this list from others, filters included."""
    text = json.dumps([_mark(list_name), *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(list_name: str, cursor: str, types: Sequence[type | tuple[type, ...]]) -> list[str | float | None]:
    """The values that `write` was given. Raises InvalidCursor where it wasn't, or for another list."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        # JSON can spell halves of characters, which SQLite does not take.
        json.dumps(found, ensure_ascii=False).encode()
    except (binascii.Error, UnicodeError, ValueError):
        raise InvalidCursor from None
    if not isinstance(found, list) or len(found) != len(types) + 1 or found[0] != _mark(list_name):
        raise InvalidCursor
    values: list[Any] = found[1:]  # Any: checked here
    for value, wanted in zip(values, types, strict=True):
        # SQLite's integers have 64 bits.
        if not isinstance(value, wanted) or (isinstance(value, int) and abs(value) >= 2**63):
            raise InvalidCursor
    return values


def _mark(list_name: str) -> str:
    return hashlib.blake2s(list_name.encode(), digest_size=6).hexdigest()
