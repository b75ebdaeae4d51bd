"""The details of a version in a real browser, on a real `python -m web` that an embedded broker feeds."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from tests.web.browser.table import row
from tests.web.feed import version
from tests.web.story import DRAWN, HOSTILE, VALUES, WINDOW, Story, at, evaluated, version_at
from tests.web.tabs import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


def panel(page: "Page") -> "Locator":
    return page.get_by_test_id("details-panel")


def show_history(page: "Page", key: str) -> None:
    page.goto(f"/?version={key}&tab=history")
    expect(page.get_by_test_id("chart")).to_have_attribute("data-ready", "true")


def test_a_click_opens_the_details_and_the_reader_goes_on_there(page: "Page", story: Story) -> None:
    page.goto("/")
    row(page, story.v1).get_by_role("link").click()
    expect(panel(page)).to_have_attribute("data-version-key", story.v1)
    expect(panel(page).get_by_role("heading", name="v1")).to_be_focused()
    expect(page).to_have_url(re.compile(f"version={story.v1}"))
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    expect(row(page, story.v1).get_by_role("link")).to_be_focused()
    page.go_back()
    expect(panel(page)).to_have_attribute("data-version-key", story.v1)


def test_an_address_opens_the_details_without_taking_the_focus(page: "Page", story: Story) -> None:
    page.goto(f"/?version={story.v1}")
    expect(panel(page)).to_have_attribute("data-version-key", story.v1)
    assert page.evaluate("document.activeElement === document.body")
    # Escape closes from there, too.
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)


def test_the_overview_says_how_it_does_and_which_version_is_active(page: "Page", artifacts: Path, story: Story) -> None:
    page.goto(f"/?version={story.v1}")
    figures = page.get_by_test_id("figures")
    for text in ("0.8100", "0.8700", "± 0.012 over folds", "−0.0600 worse", "−0.0200 worse", "0.7100"):
        expect(figures).to_contain_text(re.compile(text.replace(" ", r"\s+")))
    expect(page.get_by_test_id("active-version")).to_have_text(
        re.compile(r"Active version of this model:\s+v2, ROC AUC 0\.8890")
    )
    page.screenshot(path=artifacts / "overview.png")
    page.get_by_test_id("active-version").get_by_role("link").click()
    expect(panel(page)).to_have_attribute("data-version-key", story.v2)
    expect(page.get_by_test_id("active-version")).to_have_text("This is the active version of its model.")
    expect(panel(page).get_by_test_id("deployments")).to_contain_text("k8s-prod")


def test_the_metrics_say_what_drifted_and_what_the_newest_evaluation_changed(
    page: "Page", artifacts: Path, story: Story
) -> None:
    page.goto(f"/?version={story.v1}&tab=metrics")
    rows = panel(page).get_by_test_id("metric-row")
    expect(rows).to_have_count(3)
    roc_auc, log_loss = (panel(page).locator(f"[data-metric={code}]") for code in ("roc_auc", "log_loss"))
    expect(roc_auc.get_by_test_id("metric-deviation")).to_have_text("± 0.012")
    expect(roc_auc.get_by_test_id("metric-drift")).to_have_text(re.compile(r"▼\s+−0\.0600\s+worse"))
    expect(roc_auc.get_by_test_id("metric-change")).to_have_text(re.compile(r"▼ −0\.0200 worse"))
    expect(log_loss.get_by_test_id("metric-drift")).to_have_text(re.compile(r"▼\s+−0\.1100\s+better"))
    expect(page.get_by_test_id("metrics-active")).to_have_text("v2")
    page.screenshot(path=artifacts / "metrics.png")
    # A metric leads to its history.
    log_loss.get_by_role("button", name="Log loss").click()
    expect(page.get_by_test_id("history-metric")).to_have_value("log_loss")
    expect(page).to_have_url(re.compile("tab=history&metric=log_loss"))


def test_the_history_is_drawn_and_told(page: "Page", artifacts: Path, story: Story) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    show_history(page, story.v1)
    drawn = page.evaluate(DRAWN)
    assert drawn["line0"] == [[at(day), value] for day, value in enumerate(VALUES, start=1)]
    assert drawn["alerts"] == [[at(4), 0.81]]
    expect(page.get_by_test_id("chart-summary")).to_have_text(
        "ROC AUC lay between 0.8100 and 0.8600 in 4 evaluations and is 0.8100 now, −0.0600 from its initial 0.8700, "
        "worse. Thresholds of store weekly: critical below 0.8, warning below 0.84. 1 drift alert."
    )
    page.get_by_test_id("chart-as-table").click()
    values = page.get_by_test_id("chart-table").locator("tbody td:nth-child(2)")
    expect(values).to_have_text(["0.8100", "0.8300", "0.8500", "0.8600"])
    page.screenshot(path=artifacts / "history.png")
    # Another metric, in the address.
    page.get_by_test_id("history-metric").select_option("log_loss")
    expect(page.get_by_test_id("chart-summary")).to_contain_text("Log loss lay between 0.1400 and 0.1900")
    expect(page).to_have_url(re.compile("metric=log_loss"))
    page.reload()
    expect(page.get_by_test_id("history-metric")).to_have_value("log_loss")


def test_the_chart_can_be_read_and_zoomed_with_the_keyboard(page: "Page", artifacts: Path, story: Story) -> None:
    show_history(page, story.v1)
    page.get_by_test_id("chart").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("chart-spoken")).to_contain_text("0.8100 (−0.0600 from initial)")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("chart-spoken")).to_contain_text("0.8300")
    expect(panel(page)).to_contain_text("store weekly")
    page.screenshot(path=artifacts / "hover.png")
    page.keyboard.press("+")
    since, until = page.evaluate(WINDOW)
    assert at(1) < since < at(3) < until < at(4)
    page.keyboard.press("0")
    assert page.evaluate(WINDOW) == [at(1), at(4)]


def test_an_evaluation_arrives_in_the_chart_and_the_zoom_stays(page: "Page", story: Story) -> None:
    show_history(page, story.v1)
    page.get_by_test_id("chart").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    zoomed = page.evaluate(WINDOW)
    story.evaluations(evaluated(story.v1, 7, 0.79))
    story.versions(version_at(story.v1, 7, 0.79))
    expect(page.get_by_test_id("chart-summary")).to_contain_text("in 5 evaluations and is 0.7900 now")
    assert page.evaluate(DRAWN)["line0"][-1] == [at(7), 0.79]
    assert page.evaluate(WINDOW) == pytest.approx(zoomed, abs=60_000)
    expect(page.get_by_role("tab", name="History")).to_have_attribute("aria-selected", "true")


def test_a_long_history_is_thinned_and_shows_more_where_it_is_zoomed_in(page: "Page", story: Story) -> None:
    story.evaluations(*(evaluated(story.v2, 10 + place / 100, 0.8 + place % 10 / 100) for place in range(2_000)))
    show_history(page, story.v2)
    expect(page.get_by_test_id("chart-summary")).to_contain_text("of 2,002 values are drawn")
    assert len(page.evaluate(DRAWN)["line0"]) <= 500
    page.get_by_test_id("chart").focus()
    page.keyboard.press("ArrowLeft")
    for _ in range(3):
        page.keyboard.press("+")
    since, until = page.evaluate(WINDOW)
    evaluated_then = sum(since <= at(10 + place / 100) <= until for place in range(2_000))
    page.wait_for_function(
        f"""([since, until, count]) => ({DRAWN})().then((drawn) =>
            drawn.line0.filter(([at]) => since <= at && at <= until).length === count)""",
        arg=[since, until, evaluated_then],
    )
    assert page.evaluate(WINDOW) == pytest.approx([since, until], abs=60_000)


def test_the_chart_follows_the_theme(page: "Page", story: Story) -> None:
    colour = """async () => {
        const { echarts } = await import("nicegui-echart");
        return echarts.getInstanceByDom(document.querySelector("[data-testid=chart]")).getOption().series[0].color;
    }"""
    page.emulate_media(color_scheme="light")
    show_history(page, story.v1)
    assert page.evaluate(colour) == "#0b6590"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.body.classList.contains('body--dark')")
    page.wait_for_function(f"({colour})().then(found => found === '#62bde3')")


def test_the_program_for_charts_is_loaded_with_the_first_chart(page: "Page", story: Story) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/?version={story.v1}")
    expect(page.get_by_test_id("figures")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if re.search("chart", url)] == []
    page.get_by_test_id("tab-history").click()
    expect(page.get_by_test_id("chart")).to_have_attribute("data-ready", "true")
    assert [url for url in asked if url.endswith("/chart.js")] != []


def test_the_alerts_of_the_version_are_listed_and_cannot_hold_markup(page: "Page", story: Story) -> None:
    page.goto(f"/?version={story.v1}&tab=alerts")
    expect(page.get_by_test_id("version-alert")).to_have_count(1)
    expect(page.get_by_test_id("version-alert")).to_contain_text(HOSTILE)
    # Nor can what the chart shows beside the pointer.
    show_history(page, story.v1)
    page.get_by_test_id("chart").focus()
    page.keyboard.press("End")
    expect(panel(page)).to_contain_text(HOSTILE)
    expect(page).to_have_title("Model registry · Mooring")
    assert page.locator("img").count() == 0


def test_every_evaluation_has_its_outcome_and_what_is_not_synced_has_no_values(
    page: "Page", artifacts: Path, story: Story
) -> None:
    page.goto(f"/?version={story.v1}&tab=evaluations")
    found = page.get_by_test_id("evaluation")
    expect(found).to_have_count(6)
    outcomes = [each.get_attribute("data-outcome") for each in found.all()]
    assert outcomes == ["Not synced", "Duplicate", "Current", "Current", "Current", "Current"]
    hidden = found.first
    expect(hidden).to_contain_text("store sandbox")
    expect(hidden).to_contain_text("its values are not kept")
    expect(hidden.locator("details, b")).to_have_count(0)
    newest = found.nth(2)
    expect(newest).to_contain_text("0.8100")
    newest.locator("summary").click()
    expect(newest.get_by_role("row", name=re.compile("Log loss"))).to_contain_text("0.1900")
    page.screenshot(path=artifacts / "evaluations.png")


def test_older_evaluations_are_shown_on_demand_and_new_ones_arrive_on_top(page: "Page", story: Story) -> None:
    story.evaluations(*(evaluated(story.v2, 10 + day, 0.88) for day in range(70)))
    page.goto(f"/?version={story.v2}&tab=evaluations")
    expect(page.get_by_test_id("evaluation")).to_have_count(50)
    expect(page.get_by_test_id("evaluation-count")).to_have_text("50 of 72 evaluations")
    page.get_by_test_id("more-evaluations").click()
    expect(page.get_by_test_id("evaluation")).to_have_count(72)
    expect(page.get_by_test_id("more-evaluations")).to_have_count(0)
    read = page.get_by_test_id("evaluation").nth(40)
    read.scroll_into_view_if_needed()
    before = read.get_attribute("data-event-id")
    place = read.bounding_box()
    story.evaluations(evaluated(story.v2, 99, 0.87))
    expect(page.get_by_test_id("evaluation")).to_have_count(73)
    same = page.locator(f"[data-event-id='{before}']")
    assert place is not None
    assert same.bounding_box() == pytest.approx(place, abs=2)


def test_the_source_says_how_to_ask_for_the_version(page: "Page", url: str, story: Story) -> None:
    page.goto(f"/?version={story.v1}&tab=source")
    expect(page.get_by_test_id("source")).to_contain_text("ada@example.org")
    link = page.get_by_test_id("source").get_by_role("link")
    expect(link).to_have_attribute("href", "https://example.org/run/1")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(page.get_by_test_id("curl")).to_have_text(f"curl '{url}/api/v1/versions/{story.v1}'")
    # What it says works.
    assert httpx.get(page.get_by_test_id("api-address").inner_text()).json()["version_key"] == story.v1
    page.get_by_role("button", name="Copy: API address").click()
    expect(page.get_by_role("button", name="Copy: API address")).to_have_text("Copied")


@pytest.mark.parametrize("key", ["design-1/COUPONS/redemption/v9", "no key at all"])
def test_a_version_that_is_not_known_is_said_to_be_so(page: "Page", key: str) -> None:
    page.goto(f"/?version={key}")
    expect(page.get_by_test_id("unknown-version")).to_contain_text(key)
    page.get_by_role("button", name="Back to the list").click()
    expect(panel(page)).to_have_count(0)


def test_a_version_appears_where_its_address_was_opened_before_it_was_reported(page: "Page", story: Story) -> None:
    page.goto(f"/?version={story.v9}")
    expect(page.get_by_test_id("unknown-version")).to_be_visible()
    story.versions(version(story.v9, initial={"roc_auc": 0.9}))
    expect(panel(page)).to_have_attribute("data-version-key", story.v9)
    expect(page.get_by_test_id("figures")).to_contain_text("0.9000")


def test_changes_appear_in_the_open_tab_without_moving_the_reader(page: "Page", story: Story) -> None:
    page.set_viewport_size({"width": 1440, "height": 420})
    page.goto(f"/?version={story.v1}&tab=metrics")
    value = panel(page).locator("[data-metric=roc_auc]").get_by_test_id("metric-value")
    expect(value).to_have_text("0.8100")
    page.locator("#tab-panel").evaluate("panel => panel.scrollTop = 60")
    story.versions(replace(version_at(story.v1, 8, 0.77), labels={}))
    expect(value).to_have_text("0.7700")
    assert page.locator("#tab-panel").evaluate("panel => panel.scrollTop") == 60
    expect(page.get_by_role("tab", name="Model metrics")).to_have_attribute("aria-selected", "true")


def test_tabs_are_turned_with_the_arrows(page: "Page", story: Story) -> None:
    page.goto(f"/?version={story.v1}")
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Source")).to_be_focused()
    expect(page.get_by_test_id("curl")).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Model metrics")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("tab=metrics"))


def test_the_panel_is_as_wide_as_the_reader_wants_it(page: "Page", story: Story) -> None:
    page.goto(f"/?version={story.v1}")
    before = panel(page).bounding_box()
    page.get_by_test_id("details-width").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    after = panel(page).bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(before["width"] + 80, abs=2)
    page.reload()
    expect(panel(page)).to_be_visible()
    assert panel(page).bounding_box() == pytest.approx(after, abs=2)


def test_on_a_narrow_screen_the_details_cover_the_list(
    chromium: "Browser", url: str, artifacts: Path, story: Story
) -> None:
    with tab(chromium, url, width=420) as page:
        show_history(page, story.v1)
        assert panel(page).bounding_box() == {"x": 0, "y": 0, "width": 420, "height": 900}
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=artifacts / "history-narrow.png")
        page.goto(f"/compare?version={story.v1},{story.v2}")
        expect(page.get_by_test_id("compared-version")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=artifacts / "compare-narrow.png")
