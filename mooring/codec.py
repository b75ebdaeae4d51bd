"""Values in Kafka: Avro in one of two framings.

- single-object: `C3 01`, the CRC-64-AVRO fingerprint of the writer's schema (8 bytes, little-endian), then the value;
  https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding. What Mooring writes.
- Confluent: `00`, the schema's id in a schema registry (4 bytes, big-endian), then the value. Read where a registry is
  configured.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any, NamedTuple, Protocol, TypeVar

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from mooring import avro
from mooring.errors import InvalidEvent, Reason, UnreadableValue
from mooring.records import Record
from mooring.schema import Schema, schema, writer_schemas

SINGLE_OBJECT = b"\xc3\x01"
CONFLUENT = b"\x00"
# Kafka's own default limit of a record, less room for key, headers and framing.
MAX_VALUE_BYTES = 1_000_000

_SINGLE_OBJECT_HEADER = 10
_CONFLUENT_HEADER = 5

R = TypeVar("R", bound=Record)


class SchemaRegistry(Protocol):
    """Where the schemas of Confluent-framed values are looked up."""

    def schema(self, schema_id: int) -> Schema:
        """The schema of that id. May block. Raises UnreadableValue (`unknown_schema`) where there is none."""
        ...


def encode(record: Record) -> bytes:
    """The record in the single-object framing.

    Raises InvalidEvent (`too_large`) beyond MAX_VALUE_BYTES.
    """
    name = type(record).__name__
    kind: Any = type(record)  # mypy takes a type for not hashable
    header, direct = _current(kind)
    out = [header]
    try:
        direct.write(record, out)
        value = b"".join(out)
    except Exception:  # noqa: BLE001 - whatever it stumbles over: the library says what is wrong, if anything is
        value = _encode(record)
    if len(value) > MAX_VALUE_BYTES:
        raise InvalidEvent(
            name, f"takes {len(value):,} bytes; at most {MAX_VALUE_BYTES:,} are allowed", Reason.TOO_LARGE
        )
    return value


def _encode(record: Record) -> bytes:
    name = type(record).__name__
    out = BytesIO()
    out.write(_header(name))
    fastavro.schemaless_writer(out, _parsed(name), record.to_record())
    return out.getvalue()


def decode(value: bytes | None, expected: type[R], registry: SchemaRegistry | None = None) -> R:
    """The record that the bytes hold.

    Raises UnreadableValue where the bytes hold none (`undecodable`), or one of another or unknown schema
    (`unknown_schema`), and what the record's own checks raise.
    """
    kind: Any = expected  # as above
    header, direct = _current(kind)
    if value is not None and value.startswith(header):
        try:
            typed: R
            typed, end = direct.read(value, _SINGLE_OBJECT_HEADER)
            if end == len(value):
                return typed
        except Exception:  # noqa: S110, BLE001 - as in `encode`
            pass
    record = decode_plain(value, expected.__name__, registry)
    try:
        return expected.from_record(record)
    except InvalidEvent:
        raise
    except (TypeError, ValueError, KeyError) as error:
        raise UnreadableValue(f"The value does not fit {expected.__name__}: {error}.") from error


def decode_plain(value: bytes | None, name: str, registry: SchemaRegistry | None = None) -> dict[str, Any]:
    """As `decode`, but plain values, unchecked: for readers of what Mooring itself wrote."""
    if not value:
        raise UnreadableValue("The value is empty.")
    writer, start = _writer(value, registry)
    if (written := writer["name"].rpartition(".")[2]) != name:
        raise UnreadableValue(f"The value is a {written}; this topic holds {name}.", Reason.UNKNOWN_SCHEMA)
    body = BytesIO(value)
    body.seek(start)
    current = _parsed(name)
    try:
        record = fastavro.schemaless_reader(body, writer, None if writer is current else current)
    except Exception as error:
        # Damaged bytes surface as whatever the reader stumbles over: EOFError, IndexError, UnicodeDecodeError, …
        raise UnreadableValue(f"The value is no {name}: {type(error).__name__} while reading it.") from error
    if body.tell() != len(value):
        raise UnreadableValue(f"The value has {len(value) - body.tell()} bytes after the end of its {name}.")
    if not isinstance(record, dict):
        raise UnreadableValue(f"The value is no {name}.")
    return record


def single_object_fingerprint(written: Schema) -> bytes:
    """CRC-64-AVRO of the schema's parsing canonical form, little-endian, 8 bytes."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(written), "CRC-64-AVRO"))


def _writer(value: bytes, registry: SchemaRegistry | None) -> tuple[Schema, int]:
    if value.startswith(SINGLE_OBJECT):
        if len(value) < _SINGLE_OBJECT_HEADER:
            raise UnreadableValue("The value ends within its single-object header.")
        mark = value[2:_SINGLE_OBJECT_HEADER]
        if (writer := _known_writers().get(mark)) is None:
            raise UnreadableValue(
                f"The value was written with a schema of fingerprint {mark.hex()}, which is unknown here.",
                Reason.UNKNOWN_SCHEMA,
            )
        return writer, _SINGLE_OBJECT_HEADER
    if value.startswith(CONFLUENT) and len(value) >= _CONFLUENT_HEADER:
        schema_id = int.from_bytes(value[1:_CONFLUENT_HEADER], "big")
        if registry is None:
            raise UnreadableValue(
                f"The value refers to schema {schema_id} of a schema registry, and none is configured "
                "(MOORING_SCHEMA_REGISTRY_URL).",
                Reason.UNKNOWN_SCHEMA,
            )
        return registry.schema(schema_id), _CONFLUENT_HEADER
    raise UnreadableValue("The value has neither the header of Avro's single-object encoding nor that of a registry.")


class _Current(NamedTuple):
    """How values of the current schema are read and written without the library."""

    header: bytes
    direct: avro.Direct


@cache
def _current(cls: type[Record]) -> _Current:
    return _Current(_header(cls.__name__), avro.direct(_parsed(cls.__name__), cls))


@cache
def _parsed(name: str) -> Schema:
    return parse(schema(name))


def parse(written: Schema) -> Schema:
    """The schema as fastavro wants it. Each in a name space of its own: several define the same named types."""
    parsed: Schema = fastavro.parse_schema(written, named_schemas={})  # type: ignore[assignment]  # ours are all records
    return parsed


@cache
def _header(name: str) -> bytes:
    return SINGLE_OBJECT + single_object_fingerprint(schema(name))


@cache
def _known_writers() -> dict[bytes, Schema]:
    found: dict[bytes, Schema] = {}
    for written in writer_schemas():
        current = _parsed(written["name"])
        mark = single_object_fingerprint(written)
        same_as_current = mark == single_object_fingerprint(schema(written["name"]))
        found[mark] = current if same_as_current else parse(written)
    return found
