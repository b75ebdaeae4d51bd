"""Versions compared in a real browser, on a real `python -m web` that an embedded broker feeds."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.web.feed import version
from tests.web.story import DRAWN, HOSTILE, Story, at, version_at

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_versions_are_compared_from_the_details(page: "Page", artifacts: Path, story: Story) -> None:
    page.goto(f"/?version={story.v1}")
    page.get_by_test_id("compare-with").click()
    expect(page.get_by_test_id("picker-search")).to_be_focused()
    # Of the same model at first; Escape closes what was opened last, and only that.
    expect(page.get_by_test_id("picker-found")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("picker")).to_have_count(0)
    expect(page.get_by_test_id("details-panel")).to_be_visible()
    page.get_by_test_id("compare-with").click()
    page.locator(f"[data-testid=picker-found][data-version-key='{story.v2}']").click()
    expect(page).to_have_url(re.compile(re.escape(f"/compare?version={story.v1},{story.v2}")))

    roc_auc = page.locator("[data-testid=compared-metric][data-metric=roc_auc]").get_by_test_id("compared-value")
    expect(roc_auc).to_have_text([re.compile("0.8100"), re.compile("best.*0.8890", re.DOTALL)])
    log_loss = page.locator("[data-testid=compared-metric][data-metric=log_loss]").get_by_test_id("compared-value")
    expect(log_loss.nth(0)).to_have_attribute("data-best", "true")
    expect(page.get_by_test_id("chart")).to_have_attribute("data-ready", "true")
    drawn = page.evaluate(DRAWN)
    assert (len(drawn["line0"]), drawn["line1"]) == (4, [[at(2), 0.884], [at(4), 0.889]])
    expect(page.get_by_test_id("chart-summary")).to_contain_text("v1: ROC AUC lay between 0.8100 and 0.8600")
    page.screenshot(path=artifacts / "compare.png")


def test_a_comparison_is_shared_by_its_address(page: "Page", story: Story) -> None:
    page.goto(f"/compare?version={story.v1}&version={story.v2}")
    expect(page.get_by_test_id("compared-version")).to_have_count(2)
    # Any version, by its key.
    page.get_by_test_id("add-version").click()
    page.get_by_test_id("picker-search").fill(story.basket)
    page.locator(f"[data-testid=picker-found][data-version-key='{story.basket}']").click()
    expect(page.get_by_test_id("compared-version")).to_have_count(3)
    page.get_by_test_id("compare-metric").select_option("log_loss")
    expect(page.get_by_test_id("chart-summary")).to_contain_text("Log loss lay between")
    expect(page).to_have_url(
        re.compile(re.escape(f"/compare?version={story.v1},{story.v2},{story.basket}&metric=log_loss"))
    )
    page.get_by_role("button", name="Copy link").click()
    shared = page.evaluate("navigator.clipboard.readText()")
    page.goto("about:blank")
    page.goto(shared)
    expect(page.get_by_test_id("compared-version")).to_have_count(3)
    expect(page.get_by_test_id("compare-metric")).to_have_value("log_loss")
    expect(page.get_by_test_id("comparison")).to_contain_text(HOSTILE)
    page.get_by_test_id("remove-version").nth(2).click()
    expect(page.get_by_test_id("compared-version")).to_have_count(2)
    page.go_back()
    expect(page.get_by_test_id("compared-version")).to_have_count(3)


def test_a_comparison_is_live_and_says_what_it_does_not_know(page: "Page", story: Story) -> None:
    page.goto("/compare")
    expect(page.get_by_test_id("empty")).to_contain_text("Nothing to compare yet")
    page.goto(f"/compare?version={story.v1},n/p/m/none")
    expect(page.get_by_test_id("not-known")).to_contain_text("n/p/m/none")
    story.versions(version_at(story.v1, 8, 0.77), version("n/p/m/none", initial={"roc_auc": 0.7}))
    expect(page.get_by_test_id("not-known")).to_have_count(0)
    roc_auc = page.locator("[data-testid=compared-metric][data-metric=roc_auc]").get_by_test_id("compared-value")
    expect(roc_auc.first).to_contain_text("0.7700")
