"""A notebook that gets another path in Lab: its Spark session is told, once for each rename."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
RENAMED = "POST notebook:renamed"


def rename_in_file_browser(page: Page, before: str, after: str) -> None:
    page.locator(".jp-DirListing-content").get_by_text(before, exact=True).click(button="right")
    page.get_by_role("menuitem", name="Rename").click()
    page.locator(".jp-DirListing-editor").fill(after)
    page.keyboard.press("Enter")
    expect(page.locator(".jp-DirListing-content").get_by_text(after, exact=True)).to_be_visible()


def told(server_extension: Any) -> list[tuple[str, str]]:
    bodies = [key.removeprefix(RENAMED) for key in server_extension.asked if key.startswith(RENAMED)]
    return [(body["old"], body["new"]) for body in map(json.loads, bodies)]


def test_a_folder_and_a_notebook_that_are_renamed_in_the_file_browser_are_told_once(
    open_lab: Page, server_extension: Any, lab: Any
) -> None:
    server_extension.answers[RENAMED] = (200, {"sessions": []})
    may, june = f"may-{time.monotonic_ns()}", f"june-{time.monotonic_ns()}"
    folder = lab.folder / "Jupyter" / may
    folder.mkdir()
    for name in ("open.ipynb", "closed.ipynb"):
        nbformat.write(nbformat.v4.new_notebook(), folder / name)
    listing = open_lab.locator(".jp-DirListing-content")
    listing.get_by_text("Jupyter", exact=True).dblclick()
    listing.get_by_text(may, exact=True).dblclick()
    listing.get_by_text("open.ipynb", exact=True).dblclick()
    open_lab.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    with open_lab.expect_request(re.compile("/hops/notebook:renamed")):
        rename_in_file_browser(open_lab, "closed.ipynb", "other.ipynb")
    open_lab.get_by_title("Jupyter", exact=True).click()
    with open_lab.expect_request(re.compile("/hops/notebook:renamed")):
        rename_in_file_browser(open_lab, may, june)
    expect(open_lab.get_by_role("tab", name="open.ipynb")).to_be_visible()
    open_lab.wait_for_timeout(1_000)  # were the open notebook told besides, it would have been by now
    assert told(server_extension) == [
        (f"Jupyter/{may}/closed.ipynb", f"Jupyter/{may}/other.ipynb"),
        (f"Jupyter/{may}", f"Jupyter/{june}"),
    ]
