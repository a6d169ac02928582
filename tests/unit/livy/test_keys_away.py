"""The control plane's keys can't be read: nobody is called a liar for that."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from hops_contract.layout import Home
from hops_livy.app import create_app
from hops_livy.settings import Settings
from tests.integration.livy.service_process import ControlPlane


async def _answer(home, control_plane_url: str, token: str) -> httpx.Response:
    app = create_app(Settings(home=Home(home), gpus=0, control_plane_url=control_plane_url))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://livy.test/services/livy") as client:
            return await client.get("/sessions", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and nobody listens
        yield f"http://127.0.0.1:{free.getsockname()[1]}/"


def test_a_token_that_can_not_be_checked_is_a_503_and_not_a_401(tmp_path, nobody_there):
    answer = asyncio.run(_answer(tmp_path, nobody_there, ControlPlane().token()))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:hopslab:problem:unavailable")
    assert "control plane does not answer" in answer.json()["detail"]
