"""The main job on a site of its own: walked by `hopslab demo`, then by hand in a browser."""

import json
import re
import shutil
from pathlib import Path

import pytest

from hopslab.demo.checks import TRIALS

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-results"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSER_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "heron teapot violin ash"
MINUTE_MS = 60_000

pytestmark = [pytest.mark.spark, pytest.mark.hub, pytest.mark.timeout(1500)]


def test_the_demo_walks_the_whole_path_and_prints_what_it_measured(site):
    walked = site.run("demo", "--json")
    assert walked.returncode == 0, walked.stderr
    outcome = json.loads(walked.stdout)
    assert outcome["ok"] is True
    assert outcome["trials"] == len(outcome["tensorboard_runs"]) == TRIALS
    assert outcome["best_accuracy"] > 0.8
    assert set(outcome["paths"]) == {"project", "notebook", "experiment", "server"}
    assert all(seconds >= 0 for seconds in outcome["seconds"].values())
    assert site.password not in walked.stdout + walked.stderr


def test_a_second_start_changes_nothing_and_prints_no_password(site):
    again = site.run("up", "--detach", timeout=120)
    assert again.returncode == 0, again.stderr
    assert site.password not in again.stdout
    assert "password  " not in again.stdout


def test_status_and_doctor_say_that_all_is_well(site):
    status = json.loads(site.run("status", "--json").stdout)
    assert status["healthy"] is True
    findings = json.loads(site.run("doctor", "--json").stdout)
    assert findings["healthy"] is True, findings


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="Chromium is not on this machine")
def test_a_person_walks_the_same_path_in_a_browser(site):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, headless=True, args=BROWSER_OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(MINUTE_MS)
        try:
            walk(page, site)
        except Exception:
            page.screenshot(path=PICTURES / "failed.png")
            raise
        finally:
            browser.close()


def walk(page, site):
    page.goto(site.url)
    page.locator("#username_input").fill("admin")
    page.locator("#password_input").fill(site.password)
    page.screenshot(path=PICTURES / "login.png")
    page.locator("#password_input").press("Enter")

    page.wait_for_url("**/services/hops/**")
    page.goto(f"{site.url}services/hops/account")
    page.locator("#current").fill(site.password)
    page.locator("#new").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.locator("#password-form button[type=submit]").click()
    page.locator("#must-change").wait_for(state="hidden")

    page.goto(f"{site.url}services/hops/")
    page.locator("#create-project:visible, #create-first:visible").first.click()
    page.locator("#project-title").fill("Digits and weather")
    page.locator("#project-name").fill("digits")
    page.locator("#create-form button[type=submit]").click()
    page.get_by_text("Digits and weather").first.wait_for()
    page.goto(f"{site.url}services/hops/")
    page.get_by_text("Digits and weather").first.wait_for()
    page.screenshot(path=PICTURES / "home.png")

    page.goto(f"{site.url}hub/spawn/admin/digits")
    page.locator("#executors").fill("2")
    page.screenshot(path=PICTURES / "form.png")
    page.locator("form button[type=submit], form input[type=submit]").first.click()

    page.wait_for_url("**/user/admin/digits/lab**", timeout=3 * MINUTE_MS)
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.goto(f"{site.url}user/admin/digits/lab/tree/Jupyter/Welcome.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text("Run", exact=True).first.click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.get_by_text("days", exact=False).first.wait_for(timeout=5 * MINUTE_MS)
    page.locator(".jp-OutputArea-output img").first.wait_for(timeout=5 * MINUTE_MS)
    page.screenshot(path=PICTURES / "notebook.png")

    link = page.locator("a[href*='hops/tensorboards:open']").first
    link.wait_for(timeout=8 * MINUTE_MS)
    address = link.get_attribute("href")
    page.screenshot(path=PICTURES / "experiment.png")
    board = page.context.new_page()
    board.goto(site.url.rstrip("/") + address if address.startswith("/") else address)
    board.get_by_text(re.compile("dropout")).first.wait_for(timeout=2 * MINUTE_MS)
    board.screenshot(path=PICTURES / "tensorboard.png")
