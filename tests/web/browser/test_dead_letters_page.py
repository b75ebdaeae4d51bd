"""The page of dead letters in a real browser, in front of a real worker and web view."""

import json
import math
import re
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer
from playwright.sync_api import expect

from examples.services import Services
from mooring.codec import encode
from mooring.connection import connection_settings
from mooring.events import EvaluationRun, ModelBuild
from mooring.topics import Topics
from tests.brokers import Broker

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PREFIX = "letters."
TOPICS = Topics.named(PREFIX)
HOSTILE = b"<img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def prefix() -> str:
    return PREFIX


@pytest.fixture(scope="module")
def services(services: Services, embedded_broker: Broker) -> Services:
    send(
        embedded_broker,
        # In this order, which is that of the list turned round.
        (TOPICS.model_builds.name, b"ci/P", HOSTILE, []),
        (TOPICS.evaluation_runs.name, b"ci/P", not_finite(), [("source", b"nightly")]),
    )
    return services


@pytest.fixture(scope="module")
def url(services: Services) -> str:
    return services.url


def send(broker: Broker, *records: tuple[str, bytes | None, bytes, list[tuple[str, bytes]]]) -> None:
    producer = KafkaProducer(**connection_settings(broker.address), acks=1, enable_idempotence=False)
    for topic, key, value, headers in records:
        producer.send(topic, value, key=key, headers=headers, partition=0).get(10)
    producer.close()


def not_finite() -> bytes:
    """An evaluation whose ROC AUC is NaN and whose log loss is infinite, as a sender without checks would write it."""
    now = time.time_ns() // 1_000_000
    event = EvaluationRun(
        event_id="odd",
        node_id="ci",
        project_key="P",
        recorded_at=now,
        store_id="weekly",
        evaluation_id="e1",
        model_project_key="P",
        model_id="m",
        version_id="v1",
        evaluated_at=now,
        metrics={"roc_auc": 0.8125, "log_loss": 0.4375},
    )
    value = encode(event)
    for was, put in ((0.8125, math.nan), (0.4375, math.inf)):
        assert value.count(struct.pack("<d", was)) == 1
        value = value.replace(struct.pack("<d", was), struct.pack("<d", put))
    return value


def build(version: str, built_in_ms: int = 0) -> bytes:
    now = time.time_ns() // 1_000_000
    return encode(
        ModelBuild(
            event_id=f"build of {version}",
            node_id="ci",
            project_key="P",
            recorded_at=now,
            model_id="m",
            version_id=version,
            built_at=now + built_in_ms,
        )
    )


def letter(page: "Page", reason: str) -> "Locator":
    return page.get_by_test_id("letter-row").filter(has=page.get_by_role("link", name=reason, exact=True))


def test_a_letter_is_explained_and_its_value_can_be_read(page: "Page", artifacts: Path) -> None:
    page.goto("/dead-letters")
    letter(page, "Metric not finite").click()
    panel = page.get_by_test_id("letter-panel")
    expect(panel).to_contain_text("A metric is NaN or infinite")
    expect(panel).to_contain_text("Leave out what could not be calculated")
    expect(panel).to_contain_text("source: nightly")
    expect(panel.get_by_test_id("key")).to_have_text("ci/P")
    expect(panel.get_by_test_id("value").locator("li").filter(has_text="roc_auc").locator("code")).to_have_text("NaN")
    expect(panel.get_by_test_id("value").locator("li").filter(has_text="log_loss").locator("code")).to_have_text(
        "Infinity"
    )
    page.screenshot(path=artifacts / "letter.png")
    panel.get_by_test_id("copy").click()
    expect(panel.get_by_test_id("copy")).to_have_text("Copied")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert (copied["reason"], copied["value"]["event_id"]) == ("metric_not_finite", "odd")

    # Bytes that are no record are shown as bytes, whatever they spell.
    letter(page, "Undecodable").first.click()
    expect(panel.get_by_test_id("hex")).to_contain_text("000000  3c 69 6d 67 20")
    expect(page).to_have_title("Dead letters · Mooring")
    page.reload()
    expect(panel.get_by_test_id("hex")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_test_id("close-letter").click()
    expect(panel).to_have_count(0)


def test_letters_are_filtered_by_reason_and_topic(page: "Page") -> None:
    page.goto("/dead-letters")
    expect(letter(page, "Metric not finite")).to_have_count(1)
    page.get_by_test_id("reason-metric_not_finite").click()
    expect(page.get_by_test_id("letter-row")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?reason=metric_not_finite$"))
    page.reload()
    expect(page.get_by_test_id("letter-row")).to_have_count(1)
    page.get_by_test_id("topic-filter").select_option(TOPICS.model_builds.name)
    expect(page.get_by_test_id("empty")).to_contain_text("No dead letter matches")
    page.get_by_test_id("clear-filters").click()
    expect(letter(page, "Metric not finite")).to_have_count(1)


def test_a_replay_that_is_refused_again_leads_to_the_new_letter(page: "Page", artifacts: Path) -> None:
    page.goto("/dead-letters?topic=" + TOPICS.model_builds.name)
    letter(page, "Undecodable").last.click()
    panel = page.get_by_test_id("letter-panel")
    was = panel.get_attribute("data-letter-id")
    panel.get_by_test_id("replay").click()
    panel.get_by_test_id("cancel-replay").click()
    expect(panel.get_by_test_id("outcome")).to_have_count(0)
    panel.get_by_test_id("replay").click()
    panel.get_by_test_id("confirm-replay").click()
    expect(panel.get_by_test_id("outcome")).to_contain_text("refused again")
    expect(panel.get_by_test_id("outcome")).to_contain_text(re.compile(r"at offset \d+ of letters\.model-builds"))
    page.screenshot(path=artifacts / "refused-again.png")
    panel.get_by_test_id("again").click()
    expect(panel).not_to_have_attribute("data-letter-id", str(was))
    expect(panel).to_contain_text("Undecodable")


def test_several_are_replayed_and_what_came_of_each_is_told(
    page: "Page", embedded_broker: Broker, artifacts: Path
) -> None:
    # Dated just past the hour that is allowed, so that a replay some seconds later is accepted.
    allowed_ms, ahead_ms = 3_600_000, 4_000
    page.goto("/dead-letters")
    expect(letter(page, "Metric not finite")).to_have_count(1)
    sent_at = time.monotonic()
    send(
        embedded_broker,
        (TOPICS.model_builds.name, b"ci/P", build("late", allowed_ms + ahead_ms), []),
        (TOPICS.model_builds.name, b"ci/OTHER", build("strange"), []),
    )
    # They arrive by themselves.
    for reason in ("Dated in the future", "Wrong key"):
        expect(letter(page, reason)).to_have_count(1)
        letter(page, reason).get_by_test_id("pick").check()
    expect(page.get_by_test_id("picked")).to_have_text("2 selected")
    # A letter that comes meanwhile takes nothing from the selection.
    send(embedded_broker, (TOPICS.model_builds.name, None, build("keyless"), []))
    expect(letter(page, "Missing key")).to_have_count(1)
    expect(page.get_by_test_id("picked")).to_have_text("2 selected")
    page.wait_for_timeout(max(0.0, 1_000 * (sent_at - time.monotonic()) + ahead_ms + 500))
    page.get_by_test_id("replay-selected").click()
    page.get_by_test_id("confirm-selected").click()
    expect(page.get_by_test_id("replay-result")).to_have_text("Of 2 letters: 1 accepted, 1 refused again.")
    expect(letter(page, "Dated in the future").get_by_test_id("replayed")).to_have_text("Replayed, accepted")
    expect(letter(page, "Wrong key").last.get_by_test_id("replayed")).to_have_text("Replayed, refused again")
    expect(page.get_by_test_id("picked")).to_have_count(0)
    page.screenshot(path=artifacts / "replayed.png")
    # What was accepted is in the registry.
    page.goto("/")
    expect(page.locator("[data-version-key='ci/P/m/late']")).to_be_visible()
