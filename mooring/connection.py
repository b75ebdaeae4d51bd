"""How Mooring connects to Kafka: is there a broker at the address, and what does kafka-python need to be told of it."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.partitioner import DefaultPartitioner

from mooring.errors import BrokerUnavailable, MooringError

CONNECT_TIMEOUT_S = 5.0
DEFAULT_PORT = 9092

_LINGER_MS = 1
# How long a record waits for a topic that the broker does not have (yet).
_TOPIC_TIMEOUT_MS = 5_000
# Room for the longest value that the codec lets through, its key and its framing.
_MAX_REQUEST_BYTES = 1_048_576
# kafka-python takes the rest of its security settings under these names.
_SECURITY = ("security_protocol", "ssl_", "sasl_", "proxy_url")
_API_VERSIONS = 18
_MAX_ANSWER_BYTES = 1_000_000
# Brokers since Kafka 2.4 know this version of ApiVersions, with which kafka-python 3 opens the conversation.
_FLEXIBLE_API_VERSIONS = 3
_BEFORE_FLEXIBLE = (2, 0)


class BrokerRefused(MooringError):
    """A broker answers, but not to us: wrong credentials, or no right to do this."""


def connection_settings(brokers: str, security: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What any kafka-python client is to be given to reach the brokers, `host:port` joined by commas.

    `security` holds kafka-python's own settings: `security_protocol`, `ssl_…`, `sasl_…`, `proxy_url`. Blocks for at
    most CONNECT_TIMEOUT_S. Raises BrokerUnavailable where no broker answers, ValueError for another setting.
    """
    quiet_logging()
    given = dict(security or {})
    for name in given:
        if not name.startswith(_SECURITY):
            raise ValueError(f"{name} is no security setting; known are security_protocol, ssl_…, sasl_…, proxy_url.")
    settings = {
        "bootstrap_servers": [address.strip() for address in brokers.split(",")],
        "bootstrap_timeout_ms": int(CONNECT_TIMEOUT_S * 1000),
        # The default, 30 s, would keep a client away for that long after the broker is back.
        "reconnect_backoff_max_ms": 1_000,
        # kafka-python's own measurements, which nobody here reads.
        "metrics_enabled": False,
        **given,
    }
    if "proxy_url" not in given:
        encrypted = given.get("security_protocol", "PLAINTEXT") != "PLAINTEXT"
        address, newest = _probe(brokers, handshake=not encrypted)
        # Of several addresses kafka-python draws one at random, and waits a dead one's backoff out whenever it draws it
        # again. It asks them only once; from then on it knows the brokers by name.
        settings["bootstrap_servers"] = [address]
        if newest is not None and newest < _FLEXIBLE_API_VERSIONS:
            # Such a broker should refuse the newer request in a form that kafka-python can read. The embedded broker
            # (librdkafka's) does not, so the conversation starts with what it knows.
            settings["api_version"] = _BEFORE_FLEXIBLE
    return settings


def is_old_or_embedded(settings: Mapping[str, Any]) -> bool:
    """Whether the broker behind these settings is older than Kafka 2.4, or the embedded one."""
    return "api_version" in settings


def quiet_logging() -> None:
    """Keep kafka-python's log lines back unless the program has set a level for them: what matters is raised."""
    logger = logging.getLogger("kafka")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)


def new_producer(brokers: str, settings: Mapping[str, Any]) -> KafkaProducer:
    """A producer that loses nothing that it acknowledges, and creates no topics. `settings`: connection_settings.

    Raises BrokerUnavailable, BrokerRefused.
    """
    try:
        producer = KafkaProducer(
            **settings,
            acks="all",
            enable_idempotence=True,
            linger_ms=_LINGER_MS,
            partitioner=DefaultPartitioner(),
            max_block_ms=_TOPIC_TIMEOUT_MS,
            max_request_size=_MAX_REQUEST_BYTES,
        )
    except KafkaTimeoutError as error:
        raise BrokerUnavailable(brokers) from error
    except KafkaError as error:
        raise BrokerRefused(f"The broker at {brokers} refuses the connection: {error}.") from error
    forbid_topic_creation(producer)
    return producer


# The next four reach into kafka-python 3, which offers no other way; tests/mooring/test_connection.py holds each.


def forbid_topic_creation(client: KafkaProducer | KafkaConsumer) -> None:
    """Keep a client from creating topics in passing, with the broker's default number of partitions.

    kafka-python 3.0.12 takes `allow_auto_create_topics` and does not pass it on to where it would have an effect.
    """
    _cluster(client).config["allow_auto_create_topics"] = False


def has_heard_from_broker(client: KafkaProducer | KafkaConsumer, since: float) -> bool:
    """Whether a broker has told the client which topics there are, since a time of the monotonic clock."""
    return bool(_cluster(client)._last_successful_refresh_ms >= since * 1000)  # noqa: SLF001


def abandon(producer: KafkaProducer, timeout_s: float) -> None:
    """Give up what is under way, so that the producer can be closed.

    Its `close` raises over what is under way, and leaves the thread that sends it behind.
    """
    producer._sender.force_close()  # noqa: SLF001
    producer._sender.join(timeout_s)  # noqa: SLF001


def _cluster(client: KafkaProducer | KafkaConsumer) -> ClusterMetadata:
    return client._metadata if isinstance(client, KafkaProducer) else client._cluster  # noqa: SLF001


def _probe(brokers: str, *, handshake: bool) -> tuple[str, int | None]:
    """The first address that answers, and the newest version of ApiVersions known there; None without a handshake.

    Raises BrokerUnavailable.
    """
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    addresses = [address.strip() for address in brokers.split(",")]
    for position, address in enumerate(addresses):
        # An address that swallows packets must not use up the time of those after it.
        time_left_s = max(0.1, deadline - time.monotonic()) / (len(addresses) - position)
        try:
            with socket.create_connection(_host_port(address), time_left_s) as connection:
                return address, _ask_api_versions(connection) if handshake else None
        except (OSError, ValueError, struct.error):
            continue
    raise BrokerUnavailable(brokers)


def _ask_api_versions(connection: socket.socket) -> int:
    """ApiVersions version 0, which every broker answers: https://kafka.apache.org/protocol#The_Messages_ApiVersions."""
    request = struct.pack(">hhih", _API_VERSIONS, 0, 1, -1)
    connection.sendall(struct.pack(">i", len(request)) + request)
    with connection.makefile("rb") as stream:
        (size,) = struct.unpack(">i", stream.read(4))
        if not 0 < size <= _MAX_ANSWER_BYTES:
            raise ValueError("no Kafka broker")
        answer = stream.read(size)
    correlation, error, count = struct.unpack(">ihi", answer[:10])
    if correlation != 1 or error:
        raise ValueError("no Kafka broker")
    known = {key: newest for key, _, newest in struct.iter_unpack(">hhh", answer[10 : 10 + 6 * count])}
    return int(known.get(_API_VERSIONS, 0))


def _host_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or port.endswith("]"):
        return address.strip("[]"), DEFAULT_PORT
    return host.strip("[]"), int(port)
