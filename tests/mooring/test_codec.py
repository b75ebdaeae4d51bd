"""The codec: both framings, older writers, and bytes that are nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Any, ClassVar

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring import codec
from mooring.codec import CONFLUENT, MAX_VALUE_BYTES, SINGLE_OBJECT, decode, encode, single_object_fingerprint
from mooring.errors import InvalidEvent, Reason, UnreadableValue
from mooring.events import EvaluationRun, EvaluationStore, Event, LifecycleChange, ModelBuild
from mooring.outputs import DriftAlert
from mooring.records import Record
from mooring.schema import Schema, schema
from mooring.schema_registry import HttpSchemaRegistry, RegistryUnavailable
from tests.mooring.samples import ALERT, BUILD, EVALUATION, LIFECYCLE, STORE

EVENTS: tuple[Event, ...] = (BUILD, EVALUATION, STORE, LIFECYCLE)


def body(written: Schema, record: dict[str, Any]) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, written, record)
    return out.getvalue()


# Framing


def test_fingerprint_of_the_specification() -> None:
    """The specification's CRC-64-AVRO of "int" is 7275d51a3f395c8f; single objects carry it little-endian."""
    expected = bytes.fromhex("7275d51a3f395c8f")[::-1]
    assert single_object_fingerprint("int") == expected  # type: ignore[arg-type]  # a schema may be a text
    assert single_object_fingerprint({"type": "int"}) == expected


def test_documentation_and_defaults_do_not_change_the_fingerprint() -> None:
    changed = deepcopy(schema("ModelBuild"))
    changed["doc"] = "Other words."
    assert single_object_fingerprint(changed) == single_object_fingerprint(schema("ModelBuild"))


@pytest.mark.parametrize("record", [*EVENTS, ALERT], ids=lambda record: type(record).__name__)
def test_single_object(record: Record) -> None:
    name = type(record).__name__
    value = encode(record)
    assert value[:2] == b"\xc3\x01" == SINGLE_OBJECT
    assert value[2:10] == single_object_fingerprint(schema(name))
    assert value[10:] == body(schema(name), record.to_record())
    assert decode(value, type(record)) == record


def test_a_value_of_another_type() -> None:
    with pytest.raises(UnreadableValue, match="is a ModelBuild; this topic holds EvaluationRun") as refused:
        decode(encode(BUILD), EvaluationRun)
    assert refused.value.reason is Reason.UNKNOWN_SCHEMA


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.UNDECODABLE),
        (b"", Reason.UNDECODABLE),
        (b"{}", Reason.UNDECODABLE),
        (b'{"event_id": "json is no Avro"}', Reason.UNDECODABLE),
        (b"\xc3", Reason.UNDECODABLE),
        (b"\xc3\x01\x00", Reason.UNDECODABLE),
        (b"\xc3\x01" + b"\x00" * 8 + b"rest", Reason.UNKNOWN_SCHEMA),
        (b"\x00\x00\x00", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x07rest", Reason.UNKNOWN_SCHEMA),
        (encode(BUILD)[:-1], Reason.UNDECODABLE),
        (encode(BUILD)[:10], Reason.UNDECODABLE),
        (encode(BUILD) + b"\x00", Reason.UNDECODABLE),
        (encode(BUILD)[:10] + b"\xff" * 40, Reason.UNDECODABLE),
    ],
)
def test_unreadable(value: bytes | None, reason: Reason) -> None:
    with pytest.raises(UnreadableValue) as refused:
        decode(value, ModelBuild)
    assert refused.value.reason is reason


def test_too_large() -> None:
    labels = {f"label-{number}": "x" * 4_096 for number in range(200)}
    large = replace(BUILD, labels=labels, metrics={f"{'m' * 200}{number}": 0.5 for number in range(999)})
    with pytest.raises(InvalidEvent) as refused:
        encode(large)
    assert refused.value.reason is Reason.TOO_LARGE
    assert f"{MAX_VALUE_BYTES:,}" in str(refused.value)


def test_what_breaks_a_rule_is_refused_when_read_too() -> None:
    """Others write without our constructors."""
    bad = {**BUILD.to_record(), "metrics": {"roc_auc": math.nan}}
    with pytest.raises(InvalidEvent) as refused:
        decode(
            SINGLE_OBJECT + single_object_fingerprint(schema("ModelBuild")) + body(schema("ModelBuild"), bad),
            ModelBuild,
        )
    assert refused.value.reason is Reason.METRIC_NOT_FINITE


# Other writers


@pytest.fixture
def older_build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Schema]:
    """A ModelBuild of an earlier release, known here: without labels, author and URL, and with a kind of node less."""
    older = deepcopy(schema("ModelBuild"))
    older["fields"] = [each for each in older["fields"] if each["name"] not in ("labels", "author", "source_url")]
    kind = next(each for each in older["fields"] if each["name"] == "node_kind")
    kind["type"]["symbols"].remove("AUTOMATION")
    monkeypatch.setattr(codec, "writer_schemas", lambda: (schema("ModelBuild"), older))
    codec._known_writers.cache_clear()
    yield older
    codec._known_writers.cache_clear()


def test_an_older_writer_is_read(older_build: Schema) -> None:
    fields = {each["name"] for each in older_build["fields"]}
    record = {name: value for name, value in BUILD.to_record().items() if name in fields} | {"node_kind": "DESIGN"}
    read = decode(SINGLE_OBJECT + single_object_fingerprint(older_build) + body(older_build, record), ModelBuild)
    assert read.metrics == BUILD.metrics
    assert (read.labels, read.author, read.node_kind.value) == ({}, None, "DESIGN")


def test_a_newer_symbol_is_read_as_the_default() -> None:
    newer = deepcopy(schema("ModelBuild"))
    kind = next(each for each in newer["fields"] if each["name"] == "prediction_type")
    kind["type"]["symbols"].append("RANKING")
    record = {**BUILD.to_record(), "prediction_type": "RANKING"}
    registry = OneSchema(codec.parse(newer))
    read = decode(CONFLUENT + (7).to_bytes(4, "big") + body(newer, record), ModelBuild, registry)
    assert read.prediction_type.value == "OTHER"


class OneSchema:
    """A schema registry that has one schema under every id."""

    def __init__(self, known: Schema) -> None:
        self.known = known

    def schema(self, schema_id: int) -> Schema:
        return self.known


# A schema registry


class RegistryServer(BaseHTTPRequestHandler):
    """Confluent's `GET /schemas/ids/{id}`."""

    known: ClassVar[dict[str, tuple[int, str]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, text = self.known.get(self.path, (404, '{"error_code": 40403, "message": "Schema not found"}'))
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def registry_url() -> Iterator[str]:
    RegistryServer.asked.clear()
    RegistryServer.known = {
        "/schemas/ids/7": (200, json.dumps({"schema": json.dumps(schema("ModelBuild"))})),
        "/schemas/ids/8": (200, json.dumps({"schema": "{"})),
        "/schemas/ids/9": (500, "{}"),
        "/schemas/ids/10": (200, json.dumps({"schema": json.dumps(schema("EvaluationRun"))})),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), RegistryServer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def confluent(schema_id: int, record: Record) -> bytes:
    return b"\x00" + schema_id.to_bytes(4, "big") + body(schema(type(record).__name__), record.to_record())


def test_confluent_framing(registry_url: str) -> None:
    registry = HttpSchemaRegistry(registry_url)
    assert decode(confluent(7, BUILD), ModelBuild, registry) == BUILD
    assert decode(confluent(7, BUILD), ModelBuild, registry) == BUILD
    assert RegistryServer.asked == ["/schemas/ids/7"], "a schema is fetched once"


def test_both_framings_with_a_registry(registry_url: str) -> None:
    assert decode(encode(BUILD), ModelBuild, HttpSchemaRegistry(registry_url)) == BUILD


@pytest.mark.parametrize("schema_id", [6, 8, 10, 2**32 - 1])
def test_schemas_that_the_registry_cannot_give(registry_url: str, schema_id: int) -> None:
    with pytest.raises(UnreadableValue) as refused:
        decode(confluent(schema_id, BUILD), ModelBuild, HttpSchemaRegistry(registry_url))
    assert refused.value.reason is Reason.UNKNOWN_SCHEMA


def test_a_registry_in_trouble_is_no_fault_of_the_input(registry_url: str) -> None:
    with pytest.raises(RegistryUnavailable):
        decode(confluent(9, BUILD), ModelBuild, HttpSchemaRegistry(registry_url))
    with pytest.raises(RegistryUnavailable):
        decode(confluent(7, BUILD), ModelBuild, HttpSchemaRegistry("http://127.0.0.1:1"))


# Properties

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TIMES = st.integers(0, 2**63 - 1)
COUNTS = st.none() | TIMES
CUSTOM = IDS.map(lambda code: f"custom-{code}")
METRICS = st.dictionaries(CUSTOM, st.floats(allow_nan=False, allow_infinity=False), max_size=5)
ERRORS = st.dictionaries(CUSTOM, st.floats(0, allow_infinity=False), max_size=3)
LABELS = st.dictionaries(IDS, st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=3)
BUILDS = st.builds(
    replace,
    st.just(BUILD),
    event_id=IDS,
    node_id=IDS,
    project_key=IDS,
    model_id=IDS,
    model_name=TEXTS,
    built_at=TIMES,
    recorded_at=TIMES,
    activate=st.booleans(),
    metrics=METRICS,
    metric_std=ERRORS,
    n_positive=COUNTS,
    labels=LABELS,
)
EVALUATIONS = st.builds(
    replace,
    st.just(EVALUATION),
    event_id=IDS,
    store_id=IDS,
    evaluation_id=IDS,
    evaluated_at=TIMES,
    metrics=METRICS,
    standard_errors=ERRORS,
    synced=st.none() | st.booleans(),
    n_rows=COUNTS,
    source_url=TEXTS,
)


@given(BUILDS | EVALUATIONS)
def test_events_round_trip(event: ModelBuild | EvaluationRun) -> None:
    assert decode(encode(event), type(event)) == event


READERS: tuple[type[Record], ...] = (ModelBuild, EvaluationRun, EvaluationStore, LifecycleChange, DriftAlert)


def nothing_but_refusals(value: bytes, kind: type[Record], registry: codec.SchemaRegistry | None = None) -> None:
    try:
        decode(value, kind, registry)
    except (UnreadableValue, InvalidEvent):
        pass


@given(st.binary(max_size=200), st.sampled_from(READERS))
def test_arbitrary_bytes(value: bytes, kind: type[Record]) -> None:
    nothing_but_refusals(value, kind)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from(READERS))
def test_arbitrary_bytes_behind_a_good_header(value: bytes, kind: type[Record]) -> None:
    written = schema(kind.__name__)
    nothing_but_refusals(SINGLE_OBJECT + single_object_fingerprint(written) + value, kind)
    nothing_but_refusals(CONFLUENT + b"\0\0\0\1" + value, kind, OneSchema(codec.parse(written)))


@settings(max_examples=300)
@given(st.sampled_from(EVENTS), st.data())
def test_damaged_events(event: Event, data: st.DataObject) -> None:
    value = bytearray(encode(event))
    damage: Callable[[int, int], None] = value.__setitem__
    for _ in range(data.draw(st.integers(1, 4))):
        damage(data.draw(st.integers(10, len(value) - 1)), data.draw(st.integers(0, 255)))
    nothing_but_refusals(bytes(value), type(event))
