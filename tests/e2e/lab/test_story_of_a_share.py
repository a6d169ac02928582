"""The whole story of a share on a real site: two people, two projects, Lab, the pages, and a PySpark cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from hops_contract.sandbox import SandboxError, find_program
from hopslab.demo.logins import Login, kept_login
from hopslab.demo.visitor import Visitor
from hopslab.errors import SiteError
from tests.waiting import until

from .notebook_page import (
    CELLS,
    MINUTE_MS,
    PICTURES,
    cell,
    open_notebook,
    page_of,
    run,
    server_of_a_project,
    write_notebook,
)

pytestmark = [pytest.mark.browser, pytest.mark.spark, pytest.mark.hub, pytest.mark.timeout(1500)]
SHARED = "Shared/weather/raw"
IN_ADDRESS = "projects/tides/datasets/Shared:weather:raw"
NOTEBOOK = "Jupyter/tides.ipynb"
READ = f"""from hops import dataset

raw = dataset.path("{SHARED}")
spark.read.csv(f"{{raw}}/day.csv", header=True).show()"""
WRITE = 'open(f"{raw}/new.csv", "w")'
READ_BY_PATH = 'spark.read.csv(f"{raw}/day.csv").count()'
ENDED = re.compile(
    r"The dataset 'raw' of the project 'weather' is no longer shared with this project: a Data Owner of 'weather' "
    r"ended the share on \d{4}-\d\d-\d\d at \d\d:\d\d UTC\. Ask a Data Owner of 'weather' to share it again"
)


@pytest.fixture(scope="module")
def logins(site: Any) -> dict[str, Login]:
    try:
        find_program()
    except SandboxError as error:
        pytest.skip(f"needs sandboxes: {error}")
    return {name: kept_login(name, site.env) for name in ("ada", "grace")}


@pytest.fixture(scope="module")
def people(site: Any, logins: dict[str, Login]) -> Iterator[tuple[Visitor, Visitor]]:
    """Ada with weather and its dataset raw, Grace with tides; a notebook server of each runs."""
    with ExitStack() as servers:
        ada = servers.enter_context(server_of_a_project(site, logins["ada"], "weather"))
        grace = servers.enter_context(server_of_a_project(site, logins["grace"], "tides"))
        raw = Path(site.env["HOPS_HOME"]) / "projects" / "weather" / "raw"
        ada.call("POST", "projects/weather/datasets", {"name": "raw", "description": "Rain as it was measured."})
        until(raw.is_dir)
        (raw / "day.csv").write_text("day,rain\n2026-05-01,0\n2026-05-02,7\n")
        (raw / "README.md").write_text("# Rain\n\nMillimetres of a day, as the station sent them.\n")
        write_notebook(grace, "user/grace/tides/", NOTEBOOK, [READ, WRITE, READ_BY_PATH])
        yield ada, grace


def window_of(page: Page, act: Any) -> Page:
    """The small window that an act in Lab opens."""
    with page.context.expect_page() as opened:
        act()
    opened.value.set_viewport_size({"width": 600, "height": 780})
    return opened.value


def open_lab(page: Page, site: Any, server: str) -> None:
    page.goto(f"{site.url}{server}lab/tree/Jupyter")
    page.locator(".jp-DirListing-content").wait_for()
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def test_ada_shares_grace_reads_and_takes_nothing_out_until_ada_ends_it(
    chromium: Browser, site: Any, logins: dict[str, Login], people: tuple[Visitor, Visitor]
) -> None:
    _, grace = people
    with page_of(chromium, site, logins["ada"]) as adas, page_of(chromium, site, logins["grace"]) as graces:
        let_others_find(graces, site)
        share_by_a_right_click(adas, site)
        accept_on_the_page(graces, site)
        read_in_a_cell(graces, site)
        write_and_take_nothing_out(graces, grace)
        end_it_in_the_panel(adas)
        until(lambda: names_below_shared(grace), wanted=lambda names: "NO_LONGER_SHARED.txt" in names, seconds=120)
        read_once_more(graces)


def let_others_find(page: Page, site: Any) -> None:
    page.goto(f"{site.url}services/hops/projects/tides")
    page.get_by_role("button", name="Edit").first.click()
    page.locator("#edit-listed").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def share_by_a_right_click(page: Page, site: Any) -> None:
    open_lab(page, site, "user/ada/weather/")
    page.locator(".jp-BreadCrumbs-home").click()
    raw = page.locator(".jp-DirListing-content").get_by_text("raw", exact=True)
    raw.click(button="right")
    share = page.get_by_role("menuitem", name="Share…")
    expect(share).to_be_visible()
    page.screenshot(path=PICTURES / "share-menu.png")
    window = window_of(page, share.click)
    target = window.get_by_label("Share with the project")
    expect(window.get_by_text("No other project has it.")).to_be_visible()
    target.fill("tid")
    expect(window.locator("#share-targets option[value=tides]")).to_be_attached()
    target.fill("tides")
    expect(window.get_by_label("For what")).to_have_value("read")
    expect(window.locator("#share-seen")).to_contain_text(f"all members of tides see the files of raw at {SHARED}")
    window.screenshot(path=PICTURES / "share-window.png")
    window.get_by_role("button", name="Share", exact=True).click()
    expect(window.get_by_text("offered, not accepted yet")).to_be_visible()
    window.get_by_role("button", name="Close").click()
    until(window.is_closed)


def accept_on_the_page(page: Page, site: Any) -> None:
    page.goto(f"{site.url}services/hops/projects/tides")
    page.get_by_role("button", name="Accept weather/raw").click()
    expect(page.get_by_text(SHARED).first).to_be_visible()


def read_in_a_cell(page: Page, site: Any) -> None:
    open_notebook(page, site, "user/grace/tides/", NOTEBOOK)
    expect(run(page, 0).filter(has_text="2026-05-02").first).to_be_visible(timeout=3 * MINUTE_MS)


def write_and_take_nothing_out(page: Page, grace: Visitor) -> None:
    page.get_by_role("tab", name="Datasets").click()
    panel = page.get_by_role("region", name="Datasets")
    expect(panel.get_by_role("list", name="Datasets of other projects")).to_contain_text("weather/raw")
    expect(panel).to_contain_text("read only")
    page.screenshot(path=PICTURES / "share-read.png")
    expect(run(page, 1).filter(has_text="Read-only file system").first).to_be_visible()
    panel.get_by_role("button", name="weather/raw").first.click()
    day = page.locator(".jp-DirListing-content").get_by_text("day.csv", exact=True)
    day.click(button="right")
    expect(page.get_by_role("menuitem", name="Describe Dataset Shared/weather/raw")).to_be_visible()
    expect(page.get_by_role("menuitem", name=re.compile("^Download"))).to_have_count(0)
    expect(page.get_by_role("menuitem", name=re.compile("^Share"))).to_have_count(0)
    page.keyboard.press("Escape")
    with pytest.raises(SiteError, match="does not allow"):
        grace.call("GET", f"{IN_ADDRESS}/content?path=day.csv")
    with pytest.raises(SiteError, match="403"):
        grace.get(f"user/grace/tides/files/{SHARED}/day.csv")


def end_it_in_the_panel(page: Page) -> None:
    page.get_by_role("tab", name="Datasets").click()
    panel = page.get_by_role("region", name="Datasets")
    panel.get_by_role("button", name="Actions for raw").click()
    window = window_of(page, page.get_by_role("menuitem", name="Share…").click)
    window.get_by_role("button", name="End: tides").click()
    window.get_by_role("dialog").get_by_role("button", name="End the share").click()
    expect(window.get_by_text("No other project has it.")).to_be_visible()
    window.close()


def read_once_more(page: Page) -> None:
    # Each sandbox in its turn: that of the session may come after that of the notebook server.
    until(lambda: has_ended(page, 2), seconds=120)
    expect(page.locator(CELLS).nth(2)).to_contain_text("PATH_NOT_FOUND")
    expect(run(page, 0).filter(has_text=ENDED).first).to_be_visible()
    cell(page, 0).screenshot(path=PICTURES / "share-ended.png")


def has_ended(page: Page, number: int) -> bool:
    """Runs a cell to its end; whether it says that the share has ended."""
    run(page, number)
    found = cell(page, number)
    expect(found.locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]"))
    expect(found.locator(".jp-OutputArea-output").first).to_be_visible()
    return ENDED.search(found.inner_text()) is not None


def names_below_shared(grace: Visitor) -> list[str]:
    listed = grace.jupyter("GET", "user/grace/tides/", f"api/contents/{SHARED}")
    return [item["name"] for item in listed["content"]]
