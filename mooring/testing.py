"""A broker inside the process, for tests and demonstrations: `pip install 'mooring[testing]'`.

It is librdkafka's mock cluster, which confluent-kafka carries: it starts in milliseconds, listens on 127.0.0.1 and
forgets everything when it stops. It speaks Kafka's protocol, so every client works with it, this library's and others.

What differs from Apache Kafka (seen with librdkafka 2.16):

- Every topic has `PARTITIONS` partitions. A topic comes into being when it is first asked for; there is no
  CreateTopics. A partition keeps about its last 5 MB or 100,000 batches, in memory. No compaction, no retention time.
- A new consumer group gets its first records after 3 s. A member that left, even in good order, is missed only when its
  session has run out, so the next to join waits that long: about 9 s with a session of 10 s, 2 s with one of 3 s; twice
  that with a static member id (`group.instance.id`).
- An acknowledgement says that the record's timestamp is 1234, whatever it is; the record itself has the right one.

What clients must set for it:

- kafka-python 3: `api_version=(2, 3)` (or older), producers and consumers alike. Left to find out by itself it asks
  with a newer ApiVersions request, and can't read the form in which the mock cluster refuses it. The idempotent
  producer works.
- aiokafka 0.14: nothing. The idempotent producer works.
- Faust: `topic_allow_declare=False` and `topic_disable_leader=True`, since topics can't be declared.

All of these settings work with Apache Kafka too.
"""

import contextlib
import importlib
import json
import os
import signal
import stat
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from confluent_kafka import Producer

PARTITIONS = 4  # fixed in librdkafka

_START_TIMEOUT_S = 10.0


class EmbeddedBroker:
    """A broker that lives from `with` to the end of its block, or from `start` to `close`; it can be started again.

    `with EmbeddedBroker() as broker:` gives one that listens on `broker.address`. Raises `ImportError` when it starts
    and confluent-kafka is not installed. It runs on threads of librdkafka: nothing of it blocks the caller or needs
    the interpreter's lock.
    """

    def __init__(self) -> None:
        self._cluster: Producer | None = None
        self._address = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where it listens, `127.0.0.1:port`. Raises `RuntimeError` while it isn't running."""
        self._running()
        return self._address

    def start(self) -> None:
        """Starts it, within milliseconds. Does nothing while it runs."""
        if self._cluster is not None:
            return
        try:
            client = importlib.import_module("confluent_kafka")
        except ImportError as error:
            raise ImportError(
                "the embedded broker needs confluent-kafka: pip install 'mooring[testing]'", name="confluent_kafka"
            ) from error
        cluster: Producer = client.Producer(
            # The mock cluster replaces the address by its own; log_level 0 because it reports each of its steps.
            {"bootstrap.servers": "embedded", "test.mock.num.brokers": 1, "log_level": 0}
        )
        broker = next(iter(cluster.list_topics(timeout=_START_TIMEOUT_S).brokers.values()))
        self._address = f"{broker.host}:{broker.port}"
        self._cluster = cluster

    def create(self, *topics: str) -> None:
        """Makes sure that these topics exist; returns when clients can use them. Those that exist stay as they are."""
        cluster = self._running()
        for topic in topics:
            deadline = time.monotonic() + _START_TIMEOUT_S
            while len(cluster.list_topics(topic, timeout=_START_TIMEOUT_S).topics[topic].partitions) < PARTITIONS:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the embedded broker did not make the topic {topic!r}")
                time.sleep(0.01)

    def close(self) -> None:
        """Stops it; its topics are gone. Does nothing if it isn't running."""
        # The cluster ends with the client that owns it, and librdkafka ends that when nobody refers to it.
        self._cluster = None
        self._address = ""

    def _running(self) -> "Producer":
        if self._cluster is None:
            raise RuntimeError("the embedded broker is not running: use it inside its `with`, or call start()")
        return self._cluster


def main(topics: list[str]) -> int:
    """`python -m mooring.testing [TOPIC ...]`: a broker in a process of its own.

    Prints one line of JSON, `{"address": "127.0.0.1:port"}`, and stays until SIGTERM, SIGINT, or the end of standard
    input where that is a pipe or a terminal: so it ends with the process that started it, whatever became of that.
    """
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    try:
        with EmbeddedBroker() as broker:
            broker.create(*topics)
            print(json.dumps({"address": broker.address}), flush=True)
            if _input_can_end():
                threading.Thread(target=_wait_for_input_to_end, args=(ended,), daemon=True).start()
            ended.wait()
    except (ImportError, RuntimeError) as error:
        print(f"mooring.testing: {error}", file=sys.stderr)
        return 1
    return 0


def _input_can_end() -> bool:
    """Whether someone holds the other side of standard input; /dev/null is at its end from the start."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:  # closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0)


def _wait_for_input_to_end(ended: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    ended.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
