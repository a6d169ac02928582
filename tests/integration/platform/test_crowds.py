"""One person's flood of requests: everybody else is answered, and so is, in their turn, the person."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from hops_contract.principal import ProjectRole
from hops_platform.security import crowd
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.security.crowd import SHARES, Callers
from hops_platform.sessions.places import AT_ONCE

FLOOD = 120
SOON_S = 5.0
THREADS = 40


def scope(client: str = "192.0.2.1", path: str = "/", **headers: str) -> dict[str, Any]:
    lines = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "path": path, "headers": lines, "client": (client, 4711)}


def test_while_one_person_floods_another_is_answered_and_so_is_the_hub(hops: Any) -> None:
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

    began = time.monotonic()
    answers = asyncio.run(flood())
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > SHARES.of_one
    # SQLAlchemy waits 30 seconds for a connection; nobody came to that.
    assert time.monotonic() - began < 25


def test_who_found_no_place_is_told_the_cause_and_what_to_do(hops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "SHARES", crowd.Shares(at_once=1, of_one=1, trusted=1, in_line=0))
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


def test_people_are_told_apart_by_proven_tokens_browsers_by_cookies_others_by_addresses(hops: Any) -> None:
    hops.create_user("ada")
    signer, credential = hops.platform.parts.signer, hops.platform.parts.hub_credential
    who = Callers(signer, credential)
    one = who(scope(authorization=f"Bearer {signer.sign_user('ada', admin=False).token}"))
    other = signer.sign_project_user("ada", project="weather", role=ProjectRole.DATA_OWNER).token
    assert one == who(scope(authorization=f"bearer {other}")), "one person, whatever the token"
    assert one != who(scope(authorization=f"Bearer {signer.sign_user('bob', admin=False).token}"))
    assert who(scope(authorization=f"Bearer {credential}")).trusted
    stranger = who(scope())
    for made_up in ("Bearer a.b.c", "Bearer ", "Basic YTpi", "Bearer \xff", f"Bearer {'a' * 10_000}"):
        assert who(scope(authorization=made_up)) == stranger, "who makes tokens up has no share for each"
    assert stranger != who(scope("192.0.2.2"))
    assert stranger != who(scope(path="/health")), "a flood of log-ins is none of other questions"
    browsers = {who(scope(cookie=f"x=y; {SESSION_COOKIE}={value}")) for value in ("a", "b", "a")}
    assert len(browsers) == 2
    assert not any(browser.trusted for browser in browsers)


def test_there_are_connections_and_threads_for_all_that_are_let_in(hops: Any) -> None:
    let_in = SHARES.at_once + SHARES.trusted
    pool = hops.platform.parts.database.engine.pool
    assert let_in + AT_ONCE <= THREADS
    assert let_in < pool.size() + pool._max_overflow
