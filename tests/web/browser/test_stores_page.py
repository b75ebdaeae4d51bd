"""The page of stores in a real browser, in front of a real worker and web view."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from examples.services import Services
from mooring import Mooring
from tests.brokers import Broker, BrokerUnavailable
from tests.end_to_end.conftest import provide
from tests.faults.broker import FaultyBroker
from tests.web.tabs import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PREFIX = "stores."
WEEKLY = "ci/COUPONS/weekly"


@pytest.fixture(scope="module")
def prefix() -> str:
    return PREFIX


@pytest.fixture(scope="module")
def url(services: Services) -> str:
    return services.url


@pytest.fixture
def mooring(embedded_broker: Broker, services: Services) -> Iterator[Mooring]:
    with client(embedded_broker.address) as mooring:
        yield mooring


def client(brokers: str, project: str = "COUPONS") -> Mooring:
    return Mooring(brokers, node="ci", project=project, topic_prefix=PREFIX)


def row(page: "Page", key: str) -> "Locator":
    return page.locator(f"[data-testid=store-row][data-store-key='{key}']")


def line(page: "Page", number: int) -> "Locator":
    return page.get_by_test_id("threshold-row").nth(number)


def test_a_store_is_opted_out_and_its_evaluations_appear_nowhere(
    page: "Page", mooring: Mooring, artifacts: Path
) -> None:
    mooring.model_built("redemption", "v1", prediction_type="BINARY", metrics={"roc_auc": 0.87}, activate=True)
    mooring.evaluated("redemption", "v1", store="weekly", metrics={"roc_auc": 0.86})
    mooring.flush()
    page.goto("/stores")
    # Known from the evaluation, never configured: synced.
    expect(row(page, WEEKLY).get_by_test_id("sync")).to_have_text("Synced")
    expect(row(page, WEEKLY).get_by_test_id("since")).to_have_text("from the start")
    row(page, WEEKLY).click()
    panel = page.get_by_test_id("store-panel")
    expect(panel).to_contain_text("It was never configured")

    page.get_by_test_id("edit").click()
    page.get_by_test_id("synced").uncheck()
    expect(panel).to_contain_text("The values of evaluations that are not synced appear nowhere")
    page.get_by_test_id("actor").fill("ada@example.org")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("panel-sync")).to_have_text("Opted out")
    expect(row(page, WEEKLY).get_by_test_id("sync")).to_have_text("Opted out")
    expect(row(page, WEEKLY).get_by_test_id("since")).to_contain_text("by ada@example.org")
    expect(page.get_by_test_id("store-form")).to_have_count(0)
    expect(page.get_by_test_id("configuration").first).to_contain_text("Opted out of the sync")
    page.screenshot(path=artifacts / "opted-out.png")

    # What it says holds.
    mooring.evaluated("redemption", "v1", store="weekly", metrics={"roc_auc": 0.51})
    mooring.evaluated("redemption", "v1", store="other", metrics={"roc_auc": 0.85})
    mooring.flush()
    page.goto("/alerts")
    expect(page.get_by_test_id("alert-row").first).to_contain_text("0.85")
    assert "0.51" not in page.content()
    page.goto("/")
    expect(page.get_by_test_id("value").first).to_have_text("0.8500")

    # Who it was is remembered.
    page.goto(f"/stores?store={WEEKLY}")
    page.get_by_test_id("edit").click()
    expect(page.get_by_test_id("actor")).to_have_value("ada@example.org")
    expect(page.get_by_test_id("synced")).not_to_be_checked()


def test_bad_thresholds_are_refused_where_they_stand_and_good_ones_kept(
    page: "Page", mooring: Mooring, artifacts: Path
) -> None:
    mooring.configure_store("nightly", thresholds={"roc_auc": {"min": 0.7}, "log_loss": {"max": 0.5}})
    mooring.flush()
    page.goto("/stores?store=ci/COUPONS/nightly")
    page.get_by_test_id("edit").click()
    line(page, 0).get_by_test_id("threshold-soft_min").fill("0.6")
    expect(line(page, 0).get_by_test_id("threshold-fault")).to_have_text(
        "must be in the order min <= soft_min <= soft_max <= max"
    )
    line(page, 1).get_by_test_id("threshold-max").fill("half")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("save-failed")).to_contain_text("Nothing was saved")
    expect(line(page, 1).get_by_test_id("threshold-fault")).to_have_text("'half' is no number.")
    expect(line(page, 1).get_by_test_id("threshold-max")).to_have_attribute("aria-invalid", "true")
    page.screenshot(path=artifacts / "faults.png")

    line(page, 0).get_by_test_id("threshold-soft_min").fill("0.8")
    line(page, 1).get_by_test_id("remove-threshold").click()
    page.get_by_test_id("add-threshold").click()
    line(page, 1).get_by_test_id("threshold-metric").fill("data_drift")
    line(page, 1).get_by_test_id("threshold-soft_max").fill("0.6")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("bounds-row")).to_have_count(2)
    expect(page.locator("[data-testid=bounds-row][data-metric=roc_auc]")).to_have_text(
        re.compile(r"ROC AUC\s*0.7\s*0.8")
    )
    expect(page.get_by_test_id("configuration")).to_have_count(2)
    expect(page.get_by_test_id("configuration").first).to_contain_text("Log loss: thresholds removed")
    expect(row(page, "ci/COUPONS/nightly")).to_contain_text("nightly")


def test_a_configuration_that_lies_ahead_is_told_as_such(page: "Page", mooring: Mooring) -> None:
    mooring.configure_store("hourly", synced=True)
    mooring.flush()
    page.goto("/stores?store=ci/COUPONS/hourly")
    page.get_by_test_id("edit").click()
    page.get_by_test_id("synced").uncheck()
    page.get_by_test_id("effective-from").fill("2999-01-01T00:00")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("configuration").first).to_contain_text("Ahead")
    expect(page.get_by_test_id("panel-sync")).to_have_text("Synced")
    expect(row(page, "ci/COUPONS/hourly")).to_contain_text("opts out")


def test_live_updates_and_a_reload_leave_a_form_alone(page: "Page", mooring: Mooring) -> None:
    mooring.configure_store("daily", actor="grace@example.org")
    mooring.flush()
    page.goto("/stores?store=ci/COUPONS/daily")
    page.get_by_test_id("edit").click()
    page.get_by_test_id("add-threshold").click()
    line(page, 0).get_by_test_id("threshold-metric").fill("roc_auc")
    line(page, 0).get_by_test_id("threshold-min").fill("0.7")
    mooring.configure_store("daily", synced=False, actor="grace@example.org")
    mooring.flush()
    expect(page.get_by_test_id("panel-sync")).to_have_text("Opted out")
    expect(page.get_by_test_id("meanwhile")).to_contain_text("grace@example.org configured this store")
    expect(page.get_by_test_id("synced")).to_be_checked()
    expect(line(page, 0).get_by_test_id("threshold-min")).to_have_value("0.7")
    expect(line(page, 0).get_by_test_id("threshold-min")).to_be_focused()

    page.reload()
    expect(line(page, 0).get_by_test_id("threshold-min")).to_have_value("0.7")
    page.get_by_test_id("cancel").click()
    page.reload()
    expect(page.get_by_test_id("edit")).to_be_visible()


def test_stores_are_filtered_by_node_and_project(page: "Page", embedded_broker: Broker, mooring: Mooring) -> None:
    mooring.configure_store("monthly")
    mooring.flush()
    with client(embedded_broker.address, "FRAUD") as fraud:
        fraud.configure_store("monthly")
    page.goto("/stores")
    expect(row(page, "ci/FRAUD/monthly")).to_be_visible()
    page.get_by_test_id("project-filter").select_option("FRAUD")
    expect(page.get_by_test_id("store-row")).to_have_count(1)
    page.reload()
    expect(page.get_by_test_id("store-row")).to_have_count(1)
    page.get_by_test_id("clear-filters").click()
    expect(row(page, "ci/COUPONS/monthly")).to_be_visible()


# The broker and the web view go away


@pytest.fixture
def faulty_broker() -> Iterator[FaultyBroker]:
    try:
        with FaultyBroker() as broker:
            yield broker
    except BrokerUnavailable as missing:
        pytest.skip(str(missing))


@pytest.mark.timeout(300)
def test_without_a_broker_pages_say_how_old_they_are_and_lose_nothing(
    chromium: "Browser", faulty_broker: FaultyBroker, tmp_path: Path, artifacts: Path
) -> None:
    provide(Broker("kafka", faulty_broker.address, faulty_broker.create), PREFIX)
    with (
        Services(faulty_broker.address, tmp_path, topic_prefix=PREFIX) as services,
        tab(chromium, services.url) as page,
    ):
        with client(faulty_broker.address) as mooring:
            mooring.configure_store("weekly")
        page.goto(f"/stores?store={WEEKLY}")
        page.get_by_test_id("edit").click()
        page.get_by_test_id("synced").uncheck()
        page.get_by_test_id("actor").fill("ada@example.org")
        faulty_broker.kill()
        page.get_by_test_id("save").click()
        expect(page.get_by_test_id("live")).to_have_text(re.compile(r"Data \d+ (s|minutes?) old"), timeout=40_000)
        expect(page.get_by_test_id("save-failed")).to_contain_text("What you typed is still here", timeout=40_000)
        page.screenshot(path=artifacts / "away.png")
        expect(page.get_by_test_id("save")).to_have_text("Try again")
        expect(page.get_by_test_id("actor")).to_have_value("ada@example.org")
        expect(page.get_by_test_id("synced")).not_to_be_checked()
        for path in ("/alerts", "/dead-letters", "/nowhere", "/"):
            other = page.context.new_page()
            other.goto(path)
            expect(other.get_by_test_id("live")).to_contain_text("old")
            other.close()

        faulty_broker.start()
        expect(page.get_by_test_id("live")).to_have_text("Live", timeout=60_000)
        page.get_by_test_id("save").click()
        expect(page.get_by_test_id("panel-sync")).to_have_text("Opted out", timeout=60_000)


@pytest.mark.timeout(180)
def test_a_lost_web_view_is_told_and_found_again_with_the_form_as_it_was(
    chromium: "Browser", embedded_broker: Broker, services: Services, mooring: Mooring, tmp_path: Path
) -> None:
    mooring.configure_store("lost")
    mooring.flush()
    own = Services(embedded_broker.address, tmp_path, topic_prefix=PREFIX)
    web = own.start_web()
    web.wait_until_ready()
    with tab(chromium, own.url, service_stops=True) as page:
        page.goto("/stores?store=ci/COUPONS/lost")
        page.get_by_test_id("edit").click()
        page.get_by_test_id("actor").fill("grace@example.org")
        web.stop()
        expect(page.get_by_text("Trying to reconnect")).to_be_visible()
        web = own.start_web()
        try:
            web.wait_until_ready()
            expect(page.get_by_text("Trying to reconnect")).to_be_hidden(timeout=30_000)
            expect(page.get_by_test_id("live")).to_have_text("Live")
            expect(page.get_by_test_id("actor")).to_have_value("grace@example.org")
        finally:
            web.stop()
