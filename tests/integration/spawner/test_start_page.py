from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import ROOT, Person, Site, away, stop_and_wait

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = ROOT / "test-results" / "spawner"

pytestmark = [
    pytest.mark.hub,
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, headless=True, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, site: Site, people: dict[str, Person], ready_project: str) -> Iterator[Any]:
    """Ada's browser on the page of her projects, just logged in."""
    stop_and_wait(site, "ada", "weather")
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(45_000)
    opened.goto(site.url)
    opened.locator("#username_input").fill("ada")
    opened.locator("#password_input").fill(people["ada"].password)
    picture(opened, "1-login")
    opened.locator("#password_input").press("Enter")
    opened.wait_for_url("**/services/hops/")
    opened.get_by_text("Weather of the coast").first.wait_for()
    picture(opened, "2-home")
    yield opened
    context.close()


def picture(page: Any, name: str) -> None:
    page.screenshot(path=PICTURES / f"{name}.png")


def test_a_person_comes_from_the_login_to_lab(page: Any, site: Site) -> None:
    page.goto(f"{site.url}hub/spawn/ada/weather")
    picture(page, "3-form")
    page.locator("#executors").fill("99")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("#executors-error").wait_for()
    assert page.locator("#executors").input_value() == "99"
    assert page.get_by_text("99 executors were asked for").count() == 1
    picture(page, "4-refused")
    page.locator("#executors").fill("1")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/hub/spawn-pending/ada/weather**")
    page.get_by_text("Starting Weather of the coast").wait_for()
    page.get_by_text("Waiting for JupyterLab to answer").first.wait_for()
    picture(page, "5-pending")
    page.wait_for_url("**/user/ada/weather/lab**")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-DirListing-item").first.wait_for()
    picture(page, "6-lab")


def test_a_failed_start_shows_the_sentence_the_log_and_the_way_on(page: Any, site: Site) -> None:
    page.goto(f"{site.url}hub/spawn/ada/weather")
    with away(site.home / "projects" / "weather"):
        page.get_by_role("button", name="Start", exact=True).click()
        alert = page.get_by_role("alert")
        alert.get_by_text("The notebook server ended before it answered").wait_for()
    picture(page, "7-failed")
    page.locator("summary", has_text="log").first.click()
    log = page.locator("pre").first
    assert "root_dir" in log.inner_text()
    for folder in (site.home, ROOT, sys.prefix, sys.base_prefix):
        assert str(folder) not in log.inner_text()
    picture(page, "8-log")
    page.get_by_role("link", name="Change the options").click()
    page.wait_for_url("**/hub/spawn/ada/weather")
    page.locator("#executors").wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/user/ada/weather/lab**")
