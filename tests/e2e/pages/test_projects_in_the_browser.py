from __future__ import annotations

import pytest
from playwright.sync_api import expect
from scripted_platform import SINCE, a_problem, a_project

pytestmark = pytest.mark.browser
HOME = "/services/hops/"


def test_an_empty_home_says_what_to_do(visit, platform):
    page = visit(HOME)
    expect(page.get_by_role("heading", name="You are not in a project yet")).to_be_visible()
    expect(page.get_by_role("button", name="Create project")).to_be_hidden()
    page.get_by_role("button", name="Create your first project").click()
    expect(page.get_by_role("dialog", name="Create a project")).to_be_visible()
    expect(page.get_by_label("Title")).to_be_focused()


def test_a_project_is_created_with_a_name_made_of_its_title(visit, platform):
    page = visit(HOME)
    page.get_by_role("button", name="Create your first project").click()
    page.get_by_label("Title").fill("Größe & Wind: 2026!")
    expect(page.get_by_label("Name")).to_have_value("grosse-wind-2026")
    page.get_by_label("Name").fill("wind")
    page.get_by_label("Title").fill("Wind")
    page.get_by_label("Title").press_sequentially("s of the coast")
    expect(page.get_by_label("Name")).to_have_value("wind")
    page.get_by_label("Empty").check()
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()
    page.wait_for_url("**/services/hops/projects/wind")
    assert platform.calls == [
        ("POST", "projects", {"title": "Winds of the coast", "name": "wind", "description": "", "template": "empty"})
    ]


def test_a_refusal_stands_at_its_field_and_nothing_typed_is_lost(visit, platform):
    platform.refusals["POST projects"] = a_problem(
        409, "There is a project 'wind' already.", "Choose another name.", name="This name is taken."
    )
    page = visit(HOME)
    page.get_by_role("button", name="Create your first project").click()
    page.get_by_label("Title").fill("Wind")
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("There is a project 'wind' already.")
    expect(alert).to_contain_text("Choose another name.")
    name = page.get_by_label("Name")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description("In addresses and paths, and it stays: lower-case letters, digits "
        "and single hyphens. Files will lie in /Projects/wind/. This name is taken.")  # fmt: skip
    expect(page.get_by_label("Title")).to_have_value("Wind")


def test_hostile_text_stays_text(visit, platform):
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    platform.projects["weather"] = a_project("weather", hostile, description=hostile)
    platform.members.append({"user": "eve", "title": hostile, "role": "data_scientist", "since": SINCE})
    page = visit(HOME)
    expect(page.get_by_role("link", name=hostile, exact=True)).to_be_visible()
    page = visit(HOME + "projects/weather")
    expect(page.get_by_role("heading", name=hostile, level=1)).to_be_visible()
    assert page.locator("main img[src=x], main script").count() == 0


def test_open_starts_with_the_remembered_options_and_shows_the_progress(visit, weather):
    weather.events = [{"progress": 10, "message": "Checking"}, {"progress": 50, "message": "Starting", "after_s": 30}]
    page = visit(HOME)
    page.get_by_role("button", name="Open Weather of the coast").click()
    page.wait_for_url("**/hub/spawn-pending/ada/weather")
    assert weather.calls == [("PUT", "projects/weather/server", {})]


def test_open_goes_straight_to_a_running_server(visit, weather):
    weather.servers["weather"] = {"state": "ready"}
    page = visit(HOME)
    expect(page.get_by_text("Running")).to_be_visible()
    page.get_by_role("button", name="Open Weather of the coast").click()
    page.wait_for_url("**/user/ada/weather/")
    assert weather.calls == []


def test_the_state_of_a_starting_server_follows_without_a_reload(visit, weather):
    weather.servers["weather"] = {"state": "starting"}
    page = visit(HOME)
    expect(page.get_by_text("Starting…")).to_be_visible()
    weather.servers["weather"] = {"state": "failed", "reason": "There is no memory for it."}
    expect(page.get_by_text("Start failed")).to_be_visible()
    expect(page.get_by_text("There is no memory for it.")).to_be_visible()
    link = page.get_by_role("link", name="Start with other options… Weather of the coast")
    expect(link).to_have_attribute("href", "/hub/spawn/ada/weather")


def test_a_running_server_is_stopped_only_after_a_yes(visit, weather):
    weather.servers["weather"] = {"state": "ready"}
    page = visit(HOME)
    stop = page.get_by_role("button", name="Stop the server of Weather of the coast")
    stop.click()
    page.keyboard.press("Escape")
    assert weather.calls == []
    expect(stop).to_be_focused()
    stop.click()
    page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    expect(page.get_by_text("Stopped")).to_be_visible()
    assert weather.calls == [("DELETE", "projects/weather/server", None)]


def test_a_start_that_is_refused_says_why_at_the_project(visit, weather):
    weather.refusals["PUT projects/weather/server"] = a_problem(
        409, "The environment of this project is being made.", "Try again in a minute."
    )
    page = visit(HOME)
    page.get_by_role("button", name="Open Weather of the coast").click()
    expect(page.get_by_role("alert")).to_contain_text("The environment of this project is being made.")
    expect(page.get_by_role("alert")).to_contain_text("Try again in a minute.")


def test_many_projects_come_in_pages(visit, platform):
    platform.projects = {f"p{number:02}": a_project(f"p{number:02}") for number in range(30)}
    page = visit(HOME)
    cards = page.locator("#projects > li")
    expect(cards).to_have_count(24)
    page.get_by_role("button", name="Show more").click()
    expect(cards).to_have_count(30)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_a_platform_that_is_away_is_told_with_what_to_do(visit, platform):
    platform.refusals["GET projects"] = a_problem(503, "The database is busy or away.", "Try again in a moment.")
    expect(visit(HOME).get_by_role("alert")).to_contain_text("The database is busy or away.Try again in a moment.")


def change_role(page, user, role):
    page.get_by_label(f"Role of {user}").select_option(role)
    page.get_by_role("dialog").get_by_role("button", name="Change role").click()


def test_members_are_added_changed_and_removed(visit, weather):
    page = visit(HOME + "projects/weather")
    page.get_by_label("Add a user").fill("grace")
    page.get_by_role("button", name="Add", exact=True).click()
    role = page.get_by_label("Role of grace")
    expect(role).to_have_value("data_scientist")
    role.select_option("data_owner")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Make grace a Data Owner?A Data Owner manages members, data and limits")
    page.keyboard.press("Escape")
    expect(role).to_have_value("data_scientist")
    expect(role).to_be_focused()
    change_role(page, "grace", "data_owner")
    expect(page.get_by_text("grace is a Data Owner now.")).to_be_visible()
    page.get_by_role("button", name="Remove grace").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove member").click()
    expect(page.get_by_text("grace is no longer a member.")).to_be_visible()
    expect(role).to_have_count(0)
    assert weather.calls == [
        ("POST", "projects/weather/members", {"user": "grace", "role": "data_scientist"}),
        ("PATCH", "projects/weather/members/grace", {"role": "data_owner"}),
        ("DELETE", "projects/weather/members/grace", None),
    ]


def test_a_role_that_can_not_change_goes_back_to_what_it_is(visit, weather):
    weather.refusals["PATCH projects/weather/members/ada"] = a_problem(409, "A project needs a Data Owner.")
    page = visit(HOME + "projects/weather")
    change_role(page, "ada", "data_scientist")
    expect(page.get_by_role("alert")).to_contain_text("A project needs a Data Owner.")
    expect(page.get_by_label("Role of ada")).to_have_value("data_owner")


def test_a_data_scientist_sees_members_and_may_only_leave(visit, platform):
    platform.projects["weather"] = a_project("weather", role="data_scientist")
    page = visit(HOME + "projects/weather")
    expect(page.get_by_role("button", name="Leave this project")).to_be_visible()
    for name in ("Add", "Edit", "Delete…"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    expect(page.get_by_label("Role of ada")).to_have_count(0)


def test_a_project_is_deleted_only_when_its_name_is_typed(visit, weather):
    page = visit(HOME + "projects/weather")
    page.get_by_role("button", name="Delete…").click()
    delete = page.get_by_role("dialog").get_by_role("button", name="Delete project")
    expect(delete).to_be_disabled()
    page.get_by_label("Type weather to confirm").fill("weathe")
    expect(delete).to_be_disabled()
    page.get_by_label("Type weather to confirm").fill("weather")
    delete.click()
    page.wait_for_url("**/services/hops/")
    assert weather.calls == [("DELETE", "projects/weather", {"name": "weather"})]


def test_an_edit_keeps_what_was_typed_when_somebody_else_was_faster(visit, weather):
    page = visit(HOME + "projects/weather")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Title", exact=True).fill("Storms")
    weather.refusals["PATCH projects/weather"] = a_problem(412, "Somebody else changed this since you read it.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this since you read it.")
    expect(page.get_by_label("Title", exact=True)).to_have_value("Storms")
    weather.refusals.clear()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Storms", level=1)).to_be_visible()


def test_an_environment_that_is_made_is_watched_until_it_is_ready(visit, weather):
    weather.projects["weather"]["environment"] = {"state": "creating", "error": None}
    page = visit(HOME + "projects/weather")
    expect(page.get_by_text("The Python environment is being made.")).to_be_visible()
    weather.projects["weather"]["environment"] = {"state": "ready", "error": None}
    expect(page.get_by_text("The Python environment is being made.")).to_be_hidden()


def test_limits_are_changed_by_an_administrator(visit, weather):
    weather.admin = True
    page = visit(HOME + "projects/weather")
    page.get_by_role("region", name="Limits of a server").get_by_role("button", name="Edit").click()
    page.get_by_label("Executors", exact=True).fill("3")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert weather.limits["max_executors"] == 3


def test_limits_that_somebody_else_changed_are_shown_before_they_are_changed_again(visit, weather):
    weather.admin = True
    page = visit(HOME + "projects/weather")
    limits = page.get_by_role("region", name="Limits of a server")
    expect(limits.get_by_text("Executors", exact=True)).to_be_visible()
    limits.get_by_role("button", name="Edit").click()
    page.get_by_label("Executors", exact=True).fill("3")
    weather.limits = weather.limits | {"max_gpus": 77}
    weather.refusals["PUT projects/weather/limits"] = a_problem(412, "Somebody else changed this since you read it.")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this since you read it.")
    expect(page.get_by_label("Executors", exact=True)).to_have_value("3")
    expect(page.locator("#limit-pairs")).to_contain_text("77")


def test_a_role_that_somebody_else_changed_is_shown_as_it_is_now(visit, weather):
    weather.members.append({"user": "bob", "title": "", "role": "data_scientist", "since": SINCE, "version": 4})
    page = visit(HOME + "projects/weather")
    expect(page.get_by_label("Role of bob")).to_have_value("data_scientist")
    weather.members[-1] |= {"role": "data_owner", "version": 5}
    weather.refusals["PATCH projects/weather/members/bob"] = a_problem(412, "Somebody else changed this.")
    change_role(page, "bob", "data_owner")
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this.")
    expect(page.get_by_label("Role of bob")).to_have_value("data_owner")
    weather.refusals.clear()
    change_role(page, "bob", "data_scientist")
    expect(page.get_by_text("bob is a Data Scientist now.")).to_be_visible()
    assert weather.tags == {"PATCH projects/weather/members/bob": '"5"'}


def test_a_project_that_one_may_not_see_is_told_as_absent(visit, platform):
    page = visit(HOME + "projects/secret")
    expect(page.get_by_role("alert")).to_contain_text("There is no project 'secret' that you can see.")


@pytest.mark.parametrize("path", ["", "projects/weather", "account", "admin"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_off_the_side(visit, weather, path, width):
    weather.admin = True
    weather.projects["w" * 30] = a_project("w" * 30, "W" * 200, description="w" * 500)
    page = visit(HOME + path, viewport={"width": width, "height": 740})
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("then", "place"),
    [
        ({"state": "starting"}, "**/hub/spawn-pending/ada/weather"),
        ({"state": "ready", "started_at": "2026-05-04T10:05:00Z"}, "**/user/ada/weather/"),
    ],
)
def test_the_page_waits_for_a_restarted_server_and_goes_on_to_it(visit, weather, then, place):
    weather.servers["weather"] = {"state": "ready", "started_at": "2026-05-04T10:00:00Z"}
    page = visit(HOME + "projects/weather#restarting")
    state = page.locator("#server-state")
    expect(state).to_have_text("Running")
    weather.servers["weather"] = {"state": "stopped", "started_at": None}
    expect(state).to_have_text("Stopped")
    weather.servers["weather"] = then
    page.wait_for_url(place)


def test_a_restart_that_failed_is_waited_for_no_longer(visit, weather):
    weather.servers["weather"] = {"state": "failed", "reason": "There is no memory left.", "started_at": None}
    page = visit(HOME + "projects/weather#restarting")
    expect(page.get_by_text("There is no memory left.")).to_be_visible()
    page.wait_for_url(lambda url: "restarting" not in url)


def test_what_could_not_be_loaded_is_loaded_when_somebody_says_so_and_the_rest_is_there(visit, weather):
    weather.refusals["GET projects/weather/members"] = a_problem(503, "The database is busy.", "Try again in a moment.")
    page = visit("/services/hops/projects/weather")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("The database is busy.")
    expect(page.get_by_role("heading", name="Datasets", exact=True)).to_be_visible()
    retry = problem.get_by_role("button", name="Retry")
    retry.focus()
    page.keyboard.press("Enter")
    expect(problem.get_by_role("button", name="Retry")).to_be_visible()
    weather.refusals.clear()
    problem.get_by_role("button", name="Retry").click()
    expect(problem).to_have_count(0)
    expect(page.locator("#members-title")).to_be_focused()


def test_a_page_that_is_not_there_has_nothing_to_retry(visit, weather):
    weather.refusals["GET projects/weather"] = a_problem(404, "There is no such project, or you are not a member.")
    page = visit("/services/hops/projects/weather")
    expect(page.get_by_role("alert").first).to_contain_text("There is no such project")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
