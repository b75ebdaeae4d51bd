"""The page of alerts in a real browser, on a real `python -m web` that an embedded broker feeds."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from mooring.outputs import DriftAlert, Severity
from tests.web.feed import BUILT_AT, DAY_MS, Feed, alert, version
from tests.web.story import HOSTILE
from tests.web.tabs import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

V1, CARDS = "design-1/COUPONS/redemption/v1", "auto-eu/FRAUD%20%26%20co/cards/v7"


def story() -> list[DriftAlert]:
    """Three alerts of one version, one of another, a day between each and the next, the newest last."""
    severities = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
    told = [
        alert(V1, f"e{day}", severity=severity, evaluated_at=BUILT_AT + day * DAY_MS, reason=f"Reason {day}.")
        for day, severity in enumerate(severities)
    ]
    return [*told, alert(CARDS, "e3", metric="log_loss", evaluated_at=BUILT_AT + 3 * DAY_MS, reason=HOSTILE)]


@pytest.fixture(scope="module")
def feed(feed: Feed) -> Feed:
    feed.send(feed.topics.version_metrics, version(V1, initial={"roc_auc": 0.87}, current={"roc_auc": 0.81}))
    feed.send(feed.topics.drift_alerts, *story())
    return feed


def rows(page: "Page") -> "Locator":
    return page.get_by_test_id("alert-row")


def test_alerts_are_listed_newest_first_and_lead_to_their_version(page: "Page", artifacts: Path) -> None:
    page.goto("/alerts")
    expect(rows(page)).to_have_count(4)
    expect(rows(page).get_by_test_id("reason")).to_have_text([HOSTILE, "Reason 2.", "Reason 1.", "Reason 0."])
    expect(rows(page).nth(1).get_by_test_id("severity")).to_have_text("Critical")
    expect(rows(page).nth(1).get_by_test_id("drift")).to_have_text(re.compile(r"▼\s+−0\.0600\s+worse"))
    expect(rows(page).nth(0)).to_contain_text("FRAUD & co")
    page.screenshot(path=artifacts / "alerts.png")
    rows(page).nth(1).get_by_test_id("alert-version").click()
    expect(page.get_by_test_id("details-panel")).to_have_attribute("data-version-key", V1)
    expect(page).to_have_url(re.compile("tab=alerts"))


def test_a_filtered_list_can_be_shared_by_its_address(page: "Page", url: str, chromium: "Browser") -> None:
    page.goto("/alerts")
    expect(page.get_by_test_id("severity-CRITICAL")).to_contain_text("2")
    page.get_by_test_id("severity-CRITICAL").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_test_id("severity-WARNING").click()
    expect(rows(page)).to_have_count(3)
    # The counts are of what each severity would add, whichever are chosen.
    expect(page.get_by_test_id("severity-INFO")).to_contain_text("1")
    page.get_by_test_id("project-filter").select_option("COUPONS")
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("severity=CRITICAL,WARNING&project=COUPONS$"))

    with tab(chromium, url) as shared:
        shared.goto(page.url)
        expect(rows(shared).get_by_test_id("reason")).to_have_text(["Reason 2.", "Reason 1."])
        expect(shared.get_by_test_id("severity-CRITICAL")).to_have_attribute("aria-pressed", "true")

    page.go_back()
    expect(rows(page)).to_have_count(3)
    page.get_by_test_id("clear-filters").click()
    expect(rows(page)).to_have_count(4)
    page.get_by_test_id("search").fill("cards fraud")
    expect(rows(page).get_by_test_id("reason")).to_have_text([HOSTILE])
    page.get_by_test_id("search").fill("nothing like this")
    expect(page.get_by_test_id("empty")).to_contain_text("No alert matches")
    page.get_by_test_id("empty").get_by_role("button").click()
    expect(page.get_by_test_id("search")).to_have_value("")
    page.get_by_test_id("metric-filter").select_option("log_loss")
    expect(rows(page)).to_have_count(1)


def test_days_are_a_filter_and_the_last_one_is_included(page: "Page") -> None:
    page.goto("/alerts")
    expect(rows(page)).to_have_count(4)
    page.get_by_test_id("from-filter").fill("2025-11-02")
    expect(rows(page)).to_have_count(3)
    page.get_by_test_id("to-filter").fill("2025-11-03")
    expect(rows(page).get_by_test_id("reason")).to_have_text(["Reason 2.", "Reason 1."])
    page.reload()
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_test_id("to-filter")).to_have_value("2025-11-03")


@pytest.mark.parametrize("address", ["/nowhere", "/alerts/more"])
def test_an_unknown_address_says_so_and_leads_on(page: "Page", url: str, address: str) -> None:
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_test_id("unknown")).to_contain_text("There is no page at this address")
    expect(page.get_by_test_id("live")).to_have_text("Live")
    page.get_by_test_id("page-alerts").click()
    expect(page).to_have_title("Drift alerts · Mooring")
    # Programs get a problem document.
    told = httpx.get(url + address, headers={"accept": "application/json"})
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")


def test_other_looks(other_look: "Page", artifacts: Path) -> None:
    other_look.goto("/alerts")
    expect(rows(other_look)).to_have_count(4)
    other_look.screenshot(path=artifacts / "alerts.png")
    assert other_look.evaluate("document.documentElement.scrollWidth <= innerWidth")
