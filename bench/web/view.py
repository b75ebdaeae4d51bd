"""The web view as a process that is measured: how it builds its replica, what memory it takes, how soon it paints."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from tests.web.program import WebView

_TIMEOUT_S = 7_200.0
_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


class ViewFailed(Exception):
    """The web view ended, or did not become complete in time."""


class MeasuredView(WebView):
    """`python -m web` on a broker, with a folder of its own that outlives it."""

    def __init__(self, folder: Path, brokers: str, topic_prefix: str) -> None:
        super().__init__(folder, BROKERS=brokers, TOPIC_PREFIX=topic_prefix, LOG_LEVEL="warning")

    def records_per_s(self, records: int) -> float:
        """Wait until so many records are read; how many a second that were, from the first on that is there."""
        begun: tuple[float, float] | None = None
        for now, read in self._progress(records):
            if begun is None and read:
                begun = now, read
            last = now, read
        if begun is None or last[0] == begun[0]:
            raise ViewFailed("All records were read at the first look: too few to say how fast.")
        return (last[1] - begun[1]) / (last[0] - begun[0])

    def wait_until_read(self, records: int) -> None:
        """Wait until so many records are read."""
        for _ in self._progress(records):
            pass

    def _progress(self, records: int) -> Iterator[tuple[float, float]]:
        """Times, and how many records are read by then, until all are."""
        deadline = time.monotonic() + _TIMEOUT_S
        with httpx.Client(base_url=self.url, timeout=60) as http:
            while time.monotonic() < deadline:
                now, read = time.monotonic(), _figure(http.get("/metrics").text, "mooring_web_replica_records_total")
                yield now, read
                if read >= records:
                    return
                time.sleep(0.2)
        raise ViewFailed(f"The replica is not complete after {_TIMEOUT_S:.0f} s:\n{self.output()[-2_000:]}")

    def peak_mb(self) -> float:
        """The most memory that the process has had resident, in megabytes."""
        assert self.pid is not None
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1000

    def first_paints_ms(self, count: int) -> tuple[float, float]:
        """Of the registry page in Chromium, from navigation to the first content, and to the first rows: medians."""
        paints, rows = [], []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
            try:
                for _ in range(count):
                    context = browser.new_context()
                    page = context.new_page()
                    began = time.perf_counter()
                    page.goto(self.url)
                    page.get_by_test_id("version-row").first.wait_for()
                    rows.append((time.perf_counter() - began) * 1000)
                    paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
                    context.close()
            finally:
                browser.close()
        return statistics.median(paints), statistics.median(rows)


def _figure(text: str, name: str) -> float:
    for line in text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    return 0.0
