from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_panel_shows_project_role_members_server_and_sessions(open_lab: Page) -> None:
    open_lab.get_by_role("tab", name="Project").click()
    panel = open_lab.get_by_role("region", name="Project")
    expect(panel.get_by_role("heading", name="Weather of the coast")).to_be_visible()
    open_lab.screenshot(path="/tmp/scratch/panel.png")
