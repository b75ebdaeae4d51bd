"""What Mooring needs of a broker, held against both the embedded one and Apache Kafka."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from mooring.testing import EmbeddedBroker
from tests.brokers import PARTITIONS, Broker, BrokerUnavailable, kafka_jars

AT_MS = 1_700_000_000_123

# Both brokers take these, and so does every Kafka since 2.3. Sessions are short because the embedded broker waits for
# those of members that left to run out before it goes on.
KAFKA_PYTHON = {"api_version": (2, 3)}
GROUP = {
    "auto_offset_reset": "earliest",
    "enable_auto_commit": False,
    "session_timeout_ms": 2_500,
    "heartbeat_interval_ms": 250,
}


def test_records_come_back_as_they_were_sent(broker: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}records"
    broker.create(topic)
    send(broker, topic, 50)
    records = read_all(broker, topic, 50)
    assert {record.value for record in records} == {b"value %d" % n for n in range(50)}
    by_value = {record.value: record for record in records}
    record = by_value[b"value 7"]
    assert record.key == b"project/7"
    assert record.headers == [("trace", b"7"), ("empty", b"")]
    assert record.timestamp == AT_MS + 7


def test_a_topic_has_its_partitions_and_a_key_stays_in_one(broker: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}keys"
    broker.create(topic)
    send(broker, topic, 60)
    send(broker, topic, 60)
    consumer = KafkaConsumer(bootstrap_servers=broker.address, **KAFKA_PYTHON)
    try:
        assert consumer.partitions_for_topic(topic) == set(range(PARTITIONS))
    finally:
        consumer.close()
    where: dict[bytes, set[int]] = {}
    for record in read_all(broker, topic, 120):
        where.setdefault(record.key, set()).add(record.partition)
    assert len(where) == 60
    assert all(len(partitions) == 1 for partitions in where.values())
    assert len(set.union(*where.values())) == PARTITIONS


def test_creating_topics_twice_is_the_brokers_business(embedded_broker: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}twice"
    embedded_broker.create(topic)
    send(embedded_broker, topic, 1)
    embedded_broker.create(topic)
    assert len(read_all(embedded_broker, topic, 1)) == 1


@pytest.mark.parametrize("idempotent", [True, False])
def test_both_kinds_of_producer_are_acknowledged(broker: Broker, topic_prefix: str, idempotent: bool) -> None:
    topic = f"{topic_prefix}acknowledged"
    broker.create(topic)
    producer = KafkaProducer(
        bootstrap_servers=broker.address, acks="all", enable_idempotence=idempotent, **KAFKA_PYTHON
    )
    try:
        sent = [producer.send(topic, value=b"%d" % n, partition=1).get(timeout=10) for n in range(5)]
    finally:
        producer.close()
    assert [metadata.offset for metadata in sent] == list(range(5))


def test_a_group_goes_on_where_it_committed(broker: Broker, topic_prefix: str) -> None:
    topic, group = f"{topic_prefix}resume", f"{topic_prefix}group"
    broker.create(topic)
    send(broker, topic, 40)
    first = read_as_group(broker, topic, group, at_least=1, at_most=10)
    second = read_as_group(broker, topic, group, at_least=40 - len(first))
    assert len(first) + len(second) == 40
    assert not positions(first) & positions(second)


def test_what_was_not_committed_comes_again(broker: Broker, topic_prefix: str) -> None:
    topic, group = f"{topic_prefix}again", f"{topic_prefix}group"
    broker.create(topic)
    send(broker, topic, 10)
    first = read_as_group(broker, topic, group, at_least=10, commit=False)
    second = read_as_group(broker, topic, group, at_least=10)
    assert positions(first) == positions(second)


def test_aiokafka_produces_and_resumes(broker: Broker, topic_prefix: str) -> None:
    topic, group = f"{topic_prefix}aiokafka", f"{topic_prefix}group"
    broker.create(topic)

    async def read(at_least: int) -> list[ConsumerRecord]:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.address, group_id=group, **GROUP)
        await consumer.start()
        try:
            records: list[ConsumerRecord] = []
            while len(records) < at_least:
                for batch in (await consumer.getmany(timeout_ms=500, max_records=5)).values():
                    records += batch
            await consumer.commit()
            return records
        finally:
            await consumer.stop()

    async def story() -> tuple[list[ConsumerRecord], list[ConsumerRecord]]:
        producer = AIOKafkaProducer(bootstrap_servers=broker.address, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            for n in range(12):
                await producer.send_and_wait(
                    topic, b"value %d" % n, key=b"%d" % n, timestamp_ms=AT_MS + n, headers=[("trace", b"%d" % n)]
                )
        finally:
            await producer.stop()
        first = await read(5)
        return first, await read(12 - len(first))

    first, second = asyncio.run(story())
    assert {record.value for record in first + second} == {b"value %d" % n for n in range(12)}
    assert len(first) + len(second) == 12
    assert first[0].timestamp == AT_MS + int(first[0].key)
    assert first[0].headers == (("trace", first[0].key),)


# The embedded broker's own


def test_a_stopped_broker_listens_no_more_and_says_so() -> None:
    broker = EmbeddedBroker()
    with pytest.raises(RuntimeError, match="not running"):
        _ = broker.address
    with broker:
        host, port = broker.address.split(":")
        socket.create_connection((host, int(port)), timeout=1).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)
    with pytest.raises(RuntimeError, match="not running"):
        broker.create("any")


def test_without_confluent_kafka_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ImportError, match=r"pip install 'mooring\[testing\]'"):
        EmbeddedBroker().start()


@pytest.fixture
def broker_program() -> Iterator[subprocess.Popen[str]]:
    program = subprocess.Popen(
        [sys.executable, "-m", "mooring.testing", "ready"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        yield program
        if program.poll() is None:
            program.kill()


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "end of input"])
def test_as_a_program_it_stays_until_told(broker_program: subprocess.Popen[str], end: str) -> None:
    assert broker_program.stdout is not None
    assert broker_program.stdin is not None
    assert broker_program.stderr is not None
    address = json.loads(broker_program.stdout.readline())["address"]
    send(Broker("embedded", address, lambda *_: None), "ready", 3)
    if end == "end of input":
        broker_program.stdin.close()
    else:
        broker_program.send_signal(signal.Signals[end])
    assert broker_program.wait(timeout=5) == 0
    assert broker_program.stderr.read() == ""


# Apache Kafka's own


def test_without_java_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrokerUnavailable, match="java and mvn"):
        kafka_jars()


# How the tests above send and read


def send(broker: Broker, topic: str, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.address, acks="all", **KAFKA_PYTHON)
    try:
        sent = [
            producer.send(
                topic,
                key=b"project/%d" % n,
                value=b"value %d" % n,
                headers=[("trace", b"%d" % n), ("empty", b"")],
                timestamp_ms=AT_MS + n,
            )
            for n in range(count)
        ]
        for each in sent:
            each.get(timeout=10)
    finally:
        producer.close()


def read_all(broker: Broker, topic: str, count: int) -> list[ConsumerRecord]:
    consumer = KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest", **KAFKA_PYTHON)
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
        return poll(consumer, count)
    finally:
        consumer.close()


def read_as_group(
    broker: Broker, topic: str, group: str, at_least: int, at_most: int = 500, commit: bool = True
) -> list[ConsumerRecord]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=broker.address, group_id=group, max_poll_records=at_most, **GROUP, **KAFKA_PYTHON
    )
    try:
        records = poll(consumer, at_least)
        if commit:
            consumer.commit()
        return records
    finally:
        consumer.close()


def poll(consumer: KafkaConsumer, at_least: int) -> list[ConsumerRecord]:
    records: list[ConsumerRecord] = []
    deadline = time.monotonic() + 30
    while len(records) < at_least:
        assert time.monotonic() < deadline, f"{len(records)} of {at_least} records after 30 s"
        for batch in consumer.poll(timeout_ms=200).values():
            records += batch
    return records


def positions(records: list[ConsumerRecord]) -> set[tuple[int, int]]:
    return {(record.partition, record.offset) for record in records}
