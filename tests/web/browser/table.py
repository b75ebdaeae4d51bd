"""The table of versions in a tab."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def rows(page: "Page") -> "Locator":
    return page.get_by_test_id("version-row")


def row(page: "Page", key: str) -> "Locator":
    return page.locator(f"[data-testid=version-row][data-version-key='{key}']")


def keys(page: "Page") -> list[str]:
    """The versions' keys, in the order of the rows."""
    found: list[str] = rows(page).evaluate_all("rows => rows.map(row => row.dataset.versionKey)")
    return found
