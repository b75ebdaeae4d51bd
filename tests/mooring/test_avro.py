"""Avro without the library: for every schema the same bytes, the same records and the same refusals as fastavro's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring import avro, avro_values, codec, events, outputs
from mooring.codec import SINGLE_OBJECT, decode, encode, single_object_fingerprint
from mooring.errors import InvalidEvent, UnreadableValue
from mooring.records import Record
from mooring.schema import names, schema
from tests.mooring.samples import ALERT, BUILD, EVALUATION, LIFECYCLE, STORE

Plain = dict[str, Any]

CLASSES: dict[str, type[Record]] = {
    name: cls for name in names() if (cls := getattr(outputs, name, None) or getattr(events, name, None)) is not None
}
BY_NAME = pytest.mark.parametrize("name", CLASSES)
PARSED = {name: codec.parse(schema(name)) for name in CLASSES}


def test_every_schema_that_has_a_class_is_among_them() -> None:
    assert set(names()) - set(CLASSES) == {"SignoffAction"}


# Values of a schema, with everything in them that Avro can hold

# Few, so that maps and arrays with the same ones come again; two that begin alike; and any other text.
CODES = ["roc_auc", "roc_bar", "accuracy", "f1", "data_drift", "Güte", "k" * 63, "l" * 64]
TEXTS = st.one_of(
    st.sampled_from(CODES),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["", "x" * 63, "x" * 64, "é" * 32, "x" * 8_191, "x" * 8_192, "\0", "\U0001f6a2"]),
)
# Where one byte more begins.
EDGES = [sign * (2**power + near) for power in (0, 6, 13, 34, 41, 62) for near in (-1, 0) for sign in (-1, 1)]
LONGS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**41), st.sampled_from(EDGES))
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "bytes": st.binary(max_size=80),
    "long": LONGS,
    "int": st.integers(-(2**31), 2**31 - 1),
    "double": st.floats() | st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324]),
    "boolean": st.booleans(),
}


def values(type_: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    type_ = named.get(type_, type_) if isinstance(type_, str) else type_
    if isinstance(type_, str):
        return PRIMITIVES[type_]
    if isinstance(type_, list):
        return st.none() | values(type_[1], named)
    if "name" in type_:
        named[type_["name"]] = type_
    match type_["type"]:
        case "record":
            return st.fixed_dictionaries({field["name"]: values(field["type"], named) for field in type_["fields"]})
        case "enum":
            return st.sampled_from(type_["symbols"])
        case "array":
            items = st.lists(values(type_["items"], named), max_size=3)
            return items | st.just([f"code-{n}" for n in range(70)]) if type_["items"] == "string" else items
    inner = values(type_["values"], named)
    maps = st.dictionaries(TEXTS, inner, max_size=4)
    many = st.just({f"code-{n}": n / 7 for n in range(70)})
    return maps | many if type_["values"] == "double" else maps


RECORDS = {name: values(PARSED[name], {}) for name in CLASSES}


@pytest.fixture
def unchecked() -> Iterator[None]:
    """No class refuses what its schema admits: here it is about bytes."""
    kinds: list[type[Record]] = [Record]
    for kind in kinds:
        kinds += kind.__subclasses__()
    with pytest.MonkeyPatch.context() as patch:
        for kind in kinds:
            if "__post_init__" in vars(kind):
                patch.setattr(kind, "__post_init__", lambda _: None)
        codec._current.cache_clear()
        yield
    codec._current.cache_clear()


def by_fastavro(name: str, record: Plain) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, PARSED[name], record)
    return out.getvalue()


def header(name: str) -> bytes:
    return SINGLE_OBJECT + single_object_fingerprint(schema(name))


Outcome = tuple[Any, ...]


def outcome(call: Callable[[], Any]) -> Outcome:
    """What a call returns or raises, so that two can be compared: NaN too, and the order in maps."""
    try:
        found = call()
    except Exception as error:  # noqa: BLE001 - two of any kind are compared
        return type(error), str(error), getattr(error, "reason", None)
    return type(found), repr(found)


def read_by_the_library(value: bytes, cls: type[Record]) -> Outcome:
    """What `decode` comes to where nothing is read directly."""
    with pytest.MonkeyPatch.context() as patch:
        never = codec._Current(b"never", avro.direct(PARSED["ModelActivation"], outputs.ModelActivation))
        patch.setattr(codec, "_current", lambda _: never)
        return outcome(lambda: decode(value, cls))


# The same bytes, and the same records


@pytest.mark.usefixtures("unchecked")
@BY_NAME
def test_bytes_are_those_of_fastavro(name: str) -> None:
    write = avro.direct(PARSED[name], CLASSES[name]).write

    @settings(max_examples=50)
    @given(RECORDS[name])
    def check(record: Plain) -> None:
        out: list[bytes] = []
        write(CLASSES[name].from_record(record), out)
        assert b"".join(out) == by_fastavro(name, record)

    check()


@pytest.mark.usefixtures("unchecked")
@BY_NAME
def test_records_are_those_of_fastavro(name: str) -> None:
    """Directly: what stumbles here would be read by the library, and slowly for ever."""
    read = avro.direct(PARSED[name], CLASSES[name]).read

    @settings(max_examples=50)
    @given(RECORDS[name], st.binary(max_size=3))
    def check(record: Plain, before: bytes) -> None:
        value = by_fastavro(name, record)
        # Twice: what is kept of the first time must do for the second.
        for _ in range(2):
            typed, end = read(before + value + b"behind", len(before))
            assert (repr(typed), end) == (repr(CLASSES[name].from_record(record)), len(before + value))

    check()


@pytest.mark.parametrize("record", [BUILD, EVALUATION, STORE, LIFECYCLE, ALERT], ids=lambda one: type(one).__name__)
def test_what_is_read_has_passed_the_checks_and_is_frozen(record: Record) -> None:
    cls = type(record)
    typed, _ = avro.direct(PARSED[cls.__name__], cls).read(encode(record), 10)
    assert typed == record
    assert type(typed) is cls
    with pytest.raises(AttributeError):
        typed.node_id = "another"  # type: ignore[attr-defined]  # all of these have one


# What others may write


class Writer:
    """Writes what a schema admits as other writers may: in blocks, with their sizes, in more bytes than are needed."""

    def __init__(self, draw: st.DataObject) -> None:
        self._draw = draw

    def long(self, number: int) -> bytes:
        zigzag = number << 1 ^ number >> 63
        parts = [zigzag >> shift & 0x7F for shift in range(0, max(zigzag.bit_length(), 1), 7)]
        parts += [0] * self._draw.draw(st.sampled_from([0] * 20 + [1, 3]) if len(parts) < 6 else st.just(0))
        return bytes([part | 0x80 for part in parts[:-1]] + parts[-1:])

    def text(self, text: str) -> bytes:
        return self.long(len(text.encode())) + text.encode()

    def blocks(self, items: list[bytes]) -> bytes:
        out = b""
        while items:
            size = self._draw.draw(st.integers(1, len(items)))
            block, items = b"".join(items[:size]), items[size:]
            out += self.long(-size) + self.long(len(block)) if self._draw.draw(st.booleans()) else self.long(size)
            out += block
        return out + self.long(0)

    def write(self, type_: Any, value: Any, named: dict[str, Any]) -> bytes:
        type_ = named.get(type_, type_) if isinstance(type_, str) else type_
        if isinstance(type_, list):
            return self.long(0) if value is None else self.long(1) + self.write(type_[1], value, named)
        if type_ == "string":
            return self.text(value)
        if type_ in ("long", "int"):
            return self.long(value)
        if isinstance(type_, str):
            out = BytesIO()
            fastavro.schemaless_writer(out, {"type": type_}, value)
            return out.getvalue()
        if "name" in type_:
            named[type_["name"]] = type_
        match type_["type"]:
            case "record":
                return b"".join(self.write(field["type"], value[field["name"]], named) for field in type_["fields"])
            case "enum":
                return self.long(type_["symbols"].index(value))
            case "array":
                return self.blocks([self.write(type_["items"], item, named) for item in value])
        return self.blocks([self.text(key) + self.write(type_["values"], item, named) for key, item in value.items()])


@pytest.mark.usefixtures("unchecked")
@BY_NAME
def test_what_other_writers_write_is_read_as_by_the_library(name: str) -> None:
    @settings(max_examples=30, deadline=None)
    @given(RECORDS[name], st.data())
    def check(record: Plain, data: st.DataObject) -> None:
        value = header(name) + Writer(data).write(PARSED[name], record, {})
        expected = CLASSES[name].from_record(record)
        assert outcome(lambda: decode(value, CLASSES[name])) == (CLASSES[name], repr(expected))
        assert read_by_the_library(value, CLASSES[name]) == (CLASSES[name], repr(expected))

    check()


@pytest.mark.usefixtures("unchecked")
@BY_NAME
def test_damaged_values_are_refused_as_by_the_library(name: str) -> None:
    """Or read, where the damage makes another record: then the same one."""

    @settings(max_examples=60, deadline=None)
    @given(RECORDS[name], st.data())
    def check(record: Plain, data: st.DataObject) -> None:
        value = bytearray(header(name) + by_fastavro(name, record))
        for _ in range(data.draw(st.integers(0, 3))):
            value[data.draw(st.integers(10, len(value) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.none() | st.integers(10, len(value)))
        damaged = bytes(value[:cut]) + data.draw(st.sampled_from([b"", b"", b"\0", b"\0" * 9]))
        assert outcome(lambda: decode(damaged, CLASSES[name])) == read_by_the_library(damaged, CLASSES[name])

    check()


def one_of_each(type_: Any, named: dict[str, Any]) -> Any:
    """A value with everything in it, in few bytes."""
    type_ = named.get(type_, type_) if isinstance(type_, str) else type_
    if isinstance(type_, str):
        return {"string": "ab", "bytes": b"cd", "long": 3, "int": 4, "double": 0.5, "boolean": True}[type_]
    if isinstance(type_, list):
        return one_of_each(type_[1], named)
    if "name" in type_:
        named[type_["name"]] = type_
    match type_["type"]:
        case "record":
            return {field["name"]: one_of_each(field["type"], named) for field in type_["fields"]}
        case "enum":
            return type_["symbols"][-1]
        case "array":
            return [one_of_each(type_["items"], named)] * 2
    return {"k": one_of_each(type_["values"], named)}


@pytest.mark.usefixtures("unchecked")
@BY_NAME
def test_each_byte_means_what_it_means_to_the_library(name: str) -> None:
    """Whatever stands there instead: other branches, symbols, flags, counts and lengths, or none."""
    value = header(name) + by_fastavro(name, one_of_each(PARSED[name], {}))
    for place in range(10, len(value)):
        for byte in (*range(8), 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xFE, 0xFF):
            other = value[:place] + bytes((byte,)) + value[place + 1 :]
            assert outcome(lambda: decode(other, CLASSES[name])) == read_by_the_library(other, CLASSES[name])  # noqa: B023


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([BUILD, EVALUATION, STORE, LIFECYCLE]), st.data())
def test_what_breaks_a_rule_is_refused_as_by_the_library(event: events.Event, data: st.DataObject) -> None:
    """With the checks of the classes: damage, and several rules broken at once, one of them in a part of the record."""
    cls = type(event)
    plain = event.to_record()
    for name in data.draw(st.lists(st.sampled_from([*plain]), max_size=2)):
        of_field = next(field["type"] for field in PARSED[cls.__name__]["fields"] if field["name"] == name)
        named: dict[str, Any] = {}
        plain[name] = data.draw(values(of_field, named))
    value = encode(event)[:10] + by_fastavro(cls.__name__, plain) + data.draw(st.sampled_from([b"", b"", b"\1"]))
    found = outcome(lambda: decode(value, cls))
    assert found == read_by_the_library(value, cls)
    assert found[0] in (cls, InvalidEvent, UnreadableValue)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "raw",
    [
        b"\xff" * 9 + b"\x01",  # -2**63
        b"\xfe" + b"\xff" * 8 + b"\x01",  # 2**63 - 1
        b"\xff" * 9 + b"\x03",  # a bit too many
        b"\x80" * 10 + b"\x00",
        b"\x80" * 30,
        b"\x80\x80\x80\x80\x80\x00",  # zero, in as many bytes as a time
        b"\xff\xff\xff\xff\xff\x7f",
    ],
    ids=bytes.hex,
)
def test_numbers_in_many_bytes(raw: bytes) -> None:
    record = {"model_key": "k", "version_id": "v", "changed_at": 0, "event_id": "e"}
    whole = by_fastavro("ModelActivation", record)
    place = whole.index(b"\x02v") + 2
    value = header("ModelActivation") + whole[:place] + raw + whole[place + 1 :]
    assert outcome(lambda: decode(value, outputs.ModelActivation)) == read_by_the_library(
        value, outputs.ModelActivation
    )


def test_a_number_is_not_read_beyond_the_bytes_that_a_long_can_have() -> None:
    """Byte by byte, a value full of them would take minutes, in which nobody else's events are handled."""
    with pytest.raises(avro_values.Unusual):
        avro_values.read_long(b"\x80" * 11, 0)
    with pytest.raises(UnreadableValue):
        decode(header("ModelActivation") + b"\2k\2v" + b"\x80" * 900_000, outputs.ModelActivation)


# What is of a wrong type


JUNK = [
    *(None, True, 7, 2**63, -(2**63) - 1, 0.5, object, "text", "\ud800", b"bytes"),
    *([], ["a"], (), ("a", 1), {}, {"a": "b"}, {1: 0.5}, {"a": None}),
]


@pytest.mark.usefixtures("unchecked")
@BY_NAME
def test_what_is_of_a_wrong_type_is_written_or_refused_as_by_the_library(name: str) -> None:
    @settings(max_examples=60)
    @given(RECORDS[name], st.data())
    def check(record: Plain, data: st.DataObject) -> None:
        typed = CLASSES[name].from_record(record)
        object.__setattr__(typed, data.draw(st.sampled_from([*record])), data.draw(st.sampled_from(JUNK)))
        assert outcome(lambda: encode(typed)) == outcome(lambda: codec._encode(typed))

    check()


# Memory


ALIKE = [{f"{n:04}": n / 2, "roc_auc": 0.5} for n in range(100)]
DIFFERENT = [{chr(0x21 + n % 90) * (1 + n % 60): 0.5, f"{n}": n / 2} for n in range(1_500)]


@pytest.mark.parametrize("maps", [ALIKE, DIFFERENT], ids=["alike", "different"])
def test_what_is_kept_is_bounded(maps: list[dict[str, float]]) -> None:
    """And right, whatever it pushes out."""
    kept: tuple[dict[bytes, Any], ...] = (avro_values._layouts.by_beginning, avro_values._lists.by_beginning)
    for one in kept:
        one.clear()
    for items in maps:
        out: list[bytes] = []
        avro_values.write_doubles(items, out)
        avro_values.write_texts(tuple(items), out)
        raw = b"".join(out)
        for _ in range(2):
            found, end = avro_values.read_doubles(raw, 0)
            assert list(found.items()) == list(items.items())
            assert avro_values.read_texts(raw, end) == (tuple(items), len(raw))
    for one in kept:
        assert 0 < len(one) <= avro_values._KINDS // avro_values._ALIKE
        assert 0 < max(map(len, one.values())) <= avro_values._ALIKE
    assert avro_values._layout.cache_info().currsize <= avro_values._KINDS
    assert avro_values._listed.cache_info().currsize <= avro_values._KINDS


def test_nothing_is_kept_of_long_keys() -> None:
    """Nobody has checked them when they are read."""
    avro_values._layouts.by_beginning.clear()
    out: list[bytes] = []
    avro_values.write_text("k" * 20_000, out)
    raw = b"\2" + b"".join(out) + bytes(9)
    assert avro_values.read_doubles(raw, 0) == ({"k" * 20_000: 0.0}, len(raw))
    assert avro_values._layouts.by_beginning == {}
