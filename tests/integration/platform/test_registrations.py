"""Accounts that people ask for, and administrators approve; and the attacks on that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from hops_platform.addresses.service import set_address
from hops_platform.outbox import Delivery
from hops_platform.registrations import service
from hops_platform.security.rates import GUESSES
from hops_platform.settings import RegistrationRule
from hops_platform.users.models import find_user

from .conftest import ON_SQLITE

# What the two databases do differently is in test_ways_in_on_both.py.
pytestmark = ON_SQLITE
NEW = "four unrelated words"


@pytest.fixture
def site(hops: Any) -> Any:
    """One that takes registrations."""
    hops.platform.parts.settings.registration = RegistrationRule.APPROVAL
    return hops


@pytest.fixture
def admin(site: Any) -> Any:
    return site.user("root-ada", admin=True)


def ask(site: Any, address: str = "grace@example.org") -> Any:
    return site.anonymous().post("registrations", json={"address": address})


def token(site: Any, address: str = "grace@example.org") -> str:
    ask(site, address).raise_for_status()
    site.deliver()
    letter = [letter for letter in site.platform.mailer.sent if letter.to == address][-1]
    return str(letter.text.partition("#")[2].split()[0])


def finish(site: Any, link: str, name: str = "grace", **more: Any) -> Any:
    body = {"token": link, "name": name, "password": NEW, **more}
    return site.anonymous().post("./registrations:finish", json=body)


def log_in(site: Any, name: str = "grace") -> int:
    return int(site.anonymous().post("tokens", json={"username": name, "password": NEW}).status_code)


def waiting(admin: Any) -> list[dict[str, Any]]:
    return list(admin.get("registrations").json()["items"])


def last_letter(site: Any) -> Any:
    site.deliver()
    return site.platform.mailer.sent[-1]


def test_an_account_is_there_when_an_administrator_has_approved_it(site: Any, admin: Any) -> None:
    assert finish(site, token(site), title="Grace Hopper", message="For the tides.").status_code == 204
    assert log_in(site) == 401
    (one,) = waiting(admin)
    assert (one["name"], one["title"], one["address"], one["message"]) == (
        "grace", "Grace Hopper", "grace@example.org", "For the tides.",
    )  # fmt: skip
    approved = admin.post(f"./registrations/{one['id']}:approve")
    assert (approved.status_code, approved.json()) == (200, {"user": "grace", "project": None})
    assert log_in(site) == 200
    assert "log in as grace" in last_letter(site).text
    assert waiting(admin) == []
    assert admin.post(f"./registrations/{one['id']}:approve").status_code == 404
    shown = admin.get("users/grace").json()
    assert (shown["admin"], shown["must_change_password"]) == (False, False)


def test_who_is_declined_is_told_the_reason_and_may_ask_again(site: Any, admin: Any) -> None:
    finish(site, token(site)).raise_for_status()
    (one,) = waiting(admin)
    answer = admin.post(f"./registrations/{one['id']}:decline", json={"reason": "For members\nof the institute."})
    assert answer.status_code == 204
    assert "> For members\n> of the institute." in last_letter(site).text
    assert log_in(site) == 401
    assert finish(site, token(site)).status_code == 204


def test_whoever_asks_learns_nothing_of_who_has_an_account(site: Any) -> None:
    site.create_user("bob")
    with site.platform.parts.database.session() as session:
        set_address(session, find_user(session, "bob"), "bob@example.org")
    answers = [ask(site, address) for address in ("bob@example.org", "nobody@example.org")]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].text == answers[1].text
    with site.platform.parts.database.session() as session:
        assert len(session.scalars(select(Delivery)).all()) == 2
    site.deliver()
    letters = {letter.to: letter.text for letter in site.platform.mailer.sent}
    assert "You have one: bob" in letters["bob@example.org"]
    assert "#" not in letters["bob@example.org"]
    assert "#" in letters["nobody@example.org"]


@pytest.mark.parametrize("rule", [RegistrationRule.OFF, RegistrationRule.INVITATION])
def test_a_site_that_takes_none_refuses(hops: Any, rule: RegistrationRule) -> None:
    hops.platform.parts.settings.registration = rule
    assert ask(hops).status_code == 403
    assert finish(hops, "x").status_code == 403


def test_a_link_of_when_the_site_took_registrations_is_not_good_afterwards(site: Any) -> None:
    link = token(site)
    site.platform.parts.settings.registration = RegistrationRule.OFF
    assert finish(site, link).status_code == 403


@pytest.mark.parametrize("name", ["Grace", "gr\u0430ce", "grace_", "a" * 31, "gra--ce", "root-ada"])
def test_names_that_are_taken_or_look_like_others_are_refused_and_cost_no_link(
    site: Any, admin: Any, name: str
) -> None:
    link = token(site)
    assert finish(site, link, name).status_code in (409, 422)
    assert finish(site, link, "grace").status_code == 204
    assert len(waiting(admin)) == 1


def test_a_name_and_an_address_wait_once(site: Any, admin: Any) -> None:
    first, again = token(site), token(site)
    other = token(site, "eve@example.org")
    assert finish(site, first).status_code == 204
    assert finish(site, again, "grace2").status_code == 404, "all links of an address end together"
    assert finish(site, other, "grace").status_code == 409
    assert finish(site, token(site, "GRACE@example.org"), "grace2").status_code == 409
    assert len(waiting(admin)) == 1


def test_a_name_that_was_taken_meanwhile_is_told_to_the_administrator(site: Any, admin: Any) -> None:
    finish(site, token(site)).raise_for_status()
    site.create_user("grace")
    (one,) = waiting(admin)
    assert admin.post(f"./registrations/{one['id']}:approve").status_code == 409
    assert len(waiting(admin)) == 1


def test_asking_and_guessing_are_bounded(site: Any) -> None:
    answers = [ask(site).status_code for _ in range(service.ASKED_FOR_ONE.most + 1)]
    assert answers == [202] * service.ASKED_FOR_ONE.most + [429]
    many = [ask(site, f"a{number}@example.org").status_code for number in range(service.ASKED_BY_CLIENT.most)]
    assert many[-1] == 429
    guesses = [finish(site, "guess").status_code for _ in range(GUESSES.most + 1)]
    assert guesses == [404] * GUESSES.most + [429]


def test_no_stranger_is_written_to_all_day(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ASKED_FOR_ONE", replace(service.ASKED_FOR_ONE, most=100))
    answers = [ask(site).status_code for _ in range(service.ASKED_IN_A_DAY.most + 1)]
    assert answers == [202] * service.ASKED_IN_A_DAY.most + [429]


def test_from_many_addresses_no_more_letters_are_sent_than_from_one_site(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ASKED_BY_ALL", replace(service.ASKED_BY_ALL, most=3))
    answers = [
        site.anonymous().post(
            "registrations",
            json={"address": f"a{number}@example.org"},
            headers={"X-Forwarded-For": f"192.0.2.{number}"},
        )
        for number in range(4)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    site.deliver()
    assert len(site.platform.mailer.sent) == 3


def test_nobody_registers_as_an_administrator(site: Any) -> None:
    assert finish(site, token(site), admin=True).status_code == 422


def test_so_many_wait(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_WAITING", 1)
    assert finish(site, token(site)).status_code == 204
    refused = finish(site, token(site, "eve@example.org"), "eve")
    assert (refused.status_code, "Too many" in refused.json()["detail"]) == (409, True)


def test_only_administrators_in_person_decide(site: Any, admin: Any) -> None:
    finish(site, token(site)).raise_for_status()
    (one,) = waiting(admin)
    key = admin.post("me/api-keys", json={"name": "k", "scopes": ["site:read", "site:write"]}).json()["key"]
    assert len(waiting(site.with_token(key))) == 1
    for client in (site.with_token(key), site.user("eve")):
        assert client.post(f"./registrations/{one['id']}:approve").status_code == 403
        assert client.post(f"./registrations/{one['id']}:decline", json={}).status_code == 403


def test_who_is_invited_waits_for_approval_too_and_is_in_by_it(site: Any, admin: Any) -> None:
    ada = site.user("ada")
    site.ready_project(ada)
    for address, name in (("alan@example.org", "alan"), ("grace@example.org", "grace")):
        ada.post("projects/weather/invitations", json={"address": address}).raise_for_status()
        site.deliver()
        link = site.platform.mailer.sent[-1].text.partition("#")[2].split()[0]
        body = {"token": link, "name": name, "password": NEW}
        assert site.anonymous().post("./invitations:register", json=body).json()["waiting"] is True
    alan, grace = waiting(admin)
    assert alan["project"] == "weather"
    withdrawn = ada.get("projects/weather/invitations").json()["items"][1]["id"]
    ada.delete(f"projects/weather/invitations/{withdrawn}").raise_for_status()
    assert admin.post(f"./registrations/{alan['id']}:approve").json() == {"user": "alan", "project": "weather"}
    assert admin.post(f"./registrations/{grace['id']}:approve").json() == {"user": "grace", "project": None}
    members = {item["user"] for item in ada.get("projects/weather/members").json()["items"]}
    assert members == {"ada", "alan"}


def test_a_link_that_was_handed_over_lets_no_more_wait_than_it_lets_in(site: Any, admin: Any) -> None:
    ada = site.user("ada")
    site.ready_project(ada)
    made = ada.post("projects/weather/invitations", json={"uses": 2}).json()["link"].partition("#")[2]
    answers = [
        site.anonymous().post("./invitations:register", json={"token": made, "name": name, "password": NEW})
        for name in ("alan", "grace", "eve", "mallory")
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 409, 409]
    (first, _) = waiting(admin)
    admin.post(f"./registrations/{first['id']}:approve").raise_for_status()
    again = site.anonymous().post("./invitations:register", json={"token": made, "name": "eve", "password": NEW})
    assert again.status_code == 409, "one is in and one waits"


def test_no_password_of_one_who_waits_is_readable(site: Any) -> None:
    finish(site, token(site)).raise_for_status()
    with site.platform.parts.database.session() as session:
        (row,) = session.execute(text("SELECT password_hash FROM registrations")).all()
        assert str(row[0]).startswith("$argon2id$")
