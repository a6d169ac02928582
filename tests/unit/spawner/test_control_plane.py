from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import SecretStr

from hops_contract.problems import TYPE_PREFIX
from hops_contract.servers import ServerGrant
from hops_spawner.control_plane import MAX_ANSWER_BYTES, CodeNeededError, ControlPlane, RefusedError, UnavailableError

Answer = Callable[[httpx.Request], httpx.Response]
Result = TypeVar("Result")


def problem(status: int, **members: Any) -> httpx.Response:
    body = {"type": TYPE_PREFIX + "x", "title": "X", "status": status, "detail": "It is so."} | members
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[Answer, Callable[[ControlPlane], Awaitable[Any]]], Any]:
    (tmp_path / "credential").write_text("s3cret\n")

    def run(answer: Answer, call: Callable[[ControlPlane], Awaitable[Result]]) -> Result:
        control_plane = ControlPlane(
            "http://control-plane/services/hops/", tmp_path / "credential", transport=httpx.MockTransport(answer)
        )

        async def calling() -> Result:
            return await call(control_plane)

        return asyncio.run(calling())

    return run


def test_a_login_sends_the_password_in_the_body_alone_and_shows_that_it_is_the_hubs(ask: Any) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"token": "t", "user": "ada"})

    assert ask(answer, lambda plane: plane.log_in("ada", SecretStr("pass word"))) == "ada"
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", "http://control-plane/services/hops/api/v1/tokens")
    assert json.loads(request.content) == {"username": "ada", "password": "pass word"}
    assert request.headers["authorization"] == "Bearer s3cret", "else it stands in the line of strangers"
    assert "x-forwarded-for" not in request.headers


def test_a_login_says_where_the_browser_is(ask: Any) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"token": "t", "user": "ada"})

    ask(answer, lambda plane: plane.log_in("ada", SecretStr("pass word"), forwarded="192.0.2.7"))
    assert [request.headers["x-forwarded-for"] for request in seen] == ["192.0.2.7"]


def test_a_log_in_by_a_realm_sends_what_it_is_by_and_nothing_else(ask: Any) -> None:
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={"token": "t", "user": "ada", "ticket": "YQ=="})

    by_ticket = ask(answer, lambda plane: plane.log_in_by("tickets", ticket=SecretStr("dA==")))
    ask(answer, lambda plane: plane.log_in_by("staff", username="Ada", password=SecretStr("pass word")))
    ask(answer, lambda plane: plane.log_in_by("web", id_token=SecretStr("a.b.c"), nonce=SecretStr("n"), browser="0"))
    assert (by_ticket.user, by_ticket.ticket) == ("ada", "YQ==")
    assert seen == [
        {"realm": "tickets", "ticket": "dA=="},
        {"realm": "staff", "username": "Ada", "password": "pass word"},
        {"realm": "web", "id_token": "a.b.c", "nonce": "n", "browser": "0"},
    ]


@pytest.mark.parametrize("kind", ["engine-unavailable", "engine-refused"])
def test_a_realm_that_is_away_is_named_and_the_control_plane_is_not_blamed(ask: Any, kind: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return problem(503, type=TYPE_PREFIX + kind, detail="Staff does not answer.")

    with pytest.raises(UnavailableError, match="Staff does not answer"):
        ask(answer, lambda plane: plane.log_in_by("staff", username="ada", password=SecretStr("x")))


def test_a_code_that_is_asked_for_comes_with_what_stands_for_the_password(ask: Any) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return problem(401, type=TYPE_PREFIX + "second-factor-needed", challenge="sealed")

    with pytest.raises(CodeNeededError) as asked:
        ask(answer, lambda plane: plane.log_in("ada", SecretStr("pass word")))
    assert asked.value.challenge == "sealed"
    assert "pass word" not in str(asked.value)


def test_a_code_is_sent_with_the_challenge_alone(ask: Any) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"token": "t", "user": "ada"})

    assert ask(answer, lambda plane: plane.finish_log_in(SecretStr("sealed"), SecretStr("492039"))) == "ada"
    assert json.loads(seen[0].content) == {"challenge": "sealed", "code": "492039"}


def test_a_grant_is_asked_for_as_the_hub(ask: Any, grant: ServerGrant) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        secrets = {"token": grant.token.get_secret_value(), "certificate": grant.certificate.on_the_wire()}
        return httpx.Response(201, json=grant.model_dump(mode="json") | secrets)

    assert ask(answer, lambda plane: plane.grant("weather", "ada", {"executors": 2})) == grant
    (request,) = seen
    assert request.url.path == "/services/hops/api/v1/projects/weather/server-grants"
    assert request.headers["authorization"] == "Bearer s3cret"
    assert json.loads(request.content) == {"user": "ada", "options": {"executors": 2}}


def test_a_refusal_says_what_happened_each_violation_and_what_to_do(ask: Any) -> None:
    violations = [{"field": "options.executors", "message": "9 executors were asked for; the limit is 8."}]
    said = problem(422, detail="These options can't be had.", violations=violations, remedy="Ask for less.")
    with pytest.raises(RefusedError) as refused:
        ask(lambda _: said, lambda plane: plane.grant("weather", "ada", None))
    assert str(refused.value) == "These options can't be had. 9 executors were asked for; the limit is 8. Ask for less."
    assert not isinstance(refused.value, UnavailableError)


def refuse_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        refuse_connection,
        lambda _: problem(503),
        lambda _: httpx.Response(502, text="<html>proxy</html>"),
        lambda _: httpx.Response(404, text="<html>no route</html>"),
        lambda _: httpx.Response(302, headers={"location": "/elsewhere"}),
        lambda _: httpx.Response(200, text="not json"),
        lambda _: httpx.Response(200, json={"name": "ada"}),
        lambda _: httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1)),
    ],
    ids=["no answer", "503", "proxy", "foreign 404", "redirect", "no json", "other shape", "too long"],
)
def test_whatever_can_not_be_used_means_that_the_control_plane_does_not_answer(ask: Any, answer: Answer) -> None:
    with pytest.raises(UnavailableError, match="does not answer now"):
        ask(answer, lambda plane: plane.user("ada"))


def test_a_failed_login_carries_no_password_in_its_chain(ask: Any) -> None:
    with pytest.raises(UnavailableError) as failed:
        ask(refuse_connection, lambda plane: plane.log_in("ada", SecretStr("pass word")))
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_a_missing_credential_is_told_like_a_control_plane_that_is_away(tmp_path: Path) -> None:
    control_plane = ControlPlane("http://control-plane/", tmp_path / "none")
    with pytest.raises(UnavailableError):
        asyncio.run(control_plane.user("ada"))


def test_names_can_not_leave_their_place_in_the_path(ask: Any) -> None:
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={"active": True, "tokens_valid_from": "2026-05-04T10:00:00Z"})

    ask(answer, lambda plane: plane.user("../projects?x=1"))
    assert paths == [b"/services/hops/api/v1/users/..%2Fprojects%3Fx%3D1"]
