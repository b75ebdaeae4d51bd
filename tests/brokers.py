"""The brokers that tests and benchmarks run against: Apache Kafka from Maven's jars, without containers.

No pytest in here: `bench/` uses it too.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from kafka import KafkaAdminClient
from kafka.admin import NewTopic

ROOT = Path(__file__).parent.parent
POM = ROOT / "tests" / "kafka" / "pom.xml"
CACHE = ROOT / ".cache"

PARTITIONS = 4  # what the embedded broker has; the same here, so that one suite fits both


@dataclass(frozen=True)
class Broker:
    """A broker that runs: where it is, and how to make topics (of `PARTITIONS` partitions) exist on it."""

    kind: Literal["embedded", "kafka"]
    address: str
    create: Callable[..., None]


class BrokerUnavailable(Exception):
    """What a broker needs is not on this machine; the message says what."""


class BrokerFailed(Exception):
    """The broker, or what brings its jars, ended or did not become ready; the message has the end of its log."""


class KafkaBroker:
    """One node of Apache Kafka (KRaft, combined mode) in a folder of its own, started by `with`, gone after it.

    Raises `BrokerUnavailable` on entry if Java or Maven is missing, `BrokerFailed` if it isn't ready within `ready_s`.
    The first use of a version copies its jars (46 MB) into `.cache/`.
    """

    kind: Literal["kafka"] = "kafka"

    def __init__(self, ready_s: float = 60.0, heap_mb: int = 512) -> None:
        self.address = ""
        self.log = Path()
        self._ready_s = ready_s
        self._heap_mb = heap_mb
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        classpath = f"{kafka_jars()}/*"
        self._folder = Path(tempfile.mkdtemp(prefix="mooring-kafka-"))
        self.log = self._folder / "kafka.log"
        try:
            self._start(classpath)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            # Nothing of it is kept, so there is nothing that an orderly stop would save.
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process id of the running broker, for tests that stop or kill it."""
        if self._process is None:
            raise BrokerFailed("the broker is not running: use it inside its `with`")
        return self._process.pid

    def create(self, *topics: str, partitions: int = PARTITIONS, configs: dict[str, str] | None = None) -> None:
        """Creates topics with one replica; returns when clients can use them. Raises kafka-python's errors."""
        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            admin.create_topics(
                [NewTopic(name, partitions, 1, topic_configs=configs) for name in topics],
                timeout_ms=15_000,
            )
        finally:
            admin.close()

    def _start(self, classpath: str) -> None:
        port, controller_port = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        properties = self._folder / "server.properties"
        properties.write_text(server_properties(port, controller_port, self._folder / "data"), encoding="utf-8")
        cluster_id = "bW9vcmluZy10ZXN0cy0wMQ"  # any 16 bytes in base64
        java = ["java", "-XX:+UseSerialGC", "-cp", classpath]
        storage_tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties)]
        with self.log.open("wb") as log:
            # The quick compiler only: this process lives for a second.
            formatted = subprocess.run(
                [*java, "-Xmx128m", "-XX:TieredStopAtLevel=1", *storage_tool],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
            if formatted.returncode != 0:
                raise BrokerFailed(f"Kafka could not format its folder. The end of its log:\n{tail(self.log)}")
            self._process = subprocess.Popen(
                [*java, f"-Xmx{self._heap_mb}m", "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for the tests; they still need their broker while they clean up.
                start_new_session=True,
            )
        self._wait_until_ready(self._process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._ready_s
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise BrokerFailed(f"Kafka ended with {process.returncode}. The end of its log:\n{tail(self.log)}")
            if b"Kafka Server started" in self.log.read_bytes():
                return
            time.sleep(0.05)
        raise BrokerFailed(f"Kafka was not ready after {self._ready_s} s. The end of its log:\n{tail(self.log)}")


def server_properties(port: int, controller_port: int, data: Path) -> str:
    """The configuration of a single node that is broker and controller, and waits for nothing.

    Shorter sessions than Kafka allows by default (6 s) are allowed, so that tests of restarts don't wait for them.
    """
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
num.partitions={PARTITIONS}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


def kafka_jars() -> Path:
    """The folder with Kafka's jars, fetched by Maven when the pom has changed. May take a minute the first time."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing:
        raise BrokerUnavailable(f"Apache Kafka needs {' and '.join(missing)} on the PATH")
    jars = CACHE / f"kafka-{sha256(POM.read_bytes()).hexdigest()[:12]}"
    if jars.is_dir():
        return jars
    CACHE.mkdir(exist_ok=True)
    # Filled aside and renamed, so that a run that was cut short leaves no half folder behind.
    filling = Path(tempfile.mkdtemp(prefix="kafka-", dir=CACHE))
    try:
        copy = ["dependency:copy-dependencies", f"-DoutputDirectory={filling}", "-DincludeScope=runtime"]
        maven = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(POM), *copy],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if maven.returncode != 0:
            raise BrokerFailed(f"Maven could not bring Kafka's jars:\n{maven.stdout[-2000:]}{maven.stderr[-2000:]}")
        try:
            filling.rename(jars)
        except OSError:
            if not jars.is_dir():  # else another run was faster: its folder is as good
                raise
    finally:
        shutil.rmtree(filling, ignore_errors=True)
    return jars


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, all different. Another process may still take one first."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log file."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
