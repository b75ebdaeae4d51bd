"""Events from JSON documents, as the command line takes them: fields named as in the schema, times also as text."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from time import time_ns
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import uuid4

from mooring.errors import InvalidEvent
from mooring.events import Event
from mooring.given import epoch_ms, member, number
from mooring.records import Record

R = TypeVar("R", bound=Record)


def documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a text that is one object, an array of them, or has one a line.

    Raises ValueError, saying where, for what is no JSON object.
    """
    try:
        whole = json.loads(text)
    except ValueError:
        for number_, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield _object(_loaded(line, number_), f"line {number_}")
        return
    for place, document in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield _object(document, f"document {place}")


def event(kind: type[R], document: Mapping[str, Any], at: str = "") -> R:
    """The event or part of one that the document describes.

    Raises InvalidEvent naming the field: one that is unknown, missing, or breaks a rule.
    """
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy on __hash__ of type
    for name in document:
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(hints)}"
            raise InvalidEvent(at + name, f"is no field of {kind.__name__}; {hint}")
    for field in fields(kind):
        if field.name not in document and field.default is MISSING and field.default_factory is MISSING:
            raise InvalidEvent(at + field.name, "must be given")
    values = {name: _value(at + name, hints[name], value) for name, value in document.items()}
    try:
        return kind(**values)
    except InvalidEvent as error:
        if not at:
            raise
        # A part knows of what it is one, not where it stands: the name of a metric is its key in a map.
        field_, _, complaint = str(error).partition(": ")
        raise InvalidEvent(at.removesuffix("."), complaint or field_, error.reason) from None


def completed(kind: type[Event], document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of an event with what need not be said: new ids, now, the store's project as the model's."""
    now = time_ns() // 1_000_000
    full = {"event_id": str(uuid4()), "evaluation_id": str(uuid4()), **dict.fromkeys(kind.TIMES, now), **document}
    if "project_key" in full:
        full.setdefault("model_project_key", full["project_key"])
    known = kind.__dataclass_fields__
    # What this kind of event lacks is ours to leave out; an unknown field of the document is not.
    return {name: value for name, value in full.items() if name in known or name in document}


def time(field: str, text: str) -> int:
    """Epoch milliseconds of a time as text: milliseconds, or ISO 8601 with a time zone. Raises InvalidEvent."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidEvent(field, f"{text!r} is no time; write 2026-01-31T09:30:00Z or epoch milliseconds") from None
    return epoch_ms(field, found)


# Any in what follows: the values of a JSON document.


def _loaded(line: str, at: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {at} is no JSON: {error}") from None


def _object(document: Any, at: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ValueError(f"{at} is no JSON object")  # noqa: TRY004 - the text is wrong, not the program
    return document


@cache
def _hints(kind: type[Record]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _value(at: str, hint: Any, value: Any) -> Any:
    if get_origin(hint) in (UnionType, Union):
        if value is None:
            return None
        (hint,) = (arg for arg in get_args(hint) if arg is not NoneType)
    if get_origin(hint) is dict:
        item = get_args(hint)[1]
        return {name: _value(f"{at}.{name}", item, each) for name, each in _mapping(at, value).items()}
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise InvalidEvent(at, f"must be an array, not {type(value).__name__}")
        return tuple(_value(at, get_args(hint)[0], each) for each in value)
    if isinstance(hint, type) and issubclass(hint, Record):
        return event(hint, _mapping(at, value), f"{at}.")
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return member(at, hint, value)
    if at.endswith("_at") and isinstance(value, str):
        return time(at, value)
    return number(value) if hint is float else value


def _mapping(at: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidEvent(at, f"must be an object, not {type(value).__name__}")
    return value
