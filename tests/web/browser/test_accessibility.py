"""No page has a fault that axe-core calls serious or critical, light and dark. axe-core comes from npm, as pinned."""

import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from mooring.events import Thresholds
from mooring.outputs import Configuration, StoreSettings
from tests.brokers import CACHE
from tests.web.feed import BUILT_AT, Feed, alert, dead_letter, version
from tests.web.tabs import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PINNED = Path(__file__).parent / "npm"
_FILES = ("package.json", "package-lock.json", ".npmrc")
_GRAVE = {"serious", "critical"}
V1, V2 = "design-1/COUPONS/redemption/v1", "design-1/COUPONS/redemption/v2"
WEEKLY = "design-1/COUPONS/weekly"


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, installed when the pinned version has changed. Skips where npm is missing."""
    if shutil.which("npm") is None:
        pytest.skip("axe-core needs npm on the PATH")
    digest = sha256(b"".join((_PINNED / name).read_bytes() for name in _FILES)).hexdigest()[:12]
    installed = CACHE / f"npm-{digest}"
    if not installed.is_dir():
        CACHE.mkdir(exist_ok=True)
        # Filled aside and renamed, so that a run that was cut short leaves no half folder behind.
        filling = Path(tempfile.mkdtemp(prefix="npm-", dir=CACHE))
        for name in _FILES:
            shutil.copy(_PINNED / name, filling)
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(npm, cwd=filling, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"npm could not bring axe-core:\n{done.stderr[-2000:]}"
        if not installed.is_dir():
            filling.rename(installed)
    return (installed / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def feed(feed: Feed) -> Feed:
    """With something on every page."""
    values = {"initial": {"roc_auc": 0.87, "log_loss": 0.3}, "current": {"roc_auc": 0.81, "log_loss": 0.36}}
    feed.send(
        feed.topics.version_metrics,
        version(V1, **values, labels={"team": "growth"}, author="ada@example.org"),
        version(V2, **values, active=True),
        version("auto-eu/FRAUD/cards/v1", initial={"roc_auc": 0.9}),
    )
    feed.send(feed.topics.drift_alerts, alert(V1), alert(V2, "event-2"))
    bounds = {"roc_auc": Thresholds(min=0.7, soft_min=0.8)}
    told: dict[str, Any] = {"recorded_at": BUILT_AT, "actor": "ada@example.org"}  # Any: fields of any type
    feed.send(
        feed.topics.store_settings,
        StoreSettings(
            store_key=WEEKLY,
            node_id="design-1",
            project_key="COUPONS",
            store_id="weekly",
            configurations=(
                Configuration(event_id="c1", synced=True, effective_at=BUILT_AT, thresholds=bounds, **told),
                Configuration(event_id="c2", synced=False, effective_at=BUILT_AT + 1, thresholds=bounds, **told),
            ),
        ),
    )
    feed.send(feed.topics.dead_letters, dead_letter(), dead_letter(1, "wrong_key"))
    return feed


def registry(page: "Page") -> None:
    page.goto("/")
    expect(page.get_by_test_id("version-row")).to_have_count(3)


def details(page: "Page") -> None:
    page.goto(f"/?version={quote(V1)}")
    expect(page.get_by_test_id("details-panel")).to_be_visible()


def details_alerts(page: "Page") -> None:
    page.goto(f"/?version={quote(V1)}&tab=alerts")
    expect(page.get_by_test_id("details-panel")).to_be_visible()


def details_metrics(page: "Page") -> None:
    page.goto(f"/?version={quote(V1)}&tab=metrics")
    expect(page.get_by_test_id("metric-row").first).to_be_visible()


def details_history(page: "Page") -> None:
    page.goto(f"/?version={quote(V1)}&tab=history")
    expect(page.get_by_test_id("chart")).to_have_attribute("data-ready", "true")


def details_evaluations(page: "Page") -> None:
    page.goto(f"/?version={quote(V1)}&tab=evaluations")
    expect(page.get_by_role("tab", name="Evaluations")).to_have_attribute("aria-selected", "true")


def details_source(page: "Page") -> None:
    page.goto(f"/?version={quote(V1)}&tab=source")
    expect(page.get_by_test_id("curl")).to_be_visible()


def details_unknown(page: "Page") -> None:
    page.goto("/?version=n/p/m/none")
    expect(page.get_by_test_id("unknown-version")).to_be_visible()


def compare(page: "Page") -> None:
    page.goto(f"/compare?version={quote(V1)},n/p/m/none")
    expect(page.get_by_test_id("chart")).to_have_attribute("data-ready", "true")
    page.get_by_test_id("add-version").click()
    expect(page.get_by_test_id("picker-search")).to_be_visible()


def latest_alerts(page: "Page") -> None:
    page.goto("/alerts")
    page.get_by_test_id("alerts-button").click()
    expect(page.get_by_test_id("latest-alert")).to_have_count(2)


def alerts(page: "Page") -> None:
    page.goto("/alerts?severity=CRITICAL")
    expect(page.get_by_test_id("alert-row")).to_have_count(2)
    page.get_by_test_id("subscribe").click()


def no_alerts(page: "Page") -> None:
    page.goto("/alerts?q=nothing")
    expect(page.get_by_test_id("empty")).to_be_visible()


def stores(page: "Page") -> None:
    page.goto(f"/stores?store={WEEKLY}")
    expect(page.get_by_test_id("configuration")).to_have_count(2)


def store_form(page: "Page") -> None:
    stores(page)
    page.get_by_test_id("edit").click()
    page.get_by_test_id("threshold-min").fill("0.9")
    expect(page.get_by_test_id("threshold-fault")).not_to_be_empty()


def dead_letters(page: "Page") -> None:
    page.goto("/dead-letters")
    page.get_by_test_id("pick").first.check()
    page.get_by_test_id("letter-row").first.get_by_role("link").click()
    expect(page.get_by_test_id("letter-panel")).to_be_visible()
    page.get_by_test_id("replay").click()


def unknown(page: "Page") -> None:
    page.goto("/nowhere")
    expect(page.get_by_test_id("unknown")).to_be_visible()


_VIEWS = {
    view.__name__: view
    for view in (
        registry,
        details,
        details_metrics,
        details_history,
        details_alerts,
        details_evaluations,
        details_source,
        details_unknown,
        compare,
        latest_alerts,
        alerts,
        no_alerts,
        stores,
        store_form,
        dead_letters,
        unknown,
    )
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("shown", _VIEWS)
def test_no_grave_fault(
    chromium: "Browser", url: str, axe: str, shown: str, scheme: Literal["light", "dark"], artifacts: Path
) -> None:
    with tab(chromium, url, scheme=scheme) as page:
        _VIEWS[shown](page)
        # Colours are looked at once they have faded in.
        page.wait_for_function(
            "document.getAnimations().every((each) => each.effect.getTiming().iterations === Infinity)"
        )
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
        page.screenshot(path=artifacts / f"{shown}-{scheme}.png")
    # The script looked, and at this page.
    assert len(found["passes"]) > 10
    grave = [each for each in found["violations"] if each["impact"] in _GRAVE]
    assert [_told(each) for each in grave] == []


def test_a_grave_fault_would_be_found(chromium: "Browser", url: str, axe: str) -> None:
    with tab(chromium, url) as page:
        registry(page)
        page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
    assert [each["id"] for each in found["violations"] if each["impact"] in _GRAVE] == ["button-name"]


# Any: what axe-core answers.
def _told(violation: dict[str, Any]) -> str:
    places = [f"{node['target']} {node['failureSummary']}" for node in violation["nodes"][:3]]
    return f"{violation['id']} ({violation['impact']}): {violation['help']}: {places}"
