"""Somebody who took over a browser, after its owner has changed the password or an administrator has set another."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from hops_platform.security.browser import SESSION_COOKIE, csrf_token
from hops_platform.testing.factories import TestPlatform
from hops_platform.users import service as users

API = "http://hops.test/services/hops/api/v1/"
PASSWORD = "correct horse battery"
COOKIE = "hub-token-of-ada"


@pytest.mark.parametrize("who", ["the user", "an administrator"])
def test_a_log_in_of_before_ends_with_the_password_in_browsers_too(platform: TestPlatform, who: str) -> None:
    with platform.parts.database.session() as session:
        for name, admin in (("ada", False), ("root", True)):
            users.create_user(session, name=name, title="", password=PASSWORD, admin=admin, must_change_password=False)
    platform.logins.tokens[COOKIE] = "ada"
    signer = platform.parts.signer
    changer = signer.sign_user("ada", admin=False) if who == "the user" else signer.sign_user("root", admin=True)

    async def attack() -> httpx.Response:
        transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API) as client:
            taken = {"Cookie": f"{SESSION_COOKIE}={COOKIE}", "X-Hops-CSRF": csrf_token(COOKIE)}
            assert (await client.get("me", headers=taken)).status_code == 200
            owner = {"Authorization": f"Bearer {changer.token}"}
            if who == "the user":
                change = {"old_password": PASSWORD, "new_password": PASSWORD + "!"}
                assert (await client.put("me/password", json=change, headers=owner)).status_code == 200
            else:
                change = {"password": PASSWORD + "!"}
                assert (await client.patch("users/ada", json=change, headers=owner)).status_code == 200
            return await client.get("me", headers=taken)

    assert asyncio.run(attack()).status_code == 401
