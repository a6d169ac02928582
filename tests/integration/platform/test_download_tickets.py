"""Downloads by browsers: a page's script gets a ticket, a form sends it beside the cookie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import ON_SQLITE, PlatformUnderTest

pytestmark = ON_SQLITE

RAW = "projects/weather/datasets/raw"
DOWNLOADS = "http://hops.test/services/hops/downloads"


@pytest.fixture
def ada(on_disk: PlatformUnderTest) -> Any:
    """The browser of a Data Owner of weather, which has the dataset raw with a file."""
    on_disk.create_user("ada")
    browser = on_disk.browser("ada")
    on_disk.ready_project(browser, template="empty")
    assert browser.post("projects/weather/datasets", json={"name": "raw"}).status_code == 201
    on_disk.deliver()
    (on_disk.platform.parts.settings.layout.project("weather") / "raw" / "may.csv").write_text("day,rain\n1,0\n")
    return browser


@pytest.fixture
def folder(on_disk: PlatformUnderTest, ada: Any) -> Path:
    return on_disk.platform.parts.settings.layout.project("weather") / "raw"


def ticket_of(browser: Any, path: str = "may.csv") -> str:
    answer = browser.post(f"{RAW}/content:ticket", json={"path": path})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ticket"])


def submit(browser: Any, ticket: str, **headers: str) -> Any:
    """What a browser sends for a form: the cookie, and no header of a script."""
    sent = {"Sec-Fetch-Dest": "document", "Origin": "http://hops.test", "Accept": "text/html,*/*"} | headers
    token = browser.headers.pop("X-Hops-CSRF", None)
    try:
        return browser.post(DOWNLOADS, data={"ticket": ticket}, headers=sent)
    finally:
        if token:
            browser.headers["X-Hops-CSRF"] = token


def test_a_form_with_a_ticket_downloads_the_file_as_an_attachment_once(ada: Any) -> None:
    ticket = ticket_of(ada)
    first = submit(ada, ticket)
    assert (first.status_code, first.text) == (200, "day,rain\n1,0\n")
    assert first.headers["Content-Disposition"] == "attachment; filename*=UTF-8''may.csv"
    assert first.headers["Content-Type"] == "application/octet-stream"
    assert first.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    again = submit(ada, ticket)
    assert again.status_code == 403
    assert again.headers["Content-Type"].startswith("text/html")
    assert "click on Download again" in again.text
    assert ticket not in again.text


def test_a_download_by_ticket_is_recorded_and_so_is_a_refused_one(ada: Any, on_disk: PlatformUnderTest) -> None:
    submit(ada, ticket_of(ada))
    submit(ada, "made-up")
    on_disk.platform.parts.refusals.flush(all_of_them=True)
    shown = ada.get("projects/weather/audit-events", params={"action": "file.download"}).json()["items"]
    assert [(one["actor"], one["thing"], one["outcome"]) for one in shown] == [("ada", "raw/may.csv", "done")]
    site = on_disk.user("root", admin=True).get("audit-events", params={"action": "file.download"}).json()["items"]
    assert {(one["actor"], one["outcome"]) for one in site} == {("ada", "done"), ("ada", "refused")}


def test_a_data_scientist_gets_no_ticket_and_can_use_nobodys(ada: Any, on_disk: PlatformUnderTest) -> None:
    on_disk.create_user("bob")
    bob = on_disk.browser("bob")
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"}).raise_for_status()
    assert bob.post(f"{RAW}/content:ticket", json={"path": "may.csv"}).status_code == 403
    ticket = ticket_of(ada)
    assert submit(bob, ticket).status_code == 403
    # It was seen by somebody else, so it is no longer good for its owner either.
    assert submit(ada, ticket).status_code == 403


def test_who_lost_the_right_meanwhile_downloads_nothing(ada: Any, on_disk: PlatformUnderTest) -> None:
    on_disk.create_user("bob")
    bob = on_disk.browser("bob")
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_owner"}).raise_for_status()
    lowered, gone = ticket_of(bob), ticket_of(bob)
    ada.patch(
        "projects/weather/members/bob", json={"role": "data_scientist"}, headers={"If-Match": "*"}
    ).raise_for_status()
    assert submit(bob, lowered).status_code == 403
    ada.delete("projects/weather/members/bob").raise_for_status()
    assert submit(bob, gone).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "image"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_neither_scripts_nor_frames_nor_other_sites_use_a_ticket(ada: Any, headers: dict[str, str]) -> None:
    ticket = ticket_of(ada)
    refused = submit(ada, ticket, **headers)
    assert (refused.status_code, "rain" in refused.text) == (403, False)
    assert submit(ada, ticket).status_code == 200  # it was not looked at


def test_without_the_cookie_a_ticket_is_nothing(ada: Any, on_disk: PlatformUnderTest) -> None:
    ticket = ticket_of(ada)
    assert submit(on_disk.anonymous(), ticket).status_code == 401
    # A token in a header is no browser's form.
    with_token = on_disk.with_token(on_disk.platform.parts.signer.sign_user("ada", admin=False).token)
    assert submit(with_token, ticket).status_code == 401


def test_a_cookie_without_a_ticket_is_nothing(ada: Any) -> None:
    ticket_of(ada)
    for content in (b"", b"ticket=", b"ticket=x&ticket=y", b"\xff\xfe", b"&" * 100, b"tick%65t=" + b"a" * 10_000):
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Dest": "document"}
        assert ada.post(DOWNLOADS, content=content, headers=sent).status_code == 403
    assert ada.get(DOWNLOADS, params={"ticket": ticket_of(ada)}).status_code == 405


def test_what_can_not_be_downloaded_is_told_before_there_is_a_ticket(ada: Any, folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    for path, status in (("deep", 422), ("link", 404), ("pipe", 422), ("none", 404), ("../raw/may.csv", 422)):
        assert ada.post(f"{RAW}/content:ticket", json={"path": path}).status_code == status, path


def test_a_file_that_became_a_link_is_not_followed(ada: Any, folder: Path, tmp_path: Path) -> None:
    ticket = ticket_of(ada)
    (tmp_path / "secret").write_text("secret")
    (folder / "may.csv").unlink()
    (folder / "may.csv").symlink_to(tmp_path / "secret")
    answer = submit(ada, ticket)
    assert (answer.status_code, "secret" in answer.text) == (404, False)


def test_a_ticket_stands_in_no_log(ada: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        ticket = ticket_of(ada)
        submit(ada, ticket)
    assert ticket not in caplog.text
