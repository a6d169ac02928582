"""Spark's own pages of a session: what is passed on, either way, and what is said where there are none."""

import asyncio
import base64
import os
import ssl
import time

import httpx
import jwt
import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy import pages
from hops_livy.builtin.launch import page_key
from hops_livy.engines.drivers import SparkPages
from hops_livy.errors import UnavailableError
from hops_livy.pages import (
    SparkPageReader,
    asked_headers,
    page_path,
    page_token,
    told_headers,
    usable_prefix,
)

from .test_overview import OWNER, ControlPlane, Parts, WillingBackend, WillingDriver, service, session_of

KEY = page_key("a secret")
REAL = httpx.AsyncHTTPTransport.handle_async_request
HERE = "/services/livy/sessions/0/ui"


@pytest.fixture(autouse=True)
def _control_plane(monkeypatch):
    plane = ControlPlane()

    async def answer(transport, request):
        return await plane.answer(transport, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)


def test_the_path_in_the_browser_is_at_the_owners_notebook_server():
    ada = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
    assert page_path(ada, 3) == "/user/ada/weather/hops/session/3/ui/"


def test_a_token_is_signed_with_the_sessions_key_and_stands_for_a_minute():
    claims = jwt.decode(page_token(KEY, time.time()), base64.urlsafe_b64decode(KEY), algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        (None, HERE),
        ("/user/ada/weather/hops/session/0/ui", "/user/ada/weather/hops/session/0/ui"),
        ("/user/ada/weather/hops/session/0/ui/", "/user/ada/weather/hops/session/0/ui"),
        ("", HERE),
        ("//elsewhere.test", HERE),
        ("https://elsewhere.test/ui", HERE),
        ('/x"><script>', HERE),
        ("/x" * 400, HERE),
    ],
)
def test_links_begin_with_what_the_proxy_in_front_asks_for_if_that_is_a_path(asked, used):
    assert usable_prefix(asked, HERE + "/") == used


def test_spark_is_sent_nothing_that_proves_who_the_caller_is():
    given = {"authorization": "Bearer of-ada", "cookie": "a=b", "accept": "text/html", "x-forwarded-for": "10.0.0.1"}
    given |= {"host": "elsewhere.test", "x-forwarded-host": "elsewhere.test", "forwarded": "host=elsewhere.test"}
    assert asked_headers(given, token="signed", prefix=HERE) == {
        "accept": "text/html", "accept-encoding": "identity", "authorization": "Bearer signed",
        "x-forwarded-context": HERE,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://127.0.0.1:4040/jobs/", f"{HERE}/jobs/"),
        (f"http://127.0.0.1:4040{HERE}/jobs/?id=1", f"{HERE}/jobs/?id=1"),
        ("https://elsewhere.test/bait", f"{HERE}/bait"),
        ("//elsewhere.test/bait", f"{HERE}/bait"),
        ("jobs/", f"{HERE}/jobs/"),
        (f"{HERE}x/jobs", f"{HERE}{HERE}x/jobs"),
    ],
)
def test_a_redirection_leads_nowhere_but_to_another_page(location, told):
    given = {"location": location, "set-cookie": "a=b", "content-type": "text/html"}
    assert told_headers(given, prefix=HERE) == {"content-type": "text/html", "location": told}


@pytest.mark.parametrize(
    "location",
    [
        "/../../../hub/logout",
        f"{HERE}/../../../../../hub/logout",
        "http://127.0.0.1:4040/jobs/../../x",
        "../../x",
        "/..",
        "/%2e%2e/%2E./%2e%2e/hub/logout",
        "/..%2F..%2Fhub/logout",
        "/..\\..\\hub/logout",
        "/%5c..%5chub/logout",
        "/.%09./hub/logout",
        "/.\u00ad./hub",
    ],
)
def test_a_redirection_that_leads_out_of_the_pages_is_dropped(location):
    assert told_headers({"location": location, "content-type": "text/html"}, prefix=HERE) == {
        "content-type": "text/html"
    }
    assert read(lambda _request: httpx.Response(302, headers={"location": location.encode()}, stream=Parts()))[0] == 502


def read(handler, target="/jobs/"):
    async def get():
        reader = SparkPageReader(httpx.MockTransport(handler))
        try:
            status, headers, body = await reader.read(
                SparkPages(url="http://127.0.0.1:4040", key=KEY), target, headers={}, prefix=HERE
            )
            return status, headers, b"".join([part async for part in body])
        finally:
            await reader.close()

    return asyncio.run(get())


def test_a_page_is_asked_for_as_it_was_named():
    asked = []

    def spark(request):
        asked.append(str(request.url))
        return httpx.Response(200, stream=Parts(b"jo", b"bs"))

    assert read(spark, "/a%2Fb/?q=%2F&r=//x")[::2] == (200, b"jobs")
    assert read(spark, "//elsewhere.test/x")[0] == 200
    assert read(spark, "/@elsewhere.test/")[0] == 200
    assert asked == [
        "http://127.0.0.1:4040/a%2Fb/?q=%2F&r=//x",
        "http://127.0.0.1:4040//elsewhere.test/x",
        "http://127.0.0.1:4040/@elsewhere.test/",
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_spark_that_refuses_the_key_shows_no_page(status):
    with pytest.raises(UnavailableError):
        read(lambda _request: httpx.Response(status, text="bad"))


def test_a_spark_that_does_not_answer_shows_no_page():
    def away(_request):
        raise httpx.ConnectError("away")

    with pytest.raises(UnavailableError):
        read(away)


def test_an_answer_without_end_is_broken_off(monkeypatch):
    monkeypatch.setattr(pages, "MOST_BYTES", 1000)
    given = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                given.append(1)
                yield b"x" * 100

    with pytest.raises(httpx.ReadError):
        read(lambda _request: httpx.Response(200, stream=Endless()))
    assert len(given) == 11


def test_a_ninth_page_at_the_same_moment_is_refused_in_words_and_a_page_that_is_sent_gives_its_place_back(
    tmp_path, monkeypatch
):
    async def walk():
        go_on, all_ask, asked = asyncio.Event(), asyncio.Event(), []
        answer = httpx.AsyncHTTPTransport.handle_async_request

        async def slow(transport, request):
            if request.url.port == 4040:
                asked.append(request)
                if len(asked) == 8:
                    all_ask.set()
                await go_on.wait()
            return await answer(transport, request)

        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", slow)
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER)
            path = f"/sessions/{number}/ui/jobs/"
            client._transport.app.state.page_places._patience_s = 0.2
            held = [asyncio.ensure_future(client.get(path, headers=OWNER)) for _ in range(8)]
            await all_ask.wait()
            ninth = await client.get(path, headers=OWNER)
            go_on.set()
            rest = [page.status_code for page in await asyncio.gather(*held)]
            later = [(await client.get(path, headers=OWNER)).status_code for _ in range(9)]
            return ninth, len(asked), rest, later

    ninth, asked, rest, later = asyncio.run(walk())
    assert (ninth.status_code, ninth.json()["detail"]) == (429, "8 pages of Spark are being read for you already.")
    assert (asked, rest, later) == (17, [200] * 8, [200] * 9)


class PagelessDriver(WillingDriver):
    shows_pages = False

    async def spark_pages(self):
        return None


class PagelessBackend(WillingBackend):
    async def start(self, request):
        self.drivers[request.session_id] = PagelessDriver()
        return self.drivers[request.session_id]


def test_a_page_that_is_there_is_given_with_its_type_kept(tmp_path):
    async def walk():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER)
            first = await client.get(f"/sessions/{number}/ui", headers=OWNER)
            page = await client.get(f"/sessions/{number}/ui/jobs/", headers=OWNER)
            session = (await client.get(f"/sessions/{number}", headers=OWNER)).json()
            return first, page, session

    first, page, session = asyncio.run(walk())
    assert (first.status_code, first.headers["location"]) == (307, f"{HERE}/")
    assert (page.text, page.headers["x-content-type-options"]) == ("Spark's page of jobs", "nosniff")
    assert session["appInfo"]["sparkUiUrl"] == "/user/ada/weather/hops/session/0/ui/"


def test_without_pages_it_is_said_why_and_what_to_do(tmp_path):
    async def walk():
        async with service(tmp_path, PagelessBackend()) as client:
            number = await session_of(client, OWNER)
            there = await client.get(f"/sessions/{number}/ui/", headers=OWNER)
            await client.post(f"/sessions/{number}/stop", headers=OWNER)
            ended = await client.get(f"/sessions/{number}/ui/", headers=OWNER)
            session = (await client.get(f"/sessions/{number}", headers=OWNER)).json()
            return there, ended, session

    there, ended, session = asyncio.run(walk())
    assert (there.status_code, "shows no pages" in there.json()["detail"]) == (503, True)
    assert ended.status_code == 409
    assert ended.json()["detail"] == "Session 0 has ended, and Spark's pages with it. It was stopped by its owner."
    assert "log" in ended.json()["remedy"]
    assert session["appInfo"]["sparkUiUrl"] is None


def test_pages_in_a_network_of_their_own_are_reached_by_the_socket_that_leads_there(tmp_path, monkeypatch):
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", REAL)
    # Longer than the path of a socket can be.
    folder = tmp_path / ("s" * 110)
    folder.mkdir()

    async def serve(reader, writer):
        heard = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(heard), heard))
        await writer.drain()
        writer.close()

    async def get():
        opened = os.open(folder, os.O_RDONLY)
        reader = SparkPageReader()
        monkeypatch.setattr(ssl, "create_default_context", None)  # it takes long, and is made for no request
        try:
            async with await asyncio.start_unix_server(serve, f"/proc/self/fd/{opened}/7.pages"):
                pages = SparkPages(url="http://127.0.0.1:4040", key=KEY, socket=folder / "7.pages")
                _, _, body = await reader.read(pages, "/jobs/", headers={}, prefix=HERE)
                found = b"".join([part async for part in body])
            gone = SparkPages(url="http://127.0.0.1:4040", key=KEY, socket=tmp_path / "none" / "7.pages")
            with pytest.raises(UnavailableError):
                await reader.read(gone, "/jobs/", headers={}, prefix=HERE)
            return found
        finally:
            os.close(opened)
            await reader.close()

    heard = asyncio.run(get())
    assert heard.startswith(b"GET /jobs/ HTTP/1.1\r\n")
    assert b"Bearer " in heard
