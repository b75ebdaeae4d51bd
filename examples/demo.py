"""The main job on real input, with nothing else installed: `make demo`.

An embedded broker, the worker, the web view, and a build pipeline that does what a user's would: it trains the *Coupon
Redemption* model, reports the build, evaluates it week by week while its customers change, and trains it again. No
number is made up: each is measured on a model.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from examples.services import ServiceFailed, Services, free_port, wait_until
from mooring import Mooring, MooringError
from mooring.keys import VersionKey
from mooring.outputs import DriftAlert
from mooring.registry import Item, Registry
from mooring.testing import EmbeddedBroker
from mooring.topics import Topics

if TYPE_CHECKING:
    from examples.coupon_redemption import CouponModel
    from mooring.metrics import Evaluation

NODE = "design-node"
PROJECT = "Coupon Redemption"
MODEL = "coupon-redemption"
SYNCED_STORE = "weekly-scores"
OPTED_OUT_STORE = "what-if"
LAST_WEEK = 10
WEEKS_BEFORE_RETRAINING = 8
RETRAINED_ON = (6, 7, 8)
_SETTLED_TIMEOUT_S = 60.0
_MARKS = {"INFO": "[blue]·[/]", "WARNING": "[yellow]▲[/]", "CRITICAL": "[red]■[/]"}


def main() -> int:
    """Play the story; stay up until Ctrl-C unless told `--once`. Exit code 1 where something fails."""
    options = _options()
    # A plain `kill` ends it like Ctrl-C does: with everything it started stopped.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    console = Console(highlight=False, soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory(prefix="mooring-demo-") as folder:
            _run(Path(folder), console, options)
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 0 if not options.once else 130
    except (MooringError, ServiceFailed) as error:
        console.print(f"[red]error:[/] {error}", markup=True)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make demo",
        description=__doc__.splitlines()[0] if __doc__ else None,
        epilog="Examples: make demo · make demo ARGS=--once · make demo ARGS='--port 9000'",
    )
    parser.add_argument("--once", action="store_true", help="play the story, print a summary, and end")
    parser.add_argument("--port", type=int, default=8080, help="of the web view; another if taken (default 8080)")
    return parser.parse_args()


def _run(folder: Path, console: Console, options: argparse.Namespace) -> None:
    with EmbeddedBroker() as broker:
        broker.create(*(topic.name for topic in Topics.named()))
        console.print(f"Embedded broker at {broker.address}.")
        services = Services(broker.address, folder, http_port=free_port(options.port))
        try:
            services.start()
            with Mooring(broker.address, node=NODE, node_kind="DESIGN", project=PROJECT) as mooring:
                story = Story(mooring, services, console)
                story.play()
                story.summarise()
                if not options.once:
                    console.print(f"\nThe Model registry stays up at [bold]{services.url}[/]. Ctrl-C stops everything.")
                    _wait_for_ctrl_c(services)
        finally:
            services.stop()


def _wait_for_ctrl_c(services: Services) -> None:
    while True:
        time.sleep(0.5)
        for service in (services.worker, services.web):
            if service is not None and service.process.poll() is not None:
                raise service.failed("ended")


class Story:
    """What a pipeline does over eleven weeks, in as many seconds."""

    def __init__(self, mooring: Mooring, services: Services, console: Console) -> None:
        self._mooring = mooring
        self._services = services
        self._console = console
        self._alerts: list[DriftAlert] = []
        self._now = datetime.now(UTC)
        self._reported: dict[str, float] = {}

    def play(self) -> None:
        """Report everything and return when it is in the registry, alerts printed as they come."""
        with self._progress("Loading scikit-learn"):
            from examples.coupon_redemption import (
                STORY_SEED,
                joined,
                measure,
                measure_build,
                past_coupons,
                train,
                weekly_batch,
            )
        with self._progress("Training a random forest on past coupons"):
            model = train(past_coupons(seed=STORY_SEED), trained_on="the months before week 1", seed=STORY_SEED)
        with self._progress("Waiting for worker and web view"):
            self._services.wait_until_ready()
        self._console.print(f"The Model registry is at [bold]{self._services.url}[/].\n")
        self._listen()

        self._mooring.configure_store(OPTED_OUT_STORE, synced=False, effective_at=self._date(-1), name="What-if runs")
        self._mooring.configure_store(SYNCED_STORE, effective_at=self._date(-1), name="Weekly scores")
        self._report_build("v1", model, 0, measure_build(model))
        for week in range(1, WEEKS_BEFORE_RETRAINING + 1):
            batch = weekly_batch(week, seed=STORY_SEED)
            self._report_evaluation("v1", week, measure(model, batch))
            # Another draw of the week, for somebody's experiments: nothing that the registry should count.
            what_if = measure(model, weekly_batch(week, seed=STORY_SEED + 1))
            self._mooring.evaluated(MODEL, "v1", store=OPTED_OUT_STORE, evaluated_at=self._date(week), metrics=what_if)
        with self._progress("Training again, on weeks " + ", ".join(map(str, RETRAINED_ON))):
            recent = joined(*(weekly_batch(week, seed=STORY_SEED) for week in RETRAINED_ON))
            retrained = train(recent, trained_on="weeks 6 to 8", seed=STORY_SEED)
        self._report_build("v2", retrained, WEEKS_BEFORE_RETRAINING + 0.5, measure_build(retrained))
        for week in range(WEEKS_BEFORE_RETRAINING + 1, LAST_WEEK + 1):
            self._report_evaluation("v2", week, measure(retrained, weekly_batch(week, seed=STORY_SEED)))
        self._mooring.flush()
        wait_until(self._is_settled, _SETTLED_TIMEOUT_S, lambda what: ServiceFailed(f"The registry {what}."))

    def summarise(self) -> None:
        """Print the registry as its HTTP interface answers it, and the alerts as they came."""
        with Registry(self._services.url) as registry:
            versions = list(registry.versions(sort="name"))
        table = Table(title="Versions, by ROC AUC", title_justify="left")
        for heading in ("Version", "Active", "Severity"):
            table.add_column(heading)
        for heading in ("Initial", "Current", "Drift"):
            table.add_column(heading, justify="right")
        for item in versions:
            name, active = f"{item['model']} {item['version']}", "yes" if item["active"] else "no"
            table.add_row(name, active, item["severity"], *_numbers(item))
        self._console.print()
        self._console.print(table)
        counts = ", ".join(
            f"{sum(alert.severity == severity for alert in self._alerts)} {severity}" for severity in _MARKS
        )
        self._console.print(f"{len(self._alerts)} drift alerts: {counts}. None from {OPTED_OUT_STORE}: it opted out.")

    def _report_build(self, version: str, model: CouponModel, week: float, measured: Evaluation) -> None:
        self._mooring.model_built(
            MODEL,
            version,
            prediction_type="BINARY",
            algorithm="random forest",
            model_name="Coupon redemption",
            built_at=self._date(week),
            activate=True,
            metrics=measured,
            labels={"trained_on": model.trained_on},
        )
        self._mooring.flush()
        initial = measured.metrics["roc_auc"]
        self._console.print(f"{self._day(week)}  built {version}, active: ROC AUC {initial:.4f}")

    def _report_evaluation(self, version: str, week: int, measured: Evaluation) -> None:
        self._mooring.evaluated(
            MODEL,
            version,
            store=SYNCED_STORE,
            evaluation=f"week {week}",
            evaluated_at=self._date(week),
            metrics=measured,
        )
        self._mooring.flush()
        value = self._reported[version] = measured.metrics["roc_auc"]
        self._console.print(f"{self._day(week)}  evaluated {version} on week {week}: ROC AUC {value:.4f}")

    def _listen(self) -> None:
        """Print each alert as it comes, on a thread that ends when the client closes."""
        alerts = self._mooring.alerts(since="beginning")

        def listen() -> None:
            for alert in alerts:
                self._alerts.append(alert)
                self._console.print(f"            {_MARKS[alert.severity]} {alert.severity}: {alert.reason}")

        threading.Thread(target=listen, name="alerts", daemon=True).start()

    def _is_settled(self) -> bool:
        """Whether the registry and the alerts have caught up with the last evaluation of each version."""
        with Registry(self._services.url) as registry:
            for version, value in self._reported.items():
                item = registry.version(VersionKey(NODE, PROJECT, MODEL, version))
                if item["value"] != value:
                    return False
        alerted = {alert.version_id: alert.current for alert in list(self._alerts)}
        return alerted == self._reported

    def _date(self, week: float) -> datetime:
        return self._now - timedelta(weeks=LAST_WEEK - week)

    def _day(self, week: float) -> str:
        return f"{self._date(week):%Y-%m-%d}"

    @contextmanager
    def _progress(self, what: str) -> Iterator[None]:
        started = time.monotonic()
        self._console.print(f"{what} ...", end=" ")
        yield
        self._console.print(f"{time.monotonic() - started:.1f} s")


def _numbers(item: Item) -> list[str]:
    drift = item["drift"]
    return [
        *("–" if item[name] is None else f"{item[name]:.4f}" for name in ("initial", "value")),
        "–" if drift is None else f"{drift:+.4f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
