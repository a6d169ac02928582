"""The page Security over the real REST API: a second factor, an API key and a certificate, from first to last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from playwright.sync_api import expect

from hops_platform.second_factor import service as second_factor
from hops_platform.second_factor.codes import STEP_S, code_of, step_at
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import make_platform
from hops_platform.users import log_ins
from hops_platform.users import service as users
from tests.listening import listening

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


class Clock:
    """The time by which codes are judged."""

    def __init__(self):
        self.moment = datetime.now(UTC)

    def __call__(self):
        return self.moment

    def go_on(self):
        self.moment += timedelta(seconds=STEP_S)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(log_ins, "now", clock)
    monkeypatch.setattr(second_factor, "now", clock)
    return clock


@pytest.fixture
def site(tmp_path):
    made = make_platform(tmp_path)
    with made.parts.database.session() as session:
        users.create_user(session, name="ada", title="", password=PASSWORD, admin=False, must_change_password=False)
    made.logins.tokens["cookie-of-ada"] = "ada"
    with listening(made.app, whole=True) as port:
        yield SimpleNamespace(platform=made, url=f"http://127.0.0.1:{port}/services/hops/")


@pytest.fixture
def url(site):
    return site.url


@pytest.fixture
def page(chromium, url):
    context = chromium.new_context(locale="en-GB", accept_downloads=True)
    context.add_cookies([{"name": SESSION_COOKIE, "value": "cookie-of-ada", "url": url}])
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.goto(f"{url}security")
    yield opened
    context.close()


def test_a_second_factor_is_set_up_and_turned_off(page, clock):
    expect(page.locator("#factor-state")).to_have_text("Off")
    page.get_by_role("button", name="Set up").click()
    page.get_by_role("dialog").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("img", name="QR code for the authenticator app")).to_be_visible()
    secret = page.locator("#setup-secret").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill(code_of(secret, step_at(clock())))
    page.get_by_role("button", name="Turn on").click()
    codes = page.get_by_label("Recovery codes", exact=True)
    expect(codes).to_be_visible()
    assert len(codes.inner_text().split()) == 10
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "hopslab-recovery-codes.txt"
    page.get_by_role("button", name="I have them").click()
    expect(page.locator("#codes")).to_have_text("")
    expect(page.locator("#setup-secret")).to_have_text("")
    expect(page.locator("#factor-state")).to_contain_text("10 recovery codes are left.")
    page.get_by_role("button", name="Turn off").click()
    page.get_by_role("dialog").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_label("Code", exact=True).fill("nothing")
    page.get_by_role("dialog").get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("alert")).to_contain_text("The code is not right")
    clock.go_on()
    page.get_by_role("dialog").get_by_label("Code", exact=True).fill(code_of(secret, step_at(clock())))
    page.get_by_role("dialog").get_by_role("button", name="Turn off").click()
    expect(page.locator("#factor-state")).to_have_text("Off")


def test_a_key_is_made_seen_once_and_revoked(page, url):
    expect(page.get_by_text("You have no keys.")).to_be_visible()
    page.get_by_role("button", name="Make a key").click()
    page.get_by_label("Name", exact=True).fill("report")
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("checkbox", name="projects:read").check()
    page.get_by_label("Good for").select_option("7")
    page.get_by_role("button", name="Make key").click()
    shown = page.get_by_label("The key", exact=True)
    expect(shown).to_contain_text("hops_")
    key = shown.inner_text()
    answer = httpx.get(f"{url}api/v1/me", headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False)
    assert answer.json()["name"] == "ada"
    page.get_by_role("button", name="I have it").click()
    expect(page.locator("#secret")).to_have_text("")
    assert key not in page.content()
    page.reload()
    expect(page.get_by_text(f"{key[:13]}…")).to_be_visible()
    assert key not in page.content()
    page.get_by_role("button", name="Revoke report").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("You have no keys.")).to_be_visible()


def test_the_files_of_a_certificate_are_given_and_it_is_replaced(page, site):
    expect(page.get_by_text("You are in no project yet")).to_be_visible()
    token = site.platform.parts.signer.sign_user("ada", admin=False).token
    httpx.post(
        f"{site.url}api/v1/projects", json={"name": "weather", "title": "Weather"},
        headers={"Authorization": f"Bearer {token}"}, trust_env=False,
    ).raise_for_status()  # fmt: skip
    site.platform.workers.deliver_due()
    page.reload()
    page.get_by_role("button", name="Files of the certificate in weather").click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("link", name="key.pem").click()
    assert "PRIVATE KEY" in download.value.path().read_text()
    page.get_by_role("dialog").get_by_role("button", name="I have them").click()
    expect(page.locator("#files")).to_be_empty()
    serial = page.locator("#certificate-rows code")
    before = serial.inner_text()
    page.get_by_role("button", name="Replace the certificate in weather").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace").click()
    expect(serial).to_have_count(1)
    expect(serial).not_to_have_text(before)
