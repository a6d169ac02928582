"""Floods of one person's requests and of strangers': everybody else is answered, and so is, in their turn, the person.
Whatever a stranger makes up, it is no caller of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import Any

import httpx
import pytest
import sqlalchemy.exc

from hops_contract.crowds import Who
from hops_contract.principal import ProjectRole
from hops_platform.security import crowd
from hops_platform.security.browser import SESSION_COOKIE, csrf_token
from hops_platform.security.client_certificates import RefusedCertificates, tell_certificate
from hops_platform.security.crowd import SHARES, Callers
from hops_platform.sessions.calls import AT_ONCE

from .conftest import END

FLOOD = 120
SOON_S = 60.0
"""Who had to wait for those that never end would wait longer."""
THREADS = 40
PASSWORD = "correct horse battery"


PREFIX = "/services/hops/"
API = f"{PREFIX}api/v1/"


def scope(
    *headers: tuple[str, str], client: str = "192.0.2.1", method: str = "GET", path: str = f"{API}me"
) -> dict[str, Any]:
    lines = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "method": method, "path": path, "headers": lines, "client": (client, 4711)}


def bearer(token: str) -> tuple[str, str]:
    return "authorization", f"Bearer {token}"


def session(*cookies: str) -> tuple[str, str]:
    return "cookie", "; ".join(f"{SESSION_COOKIE}={cookie}" for cookie in cookies)


@pytest.fixture
def callers(hops: Any) -> Callers:
    parts = hops.platform.parts
    return Callers(
        parts.signer,
        parts.hub_credential,
        prefix=PREFIX,
        person_of=parts.engines.logins.person_of,
        person_of_key=parts.keys_in_use.person_of,
        refused=parts.refused_certificates,
    )


def test_a_revoked_certificates_requests_are_nobodys(hops: Any, callers: Callers) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    chain = ada.post("projects/weather/certificate:export").json()["certificate"]
    certificate = ssl.PEM_cert_to_DER_cert(chain[: chain.index(END) + len(END)])
    shown = scope()
    tell_certificate(shown, certificate)
    program = hops.with_certificate(chain)
    assert program.get("me").status_code == 200
    assert callers(shown) == Who("person ada")
    ada.post("projects/weather/certificate:replace").raise_for_status()
    assert program.get("me").status_code == 401
    assert callers(shown) == callers(scope())
    another = ada.post("projects/weather/certificate:export").json()["certificate"]
    tell_certificate(shown, ssl.PEM_cert_to_DER_cert(another[: another.index(END) + len(END)]))
    assert callers(shown) == Who("person ada")


def test_only_so_many_refused_certificates_are_remembered() -> None:
    refused = RefusedCertificates(most=2)
    for certificate in (b"a", b"b", b"b", b"c"):
        refused.note(certificate)
    assert [certificate in refused for certificate in (b"a", b"b", b"c")] == [False, True, True]


def test_while_one_person_floods_another_is_answered_and_so_is_the_hub(
    hops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = (hops.user(name).headers["Authorization"] for name in ("ada", "bob"))
    hub = hops.hub().headers["Authorization"]

    async def flood() -> list[httpx.Response]:
        transport = httpx.ASGITransport(hops.platform.app)
        async with httpx.AsyncClient(
            transport=transport, base_url=str(hops.anonymous().base_url), timeout=60
        ) as client:

            async def ask(authorization: str, path: str = "me") -> httpx.Response:
                return await client.get(path, headers={"Authorization": authorization})

            requests = [asyncio.create_task(ask(ada)) for _ in range(FLOOD)]
            for _ in range(10):
                await asyncio.sleep(0)
                answer = await asyncio.wait_for(ask(bob), SOON_S)
                assert answer.json()["name"] == "bob", answer.text
                assert (await asyncio.wait_for(ask(hub, "projects"), SOON_S)).status_code < 500
            return await asyncio.gather(*requests)

    gave_up: list[object] = []
    monkeypatch.setattr(sqlalchemy.exc.TimeoutError, "__init__", lambda *args, **_more: gave_up.append(args))
    answers = asyncio.run(flood())
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > SHARES.of_one
    assert gave_up == [], "nobody waited for a connection until SQLAlchemy gave up"


def test_who_found_no_place_is_told_the_cause_and_what_to_do(hops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        crowd, "SHARES", crowd.Shares(at_once=1, of_one=1, of_unproven=1, trusted=1, in_line=0, in_lines=0)
    )
    hops.user("ada")
    token = hops.platform.parts.signer.sign_user("ada", admin=False).token
    places = next(entry for entry in hops.platform.app.user_middleware if entry.cls.__name__ == "Crowd")
    places.kwargs["shares"] = crowd.SHARES
    client = hops.with_token(token)

    async def both() -> list[httpx.Response]:
        transport = httpx.ASGITransport(hops.platform.app)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url=str(client.base_url), headers=headers) as asking:
            return list(await asyncio.gather(*(asking.get("me") for _ in range(5))))

    answers = asyncio.run(both())
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["Retry-After"] == "2"
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:hopslab:problem:busy"
    assert "was not begun" in refused.json()["detail"]
    assert "Try again in a moment" in refused.json()["remedy"]
    assert client.get("me").status_code == 200


def test_people_are_told_apart_by_what_is_proven(hops: Any, callers: Callers) -> None:
    signer, credential = hops.platform.parts.signer, hops.platform.parts.hub_credential
    ada = callers(scope(bearer(signer.sign_user("ada", admin=False).token)))
    of_project = signer.sign_project_user("ada", project="weather", role=ProjectRole.DATA_OWNER).token
    assert callers(scope(("authorization", f"bearer  {of_project}"))) == ada, "one person, whatever the token"
    assert callers(scope(bearer(signer.sign_user("bob", admin=False).token))) != ada
    assert ada is not None
    assert ada.proven
    assert callers(scope(bearer(credential))) == Who("hub", trusted=True)


def test_a_browser_is_its_person_once_the_hub_has_said_so(hops: Any, callers: Callers) -> None:
    ada = callers(scope(bearer(hops.platform.parts.signer.sign_user("ada", admin=False).token)))
    hops.create_user("ada")
    browser = hops.browser("ada")
    cookie = ("cookie", browser.headers["Cookie"])
    stranger = callers(scope())
    assert callers(scope(cookie)) == stranger, "nobody has asked the Hub yet"
    assert browser.get("me").json()["name"] == "ada"
    assert callers(scope(cookie)) == ada
    hops.platform.logins.end_all("ada")
    assert callers(scope(cookie)) == stranger


def test_what_is_made_up_is_no_caller_of_its_own(callers: Callers) -> None:
    stranger = callers(scope())
    assert stranger is not None
    assert not stranger.proven
    for made_up in ("Bearer a.b.c", "Bearer ", "Basic YTpi", "Bearer \xff", f"Bearer {'a' * 10_000}"):
        assert callers(scope(("authorization", made_up))) == stranger
    made_up_cookies = [session("a"), session("b"), session("a", "b"), ("cookie", f'{SESSION_COOKIE}="\xff')]
    assert {callers(scope(cookie)) for cookie in made_up_cookies} == {stranger}
    assert callers(scope(client="192.0.2.2")) == stranger
    assert {callers(scope(path=f"{PREFIX}{made_up}")) for made_up in ("", "a", "b", "api/v1/x")} == {stranger}


def test_strangers_have_few_lines(callers: Callers) -> None:
    routes = [
        scope(session(str(made_up)), client=f"192.0.2.{made_up}", method=method, path=path)
        for made_up in range(20)
        for method in ("GET", "POST", "PATCH", "X")
        for path in (f"{API}tokens", f"{API}tokens/", f"{PREFIX}login", f"{PREFIX}oauth_callback", f"{API}{made_up}")
    ]
    lines = {callers(route) for route in routes}
    assert len(lines) == 4
    assert len(lines) * SHARES.of_unproven <= SHARES.at_once - SHARES.of_one, "people keep most of the places"


def test_a_request_is_read_as_routes_read_it(hops: Any, callers: Callers) -> None:
    hops.create_user("ada")
    hops.create_user("bob")
    ada, bob = (hops.platform.parts.signer.sign_user(name, admin=False).token for name in ("ada", "bob"))
    for name in ("ada", "bob"):
        assert hops.browser(name).get("me").status_code == 200
    cookie_of_ada, cookie_of_bob = "hub-token-of-ada", "hub-token-of-bob"
    token = ("x-hops-csrf", csrf_token(cookie_of_bob))
    for headers in (
        [bearer(ada), bearer(bob)],
        [bearer("a.b.c"), bearer(ada)],
        [bearer(ada), ("authorization", "Basic YTpi")],
        [("authorization", "Basic YTpi"), bearer(ada)],
        [bearer(ada), session(cookie_of_bob), token],
        [("authorization", "Basic YTpi"), session(cookie_of_bob), token],
        [session(cookie_of_ada, cookie_of_bob), token],
        [session(cookie_of_bob, cookie_of_ada), token],
        [session(cookie_of_ada), session(cookie_of_bob), token],
        [session("made-up", cookie_of_bob), token],
        [session(cookie_of_bob, "made-up"), token],
        [("cookie", f'{SESSION_COOKIE}="{cookie_of_bob}"'), token],
    ):
        who = callers(scope(*headers))
        answer = hops.anonymous().get("me", headers=headers)
        assert who is not None
        if answer.status_code == 200:
            assert who.name == f"person {answer.json()['name']}"
        else:
            # A page's token that fits another cookie: it is refused, and who it is was told before.
            assert not who.proven or answer.status_code == 403


def test_log_ins_that_the_hub_asks_for_are_neither_strangers_nor_the_hub(hops: Any, callers: Callers) -> None:
    credential = bearer(hops.platform.parts.hub_credential)
    log_ins = callers(scope(credential, method="POST", path=f"{API}tokens"))
    assert log_ins == Who("hub log-ins")
    assert callers(scope(method="POST", path=f"{API}tokens")) == Who("strangers api/v1/tokens", proven=False)
    hops.create_user("ada")
    assert hops.hub().post("tokens", json={"username": "ada", "password": PASSWORD}).status_code == 200


def test_health_and_keys_stand_in_no_line_and_cost_one_look(hops: Any, callers: Callers) -> None:
    for path in (f"{API}health", f"{PREFIX}.well-known/jwks.json"):
        assert callers(scope(path=path)) is None
    looks, health, go_on = 0, hops.platform.parts.health, threading.Event()
    look = health._look

    def long_look() -> None:
        nonlocal looks
        looks += 1
        assert go_on.wait(SOON_S)
        look()

    health._look = long_look

    async def flood() -> list[httpx.Response]:
        transport = httpx.ASGITransport(hops.platform.app)
        async with httpx.AsyncClient(transport=transport, base_url=str(hops.anonymous().base_url)) as client:
            waiting = asyncio.gather(*(client.get("health") for _ in range(FLOOD)))
            keys = asyncio.gather(*(client.get("../../.well-known/jwks.json") for _ in range(FLOOD)))
            answers = await asyncio.wait_for(keys, SOON_S)
            go_on.set()
            return answers + await asyncio.wait_for(waiting, SOON_S)

    assert {answer.status_code for answer in asyncio.run(flood())} == {200}
    assert looks < FLOOD / 10


def test_there_are_connections_and_threads_for_all_that_are_let_in(hops: Any) -> None:
    let_in = SHARES.at_once + SHARES.trusted
    pool = hops.platform.parts.database.engine.pool
    assert let_in + AT_ONCE <= THREADS
    and_for_health = 1
    assert let_in + and_for_health < pool.size() + pool._max_overflow
