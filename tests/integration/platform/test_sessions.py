"""Spark sessions over the control plane's REST API: handed on with a token of the caller's own, and nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import anyio.from_thread
import httpx
import jwt
import pytest

from hops_contract.principal import ProjectRole
from hops_platform.errors import EngineUnavailableError, ForbiddenError

from .conftest import ON_SQLITE

pytestmark = ON_SQLITE

SESSION: dict[str, Any] = {
    "id": 7, "name": None, "notebook": "Jupyter/Rain.ipynb",
    "owner": "weather__ada", "project": "weather", "user": "ada", "own": True,
    "kind": "pyspark", "state": "idle", "reason": None, "app_id": "local-1", "created": 1795400000.0,
    "idle_since": 1795400120.5, "idle_timeout_s": 7200.0, "statements": 1, "waiting": 0, "last_statement": None,
    "resources": {
        "dynamic": False, "executors": 1, "min_executors": None, "max_executors": None, "executor_cores": 1,
        "executor_memory_mib": 1024, "driver_memory_mib": 1024, "gpus_per_executor": 0, "gpu_label": None, "gpus": [],
    },
}  # fmt: skip
THREADS = 40
"""So many serve all requests."""


@pytest.fixture
def sessions(hops: Any) -> Any:
    """The engine, with one idle session."""
    hops.platform.sessions.sessions[7] = dict(SESSION)
    return hops.platform.sessions


def test_the_session_service_is_asked_as_the_caller_and_the_token_stays_inside(hops: Any, sessions: Any) -> None:
    grace = hops.user("grace", admin=True)
    answer = grace.get("sessions", params={"scope": "all", "limit": 5, "seen": "v", "wait_s": 3})
    assert answer.status_code == 200
    ((token, query),) = sessions.asked
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["kind"], claims["admin"]) == ("grace", "user", True)
    assert query == {"scope": "all", "limit": "5", "seen": "v", "wait_s": 3}
    assert token not in answer.text
    assert [item["id"] for item in answer.json()["items"]] == [7]
    assert "owner" not in answer.json()["items"][0]
    assert answer.json()["items"][0]["notebook"] == "Jupyter/Rain.ipynb"
    # The session service asks with it who the caller is at this moment.
    me = hops.anonymous().get("me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["name"], me["admin"]) == ("grace", True)


def test_nothing_is_held_for_who_has_seen_nothing(hops: Any, sessions: Any) -> None:
    hops.user("ada").get("sessions", params={"wait_s": 12}).raise_for_status()
    assert sessions.asked[0][1]["wait_s"] == 0


def test_a_session_is_looked_into_and_ended(hops: Any, sessions: Any) -> None:
    ada = hops.user("ada")
    assert ada.get("sessions/7/log").json() == {"total": 1, "log": ["a line"]}
    ada._transport.client = ("192.0.2.7", 50000)
    assert ada.delete("sessions/7", headers={"X-Forwarded-For": "203.0.113.9"}).json()["state"] == "killed"
    assert hops.platform.sessions.sources == ["192.0.2.7"], "where she is is handed on, and nothing that she says"
    assert ada.delete("sessions/8").status_code == 404
    assert sessions.sessions[7]["state"] == "killed"


def test_idle_ones_are_ended_by_number(hops: Any, sessions: Any) -> None:
    answer = hops.user("ada").post("/sessions:stop-idle", json={"scope": "own", "sessions": [7, 9]})
    assert answer.json() == {"ended": [7]}
    assert sessions.asked[0][1] == {"scope": "own", "sessions": [7, 9]}


@pytest.mark.parametrize(
    "body", [{}, {"scope": "site"}, {"scope": "own", "sessions": ["x"]}, {"scope": "own", "sessions": [1] * 1001}]
)
def test_what_is_to_end_must_be_said_well(hops: Any, sessions: Any, body: dict[str, Any]) -> None:
    assert hops.user("ada").post("/sessions:stop-idle", json=body).status_code == 422
    assert sessions.asked == []


def test_code_in_a_session_does_not_come_this_way(hops: Any, sessions: Any) -> None:
    hops.ready_project(hops.user("ada"))
    owner = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    assert owner.get("sessions").status_code == 403
    assert owner.delete("sessions/7").status_code == 403
    assert sessions.asked == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (EngineUnavailableError("The session service does not answer."), 503),
        (ForbiddenError("Only an administrator sees everybody's sessions."), 403),
    ],
)
def test_what_the_session_service_says_is_said(hops: Any, sessions: Any, fault: Exception, status: int) -> None:
    sessions.fault = fault
    answer = hops.user("ada").get("sessions?scope=all")
    assert (answer.status_code, answer.json()["detail"]) == (status, str(fault))


@pytest.mark.parametrize("odd", [{}, {"scope": "own", "items": [{}], "total": "many", "log": 3}])
def test_an_answer_that_is_not_what_was_agreed_on_is_the_session_services(
    hops: Any, sessions: Any, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    for method in ("look", "log", "stop"):
        monkeypatch.setattr(sessions, method, lambda *_, **__: odd)
    ada = hops.user("ada")
    for answer in (ada.get("sessions"), ada.get("sessions/7/log"), ada.delete("sessions/7")):
        assert (answer.status_code, answer.json()["type"]) == (502, "urn:hopslab:problem:engine-refused")
        assert answer.json()["detail"] == "The session service answered without what is needed."


@pytest.mark.parametrize("people", [1, 15])
def test_however_many_ask_at_once_threads_are_left_for_what_the_session_service_asks_back(
    hops: Any, sessions: Any, people: int
) -> None:
    tokens = [hops.user(f"user{number}").headers["Authorization"] for number in range(people)]
    under_way: list[str] = []
    most: list[tuple[int, int]] = []
    lock = threading.Lock()

    async def all_at_once() -> list[httpx.Response]:
        transport = httpx.ASGITransport(hops.platform.app)
        base_url = str(hops.anonymous().base_url)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:

            async def ask_back(token: str) -> dict[str, Any]:
                # As the session service does, with the same patience.
                await asyncio.sleep(0.3)
                answer = await asyncio.wait_for(client.get("me", headers={"Authorization": f"Bearer {token}"}), 60)
                return dict(answer.raise_for_status().json())

            def look(token: str, query: Mapping[str, str], *, wait_s: float = 0) -> Mapping[str, Any]:
                name = jwt.decode(token, options={"verify_signature": False})["sub"]
                with lock:
                    under_way.append(name)
                    most.append((len(under_way), under_way.count(name)))
                try:
                    assert anyio.from_thread.run(ask_back, token)["name"] == name
                except TimeoutError as error:
                    raise EngineUnavailableError("The session service does not answer.") from error
                finally:
                    with lock:
                        under_way.remove(name)
                return {"scope": query["scope"], "items": [], "next": None, "total": 0, "idle": 0, "version": "v"}

            sessions.look = look
            asked = [tokens[number % people] for number in range(THREADS)]
            return await asyncio.gather(*(client.get("sessions", headers={"Authorization": one}) for one in asked))

    answers = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200, 429}
    assert max(most)[0] <= 16
    assert max(of_one for _, of_one in most) <= 4
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["type"], refused.headers["Retry-After"]) == ("urn:hopslab:problem:too-many", "2")
    assert "requests for Spark sessions are under way" in refused.json()["detail"] or people > 1
    assert "try again in a moment" in refused.json()["remedy"].lower()


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get("sessions"),
        lambda client: client.get("sessions/7/log"),
        lambda client: client.delete("sessions/7"),
        lambda client: client.post("/sessions:stop-idle", json={"scope": "own"}),
    ],
    ids=["look", "log", "stop", "stop-idle"],
)
def test_every_call_to_the_session_service_takes_a_place(
    hops: Any, sessions: Any, ask: Callable[[Any], httpx.Response]
) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    with ExitStack() as taken:
        for _ in range(4):
            taken.enter_context(hops.platform.parts.session_places.take("ada"))
        assert ask(ada).status_code == 429
        assert sessions.asked == []
        assert ask(bob).status_code == 200
    assert ask(ada).status_code == 200


def test_who_watches_in_some_tabs_already_is_answered_at_once(hops: Any, sessions: Any) -> None:
    ada = hops.user("ada")
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(hops.platform.parts.session_places.take("ada"))
        ada.get("sessions", params={"seen": "v", "wait_s": 12}).raise_for_status()
    ada.get("sessions", params={"seen": "v", "wait_s": 12}).raise_for_status()
    assert [query["wait_s"] for _, query in sessions.asked] == [0, 12]


def test_the_session_service_is_shown_one_token_for_a_while_and_another_after_a_change(
    hops: Any, sessions: Any
) -> None:
    ada, grace = hops.browser("ada"), hops.user("grace", admin=True)
    hops.create_user("ada")
    for _ in range(2):
        ada.get("sessions").raise_for_status()
    grace.patch("users/ada", json={"admin": True}).raise_for_status()
    ada.get("sessions").raise_for_status()
    for active in (False, True):
        grace.patch("users/ada", json={"active": active}).raise_for_status()
    ada.get("sessions").raise_for_status()
    first, second, third, fourth = [token for token, _ in sessions.asked]
    assert first == second
    assert len({second, third, fourth}) == 3
    # What was shown before is refused when the session service asks with it, what is shown now is not.
    me = [hops.with_token(token).get("me").status_code for token in (third, fourth)]
    assert me == [401, 200]
