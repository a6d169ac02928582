"""The pages behind one-time links, over the real REST API; only the engines are fakes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hops_platform.addresses.service import set_address
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.settings import RegistrationRule
from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from tests.listening import listening

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
NEW = "four unrelated words"


@pytest.fixture
def control_plane(tmp_path):
    made = make_platform(tmp_path)
    with made.parts.database.session() as session:
        for name in ("ada", "grace"):
            user = users.create_user(
                session, name=name, title="", password=PASSWORD, admin=name == "ada", must_change_password=False
            )
            set_address(session, user, f"{name}@example.org")
    made.logins.tokens |= {"cookie-of-ada": "ada", "cookie-of-grace": "grace"}
    with listening(made.app, whole=True) as port:
        made.parts.settings.public_url = f"http://127.0.0.1:{port}/"
        yield made, f"http://127.0.0.1:{port}/services/hops/"


@pytest.fixture
def visit(chromium, control_plane):
    faults, contexts = [], []

    def _visit(address, person=None):
        contexts.append(chromium.new_context(locale="en-GB"))
        if person:
            cookie = {"name": SESSION_COOKIE, "value": f"cookie-of-{person}", "url": control_plane[1]}
            contexts[-1].add_cookies([cookie])
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        return page

    yield _visit
    for context in contexts:
        context.close()
    assert faults == []


def mailed(platform):
    platform.workers.deliver_due()
    (link,) = [line for line in platform.mailer.sent[-1].text.splitlines() if "#" in line]
    return link


def test_a_forgotten_password_is_replaced(control_plane, visit):
    platform, url = control_plane
    page = visit(f"{url}forgot-password")
    page.get_by_label("User name or mail address").fill("grace@example.org")
    page.get_by_role("button", name="Send a link").click()
    expect(page.get_by_text("a link is on its way there")).to_be_visible()
    link = mailed(platform)
    page = visit(link)
    expect(page.get_by_label("New password", exact=True)).to_be_visible()
    assert "#" not in page.url, "the link is taken out of the address"
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password once more").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The password of grace is changed.")).to_be_visible()
    page = visit(link)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password once more").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("not good")


def test_people_are_invited_by_name_and_by_a_link(control_plane, visit):
    platform, url = control_plane
    platform.parts.settings.registration = RegistrationRule.INVITATION
    ada = visit(url, "ada")
    ada.get_by_role("button", name="Create your first project").click()
    ada.get_by_label("Title", exact=True).fill("Weather")
    ada.get_by_role("dialog").get_by_role("button", name="Create project").click()
    expect(ada.get_by_role("heading", name="Weather", level=1)).to_be_visible()
    ada.get_by_role("button", name="Invite…").click()
    ada.get_by_role("radio", name="A user").check()
    ada.get_by_role("dialog").get_by_label("User name").fill("grace")
    ada.get_by_role("dialog").get_by_role("button", name="Invite").click()
    expect(ada.get_by_text("grace is invited.")).to_be_visible()
    grace = visit(url, "grace")
    grace.get_by_role("button", name="Accept Weather").click()
    expect(grace.get_by_role("heading", name="Weather", level=1)).to_be_visible()
    ada.get_by_role("button", name="Invite…").click()
    ada.get_by_role("radio", name="Whoever has a link").check()
    ada.get_by_role("dialog").get_by_role("button", name="Invite").click()
    expect(ada.locator("#invitation-link")).to_contain_text("#")
    link = ada.locator("#invitation-link").inner_text()
    ada.get_by_role("button", name="Done").click()
    expect(ada.locator("#invitation-link")).to_have_text("")
    alan = visit(link)
    expect(alan.get_by_role("heading", name="You are invited into Weather")).to_be_visible()
    alan.get_by_label("User name").fill("alan")
    alan.get_by_label("Password", exact=True).fill(NEW)
    alan.get_by_label("Password once more").fill(NEW)
    alan.get_by_role("button", name="Make an account").click()
    expect(alan.get_by_text("Your account alan is there")).to_be_visible()
    ada.reload()
    expect(ada.get_by_label("Role of alan")).to_be_visible()


def test_who_registers_is_approved(control_plane, visit):
    platform, url = control_plane
    platform.parts.settings.registration = RegistrationRule.APPROVAL
    page = visit(f"{url}register")
    page.get_by_label("Mail address").fill("alan@example.org")
    page.get_by_role("button", name="Send a link").click()
    expect(page.get_by_text("A link is on its way")).to_be_visible()
    page = visit(mailed(platform))
    page.get_by_label("User name").fill("alan")
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_label("Password once more").fill(NEW)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Your registration waits for an administrator.")).to_be_visible()
    ada = visit(f"{url}admin", "ada")
    ada.get_by_role("button", name="Approve alan").click()
    expect(ada.get_by_text("alan has an account.")).to_be_visible()
    expect(ada.get_by_role("button", name="Deactivate: alan")).to_be_visible()
