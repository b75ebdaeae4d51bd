"""Mooring's app, put together from the settings. Nothing is built at import time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from faust.streams import Stream
from faust.types import StreamT

from mooring.schema_registry import HttpSchemaRegistry
from mooring.topics import AnyTopic, Topics, worker_group
from streams.agent import AnyAgent
from streams.engine.app import App
from streams.engine.batch import Batch
from streams.health import Health
from streams.provision import Layout
from streams.quarantine import Quarantine
from streams.runtime import Runtime
from streams.settings import Settings
from streams.severity import Policy
from streams.tables import RowFormat, RowFormats, Table, Tables
from streams.telemetry import Telemetry

R = TypeVar("R")


@dataclass(frozen=True)
class Parts:
    """The app, and what belongs to it."""

    app: App
    tables: Tables
    telemetry: Telemetry
    health: Health


def build_app(settings: Settings, layout: Layout, folder: Path) -> Parts:
    """The worker's app, with every agent and table. Call it inside the event loop that is to run it.

    `folder` is for its files. Nothing is contacted yet.
    """
    # Here and not above: agents are made of what this package offers, so only the place that joins them knows both.
    from agents import AGENTS

    topics = Topics.named(settings.topic_prefix)
    policy = Policy(watched=settings.watched_metrics)
    app = App(
        worker_group(settings.topic_prefix),
        brokers=settings.brokers,
        inputs=[agent.topic(topics).name for agent in AGENTS],
        outputs=[topics.drift_alerts.name, topics.evaluation_outcomes.name, topics.dead_letters.name],
        datadir=folder,
        topic_partitions=layout.partitions,
    )

    def rows(topic: AnyTopic, row_format: RowFormat[R]) -> Table[Any, R]:
        table = app.rows_table(
            topic.name.removeprefix(settings.topic_prefix),
            topic.name,
            to_bytes=row_format.to_bytes,
            from_bytes=row_format.from_bytes,
            partitions=layout.partitions,
            topic_id=layout.topic_ids.get(topic.name),
        )
        return Table(table, row_format)

    formats = RowFormats.under(policy)
    # The versions first: a model's row says which version is active, and an event that it knows already changes no
    # version any more. So where only some tables are written before a crash, the models must not be among them.
    tables = Tables(
        versions=rows(topics.version_metrics, formats.versions),
        models=rows(topics.model_activations, formats.models),
        stores=rows(topics.store_settings, formats.stores),
    )
    telemetry = Telemetry()
    runtime = Runtime(
        tables,
        topics,
        policy,
        app.outbox.put,
        telemetry,
        Quarantine(settings.bad_input_limit),
        HttpSchemaRegistry(settings.schema_registry_url) if settings.schema_registry_url else None,
    )
    for agent in AGENTS:
        topic = app.batch_topic(agent.topic(topics).name, partitions=layout.partitions)
        app.agent(topic, name=f"mooring.{agent.name}")(_coroutine(app, runtime, agent))
    return Parts(app, tables, telemetry, Health(app, telemetry, settings))


def _coroutine(app: App, runtime: Runtime, agent: AnyAgent) -> Callable[[StreamT[Batch]], Awaitable[None]]:
    """What Faust calls an agent: a coroutine function of a stream."""

    async def run(stream: StreamT[Batch]) -> None:
        try:
            await runtime.run(agent, cast(Stream[Batch], stream))
        except Exception as error:  # noqa: BLE001 - Faust would start the agent again, without the batch that it had
            await app.crash(error)

    return run
