"""Records: frozen dataclasses that mirror an Avro schema field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

# Any: a record's values are what its schema says; the types are those of the dataclass.
Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Base of all typed values that travel as Avro. The schema is `schemas/<class name>.avsc`."""

    def to_record(self) -> dict[str, Any]:
        """The record as plain values, as the codec writes it."""
        kind: Any = type(self)  # mypy takes a type for not hashable
        names: tuple[str, ...] = _field_names(kind)
        record = {name: getattr(self, name) for name in names}
        for name in _typed_names(kind):
            record[name] = _plain(record[name])
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The typed value of what the codec read. Fields that this version does not know are left out.

        Raises what the class's own checks raise.
        """
        kind: Any = cls  # mypy takes a type for not hashable
        known = cls.__dataclass_fields__
        values = {name: value for name, value in record.items() if name in known}
        for name, convert in _converters(kind).items():
            if (value := values.get(name)) is not None:
                values[name] = convert(value)
        return cls(**values)


def values_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What gets the values of these fields from a record, all at once."""
    if not names:
        return lambda record: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda record: (get(record),)


@cache
def _field_names(cls: type[Record]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


@cache
def _typed_names(cls: type[Record]) -> tuple[str, ...]:
    """The fields whose values are not plain already."""
    kind: Any = cls  # as above
    return tuple(_converters(kind))


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_record()
    if type(value) is tuple:
        return [_plain(item) for item in value]
    if type(value) is dict and value and isinstance(next(iter(value.values())), Record):
        return {key: _plain(item) for key, item in value.items()}
    return value.value if isinstance(value, Enum) else value


@cache
def _converters(cls: type[Record]) -> dict[str, Converter]:
    """How to turn a plain value into a typed one, for the fields where the two differ."""
    hints = get_type_hints(cls)
    found = {name: _converter(hints[name]) for name in cls.__dataclass_fields__}
    return {name: converter for name, converter in found.items() if converter is not None}


def _converter(hint: Any) -> Converter | None:
    if get_origin(hint) in (UnionType, Union):
        (hint,) = (arg for arg in get_args(hint) if arg is not NoneType)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_record
    if get_origin(hint) is tuple:
        item = _converter(get_args(hint)[0])
        return tuple if item is None else partial(_all, item)
    if get_origin(hint) is dict:
        item = _converter(get_args(hint)[1])
        return None if item is None else partial(_each, item)
    return None


def _all(convert: Converter, values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(map(convert, values))


def _each(convert: Converter, values: dict[str, Any]) -> dict[str, Any]:
    return {key: convert(value) for key, value in values.items()}
