"""The Faust app, put together from the settings. Nothing is built at import time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import faust
from faust.streams import Stream
from faust.tables import Table
from faust.types import TP, StreamT, TableT, TopicT

from mooring.schema_registry import HttpSchemaRegistry
from mooring.topics import AnyTopic, Topics
from streams.agent import AnyAgent
from streams.decisions import Policy
from streams.engine import transport
from streams.engine.order import topic_after_topic
from streams.health import Health
from streams.runtime import Runtime
from streams.settings import Settings
from streams.tables import Bytes, Tables
from streams.telemetry import Telemetry

_SESSION_TIMEOUT_S = 10.0
_HEARTBEAT_S = 2.0
# Longer than any outage that the worker should survive: a request that times out loses its record.
_PRODUCER_TIMEOUT_S = 3_600.0
# Faust takes the partition of a table's topic for a stream that is stuck, and says so every second from then on.
_NEVER_S = 1e9


@dataclass(frozen=True)
class Parts:
    """The app, and what belongs to it."""

    app: faust.App
    tables: Tables
    telemetry: Telemetry
    health: Health


class FaustBytes:
    """A Faust table as a table of bytes. Its rows change without a changelog record; the runtime sends that later."""

    def __init__(self, table: TableT[bytes, bytes]) -> None:
        self._table = table

    @property
    def rows(self) -> MutableMapping[bytes, bytes]:
        return cast(Table[bytes, bytes], self._table).data

    def send_changelog(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        return self._table.send_changelog(partition, key, value)


def build_app(settings: Settings, partitions: int) -> Parts:
    """The worker's app, with every agent and table. Call it inside the event loop that is to run it.

    `partitions` is the number that all topics have. Nothing is contacted yet.
    """
    # Here and not above: agents are made of what this package offers, so only the place that joins them knows both.
    from agents import AGENTS

    transport.register()
    topics = Topics.named(settings.topic_prefix)
    policy = Policy(watched=settings.watched_metrics)
    app = faust.App(
        f"{settings.topic_prefix}worker",
        broker=[f"{transport.SCHEME}://{address.strip()}" for address in settings.brokers.split(",")],
        store="memory://",
        datadir=settings.data_dir / "worker",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=partitions,
        broker_session_timeout=_SESSION_TIMEOUT_S,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_commit_interval=0.5,
        producer_acks=-1,
        # Faust's own limit is that of a value; a record has a key as well. Kafka accepts a little more than this.
        producer_max_request_size=1_048_576,
        producer_request_timeout=_PRODUCER_TIMEOUT_S,
        stream_wait_empty=False,
        ConsumerScheduler=topic_after_topic([agent.topic(topics).name for agent in AGENTS]),
        stream_processing_timeout=_NEVER_S,
    )
    faust_topic = partial(_faust_topic, app, partitions)
    outputs = {topic.name: faust_topic(topic) for topic in topics.outputs}

    def data(topic: AnyTopic) -> Bytes:
        return FaustBytes(
            app.Table(
                topic.name.removeprefix(settings.topic_prefix),
                key_type=bytes,
                value_type=bytes,
                partitions=partitions,
                changelog_topic=outputs[topic.name],
            )
        )

    telemetry = Telemetry()
    tables = Tables.over(data, topics, policy)
    registry = HttpSchemaRegistry(settings.schema_registry_url) if settings.schema_registry_url else None
    runtime = Runtime(
        AGENTS,
        tables,
        topics,
        policy,
        lambda topic: outputs[topic.name],
        telemetry,
        registry,
        lambda topic, partition: _consumer(app).delivered.get(TP(topic, partition), -1),
        app.crash,
    )

    async def on_revoked(*_: object, **__: object) -> None:
        _consumer(app).delivered.clear()
        runtime.forget_positions()

    app.on_partitions_revoked.connect(on_revoked, weak=False)
    for agent in AGENTS:
        app.agent(faust_topic(agent.topic(topics)), name=f"mooring.{agent.name}")(_coroutine(runtime, agent))
    return Parts(app, tables, telemetry, Health(app, telemetry, settings))


def _consumer(app: faust.App) -> transport.Consumer:
    return cast(transport.Consumer, app.consumer)


def _coroutine(runtime: Runtime, agent: AnyAgent) -> Callable[[StreamT[bytes]], Awaitable[None]]:
    """What Faust calls an agent: a coroutine function of a stream."""

    async def run(stream: StreamT[bytes]) -> None:
        await runtime.run(agent, cast(Stream[bytes], stream))

    return run


def _faust_topic(app: faust.App, partitions: int, topic: AnyTopic) -> TopicT:
    # Without "raw", `bytes` is still decoded as JSON.
    return app.topic(
        topic.name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=partitions,
        allow_empty=True,
    )
