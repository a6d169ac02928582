"""What a Data Scientist finds in Lab of the ways to take files out, and what the server says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.lab_server import RunningLab, running_lab
from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig
from hops_spawner.files import AUTHORIZER, CONTENTS, disabled_in_lab

pytestmark = pytest.mark.browser
SAVING = "const a = document.createElement('a'); a.href = 'data:text/csv,1'; a.download = 'a.csv'; a.click()"


@pytest.fixture(scope="module", params=list(ProjectRole))
def lab_of(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ProjectRole, RunningLab]]:
    role: ProjectRole = request.param
    home, folder = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("server")
    config = ServerConfig(
        project="weather", project_title="Weather", user="ada", role=role, options=ServerOptions(),
        project_folder=str(home / "project"), environment=str(folder), control_plane_url="http://127.0.0.1:9/",
        livy_url="http://127.0.0.1:9",
    )  # fmt: skip
    (folder / "server.json").write_text(config.model_dump_json())
    (folder / "token.jwt").write_text("a.b.c")
    (home / "config" / "labconfig").mkdir(parents=True)
    page_config = {"disabledExtensions": disabled_in_lab(config)}
    (home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(page_config))
    settings = {"authorizer_class": AUTHORIZER, "contents_manager_class": CONTENTS}
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": settings}))
    with running_lab(home, with_extension=True, server_folder=folder) as lab:
        (lab.folder / "Jupyter" / "data.csv").write_text("day,temperature\n1,21.5\n")
        (lab.folder / "Jupyter" / "code.py").write_text("print(1)\n")
        yield role, lab


@pytest.fixture
def opened(chromium: Browser, lab_of: tuple[ProjectRole, RunningLab]) -> Iterator[tuple[ProjectRole, Page]]:
    role, lab = lab_of
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(lab.workspace("auto-menus"))
    page.locator(".jp-Launcher").wait_for(timeout=120_000)
    page.locator(".jp-DirListing-content").get_by_text("Jupyter").dblclick()
    yield role, page
    page.context.close()


def entries(page: Page) -> list[str]:
    """The labels of the menu that is open."""
    page.locator(".lm-Menu-content").first.wait_for()
    return [text.strip() for text in page.locator(".lm-Menu-itemLabel:visible").all_inner_texts() if text.strip()]


def upload(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("[data-jp-item-name=uploader]").first.click()
    chooser.value.set_files(file)


def test_menus_hold_no_way_out_and_what_is_tried_is_refused_in_words(
    opened: tuple[ProjectRole, Page], tmp_path: Path
) -> None:
    role, page = opened
    owner = role is ProjectRole.DATA_OWNER
    files = page.locator(".jp-DirListing-content")
    files.get_by_text("code.py").click(button="right")
    of_file = entries(page)
    page.keyboard.press("Escape")
    page.get_by_role("menuitem", name="File", exact=True).click()
    of_menu = entries(page)
    page.keyboard.press("Escape")
    assert "Rename" in of_file
    for entry in ("Download", "Copy Download Link", "Copy Shareable Link", "Open in New Browser Tab"):
        assert (entry in of_file) is owner, (entry, of_file)
    for entry in ("Download", "Save and Export Notebook As"):
        assert (entry in of_menu) is owner, (entry, of_menu)

    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.suggested_filename))
    if owner:
        with page.expect_download():
            page.evaluate(SAVING)
        return
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.evaluate(SAVING)
    with page.expect_popup() as opening:
        page.evaluate("void window.open('')")
    window = opening.value
    window.on("download", lambda download: saved.append(download.suggested_filename))
    window.evaluate(SAVING)
    window.evaluate("document.title")
    files.get_by_text("data.csv").dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Data Scientists open programs, notebooks and logs in Lab")
    expect(dialog).to_contain_text("Ask a Data Owner of weather")
    dialog.get_by_role("button").last.click()

    (tmp_path / "new.csv").write_text("1,2\n")
    (tmp_path / "new.py").write_text("1 + 1\n")
    upload(page, tmp_path / "new.csv")
    expect(page.get_by_role("dialog")).to_contain_text("Data Scientists save and upload programs and notebooks")
    page.get_by_role("dialog").get_by_role("button").last.click()
    upload(page, tmp_path / "new.py")
    expect(files.get_by_text("new.py")).to_be_visible()
    files.get_by_text("code.py").dblclick()
    expect(page.locator(".cm-content").get_by_text("print(1)")).to_be_visible()
    window.close()
    assert (saved, [text for text in refused if "Download" in text or "download" in text] != []) == ([], True)
