"""Real workers as processes, in slots: what starts again in a slot finds the data folder of what ran there before."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import NamedTuple, Self

from examples.services import Service, ServiceFailed, free_port

STOP_TIMEOUT_S = 30.0
_READY_TIMEOUT_S = 90.0


class Stopped(NamedTuple):
    """How a worker ended that was told to."""

    exit_code: int
    took_s: float


class Workers:
    """Starts and ends workers, and none but its own. Whatever still runs when the `with` block is left is killed."""

    def __init__(self, brokers: str, topic_prefix: str, folder: Path) -> None:
        self.running: dict[int, Service] = {}
        self.logs: list[Path] = []
        self.stops: list[Stopped] = []
        self._settings = {"MOORING_BROKERS": brokers, "MOORING_TOPIC_PREFIX": topic_prefix}
        self._folder = folder
        self._paused: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for slot in list(self.running):
            self.kill(slot)

    def start(self, slot: int, command: str = "streams worker") -> None:
        """Start one in a slot that is free, without waiting. `command` is what `python -m` runs as a worker."""
        if slot in self.running:
            raise ValueError(f"slot {slot} is taken")
        logs = self._folder / f"worker-{slot}" / f"run-{len(self.logs)}"
        logs.mkdir(parents=True)
        port = free_port()
        settings = {
            **self._settings,
            "MOORING_DATA_DIR": str(self._folder / f"worker-{slot}" / "data"),
            "MOORING_WORKER_HTTP_PORT": str(port),
        }
        service = Service(command, settings, logs, f"http://127.0.0.1:{port}/health/ready")
        self.running[slot] = service
        self.logs.append(service.log)

    def wait_until_ready(self, *slots: int) -> None:
        """Block until those in the slots, all unless given, handle events. Raises ServiceFailed."""
        for slot in slots or tuple(self.running):
            self.running[slot].wait_until_ready(_READY_TIMEOUT_S)

    def kill(self, slot: int) -> None:
        """End it without a word (SIGKILL), stopped or not."""
        service = self.running.pop(slot)
        self._paused.discard(slot)
        service.process.kill()
        service.process.wait()

    def stop(self, slot: int, number: signal.Signals = signal.SIGTERM) -> Stopped:
        """Tell it to end and wait for that. Raises ServiceFailed where it does not; it is killed then."""
        service = self.running[slot]
        started = time.monotonic()
        service.process.send_signal(number)
        while service.process.poll() is None:
            if time.monotonic() - started > STOP_TIMEOUT_S:
                failed = service.failed(f"did not stop within {STOP_TIMEOUT_S:.0f} s of {number.name}")
                self.kill(slot)
                raise failed
            time.sleep(0.01)
        del self.running[slot]
        stopped = Stopped(service.process.returncode, time.monotonic() - started)
        self.stops.append(stopped)
        # Until it has said something, Python has not come to where signals are taken care of.
        has_begun = service.log.stat().st_size > 0
        if stopped.exit_code != 0 and (has_begun or stopped.exit_code != -number):
            raise service.failed(f"ended with {stopped.exit_code} after {number.name}")
        return stopped

    def pause(self, slot: int) -> None:
        """Hold it where it is (SIGSTOP)."""
        self.running[slot].process.send_signal(signal.SIGSTOP)
        self._paused.add(slot)

    def wake(self, slot: int) -> None:
        """Let it go on (SIGCONT)."""
        self.running[slot].process.send_signal(signal.SIGCONT)
        self._paused.discard(slot)

    def start_those_that_ended(self) -> list[str]:
        """Start again what ended by itself, as a supervisor would; a sentence for each."""
        ended = [slot for slot, service in self.running.items() if service.process.poll() is not None]
        told = []
        for slot in ended:
            service = self.running.pop(slot)
            told.append(str(service.failed(f"in slot {slot} ended by itself with {service.process.returncode}")))
            self.start(slot)
        return told

    def tails(self, lines: int = 15) -> str:
        """The end of each log, for a test that fails; without the refusals, which the load provokes."""
        told = []
        for log in self.logs:
            said = [line for line in log.read_text(errors="replace").splitlines() if "input refused" not in line]
            told += [f"--- {log.parent.parent.name}/{log.parent.name}", *(line[:400] for line in said[-lines:])]
        return "\n".join(told)


__all__ = ["STOP_TIMEOUT_S", "ServiceFailed", "Stopped", "Workers"]
