"""Connecting: what kafka-python is told, and the names inside it that Mooring leans on."""

from __future__ import annotations

import logging
import socket
import time
from threading import Thread

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaTimeoutError

from mooring.connection import (
    abandon,
    connection_settings,
    forbid_topic_creation,
    has_heard_from_broker,
    is_old_or_embedded,
    quiet_logging,
)
from mooring.errors import BrokerUnavailable
from mooring.testing import EmbeddedBroker
from tests.brokers import Broker


def test_the_embedded_broker_is_told_from_kafka(embedded_broker: Broker, kafka_broker: Broker) -> None:
    assert is_old_or_embedded(connection_settings(embedded_broker.address))
    assert not is_old_or_embedded(connection_settings(kafka_broker.address))


def test_the_address_that_answers_is_the_one_to_begin_with(broker: Broker) -> None:
    settings = connection_settings(f"localhost:1, {broker.address} ,localhost:2")
    assert settings["bootstrap_servers"] == [broker.address]


def test_what_a_user_says_of_security_is_passed_on(embedded_broker: Broker) -> None:
    settings = connection_settings(embedded_broker.address, {"security_protocol": "SSL", "ssl_cafile": "ca.pem"})
    assert settings["ssl_cafile"] == "ca.pem"
    # What is encrypted cannot be asked in the clear; kafka-python finds out by itself.
    assert not is_old_or_embedded(settings)
    with pytest.raises(ValueError, match="linger_ms is no security setting"):
        connection_settings(embedded_broker.address, {"linger_ms": 5})


@pytest.mark.parametrize("address", ["", "localhost:nine", "no.such.host.invalid:9092", ":::", "localhost:1"])
def test_nobody_there(address: str) -> None:
    start = time.monotonic()
    with pytest.raises(BrokerUnavailable) as refused:
        connection_settings(address)
    assert refused.value.brokers == address
    assert time.monotonic() - start < 6


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\6\0\0\0\1\0\x23"])
def test_someone_else_there(answer: bytes) -> None:
    """Who answers something else, or an error, is no broker."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        with pytest.raises(BrokerUnavailable):
            connection_settings(f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_silent_server_is_not_waited_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            connection_settings(f"127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - start < 6


def test_a_level_that_the_program_chose_stays() -> None:
    logger = logging.getLogger("kafka")
    before = logger.level
    try:
        logger.setLevel(logging.INFO)
        quiet_logging()
        assert logger.level == logging.INFO
        logger.setLevel(logging.NOTSET)
        quiet_logging()
        assert logger.level == logging.CRITICAL
    finally:
        logger.setLevel(before)


# Names inside kafka-python


def test_no_topic_is_created_in_passing(embedded_broker: Broker, topic_prefix: str) -> None:
    settings = connection_settings(embedded_broker.address)
    producer = KafkaProducer(**settings, max_block_ms=300)
    consumer = KafkaConsumer(**settings)
    try:
        forbid_topic_creation(producer)
        forbid_topic_creation(consumer)
        start = time.monotonic()
        with pytest.raises(KafkaTimeoutError):
            producer.send(f"{topic_prefix}missing", b"")
        assert has_heard_from_broker(producer, start), "so it is the topic that is missing, not the broker"
        assert not has_heard_from_broker(producer, time.monotonic())
        assert not consumer.partitions_for_topic(f"{topic_prefix}missing")
        assert "allow_auto_create_topics" in ClusterMetadata.DEFAULT_CONFIG
    finally:
        producer.close(1)
        consumer.close()


@pytest.mark.xfail(reason="kafka-python 3.0.12 loses the setting on its way; when this passes, use it", strict=True)
def test_kafka_python_can_be_told_not_to_create_topics(embedded_broker: Broker, topic_prefix: str) -> None:
    settings = connection_settings(embedded_broker.address)
    producer = KafkaProducer(**settings, max_block_ms=1_000, allow_auto_create_topics=False)
    try:
        with pytest.raises(KafkaTimeoutError):
            producer.send(f"{topic_prefix}missing", b"")
    finally:
        producer.close(1)


def test_what_is_under_way_can_be_abandoned(topic_prefix: str) -> None:
    with EmbeddedBroker() as broker:
        broker.create(f"{topic_prefix}t")
        producer = KafkaProducer(**connection_settings(broker.address))
        producer.send(f"{topic_prefix}t", b"").get(5)
    future = producer.send(f"{topic_prefix}t", b"")
    abandon(producer, 5)
    start = time.monotonic()
    producer.close(5)
    assert time.monotonic() - start < 1
    assert future.failed()
    assert not producer._sender.is_alive()
