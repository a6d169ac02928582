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


def test_a_page_comes_as_it_is_with_a_policy_and_without_what_else_spark_says(browser, server, platform, token):
    own_policy = "default-src 'self'; script-src 'self' 'nonce-1'"
    more = {"Set-Cookie": "a=b", "Cache-Control": "public", "Content-Security-Policy": own_policy, "X-Odd": "1"}
    platform.answers["GET", f"{FIRST}/jobs/?page=%2F2"] = (200, b"<!doctype html>jobs", HTML | more)
    page = browser.get("/hops/session/3/ui/jobs/?page=%2F2", headers={"X-Forwarded-Context": "/elsewhere"})
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
    assert platform.headers["X-Forwarded-Context"] == f"{server.base}/hops/session/3/ui"
    assert "Cookie" not in platform.headers


def test_what_comes_compressed_is_passed_on_so(browser, platform):
    style = gzip.compress(b"body {}")
    platform.answers["GET", f"{FIRST}/static/webui.css"] = (200, style, {"Content-Encoding": "gzip"})
    with browser.stream("GET", "/hops/session/3/ui/static/webui.css") as answer:
        assert b"".join(answer.iter_raw()) == style
    assert platform.headers["Accept-Encoding"].startswith("gzip")


def test_a_redirection_is_the_browsers_to_follow(browser, server, platform):
    place = f"{server.base}/hops/session/3/ui/jobs/"
    platform.answers["GET", f"{FIRST}/"] = (302, None, {"Location": place})
    answer = browser.get("/hops/session/3/ui/")
    assert (answer.status_code, answer.headers["location"]) == (302, place)


def test_a_refusal_is_a_page_that_says_it_and_runs_nothing(browser, platform):
    platform.answers["GET", "/services/livy/sessions/4/ui/"] = (404, NOT_FOUND)
    page = browser.get("/hops/session/4/ui/")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<p>Session &#x27;4&#x27; not found: you have &lt;no&gt; such session.</p>" in page.text


def test_a_session_service_that_is_away_is_told_in_a_page(start_server, make_folder):
    server = start_server(make_folder(livy_url="http://127.0.0.1:9/services/livy"))
    page = server.client.get("/hops/session/3/ui/jobs/")
    assert (page.status_code, "The session service does not answer." in page.text) == (503, True)


def test_pages_are_for_looking_only(browser, platform):
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert browser.request(method, "/hops/session/3/ui/jobs/job/kill/?id=0").status_code in {403, 405}, method
    assert platform.calls == []


def test_a_page_that_breaks_off_is_not_taken_for_a_whole_one(browser, platform):
    platform.answers["GET", f"{FIRST}/jobs/"] = (200, b"the beginning", HTML | {"Content-Length": "1000"})
    with pytest.raises(httpx.RemoteProtocolError):
        browser.get("/hops/session/3/ui/jobs/")
