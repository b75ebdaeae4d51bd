"""From dead letters to what the page's components draw: reasons in words, values to read. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mooring.errors import Reason
from mooring.outputs import DeadLetter
from web.models import DeadLetterItem
from web.pages.components import Json

# Label, what it means, what to do.
REASONS: Mapping[str, tuple[str, str, str]] = {
    Reason.UNDECODABLE: (
        "Undecodable",
        "The bytes are no record that Mooring can read.",
        "Check what writes to this topic: it has to send Avro, with the schema of the topic. Replay only helps once "
        "the schema that it needs is known here.",
    ),
    Reason.UNKNOWN_SCHEMA: (
        "Unknown schema",
        "The record was written with a schema that nobody here knows.",
        "Make the schema known (set MOORING_SCHEMA_REGISTRY_URL, or update Mooring), then replay it.",
    ),
    Reason.MISSING_KEY: (
        "Missing key",
        "The record has no key, so it is not clear which project it belongs to.",
        "Have the sender set the key node/project and report it again: a replay keeps it as it was.",
    ),
    Reason.WRONG_KEY: (
        "Wrong key",
        "The record's key names another node or project than the event in it.",
        "Correct the key at the sender and report it again: a replay keeps it as it was.",
    ),
    Reason.INVALID_FIELD: (
        "Invalid field",
        "A field of the event breaks a rule; the message names it.",
        "Correct it at the sender and report it again. Replay it where Mooring, not the event, was at fault.",
    ),
    Reason.METRIC_NOT_FINITE: (
        "Metric not finite",
        "A metric is NaN or infinite. Only numbers can be compared and kept.",
        "Leave out what could not be calculated, and report it again.",
    ),
    Reason.METRIC_OUT_OF_RANGE: (
        "Metric out of range",
        "A standard metric lies outside the range that it can have.",
        "Check how it was calculated, for example a percentage in place of a share, and report it again.",
    ),
    Reason.STORE_OUTSIDE_PROJECT: (
        "Store outside project",
        "The evaluation is of a model of another project than its store's. A store only evaluates its own project.",
        "Evaluate the model in a store of its own project.",
    ),
    Reason.DATED_IN_THE_FUTURE: (
        "Dated in the future",
        "The event is dated more than an hour after it reached Kafka.",
        "Check the sender's clock, and that times are in milliseconds. Once that time has come, a replay is accepted.",
    ),
    Reason.TOO_LARGE: (
        "Too large",
        "The record is larger than what Mooring takes, and was not kept whole.",
        "Send less in one event, and report it again: it cannot be replayed.",
    ),
    Reason.HANDLER_FAILED: (
        "Handler failed",
        "The worker met an error that it did not expect while it handled the event.",
        "The worker's log says more. Once the cause is gone, replay it.",
    ),
}
_OUTCOMES = {
    "taken": ("Replayed, accepted", "good"),
    "refused": ("Replayed, refused again", "bad"),
    "waiting": ("Replayed, not handled yet", "warn"),
    "failed": ("Not replayed", "bad"),
}
_MOST_LINES = 400
_MOST_HEX_BYTES = 512
_HEX_WIDTH = 16
_TIME_FIELD = "_at"


def reasons(counts: Mapping[str, int], chosen: Sequence[str]) -> Iterator[Json]:
    """The reasons that there are or that are filtered by, the most frequent first."""
    there = {*(reason for reason, count in counts.items() if count), *chosen}
    for reason in sorted(there, key=lambda each: (-counts.get(each, 0), each)):
        label, meaning, _ = in_words(reason)
        yield {
            "value": reason,
            "label": label,
            "tone": "quiet",
            "count": f"{counts.get(reason, 0):,}",
            "title": meaning,
        }


def in_words(reason: str) -> tuple[str, str, str]:
    """A reason's label, what it means, and what to do; of one that a newer Mooring gives, its code."""
    return REASONS.get(reason, (reason, "This version of Mooring does not know this reason.", "See the message."))


def row(item: DeadLetterItem, replayed: Json | None) -> Json:
    """A letter as the list draws it. `replayed`: what came of its replay, if there was one."""
    return {
        "id": item.letter_id,
        "reason": in_words(item.reason)[0],
        "message": item.message,
        "topic": item.topic,
        "where": f"partition {item.partition}, offset {item.offset}",
        "at": item.failed_at,
        "replayed": replayed,
    }


# Any: the plain values of a record.
def details(letter: DeadLetter, plain: Mapping[str, Any] | None, replayed: Json | None) -> Json:
    """Everything that the panel shows of a letter. `plain`: the fields of its value, None where it cannot be read."""
    label, meaning, remedy = in_words(letter.reason)
    value = letter.value
    lines = [] if plain is None else list(tree(plain))
    return {
        "id": letter.letter_id,
        "reason": label,
        "code": letter.reason,
        "meaning": meaning,
        "remedy": remedy,
        "message": letter.message,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "at": letter.failed_at,
        "key": None if letter.key is None else readable(letter.key),
        "headers": [{"name": name, "value": readable(each)} for name, each in sorted(letter.headers.items())],
        "size": None if value is None else f"{len(value):,} byte{'' if len(value) == 1 else 's'}",
        "lines": lines[:_MOST_LINES],
        "further": max(0, len(lines) - _MOST_LINES),
        "readable": plain is not None,
        "hex": "" if value is None or plain is not None else hex_dump(value[:_MOST_HEX_BYTES]),
        "hidden": 0 if value is None else max(0, len(value) - _MOST_HEX_BYTES),
        "replayed": replayed,
    }


# Any: as above.
def tree(value: Any, name: str = "", depth: int = -1) -> Iterator[Json]:
    """A value as lines, each with how deep it stands, its name, its text and its kind."""
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str | bytes)):
        items = (
            list(value.items()) if isinstance(value, Mapping) else [(str(at), each) for at, each in enumerate(value)]
        )
        if depth >= 0:
            noun = "field" if isinstance(value, Mapping) else "item"
            text = f"{len(items)} {noun}{'' if len(items) == 1 else 's'}" if items else "empty"
            yield {"depth": depth, "name": name, "text": text, "kind": "group"}
        for inner, each in items:
            yield from tree(each, str(inner), depth + 1)
        return
    line: Json = {"depth": depth, "name": name, "text": _scalar(value), "kind": _kind(value)}
    if name.endswith(_TIME_FIELD) and type(value) is int and 0 < value < 253_402_300_800_000:
        line["at"] = value
    yield line


def hex_dump(data: bytes) -> str:
    """Bytes as hexadecimal numbers, sixteen a line, with their offset before them and as text behind."""
    lines = []
    for at in range(0, len(data), _HEX_WIDTH):
        part = data[at : at + _HEX_WIDTH]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in part)
        lines.append(f"{at:06x}  {part.hex(' '):<{3 * _HEX_WIDTH - 1}}  {text}")
    return "\n".join(lines)


def readable(data: bytes) -> str:
    """Bytes as text where they are some, else as hexadecimal numbers."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"0x{data.hex()}"
    return text if text.isprintable() else f"0x{data.hex()}"


def outcome(kind: str, text: str, again: str = "", *, unsent: bool = False) -> Json:
    """What came of a replay. `again`: the id of the new letter where it was refused; `unsent`: the broker is away."""
    label, tone = _OUTCOMES[kind]
    return {"kind": kind, "label": label, "tone": tone, "text": text, "again": again, "unsent": unsent}


def summary(outcomes: Sequence[Json]) -> str:
    """What came of several replays, in a sentence."""
    if len(outcomes) == 1:
        return str(outcomes[0]["text"])
    words = {
        "taken": "accepted",
        "refused": "refused again",
        "waiting": "not handled yet",
        "failed": "could not be replayed",
    }
    counts = Counter(each["kind"] for each in outcomes)
    told = ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts[kind])
    return f"Of {len(outcomes)} letters: {told}."


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return readable(value) if isinstance(value, bytes) else str(value)


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "word"
    if isinstance(value, float) and not math.isfinite(value):
        return "odd"
    return "number" if isinstance(value, int | float) else "text"
