"""The second factor through the application, and the attacks on it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from hops_contract.principal import ProjectRole
from hops_platform.audit.models import AuditEvent
from hops_platform.migrations.tables import all_tables
from hops_platform.second_factor import service
from hops_platform.second_factor.challenges import LIFETIME
from hops_platform.second_factor.codes import RECOVERY_CODES, STEP_S, code_of, step_at
from hops_platform.second_factor.models import RecoveryCode, SecondFactor
from hops_platform.security.throttling import FREE_ATTEMPTS
from hops_platform.settings import SecondFactorRule
from hops_platform.users import log_ins
from hops_platform.users.models import User, find_user

PASSWORD = "correct horse battery"
KIND = "urn:hopslab:problem:"


class Clock:
    """The time by which codes are judged; it goes on when the test says so."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment

    def go_on(self, steps: int = 1) -> None:
        self.moment += timedelta(seconds=steps * STEP_S)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log_ins, "now", clock)
    monkeypatch.setattr(service, "now", clock)
    return clock


class Person:
    """Somebody with a second factor."""

    def __init__(self, hops: Any, clock: Clock, name: str = "ada") -> None:
        self.hops, self.clock, self.name = hops, clock, name
        self.client = hops.user(name)
        begun = self.client.post("me/second-factor", json={"password": PASSWORD})
        assert begun.status_code == 200, begun.text
        self.begun = begun.json()
        self.secret = self.begun["secret"]
        self.confirmed = self.client.post("./me/second-factor:confirm", json={"code": self.code()})
        assert self.confirmed.status_code == 200, self.confirmed.text
        self.recovery_codes = self.confirmed.json()["recovery_codes"]
        clock.go_on()

    def code(self, steps: int = 0) -> str:
        return code_of(self.secret, step_at(self.clock()) + steps)

    def wrong_code(self) -> str:
        right = {self.code(steps) for steps in (-2, -1, 0, 1, 2)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right)

    def log_in(self, code: str | None = None, password: str = PASSWORD) -> Any:
        body = {"username": self.name, "password": password} | ({"code": code} if code is not None else {})
        return self.hops.anonymous().post("tokens", json=body)

    def answer(self, challenge: str, code: str) -> Any:
        return self.hops.anonymous().post("tokens", json={"challenge": challenge, "code": code})


@pytest.fixture
def ada(hops: Any, clock: Clock) -> Person:
    return Person(hops, clock)


def kind_of(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix(KIND)


def test_a_second_factor_is_asked_for_at_each_log_in(ada: Person) -> None:
    asked = ada.log_in()
    assert (asked.status_code, kind_of(asked)) == (401, "second-factor-needed")
    assert ada.log_in(ada.code()).status_code == 200
    ada.clock.go_on()
    done = ada.answer(asked.json()["challenge"], ada.code())
    assert (done.status_code, done.json()["user"]) == (200, "ada")
    assert ada.hops.with_token(done.json()["token"]).get("me").json()["name"] == "ada"


def test_it_counts_only_when_a_code_has_confirmed_it(hops: Any, clock: Clock) -> None:
    client = hops.user("ada")
    begun = client.post("me/second-factor", json={"password": PASSWORD}).json()
    log_in = {"username": "ada", "password": PASSWORD}
    assert hops.anonymous().post("tokens", json=log_in).status_code == 200
    right = {code_of(begun["secret"], step_at(clock()) + steps) for steps in (-1, 0, 1)}
    wrong = next(code for code in ("000000", "111111", "222222", "333333") if code not in right)
    assert client.post("./me/second-factor:confirm", json={"code": wrong}).status_code == 422
    assert hops.anonymous().post("tokens", json=log_in).status_code == 200
    again = client.post("me/second-factor", json={"password": PASSWORD}).json()
    assert again["secret"] != begun["secret"], "who begins again gets another"


def test_who_does_not_know_the_password_is_told_nothing(ada: Person, hops: Any) -> None:
    hops.create_user("bob")
    answers = []
    for name in ("ada", "bob", "nobody"):
        for code in ({}, {"code": ada.code()}):
            body = {"username": name, "password": "wrong password"} | code
            answers.append(hops.anonymous().post("tokens", json=body).json())
    assert all(answer == answers[0] for answer in answers)
    assert kind_of(ada.log_in(password="wrong password")) == "wrong-credentials"


def test_a_code_is_good_once(ada: Person) -> None:
    code = ada.code()
    assert ada.log_in(code).status_code == 200
    refused = ada.log_in(code)
    assert (refused.status_code, kind_of(refused)) == (401, "wrong-code")
    ada.clock.go_on()
    assert ada.log_in(code).status_code == 401, "nor in the next step, in whose window it is"
    assert ada.log_in(ada.code()).status_code == 200


def test_the_code_that_confirmed_is_good_no_more(hops: Any, clock: Clock) -> None:
    ada = Person(hops, clock)
    assert ada.log_in(ada.code(-1)).status_code == 401


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (1, 200), (2, 401)])
def test_codes_of_another_time_are_refused(ada: Person, steps: int, status: int) -> None:
    ada.clock.go_on(5)
    assert ada.log_in(ada.code(steps)).status_code == status


def test_guessing_codes_locks_the_name_though_the_password_is_right(ada: Person) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert kind_of(ada.log_in(ada.wrong_code())) == "wrong-code"
    assert kind_of(ada.log_in(ada.code())) == "locked-out"


def test_a_right_password_alone_forgives_no_guesses_of_codes(ada: Person) -> None:
    for _ in range(FREE_ATTEMPTS - 1):
        ada.log_in(ada.wrong_code())
        assert kind_of(ada.log_in()) == "second-factor-needed"
        # The same of one who is logged in.
        ada.client.put("me/password", json={"old_password": PASSWORD, "new_password": PASSWORD})
    ada.log_in(ada.wrong_code())
    assert kind_of(ada.log_in()) == "locked-out"


def test_codes_are_not_guessed_with_a_challenge_either(ada: Person) -> None:
    challenge = ada.log_in().json()["challenge"]
    for _ in range(FREE_ATTEMPTS):
        assert kind_of(ada.answer(challenge, ada.wrong_code())) == "wrong-code"
    assert kind_of(ada.answer(challenge, ada.code())) == "locked-out"


def test_codes_are_not_guessed_by_one_who_found_an_open_browser(ada: Person) -> None:
    body = {"password": PASSWORD, "code": ada.wrong_code()}
    for _ in range(FREE_ATTEMPTS):
        assert kind_of(ada.client.post("./me/second-factor:turn-off", json=body)) == "wrong-code"
    body["code"] = ada.code()
    assert kind_of(ada.client.post("./me/second-factor:turn-off", json=body)) == "locked-out"


def test_a_right_code_forgives_earlier_failures(ada: Person) -> None:
    for _ in range(2):
        for _ in range(FREE_ATTEMPTS - 1):
            ada.log_in(ada.wrong_code())
        assert ada.log_in(ada.code()).status_code == 200
        ada.clock.go_on()


def test_a_challenge_ends_after_some_minutes_and_with_the_password(ada: Person) -> None:
    old = ada.log_in().json()["challenge"]
    ada.clock.moment += LIFETIME
    assert kind_of(ada.answer(old, ada.code())) == "unauthenticated"
    challenge = ada.log_in().json()["challenge"]
    ada.client.put("me/password", json={"old_password": PASSWORD, "new_password": PASSWORD + "!"}).raise_for_status()
    assert kind_of(ada.answer(challenge, ada.code())) == "unauthenticated"


@pytest.mark.parametrize("challenge", ["x", "é", "A" * 100])
def test_a_made_up_challenge_is_refused(ada: Person, challenge: str) -> None:
    assert kind_of(ada.answer(challenge, ada.code())) == "unauthenticated"


def test_a_recovery_code_is_good_once(ada: Person) -> None:
    assert len(set(ada.recovery_codes)) == RECOVERY_CODES
    code = ada.recovery_codes[0]
    assert ada.log_in(code.upper().replace("-", " ")).status_code == 200
    assert kind_of(ada.log_in(code)) == "wrong-code"
    assert ada.client.get("me/second-factor").json()["recovery_codes_left"] == RECOVERY_CODES - 1
    assert ada.log_in(ada.recovery_codes[1]).status_code == 200


def test_one_persons_codes_let_in_nobody_else(hops: Any, clock: Clock, ada: Person) -> None:
    bob = Person(hops, clock, "bob")
    for code in (ada.code(), ada.recovery_codes[0]):
        if code != bob.code():
            assert bob.log_in(code).status_code == 401
    assert ada.log_in(ada.recovery_codes[0]).status_code == 200


def test_a_secret_moved_into_anothers_row_opens_nothing(hops: Any, clock: Clock, ada: Person) -> None:
    bob = Person(hops, clock, "bob")
    with hops.platform.parts.database.session() as session:
        rows = {row.user_id: row for row in session.scalars(select(SecondFactor))}
        mine = rows.pop(find_user(session, "ada").id)
        (other,) = rows.values()
        other.sealed_secret = mine.sealed_secret
    assert bob.log_in(ada.code()).status_code == 500


def test_new_recovery_codes_end_the_old_ones(ada: Person) -> None:
    answer = ada.client.post("./me/second-factor:renew-recovery-codes", json={"password": PASSWORD, "code": ada.code()})
    assert answer.status_code == 200
    assert not set(answer.json()["recovery_codes"]) & set(ada.recovery_codes)
    assert ada.log_in(ada.recovery_codes[0]).status_code == 401
    assert ada.log_in(answer.json()["recovery_codes"][0]).status_code == 200


def test_it_is_turned_off_with_password_and_code(ada: Person) -> None:
    turn_off = "./me/second-factor:turn-off"
    wrong = {"password": "wrong password", "code": ada.code()}
    assert kind_of(ada.client.post(turn_off, json=wrong)) == "wrong-credentials"
    assert kind_of(ada.client.post(turn_off, json={"password": PASSWORD})) == "second-factor-needed"
    assert ada.client.post(turn_off, json={"password": PASSWORD, "code": ada.code()}).status_code == 204
    assert ada.log_in().status_code == 200
    with ada.hops.platform.parts.database.session(writes=False) as session:
        assert session.scalars(select(RecoveryCode)).all() == []
    assert ada.client.post(turn_off, json={"password": PASSWORD, "code": ada.code()}).status_code == 409


def test_an_open_browser_is_not_enough_to_lock_its_owner_out(hops: Any) -> None:
    client = hops.user("ada")
    assert client.post("me/second-factor", json={"password": "wrong password"}).status_code == 401


def test_one_that_counts_is_not_replaced(ada: Person) -> None:
    assert ada.client.post("me/second-factor", json={"password": PASSWORD}).status_code == 409
    assert ada.client.post("./me/second-factor:confirm", json={"code": ada.code()}).status_code == 409


def test_an_administrator_resets_it_and_never_sees_it(ada: Person) -> None:
    root = ada.hops.user("root", admin=True)
    shown = root.get("users/ada")
    assert shown.json()["second_factor"] is True
    assert ada.secret not in shown.text
    assert root.delete("users/ada/second-factor").status_code == 204
    assert ada.log_in().status_code == 200
    assert root.delete("users/ada/second-factor").status_code == 404


def test_an_administrator_does_not_get_around_the_own_one(hops: Any, clock: Clock, ada: Person) -> None:
    root = hops.user("root", admin=True)
    root.patch("users/ada", json={"admin": True}).raise_for_status()
    assert ada.client.delete("users/ada/second-factor").status_code == 409
    assert kind_of(ada.log_in()) == "second-factor-needed"


def test_secrets_stand_sealed_in_the_database_and_in_no_log(
    hops: Any, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ada = Person(hops, clock)
    challenge = ada.log_in().json()["challenge"]
    code = ada.code()
    ada.answer(challenge, code)
    secrets = [ada.secret, ada.recovery_codes[0], ada.recovery_codes[0].replace("-", ""), challenge]
    assert not [secret for secret in [*secrets, PASSWORD] if secret in caplog.text]
    with hops.platform.parts.database.session(writes=False) as session:
        for table in all_tables().sorted_tables:
            for row in session.execute(text(f'SELECT * FROM "{table.name}"')):  # noqa: S608 - names of our own
                said = repr(tuple(bytes(value) if isinstance(value, memoryview) else value for value in row))
                assert not [secret for secret in secrets if secret in said]


# Where a site asks everybody for one


@pytest.fixture
def required(hops: Any) -> Any:
    hops.platform.parts.settings.second_factor = SecondFactorRule.REQUIRED
    return hops


def test_where_it_is_required_one_without_can_only_set_it_up(required: Any, clock: Clock) -> None:
    client = required.user("ada")
    refused = client.get("projects")
    assert (refused.status_code, kind_of(refused)) == (403, "second-factor-set-up-needed")
    assert client.get("me").json()["second_factor_needed"] is True
    ada = Person(required, clock, "bob")
    assert ada.client.get("projects").status_code == 200
    assert ada.client.get("me").json()["second_factor_needed"] is False


def test_where_it_is_required_codes_token_is_not_renewed_without(required: Any, clock: Clock) -> None:
    required.create_user("grace")
    ada = Person(required, clock)
    required.ready_project(ada.client)
    code = required.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    assert code.post("./tokens:renew").status_code == 200
    required.user("root", admin=True)
    clerk = Person(required, clock, "clerk")
    with required.platform.parts.database.session() as session:
        session.get_one(User, session.scalar(select(User.id).where(User.name == "clerk"))).admin = True
    assert clerk.client.delete("users/ada/second-factor").status_code == 204
    assert code.post("./tokens:renew").status_code == 403
    assert ada.client.post("./tokens:renew").status_code in (200, 401), "a person may come back to set one up"


def test_where_it_is_required_no_other_proof_gets_around_it(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    key = ada.post("me/api-keys", json={"name": "k", "scopes": ["projects:read", "sessions:run"]}).json()["key"]
    token = hops.platform.parts.signer.sign_project_user("ada", project="weather", role=ProjectRole.DATA_OWNER)
    hops.platform.parts.settings.second_factor = SecondFactorRule.REQUIRED
    for proof in (key, token.token):
        assert kind_of(hops.with_token(proof).get("projects/weather")) == "second-factor-set-up-needed"
    exchanged = hops.anonymous().post("tokens", json={"api_key": key, "project": "weather"})
    assert kind_of(exchanged) == "second-factor-set-up-needed"
    granted = hops.hub().post("projects/weather/server-grants", json={"user": "ada", "options": None})
    assert kind_of(granted) == "second-factor-set-up-needed"
    assert hops.browser("ada").get("projects").status_code == 403


def test_all_of_it_is_in_the_audit(ada: Person, hops: Any) -> None:
    challenge = ada.log_in().json()["challenge"]
    ada.hops.anonymous().post("tokens", json={"challenge": challenge, "code": ada.wrong_code()})
    again = hops.anonymous().post("tokens", json={"challenge": challenge, "code": ada.code()})
    assert again.status_code == 200, again.text
    hops.user("root", admin=True).delete("users/ada/second-factor")
    hops.platform.parts.refusals.flush(all_of_them=True)
    with hops.platform.parts.database.session(writes=False) as session:
        found = {(row.action, row.thing, row.outcome, row.actor) for row in session.scalars(select(AuditEvent))}
    assert {
        ("second-factor.begin", "ada", "done", "ada"),
        ("second-factor.confirm", "ada", "done", "ada"),
        ("login.password", "ada", "refused", ""),
        ("login.code", "ada", "refused", ""),
        ("login.code", "ada", "done", "ada"),
        ("second-factor.reset", "ada", "done", "root"),
    } <= found
