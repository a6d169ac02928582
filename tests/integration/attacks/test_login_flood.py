"""A stranger without an account who asks the control plane for log-ins, many at the same moment."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from hops_platform.security import passwords
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import TestPlatform

API = "http://hops.test/services/hops/api/v1/"


@pytest.fixture
def slow_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One check takes as long as on a busy machine."""

    class SlowHasher:
        def hash(self, _password: bytes) -> str:
            return "hash"

        def verify(self, _hash: str, _password: bytes) -> bool:
            time.sleep(0.4)
            return False

    monkeypatch.setattr(passwords, "_HASHER", SlowHasher())


@pytest.mark.usefixtures("slow_hashes")
def test_a_flood_of_log_ins_leaves_threads_for_everybody_else(platform: TestPlatform) -> None:
    async def attack() -> tuple[float, list[int]]:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API, timeout=60) as client:
            flood = [
                asyncio.create_task(client.post("tokens", json={"username": f"u{number}", "password": "x" * 12}))
                for number in range(150)
            ]
            await asyncio.sleep(0.3)
            begun = time.monotonic()
            assert (await client.get("health")).status_code == 200
            waited = time.monotonic() - begun
            return waited, [(await answer).status_code for answer in flood]

    waited, statuses = asyncio.run(attack())
    assert waited < 2  # unmended: all 150 first, at four a time
    assert set(statuses) == {401, 503}


@pytest.mark.usefixtures("slow_hashes")
def test_a_flood_of_log_ins_with_made_up_cookies_holds_up_no_log_in_through_the_hub(platform: TestPlatform) -> None:
    async def attack() -> tuple[float, int]:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API, timeout=60) as client:

            def log_in(name: str, **headers: str) -> asyncio.Task[httpx.Response]:
                body = {"username": name, "password": "x" * 12}
                return asyncio.create_task(client.post("tokens", json=body, headers=headers))

            flood = [log_in(f"u{number}", Cookie=f"{SESSION_COOKIE}={number}") for number in range(150)]
            await asyncio.sleep(0.3)
            begun = time.monotonic()
            answer = await log_in("ada", Authorization=f"Bearer {platform.parts.hub_credential}")
            waited = time.monotonic() - begun
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
            return waited, answer.status_code

    waited, status = asyncio.run(attack())
    assert status == 401
    assert waited < 2  # unmended: behind all of them, or turned away since so many wait


def test_a_password_that_is_no_text_is_a_wrong_password(platform: TestPlatform) -> None:
    async def attack() -> httpx.Response:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API) as client:
            content = rb'{"username": "ada", "password": "\ud800 and ten more"}'
            return await client.post("tokens", content=content, headers={"Content-Type": "application/json"})

    answer = asyncio.run(attack())
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:hopslab:problem:wrong-credentials")
