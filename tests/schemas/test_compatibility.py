"""The gate itself: every breaking change is found, harmless ones pass, and it knows more than `avro.compatibility`."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from io import BytesIO
from typing import Any

import avro.compatibility
import avro.schema
import fastavro
import pytest

from tests.schemas.compatibility import incompatibilities

# Any: schemas are JSON.
Schema = dict[str, Any]
Edit = Callable[[Schema], object]

BASE: Schema = {
    "type": "record",
    "name": "Reading",
    "namespace": "gate.v1",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "count", "type": "int"},
        {"name": "value", "type": "double", "default": 0.5},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "raw", "type": "bytes"},
        {
            "name": "kind",
            "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B", "OTHER"], "default": "OTHER"},
        },
        {"name": "strict", "type": {"type": "enum", "name": "Strict", "symbols": ["X", "Y"]}},
        {"name": "when_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "plain_at", "type": "long"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "digest", "type": {"type": "fixed", "name": "Digest", "size": 8}},
        {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
        {"name": "times", "type": {"type": "map", "values": {"type": "long", "logicalType": "timestamp-millis"}}},
        {
            "name": "inner",
            "type": {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "long", "default": 0}]},
        },
        {"name": "inner_again", "type": ["null", "Inner"], "default": None},
    ],
}


def field(schema: Schema, name: str) -> Schema:
    return next(each for each in schema["fields"] if each["name"] == name)


def set_type(name: str, type_: object) -> Edit:
    return lambda schema: field(schema, name).update(type=type_)


def add(**new: object) -> Edit:
    return lambda schema: schema["fields"].append(new)


def remove(name: str) -> Edit:
    return lambda schema: schema["fields"].remove(field(schema, name))


BREAKING: dict[str, Edit] = {
    "field added without a default": add(name="extra", type="string"),
    "nullable field added without a default": add(name="extra", type=["null", "string"]),
    "field removed that has no default": remove("id"),
    "field renamed": lambda s: field(s, "id").update(name="ident"),
    "field renamed, with an alias": lambda s: field(s, "id").update(name="ident", aliases=["id"]),
    "default removed": lambda s: field(s, "value").pop("default"),
    "default changed": lambda s: field(s, "value").update(default=0.0),
    "default of a nested field changed": lambda s: field(s, "inner")["type"]["fields"][0].update(default=1),
    "int widened to long": set_type("count", "long"),
    "long narrowed to int": set_type("plain_at", "int"),
    "double narrowed to float": set_type("value", "float"),
    "string to bytes": set_type("id", "bytes"),
    "bytes to string": set_type("raw", "string"),
    "string to long": set_type("id", "long"),
    "made nullable": set_type("id", ["null", "string"]),
    "made not nullable": set_type("note", "string"),
    "union branch added": set_type("note", ["null", "string", "long"]),
    "union branch replaced": set_type("note", ["null", "long"]),
    "array items changed": set_type("tags", {"type": "array", "items": "long"}),
    "array to map": set_type("tags", {"type": "map", "values": "string"}),
    "symbol added without a default": lambda s: field(s, "strict")["type"]["symbols"].append("Z"),
    "symbol removed without a default": lambda s: field(s, "strict")["type"]["symbols"].remove("Y"),
    "symbol removed in spite of a default": lambda s: field(s, "kind")["type"]["symbols"].remove("B"),
    "symbol renamed": lambda s: field(s, "kind")["type"].update(symbols=["A", "C", "OTHER"]),
    "default symbol removed": lambda s: field(s, "kind")["type"].pop("default"),
    "default symbol changed": lambda s: field(s, "kind")["type"].update(default="A"),
    "fixed resized": lambda s: field(s, "digest")["type"].update(size=16),
    "record renamed": lambda s: s.update(name="Measurement"),
    "nested record renamed": lambda s: (
        field(s, "inner")["type"].update(name="Nested"),
        set_type("inner_again", ["null", "Nested"])(s),
    ),
    "enum renamed": lambda s: field(s, "kind")["type"].update(name="Sort"),
    "namespace changed": lambda s: s.update(namespace="gate.v2"),
    "namespace removed": lambda s: s.pop("namespace"),
    "namespace of an enum changed": lambda s: field(s, "kind")["type"].update(namespace="gate.other"),
    "logical type removed": set_type("when_at", "long"),
    "logical type added": set_type("plain_at", {"type": "long", "logicalType": "timestamp-millis"}),
    "logical type changed": set_type("when_at", {"type": "long", "logicalType": "timestamp-micros"}),
    "logical type changed in a map": lambda s: field(s, "times")["type"]["values"].update(
        logicalType="timestamp-micros"
    ),
    "scale changed": lambda s: field(s, "price")["type"].update(scale=4),
    "precision changed": lambda s: field(s, "price")["type"].update(precision=12),
}

HARMLESS: dict[str, Edit] = {
    "nothing": lambda s: None,
    "field added with a default": add(name="extra", type="string", default=""),
    "nullable field added with a default": add(name="extra", type=["null", "string"], default=None),
    "enum field added with a default": add(
        name="extra", type={"type": "enum", "name": "E", "symbols": ["P", "Q"], "default": "P"}, default="P"
    ),
    "field removed that has a default": remove("value"),
    "default added": lambda s: field(s, "id").update(default=""),
    "symbol added with a default": lambda s: field(s, "kind")["type"]["symbols"].append("C"),
    "symbols reordered": lambda s: field(s, "kind")["type"]["symbols"].reverse(),
    "fields reordered": lambda s: s["fields"].insert(3, s["fields"].pop(0)),
    "documentation": lambda s: (s.update(doc="A reading."), field(s, "id").update(doc="Its id.")),
    "alias": lambda s: s.update(aliases=["Measurement"]),
    "primitive spelled as an object": set_type("id", {"type": "string"}),
    "namespace spelled in the name": lambda s: (s.pop("namespace"), s.update(name="gate.v1.Reading")),
    "reference spelled in full": set_type("inner_again", ["null", "gate.v1.Inner"]),
}


def changed(edit: Edit) -> Schema:
    schema = deepcopy(BASE)
    edit(schema)
    return schema


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change_is_found(name: str) -> None:
    assert incompatibilities(BASE, changed(BREAKING[name]))


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change_is_found_the_other_way_round(name: str) -> None:
    # Adding a default, or a symbol where there is one, is what these two are the other way round: harmless.
    backwards = incompatibilities(changed(BREAKING[name]), BASE)
    assert bool(backwards) == (
        name
        not in {
            "default removed",
            "default symbol removed",
            "symbol removed in spite of a default",
        }
    )


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_change_passes(name: str) -> None:
    assert incompatibilities(BASE, changed(HARMLESS[name])) == []


BLIND = {
    "logical type removed",
    "logical type added",
    "logical type changed",
    "logical type changed in a map",
    "scale changed",
    "precision changed",
    "namespace changed",
    "namespace removed",
    "namespace of an enum changed",
    "default removed",
    "default changed",
    "default of a nested field changed",
    "symbol removed in spite of a default",
    "symbol renamed",
    "default symbol changed",
    "default symbol removed",
    "string to bytes",
    "bytes to string",
}


@pytest.mark.parametrize("name", BREAKING)
def test_it_does_not_merely_trust_avro(name: str) -> None:
    """The list of what `avro.compatibility` does not see is exact: where it learns something, we hear of it."""
    old, new = (avro.schema.parse(json.dumps(schema)) for schema in (BASE, changed(BREAKING[name])))
    checker = avro.compatibility.ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    verdicts = [checker.get_compatibility(*pair).compatibility for pair in ((old, new), (new, old))]
    sees = avro.compatibility.SchemaCompatibilityType.incompatible in verdicts
    assert sees == (name not in BLIND)


def test_every_problem_of_both_directions_is_told() -> None:
    def edit(schema: Schema) -> None:
        add(name="extra", type="string")(schema)
        remove("id")(schema)

    found = "\n".join(incompatibilities(BASE, changed(edit)))
    assert "old data, new reader: .extra: is not written, and has no default" in found
    assert "new data, old reader: .id: is not written, and has no default" in found


def test_a_recursive_schema_ends() -> None:
    tree: Schema = {
        "type": "record",
        "name": "Tree",
        "fields": [{"name": "children", "type": {"type": "array", "items": "Tree"}, "default": []}],
    }
    assert incompatibilities(tree, deepcopy(tree)) == []


def test_a_symbol_added_with_a_default_is_read_as_the_default() -> None:
    """What makes that change harmless, shown with the reader that Mooring uses."""

    def one(symbols: list[str]) -> Schema:
        kind = {"type": "enum", "name": "K", "symbols": symbols, "default": "OTHER"}
        return {"type": "record", "name": "R", "fields": [{"name": "k", "type": kind}]}

    written = BytesIO()
    fastavro.schemaless_writer(written, one(["OTHER", "NEW"]), {"k": "NEW"})
    written.seek(0)
    assert fastavro.schemaless_reader(written, one(["OTHER", "NEW"]), one(["OTHER"])) == {"k": "OTHER"}
