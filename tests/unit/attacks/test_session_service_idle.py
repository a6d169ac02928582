"""A session asked for without sparkmagic: how long it may lie idle, and who may start one at all."""

import asyncio

import httpx
import pytest

from hops_contract.options import ServerLimits
from tests.unit.livy.callers import header

from .test_session_service_owners import SlowBackend, service, token


def answer_with(monkeypatch, limits, *, refused=None):
    async def control_plane(_transport, request):
        if refused is not None and request.headers["Authorization"] == f"Bearer {refused}":
            return httpx.Response(404, json={})
        return httpx.Response(200, json=limits.model_dump(mode="json"))

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", control_plane)


@pytest.mark.parametrize(
    ("limit_minutes", "body", "idle_s"),
    [
        (60, {}, 3600),
        (60, {"ttl": "0"}, 3600),
        (60, {"ttl": "400d"}, 3600),
        (60, {"ttl": "5m"}, 300),
        (7 * 24 * 60, {"ttl": "0"}, 0),
        (7 * 24 * 60, {"ttl": "400d"}, 7 * 24 * 3600),
    ],
)
def test_no_session_lies_idle_for_longer_than_its_project_may(tmp_path, monkeypatch, limit_minutes, body, idle_s):
    answer_with(monkeypatch, ServerLimits(max_idle_timeout_minutes=limit_minutes))

    async def attack():
        async with service(tmp_path, SlowBackend()) as client:
            client.headers.update(header(token()))
            made = (await client.post("/sessions", json=body)).json()["id"]
            assert (await client.get(f"/sessions/{made}/summary")).json()["idle_timeout_s"] == idle_s

    asyncio.run(attack())


def test_the_answer_to_one_members_token_lets_nobody_else_in(tmp_path, monkeypatch):
    """mallory was removed, or her password was changed: the control plane refuses her token. ada has just started."""
    ada, mallory = token("ada"), token("mallory")
    answer_with(monkeypatch, ServerLimits(), refused=mallory)

    async def attack():
        async with service(tmp_path, SlowBackend()) as client:
            assert (await client.post("/sessions", json={}, headers=header(ada))).status_code == 201
            assert (await client.post("/sessions", json={}, headers=header(mallory))).status_code == 403

    asyncio.run(attack())
