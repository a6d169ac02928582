"""A stranger without an account who asks the control plane for log-ins, many at the same moment."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from hops_platform.security import passwords
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import TestPlatform
from tests.waiting import PATIENCE_S, until_async

API = "http://hops.test/services/hops/api/v1/"


class SlowHasher:
    """Of passwords that are checked one check after the other; others wait until they may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.begun: list[bytes] = []

    def hash(self, _password: bytes) -> str:
        return "hash"

    def verify(self, _hash: str, password: bytes) -> bool:
        self.begun.append(password)
        if password != self.begun[0]:
            return False
        return not self.go_on.wait(PATIENCE_S * 2)


@pytest.fixture
def slow_hashes(monkeypatch: pytest.MonkeyPatch) -> SlowHasher:
    """The first password that is checked, whoever gives it, keeps the check until the test lets it go on."""
    hasher = SlowHasher()
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    return hasher


def test_a_flood_of_log_ins_leaves_threads_for_everybody_else(platform: TestPlatform, slow_hashes: SlowHasher) -> None:
    async def attack() -> list[int]:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API, timeout=60) as client:
            flood = [
                asyncio.create_task(client.post("tokens", json={"username": f"u{number}", "password": "x" * 12}))
                for number in range(150)
            ]
            await until_async(lambda: slow_hashes.begun)
            await asyncio.sleep(0.3)  # the others come as far as they can
            # Unmended: all 150 first, at four a time.
            assert (await asyncio.wait_for(client.get("health"), PATIENCE_S)).status_code == 200
            await until_async(lambda: any(answer.done() for answer in flood))  # turned away: they have waited long
            slow_hashes.go_on.set()
            return [(await answer).status_code for answer in flood]

    assert set(asyncio.run(attack())) == {401, 503}


def test_a_flood_of_log_ins_with_made_up_cookies_holds_up_no_log_in_through_the_hub(
    platform: TestPlatform, slow_hashes: SlowHasher
) -> None:
    async def attack() -> int:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API, timeout=60) as client:

            def log_in(name: str, password: str = "x" * 12, **headers: str) -> asyncio.Task[httpx.Response]:
                body = {"username": name, "password": password}
                return asyncio.create_task(client.post("tokens", json=body, headers=headers))

            flood = [log_in(f"u{number}", Cookie=f"{SESSION_COOKIE}={number}") for number in range(150)]
            await until_async(lambda: slow_hashes.begun)
            await asyncio.sleep(0.3)  # the others come as far as they can
            # Unmended: behind all of them, or turned away since so many wait.
            hers = log_in("ada", "y" * 12, Authorization=f"Bearer {platform.parts.hub_credential}")
            answer = await asyncio.wait_for(hers, PATIENCE_S)
            slow_hashes.go_on.set()
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
            return answer.status_code

    assert asyncio.run(attack()) == 401


def test_a_password_that_is_no_text_is_a_wrong_password(platform: TestPlatform) -> None:
    async def attack() -> httpx.Response:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API) as client:
            content = rb'{"username": "ada", "password": "\ud800 and ten more"}'
            return await client.post("tokens", content=content, headers={"Content-Type": "application/json"})

    answer = asyncio.run(attack())
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:hopslab:problem:wrong-credentials")
