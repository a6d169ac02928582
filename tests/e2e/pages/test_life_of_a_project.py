"""What a project uses, what happened in it, its services and its archive, over the real REST API."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from hops_platform.database import now
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.errors import EngineUnavailableError
from hops_platform.quotas.counting import count_due
from hops_platform.quotas.models import StorageUse
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from tests.e2e.axe import faults_of
from tests.listening import listening

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path):
    """Ada, who administrates, has the project weather."""
    made = make_platform(tmp_path, on_disk=True, settings={"kafka": "kafka.example.org:9093"})
    with made.parts.database.session() as session:
        users.create_user(session, name="ada", title="", password="x" * 20, admin=True, must_change_password=False)
    made.logins.tokens["cookie-of-ada"] = "ada"
    with listening(made.app, whole=True) as port:
        yield SimpleNamespace(platform=made, url=f"http://127.0.0.1:{port}/services/hops/")


@pytest.fixture
def page(chromium, site):
    context = chromium.new_context(locale="en-GB")
    context.add_cookies([{"name": SESSION_COOKIE, "value": "cookie-of-ada", "url": site.url}])
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(site.url)
    opened.get_by_role("button", name="Create your first project").click()
    opened.get_by_label("Title", exact=True).fill("Weather")
    opened.get_by_role("dialog").get_by_role("button", name="Create project").click()
    expect(opened.get_by_role("heading", name="Weather", level=1)).to_be_visible()
    site.platform.workers.deliver_due()
    opened.reload()
    yield opened
    context.close()
    assert faults == []


def region(page, name):
    return page.get_by_role("region", name=name, exact=True)


def test_use_is_shown_beside_the_quota_and_what_is_full_says_so(page, site):
    use = region(page, "Used by the project")
    expect(use.get_by_text("The files have not been counted yet.")).to_be_visible()
    region(page, "Limits of a server").get_by_role("button", name="Edit").click()
    page.get_by_label("Storage of the project (MiB)").fill("1")
    page.get_by_label("Servers of the project together").fill("4")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("The limits are saved.")).to_be_visible()
    site.platform.hub.servers[("ada", "weather")] = HubServer(state=ServerState.READY)
    resources = site.platform.parts.settings.layout.project("weather") / "Resources"
    (resources / "model.bin").write_bytes(bytes(2 * 2**20))
    with site.platform.parts.database.session() as session:
        session.execute(update(StorageUse).values(counted_at=now() - timedelta(days=1)))
    count_due(site.platform.parts.database, site.platform.parts.engines)
    page.reload()
    expect(use.get_by_text("1 of 4")).to_be_visible()
    expect(use.get_by_text("There is no storage left.")).to_be_visible()
    expect(region(page, "Activity").get_by_text("There is no room left:")).to_be_visible()
    assert faults_of(page) == []


def test_a_service_is_switched_off_and_the_project_archived_and_taken_back(page, site):
    services = region(page, "Services")
    services.get_by_role("button", name="Switch off: Spark sessions").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
    expect(services.get_by_role("button", name="Switch on: Spark sessions")).to_be_visible()
    expect(region(page, "Activity").get_by_text("ada switched services: Spark sessions off.")).to_be_visible()
    page.get_by_role("button", name="Archive…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type weather to confirm").fill("weather")
    dialog.get_by_role("button", name="Archive project").click()
    expect(page.get_by_text("This project is archived since")).to_be_visible()
    expect(page.get_by_text("The project is archived: no server starts.")).to_be_visible()
    for name in ("Edit", "Archive…", "Create", "Add", "Open Weather"):
        expect(page.get_by_role("button", name=name, exact=True).filter(visible=True)).to_have_count(
            1 if name == "Edit" else 0  # the administrator's, of the limits
        )
    assert faults_of(page) == []
    page.goto(site.url)
    expect(page.get_by_role("list", name="My projects")).to_be_hidden()
    archived = region(page, "Archived")
    assert faults_of(page) == []
    archived.get_by_role("link", name="Weather").click()
    page.get_by_role("button", name="Take out of the archive").click()
    expect(page.get_by_text("The project can be worked in again.")).to_be_visible()
    expect(page.get_by_role("button", name="Archive…")).to_be_visible()
    expect(page.get_by_role("button", name="Open Weather")).to_be_visible()
    expect(region(page, "Activity").get_by_text("ada took the project out of the archive.")).to_be_visible()


def test_an_administrator_sees_engines_and_sets_the_default_limits(page, site):
    site.platform.hub.fault = EngineUnavailableError("The Hub does not answer.")
    page.goto(f"{site.url}admin")
    engines = region(page, "Engines")
    row = engines.get_by_role("row", name="Hub Does not work")
    expect(row).to_contain_text("The Hub does not answer.")
    expect(engines.get_by_role("row", name="Database")).to_contain_text("Works")
    projects = region(page, "Projects")
    projects.get_by_role("button", name="Default limits").click()
    page.get_by_label("Executors", exact=True).fill("3")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(projects.get_by_text("3 executors at most")).to_be_visible()
    assert faults_of(page) == []


def test_topics_are_created_shown_as_they_are_made_and_deleted(page, site):
    topics = region(page, "Topics")
    expect(topics.get_by_text("There are none yet. Create one;")).to_be_visible()
    topics.get_by_role("button", name="Create a topic").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name of the topic").fill("Raw")
    dialog.get_by_role("button", name="Create topic").click()
    expect(dialog.get_by_text("A topic's name is")).to_be_visible()
    dialog.get_by_label("Name of the topic").fill("measurements")
    dialog.get_by_label("Partitions").fill("3")
    dialog.get_by_role("button", name="Create topic").click()
    expect(topics.get_by_text("Being made")).to_be_visible()
    site.platform.workers.deliver_due()
    expect(topics.get_by_text("Being made")).to_have_count(0)
    expect(topics.get_by_text("weather__measurements")).to_be_visible()
    expect(region(page, "Used by the project").get_by_text("1 of 10")).to_be_visible()
    assert faults_of(page) == []
    topics.get_by_role("button", name="Delete the topic measurements").click()
    page.get_by_label("Type measurements to confirm").fill("measurements")
    page.get_by_role("button", name="Delete topic").click()
    expect(topics.get_by_text("There are none yet.")).to_be_visible()
    region(page, "Services").get_by_role("button", name="Switch off: Topics").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
    expect(topics.get_by_text("Topics are switched off in this project")).to_be_visible()
    expect(topics.get_by_role("button", name="Create a topic")).to_be_hidden()
