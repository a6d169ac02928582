from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from scripted_platform import a_problem, a_project, a_session

pytestmark = pytest.mark.browser
SESSIONS = "/services/hops/sessions"


@pytest.fixture
def busy_site(platform):
    """A platform with sessions of three people, looked at by an administrator."""
    platform.admin = True
    now = time.time()
    working = {"state": "busy", "idle_since": None, "ends": None, "waiting": 2}
    running = {"state": "running", "status": None, "started": now - 95, "completed": None, "line": None}
    platform.sessions = [
        a_session(9, "grace", name="nightly", project="tides", last_statement=running, **working),
        a_session(7),
        a_session(6, "eve"),
        a_session(
            4, "eve", state="dead", idle_since=None, ends=None,
            reason="The driver ran out of memory: it had 1024 MiB. Raise the memory of the driver in the start form.",
        ),
    ]  # fmt: skip
    return platform


def rows(page):
    return page.locator("#session-rows").get_by_role("row")


def test_an_administrator_sees_everybodys_with_state_resources_and_what_was_run_last(visit, busy_site):
    page = visit(SESSIONS)
    expect(rows(page)).to_have_count(4)
    expect(page.get_by_label("Whose")).to_have_value("all")
    nightly, mine, eves, dead = rows(page).all()
    for text in ("nightly", "grace in tides", "busy", "began 1 h 30 min ago", "2 executors", "1 core and 2 GiB each",
                 "runs for 1 min", "2 more wait"):  # fmt: skip
        expect(nightly).to_contain_text(text)
    expect(mine).to_contain_text("days = spark.read.parquet")
    expect(mine).to_contain_text("done 10 min ago")
    expect(mine).to_contain_text("ends in 1 h 49 min if nothing is run")
    expect(eves.locator(".hops-mono")).to_have_count(0)
    expect(dead).to_contain_text("The driver ran out of memory")
    expect(dead.get_by_role("button", name="Stop session 4")).to_have_count(0)
    expect(page.get_by_text("1 working, 2 idle")).to_be_visible()
    assert busy_site.calls == []


def test_ones_own_session_is_called_by_its_notebook(visit, busy_site):
    busy_site.sessions[1] |= {"notebook": "Jupyter/rain/Daily.ipynb", "kernel": "k"}
    page = visit(SESSIONS)
    expect(rows(page).nth(1).locator("strong")).to_have_text("Daily.ipynb")
    expect(rows(page).nth(1)).to_contain_text("Session 7, pyspark")
    page.locator("#session-search").fill("daily")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Stop session 7").click()
    expect(page.get_by_role("dialog")).to_contain_text("Stop the session of Daily.ipynb?")


def test_one_whose_notebook_is_gone_ends_sooner_than_its_idle_time_says(visit, busy_site):
    busy_site.sessions[1]["ends"] = time.time() + 355
    page = visit(SESSIONS)
    expect(rows(page).nth(1)).to_contain_text("ends in 5 min if nothing is run")
    busy_site.sessions[1] |= {"ends": None, "reason": "changed"}
    expect(rows(page).nth(1)).to_contain_text("changed")
    expect(rows(page).nth(1)).not_to_contain_text("ends in")


def test_one_in_the_queue_waits_at_its_place_and_is_counted_apart(visit, busy_site):
    busy_site.sessions[1] |= {
        "state": "starting", "queue": {"position": 2, "length": 5}, "idle_since": None, "ends": None,
        "reason": "Waits for 2 GPUs: 2nd of 5 in the queue.", "last_statement": None, "spark_ui": None,
    }  # fmt: skip
    page = visit(SESSIONS)
    expect(rows(page).nth(1)).to_contain_text("waiting (2nd of 5)")
    expect(rows(page).nth(1)).to_contain_text("asked for 1 h 30 min ago")
    expect(rows(page).nth(1)).not_to_contain_text("starting")
    expect(page.get_by_text("1 working, 1 waiting, 1 idle")).to_be_visible()
    page.get_by_label("State").select_option("Working")
    expect(rows(page)).to_have_count(1)
    page.get_by_label("State").select_option("Waiting")
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("2nd of 5 in the queue")


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ({"gpus": [0, 3], "gpus_per_executor": 1}, "2 executors, 2 GPUs (0, 3)"),
        ({"gpus_per_executor": 2, "gpu_label": "a100"}, "2 executors, 4 GPUs (a100)"),
        ({"gpus_per_executor": 1, "executors": 1}, "1 executor, 1 GPU"),
        (
            {"gpus_per_executor": 2, "gpu_label": "t4", "min_executors": 1, "max_executors": 4},
            "1 to 4 executors, up to 8 GPUs (t4)",
        ),
    ],
)
def test_gpus_are_shown_by_their_numbers_or_as_they_were_asked_for(visit, busy_site, resources, text):
    busy_site.sessions[1]["resources"] |= resources
    page = visit(SESSIONS)
    expect(rows(page).nth(1).get_by_role("cell").nth(2).locator("div").first).to_have_text(text)


def test_sparks_own_pages_are_led_to_for_ones_own_sessions_and_on_this_site_alone(visit, busy_site):
    page = visit(SESSIONS)
    links = page.get_by_role("link", name="Spark UI of session")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "/user/ada/weather/hops/session/7/ui/")
    assert links.get_attribute("rel") == "noopener"
    for stray in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example/", "javascript:alert(1)"):
        busy_site.sessions[1]["spark_ui"] = stray
        busy_site.sessions[1]["name"] = stray
        expect(rows(page).nth(1)).to_contain_text(stray)
        expect(links).to_have_count(0)


@pytest.mark.parametrize(
    ("kept", "text"),
    [((3, 1843), "3 sessions are kept ready (1.8 GiB)"), ((1, 614), "1 session is kept ready (614 MiB)")],
)
def test_an_administrator_is_told_what_is_kept_ready(visit, busy_site, kept, text):
    busy_site.kept_ready = {"sessions": kept[0], "memory_mib": kept[1]}
    page = visit(SESSIONS)
    line = page.get_by_text(text)
    expect(line).to_be_visible()
    assert "Nobody has asked for them yet" in line.get_attribute("title")
    page.get_by_label("Whose").select_option("Mine")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("kept ready")).to_be_hidden()


def test_what_is_new_shows_by_itself_and_the_focus_stays(visit, busy_site):
    page = visit(SESSIONS)
    page.get_by_role("button", name="Log of session 6").focus()
    busy_site.sessions.insert(0, a_session(10, "eve", state="starting", idle_since=None, last_statement=None))
    expect(rows(page)).to_have_count(5)
    expect(page.get_by_role("button", name="Log of session 6")).to_be_focused()


def test_it_is_narrowed_by_text_and_state(visit, busy_site):
    page = visit(SESSIONS)
    page.get_by_label("User, project, name or reason").fill("eve")
    expect(rows(page)).to_have_count(2)
    page.get_by_label("State").select_option("Ended")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Stop all idle…")).to_be_disabled()
    page.get_by_label("User, project, name or reason").fill("nobody like that")
    expect(page.get_by_text("No session is like that.")).to_be_visible()
    expect(page.get_by_role("table")).to_be_hidden()


def test_a_data_owner_chooses_a_project_and_others_see_their_own(visit, busy_site):
    busy_site.admin = False
    busy_site.projects["tides"] = a_project("tides", "Tides")
    busy_site.projects["weather"] = a_project("weather", "Weather", role="data_scientist")
    page = visit(SESSIONS)
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Whose").get_by_role("option")).to_have_text(["Mine", "Project Tides"])
    page.get_by_label("Whose").select_option("Project Tides")
    expect(rows(page).first).to_contain_text("nightly")


def test_one_is_stopped_after_it_was_said_what_is_lost(visit, busy_site):
    page = visit(SESSIONS)
    page.get_by_role("button", name="Stop session 9").press("Enter")
    dialog = page.get_by_role("dialog", name="Stop nightly of grace?")
    expect(dialog).to_contain_text("grace is working in it now; that work is broken off.")
    dialog.press("Escape")
    assert busy_site.calls == []
    page.get_by_role("button", name="Stop session 9").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop session").click()
    expect(rows(page).first).to_contain_text("It was stopped by administrator ada.")
    assert busy_site.calls == [("DELETE", "sessions/9", None)]


def test_all_idle_ones_that_are_shown_are_stopped_after_they_were_named(visit, busy_site):
    page = visit(SESSIONS)
    page.get_by_label("User, project, name or reason").fill("eve")
    page.get_by_role("button", name="Stop all idle (1)…").click()
    dialog = page.get_by_role("dialog", name="Stop 1 idle session?")
    expect(dialog).to_contain_text("These do nothing now: Session 6 (eve).")
    dialog.get_by_role("button", name="Stop 1 session").click()
    expect(page.get_by_text("1 session ended.")).to_be_visible()
    assert busy_site.calls == [("POST", "sessions:stop-idle", {"scope": "all", "sessions": [6]})]


def test_a_refused_stop_is_told_in_its_dialog(visit, busy_site):
    busy_site.refusals["DELETE sessions/6"] = a_problem(503, "The session service does not answer.", "Try again.")
    page = visit(SESSIONS)
    page.get_by_role("button", name="Stop session 6").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop session").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("The session service does not answer.")


def test_a_log_is_read_and_read_again(visit, busy_site):
    page = visit(SESSIONS)
    page.get_by_role("button", name="Log of session 9").click()
    dialog = page.get_by_role("dialog", name="Log of session 9, last 2 lines")
    expect(dialog.get_by_role("region")).to_contain_text("the last line")
    busy_site.refusals["GET sessions/9/log"] = a_problem(404, "There is no session 9 that you can see.")
    dialog.get_by_role("button", name="Read again").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is no session 9 that you can see.")


def test_without_sessions_it_is_said_how_one_starts(visit, platform):
    page = visit(SESSIONS)
    expect(page.get_by_text("You have no Spark session. Run a cell in a PySpark notebook")).to_be_visible()
    expect(page.get_by_text("0 working, 0 idle")).to_be_visible()


def test_a_problem_stands_beside_what_was_read_and_goes_by_itself(visit, busy_site):
    page = visit(SESSIONS)
    expect(rows(page)).to_have_count(4)
    busy_site.refusals["GET sessions"] = a_problem(503, "The session service does not answer.", "Try again.")
    expect(page.get_by_role("alert")).to_contain_text("The session service does not answer.")
    expect(rows(page)).to_have_count(4)
    busy_site.refusals.clear()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_list_that_is_cut_says_so(visit, busy_site):
    busy_site.total_sessions = 300
    page = visit(SESSIONS)
    expect(page.get_by_text("The newest 4 of 300 are shown")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_narrow_window(visit, busy_site, scheme):
    page = visit(SESSIONS, viewport={"width": 420, "height": 900}, color_scheme=scheme)
    expect(rows(page)).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
