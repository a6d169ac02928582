"""Who makes up cookies, each with the page's token that anybody can compute from it: a stranger, and a person who would
have more than one share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hops_platform.security import guard
from hops_platform.security.browser import SESSION_COOKIE, csrf_token
from hops_platform.security.crowd import SHARES
from hops_platform.testing.factories import TestPlatform
from hops_platform.users import service as users
from tests.waiting import PATIENCE_S, until_async

API = "http://hops.test/services/hops/api/v1/"
FLOOD = 100
Headers = list[tuple[str, str]]


def cookies(*values: str) -> tuple[str, str]:
    return "Cookie", "; ".join(f"{SESSION_COOKIE}={value}" for value in values)


def page_token(cookie: str) -> tuple[str, str]:
    return "X-Hops-CSRF", csrf_token(cookie)


class Slow:
    """A step of requests that takes until it may go on; tells how many took it at the same moment."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self._step = step
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, *args: Any, **more: Any) -> Any:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            assert self.go_on.wait(PATIENCE_S * 2)
            return self._step(*args, **more)
        finally:
            with self._lock:
                self._now -= 1


@pytest.fixture
def people(platform: TestPlatform) -> TestPlatform:
    with platform.parts.database.session() as session:
        for name in ("ada", "eve"):
            users.create_user(session, name=name, title="", password="of-x", admin=False, must_change_password=False)
            platform.logins.tokens[f"of-{name}"] = name
    return platform


def flood(platform: TestPlatform, asked: Slow, headers: Callable[[int], Headers]) -> None:
    """Floods with requests, which go on when five of ada's browser were answered."""

    async def attack() -> None:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API, timeout=60) as client:

            async def ask_as_ada() -> None:
                assert (await client.get("me", headers=[cookies("of-ada"), page_token("of-ada")])).status_code == 200

            for name in ("ada", "eve"):
                answer = await client.get("me", headers=[cookies(f"of-{name}"), page_token(f"of-{name}")])
                assert answer.json()["name"] == name
            asked.go_on.clear()
            tasks = [asyncio.create_task(client.get("me", headers=headers(number))) for number in range(FLOOD)]
            await until_async(lambda: asked.most)
            await asyncio.sleep(0.3)  # the others come as far as they can
            for _ in range(5):
                await asyncio.wait_for(ask_as_ada(), PATIENCE_S)
            asked.go_on.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(attack())


def test_a_strangers_cookies_have_one_small_share(people: TestPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    known, asked = people.logins.user_of, Slow(lambda *_, **__: None)

    def user_of(token: str, *, hub_session: str) -> str | None:
        return (asked if token.startswith("made-up") else known)(token, hub_session=hub_session)

    monkeypatch.setattr(people.logins, "user_of", user_of)
    flood(people, asked, lambda number: [cookies(f"made-up-{number}"), page_token(f"made-up-{number}")])
    assert asked.most <= SHARES.of_unproven


def test_a_cookie_beside_one_that_was_made_up_has_no_other_share(
    people: TestPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = people.logins.user_of
    asked = Slow(known)
    monkeypatch.setattr(
        people.logins,
        "user_of",
        lambda token, *, hub_session: (asked if token == "of-eve" else known)(token, hub_session=hub_session),
    )
    flood(people, asked, lambda number: [cookies(f"made-up-{number}", "of-eve"), page_token("of-eve")])
    assert 0 < asked.most <= SHARES.of_one


def test_a_token_beside_another_header_and_made_up_cookies_has_no_other_share(
    people: TestPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Slow(guard.authenticate_bearer)
    monkeypatch.setattr(guard, "authenticate_bearer", asked)
    proof = ("Authorization", f"Bearer {people.parts.signer.sign_user('eve', admin=False).token}")
    flood(people, asked, lambda number: [proof, ("Authorization", "Basic YTpi"), cookies(f"made-up-{number}")])
    assert 0 < asked.most <= SHARES.of_one
