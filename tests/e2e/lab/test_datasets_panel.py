"""The sidebar Datasets, and what a right click in the file browser offers: by role, by place, by keyboard."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from bench.lab_server import RunningLab
from tests.e2e.axe import faults_of

from .asking import retry
from .conftest import PROJECT
from .notebook_page import MINUTE_MS, choose_theme

pytestmark = pytest.mark.browser
PAGES = "/services/hops/projects/weather"
SHARING = f"{PAGES}/datasets/raw/sharing"
RAW: dict[str, Any] = {
    "name": "raw", "description": "As it came.", "shared": None, "page": f"{PAGES}/datasets/raw", "sharing": SHARING,
}  # fmt: skip
LEVELS: dict[str, Any] = {
    "name": "Shared/tides/levels", "description": None, "page": f"{PAGES}/datasets/Shared:tides:levels",
    "shared": {"project": "tides", "dataset": "levels", "mode": "read", "download": False}, "sharing": None,
}  # fmt: skip
OFFER: dict[str, Any] = {
    "project": "moon", "title": "Moon", "dataset": "rocks", "description": None, "state": "offered", "mode": "read",
    "download": False,
}  # fmt: skip
DATASETS: dict[str, Any] = {
    "items": [RAW, LEVELS], "waiting": [OFFER], "received": f"{PAGES}/received", "published": f"{PAGES}/published",
}  # fmt: skip
DETAIL = RAW | {
    "size": {"bytes": 1536, "files": 2, "whole": True},
    "readme": "raw/README.md",
    "users": [
        {"project": "tides", "title": "Tides", "state": "accepted", "mode": "read", "download": False, "members": 2}
    ],
}
OWN = ("Share…", "Publish…", "Who Has Access", "Describe")


@pytest.fixture
def with_datasets(lab: RunningLab, server_extension: Any) -> Any:
    server_extension.answers["GET datasets"] = (200, DATASETS)
    server_extension.answers["GET datasets/raw"] = (200, DETAIL)
    for folder in ("raw/2026", "Shared/tides/levels"):
        (lab.folder / folder).mkdir(parents=True, exist_ok=True)
    (lab.folder / "raw" / "README.md").write_text("# Measurements\n\n<script>window.evil = 1</script> One row an hour.")
    (lab.folder / "raw" / "day.csv").write_text("1\n")
    (lab.folder / "Shared" / "tides" / "levels" / "may.csv").write_text("1\n")
    return server_extension


def open_panel(page: Page) -> Locator:
    page.get_by_role("tab", name="Datasets").click()
    panel = page.get_by_role("region", name="Datasets")
    expect(panel.get_by_role("list", name="Datasets of this project")).to_be_visible()
    return panel


def go_to(page: Page, *folders: str) -> Locator:
    """The file browser's list, in a folder."""
    files = page.locator(".jp-DirListing-content")
    for folder in folders:
        files.get_by_text(folder, exact=True).dblclick()
        expect(page.locator(".jp-BreadCrumbs")).to_contain_text(folder)
    return files


def entries(page: Page, name: str) -> set[str]:
    """What a right click on a file or folder offers."""
    page.locator(".jp-DirListing-content").get_by_text(name, exact=True).click(button="right")
    page.locator(".lm-Menu-content").first.wait_for()
    found = {text.strip() for text in page.locator(".lm-Menu-itemLabel:visible").all_inner_texts() if text.strip()}
    page.keyboard.press("Escape")
    expect(page.locator(".lm-Menu")).to_have_count(0)
    return found


def window_of(page: Page, act: Any) -> Page:
    """The window that an act opens; nothing answers there."""
    page.context.route("**/services/hops/**", lambda route: route.fulfill(content_type="text/html", body="<p>Here"))
    with page.context.expect_page() as opened:
        act()
    opened.value.wait_for_load_state()
    return opened.value


def test_the_panel_leads_by_keyboard_to_a_window_that_knows_nothing_of_lab(with_datasets: Any, open_lab: Page) -> None:
    panel = open_panel(open_lab)
    expect(panel.get_by_role("status")).to_have_text("1 of this project, 1 shared by others")
    button = panel.get_by_role("button", name="Actions for raw")
    button.press("Enter")
    menu = open_lab.get_by_role("menu").last
    expect(menu.get_by_role("menuitem")).to_have_text(["Open in File Browser", *OWN, "Download…"])
    open_lab.keyboard.press("Escape")
    expect(button).to_be_focused()
    button.press("Enter")
    open_lab.keyboard.press("ArrowDown")
    open_lab.keyboard.press("ArrowDown")
    window = window_of(open_lab, lambda: open_lab.keyboard.press("Enter"))
    assert window.url.endswith(SHARING)
    assert window.evaluate("() => window.opener") is None
    # Whoever comes back sees what has changed.
    with open_lab.expect_request(re.compile(r"/hops/datasets(\?|$)")):
        window.close()
        open_lab.bring_to_front()
        open_lab.evaluate("() => window.dispatchEvent(new Event('focus'))")


def test_offers_and_published_ones_open_their_windows(with_datasets: Any, open_lab: Page) -> None:
    panel = open_panel(open_lab)
    answer = window_of(open_lab, lambda: panel.get_by_role("button", name="Answer…").click())
    assert answer.url.endswith(f"{PAGES}/received")
    panel.get_by_role("searchbox").fill("moon rocks")
    found = window_of(open_lab, lambda: panel.get_by_role("searchbox").press("Enter"))
    assert found.url.endswith(f"{PAGES}/published?search=moon%20rocks")


def test_a_dataset_is_described_without_running_what_its_readme_holds(with_datasets: Any, open_lab: Page) -> None:
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Actions for raw").click()
    open_lab.get_by_role("menuitem", name="Describe").click()
    dialog = open_lab.get_by_role("dialog")
    expect(dialog).to_contain_text("1.5 KiB in 2 files")
    expect(dialog.get_by_role("heading", name="Measurements")).to_be_visible()
    assert open_lab.evaluate("() => window.evil") is None
    assert faults_of(open_lab, ".jp-Dialog") == []
    dialog.get_by_role("button", name="Close").click()
    panel.get_by_role("button", name="Actions for raw").click()
    open_lab.get_by_role("menuitem", name="Who Has Access").click()
    expect(dialog).to_contain_text("Ada Lovelace Data Owner")
    expect(dialog).to_contain_text("tides read only · 2 members")
    assert faults_of(open_lab, ".jp-Dialog") == []


def test_a_right_click_offers_what_one_may_where_it_means_something(with_datasets: Any, open_lab: Page) -> None:
    open_panel(open_lab)
    open_lab.get_by_role("tab", name="File Browser").click()
    named = {"Share Dataset raw…", "Publish Dataset raw…", "Who Has Access to raw", "Describe Dataset raw"}
    everything = {*OWN} | named | {"Describe Dataset Shared/tides/levels"}
    assert entries(open_lab, "raw") & (everything | {"Download…"}) == {*OWN, "Download…"}
    assert entries(open_lab, "Shared") & everything == set()
    go_to(open_lab, "raw")
    assert entries(open_lab, "day.csv") & (everything | {"Download", "Download…"}) == named | {"Download"}
    assert entries(open_lab, "2026") & (everything | {"Download…"}) == named | {"Download…"}
    open_lab.locator(".jp-BreadCrumbs-home").click()
    go_to(open_lab, "Shared", "tides")
    assert entries(open_lab, "levels") & (everything | {"Download", "Download…"}) == {"Describe"}
    go_to(open_lab, "levels")
    of_file = entries(open_lab, "may.csv")
    assert of_file & (everything | {"Download", "Download…"}) == {"Describe Dataset Shared/tides/levels"}


def test_a_data_scientist_is_offered_no_share_and_no_download(with_datasets: Any, page: Page, lab: RunningLab) -> None:
    with_datasets.answers["GET project"] = (200, PROJECT | {"role": "data_scientist"})
    page.goto(lab.workspace(f"auto-{time.monotonic_ns()}"))
    page.locator(".jp-Launcher").wait_for(timeout=2 * MINUTE_MS)
    panel = open_panel(page)
    expect(panel).to_contain_text("A Data Owner of this project answers.")
    page.get_by_role("tab", name="File Browser").click()
    assert entries(page, "raw") & {*OWN, "Download…"} == {"Who Has Access", "Describe"}


def test_axe_finds_nothing_in_the_panel_in_light_and_dark_however_narrow(with_datasets: Any, open_lab: Page) -> None:
    panel = open_panel(open_lab)
    assert faults_of(open_lab, "#jupyterlab-hops-datasets") == []
    choose_theme(open_lab, "JupyterLab Dark")
    try:
        assert faults_of(open_lab, "#jupyterlab-hops-datasets") == []
    finally:
        choose_theme(open_lab, "JupyterLab Light")  # the server keeps the choice for others
    handle = open_lab.locator("#jp-main-split-panel > .lm-SplitPanel-handle").first
    box = handle.bounding_box()
    assert box is not None
    open_lab.mouse.move(box["x"] + 1, box["y"] + 300)
    open_lab.mouse.down()
    open_lab.mouse.move(60, box["y"] + 300)
    open_lab.mouse.up()
    assert panel.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_what_can_not_be_read_says_why_and_what_to_do(with_datasets: Any, open_lab: Page) -> None:
    panel = open_panel(open_lab)
    problem = {"title": "No answer", "status": 503, "detail": "It does not answer.", "remedy": "Try again in a moment."}
    with_datasets.answers["GET datasets"] = (503, problem)
    panel.get_by_role("button", name="Refresh").click()
    expect(panel.get_by_role("alert")).to_contain_text("It does not answer.")
    expect(panel.get_by_role("button", name="Retry")).to_be_visible()
    with_datasets.answers["GET datasets"] = (200, DATASETS)
    retry(panel)
    expect(panel.get_by_role("alert")).to_have_count(0)
