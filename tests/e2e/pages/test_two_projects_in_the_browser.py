"""Ada shares a dataset with Grace's project, Grace reads it and takes nothing out, Ada takes it back: by pages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from tests.listening import listening

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path):
    made = make_platform(tmp_path, on_disk=True)
    with made.parts.database.session() as session:
        for name in ("ada", "grace"):
            users.create_user(session, name=name, title="", password="x" * 20, admin=False, must_change_password=False)
            made.logins.tokens[f"cookie-of-{name}"] = name
    with listening(made.app, whole=True) as port:
        url = f"http://127.0.0.1:{port}/services/hops/"
        yield SimpleNamespace(platform=made, url=url, projects=made.parts.settings.layout.projects)


@pytest.fixture
def people(visit_as, site):
    """Both with a project; Ada's has the dataset raw with a file, and Grace's can be found."""

    def make(name, project, title, *, listed):
        page = visit_as(name, "")
        page.get_by_role("button", name="Create your first project").click()
        page.get_by_label("Title", exact=True).fill(title)
        page.get_by_role("dialog").get_by_role("button", name="Create project").click()
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        site.platform.workers.deliver_due()
        page.goto(f"{site.url}projects/{project}")
        if listed:
            page.get_by_role("button", name="Edit").first.click()
            page.locator("#edit-listed").check()
            page.get_by_role("button", name="Save").click()
        return page

    ada = make("ada", "weather", "Weather", listed=False)
    grace = make("grace", "tides", "Tides", listed=True)
    ada.locator("#create-dataset").click()
    ada.get_by_label("Name of the dataset").fill("raw")
    ada.get_by_role("dialog").get_by_role("button", name="Create dataset").click()
    expect(ada.get_by_role("heading", name="raw", level=1)).to_be_visible()
    site.platform.workers.deliver_due()
    (site.projects / "weather" / "raw" / "may.csv").write_text("day,rain\n1,0\n2,7\n")
    return ada, grace


def test_a_dataset_is_shared_read_and_taken_back(people, site):
    ada, grace = people
    ada.get_by_role("link", name="Who has access").click()
    dialog = ada.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Who has raw")).to_be_visible()
    dialog.get_by_label("Share with the project").fill("tides")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_text("offered, not accepted yet")).to_be_visible()

    grace.goto(f"{site.url}projects/tides")
    grace.get_by_role("button", name="Accept weather/raw").click()
    expect(grace.get_by_text("Shared/weather/raw").first).to_be_visible()
    site.platform.workers.deliver_due()
    grace.reload()
    grace.get_by_role("link", name="Shared/weather/raw").first.click()
    expect(grace.get_by_role("heading", name="Shared/weather/raw", level=1)).to_be_visible()
    expect(grace.get_by_text("The project weather shares this dataset, for reading only.")).to_be_visible()
    for words in ("Upload files", "Upload a folder", "New folder", "Edit the description", "Delete…"):
        expect(grace.get_by_role("button", name=words)).to_be_hidden()
    grace.get_by_role("button", name="Actions for may.csv").click()
    expect(grace.get_by_role("button", name="Preview")).to_be_visible()
    for words in ("Download", "Rename…", "Move…", "Copy…", "Zip…", "Delete"):
        expect(grace.get_by_role("button", name=words, exact=True)).to_be_hidden()
    grace.get_by_role("button", name="Preview").click()
    expect(grace.get_by_role("dialog").get_by_role("cell", name="7")).to_be_visible()
    expect(grace.get_by_role("dialog").get_by_role("button", name="Download")).to_have_count(0)

    dialog.get_by_role("button", name="Take back: tides").click()
    expect(dialog.get_by_text("No other project has it.")).to_be_visible()
    grace.reload()
    expect(grace.get_by_role("alert")).to_contain_text("'raw' of 'weather' is not shared with this project (any more).")
    expect(grace.get_by_text("may.csv")).to_have_count(0)


def test_what_may_be_downloaded_and_written_is_offered(people, site):
    ada, grace = people
    ada.goto(f"{site.url}projects/weather")
    ada.get_by_label("Who has", exact=True).select_option("raw")
    ada.get_by_role("button", name="Show and share…").click()
    dialog = ada.get_by_role("dialog")
    dialog.get_by_label("Share with the project").fill("tides")
    dialog.get_by_label("For what").select_option("write")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_text("offered, not accepted yet")).to_be_visible()
    grace.goto(f"{site.url}projects/tides")
    grace.get_by_role("button", name="Accept weather/raw").click()
    expect(grace.get_by_text("Shared/weather/raw").first).to_be_visible()
    grace.goto(f"{site.url}projects/tides/datasets/Shared:weather:raw")
    expect(grace.get_by_text("for reading and writing")).to_be_visible()
    grace.get_by_role("button", name="Actions for may.csv").click()
    with grace.expect_download() as download:
        grace.get_by_role("button", name="Download", exact=True).click()
    assert download.value.path().read_text() == "day,rain\n1,0\n2,7\n"
    grace.get_by_role("button", name="Actions for may.csv").click()
    grace.get_by_role("button", name="Copy…").click()
    grace.get_by_role("dialog").get_by_label("Dataset").select_option("Resources")
    grace.get_by_role("dialog").get_by_role("button", name="Copy", exact=True).click()
    expect(grace.get_by_text("may.csv is copied.")).to_be_visible()
    assert (site.projects / "tides" / "Resources" / "may.csv").exists()
    grace.get_by_role("button", name="Actions for may.csv").click()
    grace.get_by_role("button", name="Delete", exact=True).click()
    expect(grace.get_by_text("may.csv is in the trash of the project that shares it.")).to_be_visible()
    assert not (site.projects / "weather" / "raw" / "may.csv").exists()
