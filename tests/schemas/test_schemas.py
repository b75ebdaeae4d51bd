"""The schemas of the contract, their examples, the types that mirror them, and the release before."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import avro.io
import avro.schema
import fastavro
import pytest

from mooring import events, outputs
from mooring.codec import decode, encode
from mooring.records import Record
from mooring.schema import SCHEMA_DIR, names, schema
from tests.schemas.compatibility import incompatibilities

# Any: schemas and records are JSON.
Json = Any

RELEASE = max(
    (SCHEMA_DIR / "releases").iterdir(), key=lambda folder: tuple(int(part) for part in folder.name.split("."))
)
# Schemas whose events nothing reads yet; they have no class in mooring.
WITHOUT_CLASS = {"SignoffAction"}
CLASSES: dict[str, type[Record]] = {
    name: found
    for module in (events, outputs)
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, Record) and name in names()
}
# A critical alert is never of severity NONE, so the alert's enum has another name and fewer symbols than Severity.
ENUM_CLASSES = {"AlertSeverity": "Severity"}
# What the class wants said although the schema has a default, which is for readers of schemas to come.
DEMANDED = {"DriftAlert.severity"}


def _with_bytes(type_: Json, value: Json) -> Json:
    if value is None:
        return None
    for branch in _branches(type_):
        if branch == "bytes":
            return value.encode("latin-1")
        if isinstance(branch, dict) and branch["type"] == "map":
            return {key: _with_bytes(branch["values"], each) for key, each in value.items()}
        if isinstance(branch, dict) and branch["type"] == "record":
            types = {field["name"]: field["type"] for field in branch["fields"]}
            return {key: _with_bytes(types[key], each) for key, each in value.items()}
    return value


def _branches(type_: Json) -> list[Json]:
    return type_ if isinstance(type_, list) else [type_]


def examples(name: str) -> list[Json]:
    """The example records, with bytes as bytes: JSON has them as text of code points 0 to 255, as Avro's does."""
    records = json.loads((SCHEMA_DIR / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    return [_with_bytes(schema(name), record) for record in records]


EXAMPLES = [(name, place) for name in names() for place in range(len(examples(name)))]


def test_every_schema_has_two_examples_or_more() -> None:
    assert {path.stem for path in (SCHEMA_DIR / "examples").glob("*.json")} == set(names())
    assert all(len(examples(name)) >= 2 for name in names())


@pytest.mark.parametrize("name", names())
def test_parses_with_avro(name: str) -> None:
    parsed = avro.schema.parse(json.dumps(schema(name)))
    assert isinstance(parsed, avro.schema.RecordSchema)
    assert parsed.fullname == f"mooring.v1.{name}"


@pytest.mark.parametrize(("name", "place"), EXAMPLES)
def test_example_round_trips(name: str, place: int) -> None:
    example = examples(name)[place]
    parsed = avro.schema.parse(json.dumps(schema(name)))

    with_avro = io.BytesIO()
    avro.io.DatumWriter(parsed).write(example, avro.io.BinaryEncoder(with_avro))
    with_fastavro = io.BytesIO()
    fastavro.schemaless_writer(with_fastavro, schema(name), example, strict=True)
    assert with_avro.getvalue() == with_fastavro.getvalue()

    read = avro.io.DatumReader(parsed).read(avro.io.BinaryDecoder(io.BytesIO(with_fastavro.getvalue())))
    assert read == example
    assert fastavro.schemaless_reader(io.BytesIO(with_avro.getvalue()), schema(name), None) == example


@pytest.mark.parametrize(("name", "place"), [each for each in EXAMPLES if each[0] not in WITHOUT_CLASS])
def test_example_is_what_its_class_holds(name: str, place: int) -> None:
    """Nothing of an example is lost, added or refused on its way through the typed value and the codec."""
    example = examples(name)[place]
    typed = CLASSES[name].from_record(example)
    assert typed.to_record() == example
    assert decode(encode(typed), CLASSES[name]) == typed


@pytest.mark.parametrize("name", names())
def test_every_field_is_used_by_some_example(name: str) -> None:
    """So that the examples show what a field looks like."""
    used = {field for record in examples(name) for field, value in record.items() if value not in (None, [], {})}
    assert {field["name"] for field in schema(name)["fields"]} <= used


@pytest.mark.parametrize("name", names())
def test_times_are_longs_named_at(name: str) -> None:
    for _, field in _fields(schema(name)):
        kinds = _branches(field["type"])
        if field["name"].endswith("_at"):
            assert [kind for kind in kinds if kind != "null"] == ["long"], field
        assert not any(isinstance(kind, dict) and "logicalType" in kind for kind in kinds), field
        assert not field["name"].endswith(("_ms", "_time", "_date", "timestamp")), field


@pytest.mark.parametrize("name", names())
def test_every_enum_has_a_default_symbol(name: str) -> None:
    for definition in _definitions(schema(name)):
        if definition["type"] == "enum":
            assert definition.get("default") in definition["symbols"], definition["name"]


def test_a_named_type_is_defined_the_same_everywhere() -> None:
    known: dict[str, Json] = {}
    for name in names():
        for definition in _definitions(schema(name)):
            plain = _without_docs(definition)
            assert known.setdefault(definition["name"], plain) == plain, f"{definition['name']} in {name}"


def test_every_schema_has_its_class() -> None:
    assert set(CLASSES) == set(names()) - WITHOUT_CLASS


@pytest.mark.parametrize("name", sorted(set(names()) - WITHOUT_CLASS))
def test_class_mirrors_schema(name: str) -> None:
    _assert_mirrors(CLASSES[name], schema(name), name)


def test_the_release_has_every_schema() -> None:
    """A schema that a release had never goes: what was written with it is kept for ever."""
    assert {path.stem for path in RELEASE.glob("*.avsc")} <= set(names())


@pytest.mark.parametrize("path", sorted(RELEASE.glob("*.avsc")), ids=lambda path: path.stem)
def test_compatible_with_the_last_release(path: Path) -> None:
    assert incompatibilities(json.loads(path.read_text(encoding="utf-8")), schema(path.stem)) == []


def _definitions(type_: Json) -> Iterator[Json]:
    """Every named type that is defined in a schema, itself first."""
    for branch in _branches(type_):
        if not isinstance(branch, dict):
            continue
        if branch["type"] in ("record", "enum", "fixed"):
            yield branch
        for inner in [branch.get("items"), branch.get("values"), *(f["type"] for f in branch.get("fields", ()))]:
            yield from _definitions(inner)


def _without_docs(type_: Json) -> Json:
    if isinstance(type_, dict):
        return {key: _without_docs(value) for key, value in type_.items() if key != "doc"}
    return [_without_docs(each) for each in type_] if isinstance(type_, list) else type_


def _fields(type_: Json) -> Iterator[tuple[str, Json]]:
    for definition in _definitions(type_):
        for field in definition.get("fields", ()):
            yield definition["name"], field


def _assert_mirrors(cls: type[Record], record: Json, at: str) -> None:
    """The class has the record's fields, and each its type, nullability and default."""
    named = {definition["name"]: definition for definition in _definitions(record)}
    by_name = {field.name: field for field in fields(cls)}
    hints = get_type_hints(cls)
    assert set(by_name) == {field["name"] for field in record["fields"]}, at
    for field in record["fields"]:
        where = f"{at}.{field['name']}"
        _assert_type(hints[field["name"]], field["type"], named, where)
        default = MISSING if where in DEMANDED else field.get("default", MISSING)
        assert _default_of(by_name[field["name"]]) == default, where


def _assert_type(hint: Any, type_: Json, named: dict[str, Json], at: str) -> None:
    origin: object = get_origin(hint)
    nullable = origin in (UnionType, Union) and NoneType in get_args(hint)
    assert nullable == ("null" in _branches(type_)), at
    if nullable:
        (hint,) = (arg for arg in get_args(hint) if arg is not NoneType)
        origin = get_origin(hint)
    (type_,) = (branch for branch in _branches(type_) if branch != "null")
    if isinstance(type_, str):
        primitives = {"string": str, "long": int, "int": int, "double": float, "boolean": bool, "bytes": bytes}
        if type_ in primitives:
            assert hint is primitives[type_], at
            return
        type_ = named[type_]
    if type_["type"] == "map":
        assert origin is dict, at
        _assert_type(get_args(hint)[1], type_["values"], named, f"{at}[]")
    elif type_["type"] == "array":
        assert origin is tuple, at
        _assert_type(get_args(hint)[0], type_["items"], named, f"{at}[]")
    elif type_["type"] == "enum":
        assert issubclass(hint, Enum), at
        assert hint.__name__ == ENUM_CLASSES.get(type_["name"], type_["name"]), at
        symbols = {member.value for member in hint}
        assert set(type_["symbols"]) == (symbols - {"NONE"} if type_["name"] in ENUM_CLASSES else symbols), at
    else:
        assert hint.__name__ == type_["name"], at
        _assert_mirrors(hint, type_, at)


def _default_of(field: Field[Json]) -> Json:
    """The class's default as the schema would say it."""
    value = field.default if field.default_factory is MISSING else field.default_factory()
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value
