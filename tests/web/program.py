"""`python -m web` as a process, for tests."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.brokers import ROOT


class WebView:
    """A web view that runs from `with` to the end of its block; `url` once it is ready.

    Its output is in `log`. Ends by SIGTERM, and fails where it does not stop within three seconds, with 0 and without
    a traceback.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.url = ""
        self.log = folder / "web.log"
        self.settings = {"DATA_DIR": str(folder / "data"), "HTTP_PORT": "0", **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, and do not wait."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
        environ |= {f"MOORING_{name}": value for name, value in self.settings.items()}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "web"], cwd=ROOT, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        return self._process

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        process = self.start()
        deadline = time.monotonic() + 30
        while "http://" not in self.output():
            assert process.poll() is None, f"it ended with {process.returncode}:\n{self.output()}"
            assert time.monotonic() < deadline, f"not ready:\n{self.output()}"
            time.sleep(0.02)
        self.url = "http://" + self.output().partition("http://")[2].split()[0].strip('"}')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        took_s = stop(self._process)
        if kind is None:
            assert self._process.returncode == 0, self.output()
            assert "Traceback" not in self.output(), self.output()
            assert took_s < 3, f"it took {took_s:.1f} s to stop"


def stop(process: subprocess.Popen[bytes]) -> float:
    """Ask it to end, and wait; by force after ten seconds. Answers how long it took."""
    began = time.monotonic()
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return time.monotonic() - began
