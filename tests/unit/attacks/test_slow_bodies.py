"""A stranger without an account who opens requests, sends the beginning of their bodies, and holds them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from hops_contract.bodies import BodyLimit
from hops_livy.app import refuse_body as session_service_refuses
from hops_platform.http import matching
from hops_platform.http import refuse_body as control_plane_refuses
from hops_platform.uploads import routes as uploads

DEADLINE_S = 60


@pytest.fixture(params=[control_plane_refuses, session_service_refuses], ids=["control plane", "session service"])
def limited(request):
    def make(*, patience_s: float = DEADLINE_S, at_once: int = 10) -> BodyLimit:
        return BodyLimit(read_whole, limit=1024, patience_s=patience_s, at_once=at_once, refuse=request.param)

    return make


async def read_whole(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "POST":
        await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Caller:
    """One request, and what it was answered.

    Args:
        parts: What comes of the body; nothing comes after them, unless it is the last.
        whole: Whether the last part is the body's end.
        method: The request's method.
    """

    def __init__(self, *parts: bytes, whole: bool = False, method: str = "POST") -> None:
        self._parts = list(parts)
        self._whole = whole
        self._scope = {"type": "http", "method": method, "path": "/", "headers": []}
        self.answer: dict[str, Any] = {}

    async def request(self, app: BodyLimit) -> int:
        await asyncio.wait_for(app(self._scope, self._receive, self._send), DEADLINE_S)
        return int(self.answer["status"])

    async def _receive(self) -> Message:
        if not self._parts:
            await asyncio.Event().wait()
        part = self._parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self._parts) or not self._whole}

    async def _send(self, message: Message) -> None:
        self.answer |= message


def test_a_body_that_never_comes_is_not_waited_for_for_ever(limited) -> None:
    caller = Caller(b"{")
    app = limited(patience_s=0.1)
    assert asyncio.run(caller.request(app)) == 408
    assert b"urn:hopslab:problem:body-too-slow" in caller.answer["body"]
    assert b"within 0.1 seconds" in caller.answer["body"]
    assert (b"connection", b"close") in caller.answer["headers"]


def test_a_body_in_drops_has_one_deadline_for_all_of_them(limited) -> None:
    class Dripping(Caller):
        async def _receive(self) -> Message:
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b" ", "more_body": True}

    app = limited(patience_s=0.1)
    assert asyncio.run(Dripping().request(app)) == 408


def test_many_held_bodies_hold_up_nobody_else(limited) -> None:
    async def attack() -> tuple[list[int], list[bool]]:
        app = limited(at_once=3)
        held = [asyncio.create_task(Caller(b"{").request(app)) for _ in range(3)]
        await asyncio.sleep(0)
        honest = [await Caller(b"{", b"}", whole=True).request(app), await Caller(method="GET").request(app)]
        await asyncio.wait(held, timeout=0.1)
        given_up = [task.done() for task in held]
        honest.append(held[0].result() if held[0].done() else 0)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        return honest, given_up

    statuses, given_up = asyncio.run(attack())
    assert statuses == [200, 200, 408]
    assert given_up == [True, False, False], "the first one gave way, and no more than that"


def test_who_sent_too_much_is_not_listened_to_any_longer(limited) -> None:
    caller = Caller(b" " * 1025)
    app = limited()
    assert asyncio.run(caller.request(app)) == 413
    assert (b"connection", b"close") in caller.answer["headers"]


@pytest.mark.parametrize(("whole", "closes"), [(True, False), (False, True)])
def test_a_streamed_body_that_is_not_read_to_its_end_closes_the_connection(whole: bool, closes: bool) -> None:  # noqa: FBT001
    app = BodyLimit(
        read_whole, limit=1, patience_s=0.01, at_once=1, refuse=control_plane_refuses, streamed=lambda _scope: True
    )
    caller = Caller(b"longer than the limit", whole=whole)
    assert asyncio.run(caller.request(app)) == 200
    assert ((b"connection", b"close") in caller.answer["headers"]) is closes


def test_what_comes_after_a_refusal_is_thrown_away_to_a_bound_so_that_a_proxy_hears_the_reason() -> None:
    async def refuses(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"why"})

    async def request(caller: Caller, *headers: tuple[bytes, bytes]) -> tuple[list[bytes], int]:
        told: list[Message] = []

        async def send(message: Message) -> None:
            told.append(message)

        app = BodyLimit(
            refuses, limit=1, patience_s=1, at_once=1, refuse=control_plane_refuses, streamed=lambda _scope: True
        )
        await asyncio.wait_for(app({**caller._scope, "headers": list(headers)}, caller._receive, send), DEADLINE_S)
        assert (b"connection", b"close") in told[0]["headers"]
        assert [one.get("more_body", False) for one in told[1:]][-1] is False
        return [one["body"] for one in told[1:]], len(caller._parts)

    mib = b" " * 2**20
    assert asyncio.run(request(Caller(mib, mib, whole=True))) == ([b"why", b""], 0)
    assert asyncio.run(request(Caller(*[mib] * 20))) == ([b"why", b""], 4), "not for ever"
    assert asyncio.run(request(Caller(b" "))) == ([b"why", b""], 0), "who sends no more is not waited for"
    asks_first = (b"expect", b"100-continue")
    assert asyncio.run(request(Caller(mib, whole=True), asks_first)) == ([b"why"], 1), "nobody is told to send"


@pytest.mark.parametrize(
    ("method", "path", "streamed"),
    [
        ("PUT", "/services/hops/api/v1/projects/weather/uploads/1/content", True),
        ("POST", "/services/hops/api/v1/projects/weather/uploads/1/content", False),
        ("PUT", "/services/hops/api/v1/projects/weather/uploads/1/content/", False),
        ("PUT", "/services/hops/api/v1/projects/weather/uploads/1/content\n", False),
        ("PUT", "/services/hops/api/v1/projects/weather/server", False),
        ("PUT", "/services/hops/api/v1/projects/a/b/uploads/1/content", False),
    ],
)
def test_only_the_bytes_of_uploads_pass_the_limit_on_bodies(method: str, path: str, streamed: bool) -> None:  # noqa: FBT001
    is_upload = matching(uploads.router, uploads.write_upload, below="/services/hops/api/v1")
    assert is_upload({"type": "http", "method": method, "path": path}) is streamed
