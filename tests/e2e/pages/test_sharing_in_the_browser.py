"""Answering offers, sharing and publishing a dataset, and adding a published one to a project."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from scripted_platform import a_problem, a_project, a_published, a_received, a_share

pytestmark = pytest.mark.browser
HOME = "/services/hops/"
HOSTILE = "<img src=x onerror=alert(1)>"


def test_a_data_owner_accepts_one_declines_another_and_gives_back(visit, weather):
    weather.received = [a_received("moon", "rocks", description=HOSTILE), a_received("tides", "levels", mode="write")]
    page = visit(HOME + "projects/weather")
    box = page.get_by_role("region", name="Shared with this project")
    expect(box.get_by_text(HOSTILE)).to_be_visible()
    box.get_by_role("button", name="Decline moon/rocks").click()
    expect(box.get_by_text("moon/rocks")).to_have_count(0)
    box.get_by_role("button", name="Accept tides/levels").click()
    expect(box.get_by_text("Shared/tides/levels")).to_be_visible()
    box.get_by_role("button", name="Give back tides/levels").click()
    page.get_by_role("dialog").get_by_role("button", name="Give back").click()
    expect(box.get_by_text("No other project shares a dataset with this one.")).to_be_visible()
    assert weather.calls == [
        ("POST", "projects/weather/shares/moon/rocks:decline", None),
        ("POST", "projects/weather/shares/tides/levels:accept", None),
        ("DELETE", "projects/weather/shares/tides/levels", None),
    ]


def test_a_data_scientist_sees_and_decides_nothing(visit, platform):
    platform.projects["weather"] = a_project("weather", "Weather", role="data_scientist")
    platform.received = [a_received("tides", "levels")]
    platform.shares = [a_share("moon", state="accepted", members=3)]
    page = visit(HOME + "projects/weather")
    box = page.get_by_role("region", name="Shared with this project")
    expect(box.get_by_text("tides/levels")).to_be_visible()
    expect(box.get_by_role("button", name="Accept")).to_have_count(0)
    box.get_by_role("button", name="Show…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("3 members")).to_be_visible()
    expect(dialog.get_by_role("button")).to_have_text(["Close"])


def test_a_dataset_is_shared_taken_back_published_and_withdrawn(visit, weather):
    page = visit(HOME + "projects/weather")
    page.get_by_label("Who has", exact=True).select_option("Models")
    page.get_by_role("button", name="Show and share…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Who has Models")).to_be_visible()
    expect(dialog.get_by_text("No other project has it.")).to_be_visible()
    dialog.get_by_label("Share with the project").fill("tides")
    dialog.get_by_label("For what").select_option("write")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_text("offered, not accepted yet")).to_be_visible()
    dialog.get_by_role("button", name="Take back: tides").click()
    expect(dialog.get_by_text("No other project has it.")).to_be_visible()
    dialog.get_by_role("button", name="Publish for everybody here").click()
    expect(dialog.get_by_text("Published: everybody here finds it")).to_be_visible()
    dialog.get_by_role("button", name="Withdraw from everybody…").click()
    page.get_by_role("dialog", name="Withdraw Models from everybody?").get_by_role("button", name="Withdraw").click()
    expect(dialog.get_by_text("Not published.")).to_be_visible()
    place = "projects/weather/datasets/Models"
    assert weather.calls == [
        ("POST", f"{place}/shares", {"project": "tides", "mode": "write", "download": False}),
        ("DELETE", f"{place}/shares/tides", None),
        ("POST", f"{place}/publication", None),
        ("DELETE", f"{place}/publication", {"users": "go"}),
    ]


def test_a_refusal_is_said_in_the_dialog(visit, weather):
    weather.refusals["POST projects/weather/datasets/Experiments/shares"] = a_problem(404, "There is no project 'x'.")
    page = visit(HOME + "projects/weather")
    page.get_by_role("button", name="Show and share…").click()
    page.get_by_label("Share with the project").fill("x")
    page.get_by_role("dialog").get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("There is no project 'x'.")


def test_a_published_dataset_is_found_and_added(visit, weather):
    weather.published = [a_published("moon", "rocks", title=HOSTILE), a_published("tides", "levels", yours=["weather"])]
    page = visit(HOME)
    box = page.get_by_role("region", name="Published datasets")
    expect(box.get_by_text(HOSTILE)).to_be_visible()
    box.get_by_role("searchbox").fill("rocks")
    box.get_by_role("button", name="Search").click()
    expect(box.get_by_text("tides/levels")).to_have_count(0)
    box.get_by_role("button", name="Add moon/rocks to a project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Project").select_option("weather")
    dialog.get_by_role("button", name="Add dataset").click()
    expect(page.get_by_text("It is at Shared/moon/rocks in weather now.")).to_be_visible()
    assert weather.calls == [
        ("POST", "projects/weather/shares", {"project": "moon", "dataset": "rocks", "mode": "read"})
    ]


def test_who_owns_no_project_without_it_is_told(visit, weather):
    weather.published = [a_published("tides", "levels", yours=["weather"])]
    page = visit(HOME)
    page.get_by_role("button", name="Add tides/levels to a project").click()
    expect(page.get_by_role("dialog").get_by_text("You are Data Owner of no project")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Add dataset")).to_be_hidden()
