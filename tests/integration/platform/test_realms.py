"""Log-in by realms through the application, on both databases. The realms' own side: tests/contract/realms."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from hops_platform.realms.models import RealmAccount
from hops_platform.timetable import check_realms

from .realms_of_site import Site


@pytest.fixture
def site(hops: Any) -> Site:
    return Site(hops)


def test_the_first_log_in_makes_a_user_and_the_next_finds_it(site: Site) -> None:
    site.staff.add("ada")
    first = site.log_in("ada")
    assert first.json()["user"] == "ada"
    me = site.client(site.log_in("ada")).get("me").json()
    assert (me["name"], me["title"], me["admin"], me["realm"]) == ("ada", "Ada Lovelace", False, "staff")
    assert me["password_url"] == "https://id.example.org"
    with site.hops.platform.parts.database.session(writes=False) as session:
        assert len(session.scalars(select(RealmAccount)).all()) == 1
    made = site.events("user.create")
    assert [(one.actor, one.thing, json.loads(one.details)) for one in made] == [("hops", "ada", {"realm": "staff"})]
    done = site.events("login.password")
    assert [(one.actor, one.outcome, json.loads(one.details)["realm"]) for one in done] == [
        ("ada", "done", "staff")
    ] * 2


def test_nobody_becomes_whoever_has_their_name(site: Site) -> None:
    site.hops.create_user("ada")
    site.hops.create_user("root-ada", admin=True)
    for realm in (site.staff, site.tickets, site.web):
        realm.add("ada")
        realm.add("root-ada")
    attempts = [site.log_in(name) for name in ("ada", "root-ada")]
    attempts += [site.by_ticket("ada"), site.by_id_token("root-ada")]
    for refused in attempts:
        assert (refused.status_code, "Somebody else is called" in refused.text) == (403, True), refused.text
    assert site.user("ada").password_hash, "the user is as before"
    site.staff.add("grace")
    assert site.log_in("grace").status_code == 200
    site.tickets.add("grace")
    assert site.by_ticket("grace").status_code == 403, "a name of another realm neither"
    assert site.log_in("grace").status_code == 200


def test_where_it_is_the_rule_an_administrator_lets_in_first(site: Site) -> None:
    site.needs_approval()
    site.staff.add("ada")
    admin = site.hops.user("root-ada", admin=True)
    for _ in range(2):
        assert (refused := site.log_in("ada")).status_code == 403
        assert "An administrator has to let you in first" in refused.text
    assert site.user("ada") is None
    page = admin.get("realm-accounts", params={"waiting": True}).json()
    assert [(one["username"], one["email"], one["user"]) for one in page["items"]] == [("ada", "ada@example.org", None)]
    path = f"./realm-accounts/{page['items'][0]['id']}"
    assert admin.post(f"{path}:admit", json={"user": "root-ada"}).status_code == 409
    assert admin.post(f"{path}:admit", json={"user": "ada"}).json()["user"] == "ada"
    assert admin.post(f"{path}:admit", json={"user": "ada"}).status_code == 200, "again is the same"
    assert admin.post(f"{path}:admit", json={"user": "other"}).status_code == 409
    assert admin.delete(path).status_code == 409
    assert site.log_in("ada").json()["user"] == "ada"
    assert admin.get("realm-accounts", params={"waiting": True}).json()["items"] == []
    assert [one.thing for one in site.events("realm-account.admit") if one.outcome == "done"] == ["ada", "ada"]


def test_the_list_is_paged(site: Site) -> None:
    admin = site.hops.user("root-ada", admin=True)
    for name in ("ada", "grace", "edsger"):
        site.staff.add(name)
        site.log_in(name).raise_for_status()
    seen, after = [], None
    while True:
        page = admin.get("realm-accounts", params={"limit": 1} | ({"after": after} if after else {})).json()
        seen += [one["username"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ["ada", "grace", "edsger"]
    assert admin.get("realm-accounts", params={"after": "bm90LWEta2V5"}).status_code == 400


def test_groups_decide_at_each_log_in_where_they_are_named(site: Site) -> None:
    site.hops.user("root-ada", admin=True)
    site.staff.add("ada")
    for told, due in ((True, True), (None, True), (False, False), (None, False)):
        site.staff.change("ada", admin=told, auditor=told)
        me = site.client(site.log_in("ada")).get("me").json()
        assert (me["admin"], me["auditor"]) == (due, due)
    edits = [json.loads(one.details) for one in site.events("user.edit")]
    changed = {"realm": "staff", "changed": ["admin", "auditor"]}
    assert edits == [{**changed, "admin": True, "auditor": True}, {**changed, "admin": False, "auditor": False}]


def test_who_is_gone_is_deactivated_and_comes_back_with_the_realm(site: Site) -> None:
    site.hops.user("root-ada", admin=True)
    for name in ("ada", "grace"):
        site.staff.add(name)
    clients = {name: site.client(site.log_in(name)) for name in ("ada", "grace")}
    left = site.staff.identities.pop("ada")
    check_realms(site.hops.platform.parts)
    assert clients["ada"].get("me").status_code == 401
    assert clients["grace"].get("me").status_code == 200
    done = [one for one in site.events("user.edit") if one.thing == "ada"]
    assert [(one.actor, json.loads(one.details)["realm"]) for one in done] == [("hops", "staff")]
    assert site.log_in("ada").status_code == 401
    site.staff.identities["ada"] = left
    assert site.log_in("ada").status_code == 200
    assert clients["ada"].get("me").status_code == 401, "what was given out before has ended"


def test_many_first_log_ins_at_the_same_moment_make_one_user(site: Site) -> None:
    site.staff.add("ada")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.log_in("ada"), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 503}, [answer.text for answer in answers]
    assert [answer.json()["user"] for answer in answers if answer.status_code == 200][:1] == ["ada"]
    with site.hops.platform.parts.database.session(writes=False) as session:
        assert len(session.scalars(select(RealmAccount)).all()) == 1


def test_of_two_people_with_one_name_at_the_same_moment_one_waits(site: Site) -> None:
    site.staff.add("ada")
    site.web.add("ada")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda log_in: log_in("ada"), [site.log_in, site.by_id_token]))
    assert sorted(answer.status_code for answer in answers) == [200, 403], [answer.text for answer in answers]
