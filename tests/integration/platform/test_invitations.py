"""Invitations into projects, and the attacks on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from hops_platform.addresses.service import set_address
from hops_platform.audit.models import AuditEvent
from hops_platform.database import now
from hops_platform.errors import EngineUnavailableError
from hops_platform.invitations import service
from hops_platform.invitations.models import Invitation
from hops_platform.links.models import OneTimeLink, Purpose
from hops_platform.security.rates import GUESSES
from hops_platform.settings import RegistrationRule
from hops_platform.users.models import find_user

from .conftest import ON_SQLITE

# What the two databases do differently is in test_ways_in_on_both.py.
pytestmark = ON_SQLITE
NEW = "four unrelated words"


@pytest.fixture
def ada(hops: Any) -> Any:
    client = hops.user("ada")
    hops.ready_project(client)
    return client


@pytest.fixture
def grace(hops: Any) -> Any:
    return hops.user("grace")


def site_takes(hops: Any, rule: RegistrationRule) -> None:
    hops.platform.parts.settings.registration = rule


def invite(client: Any, project: str = "weather", **body: Any) -> Any:
    return client.post(f"projects/{project}/invitations", json=body)


def token_of(answer: Any) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["link"].partition("#")[2])


def mailed(hops: Any) -> str:
    hops.deliver()
    (line,) = [line for line in hops.platform.mailer.sent[-1].text.splitlines() if "#" in line]
    return str(line.partition("#")[2])


def accept(client: Any, token: str) -> Any:
    return client.post("./invitations:accept", json={"token": token})


def look(hops: Any, token: str) -> Any:
    return hops.anonymous().post("./invitations:open", json={"token": token})


def register(hops: Any, token: str, name: str = "alan", **more: Any) -> Any:
    body = {"token": token, "name": name, "password": NEW, **more}
    return hops.anonymous().post("./invitations:register", json=body)


def roles(client: Any) -> dict[str, str]:
    return {item["user"]: item["role"] for item in client.get("projects/weather/members").json()["items"]}


def test_a_user_is_invited_and_accepts_with_the_role_that_was_said(hops: Any, ada: Any, grace: Any) -> None:
    made = invite(ada, user="grace", role="data_owner")
    assert (made.status_code, made.json()["kind"], made.json()["link"]) == (201, "user", None)
    assert invite(ada, user="grace").status_code == 409
    (mine,) = grace.get("me/invitations").json()["items"]
    assert (mine["project"], mine["title"], mine["inviter"], mine["role"]) == (
        "weather",
        "Weather",
        "ada",
        "data_owner",
    )
    assert grace.get("projects/weather").status_code == 404, "invited is not in"
    assert hops.user("eve").post(f"./me/invitations/{mine['id']}:accept").status_code == 404
    assert grace.post(f"./me/invitations/{mine['id']}:accept").status_code == 201
    assert roles(grace) == {"ada": "data_owner", "grace": "data_owner"}
    assert grace.post(f"./me/invitations/{mine['id']}:accept").status_code == 404
    assert ada.get("projects/weather/invitations").json()["items"] == []
    assert invite(ada, user="grace").status_code == 409
    assert invite(ada, user="nobody").status_code == 404


def test_an_invitation_is_declined(ada: Any, grace: Any) -> None:
    invite(ada, user="grace").raise_for_status()
    (mine,) = grace.get("me/invitations").json()["items"]
    assert grace.post(f"./me/invitations/{mine['id']}:decline").status_code == 204
    assert grace.get("me/invitations").json()["items"] == []
    assert ada.get("projects/weather/invitations").json()["items"] == []


def test_who_declined_is_left_alone_for_a_while_by_that_project(
    hops: Any, ada: Any, grace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hops.platform.parts.database.session() as session:
        set_address(session, find_user(session, "grace"), "grace@example.org")
    monkeypatch.setattr(service, "MOST_IN_PROJECT", 1)
    for body in ({"user": "grace"}, {"address": "Grace@Example.org"}):
        invite(ada, **body).raise_for_status()
        (mine,) = grace.get("me/invitations").json()["items"]
        assert grace.post(f"./me/invitations/{mine['id']}:decline").status_code == 204
        again = invite(ada, **body)
        assert (again.status_code, "have declined" in again.json()["detail"]) == (409, True), again.text
        assert ada.delete(f"projects/weather/invitations/{mine['id']}").status_code == 404, "nor is it forgotten so"
        assert grace.post(f"./me/invitations/{mine['id']}:accept").status_code == 404
    hops.ready_project(ada, "tides")
    invite(ada, "tides", user="grace").raise_for_status()
    with hops.platform.parts.database.session() as session:
        for row in session.scalars(select(Invitation).where(Invitation.uses_left == 0)):
            row.expires_at = now()
    assert invite(ada, user="grace").status_code == 201


def test_an_address_is_invited_by_mail_whoever_it_is(hops: Any, ada: Any, grace: Any) -> None:
    with hops.platform.parts.database.session() as session:
        set_address(session, find_user(session, "grace"), "grace@example.org")
    answers = [invite(ada, address=address).json() for address in ("Grace@example.org", "nobody@example.org")]
    assert [answer["link"] for answer in answers] == [None, None]
    assert {key for answer in answers for key in answer} == set(answers[0]), "of both the same is told"
    hops.deliver()
    letter = next(letter for letter in hops.platform.mailer.sent if letter.to == "Grace@example.org")
    token = letter.text.partition("#")[2].split()[0]
    assert look(hops, token).json()["inviter"] == "ada"
    (mine,) = grace.get("me/invitations").json()["items"]
    assert mine["project"] == "weather"
    assert accept(grace, token).status_code == 201
    assert accept(grace, token).status_code == 404, "once"
    assert look(hops, token).status_code == 404


def test_a_letter_to_one_is_no_way_in_for_another(hops: Any, ada: Any, grace: Any) -> None:
    with hops.platform.parts.database.session() as session:
        set_address(session, find_user(session, "grace"), "grace@example.org")
    invite(ada, address="alan@example.org").raise_for_status()
    refused = accept(grace, mailed(hops))
    assert (refused.status_code, "another address" in refused.json()["detail"]) == (403, True)
    assert grace.get("me/invitations").json()["items"] == []


def test_a_link_lets_in_as_many_as_was_said(hops: Any, ada: Any, grace: Any) -> None:
    token = token_of(invite(ada, uses=2))
    assert hops.platform.mailer.sent == []
    assert look(hops, token).json() | {"expires_at": ""} == {
        "project": "weather", "title": "Weather", "role": "data_scientist", "inviter": "ada", "expires_at": "",
        "registers": False, "approval": False,
    }  # fmt: skip
    assert accept(grace, token).status_code == 201
    assert accept(grace, token).status_code == 409, "twice the same person costs nothing"
    assert [item["uses_left"] for item in ada.get("projects/weather/invitations").json()["items"]] == [1]
    assert accept(hops.user("bob"), token).status_code == 201
    assert accept(hops.user("eve"), token).status_code == 404
    assert roles(ada) == {"ada": "data_owner", "bob": "data_scientist", "grace": "data_scientist"}


def test_without_mail_the_inviter_hands_the_link_over(hops: Any, ada: Any, grace: Any) -> None:
    hops.platform.mailer.sends = False
    token = token_of(invite(ada, address="grace@example.org"))
    assert accept(grace, token).status_code == 201
    assert grace.get("me/address").json()["address"] is None, "nobody proved it"


def test_a_revoked_invitation_lets_nobody_in(hops: Any, ada: Any, grace: Any) -> None:
    made = invite(ada)
    token = token_of(made)
    assert ada.delete(f"projects/weather/invitations/{made.json()['id']}").status_code == 204
    assert ada.delete(f"projects/weather/invitations/{made.json()['id']}").status_code == 404
    assert (look(hops, token).status_code, accept(grace, token).status_code) == (404, 404)
    invite(ada, address="alan@example.org").raise_for_status()
    (waiting,) = ada.get("projects/weather/invitations").json()["items"]
    ada.delete(f"projects/weather/invitations/{waiting['id']}").raise_for_status()
    hops.deliver()
    assert hops.platform.mailer.sent == [], "nor is its letter sent"


def test_a_letter_that_waits_keeps_no_name_of_a_deleted_project_taken(hops: Any, ada: Any) -> None:
    hops.platform.mailer.fault = EngineUnavailableError("The mail server does not answer.")
    invite(ada, address="grace@example.org").raise_for_status()
    for path in ("projects/weather", "deleted-projects/weather"):
        ada.request("DELETE", path, json={"name": "weather"}).raise_for_status()
    hops.deliver()
    assert ada.post("projects", json={"name": "weather"}).status_code == 201


def test_an_invitation_ends(hops: Any, ada: Any, grace: Any) -> None:
    token = token_of(invite(ada, days=1))
    with hops.platform.parts.database.session() as session:
        session.scalars(select(Invitation)).one().expires_at = now() - timedelta(seconds=1)
    assert (look(hops, token).status_code, accept(grace, token).status_code) == (404, 404)
    assert ada.get("projects/weather/invitations").json()["items"] == []


@pytest.mark.parametrize("ends", ["removed", "leaves", "demoted", "deactivated", "project deleted"])
def test_nobody_comes_in_on_the_word_of_one_who_could_not_add_them(hops: Any, ada: Any, grace: Any, ends: str) -> None:
    bob = hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_owner"}).raise_for_status()
    token = token_of(invite(bob))
    invite(bob, user="grace").raise_for_status()
    match ends:
        case "removed":
            ada.delete("projects/weather/members/bob").raise_for_status()
        case "leaves":
            bob.delete("projects/weather/members/bob").raise_for_status()
        case "demoted":
            edit = {"role": "data_scientist"}
            ada.patch("projects/weather/members/bob", json=edit, headers={"If-Match": "*"}).raise_for_status()
        case "deactivated":
            hops.user("root-ada", admin=True).patch("users/bob", json={"active": False}).raise_for_status()
        case "project deleted":
            ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    assert accept(grace, token).status_code == 404
    assert grace.get("me/invitations").json()["items"] == []
    with hops.platform.parts.database.session() as session:
        assert session.scalars(select(Invitation)).all() == [], "coming back brings none back"


def test_nobody_comes_into_an_archived_project(hops: Any, ada: Any, grace: Any) -> None:
    site_takes(hops, RegistrationRule.INVITATION)
    token = token_of(invite(ada, uses=2))
    invite(ada, user="grace").raise_for_status()
    (mine,) = grace.get("me/invitations").json()["items"]
    ada.post("./projects/weather:archive", json={"name": "weather"}).raise_for_status()
    by_name = grace.post(f"./me/invitations/{mine['id']}:accept")
    ways = [look(hops, token), accept(grace, token), register(hops, token), by_name]
    assert [way.status_code for way in ways] == [404] * 4
    assert grace.get("me/invitations").json()["items"] == []
    ada.post("./projects/weather:unarchive").raise_for_status()
    assert accept(grace, token).status_code == 201


def test_an_inviter_who_lost_the_role_some_other_way_lets_nobody_in(hops: Any, ada: Any, grace: Any) -> None:
    token = token_of(invite(ada))
    with hops.platform.parts.database.session() as session:
        session.execute(text("UPDATE memberships SET role = 'data_scientist'"))
    assert (look(hops, token).status_code, accept(grace, token).status_code) == (404, 404)


def test_only_data_owners_invite_see_and_revoke(hops: Any, ada: Any, grace: Any) -> None:
    bob = hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    made = invite(ada).json()["id"]
    for client, status in ((bob, 403), (grace, 404)):
        assert invite(client, user="grace").status_code == status
        assert client.get("projects/weather/invitations").status_code == status
        assert client.delete(f"projects/weather/invitations/{made}").status_code == status
    hops.ready_project(grace, "tides")
    assert grace.delete(f"projects/tides/invitations/{made}").status_code == 404


def test_guessing_is_of_no_use_and_bounded(hops: Any, ada: Any, grace: Any) -> None:
    token = token_of(invite(ada))
    for number in range(GUESSES.most // 2):
        assert look(hops, f"guess-{number}").json() == accept(grace, "guess").json()
    assert (look(hops, token).status_code, accept(grace, token).status_code) == (429, 429)
    assert register(hops, token).status_code == 429


def test_a_link_for_something_else_lets_nobody_in(hops: Any, ada: Any, grace: Any) -> None:
    token = token_of(invite(ada))
    with hops.platform.parts.database.session() as session:
        session.scalars(select(OneTimeLink)).one().purpose = Purpose.PASSWORD_RESET.value
    assert accept(grace, token).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"user": "grace", "address": "grace@example.org"}, {"user": "grace", "uses": 2}, {"days": 31}, {"uses": 101},
        {"address": "grace@example.org\r\nBcc: eve@example.org"}, {"role": "administrator"}, {"admin": True},
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused(ada: Any, body: dict[str, Any]) -> None:
    assert invite(ada, **body).status_code == 422


def test_there_are_so_many_and_so_many_letters(hops: Any, ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_IN_PROJECT", 2)
    bound = service.Bound("letter to invite", 1, timedelta(days=1))
    monkeypatch.setattr(service, "SENT_BY_ONE", bound)
    assert invite(ada, address="a@example.org").status_code == 201
    assert invite(ada, address="b@example.org").status_code == 429
    assert invite(ada).status_code == 201
    refused = invite(ada)
    assert (refused.status_code, "most at once" in refused.json()["detail"]) == (409, True)


def test_no_stranger_is_written_to_without_end(hops: Any, ada: Any, grace: Any) -> None:
    hops.ready_project(grace, "tides")
    for number in range(service.SENT_TO_ONE.most + 2):
        client, project = ((ada, "weather"), (grace, "tides"))[number % 2]
        made = invite(client, project, address="Stranger@example.org").json()
        hops.deliver()
        assert made.keys() == invite(client, project, address=f"a{number}@example.org").json().keys()
        client.delete(f"projects/{project}/invitations/{made['id']}").raise_for_status()
    letters = [letter for letter in hops.platform.mailer.sent if letter.to == "Stranger@example.org"]
    assert len(letters) == service.SENT_TO_ONE.most


def test_the_list_comes_in_pages(ada: Any) -> None:
    for _ in range(3):
        invite(ada).raise_for_status()
    first = ada.get("projects/weather/invitations", params={"limit": 2}).json()
    rest = ada.get("projects/weather/invitations", params={"limit": 2, "after": first["next"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert ada.get("projects/weather/invitations", params={"after": "bm90LWFuLWlk"}).status_code == 400


def test_each_step_is_in_the_audit_of_the_project(hops: Any, ada: Any, grace: Any) -> None:
    token = token_of(invite(ada, uses=2))
    accept(grace, token).raise_for_status()
    made = invite(ada, user=hops.user("bob").get("me").json()["name"]).json()["id"]
    ada.delete(f"projects/weather/invitations/{made}").raise_for_status()
    with hops.platform.parts.database.session() as session:
        rows = session.scalars(
            select(AuditEvent).where(AuditEvent.action.startswith("invitation")).order_by(AuditEvent.number)
        ).all()
        seen = [(row.action, row.actor, row.project) for row in rows]
        assert token not in str([(row.thing, row.details) for row in rows])
        assert rows[-1].thing == "bob"
    assert seen == [
        ("invitation.make", "ada", "weather"), ("invitation.accept", "grace", "weather"),
        ("invitation.make", "ada", "weather"), ("invitation.revoke", "ada", "weather"),
    ]  # fmt: skip


# Accounts by invitation


def test_where_accounts_are_made_by_administrators_an_invitation_makes_none(hops: Any, ada: Any) -> None:
    refused = register(hops, token_of(invite(ada)))
    assert (refused.status_code, "administrators" in refused.json()["detail"]) == (403, True)


def test_who_is_invited_makes_an_account_and_is_in(hops: Any, ada: Any) -> None:
    site_takes(hops, RegistrationRule.INVITATION)
    invite(ada, address="alan@example.org").raise_for_status()
    token = mailed(hops)
    assert look(hops, token).json()["registers"] is True
    assert register(hops, token, "ada").status_code == 409, "a name that is taken costs no link"
    assert register(hops, token, "Ada").status_code == 422
    assert register(hops, token, "\u0430da").status_code == 422, "nor is one taken that looks the same"
    made = register(hops, token, title="Alan Turing")
    assert (made.status_code, made.json()) == (201, {"user": "alan", "waiting": False})
    logged_in = hops.anonymous().post("tokens", json={"username": "alan", "password": NEW}).json()
    alan = hops.with_token(logged_in["token"])
    assert alan.get("projects/weather").json()["role"] == "data_scientist"
    assert alan.get("me/address").json()["address"] == "alan@example.org"
    assert alan.get("me").json()["admin"] is False
    assert register(hops, token, "eve").status_code == 404


def test_a_link_that_was_handed_over_proves_no_address(hops: Any, ada: Any) -> None:
    site_takes(hops, RegistrationRule.INVITATION)
    assert register(hops, token_of(invite(ada))).status_code == 201
    hops.platform.mailer.sends = False
    assert register(hops, token_of(invite(ada, address="eve@example.org")), "eve").status_code == 201
    with hops.platform.parts.database.session() as session:
        assert session.execute(text("SELECT * FROM user_addresses")).all() == []
