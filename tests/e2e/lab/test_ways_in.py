"""What the extension can do is found where people look for it."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_the_launcher_has_the_projects_cards_in_their_order(open_lab: Page) -> None:
    section = open_lab.locator(".jp-Launcher-section").filter(
        has=open_lab.get_by_role("heading", name="Project", exact=True)
    )
    expect(section.locator(".jp-LauncherCard")).to_have_text(["Welcome Notebook", "TensorBoard", "Project Page"])


def test_a_link_to_a_file_in_an_output_opens_a_tab_and_no_second_lab(open_lab: Page, lab: Any) -> None:
    (lab.folder / "Experiments" / "run_1" / "output.log").write_text("the last words\n")
    link = f'<a href="{lab.url}lab/tree/Experiments/run_1/output.log" target="_blank">output.log</a>'
    shown = nbformat.v4.new_output("display_data", data={"text/html": link})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("run", outputs=[shown])])
    nbformat.write(notebook, lab.folder / "Jupyter" / "linked.ipynb")
    open_lab.locator(".jp-DirListing-content").get_by_text("Jupyter").dblclick()
    open_lab.locator(".jp-DirListing-content").get_by_text("linked.ipynb").dblclick()
    if (dialog := open_lab.get_by_role("dialog")).count():
        dialog.get_by_role("button", name="No Kernel").click()
    open_lab.locator(".jp-OutputArea").get_by_role("link", name="output.log").click()
    expect(open_lab.get_by_role("tab", name="output.log")).to_be_visible()
    expect(open_lab.get_by_text("the last words")).to_be_visible()
    assert len(open_lab.context.pages) == 1
