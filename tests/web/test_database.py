"""How records change the replica's tables, and what makes it start anew."""

from pathlib import Path

import pytest

from mooring.codec import encode
from mooring.keys import VersionKey
from mooring.metrics.catalogue import Direction
from mooring.outputs import DeclaredMetric, Outcome
from mooring.topics import Topics
from tests.web.feed import Written, alert, dead_letter, outcome, version
from web import database as database_module
from web.database import FILE_NAME, Database, DataDirInUse, DataDirUnusable, Incoming
from web.queries import Queries

KEY = VersionKey.parse("design-1/COUPONS/redemption/v1")


def test_a_later_row_replaces_all_of_the_earlier_one(written: Written, queries: Queries) -> None:
    row = version(initial={"roc_auc": 0.87, "lift": 3.0}, current={"roc_auc": 0.81, "lift": 2.0})
    written.write(written.topics.version_metrics, row)
    written.write(written.topics.version_metrics, version(initial={"roc_auc": 0.9}))
    found = queries.versions.get(KEY)
    assert found is not None
    assert [(each.code, each.initial, each.value, each.drift) for each in found.metrics] == [
        ("roc_auc", 0.9, None, None)
    ]
    assert queries.versions.list(focus="lift").items[0].initial is None


def test_a_tombstone_deletes(database: Database, written: Written, queries: Queries) -> None:
    topic = written.topics.version_metrics
    written.write(topic, version(current={"roc_auc": 0.81}))
    database.apply([Incoming(topic.name, 0, 1, str(KEY).encode(), None)], {(topic.name, 0): 2})
    assert queries.versions.get(KEY) is None
    assert queries.versions.count() == 0
    assert database.positions()[topic.name, 0] == 2


def test_an_alert_told_twice_is_one(written: Written, queries: Queries) -> None:
    written.write(written.topics.drift_alerts, alert(), alert(), alert(cause="event-2"))
    written.write(written.topics.drift_alerts, alert())
    assert {each.caused_by for each in queries.alerts.page().items} == {"event-1", "event-2"}
    assert queries.alerts.counts() == {"CRITICAL": 2}


def test_the_first_outcome_of_an_event_holds(written: Written, queries: Queries) -> None:
    # Outcomes are public before the row of their version is.
    written.write(written.topics.evaluation_outcomes, outcome())
    assert queries.history.counted(KEY) is None
    written.write(written.topics.version_metrics, version())
    written.write(written.topics.evaluation_outcomes, outcome(outcome=Outcome.DUPLICATE, metrics={}))
    history = queries.history.counted(KEY)
    assert history is not None
    assert [(each.outcome, each.metrics) for each in history.items] == [(Outcome.CURRENT, {"roc_auc": 0.81})]


def test_dead_letters_are_counted_once_each(written: Written, queries: Queries) -> None:
    written.write(written.topics.dead_letters, dead_letter(1), dead_letter(1), dead_letter(2, "wrong_key"))
    assert queries.dead_letters.counts() == {"undecodable": 1, "wrong_key": 1}


def test_the_earliest_declaration_of_a_custom_metric_holds(written: Written, queries: Queries) -> None:
    def declaring(key: str, label: str, at: int) -> None:
        declared = DeclaredMetric(
            code="profit", label=label, direction=Direction.HIGHER, declared_at=at, declared_by="event"
        )
        row = version(f"n/p/m/{key}", current={"profit": 1.0}, custom_metrics=(declared,))
        written.write(written.topics.version_metrics, row)

    written.write(written.topics.version_metrics, version("n/p/m/v0", current={"profit": 1.0}))
    assert queries.metrics.spec("profit").label == "profit"
    declaring("v1", "Later", 20)
    declaring("v2", "Earliest", 10)
    declaring("v3", "Latest", 30)
    assert queries.metrics.spec("profit").label == "Earliest"
    assert queries.metrics.spec("profit").direction is Direction.HIGHER


def test_what_cannot_be_read_is_counted_and_left_out(database: Database, queries: Queries, topics: Topics) -> None:
    name = topics.version_metrics.name
    records = [
        Incoming(name, 0, 0, b"a", b"no Avro"),
        Incoming(name, 0, 1, b"b", encode(alert())),
        Incoming(name, 0, 2, b"c", encode(version())),
    ]
    database.apply(records, {(name, 0): 3})
    assert database.unreadable == 2
    assert queries.versions.count() == 1


def test_a_batch_is_applied_whole_or_not_at_all(
    database: Database, queries: Queries, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    # The last that is written of a batch, but for the positions.
    monkeypatch.setattr(database._columns, "write", full)
    name = topics.version_metrics.name
    with pytest.raises(OSError, match="no space"):
        database.apply([Incoming(name, 0, 0, b"k", encode(version()))], {(name, 0): 1})
    assert queries.versions.count() == 0
    assert database.positions()[name, 0] == 0


@pytest.mark.parametrize("cause", ["schema version", "topic prefix", "damage"])
def test_it_starts_anew_where_its_file_is_of_no_use(
    cause: str, tmp_path: Path, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Database(tmp_path, topics)
    Written(first, topics).write(topics.version_metrics, version())
    assert first.positions()
    first.close()
    if cause == "schema version":
        monkeypatch.setattr(database_module, "SCHEMA_VERSION", database_module.SCHEMA_VERSION + 1)
    if cause == "topic prefix":
        topics = Topics.named("other.")
    if cause == "damage":
        (tmp_path / FILE_NAME).write_bytes(b"this is no database, but long enough to look like one" * 100)
    second = Database(tmp_path, topics)
    queries = Queries.of(second.path, topics)
    assert second.positions() == {}
    assert queries.versions.count() == 0
    queries.close()
    second.close()


def test_one_process_at_a_time(tmp_path: Path, topics: Topics) -> None:
    first = Database(tmp_path, topics)
    with pytest.raises(DataDirInUse, match="MOORING_DATA_DIR"):
        Database(tmp_path, topics)
    first.close()
    Database(tmp_path, topics).close()


def test_a_folder_that_cannot_be_is_told_in_a_sentence(tmp_path: Path, topics: Topics) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnusable, match="MOORING_DATA_DIR"):
        Database(tmp_path / "file" / "web", topics)
