"""A notebook's day in a browser, on a site of its own: what happens to cells and session, whatever goes away."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hopslab.demo.visitor import Visitor

from .notebook_page import (
    PICTURES,
    cell,
    open_notebook,
    page_of,
    run,
    wait_for_cells,
    wait_for_server,
    write_notebook,
)

pytestmark = [pytest.mark.spark, pytest.mark.hub, pytest.mark.browser, pytest.mark.timeout(1200)]
PROJECT = f"storied-{secrets.token_hex(2)}"
NOTEBOOK = "Jupyter/story.ipynb"
RENAMED = "Jupyter/renamed.ipynb"
CELLS = [
    "import time\nheights_of_trees = [3, 1, 2]\nprint('ready', len(heights_of_trees))",
    "heights_of",
    "sc.parallelize(range(12), 12).map(lambda n: (n % 2, time.sleep(1))).groupByKey(2).count()",
    "import matplotlib.pyplot as plt\nplt.figure(figsize=(4, 2))\nplt.plot(heights_of_trees)\nplt.show()",
    "print('begun', flush=True)\ntime.sleep(3600)",
    (
        "runs = globals().get('runs', 0) + 1\nfor n in range(60):\n    print('tick', n, 'of run', runs, flush=True)\n"
        "    time.sleep(0.5)\nprint('the end of run', runs)"
    ),
    "print('still', heights_of_trees)",
]
SETUP, TYPED, JOB, PLOT, ENDLESS, LONG, LAST = range(len(CELLS))


@pytest.fixture
def page(chromium: Any, site: Any, login: Any) -> Any:
    with page_of(chromium, site, login) as page:
        yield page
        page.screenshot(path=PICTURES / "story-last.png")


def picture(page: Page, name: str) -> None:
    page.wait_for_timeout(500)  # the notebook settles its scroll position
    page.screenshot(path=PICTURES / f"story-{name}.png")


def test_nothing_is_lost_whatever_goes_away(page: Page, site: Any, visitor: Visitor) -> None:
    path = f"user/{visitor.user}/{PROJECT}/"
    write_notebook(visitor, path, NOTEBOOK, CELLS)
    open_notebook(page, site, path, NOTEBOOK)
    cells_that_run(page)
    a_tab_that_goes_away(page)
    rename_while_a_cell_runs(page)
    restart_while_a_cell_runs(page, site, visitor, path)
    a_server_that_went_away(page)
    a_session_that_ends(page)


def cells_that_run(page: Page) -> None:
    expect(run(page, SETUP).get_by_text("ready 3")).to_be_visible()
    picture(page, "started")

    cell(page, TYPED).locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Tab")
    word = page.locator(".jp-Completer").get_by_text("heights_of_trees")
    expect(word).to_be_visible()
    picture(page, "completed")
    page.keyboard.press("Enter")
    expect(cell(page, TYPED).locator(".cm-content")).to_have_text("heights_of_trees")

    job = run(page, JOB)
    expect(job.get_by_text(re.compile(r"Stage \d of \d: .* tasks · \d running"))).to_be_visible()
    picture(page, "progress")
    expect(job.get_by_text("2", exact=True)).to_be_visible()
    expect(job.get_by_text(re.compile("Stage"))).to_have_count(0)

    expect(run(page, PLOT).locator("img")).to_be_visible()
    picture(page, "plot")

    endless = run(page, ENDLESS)
    expect(endless.get_by_text("begun")).to_be_visible()
    page.locator(".jp-NotebookPanel-toolbar [data-command='notebook:interrupt-kernel']").click()
    expect(endless.get_by_text(re.compile("KeyboardInterrupt|was cancelled"))).to_be_visible()
    picture(page, "interrupted")


def a_tab_that_goes_away(page: Page) -> None:
    page.keyboard.press("Control+s")
    long = run(page, LONG)
    expect(long.get_by_text("tick 2")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    wait_for_cells(page)
    again = cell(page, LONG).locator(".jp-OutputArea-output")
    expect(again.get_by_text("tick 2")).to_be_visible()
    picture(page, "reloaded")
    expect(again.get_by_text("the end of run 1")).to_be_visible()
    expect(again.get_by_text("tick 0")).to_have_count(1)
    page.keyboard.press("Control+s")


def rename_while_a_cell_runs(page: Page) -> None:
    expect(run(page, LONG).get_by_text("tick 2 of run 2")).to_be_visible()
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name="Rename Notebook…").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input").fill(Path(RENAMED).name)
    with page.expect_response(re.compile("/hops/notebook:renamed")) as told:
        dialog.get_by_role("button", name="Rename").click()
    assert len(told.value.json()["sessions"]) == 1


def restart_while_a_cell_runs(page: Page, site: Any, visitor: Visitor, path: str) -> None:
    restart_server(visitor, path)
    open_notebook(page, site, path, RENAMED)
    again = cell(page, LONG).locator(".jp-OutputArea-output")
    expect(again.get_by_text("the end of run 2")).to_be_visible()
    expect(again.get_by_text("tick 0 of run 2")).to_have_count(1)
    picture(page, "restarted")


def a_server_that_went_away(page: Page) -> None:
    last = run(page, LAST)
    question = cell(page, LAST).locator(".jp-Stdin")
    expect(question).to_contain_text("of this notebook is still running")
    picture(page, "question")
    question.locator("input").press("Enter")
    expect(last.get_by_text("still [3, 1, 2]")).to_be_visible()
    expect(last.get_by_text(re.compile(r"Spark session \d+ attached"))).to_be_visible()
    page.get_by_role("tab", name="Spark sessions").click()
    sessions = page.get_by_role("list", name="My Spark sessions").get_by_role("listitem")
    expect(sessions.filter(has_text=Path(RENAMED).name)).to_have_count(1)
    picture(page, "reattached")


def a_session_that_ends(page: Page) -> None:
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+s")
    expect(run(page, LONG).get_by_text("tick 2 of run 3")).to_be_visible()
    sessions = page.get_by_role("list", name="My Spark sessions").get_by_role("listitem")
    sessions.filter(has_text=Path(RENAMED).name).get_by_role("button", name="Stop session").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop Session").click()
    expect(sessions.get_by_text("It was stopped by its owner.")).to_be_visible()
    page.reload()
    again = cell(page, LONG).locator(".jp-OutputArea-output")
    expect(again.get_by_text("tick 2 of run 3")).to_be_visible()
    expect(again.get_by_text("SessionEnded: It was stopped by its owner.")).to_be_visible()
    picture(page, "ended")


def restart_server(visitor: Visitor, path: str) -> None:
    before = visitor.call("GET", f"projects/{PROJECT}/server")["started_at"]
    visitor.jupyter("POST", path, "hops/server:restart")
    wait_for_server(visitor, PROJECT, lambda server: server["state"] == "ready" and server["started_at"] != before)
    visitor.get(f"{path}lab")
