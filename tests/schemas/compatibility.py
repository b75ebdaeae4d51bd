"""Whether a schema may replace another: what was written with either can be read with the other, and means the same.

The rules are Avro's schema resolution (https://avro.apache.org/docs/1.12.0/specification/#schema-resolution), applied
in both directions, and on top of it what resolution lets pass although the same bytes come out as something else:
another logical type, another default, a symbol that is gone. `avro.compatibility` is asked too, but not trusted: it
compares names without their namespaces and looks at neither logical types nor defaults.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import avro.compatibility
import avro.schema

# Any: a schema is JSON, and a type in it a text, an array or an object.
Json = Any

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
# Writer to readers: resolution also turns bytes into strings, which fails for bytes that are no UTF-8.
PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
}
LOGICAL = ("logicalType", "precision", "scale")


@dataclass(frozen=True)
class Side:
    """A schema, with the definitions of its named types by full name."""

    schema: Json
    named: Mapping[str, Json]

    @classmethod
    def of(cls, schema: Json) -> Side:
        named: dict[str, Json] = {}
        return cls(_qualified(schema, "", named), named)


def incompatibilities(old: Json, new: Json) -> list[str]:
    """Why `new` may not replace `old`, a sentence each; empty where it may."""
    before, after = Side.of(old), Side.of(new)
    found = [f"new data, old reader: {problem}" for problem in _resolve(before, after)]
    found += [f"old data, new reader: {problem}" for problem in _resolve(after, before)]
    found += [f"changed meaning: {problem}" for problem in _changed_meaning(before, after)]
    found += [f"avro.compatibility: {problem}" for problem in _second_opinion(old, new)]
    return found


def _resolve(reader: Side, writer: Side) -> Iterator[str]:
    """Where the reader cannot read what the writer writes."""
    yield from _types(reader, writer, reader.schema, writer.schema, "", set())


def _types(reader: Side, writer: Side, read: Json, written: Json, at: str, seen: set[str]) -> Iterator[str]:
    read, written = _definition(reader, read), _definition(writer, written)
    if isinstance(written, list):
        # Each branch may be what was written.
        for branch in written:
            yield from _types(reader, writer, read, branch, at, seen)
        return
    if isinstance(read, list):
        if not any(not list(_types(reader, writer, branch, written, at, set(seen))) for branch in read):
            yield f"{at or '.'}: no branch reads {_name(written)}"
        return
    kind = _kind(read)
    if kind != _kind(written):
        if kind not in PROMOTIONS.get(_kind(written), ()):
            yield f"{at or '.'}: {_name(written)} is not read as {_name(read)}"
        return
    if kind in ("record", "enum", "fixed"):
        if read["name"] != written["name"]:
            yield f"{at or '.'}: {written['name']} is not read as {read['name']}"
            return
        # A named type is looked at once: often enough, and a recursive one would have no end.
        if read["name"] in seen:
            return
        seen.add(read["name"])
    if kind == "record":
        yield from _fields(reader, writer, read, written, at, seen)
    elif kind == "enum":
        if "default" not in read and (unknown := set(written["symbols"]) - set(read["symbols"])):
            yield f"{at or '.'}: no default for the symbols {', '.join(sorted(unknown))}"
    elif kind == "fixed":
        if read["size"] != written["size"]:
            yield f"{at or '.'}: {written['size']} bytes are not read as {read['size']}"
    elif kind in ("array", "map"):
        part = "items" if kind == "array" else "values"
        yield from _types(reader, writer, read[part], written[part], f"{at}[]", seen)


def _fields(reader: Side, writer: Side, read: Json, written: Json, at: str, seen: set[str]) -> Iterator[str]:
    of_writer = {field["name"]: field for field in written["fields"]}
    for field in read["fields"]:
        name = f"{at}.{field['name']}"
        if (match := of_writer.get(field["name"])) is not None:
            yield from _types(reader, writer, field["type"], match["type"], name, seen)
        elif "default" not in field:
            yield f"{name}: is not written, and has no default"


def _changed_meaning(old: Side, new: Side) -> Iterator[str]:
    """What resolution lets pass and should not, by named type and field."""
    yield from _same_logic(old, new, old.schema, new.schema, _kind(old.schema))
    for name, before in old.named.items():
        after = new.named.get(name)
        if after is None or before["type"] != after["type"]:
            continue
        if before["type"] == "enum":
            # An old value would silently come out as the default.
            if gone := set(before["symbols"]) - set(after["symbols"]):
                yield f"{name}: the symbols {', '.join(sorted(gone))} are gone"
            yield from _same_default(name, before, after)
        elif before["type"] == "record":
            fields = {field["name"]: field for field in after["fields"]}
            for field in before["fields"]:
                if (match := fields.get(field["name"])) is not None:
                    at = f"{name}.{field['name']}"
                    # Data of before the field was added has the default for its value.
                    yield from _same_default(at, field, match)
                    yield from _same_logic(old, new, field["type"], match["type"], at)


def _same_default(at: str, before: Json, after: Json) -> Iterator[str]:
    if "default" in before and "default" not in after:
        yield f"{at}: the default is gone"
    elif "default" in before and before["default"] != after["default"]:
        yield f"{at}: the default was {before['default']!r} and is {after['default']!r}"


def _same_logic(old: Side, new: Side, before: Json, after: Json, at: str) -> Iterator[str]:
    """Logical types in corresponding places, down to the next named type, which is looked at by its name."""
    logic = _logic_of(before), _logic_of(after)
    if logic[0] != logic[1]:
        yield f"{at}: the logical type was {logic[0]} and is {logic[1]}"


def _logic_of(type_: Json) -> Json:
    if isinstance(type_, list):
        return sorted(filter(None, map(_logic_of, type_)), key=str)
    if not isinstance(type_, dict):
        return []
    own = [[key, type_[key]] for key in LOGICAL if key in type_]
    return own + [inner for part in ("items", "values") if part in type_ for inner in _logic_of(type_[part])]


def _second_opinion(old: Json, new: Json) -> Iterator[str]:
    parsed = [avro.schema.parse(json.dumps(schema)) for schema in (old, new)]
    for reader, writer in (parsed, parsed[::-1]):
        checker = avro.compatibility.ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
        result = checker.get_compatibility(reader, writer)
        if result.compatibility is avro.compatibility.SchemaCompatibilityType.incompatible:
            yield f"{', '.join(map(str, result.messages))} at {', '.join(result.locations)}"


def _qualified(type_: Json, namespace: str, named: dict[str, Json]) -> Json:
    """The type with full names, its definitions gathered, and references in place of definitions."""
    if isinstance(type_, list):
        return [_qualified(branch, namespace, named) for branch in type_]
    if isinstance(type_, str):
        return type_ if type_ in PRIMITIVES or "." in type_ or not namespace else f"{namespace}.{type_}"
    kind = type_["type"]
    if kind in ("array", "map"):
        part = "items" if kind == "array" else "values"
        return {**type_, part: _qualified(type_[part], namespace, named)}
    if kind not in ("record", "enum", "fixed"):
        return {**type_, "type": kind} if set(type_) & set(LOGICAL) else _qualified(kind, namespace, named)
    name = type_["name"]
    if "." in name:
        namespace = name.rpartition(".")[0]
    else:
        namespace = type_.get("namespace", namespace)
        name = f"{namespace}.{name}" if namespace else name
    full = {**type_, "name": name}
    named[name] = full
    if kind == "record":
        full["fields"] = [{**field, "type": _qualified(field["type"], namespace, named)} for field in type_["fields"]]
    return name


def _definition(side: Side, type_: Json) -> Json:
    return side.named.get(type_, type_) if isinstance(type_, str) else type_


def _kind(type_: Json) -> str:
    return str(type_ if isinstance(type_, str) else type_["type"])


def _name(type_: Json) -> str:
    return str(type_ if isinstance(type_, str) else type_.get("name", type_["type"]))
