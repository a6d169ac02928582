"""Axe finds nothing on any page, in light and in dark, with something in each list."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
from playwright.sync_api import expect

from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from tests.e2e.axe import faults_of
from tests.listening import listening

pytestmark = pytest.mark.browser
PAGES = {
    "": "tides/levels",
    "projects/weather": "Members",
    "projects/weather/trash": "raw-of-may.csv",
    "projects/weather/audit": "dataset.create",
    "projects/weather/datasets/raw": "Files",
    "projects/weather/datasets/raw/sharing": "tides",
    "projects/weather/received": "levels",
    "projects/weather/published": "tides/levels",
    "projects/absent!": "",
    "audit": "user",
    "sessions": "Sessions",
    "account": "Account",
    "security": "Security",
    "admin": "grace",
    "forgot-password": "administrator",
    "reset-password": "",
    "confirm-address": "",
    "register": "",
    "invitation": "",
}
DIALOGS = (
    ("", "Create project"),
    ("projects/weather", "Show and share…"),
    ("projects/weather", "Edit"),
    ("projects/weather", "Create"),
    ("security", "Make a key"),
    ("admin", "Create user"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = make_platform(tmp_path_factory.mktemp("platform"), on_disk=True)
    with made.parts.database.session() as session:
        for name, admin in (("ada", True), ("grace", False)):
            users.create_user(
                session, name=name, title=name.title(), password="correct horse battery", admin=admin,
                must_change_password=False,
            )  # fmt: skip
    made.logins.tokens["cookie-of-ada"] = "ada"
    with listening(made.app, whole=True) as port:
        url = f"http://127.0.0.1:{port}/services/hops/"
        with httpx.Client(base_url=f"{url}api/v1/", timeout=60, trust_env=False) as client:

            def post(name, path, body):
                token = made.parts.signer.sign_user(name, admin=False).token
                client.post(path, json=body, headers={"Authorization": f"Bearer {token}"}).raise_for_status()

            for name, project, dataset in (("ada", "weather", "raw"), ("grace", "tides", "levels")):
                post(name, "projects", {"name": project, "title": project.title(), "description": "Ten years."})
                made.workers.deliver_due()
                post(name, f"projects/{project}/datasets", {"name": dataset, "description": "As it came."})
                made.workers.deliver_due()
            for name, project in (("ada", "weather"), ("grace", "tides")):
                token = made.parts.signer.sign_user(name, admin=False).token
                client.patch(
                    f"projects/{project}",
                    json={"listed": True},
                    headers={"Authorization": f"Bearer {token}", "If-Match": "*"},
                ).raise_for_status()
            post("ada", "projects/weather/datasets/raw/shares", {"project": "tides"})
            post("grace", "projects/tides/datasets/levels/shares", {"project": "weather", "mode": "write"})
            post("grace", "projects/tides/datasets/levels/publication", {})
            post("ada", "projects/weather/datasets/raw/folders", {"path": "raw-of-may.csv"})
            post("ada", "projects/weather/datasets/raw/files:trash", {"path": "raw-of-may.csv"})
            post("ada", "projects/weather/datasets/raw/folders", {"path": "2026"})
            post("ada", "projects/weather/members", {"user": "grace", "role": "data_scientist"})
        yield SimpleNamespace(url=url)


@pytest.fixture(scope="module")
def page(chromium, site):
    context = chromium.new_context(locale="en-GB")
    context.add_cookies([{"name": SESSION_COOKIE, "value": "cookie-of-ada", "url": site.url}])
    yield context.new_page()
    context.close()


def faults_in_both(page):
    """What axe finds, in light and in dark."""
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found[scheme] = faults_of(page)
    return found


NONE = {"light": [], "dark": []}


@pytest.mark.parametrize(("path", "shown"), PAGES.items(), ids=lambda value: value or "home")
def test_axe_finds_nothing_on_a_page(page, site, path, shown):
    page.goto(site.url + path)
    if shown:
        expect(page.get_by_role("main").get_by_text(shown).first).to_be_attached()
    page.wait_for_load_state("networkidle")
    assert faults_in_both(page) == NONE


@pytest.mark.parametrize(("path", "button"), DIALOGS, ids=str)
def test_axe_finds_nothing_in_a_dialog(page, site, path, button):
    page.goto(site.url + path)
    page.get_by_role("button", name=button, exact=True).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert faults_in_both(page) == NONE
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
