"""The engine leans on names inside Faust and aiokafka that are no public seam. Here each is named, with what breaks
without it, so that an upgrade that moves one says so. Both are pinned exactly."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import fetcher, group_coordinator, subscription_state
from aiokafka.producer import message_accumulator, producer, sender
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.protocol.produce import ProduceRequest
from faust.app import base as app
from faust.channels import Channel
from faust.stores import STORES
from faust.tables import base as table
from faust.tables import recovery
from faust.topics import Topic
from faust.transport import conductor, consumer
from faust.transport.drivers import TRANSPORTS, by_url
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage, Message

from streams.app import build_app
from streams.engine.consumer import FETCH_WAIT_MS, Consumer, ConsumerThread
from streams.engine.lease import Fence, HeartbeatWatch
from streams.engine.store import Store
from streams.engine.transport import SCHEME, Producer, Transport
from streams.provision import Layout
from streams.settings import Settings


def says(*words: str) -> Callable[[Any], bool]:
    """That its source has the words: what is meant is not in a signature."""
    return lambda found: all(word in inspect.getsource(getattr(found, "fun", found)) for word in words)


def takes(*names: str) -> Callable[[Any], bool]:
    return lambda found: set(names) <= set(inspect.signature(found).parameters)


def there(_: object) -> bool:
    return True


# Where it is, its name, what is needed of it, and what breaks without it.
INTERNALS: list[tuple[Any, str, Callable[[Any], bool], str]] = [
    # Faust's consumer
    (consumer.Consumer, "_drain_messages", takes("fetcher"), "nothing is fetched: Faust's fetcher calls it"),
    (consumer.Consumer, "perform_seek", there, "the positions are not those of the last commit"),
    (consumer.Consumer, "seek_wait", takes("partitions"), "the positions of the tables' topics are not known"),
    (consumer.Consumer, "force_commit", takes("topics", "start_new_transaction"), "Faust commits without a checkpoint"),
    (consumer.Consumer, "on_partitions_revoked", takes("revoked"), "the last checkpoint is not made"),
    (consumer.Consumer, "ack", takes("message"), "Faust keeps accounts of every message"),
    (consumer.Consumer, "track_message", takes("message"), "Faust keeps a set of every message"),
    (consumer.Consumer, "_get_active_partitions", there, "what is paused cannot be told"),
    (consumer.Consumer, "_is_changelog_tp", takes("tp"), "offsets of the tables' topics would be committed"),
    (consumer.Consumer, "__init__", says("_acked", "_acked_index", "_unacked_messages"), "Faust's accounts grow"),
    (consumer.Consumer, "stop_flow", says("flow_active", "suspend_flow"), "delivery cannot be stopped"),
    (consumer.Consumer, "resume_flow", says("can_resume_flow"), "delivery does not go on"),
    (consumer.Fetcher, "_fetcher", says("_drain_messages"), "the engine's loop is not run"),
    (driver.Consumer, "_new_consumer_thread", there, "the engine's thread is not used"),
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer", takes("transport"), "fetches wait for 1.5 s"),
    (driver.AIOKafkaConsumerThread, "_fetch_records", takes("consumer", "timeout", "max_records"), "no fetch"),
    (driver.AIOKafkaConsumerThread, "_ensure_consumer", there, "no way to aiokafka's consumer"),
    (driver.AIOKafkaConsumerThread, "seek_wait", takes("partitions"), "no seek to the last commit"),
    # Faust's producer, messages, topics
    (driver.Producer, "_new_producer", takes("transactional_id"), "the fence is not put in"),
    (driver.Producer, "_ensure_producer", there, "no way to aiokafka's producer"),
    (Message, "__init__", says("self.acked"), "acknowledgements are not heard"),
    (ConsumerMessage, "on_final_ack", says("consumer.ack"), "acknowledgements are not heard"),
    (Topic, "_compile_decode", says("self.decode"), "batches would be decoded as values"),
    (Channel, "_create_event", takes("key", "value", "headers", "message"), "batches make no events"),
    (conductor.Conductor, "_build_handler", takes("tp", "channels"), "batches are not handed on"),
    # Faust's tables and their recovery
    (table.Collection, "on_changelog_event", takes("event"), "what recovery reads is not applied"),
    (table.Collection, "apply_changelog_batch", takes("batch"), "it would be applied twice"),
    (table.Collection, "on_rebalance", takes("assigned", "generation_id"), "no file opens"),
    (table.Collection, "data", there, "the store is not found"),
    (recovery.Recovery, "_slurp_changelogs", says("await table.on_changelog_event(event)", "bufsize"), "no recovery"),
    (recovery.Recovery, "_restart_recovery", says("recovery_buffer_size == 1"), "a buffer of two would mean something"),
    (recovery.Recovery, "_seek_offsets", says("consumer.seek_wait"), "recovery reads from anywhere"),
    (recovery.Recovery, "on_recovery_completed", says("consumer.perform_seek()", "resume_flow"), "input is not sought"),
    # Faust's app
    (app.App, "_stop_consumer", there, "a stop makes no last checkpoint"),
    (app.App, "_on_partitions_revoked", says("flow_control.suspend", "_producer_flush"), "batches go on being folded"),
    # aiokafka's consumer
    (aiokafka.AIOKafkaConsumer, "start", says("self._fetch_max_wait_ms", "self._isolation_level"), "settings are lost"),
    (aiokafka.AIOKafkaConsumer, "start", says("self._client", "GroupCoordinator("), "heartbeats are not watched"),
    (fetcher.Fetcher, "fetched_records", takes("partitions", "timeout", "max_records"), "no fetch"),
    (fetcher.FetchResult, "getall", says("max_records"), "a run may be split"),
    (subscription_state.TopicPartitionState, "position", there, "markers at the end of a log are not seen"),
    (subscription_state.TopicPartitionState, "has_valid_position", there, "the same"),
    (group_coordinator.GroupCoordinator, "_send_req", says("self._client.send"), "heartbeats are not watched"),
    (group_coordinator.GroupCoordinator, "request_rejoin", there, "a worker that failed does not come back"),
    (group_coordinator.GroupCoordinator, "fetch_committed_offsets", takes("partitions"), "metadata is not read"),
    (group_coordinator.GroupCoordinator, "_maybe_leave_group", there, "others wait for a session at each stop"),
    (HeartbeatRequest, "API_KEY", there, "the lease is not renewed"),
    (SyncGroupRequest, "API_KEY", there, "the lease is not renewed"),
    # aiokafka's producer
    (producer.AIOKafkaProducer, "__init__", says("self._sender", "_message_accumulator"),
     "the fence is not put in"),
    (producer.AIOKafkaProducer, "send_batch", says("self._request_timeout_ms"), "an outage loses records"),
    (sender.BaseHandler, "do", says("self._sender.client.send"), "the fence is passed by"),
    (sender.SendProduceReqHandler, "__init__", says("self._client = sender.client"), "the fence is passed by"),
    (sender.SendProduceReqHandler, "_can_retry", says("error.retriable"), "what the fence refused is tried again"),
    (message_accumulator.MessageAccumulator, "__init__", says("self._batch_ttl"), "an outage loses records"),
    (AIOKafkaClient, "_wait_on_metadata", takes("topic"), "a worker ends over a broker's restart"),
    (AIOKafkaClient, "force_metadata_update", there, "the same"),
    (AIOKafkaClient, "ready", takes("node_id", "group"), "the fence looks at the clock too early"),
    (AIOKafkaClient, "send", takes("node_id", "request", "group"), "the fence is passed by"),
    (ProduceRequest, "API_KEY", there, "the fence does not know what produces"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "name", "needed", "breaks"), INTERNALS, ids=[f"{one.__name__}.{name}" for one, name, *_ in INTERNALS]
)
def test_what_the_engine_leans_on_is_there(owner: Any, name: str, needed: Callable[[Any], bool], breaks: str) -> None:
    assert hasattr(owner, name), f"{owner.__name__}.{name} is gone: {breaks}"
    assert needed(getattr(owner, name)), f"{owner.__name__}.{name} is another: {breaks}"


def test_the_versions_are_those_that_the_engine_was_written_for() -> None:
    assert (version("faust-streaming"), version("aiokafka")) == ("0.15.3", "0.14.0")


def test_an_app_runs_on_the_engine(tmp_path: Path) -> None:
    async def story() -> None:
        worker = build_app(Settings(data_dir=tmp_path, worker_http_port=0), Layout(partitions=4), tmp_path).app
        assert isinstance(worker.transport, Transport)
        assert isinstance(worker.producer, Producer)
        assert isinstance(worker.consumer, Consumer)
        assert by_url(f"{SCHEME}://localhost") is Transport
        assert {SCHEME} <= TRANSPORTS.aliases.keys()
        assert {"sqlitedict"} <= STORES.aliases.keys()
        assert all(isinstance(table.data, Store) for table in worker.tables.values())
        thread = worker.consumer._new_consumer_thread()
        assert isinstance(thread, ConsumerThread)
        fetching = thread._create_worker_consumer(worker.transport)
        assert fetching._fetch_max_wait_ms == FETCH_WAIT_MS
        assert isinstance(fetching._client, HeartbeatWatch)
        sending = worker.producer._new_producer()
        assert isinstance(sending._sender.client, Fence)
        fetching._closed = sending._closed = True  # neither was started

    asyncio.run(story())
