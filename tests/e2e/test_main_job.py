"""The main job on a site of its own, by hand in a browser; `hopslab demo` walks it in a fresh checkout."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hopslab.demo.checks import TRIALS

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-results"
PASSWORD = "heron teapot violin ash"
MINUTE_MS = 60_000

pytestmark = [pytest.mark.spark, pytest.mark.hub, pytest.mark.timeout(1500)]


def test_a_second_start_changes_nothing_and_prints_no_password(site):
    again = site.run("up", "--detach", timeout=300)
    assert again.returncode == 0, again.stderr
    assert site.password not in again.stdout
    assert "password  " not in again.stdout


def test_status_and_doctor_say_that_all_is_well(site):
    status = json.loads(site.run("status", "--json").stdout)
    assert status["healthy"] is True
    findings = json.loads(site.run("doctor", "--json").stdout)
    assert findings["healthy"] is True, findings


@pytest.mark.browser
def test_a_person_walks_the_same_path_in_a_browser(chromium, site):
    PICTURES.mkdir(exist_ok=True)
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.context.set_default_timeout(2 * MINUTE_MS)
    expect.set_options(timeout=2 * MINUTE_MS)
    try:
        walk(page, site)
    except Exception:
        page.screenshot(path=PICTURES / "failed.png")
        raise
    finally:
        page.close()


def walk(page, site):
    log_in_and_choose_a_password(page, site)
    create_a_project(page, site)
    start_with_two_executors(page)
    see_the_project_in_lab(page)
    open_and_run_the_notebook(page)
    look_at_what_came_out(page)
    restart_the_session(page)


def log_in_and_choose_a_password(page, site):
    page.goto(site.url)
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill(site.password)
    page.screenshot(path=PICTURES / "login.png")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/services/hops/account**")
    page.locator("#current").fill(site.password)
    page.locator("#new").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.screenshot(path=PICTURES / "password.png")
    page.get_by_role("button", name="Change password").click()
    # The log-in of the old password has ended with it.
    page.get_by_role("link", name="Log in again").click()
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def create_a_project(page, site):
    page.get_by_role("button", name="Create your first project").click()
    page.get_by_label("Title").fill("Digits and weather")
    page.get_by_label("Name", exact=True).fill("digits")
    page.screenshot(path=PICTURES / "create.png")
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()
    page.wait_for_url("**/services/hops/projects/digits")
    page.get_by_role("heading", name="Digits and weather").wait_for()
    page.get_by_text("Resources").first.wait_for()
    page.screenshot(path=PICTURES / "project.png")
    page.goto(f"{site.url}services/hops/")
    page.get_by_role("link", name="Digits and weather", exact=True).wait_for()
    card = page.get_by_role("listitem").filter(has_text="Digits and weather")
    expect(card.get_by_role("status")).to_have_text("Stopped")  # asked for once the list is there
    page.screenshot(path=PICTURES / "home.png")


def start_with_two_executors(page):
    page.get_by_role("link", name="Start with other options… Digits and weather").click()
    page.locator("#executors").fill("2")
    page.screenshot(path=PICTURES / "form.png")
    page.locator("#spawn_form button[type=submit]").click()
    page.wait_for_url("**/user/admin/digits/lab**", timeout=3 * MINUTE_MS)
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-Launcher").wait_for()


def see_the_project_in_lab(page):
    cards = page.locator(".jp-Launcher-section").filter(has=page.get_by_role("heading", name="Project", exact=True))
    expect(cards.locator(".jp-LauncherCard")).to_have_text(["Welcome Notebook", "TensorBoard", "Project Page"])
    expect(page.get_by_role("button", name="Spark: no session")).to_be_visible()
    page.get_by_role("tab", name="Project", exact=True).click()
    panel = page.get_by_role("region", name="Project")
    expect(panel.get_by_role("heading", name="Digits and weather")).to_be_visible()
    expect(panel).to_contain_text("you are Data Owner")
    expect(panel).to_contain_text("Executors2")
    page.screenshot(path=PICTURES / "lab.png")


def open_and_run_the_notebook(page):
    page.get_by_role("tab", name="File Browser").click()
    page.locator(".jp-DirListing-content").get_by_text("Welcome.ipynb").dblclick()
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    # What is run before there is a kernel, Lab passes over in silence; the circle in the toolbar looks idle all along.
    page.locator("#jp-main-statusbar").get_by_text("PySpark | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    in_view(page, page.get_by_text("1461 days").first, 5 * MINUTE_MS)
    expect(page.get_by_role("button", name="Spark: busy")).to_be_visible()
    in_view(page, page.locator(".jp-OutputArea-output img").first, 5 * MINUTE_MS)
    page.screenshot(path=PICTURES / "plot.png")


def look_at_what_came_out(page):
    # Lab opens the TensorBoard beside the notebook by itself, since its link is new.
    page.get_by_role("tab", name=re.compile("TensorBoard")).wait_for(timeout=8 * MINUTE_MS)
    page.get_by_role("tab", name="Project", exact=True).click()
    session = page.get_by_role("list", name="My Spark sessions").get_by_role("listitem")
    expect(session).to_have_count(1)
    expect(session).to_contain_text("Welcome.ipynb")
    expect(session).to_contain_text("idle")
    expect(page.get_by_role("button", name="Spark: idle")).to_be_visible()
    page.get_by_role("tab", name="Project", exact=True).click()
    expect(session).to_be_hidden()
    look_at_tensorboard(page)
    look_at_the_notebook(page)


def look_at_tensorboard(page):
    page.get_by_role("tab", name=re.compile("TensorBoard")).click()
    simple_interface(page)
    board = page.frame_locator("iframe[title^='TensorBoard over']")
    runs = board.get_by_text(re.compile(r"dropout=.*/train\s*$"))
    runs.first.wait_for(timeout=2 * MINUTE_MS)
    board.locator("button.settings-button").click()  # away with them: room for the curves
    page.wait_for_timeout(3000)  # its curves are drawn after its list
    page.screenshot(path=PICTURES / "tensorboard.png")
    assert len({name.strip() for name in runs.all_inner_texts()}) == TRIALS
    simple_interface(page)


def look_at_the_notebook(page):
    page.get_by_role("tab", name=re.compile("Welcome")).click()
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    expect(page.locator(".jp-OutputArea-output table").last.locator("tbody tr")).to_have_count(TRIALS)
    simple_interface(page)
    in_view(page, page.get_by_text("1461 days").first, MINUTE_MS)
    page.screenshot(path=PICTURES / "notebook.png")
    in_view(page, page.get_by_role("button", name="Open TensorBoard"), MINUTE_MS)
    page.screenshot(path=PICTURES / "experiment.png")


def restart_the_session(page):
    page.get_by_role("tab", name="Project", exact=True).click()
    sessions = page.get_by_role("list", name="My Spark sessions")
    restart = sessions.get_by_role("button", name=re.compile("Restart Spark session"))
    before = restart.get_attribute("aria-label")
    restart.click()
    page.get_by_role("dialog").get_by_role("button", name="Restart Session").click()
    page.get_by_text("the next cell starts a new one").first.wait_for()
    expect(page.get_by_role("button", name="Spark: no session")).to_be_visible()
    run_in_a_new_cell(page, "print('experiment' in globals(), spark.range(7).count())")
    in_view(page, page.locator(".jp-OutputArea-output").get_by_text("False 7").first, 2 * MINUTE_MS)
    expect(restart).to_have_count(1)
    assert restart.get_attribute("aria-label") != before
    page.screenshot(path=PICTURES / "restarted.png")


def run_in_a_new_cell(page, code):
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
    for key in ("Escape", "b", "Enter"):
        page.keyboard.press(key)
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")


def simple_interface(page):
    """One tab in the whole window, or back. By the menu: keys would go to TensorBoard when it has the focus."""
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.get_by_text("Appearance", exact=True).click()
    page.get_by_text("Simple Interface", exact=True).click()


def in_view(page, place, timeout):
    place.wait_for(state="attached", timeout=timeout)
    place.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # the notebook settles its scroll position
