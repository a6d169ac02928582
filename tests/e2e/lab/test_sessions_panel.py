"""The sidebar *Spark sessions*: what it shows, what it asks before it ends something, how it reads."""

from __future__ import annotations

import re
import time
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from .asking import retry, when_quiet
from .conftest import PROJECT, SESSION

pytestmark = pytest.mark.browser

NOW = time.time()
KERNEL = "3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11"


def item(number: int, **changes: Any) -> dict[str, Any]:
    resources = {**SESSION["resources"], "min_executors": None, "max_executors": None}
    return {
        "id": number, "kind": "pyspark", "name": None, "kernel": None, "user": "ada", "own": True, "state": "idle",
        "reason": None, "app_id": "local-1795400000000", "created": NOW - 5400, "idle_since": NOW - 600,
        "idle_timeout_s": 7200.0, "ends": NOW + 6600, "statements": 12, "waiting": 0, "queue": None, "gpus": [],
        "last_statement": {
            "id": 11, "state": "available", "status": "ok", "started": NOW - 610, "completed": NOW - 600,
            "line": "days = spark.read.parquet('Resources/days.parquet').where('year > 2010').cache()",
        },
        "resources": resources, "spark_ui": f"/hops/session/{number}/ui/", **changes,
    }  # fmt: skip


BUSY = item(
    7, name="nightly", state="busy", idle_since=None, ends=None, waiting=2, gpus=[0, 1],
    last_statement={
        "id": 12, "state": "running", "status": None, "started": NOW - 95, "completed": None, "line": "model.fit(days)",
    },
)  # fmt: skip
IDLE = item(5)
DEAD = item(
    4, state="dead", idle_since=None, ends=None, spark_ui=None,
    reason="The driver ran out of memory: it had 1024 MiB. Raise the memory of the driver in the start form.",
)  # fmt: skip
GRACES = item(
    6, user="grace", own=False, spark_ui=None, last_statement=IDLE["last_statement"] | {"line": None, "status": "error"}
)  # fmt: skip
DOWN = {"title": "No answer", "status": 503, "detail": "The session service does not answer.", "remedy": "Try again."}


def overview(*items: dict[str, Any], scope: str = "project", version: str = "v") -> tuple[int, dict[str, Any]]:
    return 200, {"scope": scope, "items": [of_now(item) for item in items], "total": len(items), "version": version}


def of_now(described: dict[str, Any]) -> dict[str, Any]:
    """The same, as old as it was when this module was read, which may be long ago."""
    later = time.time() - NOW
    moments = {"created", "idle_since", "ends", "started", "completed"}
    moved = {key: value + later for key, value in described.items() if key in moments and value is not None}
    last = described.get("last_statement")
    return described | moved | ({"last_statement": of_now(last)} if last else {})


@pytest.fixture(autouse=True)
def _sessions(server_extension: Any) -> None:
    server_extension.answers["GET overview"] = overview(BUSY, GRACES, IDLE, DEAD)
    lines = [f"26/11/28 08:{line // 60:02}:{line % 60:02} INFO TaskSetManager: task {line}" for line in range(120)]
    server_extension.answers["GET overview/7/log"] = (200, {"lines": lines, "total": 500})


def open_panel(page: Page) -> Locator:
    page.get_by_role("tab", name="Spark sessions").click()
    panel = page.get_by_role("region", name="Spark sessions")
    expect(panel.get_by_role("list", name="My Spark sessions")).to_be_visible()
    return panel


def mine(panel: Locator) -> Locator:
    return panel.get_by_role("list", name="My Spark sessions").get_by_role("listitem")


def test_my_sessions_and_those_of_the_project_are_shown_in_their_groups(open_lab: Page) -> None:
    panel = open_panel(open_lab)
    expect(panel).to_contain_text("1 working, 2 idle")
    expect(mine(panel)).to_have_count(3)
    expect(mine(panel).nth(0)).to_contain_text(
        "nightlybusySession 7 · 1 h 30 min · 1 executor · 2 cores and 2 GiB · 2 GPUs"
    )
    expect(mine(panel).nth(0)).to_contain_text("model.fit(days)")
    expect(mine(panel).nth(2)).to_contain_text("The driver ran out of memory")
    (others,) = panel.get_by_role("list", name="Spark sessions of other members").get_by_role("listitem").all()
    expect(others).to_contain_text("grace · ")
    expect(others).to_contain_text("last cell failed")
    expect(others.locator("code")).to_have_count(0)


def test_one_that_waits_tells_its_place_and_what_it_asked_for_and_one_that_is_left_when_it_ends(
    open_lab: Page, server_extension: Any
) -> None:
    asked = IDLE["resources"] | {"executors": 2, "gpus_per_executor": 2, "gpu_label": "a100"}
    waits = item(
        8, state="starting", idle_since=None, ends=None, last_statement=None, spark_ui=None, resources=asked,
        reason="Waits for 4 GPUs: 2nd of 5 in the queue.", queue={"position": 2, "length": 5},
    )  # fmt: skip
    # Its notebook is gone: it ends long before its idle time is over.
    server_extension.answers["GET overview"] = overview(waits, IDLE | {"ends": NOW + 300}, version="w")
    panel = open_panel(open_lab)
    expect(panel).to_contain_text("0 working, 1 waiting, 1 idle")
    expect(mine(panel).nth(0)).to_contain_text("waiting (2nd of 5)")
    expect(mine(panel).nth(0)).to_contain_text("2 executors · 2 cores and 2 GiB each · 4 GPUs (a100)")
    panel.get_by_role("button", name="Show details of session 8").click()
    expect(mine(panel).nth(0)).to_contain_text("GPUs asked for4 GPUs (a100)")
    panel.get_by_role("button", name="Show details of session 5").click()
    idle = mine(panel).nth(1).get_by_role("definition")
    expect(idle.filter(has_text=re.compile(r"^10 min$"))).to_be_visible()
    at = open_lab.evaluate(
        "moment => new Date(moment * 1000).toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'short'})",
        server_extension.answers["GET overview"][1]["items"][1]["ends"],
    )
    expect(idle.last).to_have_text(at)


def test_a_data_scientist_sees_no_group_of_others(open_lab: Page, server_extension: Any) -> None:
    server_extension.answers["GET overview"] = overview(IDLE, scope="own")
    panel = open_panel(open_lab)
    expect(mine(panel)).to_have_count(1)
    expect(panel.get_by_role("heading", name="Others in the project")).to_have_count(0)


def test_details_and_log_open_by_keyboard_and_the_log_follows_until_it_is_paused(
    open_lab: Page, server_extension: Any
) -> None:
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Show details of session 7").press("Enter")
    session = mine(panel).nth(0)
    expect(session).to_contain_text("Applicationlocal-1795400000000")
    expect(session).to_contain_text("12, of which 2 wait")
    log = panel.get_by_role("region", name="Log of session 7")
    expect(log).to_contain_text("task 119")
    assert log.evaluate("node => node.scrollHeight - node.scrollTop - node.clientHeight < 5"), "its end is shown"
    lines = server_extension.answers["GET overview/7/log"][1]["lines"]
    server_extension.answers["GET overview/7/log"] = (200, {"lines": [*lines, "a new line"], "total": 501})
    expect(log).to_contain_text("a new line")
    session.get_by_role("button", name="Pause").press("Enter")
    expect(session.get_by_role("button", name="Follow")).to_be_visible()
    server_extension.answers["GET overview/7/log"] = (200, {"lines": ["only this"], "total": 1})
    asked = when_quiet(open_lab, lambda: server_extension.asked.count("GET overview/7/log"))
    open_lab.wait_for_timeout(3_000)
    assert server_extension.asked.count("GET overview/7/log") == asked
    session.get_by_role("button", name="Follow").press("Enter")
    expect(log).to_have_text("only this")


def test_the_log_is_copied(open_lab: Page) -> None:
    open_lab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Show details of session 7").click()
    expect(panel.get_by_role("region", name="Log of session 7")).to_contain_text("task 119")
    panel.get_by_role("button", name="Copy log of session 7").click()
    assert open_lab.evaluate("() => navigator.clipboard.readText()").endswith("INFO TaskSetManager: task 119")


def test_a_log_that_can_not_be_read_says_so(open_lab: Page, server_extension: Any) -> None:
    server_extension.answers["GET overview/7/log"] = (503, DOWN)
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Show details of session 7").click()
    expect(panel.get_by_role("alert")).to_contain_text("The session service does not answer.")


def test_stopping_anothers_session_says_what_they_lose_and_who_is_named(open_lab: Page, server_extension: Any) -> None:
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Stop session 6").click()
    dialog = open_lab.get_by_role("dialog")
    expect(dialog).to_contain_text("Stop Session 6 of grace?")
    expect(dialog).to_contain_text("Its variables are lost to grace, whose notebook says that you stopped it")
    dialog.get_by_role("button", name="Cancel").click()
    assert "DELETE overview/6" not in server_extension.asked
    panel.get_by_role("button", name="Stop session 6").click()
    ended = GRACES | {"state": "killed", "reason": "It was stopped by Data Owner ada.", "idle_since": None}
    server_extension.answers["DELETE overview/6"] = (200, ended)
    server_extension.answers["GET overview"] = overview(BUSY, ended, IDLE, DEAD, version="w")
    dialog.get_by_role("button", name="Stop Session").click()
    expect(panel).to_contain_text("It was stopped by Data Owner ada.")
    expect(open_lab.get_by_text("Spark session 6 has ended.")).to_be_visible()
    assert "DELETE overview/6" in server_extension.asked


def test_stopping_a_busy_one_of_mine_says_that_its_work_is_broken_off(open_lab: Page) -> None:
    open_panel(open_lab).get_by_role("button", name="Stop session 7").click()
    expect(open_lab.get_by_role("dialog")).to_contain_text("It is working now; that work is broken off.")


def test_all_idle_ones_are_stopped_after_they_were_named(open_lab: Page, server_extension: Any) -> None:
    panel = open_panel(open_lab)
    buttons = panel.get_by_role("button", name="Stop all idle (1)…")
    expect(buttons).to_have_count(2)
    server_extension.answers["POST overview:stop-idle"] = (200, {"ended": [6]})
    buttons.nth(1).click()
    dialog = open_lab.get_by_role("dialog")
    expect(dialog).to_contain_text("Stop 1 idle session?")
    expect(dialog).to_contain_text("Session 6 of grace")
    dialog.get_by_role("button", name="Stop 1 Session").click()
    expect(open_lab.get_by_text("1 session has ended.")).to_be_visible()
    assert 'POST overview:stop-idle {"scope":"project","sessions":[6]}' in server_extension.asked


def test_one_that_has_ended_is_taken_out_of_the_list(open_lab: Page, server_extension: Any) -> None:
    panel = open_panel(open_lab)
    server_extension.answers["DELETE session/4"] = (204, None)
    server_extension.answers["GET overview"] = overview(BUSY, IDLE, version="w")
    panel.get_by_role("button", name="Remove session 4 from the list").click()
    expect(mine(panel)).to_have_count(2)
    assert "DELETE session/4" in server_extension.asked


def test_a_session_leads_to_its_notebook(open_lab: Page, server_extension: Any, lab: Any) -> None:
    kernel_spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel_spec})
    nbformat.write(notebook, lab.folder / "Jupyter" / "sessions.ipynb")
    open_lab.locator(".jp-DirListing-content").get_by_text("Jupyter").dblclick()
    open_lab.locator(".jp-DirListing-content").get_by_text("sessions.ipynb").dblclick()
    open_lab.locator("#jp-main-statusbar").get_by_text("Idle").wait_for()
    running = open_lab.request.get(f"{lab.url}api/sessions?token={lab.token}").json()
    (kernel,) = [one["kernel"]["id"] for one in running if one["path"].endswith("sessions.ipynb")]
    named = IDLE | {"kernel": kernel, "name": f"pyspark-{kernel}-0a1b2c"}
    server_extension.answers["GET overview"] = overview(named, version="w")
    open_lab.get_by_role("tab", name="Launcher").click()
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="sessions.ipynb").click()
    expect(open_lab.get_by_role("tab", name="sessions.ipynb")).to_have_attribute("aria-selected", "true")


def test_the_pages_of_spark_open_in_a_tab_of_their_own_session_and_of_no_other(
    open_lab: Page, server_extension: Any
) -> None:
    server_extension.answers["POST session/7:pages"] = (200, {"url": "/hops/session/7/ui/first/"})
    server_extension.answers["GET session/7/ui/first/"] = (200, "<!doctype html><h1>Spark Jobs</h1>")
    panel = open_panel(open_lab)
    opening = panel.get_by_role("button", name=re.compile("Open the Spark UI"))
    expect(opening).to_have_count(2)  # not of grace's, and not of the one that died
    panel.get_by_role("button", name="Open the Spark UI of session 7").press("Enter")
    tab = open_lab.get_by_role("tab", name="Spark UI: session 7")
    expect(tab).to_have_attribute("aria-selected", "true")
    frame = open_lab.frame_locator("iframe[title='Spark UI of session 7']")
    expect(frame.get_by_role("heading", name="Spark Jobs")).to_be_visible()
    expect(open_lab.get_by_text("Reading the pages of Spark…")).to_have_count(0)
    # A server that was started anew has another address for them.
    server_extension.answers["POST session/7:pages"] = (200, {"url": "/hops/session/7/ui/second/"})
    server_extension.answers["GET session/7/ui/second/"] = (409, "<!doctype html><h1>Session 7 has ended</h1>")
    open_lab.get_by_role("button", name="Show the first page of this Spark UI anew").click()
    expect(frame.get_by_role("heading", name="Session 7 has ended")).to_be_visible()
    with open_lab.context.expect_page() as opened:
        open_lab.get_by_role("button", name="Open this Spark UI in a browser tab").click()
    assert opened.value.url.endswith("/hops/session/7/ui/second/")
    panel.get_by_role("button", name="Open the Spark UI of session 7").click()
    expect(tab).to_have_count(1)


def test_without_sessions_it_says_how_one_starts(open_lab: Page, server_extension: Any) -> None:
    server_extension.answers["GET overview"] = overview()
    open_lab.get_by_role("tab", name="Spark sessions").click()
    panel = open_lab.get_by_role("region", name="Spark sessions")
    expect(panel).to_contain_text("No Spark session. Run a cell in a PySpark notebook, and one starts.")
    expect(panel).to_contain_text("No other member of the project has a session.")
    expect(panel.get_by_role("button", name=re.compile("Stop all idle"))).to_have_count(0)


def test_a_problem_is_shown_beside_what_was_read_and_goes_on_retry(open_lab: Page, server_extension: Any) -> None:
    panel = open_panel(open_lab)
    good = server_extension.answers["GET overview"]
    server_extension.answers["GET overview"] = (503, DOWN)
    panel.get_by_role("button", name="Refresh").click()
    alert = panel.get_by_role("alert")
    expect(alert).to_contain_text("The session service does not answer.")
    expect(mine(panel)).to_have_count(3)
    expect(alert.get_by_role("button", name="Retry")).to_be_visible()
    server_extension.answers["GET overview"] = good
    retry(alert)
    expect(panel.get_by_role("alert")).to_have_count(0)


def test_the_status_bar_leads_to_the_panel_by_keyboard(open_lab: Page) -> None:
    item = open_lab.get_by_role("button", name="Spark: busy")
    item.press("Enter")
    popup = open_lab.get_by_role("dialog", name="My Spark sessions")
    popup.get_by_role("button", name="Show sessions").press("Enter")
    expect(open_lab.get_by_role("region", name="Spark sessions")).to_be_visible()


def test_nothing_is_asked_while_nobody_looks(open_lab: Page, server_extension: Any) -> None:
    open_lab.wait_for_timeout(2_000)
    assert not any("overview" in key for key in server_extension.asked)
    open_panel(open_lab)
    open_lab.get_by_role("tab", name="Project", exact=True).click()
    asked = when_quiet(open_lab, lambda: server_extension.asked.count("GET overview"))
    open_lab.wait_for_timeout(3_000)
    assert server_extension.asked.count("GET overview") == asked


def test_the_focus_goes_to_the_panel_that_a_key_opens_and_stays_at_a_session_that_is_stopped(
    open_lab: Page, server_extension: Any
) -> None:
    panel = open_lab.get_by_role("region", name="Spark sessions")
    for key, name in (("P", "Project"), ("S", "Spark sessions")):
        open_lab.keyboard.press(f"Control+Alt+{key}")
        expect(open_lab.get_by_role("region", name=name, exact=True)).to_be_focused()
    open_lab.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Refresh")).to_be_focused()
    panel.get_by_role("button", name="Stop session 6").press("Enter")
    ended = GRACES | {"state": "killed", "reason": "It was stopped by Data Owner ada.", "idle_since": None}
    server_extension.answers["DELETE overview/6"] = (200, ended)
    server_extension.answers["GET overview"] = overview(BUSY, ended, IDLE, DEAD, version="w")
    open_lab.get_by_role("dialog").get_by_role("button", name="Stop Session").press("Enter")
    expect(panel).to_contain_text("It was stopped by Data Owner ada.")
    expect(panel.get_by_role("button", name="Show details of session 6")).to_be_focused()


def test_values_are_whole_in_the_width_that_lab_gives_the_panel(open_lab: Page) -> None:
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Show details of session 5").click()
    dates = mine(panel).nth(1).get_by_role("definition").filter(has_text=re.compile(r", \d{4}"))
    expect(dates).to_have_count(2)
    for date in dates.all():
        lines = date.evaluate(
            "node => { const text = document.createRange(); text.selectNodeContents(node); "
            "return new Set([...text.getClientRects()].map(({ top }) => top)).size; }"
        )
        assert lines == 1, date.inner_text()


def test_the_panel_fits_a_narrow_sidebar(open_lab: Page) -> None:
    panel = open_panel(open_lab)
    panel.get_by_role("button", name="Show details of session 7").click()
    expect(panel.get_by_role("region", name="Log of session 7")).to_be_visible()
    handle = open_lab.locator("#jp-main-split-panel > .lm-SplitPanel-handle").first
    box = handle.bounding_box()
    assert box is not None
    open_lab.mouse.move(box["x"] + 1, box["y"] + 300)
    open_lab.mouse.down()
    open_lab.mouse.move(60, box["y"] + 300)
    open_lab.mouse.up()
    assert panel.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_the_menu_and_the_role_decide_what_is_asked(open_lab: Page, server_extension: Any) -> None:
    assert PROJECT["role"] == "data_owner"
    asked: list[str] = []
    open_lab.on("request", lambda request: asked.append(request.url) if "overview" in request.url else None)
    open_lab.get_by_role("menuitem", name="Project", exact=True).click()
    open_lab.get_by_role("menuitem", name="Show Spark Sessions").click()
    expect(open_lab.get_by_role("region", name="Spark sessions")).to_be_visible()
    expect(open_lab.get_by_role("list", name="My Spark sessions")).to_be_visible()
    assert all("scope=project" in url for url in asked)
    server_extension.answers["GET project"] = (200, PROJECT | {"role": "data_scientist"})
    with open_lab.expect_request(re.compile(r"overview\?scope=own")):
        open_lab.get_by_role("tab", name="Project", exact=True).click()
        open_lab.get_by_role("region", name="Project").get_by_role("button", name="Refresh").click()
        open_lab.get_by_role("tab", name="Spark sessions").click()
