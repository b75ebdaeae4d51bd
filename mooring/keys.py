"""Keys: who an event is about. Text form: parts joined by "/", each percent-encoded (RFC 3986).

node / project            ProjectKey   key of every input record, hence the unit of ordering
node / project / model    ModelKey
node / project / model / version       VersionKey
node / project / store    StoreKey
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self
from urllib.parse import quote, unquote

from mooring.errors import InvalidEvent, InvalidKey

MAX_ID_BYTES = 255


def check_id(field: str, value: object) -> None:
    """Raise `InvalidEvent` unless the value is an id: non-empty UTF-8 of at most 255 bytes, no control characters."""
    # Nearly every id there is; a few are checked for each event.
    if type(value) is str and 0 < len(value) <= MAX_ID_BYTES and value.isascii() and value.isprintable():
        return
    if not isinstance(value, str):
        raise InvalidEvent(field, f"must be text, not {type(value).__name__}")
    if not value:
        raise InvalidEvent(field, "must not be empty")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidEvent(field, "is not valid Unicode text") from None
    if size > MAX_ID_BYTES:
        raise InvalidEvent(field, f"has {size} bytes; at most {MAX_ID_BYTES} are allowed")
    if not value.isprintable() and any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in value):
        raise InvalidEvent(field, "must not have control characters")


def are_surely_ids(values: tuple[object, ...]) -> bool:
    """Whether `check_id` would let all values pass, as it does nearly always. It alone can tell where this says no.

    Checked at once: eight in 0.5 us rather than 1.7.
    """
    try:
        text = "".join(values)  # type: ignore[arg-type]  # that is what is found out
    except TypeError:
        return False
    return len(text) <= MAX_ID_BYTES and text.isascii() and text.isprintable() and all(values)


@lru_cache(maxsize=65_536)
def encode_part(part: str) -> str:
    """The part, percent-encoded: all but letters, digits, "-", ".", "_" and "~"."""
    return quote(part, safe="")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Base of all keys: checked parts and a canonical text form.

    `encoded` is the text form in UTF-8, as Kafka has it.
    """

    node_id: str
    project_key: str
    encoded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = tuple([getattr(self, name) for name in self.__match_args__])
        if not are_surely_ids(parts):
            for name, part in zip(self.__match_args__, parts, strict=True):
                check_id(name, part)
        object.__setattr__(self, "encoded", "/".join(map(encode_part, parts)).encode())

    def __str__(self) -> str:
        return self.encoded.decode()

    @classmethod
    @lru_cache(maxsize=65_536)
    def of(cls, *parts: str) -> Self:
        """The key of these parts, made and checked once: the same few are asked for again and again."""
        return cls(*parts)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key that the text spells.

        Raises InvalidKey where the text has too few or too many parts, or is not in its canonical form
        (which would put its records on another partition than those of the same key elsewhere).
        """
        names = cls.__match_args__
        try:
            parts = [unquote(part, errors="strict") for part in text.split("/")]
        except UnicodeDecodeError:
            raise InvalidKey("key", f"{text!r} has percent-encoded bytes that are not UTF-8") from None
        if len(parts) != len(names):
            raise InvalidKey("key", f"{text!r} should be {'/'.join(names)}, each part percent-encoded")
        key = cls(*parts)
        if str(key) != text:
            raise InvalidKey("key", f"{text!r} should be spelled {str(key)!r}")
        return key


@dataclass(frozen=True, slots=True, order=True)
class ProjectKey(Key):
    """A project of a node."""


@dataclass(frozen=True, slots=True, order=True)
class ModelKey(Key):
    """A saved model of a project."""

    model_id: str

    @property
    def project(self) -> ProjectKey:
        return ProjectKey.of(self.node_id, self.project_key)


@dataclass(frozen=True, slots=True, order=True)
class VersionKey(ModelKey):
    """One version of a model."""

    version_id: str

    @property
    def model(self) -> ModelKey:
        return ModelKey.of(self.node_id, self.project_key, self.model_id)


@dataclass(frozen=True, slots=True, order=True)
class StoreKey(Key):
    """An evaluation store of a project."""

    store_id: str
