"""The page of alerts in a real browser, on a real `python -m web` that an embedded broker feeds."""

import re
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from mooring.outputs import DriftAlert, Severity
from tests.brokers import Broker
from tests.web.feed import BUILT_AT, DAY_MS, Feed, alert, version
from tests.web.program import WebView
from tests.web.tabs import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

V1, CARDS = "design-1/COUPONS/redemption/v1", "auto-eu/FRAUD%20%26%20co/cards/v7"
HOSTILE = "<img src=x onerror=document.title='owned'>"


def story() -> list[DriftAlert]:
    """Three alerts of one version, one of another, a day between each and the next, the newest last."""
    severities = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
    told = [
        alert(V1, f"e{day}", severity=severity, evaluated_at=BUILT_AT + day * DAY_MS, reason=f"Reason {day}.")
        for day, severity in enumerate(severities)
    ]
    return [*told, alert(CARDS, "e3", metric="log_loss", evaluated_at=BUILT_AT + 3 * DAY_MS, reason=HOSTILE)]


@pytest.fixture
def feed(embedded_broker: Broker, topic_prefix: str) -> Feed:
    return Feed(embedded_broker, topic_prefix)


@pytest.fixture
def view(tmp_path: Path, feed: Feed, embedded_broker: Broker, topic_prefix: str) -> Iterator[WebView]:
    with WebView(tmp_path, BROKERS=embedded_broker.address, TOPIC_PREFIX=topic_prefix) as running:
        yield running


@pytest.fixture
def page(chromium: "Browser", view: WebView) -> "Iterator[Page]":
    with tab(chromium, view.url) as page:
        yield page


def rows(page: "Page") -> "Locator":
    return page.get_by_test_id("alert-row")


def test_alerts_are_listed_newest_first_and_lead_to_their_version(page: "Page", feed: Feed, artifacts: Path) -> None:
    feed.send(feed.topics.version_metrics, version(V1, initial={"roc_auc": 0.87}, current={"roc_auc": 0.81}))
    feed.send(feed.topics.drift_alerts, *story())
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


def test_a_filtered_list_can_be_shared_by_its_address(page: "Page", feed: Feed, chromium: "Browser") -> None:
    feed.send(feed.topics.drift_alerts, *story())
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

    with tab(chromium, page.url.partition("/alerts")[0]) as shared:
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


def test_days_are_a_filter_and_the_last_one_is_included(page: "Page", feed: Feed) -> None:
    feed.send(feed.topics.drift_alerts, *story())
    page.goto("/alerts")
    expect(rows(page)).to_have_count(4)
    page.get_by_test_id("from-filter").fill("2025-11-02")
    expect(rows(page)).to_have_count(3)
    page.get_by_test_id("to-filter").fill("2025-11-03")
    expect(rows(page).get_by_test_id("reason")).to_have_text(["Reason 2.", "Reason 1."])
    page.reload()
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_test_id("to-filter")).to_have_value("2025-11-03")


def test_an_alert_arrives_without_moving_what_is_being_read(page: "Page", feed: Feed) -> None:
    many = [alert(V1, f"m{n}", evaluated_at=BUILT_AT + n * 1000, reason=f"Old {n}.") for n in range(60)]
    feed.send(feed.topics.drift_alerts, *many)
    page.goto("/alerts")
    expect(rows(page)).to_have_count(50)
    page.get_by_test_id("more").click()
    expect(rows(page)).to_have_count(60)
    page.get_by_test_id("alert-list").evaluate("list => list.scrollTop = 900")
    reading = page.get_by_text("Old 40.", exact=True)
    before = reading.bounding_box()
    feed.send(
        feed.topics.drift_alerts,
        *[alert(V1, f"n{n}", evaluated_at=BUILT_AT + DAY_MS * 9 + n, reason=f"New {n}.") for n in range(3)],
    )
    expect(page.get_by_test_id("new-alerts")).to_contain_text("3 new alerts")
    after = reading.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == pytest.approx(before["y"], abs=1)
    page.get_by_test_id("new-alerts").click()
    expect(page.get_by_text("New 2.", exact=True).first).to_be_in_viewport()
    expect(page.get_by_test_id("new-alerts")).to_have_count(0)

    # At the top there is nothing to tell: it is seen.
    feed.send(feed.topics.drift_alerts, alert(V1, "last", evaluated_at=BUILT_AT + DAY_MS * 20, reason="Last."))
    expect(rows(page).first.get_by_test_id("reason")).to_have_text("Last.")
    expect(page.get_by_test_id("new-alerts")).to_have_count(0)


def test_the_command_that_is_shown_subscribes_to_what_is_shown(page: "Page", feed: Feed) -> None:
    page.goto("/alerts?severity=CRITICAL&project=COUPONS")
    page.get_by_test_id("subscribe").click()
    page.get_by_test_id("copy-command").click()
    expect(page.get_by_test_id("copy-command")).to_have_text("Copied")
    command = page.get_by_test_id("command").inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == command
    program, *_, url = shlex.split(command)
    assert program == "curl"

    with httpx.stream("GET", url, timeout=20) as stream:
        lines = stream.iter_lines()
        # The stream has begun, at the present.
        assert next(lines).startswith("retry:")
        sent = [
            alert(V1, "quiet", severity=Severity.INFO, reason="Not asked for."),
            alert(V1, "loud", reason="Asked for."),
        ]
        sending = threading.Thread(target=feed.send, args=(feed.topics.drift_alerts, *sent))
        sending.start()
        told = next(line for line in lines if line.startswith("data:"))
        sending.join()
    assert "Asked for." in told


def test_no_alert_yet_says_how_to_raise_one(page: "Page", feed: Feed, artifacts: Path) -> None:
    page.goto("/alerts")
    expect(page.get_by_test_id("empty")).to_contain_text("No drift alert yet")
    page.screenshot(path=artifacts / "empty.png")
    # What it says runs: the broker acknowledges the build and the evaluation.
    example = page.get_by_test_id("empty").locator("pre").inner_text()
    assert "evaluated" in example
    exec(compile(example, "example", "exec"), {})
    feed.send(feed.topics.drift_alerts, alert(V1))
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_test_id("empty")).to_have_count(0)


@pytest.mark.parametrize("address", ["/nowhere", "/alerts/more"])
def test_an_unknown_address_says_so_and_leads_on(chromium: "Browser", view: WebView, address: str) -> None:
    page = chromium.new_page()
    answer = page.goto(view.url + address)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_test_id("unknown")).to_contain_text("There is no page at this address")
    expect(page.get_by_test_id("live")).to_have_text("Live")
    page.get_by_test_id("page-alerts").click()
    expect(page).to_have_title("Drift alerts · Mooring")
    page.close()
    # Programs get a problem document.
    told = httpx.get(view.url + address, headers={"accept": "application/json"})
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(("name", "width", "scheme"), [("dark", 1440, "dark"), ("narrow", 420, "light")])
def test_other_looks(
    chromium: "Browser", view: WebView, feed: Feed, artifacts: Path, name: str, width: int, scheme: str
) -> None:
    feed.send(feed.topics.drift_alerts, *story())
    with tab(chromium, view.url, width=width, scheme="dark" if scheme == "dark" else "light") as page:
        page.goto("/alerts")
        expect(rows(page)).to_have_count(4)
        page.screenshot(path=artifacts / f"alerts-{name}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
