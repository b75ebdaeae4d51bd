"""The list of the Model registry in a real browser, as people use it: narrow, order, share, save, export, watch."""

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from mooring.events import Change
from mooring.metrics.catalogue import PredictionType
from mooring.outputs import LifecycleFact, Severity, VersionMetrics
from tests.web.browser.table import keys, row, rows
from tests.web.feed import BUILT_AT, DAY_MS, Feed, version
from tests.web.tabs import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# ROC AUC of each version of FRAUD/cards falls a little more than that of the one before it.
FALLS = (0.0, 0.01, 0.03, 0.05, 0.08)
WORST = "auto-eu/FRAUD/cards/v5"
CHURN = "mlflow-ci/CHURN/leavers/7"


def registry() -> list[VersionMetrics]:
    """Two projects on two nodes."""
    severities = (Severity.NONE, Severity.INFO, Severity.WARNING, Severity.WARNING, Severity.CRITICAL)
    cards = [
        version(
            f"auto-eu/FRAUD/cards/v{number}",
            model_name="Cards used in the whole of Europe",
            initial={"roc_auc": 0.9, "log_loss": 0.3},
            current={"roc_auc": 0.9 - fall, "log_loss": 0.3 + fall, "data_drift": number / 10},
            evaluated_at=BUILT_AT + number * DAY_MS,
            severity=severity,
            algorithm="XGBoost",
            prediction_type=PredictionType.BINARY,
            active=number == 3,
            labels={"team": "risk"},
        )
        for number, (fall, severity) in enumerate(zip(FALLS, severities, strict=True), 1)
    ]
    deployed = LifecycleFact(
        change=Change.DEPLOYED, infrastructure="prod-eu", stage="Production", changed_at=BUILT_AT, event_id="d1"
    )
    leavers = version(
        CHURN,
        initial={"roc_auc": 0.8, "log_loss": 0.5},
        current={"roc_auc": 0.82, "log_loss": 0.48},
        algorithm="Random forest",
        labels={"team": "growth", "gdpr": "yes"},
        lifecycle=(deployed,),
    )
    return [*cards, leavers]


@pytest.fixture(scope="module")
def feed(feed: Feed) -> Feed:
    feed.send(feed.topics.version_metrics, *registry())
    return feed


@pytest.fixture
def page(page: "Page") -> "Page":
    page.goto("/")
    expect(rows(page)).to_have_count(6)
    return page


def headings(page: "Page") -> list[str]:
    return [text.strip() for text in page.get_by_test_id("registry").locator("thead th").all_inner_texts()]


def test_a_view_is_made_step_by_step_shared_and_gone_back_to(
    page: "Page", url: str, chromium: "Browser", artifacts: Path
) -> None:
    page.get_by_test_id("focus-select").select_option("log_loss")
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("severity-CRITICAL").check()
    expect(rows(page)).to_have_count(1)
    page.get_by_test_id("severity-WARNING").check()
    expect(rows(page)).to_have_count(3)
    page.get_by_test_id("project-filter").fill("FRAUD")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("chip")).to_have_text(["ProjectFRAUD", "SeverityCritical", "SeverityWarning"])
    page.get_by_test_id("worst-first").click()
    expect(page.get_by_test_id("worst-first")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("project-row")).to_have_count(0)
    shown = [WORST, "auto-eu/FRAUD/cards/v4", "auto-eu/FRAUD/cards/v3"]
    assert keys(page) == shown
    expect(row(page, WORST).get_by_test_id("drift")).to_have_text(re.compile(r"▲\s+\+0\.0800\s+worse"))
    page.screenshot(path=artifacts / "narrowed.png")

    # Whoever has the address sees the same.
    with tab(chromium, url) as other:
        other.goto(page.url)
        expect(rows(other)).to_have_count(3)
        assert keys(other) == shown
        expect(other.get_by_test_id("focus-select")).to_have_value("log_loss")
        expect(other.get_by_test_id("chip")).to_have_count(3)

    # Back, step by step: to the hierarchy, then to all projects; a filter that has two values keeps both.
    page.go_back()
    expect(page.get_by_test_id("project-row")).to_have_count(1)
    page.go_back()
    expect(page.get_by_test_id("chip")).to_have_text(["SeverityCritical", "SeverityWarning"])
    page.get_by_role("button", name="Remove filter Severity Critical").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_test_id("clear-all").click()
    expect(rows(page)).to_have_count(6)
    expect(page.get_by_test_id("count")).to_have_text("6 versions")
    expect(page).to_have_url(re.compile(r"/\?focus=log_loss$"))


@pytest.mark.parametrize(
    ("fields", "query", "found"),
    [
        ({"node-filter": "mlflow-ci"}, "?node=mlflow-ci", [CHURN]),
        ({"model-filter": "leavers"}, "?model=leavers", [CHURN]),
        ({"algorithm-filter": "Random forest"}, "?algorithm=Random+forest", [CHURN]),
        ({"label-filter": "team=growth"}, "?label=team%3Dgrowth", [CHURN]),
        ({"label-filter": "gdpr"}, "?label=gdpr", [CHURN]),
        ({"value-most": "0.83"}, "?value=roc_auc:..0.83", [CHURN, WORST]),
        ({"value-least": ".81", "value-most": "0.825"}, "?value=roc_auc:0.81..0.825", [CHURN, WORST]),
        ({"drift-least": "0.01"}, "?drift=roc_auc:0.01..", [CHURN]),
    ],
)
def test_each_filter_is_typed_and_in_the_address(
    page: "Page", fields: dict[str, str], query: str, found: list[str]
) -> None:
    page.get_by_test_id("filters-button").click()
    for field, typed in fields.items():
        page.get_by_test_id(field).fill(typed)
        page.keyboard.press("Tab")
    expect(rows(page)).to_have_count(len(found))
    assert keys(page) == found
    assert page.url.endswith(f"/{query}")


def test_times_and_flags_narrow_too(page: "Page") -> None:
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("from-filter").fill("2025-11-05T12:00")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_test_id("chip")).to_contain_text("Evaluated from")
    page.get_by_test_id("to-filter").fill("2025-11-04T12:00")
    expect(page.get_by_test_id("to-wrong")).to_have_text("The end has to be later than the beginning.")
    page.get_by_test_id("clear-all").click()
    page.get_by_test_id("active-choice").select_option("false")
    expect(rows(page)).to_have_count(5)
    page.get_by_test_id("archived-choice").select_option("true")
    expect(page.get_by_test_id("empty")).to_contain_text("No version matches")


def test_what_cannot_be_is_said_where_it_was_typed(page: "Page", artifacts: Path) -> None:
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("value-least").fill("high")
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("value-wrong")).to_contain_text("'high' is no number")
    expect(page.get_by_test_id("value-least")).to_have_attribute("aria-invalid", "true")
    page.get_by_test_id("project-filter").fill("FRAUDS")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("project-wrong")).to_have_text("There is no project “FRAUDS”.")
    expect(page.get_by_test_id("project-filter")).to_have_value("FRAUDS")
    page.screenshot(path=artifacts / "wrong.png")
    expect(rows(page)).to_have_count(6)
    page.get_by_test_id("project-filter").fill("FRAUD")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("project-wrong")).to_have_count(0)
    expect(page.get_by_test_id("project-filter")).to_have_value("")
    expect(rows(page)).to_have_count(5)

    # An address can be wrong as well.
    page.goto("/?sort=age&focus=unheard&drift=nothing:0..&project=FRAUD")
    expect(rows(page)).to_have_count(5)
    said = page.get_by_test_id("left-out")
    expect(said).to_have_count(3)
    expect(said.filter(has_text="'age'")).to_have_count(1)
    expect(said.filter(has_text="'unheard'")).to_have_count(1)
    page.get_by_test_id("clear-all").click()
    expect(said).to_have_count(0)


def test_names_are_suggested_as_they_are_typed(page: "Page") -> None:
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("label-filter").focus()
    known = page.get_by_test_id("label-known").locator("option")
    expect(known).to_have_count(5)
    page.get_by_test_id("label-filter").press_sequentially("gro")
    expect(known).to_have_count(1)
    expect(known).to_have_attribute("value", "team=growth")


def test_views_are_kept_under_a_name_in_this_browser(page: "Page", artifacts: Path) -> None:
    page.get_by_test_id("active-filter").check()
    page.get_by_test_id("worst-first").click()
    expect(page).to_have_url(re.compile(r"\?active=true&sort=-degradation$"))
    page.get_by_test_id("views-button").click()
    expect(page.get_by_test_id("views")).to_contain_text("in this browser only")
    page.get_by_test_id("view-name").fill("Active, worst first")
    page.get_by_test_id("save-view").click()
    expect(page.get_by_test_id("views-button")).to_have_text("Active, worst first")
    page.screenshot(path=artifacts / "views.png")

    page.goto("/")
    expect(rows(page)).to_have_count(6)
    page.get_by_test_id("views-button").click()
    page.get_by_test_id("saved-view").get_by_role("link", name="Active, worst first").click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?active=true&sort=-degradation$"))

    page.get_by_test_id("views-button").click()
    page.get_by_role("button", name="Rename Active, worst first").click()
    page.get_by_test_id("new-name").fill("Mine")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("saved-view")).to_have_text(["Mine"])
    page.get_by_role("button", name="Delete Mine").click()
    expect(page.get_by_test_id("saved-view")).to_have_count(0)
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_test_id("saved-view")).to_have_text(["Mine"])
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("views")).to_be_hidden()


def test_columns_are_chosen_ordered_and_pinned(page: "Page", artifacts: Path) -> None:
    # Deployments are known of one version, so there is a column for them.
    expect(row(page, CHURN).get_by_test_id("deployments")).to_have_text("prod-eu · Production")
    assert headings(page)[:3] == ["Version", "Status", "ROC AUC"]
    page.get_by_test_id("columns-button").click()
    chooser = page.get_by_test_id("columns")
    for key in ("status", "initial", "data_drift", "deployments", "evaluated_at", "node"):
        chooser.get_by_test_id(f"column-{key}").get_by_role("checkbox").uncheck()
        expect(page.locator(f"thead .m-col-{key}")).to_have_count(0)
    chooser.get_by_test_id("column-algorithm").get_by_role("checkbox").check()
    expect(page.locator("thead .m-col-algorithm")).to_have_count(1)
    assert headings(page) == ["Version", "ROC AUC", "Trend", "Drift", "Algorithm"]
    # By keyboard: the button keeps the focus while its column moves.
    up = chooser.get_by_test_id("column-algorithm").get_by_test_id("up")
    up.focus()
    for place in (3, 2, 1):
        page.keyboard.press("Enter")
        expect(page.locator("thead th").nth(place)).to_have_text("Algorithm")
        expect(up).to_be_focused()
    chooser.get_by_test_id("column-algorithm").get_by_test_id("pin").click()
    expect(page).to_have_url(re.compile(r"\?columns=algorithm,value,trend,drift&pin=2$"))
    expect(row(page, CHURN).locator("td").nth(1)).to_have_css("position", "sticky")
    page.screenshot(path=artifacts / "columns.png")
    page.reload()
    expect(rows(page)).to_have_count(6)
    assert headings(page) == ["Version", "Algorithm", "ROC AUC", "Trend", "Drift"]
    # What is pinned stays where it is, next to each other, however far the rest is scrolled.
    page.set_viewport_size({"width": 900, "height": 700})
    more = "degradation,project,state,prediction_type,built_at,updated_at"
    page.goto(f"/?columns=algorithm,value,trend,drift,{more}&pin=2")
    expect(rows(page)).to_have_count(6)
    page.locator(".m-list").evaluate("list => list.scrollLeft = 400")
    name, algorithm = (row(page, CHURN).locator("td").nth(place).bounding_box() for place in (0, 1))
    listed = page.locator(".m-list").bounding_box()
    assert name is not None
    assert algorithm is not None
    assert listed is not None
    assert abs(name["x"] - listed["x"]) < 2
    assert abs(algorithm["x"] - name["x"] - name["width"]) < 2


def test_it_is_flat_where_someone_wants_it_so(page: "Page") -> None:
    expect(page.get_by_test_id("model-row")).to_have_count(2)
    page.get_by_test_id("flat").click()
    expect(page.get_by_test_id("model-row")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?flat=true$"))
    expect(row(page, CHURN)).to_contain_text("CHURN › leavers")
    page.get_by_test_id("sort-select").select_option("-data_drift")
    expect(rows(page).first).to_have_attribute("data-version-key", WORST)
    page.get_by_test_id("grouped").click()
    expect(page.get_by_test_id("model-row")).to_have_count(2)
    expect(page.get_by_test_id("sort-select")).to_have_value("hierarchy")


def test_data_drift_can_be_the_focus(page: "Page") -> None:
    page.get_by_test_id("focus-select").select_option("data_drift")
    expect(row(page, WORST).get_by_test_id("value")).to_have_text("0.5000")
    page.get_by_test_id("worst-first").click()
    expect(rows(page).first).to_have_attribute("data-version-key", WORST)


def test_what_is_shown_is_exported(page: "Page", url: str) -> None:
    page.get_by_test_id("focus-select").select_option("log_loss")
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("severity-CRITICAL").check()
    page.get_by_test_id("severity-WARNING").check()
    expect(rows(page)).to_have_count(3)
    page.get_by_test_id("worst-first").click()
    expect(page.get_by_test_id("worst-first")).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as download:
        page.get_by_test_id("export").click()
    assert download.value.suggested_filename == "mooring-log_loss.csv"
    lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    asked = {"focus": "log_loss", "severity": ["CRITICAL", "WARNING"], "sort": "-degradation"}
    items = httpx.get(f"{url}/api/v1/versions", params=asked).raise_for_status().json()["items"]
    assert [(line["version"], float(line["value"])) for line in lines] == [
        (item["version"], item["value"]) for item in items
    ]
    assert [f"auto-eu/FRAUD/cards/{line['version']}" for line in lines] == keys(page)


def test_rows_are_walked_with_the_arrow_keys(page: "Page") -> None:
    page.get_by_test_id("worst-first").click()
    expect(page.get_by_test_id("project-row")).to_have_count(0)
    row(page, WORST).get_by_role("link").focus()
    page.keyboard.press("ArrowDown")
    expect(row(page, "auto-eu/FRAUD/cards/v4").get_by_role("link")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(page, WORST).get_by_role("link")).to_be_focused()
    page.get_by_test_id("filters-button").click()
    page.get_by_test_id("project-filter").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("filter-panel")).to_be_hidden()
    expect(page.get_by_test_id("filters-button")).to_be_focused()


def test_it_has_room_for_what_matters(other_look: "Page", artifacts: Path) -> None:
    other_look.goto("/?sort=-degradation&severity=CRITICAL&severity=WARNING")
    expect(rows(other_look)).to_have_count(3)
    other_look.screenshot(path=artifacts / "list.png")
    assert other_look.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in ("value", "drift"):
        box = row(other_look, WORST).get_by_test_id(part).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= other_look.evaluate("innerWidth")
    other_look.get_by_test_id("filters-button").click()
    expect(other_look.get_by_test_id("project-filter")).to_be_in_viewport()
    other_look.screenshot(path=artifacts / "filters.png")
    assert other_look.evaluate("document.documentElement.scrollWidth <= innerWidth")
