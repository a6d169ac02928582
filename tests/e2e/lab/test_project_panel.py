from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from .asking import retry, when_quiet

pytestmark = pytest.mark.browser

DOWN = {
    "title": "Control plane away",
    "status": 503,
    "detail": "It does not answer.",
    "remedy": "Try again in a moment.",
}


def open_panel(page: Page) -> Locator:
    page.get_by_role("tab", name="Project").click()
    return page.get_by_role("region", name="Project")


def test_panel_shows_project_role_members_server_and_sessions(open_lab: Page) -> None:
    panel = open_panel(open_lab)
    expect(panel.get_by_role("heading", name="Weather of the coast")).to_be_visible()
    expect(panel).to_contain_text("you are Data Owner")
    expect(panel).to_contain_text("1 to 4, as needed")
    expect(panel.get_by_role("list", name="My Spark sessions")).to_contain_text("Session 3busy")
    expect(panel).to_contain_text("1 to 4 executors as needed, 2 cores and 2 GiB each · 1 GPU each")
    expect(panel.get_by_role("list", name="Members of the project").get_by_role("listitem")).to_have_count(2)
    expect(panel.get_by_role("link", name="Project page")).to_have_attribute("href", "/services/hops/projects/weather")


def test_a_dataset_is_opened_in_the_file_browser_by_keyboard(open_lab: Page) -> None:
    datasets = open_panel(open_lab).get_by_role("list", name="Datasets of the project")
    expect(datasets.get_by_role("button")).to_have_count(2)
    expect(datasets.get_by_role("button", name="Open dataset Jupyter")).to_have_accessible_description(
        re.compile("Notebooks start here")
    )
    datasets.get_by_role("button", name="Open dataset Resources").press("Enter")
    browser = open_lab.locator("#filebrowser")
    expect(browser).to_be_visible()
    expect(browser.locator(".jp-BreadCrumbs")).to_contain_text("Resources")


def test_panel_fits_a_narrow_sidebar(open_lab: Page) -> None:
    panel = open_panel(open_lab)
    expect(panel.get_by_role("heading", name="Weather of the coast")).to_be_visible()
    handle = open_lab.locator("#jp-main-split-panel > .lm-SplitPanel-handle").first
    box = handle.bounding_box()
    assert box is not None
    open_lab.mouse.move(box["x"] + 1, box["y"] + 300)
    open_lab.mouse.down()
    open_lab.mouse.move(60, box["y"] + 300)
    open_lab.mouse.up()
    assert panel.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_panel_without_sessions_says_how_one_starts(open_lab: Page, server_extension: Any) -> None:
    server_extension.answers["GET session"] = (200, {"items": []})
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Refresh").click()
    expect(panel).to_contain_text("Run a cell in a PySpark notebook, and one starts.")


def test_panel_shows_cause_and_remedy_and_recovers_on_retry(open_lab: Page, server_extension: Any) -> None:
    good = server_extension.answers["GET session"]
    server_extension.answers["GET session"] = (503, DOWN)
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Refresh").click()
    alert = panel.get_by_role("alert")
    expect(alert).to_contain_text("It does not answer.")
    expect(alert).to_contain_text("Try again in a moment.")
    expect(panel.get_by_role("heading", name="Weather of the coast")).to_be_visible()
    expect(alert.get_by_role("button", name="Retry")).to_be_visible()
    server_extension.answers["GET session"] = good
    retry(alert)
    expect(panel.get_by_role("alert")).to_have_count(0)


def test_members_can_be_unreadable_while_the_rest_is_shown(open_lab: Page, server_extension: Any) -> None:
    status, project = server_extension.answers["GET project"]
    server_extension.answers["GET project"] = (status, project | {"members": [], "members_problem": DOWN})
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Refresh").click()
    expect(panel.get_by_role("alert")).to_contain_text("Control plane away")
    expect(panel).to_contain_text("1 to 4, as needed")


def test_another_version_of_the_server_extension_says_what_to_do(open_lab: Page, server_extension: Any) -> None:
    status, project = server_extension.answers["GET project"]
    server_extension.answers["GET project"] = (status, project | {"version": "0.9.0"})
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Refresh").click()
    expect(panel.get_by_role("alert")).to_contain_text("Reload this page")


def test_ending_a_session_asks_first(open_lab: Page, server_extension: Any) -> None:
    server_extension.answers["DELETE session/3"] = (204, None)
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Stop Spark session 3").click()
    dialog = open_lab.get_by_role("dialog")
    expect(dialog).to_contain_text("Run the cell again, and a new session starts.")
    dialog.get_by_role("button", name="Cancel").click()
    assert "DELETE session/3" not in server_extension.asked
    panel.get_by_role("button", name="Stop Spark session 3").click()
    server_extension.answers["GET session"] = (200, {"items": []})
    dialog.get_by_role("button", name="Stop Session").click()
    expect(panel).to_contain_text("No Spark session.")
    assert "DELETE session/3" in server_extension.asked


def test_restarting_a_session_restarts_the_kernel_of_its_notebook(
    open_lab: Page, server_extension: Any, lab: Any
) -> None:
    kernel_spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel_spec})
    nbformat.write(notebook, lab.folder / "Jupyter" / "restarted.ipynb")
    open_lab.locator(".jp-DirListing-content").get_by_text("Jupyter").dblclick()
    open_lab.locator(".jp-DirListing-content").get_by_text("restarted.ipynb").dblclick()
    open_lab.locator("#jp-main-statusbar").get_by_text("Idle").wait_for()
    sessions = open_lab.request.get(f"{lab.url}api/sessions?token={lab.token}").json()
    (running,) = [one for one in sessions if one["path"].endswith("restarted.ipynb")]
    kernel = running["kernel"]["id"]
    session = server_extension.answers["GET session"][1]["items"][0] | {"kernel": kernel, "name": f"pyspark-{kernel}-a"}
    server_extension.answers["GET session"] = (200, {"items": [session]})
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Refresh").click()
    expect(panel.get_by_role("list", name="My Spark sessions")).to_contain_text("restarted.ipynb")
    panel.get_by_role("button", name="Restart Spark session 3").click()
    dialog = open_lab.get_by_role("dialog")
    expect(dialog).to_contain_text("The kernel of restarted.ipynb restarts: its variables and unfinished work are lost")
    server_extension.answers["GET session"] = (200, {"items": []})
    server_extension.answers["DELETE session/3"] = (404, DOWN | {"status": 404})  # the kernel has ended it
    with open_lab.expect_response(lambda response: f"/api/kernels/{kernel}/restart" in response.url) as answer:
        dialog.get_by_role("button", name="Restart Session").click()
    assert answer.value.ok
    expect(open_lab.get_by_text("Spark session 3 has ended; the next cell starts a new one.")).to_be_visible()
    expect(panel).to_contain_text("No Spark session.")


def test_the_menu_ends_and_restarts_no_session_that_is_not_the_tabs(open_lab: Page) -> None:
    expect(open_lab.get_by_role("button", name="Spark: busy")).to_be_visible()
    open_lab.get_by_role("menuitem", name="Project", exact=True).click()
    for name in ("Restart Spark Session…", "Stop Spark Session…"):
        expect(open_lab.get_by_role("menuitem", name=name)).to_be_disabled()


def test_a_session_without_a_kernel_here_is_ended_and_another_one_promised(
    open_lab: Page, server_extension: Any
) -> None:
    server_extension.answers["DELETE session/3"] = (204, None)
    open_panel(open_lab).get_by_role("button", name="Restart Spark session 3").click()
    dialog = open_lab.get_by_role("dialog")
    expect(dialog).to_contain_text("the session is only ended; the next cell of a PySpark notebook starts a new one")
    dialog.get_by_role("button", name="Restart Session").click()
    expect(open_lab.get_by_text("Spark session 3 has ended; the next cell starts a new one.")).to_be_visible()
    assert "DELETE session/3" in server_extension.asked


def test_a_token_that_is_not_renewed_leads_to_the_projects_page(open_lab: Page, server_extension: Any) -> None:
    problem = {
        "title": "Not renewed",
        "status": 401,
        "detail": "Your password was changed.",
        "remedy": "Start the server again from the project's page.",
    }
    status, project = server_extension.answers["GET project"]
    server_extension.answers["GET project"] = (status, project | {"token_problem": problem})
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Refresh").click()
    alert = panel.get_by_role("alert")
    expect(alert).to_contain_text(problem["detail"])
    expect(alert).to_contain_text(problem["remedy"])
    expect(alert.get_by_role("link", name="Project page")).to_have_attribute("href", project["links"]["project"])


def test_stopping_the_server_asks_first_and_goes_where_the_answer_says(open_lab: Page, server_extension: Any) -> None:
    server_extension.answers["POST server:stop"] = (202, {"state": "stopping", "url": "/hub/home"})
    open_lab.route("**/hub/home", lambda route: route.fulfill(body="My projects"))
    open_panel(open_lab).get_by_role("button", name="Stop…").click()
    dialog = open_lab.get_by_role("dialog")
    expect(dialog).to_contain_text("Open files are saved first.")
    dialog.get_by_role("button", name="Stop").click()
    expect(open_lab).to_have_url(re.compile(r"/hub/home$"))


def test_a_refused_restart_tells_why_and_stays(open_lab: Page, server_extension: Any) -> None:
    server_extension.answers["POST server:restart"] = (503, DOWN)
    open_panel(open_lab).get_by_role("button", name="Restart…").click()
    open_lab.get_by_role("dialog").get_by_role("button", name="Restart").click()
    toast = open_lab.get_by_text("Control plane away: It does not answer.")
    expect(toast).to_be_visible()
    open_lab.get_by_role("button", name="Details").click()
    expect(open_lab.locator(".jp-Dialog")).to_contain_text("Try again in a moment.")


def test_status_bar_opens_the_sessions_by_keyboard(open_lab: Page) -> None:
    item = open_lab.get_by_role("button", name="Spark: busy")
    expect(item).to_be_visible()
    item.focus()
    open_lab.keyboard.press("Enter")
    popup = open_lab.get_by_role("dialog", name="My Spark sessions")
    expect(popup).to_contain_text("Session 3")
    open_lab.keyboard.press("Escape")
    expect(popup).to_have_count(0)
    expect(item).to_be_focused()
    open_lab.keyboard.press("Enter")
    popup.get_by_role("button", name="Show project").click()
    expect(open_lab.get_by_role("region", name="Project")).to_be_visible()


def test_nothing_is_asked_while_the_page_is_hidden(open_lab: Page, server_extension: Any) -> None:
    open_panel(open_lab)
    open_lab.evaluate(
        "() => { Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    before = when_quiet(open_lab, lambda: len(server_extension.asked))
    open_lab.wait_for_timeout(6_000)
    assert len(server_extension.asked) == before
