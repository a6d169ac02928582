"""The pages of the audit over the real REST API: a project's for its Data Owners, the site's for administrators."""

from __future__ import annotations

import json
from types import SimpleNamespace

import httpx
import pytest
from playwright.sync_api import expect

from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from tests.listening import listening

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture
def site(tmp_path):
    made = make_platform(tmp_path)
    with made.parts.database.session() as session:
        for name, admin in (("ada", False), ("bob", False), ("root", True)):
            users.create_user(session, name=name, title="", password=PASSWORD, admin=admin, must_change_password=False)
    for name in ("ada", "bob", "root"):
        made.logins.tokens[f"cookie-of-{name}"] = name
    with listening(made.app, whole=True) as port:
        url = f"http://127.0.0.1:{port}/services/hops/"
        with httpx.Client(base_url=f"{url}api/v1/", timeout=60, trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {made.parts.signer.sign_user('ada', admin=False).token}"
            assert client.post("projects", json={"name": "weather", "title": SCRIPT}).status_code == 201
            made.workers.deliver_due()
            added = client.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"})
            assert added.status_code == 201
            client.headers["Authorization"] = f"Bearer {made.parts.signer.sign_user('bob', admin=False).token}"
            assert client.delete("projects/weather/members/ada").status_code == 403
        made.parts.refusals.flush(all_of_them=True)
        yield SimpleNamespace(url=url, platform=made)


def test_a_data_owner_reads_filters_and_exports_the_projects_audit(visit_as):
    page = visit_as("ada", "projects/weather")
    page.get_by_role("link", name="Audit").click()
    rows = page.locator("#audit-rows tr")
    expect(rows.filter(has_text="member.add")).to_contain_text("bob")
    expect(rows.filter(has_text="member.remove")).to_contain_text("Refused")
    expect(rows.filter(has_text="project.create")).to_have_count(1)
    page.get_by_label("By whom").fill("bob")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("member.remove")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as JSON lines").click()
    assert download.value.suggested_filename == "audit-weather.jsonl"
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert [(line["action"], line["actor"], line["outcome"]) for line in lines] == [("member.remove", "bob", "refused")]
    page.get_by_label("By whom").fill("nobody")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("There is no such row.")).to_be_visible()


def test_a_data_scientist_sees_no_way_there_and_is_told_why(visit_as):
    page = visit_as("bob", "projects/weather")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    page = visit_as("bob", "projects/weather/audit")
    expect(page.get_by_role("alert")).to_contain_text("audit:read")


def test_an_administrator_reads_and_verifies_the_sites_audit(visit_as, site):
    page = visit_as("root", "audit")
    rows = page.locator("#audit-rows tr")
    expect(rows.filter(has_text="member.add")).to_contain_text("in weather")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("rows are good.")).to_be_visible()
    page.get_by_label("What", exact=True).select_option("project.create")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(rows).to_have_count(1)
