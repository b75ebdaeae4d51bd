"""Reads that wait until they have what a write has changed: what is asked for, and that nobody is disturbed."""

from collections.abc import Iterator
from typing import Any

import pytest
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from mooring.connection import connection_settings
from mooring.topics import worker_group
from tests.brokers import PARTITIONS, Broker
from tests.web.api.client import Api, problem
from tests.web.api.conftest import Fed
from tests.web.feed import version

READS = (
    "/versions",
    "/versions.csv",
    "/versions/n/P/m/v1",
    "/versions/n/P/m/v1/history",
    "/versions/n/P/m/v1/evaluations",
    "/metrics",
    "/models",
    "/projects",
    "/nodes",
    "/alerts",
    "/stores",
    "/stores/n/P/weekly",
    "/dead-letters",
    "/dead-letters/none",
)


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "at_least",
    [
        "",
        "nonsense",
        "mooring.evaluation-runs",
        "mooring.evaluation-runs:0",
        "mooring.evaluation-runs:0:-1",
        "mooring.evaluation-runs:0:1:2",
        "mooring.evaluation-runs:0:99999999999999999999",
        "mooring.version-metrics:0:1",
        "another.evaluation-runs:0:1",
    ],
)
def test_what_is_no_position_of_a_write_is_refused(api: Api, path: str, at_least: str) -> None:
    answer = api.client.get(f"/api/v1{path}", params={"at_least": at_least})
    assert "at_least: " in problem(answer, 400, "invalid-parameter")["detail"]


def test_without_a_broker_it_says_so(api: Api) -> None:
    answer = api.client.get("/api/v1/versions", params={"at_least": "mooring.evaluation-runs:0:1"})
    problem(answer, 503, "broker-unavailable")


def build(fed: Fed) -> str:
    """A build in the log that nobody handles; its position."""
    position: str = fed.api.post("/builds", {"node_id": "n", "project_key": "P", "model_id": "m", "version_id": "v"})[
        "position"
    ]
    return position


def test_without_a_worker_it_says_so_in_time(online: Fed) -> None:
    answer = online.api.client.get("/api/v1/versions", params={"at_least": build(online)})
    assert "Is a worker running?" in problem(answer, 503, "not-seen-yet")["detail"]
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("place", ["0:1000000", "3:999999999999999999", "99:0", "999999999:0"])
def test_a_position_at_which_nothing_is_written_is_refused_at_once(online: Fed, place: str) -> None:
    at_least = f"{online.topics.model_builds.name}:{place}"
    answer = online.api.client.get("/api/v1/versions", params={"at_least": at_least})
    assert f"no record is at {at_least}" in problem(answer, 400, "invalid-parameter")["detail"]


class Member:
    """A worker as Kafka sees it: a member of the group, which says how far it is."""

    def __init__(self, broker: Broker, fed: Fed) -> None:
        self.assigned = 0
        self.topic = fed.topics.model_builds.name
        group = worker_group(self.topic.removesuffix("model-builds"))
        self.consumer = KafkaConsumer(
            **connection_settings(broker.address),
            group_id=group,
            enable_auto_commit=False,
            fetch_max_wait_ms=20,
            # On a busy machine it must not be taken for dead.
            session_timeout_ms=30_000,
        )
        member = self

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
            def on_partitions_assigned(self, assigned: Any) -> None:
                member.assigned += 1

            def on_partitions_revoked(self, revoked: Any) -> None:
                pass

        self.consumer.subscribe([self.topic], listener=Listener())

    def poll(self) -> None:
        self.consumer.poll(timeout_ms=1_000)

    def commit(self, position: str) -> None:
        """Say that the record at the position is handled, and all before it."""
        topic, partition, offset = position.rsplit(":", 2)
        self.consumer.commit({TopicPartition(topic, int(partition)): OffsetAndMetadata(int(offset) + 1, "", -1)})


@pytest.fixture
def member(broker: Broker, online: Fed) -> Iterator[Member]:
    member = Member(broker, online)
    while len(member.consumer.assignment()) < PARTITIONS:
        member.poll()
    yield member
    member.consumer.close()


def test_what_is_handled_is_answered_and_the_workers_are_left_alone(online: Fed, member: Member) -> None:
    """Whoever joined their group would be given partitions, and take them away from a worker."""
    online.written.write(online.topics.version_metrics, version("n/P/m/v"))
    assigned = member.assigned
    for _ in range(3):
        position = build(online)
        parameters = {"at_least": position}
        problem(online.api.client.get("/api/v1/versions", params=parameters), 503, "not-seen-yet")
        member.commit(position)
        assert online.api.client.get("/api/v1/versions", params=parameters).json()["total"] == 1
        member.poll()
    for _ in range(3):
        member.poll()
    assert member.assigned == assigned
    assert len(member.consumer.assignment()) == PARTITIONS
