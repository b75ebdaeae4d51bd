"""What all tests share: brokers, a browser, a folder for artifacts, loud skips, and the check that nothing leaks."""

import asyncio
import os
import re
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import pytest

from mooring.testing import EmbeddedBroker
from tests.brokers import ROOT, Broker, BrokerUnavailable, KafkaBroker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IN_CI = os.environ.get("CI", "").lower() in {"true", "1"}
ARTIFACTS = ROOT / ".artifacts"

_LEAK_GRACE_S = 5.0


# Brokers


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[Broker]:
    """The broker of `mooring.testing`."""
    with EmbeddedBroker() as broker:
        yield Broker("embedded", broker.address, broker.create)


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Broker]:
    """Apache Kafka, one node. Skips where Java or Maven is missing."""
    try:
        with KafkaBroker() as broker:
            yield Broker("kafka", broker.address, broker.create)
    except BrokerUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session", params=["embedded", "kafka"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each of the two brokers in turn. Tests share them: keep apart with `topic_prefix`."""
    running: Broker = request.getfixturevalue(f"{request.param}_broker")
    return running


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics and groups that only this test has, like `t3f9a21bc.`."""
    return f"t{uuid4().hex[:8]}."


# Browser and artifacts


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """The system's Chromium, headless.

    Per module, not per session: while it is up, Playwright keeps an event loop marked as running in the main thread,
    and no `asyncio.run` works there. So tests with a browser have modules of their own.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def artifacts(request: pytest.FixtureRequest) -> Path:
    """A folder for what this test leaves for people to look at: screenshots, logs of processes."""
    folder = ARTIFACTS / re.sub(r"[^\w.-]+", "_", request.node.nodeid.removeprefix("tests/"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# A skip is for people without Java or a browser. Where the tests decide what lands, it would hide that they never ran.

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _failed_if_skipped_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _failed_if_skipped_in_ci((yield))


def _failed_if_skipped_in_ci(report: Report) -> Report:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"a test may not be skipped where CI is set: {reason}"
    return report


# Leaks


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    """Fails a test that leaves threads or child processes behind. What wider fixtures started is there before it."""
    threads_before = set(threading.enumerate())
    children_before = child_processes()
    yield
    deadline = time.monotonic() + _LEAK_GRACE_S
    while leaks := _leaked(threads_before, children_before):
        if time.monotonic() > deadline:
            pytest.fail(f"left behind after the test: {'; '.join(leaks)}")
        time.sleep(0.02)


def _leaked(threads_before: set[threading.Thread], children_before: dict[int, str]) -> list[str]:
    threads = [
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if thread not in threads_before and not thread.daemon and not _of_the_browser(thread)
    ]
    children = [f"process {pid}: {line}" for pid, line in child_processes().items() if pid not in children_before]
    return threads + children


def _of_the_browser(thread: threading.Thread) -> bool:
    """Whether it belongs to Playwright's loop, which writes screenshots on threads and ends with the browser."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return thread.name.startswith("asyncio_")


def child_processes() -> dict[int, str]:
    """Command lines of this process's children, by process id, as Linux's /proc has them; elsewhere none are found.

    Without the one that multiprocessing keeps until the interpreter ends.
    """
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything: the fields are counted from its end.
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            line = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:  # it has ended meanwhile
            continue
        if int(parent) == os.getpid() and "multiprocessing.resource_tracker" not in line:
            found[int(stat.parent.name)] = line or f"(state {state})"
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The same for what was shared: once all fixtures are gone, no child process is left."""
    deadline = time.monotonic() + _LEAK_GRACE_S
    while children := child_processes():
        if time.monotonic() > deadline:
            print(f"\nERROR: processes left behind after all tests: {children}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            return
        time.sleep(0.02)
