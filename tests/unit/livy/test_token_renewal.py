import asyncio
import time
from types import SimpleNamespace

import httpx
import jwt
import pytest

from hops_livy import token_renewal
from hops_livy.token_renewal import TokenRenewal

KEY = "a key that is long enough for a test"
CHANGED = {
    "title": "Not logged in",
    "detail": "Your password was changed.",
    "remedy": "Start the notebook server again from the project's page.",
}
REMOVED = {"detail": "You are no longer a member of this project.", "remedy": "Ask one of its Data Owners to add you."}


def _token(life_s=0.0, name="first", now=None):
    now = now or time.time()
    return jwt.encode({"iat": now - 1, "exp": now + 1 + life_s, "jti": name}, KEY, "HS256")


class _Session:
    def __init__(self):
        self.id, self.final, self.ended_with, self.tokens = 3, False, None, []
        self.owner = SimpleNamespace(user="ada", project="weather")
        self.driver, self.renew_token = object(), self.tokens.append

    async def end(self, reason):
        self.ended_with, self.final = reason, True


@pytest.fixture
def no_patience(monkeypatch):
    monkeypatch.setattr(token_renewal, "_RETRY_S", 0.01)
    monkeypatch.setattr(token_renewal, "_SHORTEST_S", 0.01)


class SleepingMachine:
    """A wall clock that goes on while the machine sleeps, and pauses that don't."""

    def __init__(self, monkeypatch):
        self.now, self.pauses, self.sleeps_s = 1_000_000.0, [], 0.0
        monkeypatch.setattr(token_renewal, "time", SimpleNamespace(time=lambda: self.now))
        monkeypatch.setattr(token_renewal, "asyncio", SimpleNamespace(sleep=self.pause))

    async def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds + self.sleeps_s
        self.sleeps_s = 0.0


@pytest.fixture
def machine(monkeypatch):
    return SleepingMachine(monkeypatch)


def _keep_fresh(session, answers, token=None, asked=None):
    seen = []

    def answer(request):
        seen.append(request.headers["authorization"])
        if asked is not None:
            asked()
        reply = answers.pop(0)
        session.final = not answers
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def run():
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            await TokenRenewal("http://control/tokens:renew", client).keep_fresh(session, token or _token())

    asyncio.run(run())
    return seen


def test_a_renewed_token_replaces_the_old_one_and_is_renewed_itself(no_patience):
    session, second = _Session(), _token(name="second")
    seen = _keep_fresh(session, [httpx.Response(200, json={"token": second}), httpx.Response(503)])
    assert session.tokens == [second]
    assert seen[1] == f"Bearer {second}"


def test_the_token_of_one_that_waits_for_resources_is_renewed_too(no_patience):
    session, second = _Session(), _token(name="second")
    session.driver = None
    _keep_fresh(session, [httpx.Response(200, json={"token": second}), httpx.Response(503)])
    assert session.tokens == [second]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_session_ends_when_renewal_is_refused(no_patience, status):
    session = _Session()
    seen = _keep_fresh(session, [httpx.Response(status, json=REMOVED), httpx.Response(500)])
    assert session.tokens == []
    assert session.ended_with is not None
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("status", "problem", "reason"),
    [
        (401, CHANGED, "Your password was changed. Start the notebook server again from the project's page."),
        (
            401,
            REMOVED,
            "You are no longer a member of this project. Ask one of its Data Owners to add you.",
        ),
        (403, {"detail": "Not here.", "remedy": None}, "Not here."),
    ],
)
def test_the_owner_is_told_why_in_the_control_planes_words(no_patience, status, problem, reason):
    session = _Session()
    _keep_fresh(session, [httpx.Response(status, json=problem), httpx.Response(500)])
    assert session.ended_with == f"The session's token was not renewed: {reason}"


@pytest.mark.parametrize(
    "odd",
    [
        httpx.ConnectError("down"),
        httpx.Response(500),
        httpx.Response(404, text="nothing here"),
        httpx.Response(401, json=["who are you?"]),
        httpx.Response(200, json={"user": "ada"}),
        httpx.Response(200, json=[]),
        httpx.Response(200, text="hello"),
    ],
)
def test_what_is_no_answer_of_the_control_plane_ends_nothing_and_it_is_asked_again(no_patience, odd):
    session, second = _Session(), _token(name="second")
    _keep_fresh(session, [odd, odd, httpx.Response(200, json={"token": second}), httpx.Response(500)])
    assert session.tokens == [second]
    assert session.ended_with is None


def test_a_full_disk_ends_no_session_and_the_old_token_is_renewed_again(no_patience):
    session, tries = _Session(), []

    def renew_token(token):
        tries.append(token)
        if len(tries) == 1:
            raise OSError(28, "No space left on device")

    session.renew_token = renew_token
    second, third = _token(name="second"), _token(name="third")
    answers = [httpx.Response(200, json={"token": token}) for token in (second, third)]
    seen = _keep_fresh(session, [*answers, httpx.Response(500)])
    assert tries == [second, third]
    assert seen[0] == seen[1]


def test_a_machine_that_slept_renews_within_seconds_of_its_waking(machine):
    session, asked = _Session(), []
    began = machine.now
    machine.sleeps_s = 2 * 24 * 3600.0
    new = _token(900, "second", now=began + machine.sleeps_s)
    _keep_fresh(
        session,
        [httpx.Response(200, json={"token": new}), httpx.Response(500)],
        token=_token(900, now=began),
        asked=lambda: asked.append(machine.now),
    )
    assert session.tokens == [new]
    assert asked[0] - began - 2 * 24 * 3600.0 <= token_renewal._STEP_S + token_renewal._SHORTEST_S
    assert max(machine.pauses) <= 15


def test_a_control_plane_that_is_away_for_longer_than_the_token_lives_is_asked_until_it_is_back(machine):
    session, asked, began = _Session(), [], machine.now
    away = [httpx.ConnectError("away")] * 600
    new = _token(900, "second", now=began + 7000)
    first = _token(900, now=began)
    seen = _keep_fresh(
        session,
        [*away, httpx.Response(200, json={"token": new}), httpx.Response(500)],
        token=first,
        asked=lambda: asked.append(machine.now),
    )
    assert asked[600] > began + 5 * 900
    assert set(seen[:601]) == {f"Bearer {first}"}
    assert session.tokens == [new]
    assert session.ended_with is None
