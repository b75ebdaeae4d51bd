"""A broker to be stopped, killed, held and started again, on the same port and with the same data."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from tests.brokers import BrokerFailed, KafkaBroker, free_ports, kafka_jars, server_properties

_STOP_TIMEOUT_S = 30.0
_JAVA = ("java", "-XX:+UseSerialGC")
_FORMAT = ("format", "-t", "bW9vcmluZy1mYXVsdHMtMQ", "-c")  # any 16 bytes in base64
# The cleaner looks for something to compact soon, so that a test needs not wait a quarter of a minute for it.
_MORE_PROPERTIES = "log.cleaner.backoff.ms=300\n"


class FaultyBroker(KafkaBroker):
    """Apache Kafka that is meant to suffer."""

    def __init__(self, ready_s: float = 60.0, heap_mb: int = 512) -> None:
        super().__init__(ready_s, heap_mb)
        self._starts = 0

    def stop(self) -> None:
        """End it in good order (SIGTERM); after half a minute it is killed."""
        process = self._running()
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        process = self._running()
        process.kill()
        process.wait()

    def start(self) -> None:
        """Start it again, with what it had. Returns when it is ready. Raises BrokerFailed."""
        if self._running().poll() is None:
            raise BrokerFailed("the broker runs already")
        self._launch()

    def away(self, seconds: float) -> None:
        """Kill it and start it again after that time."""
        self.kill()
        time.sleep(seconds)
        self.start()

    def pause(self) -> None:
        """Hold it where it is (SIGSTOP): connections stay, answers don't come."""
        self._running().send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BrokerFailed("the broker is not running: use it inside its `with`")
        return self._process

    def _start(self, classpath: str) -> None:
        port, controller_port = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        properties = server_properties(port, controller_port, self._folder / "data")
        self._properties.write_text(properties + _MORE_PROPERTIES, encoding="utf-8")
        formatted = subprocess.run(
            [*_JAVA, "-Xmx128m", "-cp", classpath, "kafka.tools.StorageTool", *_FORMAT, str(self._properties)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode != 0:
            raise BrokerFailed(f"Kafka could not format its folder: {formatted.stdout}{formatted.stderr}")
        self._launch()

    def _launch(self) -> None:
        self._starts += 1
        # One log a start: that it is ready is read there.
        self.log = self._folder / f"kafka-{self._starts}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_JAVA, f"-Xmx{self._heap_mb}m", "-cp", f"{kafka_jars()}/*", "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready(self._process)
