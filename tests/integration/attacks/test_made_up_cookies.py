"""A stranger who makes up cookies, each with the page's token that anybody can compute from it."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest

from hops_platform.security.browser import SESSION_COOKIE, csrf_token
from hops_platform.security.crowd import SHARES
from hops_platform.testing.factories import TestPlatform
from hops_platform.users import service as users

API = "http://hops.test/services/hops/api/v1/"


def browser(cookie: str) -> dict[str, str]:
    return {"Cookie": f"{SESSION_COOKIE}={cookie}", "X-Hops-CSRF": csrf_token(cookie)}


@pytest.mark.parametrize("as_well", [[], [("Authorization", "Basic YTpi")], [("Cookie", f"{SESSION_COOKIE}=b")]])
def test_made_up_cookies_have_one_small_share_and_people_go_on(
    platform: TestPlatform, monkeypatch: pytest.MonkeyPatch, as_well: list[tuple[str, str]]
) -> None:
    with platform.parts.database.session() as session:
        users.create_user(session, name="ada", title="", password="correct", admin=False, must_change_password=False)
    platform.logins.tokens["of-ada"] = "ada"
    asked, most, lock = 0, 0, threading.Lock()
    known = platform.logins.user_of

    def slowly(token: str, *, hub_session: str) -> str | None:
        nonlocal asked, most
        if token == "of-ada":
            return known(token, hub_session=hub_session)
        with lock:
            asked += 1
            most = max(most, asked)
        time.sleep(0.2)
        with lock:
            asked -= 1
        return None

    monkeypatch.setattr(platform.logins, "user_of", slowly)

    async def attack() -> float:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API, timeout=60) as client:
            assert (await client.get("me", headers=browser("of-ada"))).status_code == 200
            flood = [
                asyncio.create_task(client.get("me", headers=[*browser(f"made-up-{number}").items(), *as_well]))
                for number in range(150)
            ]
            await asyncio.sleep(0.3)
            begun = time.monotonic()
            for _ in range(5):
                assert (await client.get("me", headers=browser("of-ada"))).status_code == 200
            waited = time.monotonic() - begun
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
            return waited

    assert asyncio.run(attack()) < 2
    assert most <= SHARES.of_unproven
