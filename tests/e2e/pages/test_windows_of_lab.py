"""The small windows in which Lab lets a person share a dataset, answer an offer, and add a published dataset."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from scripted_platform import a_project, a_published, a_received, a_share

pytestmark = pytest.mark.browser
PROJECT = "/services/hops/projects/weather"
SHARING = f"{PROJECT}/datasets/raw/sharing"
PLACE = "projects/weather/datasets/raw/shares"


def test_a_dataset_is_offered_to_a_suggested_project_for_reading_unless_one_says_otherwise(visit, weather):
    page = visit(SHARING)
    expect(page.get_by_role("heading", name="Who has raw")).to_be_visible()
    target = page.get_by_label("Share with the project")
    target.press_sequentially("ti")
    expect(page.locator("#share-targets option")).to_have_attribute("value", "tides")
    target.fill("tides")
    said = page.locator("#share-seen")
    expect(said).to_contain_text("all members of tides see the files of raw at Shared/weather/raw")
    expect(said).to_contain_text("change nothing. Nobody of them can download it.")
    page.get_by_label("With download").check()
    expect(said).to_contain_text("Their Data Owners can download it.")
    page.get_by_label("With download").uncheck()
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_text("offered, not accepted yet")).to_be_visible()
    assert weather.calls == [("POST", PLACE, {"project": "tides", "mode": "read", "download": False})]


def test_a_share_is_ended_after_a_question(visit, weather):
    weather.shares = [a_share("tides", state="accepted", members=3)]
    page = visit(SHARING)
    page.get_by_role("button", name="End: tides").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert weather.calls == []
    page.get_by_role("button", name="End: tides").click()
    page.get_by_role("dialog").get_by_role("button", name="End the share").click()
    expect(page.get_by_text("No other project has it.")).to_be_visible()
    assert weather.calls == [("DELETE", f"{PLACE}/tides", None)]


def test_a_data_scientist_looks_at_who_has_it(visit, platform):
    platform.projects["weather"] = a_project("weather", role="data_scientist")
    platform.shares = [a_share("tides", state="accepted", members=3)]
    page = visit(SHARING)
    expect(page.get_by_text("3 members")).to_be_visible()
    expect(page.get_by_role("button")).to_have_text(["Close"])


def test_an_offer_is_accepted(visit, weather):
    weather.received = [a_received("tides", "levels")]
    page = visit(f"{PROJECT}/received")
    page.get_by_role("button", name="Accept tides/levels").click()
    expect(page.get_by_role("link", name="Shared/tides/levels")).to_be_visible()
    assert weather.calls == [("POST", "projects/weather/shares/tides/levels:accept", None)]


def test_a_published_dataset_is_found_by_what_lab_asked_for_and_added_to_its_project_alone(visit, weather):
    weather.projects["other"] = a_project("other")
    weather.published = [a_published("moon", "rocks"), a_published("tides", "levels")]
    page = visit(f"{PROJECT}/published?search=moon")
    expect(page.get_by_role("searchbox")).to_have_value("moon")
    expect(page.get_by_text("tides/levels")).to_have_count(0)
    page.get_by_role("button", name="Add moon/rocks to a project").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Project").locator("option")).to_have_count(1)
    dialog.get_by_role("button", name="Add dataset").click()
    expect(page.get_by_text("It is at Shared/moon/rocks in weather now.")).to_be_visible()
    added = {"project": "moon", "dataset": "rocks", "mode": "read"}
    assert weather.calls == [("POST", "projects/weather/shares", added)]


@pytest.mark.parametrize("path", ["datasets/..%2f/sharing", "datasets/Shared:a:b/sharing"])
def test_of_what_is_no_dataset_of_the_project_there_is_no_window(visit, weather, path):
    expect(visit(f"{PROJECT}/{path}").get_by_role("button", name="Share", exact=True)).to_have_count(0)


def test_a_script_beside_the_pages_opens_a_window_and_reads_nothing_of_it(visit, weather):
    page = visit("/services/hops/static/mark.svg")
    page.context.route("**/user/ada/weather/lab", lambda route: route.fulfill(content_type="text/html", body="<p>Lab"))
    page.goto(f"{weather.url}/user/ada/weather/lab")
    with page.context.expect_page() as opened:
        page.evaluate(f"() => {{ window.seen = window.open('{SHARING}'); }}")
    window = opened.value
    expect(window.get_by_role("heading", name="Who has raw")).to_be_visible()
    page.wait_for_function("() => window.seen.closed")
    assert not window.is_closed()
    read = page.evaluate("() => { try { return window.seen.document.title; } catch (error) { return error.name; } }")
    assert read == "SecurityError"
    assert window.evaluate("() => window.opener") is None
