"""The intake: a record as Kafka delivers it becomes a typed event, or a dead letter."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from mooring.codec import MAX_VALUE_BYTES, SchemaRegistry, decode
from mooring.errors import InvalidEvent, Reason, UnreadableValue
from mooring.events import Event
from mooring.outputs import DeadLetter, letter_id

# A letter carries what it refuses and must itself fit into a record.
_KEPT_BYTES = 100_000

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class InputRecord:
    """A record as Kafka delivered it. `timestamp` is epoch ms; None where the broker keeps none."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes] = field(default_factory=dict)


class Delivered(Protocol):
    """What is read of a record: InputRecord, and the record as Kafka's client has it."""

    @property
    def timestamp(self) -> int | None:
        """Epoch ms; None, or not above zero, where the broker keeps none."""
        ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


def read(record: Delivered, expected: type[E], registry: SchemaRegistry | None = None) -> E:
    """The event that a record holds.

    Raises InvalidEvent or UnreadableValue, each with its reason, where it holds none that Mooring accepts.
    """
    if record.value is not None and len(record.value) > MAX_VALUE_BYTES:
        raise InvalidEvent(
            "value", f"has {len(record.value):,} bytes; at most {MAX_VALUE_BYTES:,} are allowed", Reason.TOO_LARGE
        )
    event = decode(record.value, expected, registry)
    project = event.project
    if record.key != project.encoded:
        if record.key is None:
            raise InvalidEvent("key", f"is missing; it must be {str(project)!r}", Reason.MISSING_KEY)
        raise InvalidEvent("key", f"is {record.key[:300]!r}; it must be {str(project)!r}", Reason.WRONG_KEY)
    if record.timestamp is not None and record.timestamp > 0:
        event.check_not_in_the_future(record.timestamp)
    return event


def dead_letter(record: InputRecord, error: Exception, failed_at: int) -> DeadLetter:
    """The letter that keeps a refused record, with the reason. `failed_at` is epoch ms.

    What is too large to fit is cut, and the message gives its size and SHA-256.
    """
    if isinstance(error, InvalidEvent | UnreadableValue):
        reason, message = error.reason, str(error)
    else:
        reason, message = Reason.HANDLER_FAILED, f"{type(error).__name__}: {error}"
    letter = DeadLetter(
        letter_id=letter_id(record.topic, record.partition, record.offset),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        reason=reason,
        message=message[:2_000],
        failed_at=failed_at,
    )
    return letter if _size(letter) <= MAX_VALUE_BYTES - 10_000 else _cut(letter)


def _size(letter: DeadLetter) -> int:
    # The key counts twice: it is in the letter, and it is that of the letter's record.
    return 2 * len(letter.key or b"") + len(letter.value or b"") + _headers_size(letter.headers)


def _headers_size(headers: dict[str, bytes]) -> int:
    # Names and values each come with their lengths.
    return sum(len(name.encode()) + len(value) + 8 for name, value in headers.items())


def _cut(letter: DeadLetter) -> DeadLetter:
    notes = []
    cut: dict[str, bytes] = {}
    for name, content in (("key", letter.key), ("value", letter.value)):
        if content is not None and len(content) > _KEPT_BYTES:
            digest = hashlib.sha256(content).hexdigest()
            notes.append(f"The {name} is cut to {_KEPT_BYTES:,} of {len(content):,} bytes, SHA-256 {digest}.")
            cut[name] = content[:_KEPT_BYTES]
    headers = letter.headers
    if _headers_size(headers) > _KEPT_BYTES:
        notes.append(f"Its {len(headers)} headers are left out.")
        headers = {}
    return replace(
        letter,
        message=" ".join([letter.message, *notes]),
        headers=headers,
        key=cut.get("key", letter.key),
        value=cut.get("value", letter.value),
    )
