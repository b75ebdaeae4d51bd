"""Takes the pictures of docs/web.md: `make pictures`. Real models, a real worker, the pages in Chromium."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kafka import KafkaProducer
from playwright.sync_api import Browser, Page, sync_playwright

from examples.fleet import report
from examples.services import ROOT, ServiceFailed, Services, wait_until
from mooring import Mooring, MooringError
from mooring.connection import connection_settings
from mooring.registry import Registry
from mooring.testing import EmbeddedBroker
from mooring.topics import Topics

FOLDER = ROOT / "docs" / "pictures"
_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_WIDE, _NARROW = (1440, 900), (420, 860)
_TIMEOUT_S = 90.0
_VERSION = "automation-1/CELLAR/first_growth_logistic/v1"
_OTHER = "automation-1/CELLAR/first_growth_logistic/v2"


@dataclass(frozen=True)
class Picture:
    """A page as it is to be seen. `until`: the test id of what has to be there."""

    name: str
    address: str
    until: str
    size: tuple[int, int] = _WIDE
    theme: str = "light"


PICTURES: Sequence[Picture] = (
    Picture("registry", "/", "version-row"),
    Picture("registry-dark", "/?sort=-degradation", "version-row", theme="dark"),
    Picture("registry-narrow", "/?sort=-degradation", "version-row", size=_NARROW),
    Picture("details", f"/?version={quote(_VERSION, safe='')}", "details-panel"),
    Picture("details-metrics", f"/?version={quote(_VERSION, safe='')}&tab=metrics", "details-panel"),
    Picture("details-history", f"/?version={quote(_VERSION, safe='')}&tab=history", "details-panel"),
    Picture("compare", f"/compare?version={quote(_VERSION, safe='')}&version={quote(_OTHER, safe='')}", "comparison"),
    Picture("alerts", "/alerts?severity=CRITICAL,WARNING", "alert-row"),
    Picture("stores", "/stores", "store-row"),
    Picture("dead-letters", "/dead-letters", "letter-row"),
)


def main() -> int:
    """Take them all; exit code 1 where something fails."""
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to put them (default docs/pictures)")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _installation() as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
            for picture in PICTURES:
                _take(browser, url, picture, folder)
                print(f"{picture.name}.png", flush=True)
            browser.close()
    except (MooringError, ServiceFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _installation() -> Iterator[str]:
    """Mooring with the fleet in it, some evaluations that are not synced, and input that was refused."""
    with EmbeddedBroker() as broker, tempfile.TemporaryDirectory(prefix="mooring-pictures-") as folder:
        topics = Topics.named()
        broker.create(*(topic.name for topic in topics))
        services = Services(broker.address, Path(folder))
        try:
            services.start()
            services.wait_until_ready()
            evaluations = report(broker.address)
            _opt_out(broker.address)
            _send_what_is_refused(broker.address, topics)
            with Registry(services.url) as registry:
                wait_until(
                    lambda: sum(item["state"] == "EVALUATED" for item in registry.versions()) == 18 and evaluations > 0,
                    _TIMEOUT_S,
                    lambda what: ServiceFailed(f"The registry {what}."),
                )
            time.sleep(2.0)  # for the letters, and for the header to say that it is live
            yield services.url
        finally:
            services.stop()


def _opt_out(brokers: str) -> None:
    with Mooring(brokers, node="automation-1", project="CELLAR") as mooring:
        mooring.configure_store("what-if", synced=False, actor="jane", name="What-if runs")
        mooring.flush()
        mooring.evaluated("first_growth_logistic", "v1", store="what-if", metrics={"roc_auc": 0.5})


def _send_what_is_refused(brokers: str, topics: Topics) -> None:
    producer = KafkaProducer(**connection_settings(brokers))
    producer.send(topics.evaluation_runs.name, b"roc_auc=0.81", key=b"automation-1/CELLAR", partition=0)
    producer.send(topics.model_builds.name, b"", key=b"automation-1/CELLAR", partition=0)
    producer.flush()
    producer.close()


def _take(browser: Browser, url: str, picture: Picture, folder: Path) -> None:
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if picture.theme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(f"{url}{picture.address}")
    page.get_by_test_id(picture.until).first.wait_for()
    _settled(page)
    page.screenshot(path=folder / f"{picture.name}.png")
    context.close()


def _settled(page: Page) -> None:
    """Wait until charts are drawn and what has just changed no longer flashes."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3_000)


if __name__ == "__main__":
    sys.exit(main())
