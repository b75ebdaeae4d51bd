"""The Model registry page in a real browser, on a real `python -m web` that an embedded broker feeds."""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from mooring.metrics.catalogue import CATALOGUE, Direction, PredictionType
from mooring.outputs import DeclaredMetric, Severity, VersionMetrics, VersionState
from tests.brokers import Broker
from tests.web.browser.table import row
from tests.web.feed import BUILT_AT, DAY_MS, Feed, alert, version
from tests.web.program import WebView
from tests.web.story import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

V1, V2 = "design-1/COUPONS/redemption/v1", "design-1/COUPONS/redemption/v2"
PROFIT = DeclaredMetric(
    code="profit", label="Profit per coupon", direction=Direction.HIGHER, declared_at=1, declared_by="event"
)


def registry() -> list[VersionMetrics]:
    """Versions of several kinds of models."""
    coupons = {"model_name": "Coupon redemption", "algorithm": "Random forest"}
    binary = {"prediction_type": PredictionType.BINARY, "custom_metrics": (PROFIT,)}
    return [
        version(
            V1,
            initial={"roc_auc": 0.87, "log_loss": 0.30, "profit": 1.3},
            initial_std={"roc_auc": 0.012},
            current={"roc_auc": 0.81, "log_loss": 0.36, "profit": 1.35, "data_drift": 0.71},
            severity=Severity.CRITICAL,
            source_url="javascript:alert(1)",
            author="ada@example.org",
            labels={"team": "growth"},
            **coupons,
            **binary,
        ),
        version(
            V2,
            initial={"roc_auc": 0.882, "log_loss": 0.28},
            current={"roc_auc": 0.889, "log_loss": 0.27, "data_drift": 0.55},
            active=True,
            built_at=BUILT_AT + 7 * DAY_MS,
            source_url="https://example.org/run/2",
            **coupons,
            **binary,
        ),
        version("design-1/COUPONS/basket/v1", initial={"rmse": 1243.2, "r2": 0.71}, model_name="Basket value"),
        version(
            "auto-eu/FRAUD/cards/2025-10",
            initial={"roc_auc": 0.94},
            current={"roc_auc": 0.915},
            active=True,
            severity=Severity.WARNING,
            algorithm="XGBoost",
            **binary,
        ),
        version("auto-eu/FRAUD/cards/2025-11", state=VersionState.AWAITING_BUILD, built_at=None),
        version("mlflow-ci/CHURN/leavers/7", initial={"roc_auc": 0.78}, model_name=HOSTILE, version_name=HOSTILE),
    ]


@pytest.fixture(scope="module")
def feed(feed: Feed) -> Feed:
    feed.send(feed.topics.version_metrics, *registry())
    feed.send(feed.topics.drift_alerts, alert(V1))
    return feed


def test_a_reader_finds_the_version_that_drifts(page: "Page", artifacts: Path) -> None:
    page.goto("/")
    expect(page.get_by_test_id("live")).to_have_text("Live")
    expect(page.get_by_test_id("version-row")).to_have_count(6)
    page.screenshot(path=artifacts / "registry-light.png")

    # Focus: ROC AUC unless another is picked; custom metrics have their label.
    expect(page.get_by_test_id("focus-select")).to_have_value("roc_auc")
    groups = page.get_by_test_id("focus-select").locator("optgroup")
    expect(groups.nth(0).locator("option")).to_have_text(["ROC AUC", "Log loss", "RMSE", "R2 score", "Data drift"])
    expect(groups.nth(1).locator("option")).to_have_text(["Profit per coupon"])
    offered = page.get_by_test_id("focus-select").locator("option").evaluate_all("each => each.map(one => one.value)")
    assert sorted(offered) == sorted([*CATALOGUE, "profit"])
    expect(row(page, V1).get_by_test_id("value")).to_have_text("0.8100")
    expect(row(page, V1).get_by_test_id("drift")).to_have_text(re.compile(r"▼\s+−0\.0600\s+worse"))
    expect(row(page, V2).get_by_test_id("active")).to_be_visible()
    expect(row(page, V1).get_by_test_id("active")).to_have_count(0)
    page.get_by_test_id("focus-select").select_option("log_loss")
    # Log loss is better lower: it went up, which is worse.
    expect(row(page, V1).get_by_test_id("drift")).to_have_text(re.compile(r"▲\s+\+0\.0600\s+worse"))
    expect(page).to_have_url(re.compile(r"\?focus=log_loss$"))
    page.go_back()
    expect(page.get_by_test_id("focus-select")).to_have_value("roc_auc")
    expect(row(page, V1).get_by_test_id("value")).to_have_text("0.8100")

    # Worst drift first, one click away.
    page.get_by_test_id("sort-drift").click()
    expect(page.get_by_test_id("project-row")).to_have_count(0)
    for place, key in enumerate([V1, "auto-eu/FRAUD/cards/2025-10", V2]):
        expect(page.get_by_test_id("version-row").nth(place)).to_have_attribute("data-version-key", key)
    expect(page.locator("th[aria-sort=descending]")).to_have_count(1)
    page.get_by_test_id("sort-value").click()
    expect(page.get_by_test_id("version-row").first).to_have_attribute(
        "data-version-key", "auto-eu/FRAUD/cards/2025-10"
    )

    # Details, with an address of their own.
    row(page, V1).click()
    panel = page.get_by_test_id("details-panel")
    expect(panel).to_have_attribute("data-version-key", V1)
    expect(panel).to_contain_text("javascript:alert(1)")
    expect(panel.locator("a[href^='javascript']")).to_have_count(0)
    page.get_by_test_id("tab-model-metrics").click()
    metric = panel.locator("[data-testid=metric-row][data-metric=roc_auc]")
    expect(metric.get_by_test_id("metric-initial")).to_have_text("0.8700")
    expect(metric.get_by_test_id("metric-value")).to_have_text("0.8100")
    expect(metric).to_contain_text("weekly")
    expect(panel.get_by_test_id("metric-row")).to_have_count(4)
    page.screenshot(path=artifacts / "details.png")
    page.get_by_test_id("tab-alerts").click()
    expect(panel.get_by_test_id("version-alert")).to_have_count(1)
    expect(page).to_have_url(re.compile("tab=alerts"))
    address = page.url
    page.get_by_test_id("close-details").click()
    expect(panel).to_have_count(0)

    page.goto(address)
    expect(panel).to_have_attribute("data-version-key", V1)
    expect(page.get_by_role("tab", name="Alerts")).to_have_attribute("aria-selected", "true")


def test_filters_are_in_the_address(page: "Page") -> None:
    page.goto("/")
    expect(page.get_by_test_id("version-row")).to_have_count(6)
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("project-filter").fill("COUPONS")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("version-row")).to_have_count(3)
    page.get_by_test_id("active-filter").check()
    expect(page.get_by_test_id("version-row")).to_have_count(1)
    expect(page).to_have_url(re.compile("project=COUPONS&active=true"))
    page.reload()
    expect(page.get_by_test_id("version-row")).to_have_count(1)
    expect(page.get_by_test_id("active-filter")).to_be_checked()
    page.get_by_test_id("search").fill("nothing like this")
    expect(page.get_by_test_id("empty")).to_contain_text("No version matches")
    page.get_by_test_id("clear-filters").click()
    expect(page.get_by_test_id("version-row")).to_have_count(6)
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("node-filter").fill("auto-eu")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("version-row")).to_have_count(2)


def test_names_cannot_hold_markup(page: "Page") -> None:
    page.goto(f"/?version={quote('mlflow-ci/CHURN/leavers/7')}&q={quote('</script><script>document.title=1</script>')}")
    expect(page.get_by_test_id("details-panel")).to_contain_text(HOSTILE)
    expect(page.get_by_test_id("search")).to_have_value("</script><script>document.title=1</script>")
    expect(page).to_have_title("Model registry · Mooring")
    assert page.locator("img").count() == 0


def test_it_can_be_used_with_the_keyboard_alone(page: "Page") -> None:
    page.goto("/")
    row(page, V1).get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("details-panel")).to_be_visible()
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Model metrics")).to_be_focused()
    expect(page.get_by_test_id("metric-row")).to_have_count(4)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("details-panel")).to_have_count(0)


def test_other_looks(other_look: "Page", artifacts: Path) -> None:
    other_look.goto("/")
    expect(other_look.get_by_test_id("version-row")).to_have_count(6)
    background = other_look.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = other_look.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (background == "rgb(14, 20, 26)") is dark
    other_look.screenshot(path=artifacts / "registry.png")
    assert other_look.evaluate("document.documentElement.scrollWidth <= innerWidth")
    row(other_look, V1).click()
    other_look.get_by_test_id("tab-model-metrics").click()
    expect(other_look.get_by_test_id("metric-row")).to_have_count(4)
    other_look.screenshot(path=artifacts / "details.png")


def test_open_pages_do_not_keep_it_from_stopping(
    chromium: "Browser", tmp_path: Path, embedded_broker: Broker, topic_prefix: str
) -> None:
    feed = Feed(embedded_broker, topic_prefix)
    feed.send(feed.topics.version_metrics, *registry())
    page = chromium.new_page()
    with WebView(tmp_path, BROKERS=embedded_broker.address, TOPIC_PREFIX=topic_prefix) as view:
        page.goto(view.url)
        expect(page.get_by_test_id("version-row")).to_have_count(6)
    expect(page.get_by_text("Trying to reconnect")).to_be_visible()
    expect(page.get_by_test_id("version-row")).to_have_count(6)
    page.close()
