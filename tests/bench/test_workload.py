"""The workload is what docs/performance.md says of it, and no contender can do less work than another unnoticed."""

from __future__ import annotations

from itertools import islice

import pytest

from bench.workload import (
    EVENT_BYTES,
    Alert,
    Event,
    Invalid,
    Row,
    alert_bytes,
    alert_of,
    decode,
    event_bytes,
    events,
    fold,
    row_bytes,
    row_of,
    rows,
    validate,
)
from tests.brokers import ROOT

EVENT = Event("model-00000001", 0.95, 7, 1_700_000_000_007, b"")


@pytest.mark.parametrize("sequence", [0, 1, 63, 64, 8_191, 8_192, 999_999, 1_048_576])
def test_every_event_has_the_same_size(sequence: int) -> None:
    data = event_bytes("model-00000001", sequence, alerting=False)
    assert len(data) == EVENT_BYTES
    assert decode(data).sequence == sequence


def test_rows_and_alerts_have_the_size_of_moorings() -> None:
    row, alert = fold(None, EVENT)
    assert alert is not None
    assert 550 < len(row_bytes(row)) < 650
    assert 170 < len(alert_bytes(alert)) < 230
    assert row_of(row_bytes(row)) == row
    assert alert_of(alert_bytes(alert)) == alert


def test_every_tenth_event_makes_an_alert() -> None:
    table: dict[str, Row] = {}
    alerts: list[Alert] = []
    for key, value in events(1_000, keys=30):
        event = decode(value)
        validate(event)
        assert key == event.key.encode()
        table[event.key], alert = fold(table.get(event.key), event)
        alerts += [alert] if alert else []
    assert len(alerts) == 100
    assert len(table) == 30
    assert sum(row.changes for row in table.values()) == 1_000


def test_the_newest_event_wins_and_the_same_again_changes_nothing() -> None:
    row, _ = fold(None, EVENT)
    older = EVENT._replace(sequence=6, evaluated_at=EVENT.evaluated_at - 1)
    assert fold(row, EVENT) == (row, None)
    assert fold(row, older) == (row, None)
    newer, alert = fold(row, EVENT._replace(sequence=8, evaluated_at=EVENT.evaluated_at + 1))
    assert newer.changes == 2
    assert alert is not None
    assert alert.previous == EVENT.value


@pytest.mark.parametrize(
    "broken",
    [{"key": ""}, {"value": float("nan")}, {"value": 1.5}, {"sequence": -1}, {"evaluated_at": 0}],
    ids=lambda broken: next(iter(broken)),
)
def test_a_broken_event_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        validate(Event(**EVENT._asdict() | broken))


def test_events_are_the_same_each_time() -> None:
    assert list(islice(events(100, keys=5), 50)) == list(events(50, keys=5))


def test_rows_are_rows_of_different_keys() -> None:
    keys = {key for key, value in rows(100) if row_of(value).key.encode() == key}
    assert len(keys) == 100


def test_all_contenders_decode_with_the_same_fastavro() -> None:
    """Quix has packages of its own; a faster or slower decoder there would be counted as Quix's."""
    pins = {
        line.split()[0]
        for name in ("requirements-dev.txt", "bench/requirements-peers.txt")
        for line in (ROOT / name).read_text().splitlines()
        if line.startswith("fastavro==")
    }
    assert len(pins) == 1
