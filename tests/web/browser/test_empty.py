"""What pages say that have nothing to show yet, in a real browser. Each test feeds what only its own page shows."""

from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.web.feed import Feed, alert, version

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_an_empty_registry_says_what_to_do(page: "Page", feed: Feed, artifacts: Path) -> None:
    page.goto("/")
    expect(page.get_by_test_id("empty")).to_contain_text("model_built")
    page.screenshot(path=artifacts / "empty.png")
    run(page)
    feed.send(feed.topics.version_metrics, version(), version("auto-eu/FRAUD/cards/v1"))
    expect(page.get_by_test_id("version-row")).to_have_count(2)
    expect(page.get_by_test_id("empty")).to_have_count(0)


def test_no_alert_yet_says_how_to_raise_one(page: "Page", feed: Feed, artifacts: Path) -> None:
    page.goto("/alerts")
    expect(page.get_by_test_id("empty")).to_contain_text("No drift alert yet")
    expect(page.get_by_test_id("empty").locator("pre")).to_contain_text("evaluated")
    page.screenshot(path=artifacts / "empty.png")
    run(page)
    feed.send(feed.topics.drift_alerts, alert())
    expect(page.get_by_test_id("alert-row")).to_have_count(1)
    expect(page.get_by_test_id("empty")).to_have_count(0)


def test_no_dead_letters_is_good_news(page: "Page") -> None:
    page.goto("/dead-letters")
    expect(page.get_by_test_id("empty")).to_contain_text("Everything that was reported could be used")


def run(page: "Page") -> None:
    """The example runs as it is shown: the broker acknowledges what it reports."""
    example = page.get_by_test_id("empty").locator("pre").inner_text()
    exec(compile(example, "example", "exec"), {})
