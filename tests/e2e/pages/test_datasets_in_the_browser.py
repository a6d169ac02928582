"""The page of a dataset over the real REST API, the real disk and the real cookie."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import TestPlatform, make_platform
from hops_platform.users import service as users
from tests.e2e.axe import faults_of
from tests.listening import listening

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
HOSTILE = "<img src=x onerror=alert(1)>.csv"


@dataclass
class Site:
    platform: TestPlatform
    url: str

    @property
    def raw(self) -> Path:
        return self.platform.parts.settings.layout.project("weather") / "raw"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with a project, a Data Owner (ada) and a Data Scientist (bob)."""
    made = make_platform(tmp_path_factory.mktemp("home"), on_disk=True)
    with made.parts.database.session() as session:
        for name in ("ada", "bob"):
            users.create_user(
                session, name=name, title="", password="correct horse", admin=False, must_change_password=False
            )
    made.logins.tokens |= {"cookie-of-ada": "ada", "cookie-of-bob": "bob"}
    with listening(made.app, whole=True) as port:
        url = f"http://127.0.0.1:{port}/services/hops/"
        yield Site(made, url)


@pytest.fixture
def visit(chromium, site):
    """Opens a page as somebody; fails the test when a script of it fails or its own policy refuses something."""
    faults: list[str] = []
    contexts = []

    def _visit(path: str, *, user: str = "ada", **context: Any) -> Page:
        contexts.append(chromium.new_context(locale="en-GB", accept_downloads=True, **context))
        contexts[-1].add_cookies([{"name": SESSION_COOKIE, "value": f"cookie-of-{user}", "url": site.url}])
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if "Security Policy" in message.text else None)
        page.goto(site.url + path)
        return page

    yield _visit
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def weather(chromium, site):
    """The project, made by calls that a page of it makes."""
    context = chromium.new_context()
    context.add_cookies([{"name": SESSION_COOKIE, "value": "cookie-of-ada", "url": site.url}])
    page = context.new_page()
    page.goto(site.url)
    for path, body in (
        ("projects", {"name": "weather", "title": "Weather", "template": "empty"}),
        ("projects/weather/members", {"user": "bob", "role": "data_scientist"}),
        ("projects/weather/datasets", {"name": "raw", "description": "Measurements as they came."}),
    ):
        call(page, "POST", path, body)
    site.platform.workers.deliver_due()
    context.close()


@pytest.fixture
def raw(site, weather):
    """The dataset's folder, empty at first."""
    for path in sorted(site.raw.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    return site.raw


def uploads_under_way(site: Site) -> set[str]:
    """Their folders; what is remembered of finished ones is no upload."""
    folder = site.platform.parts.settings.layout.uploads("weather")
    return {path.name for path in folder.iterdir() if path.name != "finished"} if folder.exists() else set()


def call(page: Page, method: str, path: str, body: Any = None) -> Any:
    return page.evaluate(
        """async ([method, path, body]) => {
            const meta = (name) => document.querySelector(`meta[name="hops-${name}"]`).content;
            const answer = await fetch(meta("api") + path, { method, body: body && JSON.stringify(body),
              headers: { "X-Hops-CSRF": meta("csrf"), "Content-Type": "application/json" } });
            if (!answer.ok) throw new Error(await answer.text());
            return answer.status === 204 ? null : answer.json();
        }""",
        [method, path, body],
    )


def drop(page: Page, files: dict[str, str]) -> None:
    """Drops files, as a browser does when there are no folders."""
    expect(page.get_by_role("button", name="Upload files")).to_be_enabled()
    page.locator("#files").evaluate(
        """(box, files) => {
            const transfer = new DataTransfer();
            for (const [name, text] of Object.entries(files)) transfer.items.add(new File([text], name));
            for (const type of ["dragenter", "dragover", "drop"])
              box.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        files,
    )


def choose(page: Page, *files: Path) -> None:
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Upload files").click()
    chosen.value.set_files(files)


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-name="{name}"]')


def act(page: Page, name: str, verb: str) -> None:
    page.get_by_role("button", name=f"Actions for {name}", exact=True).click()
    page.locator("[popover]:popover-open").get_by_role("button", name=verb).click()


DATASET = "projects/weather/datasets/raw"


def test_an_empty_dataset_says_what_to_do_and_is_described_in_place(visit, raw):
    page = visit(DATASET)
    expect(page.get_by_text("Nothing is here yet.")).to_be_visible()
    expect(page.get_by_text("There is no README.md in the top folder.")).to_be_visible()
    page.get_by_role("button", name="Edit the description").click()
    page.get_by_label("Description", exact=True).fill("Ten years of rain.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#description")).to_have_text("Ten years of rain.")
    expect(page.get_by_role("button", name="Edit the description")).to_be_focused()
    assert faults_of(page) == []


def test_a_description_that_somebody_else_changed_is_not_overwritten(visit, raw):
    page = visit(DATASET)
    expect(page.get_by_role("button", name="Edit the description")).to_be_visible()
    other = visit(DATASET)
    version = call(other, "GET", DATASET)["version"]
    other.evaluate(
        """async (version) => fetch(
            document.querySelector('meta[name="hops-api"]').content + "projects/weather/datasets/raw",
            { method: "PATCH", body: '{"description": "Theirs."}', headers: { "If-Match": `"${version}"`,
              "Content-Type": "application/json",
              "X-Hops-CSRF": document.querySelector('meta[name="hops-csrf"]').content } })""",
        version,
    )
    page.get_by_role("button", name="Edit the description").click()
    page.get_by_label("Description", exact=True).fill("Mine.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Description", exact=True)).to_have_value("Mine.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#description")).to_have_text("Mine.")


def test_folders_are_made_entered_and_left(visit, raw):
    page = visit(DATASET)
    page.get_by_role("button", name="New folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("2026 & more #1")
    page.get_by_role("button", name="Make folder").click()
    expect(page.get_by_text("The folder 2026 & more #1 is made.")).to_be_visible()
    page.get_by_role("link", name="2026 & more #1").click()
    expect(page.get_by_text("Nothing is here yet.")).to_be_visible()
    drop(page, {"may.csv": "day,rain\n1,0\n"})
    expect(row(page, "may.csv")).to_be_visible()
    assert (raw / "2026 & more #1" / "may.csv").read_text() == "day,rain\n1,0\n"
    page.reload()
    expect(row(page, "may.csv")).to_be_visible()
    page.get_by_role("navigation", name="Folders").get_by_role("link", name="raw").click()
    expect(row(page, "may.csv")).to_have_count(0)
    page.go_back()
    expect(row(page, "may.csv")).to_be_visible()
    page.get_by_role("button", name="New folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("..")
    page.get_by_role("button", name="Make folder").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("can't be used")


def test_long_folders_are_shown_page_by_page(visit, raw):
    for number in range(230):
        (raw / f"{number:03}.csv").touch()
    page = visit(DATASET)
    expect(page.locator("#file-rows tr")).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#file-rows tr")).to_have_count(200)
    expect(page.get_by_role("button", name="100.csv", exact=True)).to_be_focused()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#file-rows tr")).to_have_count(230)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_a_file_is_renamed_copied_and_moved(visit, raw):
    (raw / "may.csv").write_text("day\n")
    (raw / "2026").mkdir()
    page = visit(DATASET)
    act(page, "may.csv", "Rename…")
    name = page.get_by_role("dialog").get_by_label("Name")
    assert name.evaluate("(field) => field.value.slice(field.selectionStart, field.selectionEnd)") == "may"
    name.fill("june.csv")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(row(page, "june.csv")).to_be_visible()
    expect(page.get_by_role("button", name="Actions for june.csv")).to_be_focused()
    act(page, "june.csv", "Copy…")
    page.get_by_role("dialog").get_by_label("Name").fill("2026")
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    page.get_by_role("dialog").get_by_label("Folder in it").fill("/2026/")
    page.get_by_role("dialog").get_by_label("Name").fill("copy.csv")
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    expect(page.get_by_text("june.csv is copied.")).to_be_visible()
    act(page, "june.csv", "Move…")
    page.get_by_role("dialog").get_by_label("Dataset").select_option("Resources")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(page.get_by_text("june.csv is moved.")).to_be_visible()
    expect(row(page, "june.csv")).to_have_count(0)
    assert (raw / "2026" / "copy.csv").is_file()
    assert (raw.parent / "Resources" / "june.csv").read_text() == "day\n"
    (raw.parent / "Resources" / "june.csv").unlink()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_menus_and_dialogs_are_sound_and_used_by_keys(visit, raw, scheme):
    (raw / "may.csv").write_text("day\n")
    page = visit(DATASET, color_scheme=scheme)
    page.get_by_role("button", name="Actions for may.csv").focus()
    page.keyboard.press("Enter")
    menu = page.locator("[popover]:popover-open")
    expect(menu.get_by_role("button", name="Preview")).to_be_focused()
    assert faults_of(page) == []
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("button", name="Delete")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("button", name="Move…")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Folder in it")).to_be_focused()
    assert faults_of(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="New folder").click()
    assert faults_of(page) == []


def test_a_folder_is_zipped_and_unzipped(visit, raw):
    (raw / "2026").mkdir()
    (raw / "2026" / "may.csv").write_text("day\n")
    page = visit(DATASET)
    act(page, "2026", "Zip…")
    page.get_by_role("dialog").get_by_role("button", name="Zip").click()
    expect(page.get_by_text("2026 is packed.")).to_be_visible()
    expect(page.get_by_role("button", name="Actions for 2026.zip")).to_be_focused()
    act(page, "2026.zip", "Unzip…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Unzip").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is something at")
    dialog.get_by_label("Name").fill("again")
    dialog.get_by_role("button", name="Unzip").click()
    expect(page.get_by_text("2026.zip is unpacked.")).to_be_visible()
    assert (raw / "again" / "2026" / "may.csv").read_text() == "day\n"


def test_what_is_deleted_is_undone_or_restored_from_the_trash(visit, raw):
    for name in ("a.csv", "b.csv"):
        (raw / name).write_text(name)
    page = visit(DATASET)
    act(page, "a.csv", "Delete")
    expect(row(page, "a.csv")).to_have_count(0)
    expect(page.get_by_role("button", name="Actions for b.csv")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("a.csv is back.")).to_be_visible()
    assert (raw / "a.csv").read_text() == "a.csv"
    act(page, "b.csv", "Delete")
    expect(row(page, "b.csv")).to_have_count(0)
    (raw / "b.csv").write_text("another")
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("button", name="Restore b.csv").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Path in it").fill("old/b.csv")
    dialog.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("b.csv is back in raw/old/b.csv.")).to_be_visible()
    assert (raw / "old" / "b.csv").read_text() == "b.csv"


def test_the_trash_is_emptied_when_the_projects_name_is_typed(visit, raw):
    (raw / "old.csv").touch()
    page = visit(DATASET)
    act(page, "old.csv", "Delete")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    scientist = visit("projects/weather/trash", user="bob")
    expect(scientist.get_by_role("button", name="Restore old.csv")).to_be_visible()
    expect(scientist.get_by_role("button", name="Empty…")).to_be_hidden()
    expect(scientist.get_by_text("Only Data Owners restore whole datasets")).to_be_visible()
    page.goto(page.url.replace("datasets/raw", "trash"))
    assert faults_of(page) == []
    page.get_by_role("button", name="Empty…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Empty the trash")).to_be_disabled()
    dialog.get_by_label("Type weather to confirm").fill("weather")
    dialog.get_by_role("button", name="Empty the trash").click()
    expect(page.get_by_text("What is deleted in a dataset of this project stays here")).to_be_visible()


def test_many_pieces_arrive_whole_though_the_connection_breaks(visit, raw, tmp_path):
    data = os.urandom(1024 * 1024) * 20
    (tmp_path / "large.bin").write_bytes(data)
    page = visit(DATASET)
    broken = []

    def breaking(route):
        # The second piece never arrives the first time, and the answer to the last is lost.
        if "offset=8388608" in route.request.url and not broken:
            broken.append("piece")
            return route.abort("connectionreset")
        return route.continue_()

    page.route("**/content?offset=*", breaking)
    choose(page, tmp_path / "large.bin")
    expect(page.get_by_text("1 file uploaded.")).to_be_visible(timeout=60_000)
    expect(row(page, "large.bin")).to_contain_text("21 MB")
    assert broken == ["piece"]
    assert hashlib.sha256((raw / "large.bin").read_bytes()).digest() == hashlib.sha256(data).digest()
    (raw / "large.bin").unlink()


def test_after_a_reload_the_same_file_goes_on_where_it_was(visit, raw, tmp_path):
    (tmp_path / "large.bin").write_bytes(os.urandom(1024) * 1024 * 12)
    page = visit(DATASET)
    page.route("**/content?offset=8388608", lambda _route: None)  # neither sent nor refused
    choose(page, tmp_path / "large.bin")
    expect(page.get_by_role("progressbar", name="large.bin")).to_have_attribute("aria-valuenow", "66")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute("**/content?offset=8388608")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "offset=" in request.url else None)
    choose(page, tmp_path / "large.bin")
    expect(page.get_by_text("1 file uploaded.")).to_be_visible(timeout=60_000)
    assert [url.rpartition("=")[2] for url in sent] == ["8388608"]
    assert (raw / "large.bin").read_bytes() == (tmp_path / "large.bin").read_bytes()
    (raw / "large.bin").unlink()


def test_a_lost_answer_to_the_end_of_an_upload_is_no_failure(visit, raw):
    page = visit(DATASET)
    lost = []

    def losing(route):
        if lost:
            return route.continue_()
        lost.append(route.fetch())
        return route.abort("connectionreset")

    page.route("**:finish", losing)
    drop(page, {"may.csv": "day\n"})
    expect(page.get_by_text("1 file uploaded.")).to_be_visible()
    assert lost[0].ok
    assert (raw / "may.csv").read_text() == "day\n"


def test_what_the_platform_refuses_is_tried_again_when_somebody_says_so(visit, raw):
    page = visit(DATASET)
    full = {"type": "t", "title": "t", "status": 507, "detail": "There is no space left.", "remedy": None}
    page.route(
        "**/uploads", lambda route: route.fulfill(status=507, json=full, content_type="application/problem+json")
    )
    drop(page, {"may.csv": "day\n"})
    expect(page.get_by_text("There is no space left.")).to_be_visible()
    expect(page.get_by_text("0 files uploaded, 1 failed.")).to_be_visible()
    page.unroute("**/uploads")
    page.get_by_role("button", name="Try may.csv again").click()
    expect(row(page, "may.csv")).to_be_visible()


def test_a_row_stays_under_the_pointer_while_bytes_go(visit, raw, tmp_path):
    (tmp_path / "large.bin").write_bytes(bytes(20 * 1024 * 1024))
    page = visit(DATASET)
    page.route("**/content?offset=8388608", lambda _route: None)
    choose(page, tmp_path / "large.bin")
    cancel = page.get_by_role("button", name="Cancel large.bin").element_handle()
    expect(page.get_by_role("progressbar", name="large.bin")).to_have_attribute("aria-valuenow", "40")
    drop(page, {"may.csv": "day\n"})
    expect(page.get_by_text("1 of 2 files")).to_be_visible()
    assert cancel.evaluate("(button) => button.isConnected")
    cancel.click()
    expect(page.get_by_text("1 left out")).to_be_visible()


def test_who_has_to_wait_for_a_preview_waits(visit, raw):
    (raw / "README.md").write_text("# Rain\n")
    busy = {"type": "t", "title": "t", "status": 429, "detail": "2 of your previews are under way.", "remedy": None}
    page = visit("projects/weather")
    refused = []

    def refusing(route):
        if refused:
            return route.continue_()
        refused.append(route)
        return route.fulfill(status=429, json=busy, content_type="application/problem+json")

    page.route("**/preview?path=README.md", refusing)
    page.get_by_role("link", name="raw").click()
    expect(page.get_by_role("heading", name="Rain")).to_be_visible()
    assert len(refused) == 1


def test_small_files_are_sent_with_their_checksum(visit, raw):
    page = visit(DATASET)
    with page.expect_request(lambda request: request.url.endswith("/uploads")) as begun:
        drop(page, {"may.csv": "day\n"})
    assert begun.value.post_data_json["sha256"] == hashlib.sha256(b"day\n").hexdigest()
    expect(row(page, "may.csv")).to_be_visible()


def test_a_whole_folder_is_uploaded_with_what_lies_in_it(visit, raw, tmp_path):
    for name in ("top/a.csv", "top/deep/er/b.csv", "top/deep/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    page = visit(DATASET)
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Upload a folder").click()
    chosen.value.set_files(tmp_path / "top")
    expect(page.get_by_text("3 files uploaded.")).to_be_visible()
    expect(page.get_by_role("link", name="top")).to_be_visible()
    assert (raw / "top" / "deep" / "er" / "b.csv").read_text() == "top/deep/er/b.csv"


def test_a_file_that_is_there_is_replaced_only_when_somebody_says_so(visit, raw):
    for name in ("a.csv", "b.csv", "c.csv"):
        (raw / name).write_text("old")
    page = visit(DATASET)
    drop(page, {"a.csv": "new"})
    dialog = page.get_by_role("dialog", name="Replace what is there?")
    dialog.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("1 left out")).to_be_visible()
    assert (raw / "a.csv").read_text() == "old"
    drop(page, {"a.csv": "new", "b.csv": "new", "c.csv": "new", "d.csv": "new"})
    dialog.get_by_label("The same for all others").check()
    dialog.get_by_role("button", name="Replace").click()
    expect(page.get_by_text("4 files uploaded.")).to_be_visible()
    assert {path.read_text() for path in raw.iterdir()} == {"new"}


def test_an_upload_is_cancelled_and_nothing_is_left_of_it(visit, raw, tmp_path, site):
    before = uploads_under_way(site)
    (tmp_path / "large.bin").write_bytes(bytes(20 * 1024 * 1024))
    page = visit(DATASET)
    page.route("**/content?offset=8388608", lambda _route: None)  # neither sent nor refused
    choose(page, tmp_path / "large.bin")
    expect(page.get_by_role("button", name="Cancel large.bin")).to_be_visible()
    expect(page.get_by_role("progressbar", name="large.bin")).to_have_attribute("aria-valuenow", "40")
    assert faults_of(page) == []
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as cancelled:
        page.get_by_role("button", name="Cancel large.bin").click()
    assert cancelled.value.status == 204
    expect(page.get_by_text("1 left out")).to_be_visible()
    expect(page.get_by_text("Nothing was uploaded.")).to_be_visible()
    assert list(raw.iterdir()) == []
    assert uploads_under_way(site) == before


def test_what_is_refused_stands_beside_its_file(visit, raw):
    page = visit(DATASET, user="bob")
    expect(page.get_by_text("You are a Data Scientist here")).to_be_visible()
    drop(page, {"data.csv": "day\n", "program.py": "print(1)\n"})
    expect(page.get_by_text("A Data Scientist brings in programs and notebooks, no data")).to_be_visible()
    expect(row(page, "program.py")).to_be_visible()
    assert not (raw / "data.csv").exists()
    page.get_by_role("button", name="Cancel data.csv").click()


def test_what_a_data_scientist_may_not_do_is_not_shown(visit, raw):
    (raw / "may.csv").write_text("day\n")
    page = visit(DATASET, user="bob")
    page.get_by_role("button", name="Actions for may.csv").click()
    menu = page.locator("[popover]:popover-open")
    expect(menu.get_by_role("button", name="Preview")).to_be_focused()
    expect(menu.get_by_role("button", name="Download")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Actions for may.csv")).to_be_focused()
    expect(page.get_by_role("button", name="Edit the description")).to_be_hidden()
    expect(page.get_by_role("button", name="Delete…")).to_be_hidden()
    page.get_by_role("button", name="may.csv", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Download")).to_have_count(0)


def test_a_file_is_downloaded_by_the_browser_itself(visit, raw):
    (raw / "may & june.csv").write_text("day,rain\n")
    page = visit(DATASET)
    with page.expect_download() as begun:
        act(page, "may & june.csv", "Download")
    assert begun.value.suggested_filename == "may & june.csv"
    assert Path(begun.value.path()).read_text() == "day,rain\n"
    assert begun.value.url.endswith("/services/hops/downloads")
    expect(page.get_by_text("The download of may & june.csv begins.")).to_be_visible()
    expect(page.get_by_role("heading", name="raw", level=1)).to_be_visible()


def test_a_readme_is_shown_and_nothing_in_it_runs(visit, raw):
    (raw / "README.md").write_text(
        "# Rain\n\n<script>alert(1)</script><img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) "
        "[b](https://example.org/x) [c](//evil.example) ![p](https://evil.example/x.png)\n\n"
        "| day | rain |\n|-|-|\n| 1 | **0** |\n\n- one\n- two\n"
    )
    page = visit(DATASET)
    readme = page.get_by_role("region", name="README")
    expect(readme.get_by_role("heading", name="Rain")).to_be_visible()
    expect(readme.get_by_text("<script>alert(1)</script>")).to_be_visible()
    expect(readme.get_by_role("cell", name="0")).to_be_visible()
    assert readme.locator("script, img, iframe, form, [onerror], [style]").count() == 0
    assert readme.locator("a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))") == [
        "https://example.org/x"
    ]
    assert faults_of(page) == []


def test_names_are_text(visit, raw):
    (raw / HOSTILE).write_text("day\n")
    page = visit(DATASET)
    page.get_by_role("button", name=HOSTILE, exact=True).click()
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert page.locator("img[src=x]").count() == 0


def test_files_of_each_kind_are_looked_at(visit, raw):
    import pyarrow as pa  # noqa: PLC0415 - heavy, and for this test alone
    from PIL import Image  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    (raw / "may.csv").write_text("day,rain\n1,0.5\n")
    parquet.write_table(pa.table({"station": ["coast"] * 3}), raw / "a.parquet")
    Image.new("RGB", (40, 20), "red").save(raw / "a.png")
    cell = {"cell_type": "code", "source": "print(1)", "outputs": [{"output_type": "stream", "text": "one\n"}]}
    (raw / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    (raw / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    (raw / "a.bin").write_bytes(bytes(100))
    page = visit(DATASET)
    dialog = page.get_by_role("dialog")
    for name, check in (
        ("may.csv", lambda: expect(dialog.get_by_role("cell", name="0.5")).to_be_visible()),
        ("a.parquet", lambda: expect(dialog.get_by_text("3 rows, 1 columns.")).to_be_visible()),
        ("a.png", lambda: expect(dialog.get_by_role("img", name="a.png")).to_have_js_property("naturalWidth", 40)),
        ("a.ipynb", lambda: expect(dialog.get_by_role("region", name="Output of cell 1")).to_have_text("one\n")),
        ("a.svg", lambda: expect(dialog.get_by_role("region", name="Text")).to_contain_text("<script>")),
        ("a.bin", lambda: expect(dialog.get_by_text("This is no text")).to_be_visible()),
    ):
        opener = page.get_by_role("button", name=name, exact=True)
        opener.click()
        check()
        assert faults_of(page) == [], name
        dialog.get_by_role("button", name="Close").click()
        expect(opener).to_be_focused()


def test_a_dataset_is_created_from_the_projects_page_and_deleted(visit, raw, site):
    page = visit("")
    page.get_by_role("link", name="Datasets of Weather").click()
    datasets = page.get_by_role("region", name="Datasets")
    expect(datasets.get_by_role("link", name="raw")).to_have_attribute(
        "href", "/services/hops/projects/weather/datasets/raw"
    )
    datasets.get_by_role("button", name="Create").click()
    page.get_by_label("Name of the dataset").fill("tides")
    page.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_role("heading", name="tides", level=1)).to_be_visible()
    site.platform.workers.deliver_due()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_label("Type tides to confirm").fill("tides")
    page.get_by_role("button", name="Delete dataset").click()
    expect(page.get_by_role("heading", name="Weather", level=1)).to_be_visible()
    site.platform.workers.deliver_due()


def test_a_folder_that_is_gone_and_a_dataset_that_is_absent_say_so(visit, raw):
    page = visit(f"{DATASET}#/no/such")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("navigation", name="Folders").get_by_role("link", name="raw").click()
    expect(page.get_by_text("Nothing is here yet.")).to_be_visible()
    page = visit("projects/weather/datasets/none")
    expect(page.get_by_role("alert")).to_contain_text("no dataset")
    expect(page.get_by_role("button", name="Upload files")).to_be_hidden()


def test_a_dataset_that_can_not_be_loaded_is_tried_again(visit, raw):
    page = visit("projects/weather")
    page.route("**/api/v1/projects/weather/datasets/raw", lambda route: route.abort())
    page.goto(page.url.replace("projects/weather", DATASET))
    retry = page.get_by_role("alert").get_by_role("button", name="Retry")
    expect(retry).to_be_visible()
    page.unroute_all()
    retry.press("Enter")
    expect(page.get_by_role("button", name="Upload files")).to_be_enabled()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_narrow_screen_nothing_sticks_out(visit, raw, scheme):
    (raw / ("a-rather-long-name-of-a-file-" * 4 + ".csv")).write_text("day\n")
    (raw / "README.md").write_text("# Rain\n\n" + "x" * 300)
    page = visit(DATASET, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    expect(page.get_by_role("heading", name="Rain")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults_of(page) == []
