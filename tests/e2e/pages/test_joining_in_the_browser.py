"""Finding a project and asking to join it, answering who asks, and bringing a deleted project back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from scripted_platform import SINCE, a_problem, a_project

pytestmark = pytest.mark.browser
HOME = "/services/hops/"
HOSTILE = "<img src=x onerror=alert(1)>"


def a_listed(name, title, **more):
    return {"name": name, "title": title, "description": "", "owners": ["grace"], "standing": "none", **more}


def test_a_project_is_found_asked_for_and_taken_back(visit, platform):
    platform.listed["tides"] = a_listed("tides", "Tides of the coast", description="Ten years of levels.")
    platform.listed["wind"] = a_listed("wind", HOSTILE)
    page = visit(HOME)
    finding = page.get_by_role("region", name="Find a project")
    expect(finding.get_by_text(HOSTILE)).to_be_visible()
    assert page.locator("main img[src=x]").count() == 0
    finding.get_by_role("searchbox").fill("tides")
    finding.get_by_role("button", name="Search").click()
    expect(finding.get_by_text(HOSTILE)).to_have_count(0)
    expect(finding.get_by_text("Data Owner: grace")).to_be_visible()
    finding.get_by_role("button", name="Ask to join Tides of the coast").click()
    expect(page.get_by_text("You asked to join Tides of the coast.")).to_be_visible()
    back = finding.get_by_role("button", name="Take back the request to join Tides of the coast")
    expect(back).to_be_focused()
    back.click()
    expect(finding.get_by_role("button", name="Ask to join Tides of the coast")).to_be_focused()
    assert platform.calls == [
        ("POST", "listed-projects/tides/join-request", {}),
        ("DELETE", "listed-projects/tides/join-request", None),
    ]


def test_standings_and_an_empty_list_are_told_in_words(visit, platform):
    page = visit(HOME)
    expect(page.get_by_text("No project is listed here.")).to_be_visible()
    platform.listed["tides"] = a_listed("tides", "Tides", standing="declined")
    platform.listed["wind"] = a_listed("wind", "Wind", standing="member")
    page = visit(HOME)
    expect(page.get_by_text("Your request was declined")).to_be_visible()
    expect(page.get_by_role("link", name="You are a member")).to_have_attribute("href", f"{HOME}projects/wind")
    page.get_by_role("region", name="Find a project").get_by_role("searchbox").fill("nothing")
    page.get_by_role("region", name="Find a project").get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("No project that is listed has this in its name")).to_be_visible()


def test_a_refused_request_says_why(visit, platform):
    platform.listed["tides"] = a_listed("tides", "Tides")
    platform.refusals["POST listed-projects/tides/join-request"] = a_problem(409, "You have asked to join 20 projects.")
    page = visit(HOME)
    page.get_by_role("button", name="Ask to join Tides").click()
    expect(page.get_by_role("alert")).to_contain_text("You have asked to join 20 projects.")


def test_a_data_owner_accepts_one_and_declines_another(visit, platform):
    platform.projects["weather"] = a_project("weather", "Weather")
    for user in ("eve", "grace"):
        platform.join_requests.append({"user": user, "title": "", "message": HOSTILE, "created_at": SINCE})
    page = visit(HOME + "projects/weather")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.get_by_label("Role for grace").select_option("data_owner")
    page.get_by_role("button", name="Accept grace").click()
    expect(page.get_by_text("grace is a member now.")).to_be_visible()
    expect(page.get_by_label("Role of grace")).to_have_value("data_owner")
    page.get_by_role("button", name="Decline eve").click()
    expect(page.get_by_role("heading", name="Requests to join")).to_be_hidden()
    assert platform.calls == [
        ("POST", "projects/weather/join-requests/grace:accept", {"role": "data_owner"}),
        ("POST", "projects/weather/join-requests/eve:decline", None),
    ]


def test_however_many_ask_all_of_them_are_answered(visit, platform):
    platform.projects["weather"] = a_project("weather", "Weather")
    names = [f"user{number:03}" for number in range(101)]
    for user in names:
        platform.join_requests.append({"user": user, "title": "", "message": "", "created_at": SINCE})
    page = visit(HOME + "projects/weather")
    more = page.get_by_role("button", name="Show more requests")
    declining = page.get_by_role("button", name="Decline user")
    expect(declining).to_have_count(50)
    more.click()
    expect(declining).to_have_count(100)
    more.click()
    expect(declining).to_have_count(101)
    expect(more).to_be_hidden()


def test_the_next_requests_come_when_those_that_are_shown_are_answered(visit, platform):
    platform.projects["weather"] = a_project("weather", "Weather")
    for number in range(51):
        platform.join_requests.append({"user": f"user{number:03}", "title": "", "message": "", "created_at": SINCE})
    page = visit(HOME + "projects/weather")
    for number in range(50):
        page.get_by_role("button", name=f"Decline user{number:03}").click()
    page.get_by_role("button", name="Decline user050").click()
    expect(page.get_by_role("heading", name="Requests to join")).to_be_hidden()
    assert len(platform.calls) == 51


def test_who_is_no_data_owner_sees_no_requests(visit, platform):
    platform.projects["weather"] = a_project("weather", role="data_scientist")
    platform.join_requests.append({"user": "eve", "title": "", "message": "", "created_at": SINCE})
    page = visit(HOME + "projects/weather")
    expect(page.get_by_role("button", name="Leave this project")).to_be_visible()
    expect(page.get_by_role("heading", name="Requests to join")).to_be_hidden()


def test_a_name_that_is_typed_brings_suggestions(visit, platform):
    platform.projects["weather"] = a_project("weather")
    platform.candidates = [{"name": "grace", "title": "Grace Hopper"}, {"name": "eve", "title": ""}]
    page = visit(HOME + "projects/weather")
    page.get_by_label("Add a user").press_sequentially("gra")
    option = page.locator("#member-candidates option")
    expect(option).to_have_count(1)
    expect(option).to_have_attribute("value", "grace")


def test_a_project_is_listed_in_the_dialog(visit, platform):
    platform.projects["weather"] = a_project("weather", "Weather")
    page = visit(HOME + "projects/weather")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("checkbox", name="Listed").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("listed for everybody here")).to_be_visible()
    assert platform.calls == [("PATCH", "projects/weather", {"title": "Weather", "description": "", "listed": True})]


def test_the_network_of_a_project_is_opened_in_the_dialog(visit, platform):
    platform.projects["weather"] = a_project("weather", "Weather")
    page = visit(HOME + "projects/weather")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("checkbox", name="Open network").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("· open network")).to_be_visible()
    changed = {"title": "Weather", "description": "", "listed": False, "network": "open"}
    assert platform.calls == [("PATCH", "projects/weather", changed)]


def test_a_deleted_project_is_restored_or_deleted_for_good(visit, platform):
    for name in ("tides", "weather"):
        platform.deleted.append({"name": name, "title": "", "deleted_at": SINCE, "kept_until": SINCE})
    page = visit(HOME)
    page.get_by_role("button", name="Delete for good: tides").click()
    page.get_by_label("Type tides to confirm").fill("tides")
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("tides is deleted for good.")).to_be_visible()
    expect(page.get_by_role("button", name="Restore tides")).to_have_count(0)
    page.get_by_role("button", name="Restore weather").click()
    page.wait_for_url("**/services/hops/projects/weather")
    assert platform.calls == [
        ("DELETE", "deleted-projects/tides", {"name": "tides"}), ("POST", "deleted-projects/weather:restore", None),
    ]  # fmt: skip


def test_the_dialog_says_how_long_a_project_can_be_restored(visit, platform):
    platform.projects["weather"] = a_project("weather")
    page = visit(HOME + "projects/weather")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_contain_text("For 7 days its Data Owners can restore it")
