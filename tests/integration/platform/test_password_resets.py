"""Forgotten passwords, the addresses that links are sent to, and the attacks on both."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from hops_platform.addresses.service import set_address
from hops_platform.database import now
from hops_platform.errors import EngineUnavailableError
from hops_platform.links.models import OneTimeLink, Purpose
from hops_platform.migrations.tables import all_tables
from hops_platform.outbox import Delivery
from hops_platform.password_resets import service
from hops_platform.security.rates import GUESSES
from hops_platform.security.throttling import FREE_ATTEMPTS, record_failure
from hops_platform.users.models import find_user

from .conftest import ON_SQLITE

PASSWORD = "correct horse battery"
# What the two databases do differently is in test_ways_in_on_both.py.
pytestmark = ON_SQLITE
NEW = "four unrelated words"


def give_address(hops: Any, name: str, address: str) -> None:
    with hops.platform.parts.database.session() as session:
        set_address(session, find_user(session, name), address)


def token_in(letter: Any) -> str:
    (line,) = [line for line in letter.text.splitlines() if "#" in line]
    return str(line.partition("#")[2])


def log_in(hops: Any, password: str, name: str = "ada") -> int:
    return int(hops.anonymous().post("tokens", json={"username": name, "password": password}).status_code)


class Forgetful:
    """Somebody who asks for a new password."""

    def __init__(self, hops: Any) -> None:
        self.hops = hops
        self.client = hops.user("ada")
        give_address(hops, "ada", "Ada@example.org")

    def ask(self, who: str = "ada") -> Any:
        return self.hops.anonymous().post("password-resets", json={"who": who})

    def token(self, who: str = "ada") -> str:
        self.ask(who).raise_for_status()
        self.hops.deliver()
        return token_in(self.hops.platform.mailer.sent[-1])

    def finish(self, token: str, password: str = NEW, **more: Any) -> Any:
        body = {"token": token, "password": password, **more}
        return self.hops.anonymous().post("./password-resets:finish", json=body)


@pytest.fixture
def ada(hops: Any) -> Forgetful:
    return Forgetful(hops)


@pytest.mark.parametrize("who", ["ada", " ADA@EXAMPLE.org "])
def test_a_forgotten_password_is_replaced_by_a_link_that_is_good_once(hops: Any, ada: Forgetful, who: str) -> None:
    token = ada.token(who)
    letter = hops.platform.mailer.sent[-1]
    assert letter.to == "Ada@example.org"
    assert f"/services/hops/reset-password#{token}" in letter.text
    done = ada.finish(token)
    assert (done.status_code, done.json()) == (200, {"user": "ada"})
    assert (log_in(hops, PASSWORD), log_in(hops, NEW)) == (401, 200)
    assert ada.client.get("me").status_code == 401, "tokens of before have ended"
    assert ada.finish(token, "another good password").status_code == 404
    hops.deliver()
    assert "password of the user ada was changed" in hops.platform.mailer.sent[-1].text


def test_whoever_asks_learns_nothing(hops: Any, ada: Forgetful) -> None:
    hops.create_user("bob")
    answers = [ada.ask(who) for who in ("ada", "bob", "nobody", "eve@example.org", "ada@example.org", "🙂", "x y")]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    with hops.platform.parts.database.session() as session:
        waiting = session.scalars(select(Delivery).where(Delivery.channel == "mail")).all()
        assert len(waiting) == len(answers), "the same is written for every name"
        assert "example.org" not in str([row.payload for row in waiting])
    hops.deliver()
    assert {letter.to for letter in hops.platform.mailer.sent} == {"Ada@example.org"}


def test_an_inactive_user_gets_no_link_and_an_earlier_one_ends(hops: Any, ada: Forgetful) -> None:
    token = ada.token()
    hops.user("root-ada", admin=True).patch("users/ada", json={"active": False}).raise_for_status()
    ada.ask()
    hops.deliver()
    assert len(hops.platform.mailer.sent) == 1
    assert ada.finish(token).status_code == 404


@pytest.mark.parametrize("token", ["x", "é", "A" * 43, "'; DROP TABLE users; --"])
def test_made_up_links_get_one_answer(ada: Forgetful, token: str) -> None:
    used = ada.token()
    ada.finish(used)
    first, second = ada.finish(token), ada.finish(used)
    assert (first.status_code, first.json()) == (404, second.json())


def test_a_link_ends(hops: Any, ada: Forgetful) -> None:
    token = ada.token()
    with hops.platform.parts.database.session() as session:
        session.scalars(select(OneTimeLink)).one().expires_at = now() - timedelta(seconds=1)
    assert ada.finish(token).status_code == 404


def test_a_link_for_something_else_resets_nothing(hops: Any, ada: Forgetful) -> None:
    token = ada.token()
    with hops.platform.parts.database.session() as session:
        session.scalars(select(OneTimeLink)).one().purpose = Purpose.ADDRESS.value
    assert ada.finish(token).status_code == 404


def test_a_link_of_an_address_that_is_no_longer_the_users_is_not_good(hops: Any, ada: Forgetful) -> None:
    token = ada.token()
    give_address(hops, "ada", "new@example.org")
    assert ada.finish(token).status_code == 404
    assert log_in(hops, PASSWORD) == 200


def test_with_the_password_all_other_links_end(ada: Forgetful) -> None:
    first, second = ada.token(), ada.token()
    assert ada.finish(second).status_code == 200
    assert ada.finish(first).status_code == 404


def test_a_password_that_is_refused_costs_no_link(ada: Forgetful) -> None:
    token = ada.token()
    assert ada.finish(token, "short").status_code == 422
    assert ada.finish(token).status_code == 200


def test_guessing_links_is_bounded_and_tells_nothing_of_good_ones(hops: Any, ada: Forgetful) -> None:
    token = ada.token()
    for _ in range(GUESSES.most):
        assert ada.finish("guess").status_code == 404
    refused = ada.finish(token)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    elsewhere = hops.anonymous()
    elsewhere.headers["X-Forwarded-For"] = "192.0.2.9"
    assert elsewhere.post("./password-resets:finish", json={"token": token, "password": NEW}).status_code == 429, (
        "who is connected here directly is believed nothing of where they are"
    )


@pytest.mark.parametrize("who", ["ada", "nobody"])
def test_nobody_is_written_to_without_end(ada: Forgetful, who: str) -> None:
    answers = [ada.ask(who).status_code for _ in range(service.ASKED_FOR_ONE.most + 1)]
    assert answers == [202] * service.ASKED_FOR_ONE.most + [429]


def test_no_client_asks_for_everybody(ada: Forgetful) -> None:
    answers = [ada.ask(f"user{number}").status_code for number in range(service.ASKED_BY_CLIENT.most + 1)]
    assert answers[-1] == 429


def test_keys_stay_unless_they_shall_end_too(ada: Forgetful, hops: Any) -> None:
    made = ada.client.post("me/api-keys", json={"name": "report", "scopes": ["projects:read"]})
    key = hops.with_token(made.json()["key"])
    assert ada.finish(ada.token()).status_code == 200
    assert key.get("me").status_code == 200
    assert ada.finish(ada.token(), "one more password", end_keys=True).status_code == 200
    assert key.get("me").status_code == 401


def test_keys_that_ended_with_a_password_stay_ended(ada: Forgetful, hops: Any) -> None:
    made = ada.client.post("me/api-keys", json={"name": "report", "scopes": ["projects:read"]})
    key = hops.with_token(made.json()["key"])
    ada.client.put("me/password", json={"old_password": PASSWORD, "new_password": NEW}).raise_for_status()
    assert ada.finish(ada.token(), "one more password").status_code == 200
    assert key.get("me").status_code == 401


def test_browsers_end_with_the_password(hops: Any, ada: Forgetful) -> None:
    browser = hops.browser("ada")
    assert browser.get("me").status_code == 200
    ada.finish(ada.token()).raise_for_status()
    assert browser.get("me").status_code == 401


def test_a_reset_ends_a_lock_out_but_not_where_a_second_factor_could_be_guessed(
    hops: Any, ada: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    for guarded, status in ((False, 200), (True, 429)):
        monkeypatch.setattr("hops_platform.users.passwords.has_second_factor", lambda *_, guarded=guarded: guarded)
        with hops.platform.parts.database.session() as session:
            for _ in range(FREE_ATTEMPTS):
                record_failure(session, "ada")
        new = f"{NEW} {guarded}"
        ada.finish(ada.token(), new).raise_for_status()
        assert log_in(hops, new) == status


def test_a_mail_server_that_is_away_delays_a_letter_and_loses_none(hops: Any, ada: Forgetful) -> None:
    hops.platform.mailer.fault = EngineUnavailableError("The mail server does not answer.")
    ada.ask()
    hops.deliver()
    hops.platform.mailer.fault = None
    with hops.platform.parts.database.session() as session:
        row = session.scalars(select(Delivery)).one()
        assert row.last_error == "The mail server does not answer."
        row.due_at = now()
    hops.deliver()
    assert ada.finish(token_in(hops.platform.mailer.sent[-1])).status_code == 200


def test_a_letter_that_comes_too_late_is_not_sent(hops: Any, ada: Forgetful) -> None:
    ada.ask()
    with hops.platform.parts.database.session() as session:
        row = session.scalars(select(Delivery)).one()
        row.payload = {**row.payload, "until": now().isoformat()}
    hops.deliver()
    assert hops.platform.mailer.sent == []


def test_without_mail_an_administrator_hands_a_link_over(hops: Any, ada: Forgetful) -> None:
    hops.platform.mailer.sends = False
    refused = ada.ask()
    assert (refused.status_code, "administrator" in refused.json()["remedy"]) == (409, True)
    admin = hops.user("root-ada", admin=True)
    first = admin.post("users/ada/password-reset-link").json()["link"].partition("#")[2]
    second = admin.post("users/ada/password-reset-link").json()["link"].partition("#")[2]
    assert ada.finish(first).status_code == 404
    assert ada.finish(second).status_code == 200
    assert log_in(hops, NEW) == 200
    assert ada.client.post("users/ada/password-reset-link").status_code in (401, 403)
    assert hops.user("eve").post("users/ada/password-reset-link").status_code == 403


def test_no_key_gives_links(hops: Any, ada: Forgetful) -> None:
    admin = hops.user("root-ada", admin=True)
    key = admin.post("me/api-keys", json={"name": "site", "scopes": ["site:write", "site:read"]}).json()["key"]
    assert hops.with_token(key).post("users/ada/password-reset-link").status_code == 403
    assert ada.client.post("me/api-keys", json={"name": "x", "scopes": ["projects:read"]}).status_code == 201


def test_no_link_stands_in_the_database_or_the_log(hops: Any, ada: Forgetful, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = ada.token()
        by_hand = hops.user("root-ada", admin=True).post("users/ada/password-reset-link").json()["link"]
        ada.finish(token)
    secrets = [token, by_hand.partition("#")[2], NEW]
    with hops.platform.parts.database.session(writes=False) as session:
        for table in all_tables().sorted_tables:
            rows = str(session.execute(text(f"SELECT * FROM {table.name}")).all())  # noqa: S608
            assert not [secret for secret in secrets if secret in rows], table.name
    assert not [secret for secret in secrets if secret in caplog.text]


# Addresses


def confirm(hops: Any, token: str) -> Any:
    return hops.anonymous().post("./addresses:confirm", json={"token": token})


def test_an_address_is_the_users_when_the_link_is_opened(hops: Any) -> None:
    ada = hops.user("ada")
    assert ada.get("me/address").json() == {"address": None, "mail": True}
    body = {"address": "ada@example.org", "password": PASSWORD}
    assert ada.put("me/address", json=body | {"password": "wrong password"}).status_code == 401
    asked = ada.put("me/address", json=body)
    assert (asked.status_code, asked.json()["address"]) == (202, None)
    hops.deliver()
    token = token_in(hops.platform.mailer.sent[-1])
    assert confirm(hops, token).json() == {"user": "ada", "address": "ada@example.org"}
    assert confirm(hops, token).status_code == 404
    assert ada.get("me/address").json()["address"] == "ada@example.org"
    assert ada.post("./me/address:remove", json={"password": PASSWORD}).status_code == 204
    assert ada.get("me/address").json()["address"] is None
    hops.deliver()
    assert "goes to another address, or to none" in hops.platform.mailer.sent[-1].text


@pytest.mark.parametrize("sent", [True, False], ids=["sent", "not sent yet"])
@pytest.mark.parametrize("how", ["changed", "forgotten", "set", "deactivated"])
def test_an_address_that_was_asked_for_with_the_old_password_comes_no_more(hops: Any, how: str, *, sent: bool) -> None:
    ada, admin = hops.user("ada"), hops.user("root-ada", admin=True)
    give_address(hops, "ada", "ada@example.org")
    ada.put("me/address", json={"address": "eve@example.org", "password": PASSWORD}).raise_for_status()
    if sent:
        hops.deliver()
    match how:
        case "changed":
            ada.put("me/password", json={"old_password": PASSWORD, "new_password": NEW}).raise_for_status()
        case "forgotten":
            by_hand = admin.post("users/ada/password-reset-link").json()["link"].partition("#")[2]
            body = {"token": by_hand, "password": NEW}
            hops.anonymous().post("./password-resets:finish", json=body).raise_for_status()
        case "set":
            admin.patch("users/ada", json={"password": NEW}).raise_for_status()
        case "deactivated":
            for active in (False, True):
                admin.patch("users/ada", json={"active": active}).raise_for_status()
    hops.deliver()
    letters = [letter for letter in hops.platform.mailer.sent if letter.to == "eve@example.org"]
    assert len(letters) == (1 if sent else 0)
    for letter in letters:
        assert confirm(hops, token_in(letter)).status_code == 404
    with hops.platform.parts.database.session(writes=False) as session:
        assert session.execute(text("SELECT address FROM user_addresses")).all() == [("ada@example.org",)]


@pytest.mark.parametrize("by", ["change", "administrator"])
def test_a_link_for_a_new_password_ends_with_the_password(hops: Any, ada: Forgetful, by: str) -> None:
    token = ada.token()
    if by == "change":
        ada.client.put("me/password", json={"old_password": PASSWORD, "new_password": NEW}).raise_for_status()
    else:
        hops.user("root-ada", admin=True).patch("users/ada", json={"password": NEW}).raise_for_status()
    assert ada.finish(token, "another five unrelated words").status_code == 404


def test_one_mailbox_is_one_users_and_the_old_one_is_told(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    give_address(hops, "bob", "shared@example.org")
    give_address(hops, "ada", "old@example.org")
    for address in ("SHARED@example.org", "new@example.org"):
        ada.put("me/address", json={"address": address, "password": PASSWORD}).raise_for_status()
    hops.deliver()
    shared, new = hops.platform.mailer.sent
    assert confirm(hops, token_in(shared)).status_code == 409
    assert confirm(hops, token_in(new)).status_code == 200
    hops.deliver()
    assert hops.platform.mailer.sent[-1].to == "old@example.org"
    assert bob.get("me/address").json()["address"] == "shared@example.org"


@pytest.mark.parametrize("address", ["ada@example.org\r\nBcc: eve@example.org", "ada", "a@b, c@d", "ä@example.org"])
def test_no_address_is_two(hops: Any, address: str) -> None:
    refused = hops.user("ada").put("me/address", json={"address": address, "password": PASSWORD})
    assert refused.status_code == 422


def test_nobody_makes_the_platform_write_to_many(hops: Any) -> None:
    ada = hops.user("ada")
    answers = [
        ada.put("me/address", json={"address": f"a{number}@example.org", "password": PASSWORD}).status_code
        for number in range(6)
    ]
    assert answers == [202] * 5 + [429]


def test_without_mail_no_address_is_proven(hops: Any) -> None:
    ada = hops.user("ada")
    hops.platform.mailer.sends = False
    assert ada.put("me/address", json={"address": "a@example.org", "password": PASSWORD}).status_code == 409
    assert ada.get("me/address").json() == {"address": None, "mail": False}
