"""Topics: names, keys, how long they are kept."""

from __future__ import annotations

from itertools import pairwise

import pytest
from kafka.partitioner import DefaultPartitioner
from kafka.partitioner.default import murmur2

from mooring.events import LifecycleChange, ModelBuild
from mooring.outputs import DeadLetter, StoreSettings, VersionMetrics
from mooring.topics import Topic, Topics
from tests.mooring.samples import BUILD, LIFECYCLE


def test_names_have_the_prefix_and_differ() -> None:
    topics = Topics.named("t.")
    names = sorted(topic.name for topic in topics)
    assert all(name.startswith("t.") for name in names)
    assert all(one != other for one, other in pairwise(names))


def test_names_of_the_contract() -> None:
    names = {topic.name for topic in Topics.named()}
    assert names >= {
        "mooring.model-builds",
        "mooring.evaluation-runs",
        "mooring.evaluation-stores",
        "mooring.model-lifecycle",
        "mooring.version-metrics",
        "mooring.evaluation-outcomes",
        "mooring.drift-alerts",
        "mooring.dead-letters",
    }


def test_inputs_and_outputs_are_all() -> None:
    topics = Topics.named()
    assert {*topics.inputs, *topics.outputs} == set(topics)
    assert not set(topics.inputs) & set(topics.outputs)


def test_keys() -> None:
    topics = Topics.named()
    assert topics.model_builds.key(BUILD) == b"automation-1/COUPONS"
    assert topics.model_lifecycle.key(LIFECYCLE) == b"automation-1/COUPONS"
    row = VersionMetrics(
        version_key="n/p/m/v", node_id="n", project_key="p", model_id="m", version_id="v", updated_at=0
    )
    assert topics.version_metrics.key(row) == b"n/p/m/v"
    store = StoreSettings(store_key="n/p/s", node_id="n", project_key="p", store_id="s")
    assert topics.store_settings.key(store) == b"n/p/s"
    letter = DeadLetter(
        letter_id="l", topic="t", partition=0, offset=0, key=b"\xff", reason="undecodable", message="m", failed_at=0
    )
    assert topics.dead_letters.key(letter) == b"\xff"


@pytest.mark.parametrize("topic", list(Topics.named()), ids=lambda topic: topic.name)
def test_tables_are_compacted_and_events_kept(topic: Topic[VersionMetrics]) -> None:
    settings = topic.kept.settings
    tables = {"version-metrics", "store-settings", "model-activations"}
    short = {"drift-alerts", "dead-letters"}
    name = topic.name.removeprefix("mooring.")
    assert settings["cleanup.policy"] == ("compact" if name in tables else "delete")
    if name in short:
        assert settings["retention.ms"] == str(30 * 24 * 3600 * 1000)
    elif name not in tables:
        assert settings["retention.ms"] == "-1"


def test_types() -> None:
    topics = Topics.named()
    assert topics.model_builds.type is ModelBuild
    assert topics.model_lifecycle.type is LifecycleChange


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        # From Kafka's own UtilsTest.testMurmur2 (Java's signed ints).
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
        # From Kafka's Java client 4.1.2.
        (b"automation-1/COUPONS", -900447987),
        (b"n/%C3%A9t%C3%A9", -1938865146),
    ],
)
def test_the_client_hashes_as_java_does(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF


@pytest.mark.parametrize("partitions", [1, 4, 12, 50])
def test_the_client_partitions_as_java_does(partitions: int) -> None:
    """BuiltInPartitioner.partitionForKey: toPositive(murmur2(key)) % partitions, over all partitions."""

    class Cluster:
        def topics(self) -> set[str]:
            return {"t"}

        def partitions_for_topic(self, topic: str) -> set[int]:
            return set(range(partitions))

        def available_partitions_for_topic(self, topic: str) -> set[int]:
            return {0}

    key = b"foobar"
    expected = (-790332482 & 0x7FFFFFFF) % partitions
    assert DefaultPartitioner().partition("t", None, key, None, b"", Cluster()) == expected
