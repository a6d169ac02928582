"""A notebook on a site of its own, as a person has it in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from hopslab.demo.logins import Login
from hopslab.demo.story import create_project
from hopslab.demo.visitor import Visitor
from hopslab.settings import SiteSettings
from tests.waiting import until

PICTURES = Path(__file__).resolve().parents[3] / "test-results"
MINUTE_MS = 60_000
CELLS = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell"
"""Those of the notebook in front: Lab opens the notebooks of the last time too, behind it."""


@contextmanager
def server_of_a_project(site: Any, login: Login, project: str) -> Iterator[Visitor]:
    """A new project, and in it a notebook server with one executor."""
    person = Visitor(SiteSettings(home=Path(site.env["HOPS_HOME"]), port=int(site.env["HOPS_PORT"])))
    person.log_in(login.user, login.password)
    create_project(person, project)
    person.call("PUT", f"projects/{project}/server", {"options": {"executors": 1}})
    wait_for_server(person, project, lambda server: server["state"] == "ready")
    person.get(f"user/{person.user}/{project}/lab")
    yield person
    person.call("DELETE", f"projects/{project}/server")
    person.close()


def wait_for_server(
    person: Visitor, project: str, is_so: Callable[[dict[str, Any]], bool], seconds: float = 180
) -> dict[str, Any]:
    """The notebook server's state, once ``is_so``."""
    return until(lambda: person.call("GET", f"projects/{project}/server"), wanted=is_so, seconds=seconds, pause_s=0.2)


@contextmanager
def page_of(chromium: Browser, site: Any, login: Login) -> Iterator[Page]:
    """A page of who has logged in, at their projects."""
    PICTURES.mkdir(exist_ok=True)
    expect.set_options(timeout=2 * MINUTE_MS)
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.context.set_default_timeout(2 * MINUTE_MS)  # that of the windows that it opens too
    try:
        page.goto(site.url)
        page.get_by_label("User name").fill(login.user)
        page.get_by_label("Password", exact=True).fill(login.password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/services/hops/**")
        yield page
    finally:
        page.close()


def write_notebook(person: Visitor, server: str, notebook: str, codes: Sequence[str]) -> None:
    """Puts a notebook for PySpark with a cell for each of ``codes`` into the project.

    Args:
        person: Whose server it is.
        server: Path of the server, ``user/<user>/<project>/``.
        notebook: Path of the notebook there.
        codes: What the cells hold.
    """
    cells = [
        {
            "cell_type": "code", "id": f"cell-{number}", "source": code, "metadata": {}, "outputs": [],
            "execution_count": None,
        }
        for number, code in enumerate(codes)
    ]  # fmt: skip
    kernel = {"name": "pyspark", "display_name": "PySpark", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    person.jupyter("PUT", server, f"api/contents/{notebook}", {"type": "notebook", "content": content})


def open_notebook(page: Page, site: Any, server: str, notebook: str) -> None:
    """Opens it in Lab, and waits for its kernel."""
    page.goto(f"{site.url}{server}lab/tree/{notebook}")
    wait_for_cells(page)
    # What is run before there is a kernel, Lab passes over in silence.
    page.locator("#jp-main-statusbar").get_by_text(re.compile(r"PySpark \| (Idle|Busy)")).wait_for()


def wait_for_cells(page: Page) -> None:
    """Waits for a cell in view, whichever: Lab keeps the active one in the page also where it is not, and hides it."""
    page.locator(CELLS).locator("visible=true").first.wait_for()


def cell(page: Page, number: int) -> Locator:
    """A cell, in view: Lab draws no others."""
    found = page.locator(CELLS).nth(number)
    found.scroll_into_view_if_needed()
    return found


def run(page: Page, number: int) -> Locator:
    """Runs a cell; what it shows."""
    found = cell(page, number)
    found.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return found.locator(".jp-OutputArea-output")


def choose_theme(page: Page, name: str) -> None:
    """Chooses a theme of Lab's by its menu, and waits for it."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    page.locator(".lm-Menu-item", has_text=name).first.click()
    expect(page.locator(f"body[data-jp-theme-name='{name}']")).to_be_attached(timeout=MINUTE_MS)
