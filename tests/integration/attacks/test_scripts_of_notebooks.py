"""A Data Scientist whose notebook or TensorBoard brings a script, which a Data Owner's browser runs.

It runs on the origin of the platform's pages, so the browser sends the control plane's cookie with what it asks for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
import pytest

from hops_platform.security.browser import SESSION_COOKIE, csrf_token
from hops_platform.testing.factories import TestPlatform
from hops_platform.users import service as users

SITE = "http://hops.test/services/hops/"
COOKIE = "hub-token-of-olga"
PAGES = ("", "account", "projects/red", "projects/NO", "admin")


def as_olgas_browser(platform: TestPlatform, visit: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """What ``visit`` asks for is sent with the cookie of the Data Owner Olga."""
    with platform.parts.database.session() as session:
        users.create_user(
            session, name="olga", title="Olga", password="correct horse battery", admin=True, must_change_password=False
        )
    platform.logins.tokens[COOKIE] = "olga"

    async def run() -> None:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        headers = {"Cookie": f"{SESSION_COOKIE}={COOKIE}"}
        async with httpx.AsyncClient(transport=transport, base_url=SITE, headers=headers) as client:
            await visit(client)

    asyncio.run(run())


@pytest.mark.parametrize("destination", ["empty", "iframe", "object", "embed", "script", "frame"])
def test_a_script_is_not_given_a_page_with_its_token(platform: TestPlatform, destination: str) -> None:
    async def attack(client: httpx.AsyncClient) -> None:
        for page in PAGES:
            answer = await client.get(page, headers={"Sec-Fetch-Dest": destination, "Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 403, page
            assert csrf_token(COOKIE) not in answer.text

    as_olgas_browser(platform, attack)


def test_a_person_is_given_the_page(platform: TestPlatform) -> None:
    async def visit(client: httpx.AsyncClient) -> None:
        for headers in ({"Sec-Fetch-Dest": "document"}, {}):
            answer = await client.get("", headers=headers)
            assert answer.status_code == 200
            assert re.search(r'name="hops-csrf" content="([0-9a-f]{64})"', answer.text)

    as_olgas_browser(platform, visit)


def test_a_script_reads_nothing_of_the_projects_that_its_victim_is_in(platform: TestPlatform) -> None:
    async def attack(client: httpx.AsyncClient) -> None:
        made = await client.post("api/v1/projects", json={"name": "blue"}, headers={"X-Hops-CSRF": csrf_token(COOKIE)})
        assert made.status_code == 201
        for path in ("me", "projects", "projects/blue", "projects/blue/members", "users", "outbox"):
            answer = await client.get(f"api/v1/{path}", headers={"Sec-Fetch-Dest": "empty"})
            assert answer.status_code == 403, path
            assert "blue" not in answer.text

    as_olgas_browser(platform, attack)
