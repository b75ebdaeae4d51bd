"""Faust's aiokafka transport, with a fetch that does not wait long: brokers named `mooring://host:port` use it.

Stock Faust lets a broker hold a fetch back for 1.5 s, fixed in its code; an idle partition then holds up the others of
its broker for that long, and with them the alerts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import aiokafka
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.transports import ConsumerT

SCHEME = "mooring"
FETCH_WAIT_MS = 50


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Read when the consumer starts, which is later.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class Consumer(driver.Consumer):
    """The consumer that runs it. `delivered` has the offset of the last record handed to the streams, by partition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Any: what Faust gives its drivers.
        super().__init__(*args, **kwargs)
        self.delivered: dict[TP, int] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 - Faust's own signature
        async for partition, message in super().getmany(timeout):
            self.delivered[partition] = message.offset
            yield partition, message


class Transport(driver.Transport):
    """The transport that makes both."""

    Consumer: ClassVar[type[ConsumerT]] = Consumer


def register() -> None:
    """Let Faust find the transport by its scheme."""
    # Any: Faust's registry is not typed for this.
    aliases: Any = TRANSPORTS.aliases
    aliases[SCHEME] = f"{__name__}:{Transport.__name__}"
