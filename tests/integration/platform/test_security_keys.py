"""Security keys through the application, and the attacks on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hops_platform.database import now
from hops_platform.second_factor.codes import code_of, step_at
from hops_platform.security.throttling import FREE_ATTEMPTS
from hops_platform.security_keys.models import KeyChallenge, SecurityKey
from hops_platform.settings import SecondFactorRule
from tests.soft_key import ORIGIN, SoftKey, encode

from .conftest import ON_SQLITE

pytestmark = ON_SQLITE
PASSWORD = "correct horse battery"
KIND = "urn:hopslab:problem:"


class Person:
    """Somebody with a security key."""

    def __init__(self, hops: Any, name: str = "ada") -> None:
        self.hops, self.name, self.key = hops, name, SoftKey()
        self.client = hops.user(name)
        self.added = self.add(self.key, self.begin({"password": PASSWORD}))
        assert self.added.status_code == 201, self.added.text
        self.codes = self.added.json()["recovery_codes"]

    def begin(self, proof: dict[str, Any]) -> dict[str, Any]:
        begun = self.client.post("./me/security-keys:begin", json=proof)
        assert begun.status_code == 200, begun.text
        return dict(begun.json()["options"])

    def add(self, key: SoftKey, options: dict[str, Any], name: str = "key ring", **changed: Any) -> Any:
        return self.client.post("me/security-keys", json={"name": name, "credential": key.make(options, **changed)})

    def asked(self) -> tuple[str, dict[str, Any]]:
        answer = self.hops.anonymous().post("tokens", json={"username": self.name, "password": PASSWORD})
        assert (answer.status_code, kind_of(answer)) == (401, "second-factor-needed"), answer.text
        return str(answer.json()["challenge"]), dict(answer.json()["security_key"])

    def answer(self, challenge: str, assertion: dict[str, Any]) -> Any:
        return self.hops.anonymous().post("tokens", json={"challenge": challenge, "assertion": assertion})


def kind_of(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix(KIND)


@pytest.fixture
def site(hops: Any) -> Any:
    hops.platform.parts.settings.public_url = f"{ORIGIN}/"
    return hops


@pytest.fixture
def ada(site: Any) -> Person:
    return Person(site)


def test_a_key_lets_in_after_the_password(site: Any, ada: Person) -> None:
    challenge, options = ada.asked()
    assert options["rpId"] == "hops.example.org"
    assert [one["id"] for one in options["allowCredentials"]] == [encode(ada.key.credential_id)]
    done = ada.answer(challenge, ada.key.answer(options))
    assert (done.status_code, done.json()["user"]) == (200, "ada")
    assert site.with_token(done.json()["token"]).get("me").status_code == 200
    shown = ada.client.get("me/security-keys").json()
    assert shown["origin"] == ORIGIN
    assert (shown["items"][0]["name"], shown["items"][0]["last_used_at"] is not None) == ("key ring", True)
    assert site.user("root-ada", admin=True).get("users/ada").json()["second_factor"] is True


def test_the_first_second_factor_brings_recovery_codes_and_they_let_in(ada: Person, site: Any) -> None:
    assert len(ada.codes) == 10
    challenge, _ = ada.asked()
    body = {"challenge": challenge, "code": ada.codes[0]}
    assert site.anonymous().post("tokens", json=body).status_code == 200
    assert kind_of(site.anonymous().post("tokens", json=body)) == "wrong-code"
    assert ada.client.get("me/second-factor").json() == {
        "on": False, "since": None, "recovery_codes_left": 9, "required": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://hops.example.org.evil.example"}, {"origin": "http://hops.example.org"},
        {"rp_id": "evil.example"}, {"challenge": encode(b"x" * 32)}, {"type": "webauthn.create"}, {"flags": 0},
    ],
)  # fmt: skip
def test_an_answer_to_another_site_or_question_is_refused(ada: Person, changed: dict[str, Any]) -> None:
    challenge, options = ada.asked()
    refused = ada.answer(challenge, ada.key.answer(options, **changed))
    assert (refused.status_code, kind_of(refused)) == (401, "wrong-code")


def test_an_answer_is_good_once(ada: Person) -> None:
    challenge, options = ada.asked()
    assertion = ada.key.answer(options)
    assert ada.answer(challenge, assertion).status_code == 200
    assert kind_of(ada.answer(challenge, assertion)) == "wrong-code"
    assert kind_of(ada.answer(challenge, ada.key.answer(options))) == "wrong-code"


def test_an_answer_to_one_log_in_finishes_no_other(ada: Person) -> None:
    first, first_options = ada.asked()
    second, _ = ada.asked()
    assertion = ada.key.answer(first_options)
    assert kind_of(ada.answer(second, assertion)) == "wrong-code"
    assert ada.answer(first, assertion).status_code == 200


def test_another_users_key_is_refused(site: Any, ada: Person) -> None:
    bob = Person(site, "bob")
    challenge, options = ada.asked()
    assert kind_of(ada.answer(challenge, bob.key.answer(options))) == "wrong-code"
    challenge, options = ada.asked()
    bobs_challenge, bobs_options = bob.asked()
    assert kind_of(ada.answer(challenge, bob.key.answer(bobs_options))) == "wrong-code"
    stolen = bob.key.answer(options)
    stolen["id"] = stolen["rawId"] = encode(ada.key.credential_id)
    challenge, _ = ada.asked()
    assert kind_of(ada.answer(challenge, stolen)) == "wrong-code"
    assert bob.answer(bobs_challenge, bob.key.answer(bobs_options)).status_code == 200


def test_a_question_ends(site: Any, ada: Person) -> None:
    challenge, options = ada.asked()
    with site.platform.parts.database.session() as session:
        for row in session.scalars(select(KeyChallenge)):
            row.expires_at = now() - timedelta(seconds=1)
    assert kind_of(ada.answer(challenge, ada.key.answer(options))) == "wrong-code"


def test_a_copy_of_a_key_is_refused_by_its_count(ada: Person) -> None:
    for count, status in ((5, 200), (5, 401), (4, 401), (6, 200)):
        challenge, options = ada.asked()
        assert ada.answer(challenge, ada.key.answer(options, count=count)).status_code == status


def test_failed_answers_lock_the_name(ada: Person) -> None:
    for _ in range(FREE_ATTEMPTS):
        challenge, options = ada.asked()
        ada.answer(challenge, SoftKey().answer(options))
    answer = ada.hops.anonymous().post("tokens", json={"username": "ada", "password": PASSWORD})
    assert kind_of(answer) == "locked-out"


def test_who_does_not_know_the_password_is_asked_for_no_key(ada: Person, site: Any) -> None:
    answers = [
        site.anonymous().post("tokens", json={"username": name, "password": "wrong password"}).json()
        for name in ("ada", "nobody")
    ]
    assert answers[0] == answers[1]


def test_another_key_needs_the_one_that_is_there(ada: Person) -> None:
    asked = ada.client.post("./me/security-keys:begin", json={"password": PASSWORD})
    assert kind_of(asked) == "second-factor-needed"
    proof = {"challenge": asked.json()["challenge"], "assertion": ada.key.answer(asked.json()["security_key"])}
    options = ada.begin(proof)
    assert [one["id"] for one in options["excludeCredentials"]] == [encode(ada.key.credential_id)]
    assert ada.add(SoftKey(), options).status_code == 409, "the name is taken"
    options = ada.begin({"password": PASSWORD, "code": ada.codes[1]})
    added = ada.add(SoftKey(), options, "in the safe")
    assert (added.status_code, added.json()["recovery_codes"]) == (201, [])
    assert len(ada.client.get("me/security-keys").json()["items"]) == 2


def test_a_proof_of_another_person_is_none(site: Any, ada: Person) -> None:
    bob = Person(site, "bob")
    challenge, options = bob.asked()
    proof = {"challenge": challenge, "assertion": bob.key.answer(options)}
    assert ada.client.post("./me/security-keys:begin", json=proof).status_code == 401


@pytest.mark.parametrize(
    "changed", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"challenge": encode(b"x" * 32)}]
)
def test_a_key_made_elsewhere_is_not_registered(ada: Person, changed: dict[str, Any]) -> None:
    options = ada.begin({"password": PASSWORD, "code": ada.codes[1]})
    assert ada.add(SoftKey(), options, "other", **changed).status_code == 422


def test_what_was_asked_of_one_registers_no_key_of_another(site: Any, ada: Person) -> None:
    bob = Person(site, "bob")
    options = bob.begin({"password": PASSWORD, "code": bob.codes[0]})
    assert ada.add(SoftKey(), options, "other").status_code == 422
    challenge, log_in = bob.asked()
    assert challenge
    as_if = {"rp": {"id": log_in["rpId"]}, "challenge": log_in["challenge"]}
    assert bob.add(SoftKey(), as_if, "other").status_code == 422, "nor does what a log-in asked"
    key = SoftKey()
    assert bob.add(key, options, "other").status_code == 201
    assert bob.add(key, options, "again").status_code == 422, "once"


def test_a_key_is_registered_once_for_one_user(site: Any, ada: Person) -> None:
    bob = Person(site, "bob")
    options = bob.begin({"password": PASSWORD, "code": bob.codes[0]})
    assert bob.add(ada.key, options, "found").status_code == 409


def test_a_key_is_removed_with_a_proof_and_the_last_takes_recovery_codes_along(site: Any, ada: Person) -> None:
    (shown,) = ada.client.get("me/security-keys").json()["items"]
    path = f"./me/security-keys/{shown['id']}:remove"
    assert kind_of(ada.client.post(path, json={"password": PASSWORD})) == "second-factor-needed"
    assert site.user("eve").post(path, json={"password": PASSWORD}).status_code == 404
    assert ada.client.post(path, json={"password": PASSWORD, "code": ada.codes[0]}).status_code == 204
    rows = site.user("root-ada", admin=True).get("audit-events", params={"actor": "ada"}).json()["items"]
    told = {(row["action"], row["outcome"], row["thing"]) for row in rows}
    assert {("security-key.add", "done", shown["name"]), ("security-key.remove", "done", shown["name"])} <= told
    assert ada.client.get("me/second-factor").json()["recovery_codes_left"] == 0
    answer = site.anonymous().post("tokens", json={"username": "ada", "password": PASSWORD})
    assert answer.status_code == 200


def test_no_api_key_touches_them(ada: Person, site: Any) -> None:
    made = ada.client.post("me/api-keys", json={"name": "k", "scopes": ["projects:read", "projects:write"]})
    client = site.with_token(made.json()["key"])
    assert client.get("me/security-keys").status_code == 403
    assert client.post("./me/security-keys:begin", json={"password": PASSWORD}).status_code == 403


def test_an_administrator_resets_keys_too(ada: Person, site: Any) -> None:
    assert site.user("root-ada", admin=True).delete("users/ada/second-factor").status_code == 204
    with site.platform.parts.database.session() as session:
        assert session.scalars(select(SecurityKey)).all() == []
    answer = site.anonymous().post("tokens", json={"username": "ada", "password": PASSWORD})
    assert answer.status_code == 200


def test_where_a_second_factor_is_asked_of_everybody_a_key_is_one(site: Any) -> None:
    site.platform.parts.settings.second_factor = SecondFactorRule.REQUIRED
    ada = Person(site)
    assert ada.client.get("projects").status_code == 200
    assert site.user("eve").get("projects").status_code == 403


def test_an_app_does_not_pass_by_a_key_and_stands_beside_it(ada: Person, site: Any) -> None:
    refused = ada.client.post("me/second-factor", json={"password": PASSWORD})
    assert kind_of(refused) == "second-factor-needed", "the password alone sets none up"
    proof = {"challenge": refused.json()["challenge"], "assertion": ada.key.answer(refused.json()["security_key"])}
    secret = ada.client.post("me/second-factor", json=proof).json()["secret"]
    step = step_at(now())
    codes = ada.client.post("./me/second-factor:confirm", json={"code": code_of(secret, step)}).json()
    challenge, options = ada.asked()
    assert ada.answer(challenge, ada.key.answer(options)).status_code == 200
    body = {"challenge": challenge, "code": code_of(secret, step + 1)}
    assert site.anonymous().post("tokens", json=body).status_code == 200
    proof = {"password": PASSWORD, "code": codes["recovery_codes"][0]}
    assert ada.client.post("./me/second-factor:turn-off", json=proof).status_code == 204
    assert ada.client.get("me/second-factor").json() == {
        "on": False, "since": None, "recovery_codes_left": 9, "required": False,
    }  # fmt: skip
    challenge, options = ada.asked()
    assert ada.answer(challenge, ada.key.answer(options)).status_code == 200


def test_where_keys_do_not_work_it_is_said_and_codes_do(hops: Any, ada: Person) -> None:
    hops.platform.parts.settings.public_url = "http://192.0.2.7/"
    assert ada.client.get("me/security-keys").json()["origin"] is None
    answer = hops.anonymous().post("tokens", json={"username": "ada", "password": PASSWORD})
    assert "security_key" not in answer.json()
    body = {"challenge": answer.json()["challenge"], "code": ada.codes[0]}
    assert hops.anonymous().post("tokens", json=body).status_code == 200
    refused = ada.client.post("./me/security-keys:begin", json={"password": PASSWORD, "code": ada.codes[1]})
    assert (refused.status_code, "HOPS_PUBLIC_URL" in refused.json()["remedy"]) == (409, True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a | {"id": "é"}, lambda a: a | {"type": "password"}, lambda a: a | {"response": {}},
        lambda a: a | {"id": "A" * 1401}, lambda a: a | {"response": a["response"] | {"signature": "A" * 12_001}},
        lambda a: a | {"response": a["response"] | {"authenticatorData": "AAAA"}}, lambda a: a | {"id": "AAA"},
    ],
)  # fmt: skip
def test_rubbish_is_refused_without_a_fault(ada: Person, spoil: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    challenge, options = ada.asked()
    assert ada.answer(challenge, spoil(ada.key.answer(options))).status_code in (401, 422)
