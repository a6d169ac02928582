"""Spark's own pages of a session, through a real Jupyter server; the session service's answers are scripted."""

from __future__ import annotations

import gzip

import httpx
import pytest

FIRST = "/services/livy/sessions/3/ui"
HTML = {"Content-Type": "text/html;charset=utf-8"}
NOT_FOUND = {
    "type": "urn:hopslab:problem:not-found", "title": "Not found", "status": 404,
    "detail": "Session '4' not found: you have <no> such session.", "remedy": None, "violations": [],
}  # fmt: skip


@pytest.fixture
def browser(server):
    """A browser that is logged in: it has a cookie and no token."""
    server.stranger.cookies.clear()
    server.stranger.get("/tree", params={"token": "jupyter-token"})
    yield server.stranger
    server.stranger.cookies.clear()


@pytest.fixture
def at(browser, server):
    """Where the pages of a session are for this browser, below the server's path."""

    def find(session):
        token = browser.cookies.get("_xsrf") or ""
        told = browser.post(f"/hops/session/{session}:pages", headers={"X-XSRFToken": token})
        return told.json()["url"].removeprefix(server.base)

    return find


def test_a_page_comes_as_it_is_with_a_policy_and_without_what_else_spark_says(browser, server, platform, token, at):
    own_policy = "default-src 'self'; script-src 'self' 'nonce-1'"
    more = {"Set-Cookie": "a=b", "Cache-Control": "public", "Content-Security-Policy": own_policy, "X-Odd": "1"}
    platform.answers["GET", f"{FIRST}/jobs/?page=%2F2"] = (200, b"<!doctype html>jobs", HTML | more)
    page = browser.get(f"{at(3)}jobs/?page=%2F2", headers={"X-Forwarded-Context": "/elsewhere"})
    assert (page.status_code, page.text) == (200, "<!doctype html>jobs")
    assert page.headers["content-type"] == HTML["Content-Type"]
    policies = page.headers.get_list("content-security-policy")
    assert "frame-ancestors 'self'" in policies[0]
    assert own_policy in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "x-odd" not in page.headers
    assert "a=b" not in page.headers.get("set-cookie", "")
    assert platform.headers["Authorization"] == f"Bearer {token}"
    assert platform.headers["X-Forwarded-Context"] == f"{server.base}{at(3)}".rstrip("/")
    assert "Cookie" not in platform.headers


def test_what_comes_compressed_is_passed_on_so(browser, platform, at):
    style = gzip.compress(b"body {}")
    platform.answers["GET", f"{FIRST}/static/webui.css"] = (200, style, {"Content-Encoding": "gzip"})
    with browser.stream("GET", f"{at(3)}static/webui.css") as answer:
        assert b"".join(answer.iter_raw()) == style
    assert platform.headers["Accept-Encoding"].startswith("gzip")


def test_a_redirection_is_the_browsers_to_follow(browser, server, platform, at):
    place = f"{server.base}{at(3)}jobs/"
    platform.answers["GET", f"{FIRST}/"] = (302, None, {"Location": place})
    answer = browser.get(at(3))
    assert (answer.status_code, answer.headers["location"]) == (302, place)


def test_a_refusal_is_a_page_that_says_it_and_runs_nothing(browser, platform, at):
    platform.answers["GET", "/services/livy/sessions/4/ui/"] = (404, NOT_FOUND)
    page = browser.get(at(4))
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<p>Session &#x27;4&#x27; not found: you have &lt;no&gt; such session.</p>" in page.text


def test_a_session_service_that_is_away_is_told_in_a_page(start_server, make_folder):
    server = start_server(make_folder(livy_url="http://127.0.0.1:9/services/livy"))
    url = server.client.post("/hops/session/3:pages").json()["url"].removeprefix(server.base)
    page = server.client.get(f"{url}jobs/")
    assert (page.status_code, "The session service does not answer." in page.text) == (503, True)


def test_pages_are_for_looking_only(browser, platform, at):
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for place in (at(3), "/hops/session/3/ui/"):
            assert browser.request(method, f"{place}jobs/job/kill/?id=0").status_code in {403, 405}, method
    assert platform.calls == []


def test_a_page_that_breaks_off_is_not_taken_for_a_whole_one(browser, platform, at):
    platform.answers["GET", f"{FIRST}/jobs/"] = (200, b"the beginning", HTML | {"Content-Length": "1000"})
    with pytest.raises(httpx.RemoteProtocolError):
        browser.get(f"{at(3)}jobs/")


GUESSED = ["", "jobs/", "x/", "x/jobs/", "?/hops/session/3/ui/", "..%2F3/ui/"]


@pytest.mark.parametrize("guess", GUESSED)
@pytest.mark.parametrize("destination", [None, "empty", "iframe", "frame", "object", "embed", "script"])
def test_who_does_not_know_the_address_gets_neither_a_page_nor_the_address(browser, platform, at, guess, destination):
    headers = {} if destination is None else {"Sec-Fetch-Dest": destination, "Sec-Fetch-Site": "same-origin"}
    answer = browser.get(f"/hops/session/3/ui/{guess}", headers=headers)
    assert (answer.status_code, "frame-ancestors 'none'" in answer.headers["content-security-policy"]) == (404, True)
    assert "frame-ancestors 'self'" not in answer.headers["content-security-policy"]
    assert "Open the Spark UI" in answer.text
    assert at(3).split("/")[-2] not in answer.text + str(answer.headers)
    assert platform.calls == []


@pytest.mark.parametrize("guess", GUESSED)
def test_a_person_who_opens_a_window_without_it_is_led_to_the_first_page(browser, server, platform, at, guess):
    answer = browser.get(f"/hops/session/3/ui/{guess}", headers={"Sec-Fetch-Dest": "document"})
    assert (answer.status_code, answer.headers["location"]) == (302, f"{server.base}{at(3)}")
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert platform.calls == []


def test_no_refusal_to_who_does_not_know_the_address_can_be_framed(browser, at):
    for method in ("POST", "DELETE", "HEAD"):
        refused = browser.request(method, "/hops/session/3/ui/jobs/")
        assert refused.status_code in {403, 404, 405}
        assert "frame-ancestors 'none'" in refused.headers["content-security-policy"], method
    browser.cookies.clear()
    assert "frame-ancestors 'none'" in browser.get("/hops/session/3/ui/").headers["content-security-policy"]


def test_the_address_is_told_to_nobody_without_the_token_of_labs_own_page(browser):
    for headers in ({}, {"X-XSRFToken": "guessed"}):
        assert browser.post("/hops/session/3:pages", headers=headers).status_code == 403
    assert browser.get("/hops/session/3:pages").status_code == 405


def test_every_server_has_another_address(at, start_server, make_folder):
    other = start_server(make_folder())
    theirs = other.client.post("/hops/session/3:pages").json()["url"].removeprefix(other.base)
    assert len(at(3).split("/")[-2]) >= 40
    assert theirs != at(3)
    assert other.client.get(at(3)).status_code == 404
