"""The Model registry page in a real browser, in front of the real processes."""

from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, expect

from tests.end_to_end.conftest import System
from tests.web.tabs import tab

# A version in Playwright's words: its row, by the key that the API knows it by.
ROW = '[data-testid="version-row"][data-version-key="{}"]'


def test_a_person_watches_an_evaluation_arrive(system: System, chromium: Browser, artifacts: Path) -> None:
    project = f"Seen on {system.broker.kind}"
    keys = [f"ci/{quote(project)}/churn/{version}" for version in ("v1", "v2")]
    with system.client(project) as mooring, tab(chromium, system.services.url) as page:
        for version, active, value in (("v1", False, 0.84), ("v2", True, 0.87)):
            mooring.model_built(
                "churn",
                version,
                model_name="<b>Churn</b>",
                prediction_type="BINARY",
                algorithm="random forest",
                metrics={"roc_auc": value, "log_loss": 0.4, "accuracy": 0.8},
                activate=active,
            )
        mooring.flush()

        page.goto(f"/?project={quote(project)}")
        first, second = (page.locator(ROW.format(key)) for key in keys)
        expect(first).to_be_visible()
        expect(second.get_by_test_id("active")).to_be_visible()
        expect(first.get_by_test_id("active")).to_have_count(0)
        expect(second.get_by_test_id("initial")).to_contain_text("0.87")
        # Names are text, whatever they hold.
        expect(page.get_by_test_id("model-row")).to_contain_text("<b>Churn</b>")

        # Live: no reload, and the reader's place is kept.
        second.click()
        panel = page.get_by_test_id("details-panel")
        panel.get_by_test_id("tab-model-metrics").click()
        mooring.evaluated("churn", "v2", store="weekly", metrics={"roc_auc": 0.81, "log_loss": 0.5, "data_drift": 0.6})
        mooring.flush()
        expect(second.get_by_test_id("drift")).to_contain_text("0.06")
        expect(second.get_by_test_id("value")).to_contain_text("0.81")
        expect(panel.get_by_test_id("metric-row").filter(has_text="ROC AUC")).to_contain_text("0.81")
        expect(panel.get_by_test_id("metric-row").filter(has_text="Accuracy")).to_contain_text("0.8")
        page.screenshot(path=artifacts / f"{system.broker.kind}-details.png")

        # Another metric to focus; the address can be shared.
        page.get_by_test_id("close-details").click()
        page.get_by_test_id("focus-select").select_option("log_loss")
        expect(second.get_by_test_id("value")).to_contain_text("0.5")
        expect(second.get_by_test_id("drift")).to_contain_text("0.1")
        page.screenshot(path=artifacts / f"{system.broker.kind}-registry.png")
        with tab(chromium, system.services.url) as shared:
            shared.goto(page.url)
            expect(shared.locator(ROW.format(keys[1])).get_by_test_id("value")).to_contain_text("0.5")
