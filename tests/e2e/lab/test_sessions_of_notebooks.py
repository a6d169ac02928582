"""What a person sees of a notebook's session beside the notebook, on a site of its own: before and after its end."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from hopslab.demo.visitor import Visitor

from .notebook_page import (
    PICTURES,
    cell,
    open_notebook,
    page_of,
    run,
    write_notebook,
)

pytestmark = [pytest.mark.spark, pytest.mark.hub, pytest.mark.browser, pytest.mark.timeout(1500)]
PROJECT = f"watched-{secrets.token_hex(2)}"
SHORT_IDLE = '%%configure\n{"ttl": "60s"}'
IDLE_MS = 60_000
CULLED_MS = 15_000
"""So much later at the latest an idle session is ended, and Lab has read that."""
SETUP, STILL = "answer = 42\nprint('ready', answer)", "print('still', answer)"
LINE = "a line while somebody looks"
LOG = f"spark._jvm.org.apache.logging.log4j.LogManager.getLogger('story').warn('{LINE}')"
JOB = "spark.range(10**6).repartition(4).count()"


@pytest.fixture
def notebook(chromium: Any, site: Any, login: Any, visitor: Visitor, request: Any) -> Any:
    """Opens a notebook with these cells."""
    with page_of(chromium, site, login) as page:

        def opened(name: str, *codes: str) -> Page:
            server = f"user/{visitor.user}/{PROJECT}/"
            write_notebook(visitor, server, f"Jupyter/{name}", codes)
            open_notebook(page, site, server, f"Jupyter/{name}")
            return page

        yield opened
        page.screenshot(path=PICTURES / f"{request.node.originalname}.png")


def picture(page: Page, name: str) -> None:
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / f"sessions-{name}.png")


def sessions_panel(page: Page) -> Locator:
    panel = page.get_by_role("region", name="Spark sessions")
    if not panel.is_visible():
        page.get_by_role("tab", name="Spark sessions").click()
    return panel


def test_an_idle_session_is_spoken_of_before_it_ends_and_can_be_kept(notebook: Any) -> None:
    page = notebook("idle.ipynb", SHORT_IDLE, SETUP, STILL)
    run(page, 0)
    expect(run(page, 1).get_by_text("ready 42")).to_be_visible()
    warning = page.get_by_role("alert").filter(has_text="is idle and ends at")
    expect(warning).to_be_hidden()
    # It is there for six seconds alone, which are few on a busy machine: nothing is looked at before the click.
    warning.get_by_role("button", name="Keep It").click(timeout=2 * IDLE_MS)
    expect(warning).to_be_hidden()
    page.wait_for_timeout(CULLED_MS)  # beyond the end that it had
    expect(run(page, 2).get_by_text("still 42")).to_be_visible()

    expect(warning).to_contain_text("The Spark session of idle.ipynb is idle and ends at", timeout=2 * IDLE_MS)
    page.wait_for_timeout(500)  # it slides in
    picture(page, "warning")
    expect(warning).to_be_hidden(timeout=IDLE_MS + CULLED_MS)  # there is nothing to keep any more
    after = run(page, 2)
    expect(after).to_contain_text("Nothing was run for 1 minute, the idle time of this session.")
    expect(after).to_contain_text("Run the cell again to start a new session")
    picture(page, "idle-end")


def test_the_panel_shows_follows_and_stops_the_session_of_a_notebook(notebook: Any) -> None:
    page = notebook("panel.ipynb", SETUP, LOG, JOB, STILL)
    expect(run(page, 0).get_by_text("ready 42")).to_be_visible()
    panel = sessions_panel(page)
    session = panel.get_by_role("list", name="My Spark sessions").get_by_role("listitem").filter(has_text="panel.ipynb")
    expect(session).to_contain_text("idle")
    label = session.get_by_role("button", name=re.compile("Show details")).get_attribute("aria-label")
    number = str(label).rsplit(" ", 1)[1]
    session.get_by_role("button", name=f"Show details of session {number}").click()
    for fact in ("Notebook", "Jupyter/panel.ipynb", "Applicationapplication_", "Statements", "Ends, if left idle"):
        expect(session).to_contain_text(fact)
    follow_the_log(page, session, number)
    look_at_spark_pages(page, panel, number)
    stop_it(page, session, number)


def follow_the_log(page: Page, session: Locator, number: str) -> None:
    log = session.get_by_role("region", name=f"Log of session {number}")
    expect(log).to_contain_text("Spark")
    expect(log).not_to_contain_text(LINE)
    run(page, 1)
    expect(log).to_contain_text(LINE)
    picture(page, "log")


def look_at_spark_pages(page: Page, panel: Locator, number: str) -> None:
    expect(run(page, 2).get_by_text("1000000")).to_be_visible()
    panel.get_by_role("button", name=f"Open the Spark UI of session {number}").click()
    frame = page.frame_locator(f"iframe[title='Spark UI of session {number}']")
    expect(frame.get_by_role("heading", name=re.compile("Spark Jobs"))).to_be_visible()
    # Spark tells jobs of the adaptive planner by its own lines, so by their number.
    expect(frame.get_by_text(re.compile(r"Completed Jobs \([1-9]\d*\)"))).to_be_visible()
    picture(page, "spark-pages")
    page.get_by_role("tab", name="panel.ipynb").click()


def stop_it(page: Page, session: Locator, number: str) -> None:
    session.get_by_role("button", name=f"Stop session {number}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Stop the Spark session of panel.ipynb?")
    expect(dialog).to_contain_text("Its variables are lost; the notebook, its outputs and all files stay.")
    picture(page, "stop")
    dialog.get_by_role("button", name="Cancel").click()
    expect(run(page, 3).get_by_text("still 42")).to_be_visible()
    session.get_by_role("button", name=f"Stop session {number}").click()
    dialog.get_by_role("button", name="Stop Session").click()
    expect(page.get_by_text(f"Spark session {number} has ended.")).to_be_visible()
    expect(session).to_contain_text("It was stopped by")
    after = run(page, 3)
    expect(after).to_contain_text("The Spark session has ended. It was stopped by")
    picture(page, "stopped")
    expect(run(page, 3).get_by_text("NameError").first).to_be_visible()  # in a new session
    expect(cell(page, 0)).to_contain_text("ready 42")
