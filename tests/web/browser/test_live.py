"""Pages that change while they are read, in a real browser: the reader stays in place."""

import re
import shlex
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from mooring.outputs import Severity
from tests.web.browser.table import keys, row, rows
from tests.web.feed import BUILT_AT, DAY_MS, Feed, alert, outcome, version
from tests.web.story import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Page


# The registry


def test_changes_appear_by_themselves_and_keep_the_reader_in_place(
    page: "Page", feed: Feed, project: str, artifacts: Path
) -> None:
    v1, v3 = (f"design-1/{project}/coupons/{name}" for name in ("v1", "v3"))
    shown = version(
        v1,
        initial={"roc_auc": 0.87, "log_loss": 0.30},
        current={"roc_auc": 0.81, "log_loss": 0.36},
        severity=Severity.CRITICAL,
    )
    many = [version(f"design-1/{project}/m{number:02}/v", current={"roc_auc": 0.5}) for number in range(60)]
    feed.send(feed.topics.version_metrics, shown, *many)
    page.goto(f"/?project={project}&q=v")
    row(page, v1).click()
    expect(page.get_by_test_id("details-panel")).to_be_visible()
    critical = page.get_by_test_id("alerts-critical")
    alerts = int(critical.inner_text()) if critical.count() else 0
    page.locator(".m-list").evaluate("list => list.scrollTop = 700")
    changed = replace(shown, current={**shown.current, "roc_auc": 0.78}, drift={**shown.drift, "roc_auc": 0.78 - 0.87})
    page.evaluate(
        """key => {
            const cell = document.querySelector(`[data-version-key='${key}'] [data-testid=value]`);
            globalThis.seen = new Promise((done) => new MutationObserver(() => done(performance.now()))
                .observe(cell, {characterData: true, subtree: true, childList: true}));
        }""",
        v1,
    )
    sent_at = page.evaluate("performance.now()")
    feed.send(feed.topics.version_metrics, changed)
    took_ms = page.evaluate("seen") - sent_at
    assert took_ms < 1_000
    expect(row(page, v1).get_by_test_id("value")).to_have_text("0.7800")
    expect(page.get_by_test_id("details-panel").get_by_test_id("figures")).to_contain_text("0.7800")

    feed.send(feed.topics.drift_alerts, alert(v1, reason=f"ROC AUC of {HOSTILE} fell."))
    notice = page.locator(".m-notice")
    expect(notice).to_contain_text(f"ROC AUC of {HOSTILE} fell.")
    expect(critical).to_have_text(str(alerts + 1))
    expect(notice.locator(".q-notification__message")).to_have_css("color", "rgb(23, 33, 43)")
    expect(notice).to_have_css("background-color", "rgb(255, 255, 255)")
    # It fades in.
    page.wait_for_timeout(1_000)
    page.screenshot(path=artifacts / "notice.png")
    feed.send(feed.topics.version_metrics, version(v3, initial={"roc_auc": 0.9}))
    expect(row(page, v3)).to_have_count(1)

    assert page.locator(".m-list").evaluate("list => list.scrollTop") > 600
    expect(page.get_by_test_id("search")).to_have_value("v")
    expect(row(page, v1)).to_have_attribute("aria-current", "true")
    page.get_by_test_id("alerts-button").click()
    page.get_by_test_id("latest-alert").first.click()
    expect(page).to_have_url(re.compile("tab=alerts"))
    expect(page.get_by_test_id("details-panel")).to_have_attribute("data-version-key", v1)


def test_a_change_leaves_the_reader_in_place(page: "Page", feed: Feed, project: str) -> None:
    many = [version(f"design-1/{project}/m{number:02}/v", current={"roc_auc": 0.5}) for number in range(66)]
    feed.send(feed.topics.version_metrics, *many)
    page.goto(f"/?project={project}")
    expect(rows(page)).to_have_count(66)
    page.get_by_test_id("sort-select").select_option("-value")
    expect(page.get_by_test_id("project-row")).to_have_count(0)
    page.locator(".m-list").evaluate("list => list.scrollTop = 900")
    read, last = (keys(page)[place] for place in (24, -1))
    link = row(page, read).get_by_role("link")
    expect(link).to_be_in_viewport()
    page.get_by_test_id("columns-button").click()
    chooser = page.get_by_test_id("columns")
    expect(chooser).to_be_visible()
    link.evaluate("link => link.focus({preventScroll: true})")
    before = link.evaluate("link => link.getBoundingClientRect().top")

    # One comes in above what is read, and one that is there moves up: neither moves what is read.
    feed.send(
        feed.topics.version_metrics,
        version(f"design-1/{project}/new/v", current={"roc_auc": 0.99}),
        version(last, current={"roc_auc": 0.98}),
    )
    expect(rows(page)).to_have_count(67)
    expect(rows(page).nth(1)).to_have_attribute("data-version-key", last)
    expect(link).to_be_focused()
    expect(chooser).to_be_visible()
    assert abs(link.evaluate("link => link.getBoundingClientRect().top") - before) <= 2
    expect(page.get_by_test_id("sort-select")).to_have_value("-value")

    # A row that moves itself takes the keyboard's focus along.
    feed.send(feed.topics.version_metrics, version(read, current={"roc_auc": 0.97}))
    expect(rows(page).nth(2)).to_have_attribute("data-version-key", read)
    expect(link).to_be_focused()


def test_more_are_shown_in_steps(page: "Page", feed: Feed, project: str) -> None:
    others = [version(f"design-1/{project}/other{number}/v", current={"roc_auc": 0.9}) for number in range(6)]
    feed.send(feed.topics.version_metrics, *others)
    page.goto(f"/?project={project}")
    expect(rows(page)).to_have_count(6)
    many = [version(f"design-1/{project}/many{number:04}/v", current={"roc_auc": 0.5}) for number in range(1_000)]
    feed.send(feed.topics.version_metrics, *many)
    expect(page.get_by_test_id("count")).to_have_text("1,006 versions")
    expect(rows(page)).to_have_count(200)
    page.get_by_test_id("more").click()
    expect(rows(page)).to_have_count(400)
    # Of another list it is the first step again.
    page.get_by_test_id("search").fill("many")
    expect(page.get_by_test_id("count")).to_have_text("1,000 versions")
    expect(rows(page)).to_have_count(200)


def test_the_newest_values_are_a_line_with_words(page: "Page", feed: Feed, project: str) -> None:
    evaluated, silent = (f"design-1/{project}/redemption/{name}" for name in ("v1", "v2"))
    feed.send(
        feed.topics.version_metrics,
        *(version(key, initial={"roc_auc": 0.9}, current={"roc_auc": 0.82}) for key in (evaluated, silent)),
    )
    page.goto(f"/?project={project}")
    expect(rows(page)).to_have_count(2)
    values = (0.88, 0.85, 0.82)
    feed.send(
        feed.topics.evaluation_outcomes,
        *(
            outcome(evaluated, f"e{place}", evaluated_at=BUILT_AT + place * DAY_MS, metrics={"roc_auc": value})
            for place, value in enumerate(values)
        ),
    )
    line = row(page, evaluated).get_by_test_id("trend").get_by_role("img")
    expect(line).to_have_attribute(
        "aria-label", "3 evaluations, from 0.8800 to 0.8200, lowest 0.8200, highest 0.8800; initial 0.9000"
    )
    heights = [float(point.split(",")[1]) for point in (line.locator("polyline").get_attribute("points") or "").split()]
    assert heights == sorted(heights)
    # Where nothing is known of evaluations, there is no line.
    expect(row(page, silent).get_by_test_id("trend")).to_have_text("–")


# Alerts


def test_an_alert_arrives_without_moving_what_is_being_read(page: "Page", feed: Feed, project: str) -> None:
    v1 = f"design-1/{project}/redemption/v1"
    shown = page.get_by_test_id("alert-row")
    many = [alert(v1, f"m{n}", evaluated_at=BUILT_AT + n * 1000, reason=f"Old {n}.") for n in range(60)]
    feed.send(feed.topics.drift_alerts, *many)
    page.goto(f"/alerts?project={project}")
    expect(shown).to_have_count(50)
    page.get_by_test_id("more").click()
    expect(shown).to_have_count(60)
    page.get_by_test_id("alert-list").evaluate("list => list.scrollTop = 900")
    reading = page.get_by_text("Old 40.", exact=True)
    before = reading.bounding_box()
    feed.send(
        feed.topics.drift_alerts,
        *[alert(v1, f"n{n}", evaluated_at=BUILT_AT + DAY_MS * 9 + n, reason=f"New {n}.") for n in range(3)],
    )
    expect(page.get_by_test_id("news")).to_contain_text("3 new alerts")
    after = reading.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == pytest.approx(before["y"], abs=1)
    page.get_by_test_id("news").click()
    expect(page.get_by_text("New 2.", exact=True).first).to_be_in_viewport()
    expect(page.get_by_test_id("news")).to_have_count(0)

    # At the top there is nothing to tell: it is seen.
    feed.send(feed.topics.drift_alerts, alert(v1, "last", evaluated_at=BUILT_AT + DAY_MS * 20, reason="Last."))
    expect(shown.first.get_by_test_id("reason")).to_have_text("Last.")
    expect(page.get_by_test_id("news")).to_have_count(0)


def test_the_command_that_is_shown_subscribes_to_what_is_shown(page: "Page", feed: Feed, project: str) -> None:
    v1 = f"design-1/{project}/redemption/v1"
    page.goto(f"/alerts?severity=CRITICAL&project={project}")
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
            alert(v1, "quiet", severity=Severity.INFO, reason="Not asked for."),
            alert(v1, "loud", reason="Asked for."),
        ]
        sending = threading.Thread(target=feed.send, args=(feed.topics.drift_alerts, *sent))
        sending.start()
        told = next(line for line in lines if line.startswith("data:"))
        sending.join()
    assert "Asked for." in told
