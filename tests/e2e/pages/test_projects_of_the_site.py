from __future__ import annotations

import pytest
from playwright.sync_api import expect
from scripted_platform import a_problem, a_project

pytestmark = pytest.mark.browser
ADMIN = "/services/hops/admin"


@pytest.fixture
def site(platform):
    """A platform with two projects, looked at by an administrator who is in neither."""
    platform.admin = True
    platform.projects["tides"] = a_project("tides", "Tides", role=None)
    platform.projects["weather"] = a_project("weather", "Weather of the coast", role=None)
    return platform


def projects(page):
    return page.get_by_role("region", name="Projects")


def test_projects_are_listed_with_owners_and_what_runs_and_found_by_name(visit, site):
    site.running = ["bob", "eve"]
    listed = projects(visit(ADMIN))
    row = listed.get_by_role("row", name="Weather of the coast")
    expect(row).to_contain_text("ada")
    expect(row).to_contain_text("bob, eve")
    listed.get_by_label("Part of a name or title").fill("tid")
    listed.get_by_role("button", name="Search").click()
    expect(row).to_have_count(0)
    expect(listed.get_by_role("row", name="Tides")).to_be_visible()
    listed.get_by_label("Part of a name or title").fill("storms")
    listed.get_by_role("button", name="Search").click()
    expect(listed.get_by_text("No project has “storms” in its name or title.")).to_be_visible()
    expect(listed.get_by_role("table")).to_be_hidden()


def test_a_site_without_projects_says_so(visit, platform):
    platform.admin = True
    expect(projects(visit(ADMIN)).get_by_text("There is no project yet.")).to_be_visible()


def test_limits_are_set_beside_what_the_machine_has(visit, site):
    page = visit(ADMIN)
    page.get_by_role("button", name="Edit limits of weather").click()
    expect(page.get_by_label("GPUs", exact=True)).to_have_accessible_description("This machine has 2 GPUs.")
    expect(page.get_by_label("Memory in all (MiB)")).to_have_accessible_description("This machine has 16384 MiB.")
    page.get_by_label("Executors", exact=True).fill("3")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(projects(page).get_by_role("row", name="Weather of the coast")).to_contain_text("3 executors at most")
    assert site.limits["max_executors"] == 3
    assert site.tags == {"PUT projects/weather/limits": '"1"'}


def test_a_limit_that_can_not_be_is_told_at_its_field(visit, site):
    site.refusals["PUT projects/weather/limits"] = a_problem(
        422, "Some values have to be corrected.", max_gpus="0 is the least."
    )
    page = visit(ADMIN)
    page.get_by_role("button", name="Edit limits of weather").click()
    page.get_by_label("GPUs", exact=True).fill("-1")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_label("GPUs", exact=True)).to_be_focused()
    expect(page.get_by_label("GPUs", exact=True)).to_have_accessible_description(
        "This machine has 2 GPUs. 0 is the least."
    )


def test_limits_that_somebody_else_changed_keep_what_was_typed(visit, site):
    page = visit(ADMIN)
    page.get_by_role("button", name="Edit limits of weather").click()
    page.get_by_label("Executors", exact=True).fill("3")
    site.refusals["PUT projects/weather/limits"] = a_problem(412, "Somebody else changed this since you read it.")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this since you read it.")
    expect(page.get_by_label("Executors", exact=True)).to_have_value("3")
    site.refusals.clear()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("The limits are saved.")).to_be_visible()


def test_what_is_not_known_and_what_fails_is_said(visit, site):
    site.running = None
    page = visit(ADMIN)
    expect(projects(page).get_by_text("the Hub does not answer").first).to_be_visible()
    site.refusals["GET site/projects"] = a_problem(503, "The database is busy.", "Try again in a moment.")
    page = visit(ADMIN)
    expect(projects(page).get_by_role("alert")).to_contain_text("Try again in a moment.")
    projects(page).get_by_role("alert").get_by_role("button", name="Retry").focus()
    site.refusals.clear()
    page.keyboard.press("Enter")
    expect(projects(page).get_by_role("alert")).to_have_count(0)
    expect(projects(page).get_by_text("the Hub does not answer").first).to_be_visible()
