"""The transport leans on names inside Faust and aiokafka that are no public seam. Here each is named, so that an
upgrade that moves one says so."""

import asyncio
import inspect
from pathlib import Path

import aiokafka
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from faust.transport.drivers import by_url

from streams.app import build_app
from streams.engine.transport import FETCH_WAIT_MS, SCHEME, Consumer, ConsumerThread, Transport
from streams.settings import Settings


def test_what_it_overrides_is_there() -> None:
    assert "transport" in inspect.signature(driver.AIOKafkaConsumerThread._create_worker_consumer).parameters
    assert hasattr(driver.Consumer, "_new_consumer_thread")
    assert inspect.isasyncgenfunction(faust_consumer.Consumer.getmany)
    assert "self._fetch_max_wait_ms" in inspect.getsource(aiokafka.AIOKafkaConsumer.start)


def test_brokers_of_its_scheme_get_it(tmp_path: Path) -> None:
    async def story() -> None:
        parts = build_app(Settings(data_dir=tmp_path, worker_http_port=0), partitions=4)
        transport = parts.app.transport
        assert isinstance(transport, Transport)
        assert by_url(f"{SCHEME}://localhost") is Transport
        consumer = parts.app.consumer
        assert isinstance(consumer, Consumer)
        thread = consumer._new_consumer_thread()
        assert isinstance(thread, ConsumerThread)
        fetching = thread._create_worker_consumer(transport)
        assert fetching._fetch_max_wait_ms == FETCH_WAIT_MS

    asyncio.run(story())
