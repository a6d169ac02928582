"""The pages over the real REST API and its real cookie; only the engines are fakes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from tests.listening import listening

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


@pytest.fixture
def control_plane(tmp_path):
    made = make_platform(tmp_path)
    with made.parts.database.session() as session:
        for name, admin in (("ada", True), ("grace", False)):
            users.create_user(session, name=name, title="", password=PASSWORD, admin=admin, must_change_password=False)
    made.logins.tokens["cookie-of-ada"] = "ada"
    with listening(made.app, whole=True) as port:
        url = f"http://127.0.0.1:{port}/services/hops/"
        yield made, url


@pytest.fixture
def page(chromium, control_plane):
    context = chromium.new_context(locale="en-GB")
    context.add_cookies([{"name": SESSION_COOKIE, "value": "cookie-of-ada", "url": control_plane[1]}])
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


def test_a_project_is_made_shared_edited_and_deleted(page, control_plane):
    platform, url = control_plane
    page.goto(url)
    page.get_by_role("button", name="Create your first project").click()
    page.get_by_label("Title", exact=True).fill("Weather of the coast")
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="Weather of the coast", level=1)).to_be_visible()
    platform.workers.deliver_due()
    expect(page.get_by_text("The Python environment is being made.")).to_be_hidden()
    expect(page.get_by_text("Opens with 1 executor of 1 core")).to_be_visible()
    page.get_by_label("Add a user").fill("nobody")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Add a user").fill("grace")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Role of grace").select_option("data_owner")
    page.get_by_role("dialog").get_by_role("button", name="Change role").click()
    expect(page.get_by_text("grace is a Data Owner now.")).to_be_visible()
    page.get_by_role("button", name="Edit", exact=True).first.click()
    page.get_by_label("Description", exact=True).fill("Ten years.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#description")).to_have_text("Ten years.")
    page.get_by_role("region", name="Limits of a server").get_by_role("button", name="Edit").click()
    page.get_by_label("Executors", exact=True).fill("3")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("The limits are saved.")).to_be_visible()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_label("Type weather-of-the-coast to confirm").fill("weather-of-the-coast")
    page.get_by_role("button", name="Delete project").click()
    expect(page.get_by_role("heading", name="You are not in a project yet")).to_be_visible()


def test_an_administrator_finds_a_project_and_sets_its_limits(page, control_plane):
    _, url = control_plane
    page.goto(url)
    page.get_by_role("button", name="Create your first project").click()
    page.get_by_label("Title", exact=True).fill("Weather of the coast")
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="Weather of the coast", level=1)).to_be_visible()
    page.goto(url + "admin")
    page.get_by_label("Part of a name or title").fill("COAST")
    page.get_by_role("button", name="Search").click()
    for number in ("3", "4"):
        page.get_by_role("button", name="Edit limits of weather-of-the-coast").click()
        page.get_by_label("Executors", exact=True).fill(number)
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_text(f"{number} executors at most")).to_be_visible()


def test_users_are_managed_and_a_password_is_changed(page, control_plane):
    _, url = control_plane
    page.goto(url + "admin")
    page.get_by_role("button", name="Create user").click()
    page.get_by_label("User name").fill("alan")
    page.get_by_role("dialog").get_by_role("button", name="Create user").click()
    expect(page.get_by_role("dialog", name="One-time password")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Must change password")).to_be_visible()
    page.get_by_role("button", name="Deactivate: grace").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("Inactive")).to_be_visible()
    page.goto(url + "account")
    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password", exact=True).fill("four unrelated words")
    page.get_by_label("New password once more").fill("four unrelated words")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
