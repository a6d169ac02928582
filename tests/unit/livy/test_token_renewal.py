import asyncio
import time
from types import SimpleNamespace

import httpx
import jwt
import pytest

from hops_livy import token_renewal
from hops_livy.token_renewal import TokenRenewal

KEY = "a key that is long enough for a test"


def _token(life_s=0.0, name="first"):
    now = time.time()
    return jwt.encode({"iat": now - 1, "exp": now + 1 + life_s, "jti": name}, KEY, "HS256")


class _Session:
    def __init__(self):
        self.id, self.final, self.ended_with, self.tokens = 3, False, None, []
        self.owner = SimpleNamespace(user="ada", project="weather")
        self.driver = SimpleNamespace(renew_token=self.tokens.append)

    async def end(self, reason):
        self.ended_with, self.final = reason, True


@pytest.fixture
def no_patience(monkeypatch):
    monkeypatch.setattr(token_renewal, "_RETRY_S", 0.01)
    monkeypatch.setattr(token_renewal, "_SHORTEST_S", 0.01)


def _keep_fresh(session, answers):
    seen = []

    def answer(request):
        seen.append(request.headers["authorization"])
        reply = answers.pop(0)
        session.final = not answers
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def run():
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            await TokenRenewal("http://control/tokens:renew", client).keep_fresh(session, _token())

    asyncio.run(run())
    return seen


def test_a_renewed_token_replaces_the_old_one_and_is_renewed_itself(no_patience):
    session, second = _Session(), _token(name="second")
    seen = _keep_fresh(session, [httpx.Response(200, json={"token": second}), httpx.Response(503)])
    assert session.tokens == [second]
    assert seen[1] == f"Bearer {second}"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_session_ends_when_renewal_is_refused(no_patience, status):
    session = _Session()
    _keep_fresh(session, [httpx.Response(status), httpx.Response(500)])
    assert session.tokens == []
    assert session.final


def test_the_owner_is_told_why(no_patience):
    session = _Session()
    _keep_fresh(session, [httpx.Response(403), httpx.Response(500)])
    assert session.ended_with == "ada is no longer a member of project weather."


def test_a_control_plane_that_is_down_for_a_moment_ends_nothing(no_patience):
    session, second = _Session(), _token(name="second")
    renewed = httpx.Response(200, json={"token": second})
    _keep_fresh(session, [httpx.ConnectError("down"), httpx.Response(500), renewed, httpx.Response(500)])
    assert session.tokens == [second]
    assert session.ended_with is None
