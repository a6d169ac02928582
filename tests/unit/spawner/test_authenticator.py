from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from socket import AF_INET, AF_INET6, AF_UNIX
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from hops_contract.problems import TYPE_PREFIX, Problem
from hops_spawner.authenticator import KEY_NOT_READ, UNKNOWN_LOGIN, HopsAuthenticator, LoginRefusedError, forwarded_for
from hops_spawner.control_plane import CodeNeededError, LoginAnswer, RefusedError, UnavailableError, UserState
from hops_spawner.realm_proofs import RealmProof

CHANGED = datetime(2026, 5, 4, 10, tzinfo=UTC)
GOOD = {"username": "ada", "password": "heron teapot"}


class Answers:
    """Answers of the control plane, written down beforehand."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    async def log_in(self, username: str, password: SecretStr, *, forwarded: str = "") -> str:
        assert (password.get_secret_value(), forwarded) == (GOOD["password"], "")
        return str(self._give(username))

    async def finish_log_in(
        self, challenge: SecretStr, code: SecretStr, *, assertion: Any = None, forwarded: str = ""
    ) -> str:
        assert forwarded == ""
        proof = code.get_secret_value() if assertion is None else assertion
        return str(self._give((challenge.get_secret_value(), proof)))

    async def log_in_by(self, realm: str, **given: Any) -> Any:
        secrets = {name: value.get_secret_value() for name, value in given.items() if isinstance(value, SecretStr)}
        return self._give((realm, given.get("username"), secrets))

    async def user(self, name: str) -> Any:
        return self._give(name)

    def _give(self, name: Any) -> Any:
        self.asked.append(name)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refusal(status: int, detail: str, remedy: str) -> RefusedError:
    problem = Problem(type=TYPE_PREFIX + "x", title="X", status=status, detail=detail, remedy=remedy)
    return RefusedError(problem)


@pytest.fixture
def authenticator(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(answer: Any) -> tuple[HopsAuthenticator, Answers]:
        answers = Answers(answer)
        monkeypatch.setattr(HopsAuthenticator, "control_plane", answers)
        return HopsAuthenticator(), answers

    return make


def log_in(authenticator: HopsAuthenticator, data: dict[str, str]) -> Any:
    return asyncio.run(authenticator.get_authenticated_user(None, data))


def test_a_right_password_logs_in_and_never_as_an_administrator_of_the_hub(authenticator: Any) -> None:
    hub, answers = authenticator("ada")
    user = log_in(hub, {"username": " Ada ", "password": "heron teapot"})
    assert (user["name"], user["admin"]) == ("ada", False)
    assert answers.asked == ["ada"]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (refusal(401, "The user name or the password is wrong.", "Check both."), 403, "is wrong. Check both."),
        (refusal(429, "The name is locked for 30 seconds.", "Wait."), 403, "locked for 30 seconds. Wait."),
        (refusal(403, "This user is deactivated.", "Ask an administrator."), 403, "is deactivated. Ask"),
        (UnavailableError(), 503, "You can't log in now. HopsLab's control plane does not answer now."),
    ],
)
def test_a_refused_login_says_why(authenticator: Any, answer: Exception, status: int, said: str) -> None:
    hub, _ = authenticator(answer)
    with pytest.raises(LoginRefusedError) as refused:
        log_in(hub, GOOD)
    assert refused.value.status_code == status
    assert said in refused.value.jupyterhub_message
    assert "heron" not in str(refused.value)


def test_a_code_is_asked_for_in_a_second_step_that_holds_no_password(authenticator: Any) -> None:
    problem = Problem(type=TYPE_PREFIX + "second-factor-needed", title="X", status=401, detail="A code is needed.")
    hub, _ = authenticator(CodeNeededError(problem, "sealed"))
    with pytest.raises(LoginRefusedError) as asked:
        log_in(hub, GOOD)
    assert (asked.value.challenge, asked.value.failed) == ("sealed", False)
    assert "heron" not in repr(vars(asked.value))
    hub, answers = authenticator("ada")
    user = log_in(hub, {"username": "ada", "challenge": "sealed", "code": " 492039 "})
    assert (user["name"], user["admin"]) == ("ada", False)
    assert answers.asked == [("sealed", "492039")]


def test_a_security_key_answers_in_place_of_a_code(authenticator: Any) -> None:
    problem = Problem(type=TYPE_PREFIX + "second-factor-needed", title="X", status=401, detail="A code is needed.")
    hub, _ = authenticator(CodeNeededError(problem, "sealed", {"rpId": "hops.example.org"}))
    with pytest.raises(LoginRefusedError) as asked:
        log_in(hub, GOOD)
    assert json.loads(asked.value.security_key) == {"rpId": "hops.example.org"}
    hub, answers = authenticator("ada")
    user = log_in(hub, {"username": "ada", "challenge": "sealed", "assertion": '{"id": "x"}', "code": ""})
    assert (user["name"], answers.asked) == ("ada", [("sealed", {"id": "x"})])


@pytest.mark.parametrize("assertion", ["{", "[]", '"x"', "[" * 10_000, "{" + " " * 16_000 + "}"])
def test_what_can_be_no_answer_of_a_key_is_refused_without_asking(authenticator: Any, assertion: str) -> None:
    hub, answers = authenticator("ada")
    with pytest.raises(LoginRefusedError) as refused:
        asyncio.run(hub.authenticate(None, {"challenge": "sealed", "assertion": assertion}))
    assert (refused.value.jupyterhub_message, answers.asked) == (KEY_NOT_READ, [])


@pytest.mark.parametrize(("kind", "challenge"), [("wrong-code", "sealed"), ("locked-out", ""), ("unauthenticated", "")])
def test_a_wrong_code_can_be_typed_again_and_all_else_begins_anew(
    authenticator: Any, kind: str, challenge: str
) -> None:
    problem = Problem(type=TYPE_PREFIX + kind, title="X", status=401, detail="The code is not right.")
    hub, _ = authenticator(RefusedError(problem))
    with pytest.raises(LoginRefusedError) as refused:
        log_in(hub, {"username": "ada", "challenge": "sealed", "code": "1"})
    assert (refused.value.challenge, refused.value.failed) == (challenge, True)


@pytest.mark.parametrize(
    "data", [{"challenge": "x" * 401, "code": "1"}, {"challenge": "sealed"}, {"challenge": "sealed", "code": "1" * 41}]
)
def test_what_can_be_no_code_is_refused_without_asking(authenticator: Any, data: dict[str, str]) -> None:
    hub, answers = authenticator("ada")
    with pytest.raises(LoginRefusedError):
        asyncio.run(hub.authenticate(None, data))
    assert answers.asked == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"username": "ada"},
        {"username": "ada", "password": ""},
        {"username": "ada", "password": "x" * 1025},
        {"username": "../ada", "password": "x"},
        {"username": "a" * 31, "password": "x"},
    ],
)
def test_what_can_be_no_login_is_refused_like_a_wrong_password_without_asking(
    authenticator: Any, data: dict[str, str]
) -> None:
    hub, answers = authenticator("ada")
    with pytest.raises(LoginRefusedError) as refused:
        asyncio.run(hub.authenticate(None, data))
    assert (refused.value.status_code, refused.value.jupyterhub_message) == (403, UNKNOWN_LOGIN)
    assert answers.asked == []


@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        (UserState(active=True, tokens_valid_from=CHANGED), {"name": "ada", "admin": False}),
        (UserState(active=False, tokens_valid_from=CHANGED), False),
        (refusal(404, "There is no such user.", ""), False),
        (UnavailableError(), True),
    ],
    ids=["active", "deactivated", "deleted", "control plane away"],
)
def test_a_login_stands_while_its_user_is_active(authenticator: Any, answer: Any, stands: Any) -> None:
    hub, _ = authenticator(answer)
    row = SimpleNamespace(cookie_id="made-by-the-hub", created=datetime(2026, 5, 4, 11))  # noqa: DTZ001 - as the Hub's
    assert asyncio.run(hub.refresh_user(SimpleNamespace(name="ada", orm_user=row))) == stands


def test_a_deactivation_acts_within_a_minute_and_on_tokens_too() -> None:
    hub = HopsAuthenticator()
    assert 0 < hub.auth_refresh_age <= 60
    assert hub.auth_refresh_strict is True


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["10.0.0.1, 192.0.2.7"], "10.0.0.1, 192.0.2.7"),
        (["10.0.0.1", "2001:db8::7"], "10.0.0.1, 2001:db8::7"),
        (["10.0.0.1, evil, 192.0.2.7"], "192.0.2.7"),
        (["10.0.0.1, " * 20 + "192.0.2.7"], "10.0.0.1, " * 9 + "192.0.2.7"),
        (["192.0.2.7, evil"], ""),
        (["192.0.2.7\r\nX-Else: 1"], ""),
        ([], ""),
    ],
)
def test_of_where_a_browser_is_only_the_proxys_own_word_is_passed_on(told: list[str], believed: str) -> None:
    headers = SimpleNamespace(get_list=lambda _name: told)
    for family, passed_on in ((AF_UNIX, believed), (AF_INET, ""), (AF_INET6, "")):
        connection = SimpleNamespace(context=SimpleNamespace(address_family=family))
        assert (
            forwarded_for(SimpleNamespace(request=SimpleNamespace(headers=headers, connection=connection))) == passed_on
        )


def test_a_login_without_a_request_comes_from_nowhere() -> None:
    assert forwarded_for(None) == ""


@pytest.fixture
def with_realms(authenticator: Any, tmp_path: Path) -> Any:
    file = tmp_path / "realms.toml"
    file.write_text(
        '[[realm]]\nkind = "ldap"\nname = "staff"\ntitle = "Staff"\nservers = ["ldaps://x"]\nbase = "o=x"\n'
        'bind_template = "uid={username},o=x"\n'
        '[[realm]]\nkind = "kerberos"\nname = "tickets"\nprincipals = "X"\nservice = "HTTP@x"\nkeytab = "/k"\n'
        '[[realm]]\nkind = "oidc"\nname = "web"\nissuer = "https://x"\nclient_id = "x"\nclient_secret_file = "/s"\n'
    )

    def make(answer: Any) -> tuple[HopsAuthenticator, Answers]:
        hub, answers = authenticator(answer)
        hub.realms_file, hub.site_url = str(file), "https://hops.example.org/hub/"
        return hub, answers

    return make


def test_a_password_of_a_realm_is_asked_of_it_as_it_was_typed(with_realms: Any) -> None:
    hub, answers = with_realms(LoginAnswer(user="ada-lovelace"))
    user = log_in(hub, {"realm": "staff", "username": "Ada.Lovelace@X", "password": "heron teapot"})
    assert (user["name"], user["admin"]) == ("ada-lovelace", False)
    assert answers.asked == [("staff", "Ada.Lovelace@X", {"password": "heron teapot"})]


def test_a_proof_is_what_the_hub_made_and_never_a_forms_field(with_realms: Any) -> None:
    hub, answers = with_realms(LoginAnswer(user="ada", ticket="YQ=="))
    proof = RealmProof("tickets", ticket="dGlja2V0")
    assert log_in(hub, {"proof": proof})["name"] == "ada"
    assert (answers.asked, proof.answer) == ([("tickets", None, {"ticket": "dGlja2V0"})], "YQ==")
    assert "dGlja2V0" not in repr(proof)
    for forged in (
        {"proof": "RealmProof(tickets)", "ticket": "x"},
        {"realm": "tickets", "username": "ada", "password": "x", "ticket": "x"},
        {"realm": "web", "username": "ada", "password": "x", "id_token": "x"},
        {"realm": "nowhere", "username": "ada", "password": "x"},
        {"realm": "staff", "username": "", "password": "x"},
        {"realm": "staff", "username": "a" * 65, "password": "x"},
        {"realm": "staff", "username": "ada", "password": ""},
    ):
        with pytest.raises(LoginRefusedError) as refused:
            log_in(hub, forged)
        assert (refused.value.status_code, refused.value.jupyterhub_message) == (403, UNKNOWN_LOGIN)
    assert len(answers.asked) == 1


def test_the_hub_has_addresses_for_the_realms_that_need_some(with_realms: Any) -> None:
    hub, _ = with_realms("ada")
    paths = {path for path, *_ in hub.get_handlers(None)}
    assert {"/login", "/negotiate/tickets", "/oidc/web/login", "/oidc/web/callback"} <= paths
    assert hub.password_realms == [("staff", "Staff"), ("local", "HopsLab")]
    assert [path for path, _ in hub.other_ways] == ["negotiate/tickets", "oidc/web/login"]


def test_a_realm_that_is_away_is_told_as_that(with_realms: Any) -> None:
    problem = Problem(type=TYPE_PREFIX + "engine-unavailable", title="X", status=503, detail="Staff is away.")
    hub, _ = with_realms(UnavailableError(problem))
    with pytest.raises(LoginRefusedError, match="Staff is away") as refused:
        log_in(hub, {"realm": "staff", "username": "ada", "password": "x"})
    assert (refused.value.status_code, refused.value.realm) == (503, "staff")
