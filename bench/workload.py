"""The one workload that every contender runs: a registry of one value per key, by the same pure functions.

An event says what a key's value is now. A row remembers the newest one; a value over the limit makes an alert, which is
every tenth event. Sizes are those of Mooring's records: events of 257 bytes, rows of about 600, alerts of about 200.

fastavro and the standard library only: each contender imports this in its own environment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from random import Random
from typing import Any, NamedTuple

from fastavro import parse_schema, schemaless_reader, schemaless_writer

EVENT_BYTES = 257
ALERT_ABOVE = 0.9
ALERT_EVERY = 10
PARTITIONS = 4

_FIRST_AT_MS = 1_700_000_000_000
_ROW_PADDING = bytes(550)
_ALERT_PADDING = bytes(150)


class Event(NamedTuple):
    """A key's value at a time (milliseconds since 1970), with padding in place of the fields a real event has."""

    key: str
    value: float
    sequence: int
    evaluated_at: int
    padding: bytes


class Row(NamedTuple):
    """What is known of a key: its newest value, and how many events made it."""

    key: str
    value: float
    sequence: int
    evaluated_at: int
    changes: int
    padding: bytes


class Alert(NamedTuple):
    """A value over the limit, and the one before it."""

    key: str
    value: float
    previous: float | None
    sequence: int
    evaluated_at: int
    padding: bytes


class Invalid(ValueError):
    """An event that no registry should take in."""


# Any: what fastavro makes of a schema.
def _record(name: str, **fields: Any) -> Any:
    return parse_schema(
        {"type": "record", "name": name, "fields": [{"name": each, "type": kind} for each, kind in fields.items()]}
    )


_EVENT = _record("Event", key="string", value="double", sequence="long", evaluated_at="long", padding="bytes")
_ROW = _record(
    "Row", key="string", value="double", sequence="long", evaluated_at="long", changes="long", padding="bytes"
)
_ALERT = _record(
    "Alert",
    key="string", value="double", previous=["null", "double"], sequence="long", evaluated_at="long", padding="bytes",
)  # fmt: skip


def decode(data: bytes) -> Event:
    """The event in a Kafka record's value. Raises what fastavro raises where it is none."""
    fields: Any = schemaless_reader(BytesIO(data), _EVENT, None)
    return Event(**fields)


def validate(event: Event) -> None:
    """Raise Invalid where a rule is broken."""
    if not event.key:
        raise Invalid("key is empty")
    if not (math.isfinite(event.value) and 0.0 <= event.value <= 1.0):
        raise Invalid(f"value {event.value} is not within 0 and 1")
    if event.sequence < 0:
        raise Invalid(f"sequence {event.sequence} is negative")
    if event.evaluated_at <= 0:
        raise Invalid(f"evaluated_at {event.evaluated_at} is not a time")


def fold(row: Row | None, event: Event) -> tuple[Row, Alert | None]:
    """The row once the event is in it, and the alert that makes. The newest wins; the same again changes nothing."""
    if row is not None and (event.evaluated_at, event.sequence) <= (row.evaluated_at, row.sequence):
        return row, None
    changes = 1 if row is None else row.changes + 1
    changed = Row(event.key, event.value, event.sequence, event.evaluated_at, changes, _ROW_PADDING)
    if event.value <= ALERT_ABOVE:
        return changed, None
    previous = None if row is None else row.value
    return changed, Alert(event.key, event.value, previous, event.sequence, event.evaluated_at, _ALERT_PADDING)


def row_bytes(row: Row) -> bytes:
    """A row as it is stored, and as it goes to the changelog."""
    return _encoded(_ROW, row)


def row_of(data: bytes) -> Row:
    """The row that `row_bytes` wrote."""
    fields: Any = schemaless_reader(BytesIO(data), _ROW, None)
    return Row(**fields)


def alert_bytes(alert: Alert) -> bytes:
    """An alert as it goes to its topic."""
    return _encoded(_ALERT, alert)


def alert_of(data: bytes) -> Alert:
    """The alert that `alert_bytes` wrote."""
    fields: Any = schemaless_reader(BytesIO(data), _ALERT, None)
    return Alert(**fields)


def event_bytes(key: str, sequence: int, *, alerting: bool) -> bytes:
    """An event of `EVENT_BYTES`. Its time grows with its sequence."""
    value = 0.95 if alerting else 0.5 + sequence % 100 / 1000
    padding = bytes(_padding_of_event(len(key), (2 * sequence).bit_length()))
    return _encoded(_EVENT, Event(key, value, sequence, _FIRST_AT_MS + sequence, padding))


@lru_cache
def _padding_of_event(key_length: int, sequence_bits: int) -> int:
    sequence_bytes = max(1, -(-sequence_bits // 7))
    # One byte for the key's length, eight for the value, six for the time, two for the padding's own length.
    return EVENT_BYTES - (1 + key_length + 8 + sequence_bytes + 6 + 2)


def key_name(number: int) -> str:
    """The key of that number, the same length for all."""
    return f"model-{number:08}"


def events(count: int, keys: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of that many records, every tenth with an alert. Keys are drawn at random, the same each time."""
    draw = Random(keys)
    for sequence in range(count):
        name = key_name(draw.randrange(keys))
        yield name.encode(), event_bytes(name, sequence, alerting=sequence % ALERT_EVERY == 0)


def rows(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of the changelog of a table of that many rows."""
    for number in range(count):
        name = key_name(number)
        yield name.encode(), row_bytes(Row(name, 0.5, number, _FIRST_AT_MS + number, 1, _ROW_PADDING))


def _encoded(schema: Any, record: NamedTuple) -> bytes:
    buffer = BytesIO()
    schemaless_writer(buffer, schema, record._asdict())
    return buffer.getvalue()
