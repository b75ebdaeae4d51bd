"""Values of the command line's repeatable options. Each function raises typer.BadParameter for what it cannot read."""

from __future__ import annotations

from collections.abc import Iterable

import typer


def pairs(option: str, given: Iterable[str] | None) -> dict[str, str] | None:
    """NAME=VALUE, …"""
    if not given:
        return None
    split = [pair.partition("=") for pair in given]
    for name, equals, _ in split:
        if not name or not equals:
            raise typer.BadParameter(f"{option} takes NAME=VALUE, not {name + equals!r}.")
    return {name: value for name, _, value in split}


def numbers(option: str, given: Iterable[str] | None) -> dict[str, float] | None:
    """CODE=NUMBER, …"""
    if (texts := pairs(option, given)) is None:
        return None
    found = {}
    for code, value in texts.items():
        try:
            found[code] = float(value)
        except ValueError:
            raise typer.BadParameter(f"{option} {code}: {value!r} is no number.") from None
    return found


def declarations(given: Iterable[str] | None) -> list[dict[str, str]] | None:
    """CODE[:DIRECTION[:LABEL]], …"""
    if not given:
        return None
    parts = [declared.split(":", 2) for declared in given]
    return [dict(zip(("code", "direction", "label"), part, strict=False)) for part in parts]


def thresholds(given: Iterable[str] | None) -> dict[str, dict[str, float]] | None:
    """CODE:BOUND=NUMBER,BOUND=NUMBER, …"""
    if not given:
        return None
    split = [threshold.rpartition(":") for threshold in given]
    return {code: numbers("--threshold", bounds.split(",")) or {} for code, _, bounds in split}
