from __future__ import annotations

import re

import pytest
from fastapi.responses import JSONResponse
from playwright.sync_api import expect
from scripted_platform import SINCE, a_problem, a_user

from hops_contract.problems import TYPE_PREFIX

pytestmark = pytest.mark.browser
ACCOUNT = "/services/hops/account"
ADMIN = "/services/hops/admin"


@pytest.fixture
def site(platform):
    """A platform looked at by an administrator."""
    platform.admin = True
    platform.users.append(a_user("grace", "Grace Hopper"))
    return platform


def fill_passwords(page, old, new, again):
    page.get_by_label("Present password").fill(old)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password once more").fill(again)
    page.get_by_role("button", name="Change password").click()


def test_a_password_is_changed(visit, platform):
    platform.must_change_password = True
    page = visit(ACCOUNT)
    expect(page.get_by_text("Choose a password of your own first.")).to_be_visible()
    fill_passwords(page, "old words", "four unrelated words", "four unrelated words")
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    expect(page.get_by_text("Choose a password of your own first.")).to_be_hidden()
    expect(page.get_by_text("All browsers are logged out, this one too.")).to_be_visible()
    onward = page.get_by_role("link", name="Log in again")
    expect(onward).to_be_focused()
    assert onward.get_attribute("href").endswith("/logout")
    expect(page.get_by_label("Present password")).to_have_count(0)
    body = {"old_password": "old words", "new_password": "four unrelated words"}
    assert platform.calls == [("PUT", "me/password", body)]


def test_what_ends_with_the_old_password_is_said_before_the_button(visit):
    page = visit(ACCOUNT)
    button = page.get_by_role("button", name="Change password")
    said = page.locator(f"#{button.get_attribute('aria-describedby')}")
    for what in (
        "log-ins of all browsers",
        "tokens of scripts",
        "tokens of your running notebook servers",
        "Spark sessions",
    ):
        expect(said).to_contain_text(what)
    assert said.bounding_box()["y"] < button.bounding_box()["y"]


def test_a_new_password_is_typed_the_same_twice(visit, platform):
    page = visit(ACCOUNT)
    fill_passwords(page, "old words", "four unrelated words", "four unrelated wrods")
    expect(page.get_by_role("alert")).to_contain_text("The new password was not typed the same both times.")
    expect(page.get_by_label("New password once more")).to_be_focused()
    assert platform.calls == []


def test_a_password_that_is_refused_says_why_at_its_field(visit, platform):
    platform.refusals["PUT me/password"] = a_problem(
        422,
        "Some values have to be corrected. new_password: At least 10 characters are needed.",
        new_password="At least 10 characters are needed.",
    )
    page = visit(ACCOUNT)
    fill_passwords(page, "old words", "short", "short")
    expect(page.get_by_text("At least 10 characters are needed.")).to_be_visible()
    expect(page.get_by_text("new_password")).to_be_hidden()


def test_a_wrong_present_password_is_said_at_its_field_and_nobody_is_called_logged_out(visit, platform):
    platform.refusals["PUT me/password"] = JSONResponse(
        {"type": TYPE_PREFIX + "wrong-credentials", "title": "t", "status": 401, "detail": "Wrong."}, 401
    )
    page = visit(ACCOUNT)
    fill_passwords(page, "not mine", "four unrelated words", "four unrelated words")
    expect(page.get_by_text("This is not your present password.")).to_be_visible()
    expect(page.get_by_label("Present password")).to_be_focused()
    expect(page.get_by_text("logged out")).to_be_hidden()


def test_a_created_users_password_is_shown_once(visit, site):
    page = visit(ADMIN)
    page.get_by_role("button", name="Create user").click()
    page.get_by_label("User name").fill("alan")
    page.get_by_role("dialog").get_by_role("button", name="Create user").click()
    dialog = page.get_by_role("dialog", name="One-time password")
    expect(dialog).to_contain_text("For alan:")
    shown = page.locator("#secret").text_content()
    assert re.fullmatch(r"\w{5}(-\w{5}){3}", shown)
    assert site.calls == [("POST", "users", {"name": "alan", "title": "", "admin": False, "password": shown})]
    dialog.get_by_role("button", name="Done").click()
    expect(page.locator("#secret")).to_be_empty()  # the browser tells the page of the end a moment later
    assert shown not in page.content()


def test_a_password_is_reset_to_another_one_each_time(visit, site):
    page = visit(ADMIN)
    shown = set()
    for _ in range(2):
        page.get_by_role("button", name="Reset password of grace").click()
        page.get_by_role("dialog").get_by_role("button", name="Reset password").click()
        expect(page.locator("#secret")).not_to_be_empty()
        shown.add(page.locator("#secret").text_content())
        page.get_by_role("button", name="Done").click()
    assert len(shown) == 2
    assert {body["password"] for _, _, body in site.calls} == shown


def test_users_are_unlocked_deactivated_and_made_administrators(visit, site):
    site.users[1]["locked_until"] = "2099-01-01T00:00:00Z"
    page = visit(ADMIN)
    expect(page.get_by_text("Locked until")).to_be_visible()
    page.get_by_role("button", name="Unlock: grace").click()
    expect(page.get_by_text("grace can log in again.")).to_be_visible()
    page.get_by_role("button", name="Deactivate: grace").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("button", name="Activate: grace", exact=True)).to_be_visible()
    page.get_by_role("button", name="Make admin: grace").click()
    page.get_by_role("dialog").get_by_role("button", name="Make admin").click()
    expect(page.get_by_role("button", name="Remove as admin: grace")).to_be_visible()
    assert [body for _, _, body in site.calls] == [{"unlock": True}, {"active": False}, {"admin": True}]


def test_one_can_not_lock_oneself_out(visit, site):
    page = visit(ADMIN)
    expect(page.get_by_role("button", name="Deactivate: grace")).to_be_visible()
    expect(page.get_by_role("button", name="Deactivate: ada")).to_have_count(0)


def test_a_stuck_delivery_is_shown_with_its_error_and_tried_again(visit, site):
    site.outbox = [{
        "id": "7", "topic": "files.create", "entity": "storage:weather", "attempts": 7, "stuck": True,
        "last_error": "There is no space left.", "created_at": SINCE,
    }]  # fmt: skip
    page = visit(ADMIN)
    expect(page.get_by_text("There is no space left.")).to_be_visible()
    expect(page.get_by_text("Stuck", exact=True)).to_be_visible()
    site.outbox = []
    page.get_by_role("button", name="Retry now: files.create of storage:weather").click()
    expect(page.get_by_text("Nothing waits: everything has been delivered.")).to_be_visible()
    assert site.calls == [("POST", "outbox/7:retry", None)]
