"""What the extension can do is found where people look for it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_the_launcher_has_the_projects_cards_in_their_order(open_lab: Page) -> None:
    section = open_lab.locator(".jp-Launcher-section").filter(
        has=open_lab.get_by_role("heading", name="Project", exact=True)
    )
    expect(section.locator(".jp-LauncherCard")).to_have_text(["Welcome Notebook", "TensorBoard", "Project Page"])
