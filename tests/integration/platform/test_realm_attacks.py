"""Log-in by realms: what somebody may try, and what else holds. On one database; tests on both: test_realms."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from hops_contract.realms import mark_of_session
from hops_contract.serving import ByProxy
from hops_platform.database import now
from hops_platform.realms.models import RealmAccount
from hops_platform.second_factor.codes import code_of, step_at
from hops_platform.security import rates
from hops_platform.security.throttling import FREE_ATTEMPTS
from hops_platform.timetable import check_realms
from hops_platform.users.models import LoginAttempts, User

from .conftest import ON_SQLITE
from .realms_of_site import KIND, PASSWORD, Site

pytestmark = ON_SQLITE


@pytest.fixture
def site(hops: Any) -> Site:
    return Site(hops)


def test_tickets_and_id_tokens_let_in_as_well(site: Site) -> None:
    site.tickets.add("ada")
    site.web.add("grace")
    answer = site.by_ticket("ada")
    assert (answer.json()["user"], base64.b64decode(answer.json()["ticket"])) == ("ada", b"it is me")
    assert site.by_id_token("grace").json()["user"] == "grace"
    assert [json.loads(one.details)["realm"] for one in site.events("login.ticket") + site.events("login.oidc")] == [
        "tickets",
        "web",
    ]


def test_an_id_token_counts_only_from_the_hub(site: Site) -> None:
    site.web.add("ada")
    for client in (site.hops.anonymous(), site.hops.user("eve"), site.hops.with_token("made up")):
        refused = site.by_id_token("ada", client=client)
        assert refused.status_code == 403, refused.text
    assert (site.user("ada"), site.web.asked) == (None, 0)


def test_neither_an_email_address_nor_a_reused_name_takes_an_account_over(site: Site) -> None:
    site.staff.add("ada")
    site.log_in("ada").raise_for_status()
    site.web.add("eve")
    site.web.change("eve", email="ada@example.org")
    assert site.by_id_token("eve").json()["user"] == "eve"
    site.staff.add("ada")  # somebody else has the name now
    assert site.log_in("ada").status_code == 403
    assert site.client(site.by_id_token("eve")).get("me").json()["name"] == "eve"


def test_whose_name_changes_stays_who_they_are(site: Site) -> None:
    site.staff.add("ada")
    site.log_in("ada").raise_for_status()
    site.staff.identities["lovelace"] = replace(site.staff.identities.pop("ada"), username="lovelace")
    assert site.log_in("lovelace").json()["user"] == "ada"


@pytest.mark.parametrize(
    ("told", "name"), [("Ada.Lovelace@EXAMPLE.org", "ada-lovelace"), ("1ada__x", "ada-x"), ("X" * 64, "x" * 30)]
)
def test_names_are_made_of_what_a_realm_says(site: Site, told: str, name: str) -> None:
    site.staff.add("somebody")
    site.staff.change("somebody", username=told)
    assert site.log_in("somebody").json()["user"] == name


def test_who_has_no_name_that_can_be_used_waits(site: Site) -> None:
    site.staff.add("somebody")
    site.staff.change("somebody", username="愛")
    assert "No user name can be made" in site.log_in("somebody").text
    admin = site.hops.user("root-ada", admin=True)
    waiting = admin.get("realm-accounts", params={"waiting": True}).json()["items"]
    admin.post(f"./realm-accounts/{waiting[0]['id']}:admit", json={"user": "ai"}).raise_for_status()
    assert site.log_in("somebody").json()["user"] == "ai"


def test_who_was_taken_off_the_list_comes_again(site: Site) -> None:
    site.needs_approval()
    site.staff.add("ada")
    admin = site.hops.user("root-ada", admin=True)
    for _ in range(2):
        assert site.log_in("ada").status_code == 403
        waiting = admin.get("realm-accounts", params={"waiting": True}).json()["items"]
        assert admin.delete(f"realm-accounts/{waiting[0]['id']}").status_code == 204
        assert admin.delete(f"realm-accounts/{waiting[0]['id']}").status_code == 404
    assert [one.thing for one in site.events("realm-account.remove") if one.outcome == "done"] == ["ada", "ada"]


def test_a_user_can_be_given_to_a_realm_and_an_administrator_can_not(site: Site) -> None:
    old, browser = site.hops.user("ada"), site.hops.browser("ada")
    assert browser.get("me").status_code == 200
    admin = site.hops.user("root-ada", admin=True)
    for name in ("ada", "root-ada"):
        site.staff.add(name)
        assert site.log_in(name).status_code == 403
    waiting = {one["username"]: one["id"] for one in admin.get("realm-accounts").json()["items"]}
    taken = admin.post(f"./realm-accounts/{waiting['root-ada']}:admit", json={"user": "root-ada", "existing": True})
    assert taken.status_code == 409, taken.text
    given = admin.post(f"./realm-accounts/{waiting['ada']}:admit", json={"user": "ada", "existing": True})
    assert given.status_code == 200, given.text
    assert (old.get("me").status_code, browser.get("me").status_code) == (401, 401), "log-ins of before have ended"
    assert site.log_in("ada", PASSWORD, realm="staff").status_code == 401
    assert site.hops.anonymous().post("tokens", json={"username": "ada", "password": PASSWORD}).status_code == 401
    assert site.log_in("ada").json()["user"] == "ada"


def test_a_name_is_locked_in_its_realm_alone_after_some_failures(site: Site) -> None:
    site.hops.create_user("grace")
    site.staff.add("ada")
    for _ in range(FREE_ATTEMPTS):
        assert site.log_in("ada", "wrong").status_code == 401
    asked = site.staff.asked
    locked = site.log_in("ADA ")
    assert (locked.status_code, locked.json()["type"]) == (429, KIND + "locked-out")
    assert site.staff.asked == asked, "the directory is not asked any more"
    assert site.log_in("nobody", "wrong").status_code == 401
    assert site.hops.anonymous().post("tokens", json={"username": "grace", "password": PASSWORD}).status_code == 200


def test_one_address_can_not_try_one_password_on_many_names(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "FAILED_LOG_INS", replace(rates.FAILED_LOG_INS, most=4))
    site.hops.create_user("grace")
    site.staff.add("ada")
    elsewhere = site.hops.anonymous()
    elsewhere._transport.app = ByProxy(site.hops.platform.app)
    elsewhere.headers["X-Forwarded-For"] = "192.0.2.9"

    def tried(name: str, password: str, *, client: Any = None, realm: str | None = "staff") -> int:
        body = {"username": name, "password": password} | ({"realm": realm} if realm else {})
        return int((client or site.hops.anonymous()).post("tokens", json=body).status_code)

    assert [tried("ada", "heron teapot ada") for _ in range(5)] == [200] * 5, "right ones do not count"
    assert [tried(f"name-{number}", "spring") for number in range(2)] == [401] * 2
    assert [tried(f"name-{number}", "spring", realm=None) for number in range(2)] == [401] * 2
    asked = site.staff.asked
    assert (tried("ada", "heron teapot ada"), tried("grace", PASSWORD, realm=None)) == (429, 429)
    assert site.staff.asked == asked, "the directory is not asked any more"
    assert tried("ada", "heron teapot ada", client=elsewhere) == 200
    site.tickets.add("tess")
    assert site.by_ticket("tess").status_code == 200, "there is nothing to guess in a ticket"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_code_on_this_machine_keeps_nobody_out_who_comes_from_there_too(
    site: Site, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(rates, "FAILED_LOG_INS", replace(rates.FAILED_LOG_INS, most=2))
    site.hops.create_user("grace")
    here = site.hops.anonymous()
    here._transport.app = ByProxy(site.hops.platform.app)
    here.headers["X-Forwarded-For"] = address
    for number in range(4):
        wrong = here.post("tokens", json={"username": f"name-{number}", "password": "spring"})
        assert wrong.status_code == 401
    assert here.post("tokens", json={"username": "grace", "password": PASSWORD}).status_code == 200


def test_an_administrator_sees_and_ends_a_lock_of_a_realm_too(site: Site) -> None:
    site.staff.add("ada")
    site.log_in("ada").raise_for_status()
    for _ in range(FREE_ATTEMPTS):
        site.log_in("ada", "wrong")
    admin = site.hops.user("root-ada", admin=True)
    assert admin.get("users/ada").json()["locked_until"] is not None
    assert admin.patch("users/ada", json={"unlock": True}).json()["locked_until"] is None
    assert site.log_in("ada").status_code == 200


@pytest.mark.parametrize("written", ["\uff41da", "a\u00add\u200ba", "\U0001d41ada", "\u00e1da", "ADA", "a\u0308da"])
def test_another_way_of_writing_a_name_brings_no_further_guesses(site: Site, written: str) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert site.log_in("ada", "wrong").status_code == 401
    asked = site.staff.asked
    assert (site.log_in(written, "wrong").status_code, site.staff.asked) == (429, asked)


def test_a_realm_that_is_away_counts_no_failure_and_lets_nobody_in(site: Site) -> None:
    site.staff.add("ada")
    with site.staff.away():
        for _ in range(FREE_ATTEMPTS + 1):
            assert site.log_in("ada").status_code == 503
    assert site.log_in("ada").status_code == 200


def test_a_realms_users_have_no_password_here(site: Site) -> None:
    site.staff.add("ada")
    ada = site.client(site.log_in("ada"))
    admin = site.hops.user("root-ada", admin=True)
    changed = ada.put("me/password", json={"old_password": "heron teapot ada", "new_password": "another one 123"})
    assert (changed.status_code, "realm 'staff'" in changed.text) == (409, True), changed.text
    set_anew = admin.patch("users/ada", json={"password": "another one 123"})
    assert (set_anew.status_code, "realm 'staff'" in set_anew.text) == (409, True), set_anew.text
    for password in ("heron teapot ada", "another one 123", ""):
        answer = site.hops.anonymous().post("tokens", json={"username": "ada", "password": password})
        assert answer.status_code == 401, answer.text
    assert admin.get("users/ada").json()["realm"] == "staff"


def test_who_gives_an_address_is_asked_by_the_realm_and_locks_nothing_here(site: Site) -> None:
    site.staff.add("ada")
    site.tickets.add("grace")
    ada, grace = site.client(site.log_in("ada")), site.client(site.by_ticket("grace"))
    body = {"address": "ada@example.org", "password": "heron teapot ada"}
    assert ada.put("me/address", json=body | {"password": "wrong"}).status_code == 401
    assert ada.put("me/address", json=body).status_code == 202
    assert ada.post("./me/address:remove", json={"password": "wrong"}).status_code == 401
    with site.hops.platform.parts.database.session(writes=False) as session:
        assert session.get(LoginAttempts, "ada") is None, "codes are counted with that name"
    assert grace.put("me/address", json={"address": "grace@example.org", "password": ""}).status_code == 202
    with site.hops.platform.parts.database.session() as session:
        session.execute(update(RealmAccount).values(proven_at=now() - timedelta(minutes=16)))
    assert grace.put("me/address", json={"address": "grace@example.org", "password": ""}).status_code == 403


def test_whom_an_administrator_deactivated_no_realm_brings_back(site: Site) -> None:
    admin = site.hops.user("root-ada", admin=True)
    site.staff.add("ada")
    site.staff.add("grace")
    site.log_in("grace").raise_for_status()
    site.log_in("ada").raise_for_status()
    left = site.staff.identities.pop("ada")
    check_realms(site.hops.platform.parts)
    admin.patch("users/ada", json={"active": False}).raise_for_status()
    site.staff.identities["ada"] = left
    refused = site.log_in("ada")
    assert (refused.status_code, "deactivated" in refused.text) == (403, True)


def test_a_realm_that_is_away_or_shows_nobody_deactivates_nobody(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.hops.user("root-ada", admin=True)
    for name in ("ada", "grace"):
        site.staff.add(name)
        site.log_in(name).raise_for_status()
    with site.staff.away():
        check_realms(site.hops.platform.parts)
    assert site.user("ada").active
    site.staff.identities.clear()
    with caplog.at_level(logging.ERROR):
        check_realms(site.hops.platform.parts)
    assert (site.user("ada").active, "not believed" in caplog.text) == (True, True)


def test_the_last_administrator_stays(site: Site) -> None:
    for name in ("ada", "grace"):
        site.staff.add(name)
        site.log_in(name).raise_for_status()
    with site.hops.platform.parts.database.session() as session:
        session.execute(update(User).where(User.name != "ada").values(admin=False))
        session.execute(update(User).where(User.name == "ada").values(admin=True))
    site.staff.remove("ada")
    check_realms(site.hops.platform.parts)
    assert site.user("ada").active


@pytest.fixture
def with_second_factor(site: Site) -> Callable[[Any, str], str]:
    """Sets a second factor up; answers its secret."""

    def set_up(client: Any, password: str) -> str:
        begun = client.post("me/second-factor", json={"password": password})
        assert begun.status_code == 200, begun.text
        secret = str(begun.json()["secret"])
        client.post("./me/second-factor:confirm", json={"code": code_of(secret, step_at(now()))}).raise_for_status()
        return secret

    return set_up


def test_a_second_factor_comes_on_top(site: Site, with_second_factor: Callable[[Any, str], str]) -> None:
    site.staff.add("ada")
    site.tickets.add("grace")
    ada, grace = site.client(site.log_in("ada")), site.client(site.by_ticket("grace"))
    assert ada.post("me/second-factor", json={"password": "wrong"}).status_code == 401
    secret = with_second_factor(ada, "heron teapot ada")
    with_second_factor(grace, "")
    asked = site.log_in("ada")
    assert (asked.status_code, asked.json()["type"]) == (401, KIND + "second-factor-needed")
    finish = {"challenge": asked.json()["challenge"], "code": code_of(secret, step_at(now()) + 1)}
    assert site.hops.anonymous().post("tokens", json=finish).json()["user"] == "ada"
    assert site.by_ticket("grace").json()["type"] == KIND + "second-factor-needed"


def test_without_a_password_only_a_log_in_of_lately_proves_who_it_is(site: Site) -> None:
    site.tickets.add("grace")
    grace = site.client(site.by_ticket("grace"))
    with site.hops.platform.parts.database.session() as session:
        session.execute(update(RealmAccount).values(proven_at=now() - timedelta(minutes=16)))
    refused = grace.post("me/second-factor", json={"password": ""})
    assert (refused.status_code, "Log in again" in refused.text) == (403, True), refused.text


def _is_proven(client: Any) -> bool:
    answer = client.put("me/address", json={"address": "grace@example.org", "password": ""})
    assert answer.status_code in (202, 403), answer.text
    return bool(answer.status_code == 202)


def test_a_log_in_proves_who_it_is_in_its_own_session_alone(site: Site) -> None:
    site.tickets.add("grace")
    left_open, first = site.browser("grace", "left open"), site.client(site.by_ticket("grace"))
    assert (_is_proven(first), _is_proven(left_open)) == (True, False), "a token's log-in is no browser's"
    renewed = site.client(first.post("./tokens:renew"))
    assert _is_proven(renewed)
    own = site.browser("grace", "own")
    assert site.by_ticket("grace", browser=mark_of_session("own")).status_code == 200
    assert (_is_proven(own), _is_proven(left_open), _is_proven(site.hops.browser("grace"))) == (True, False, False)
    assert (_is_proven(first), _is_proven(renewed)) == (False, False), "neither is a browser's log-in a token's"


def test_a_token_after_a_second_factor_is_of_the_log_in_before_it(
    site: Site, with_second_factor: Callable[[Any, str], str]
) -> None:
    site.tickets.add("grace")
    first = site.client(site.by_ticket("grace"))
    secret = with_second_factor(first, "")
    asked = site.by_ticket("grace").json()
    finish = {"challenge": asked["challenge"], "code": code_of(secret, step_at(now()) + 1)}
    second = site.client(site.hops.anonymous().post("tokens", json=finish))
    assert (_is_proven(second), _is_proven(first)) == (True, False)


def test_a_provider_that_asked_nothing_proves_nobody_to_be_there(site: Site) -> None:
    site.web.add("grace")
    site.web.remembers = True
    browser, mark = site.browser("grace", "own"), mark_of_session("own")
    site.by_id_token("grace", browser=mark).raise_for_status()
    assert not _is_proven(browser)
    prefix = site.hops.platform.parts.settings.prefix
    page = browser.get(f"http://hops.test{prefix}security", headers={"Sec-Fetch-Dest": "document"}).text
    assert f'href="/hub/oidc/web/login?prompt=login&amp;next={prefix}security"' in page
    site.web.remembers = False
    site.by_id_token("grace", browser=mark).raise_for_status()
    assert _is_proven(browser)
    site.web.remembers = True
    site.by_id_token("grace", browser=mark).raise_for_status()
    assert not _is_proven(browser)


def test_only_the_hub_says_in_which_browser_somebody_is(site: Site) -> None:
    site.tickets.add("grace")
    ticket = base64.b64encode(b"heron teapot grace").decode()
    body = {"realm": "tickets", "ticket": ticket, "browser": mark_of_session("left open")}
    for client in (site.hops.anonymous(), site.hops.user("eve")):
        assert client.post("tokens", json=body).status_code == 403
    assert site.user("grace") is None


def test_what_is_no_way_in_is_refused(site: Site) -> None:
    bodies = [
        {"realm": "staff"},
        {"realm": "staff", "username": "ada"},
        {"realm": "staff", "api_key": "x"},
        {"realm": "tickets", "ticket": "not base64!"},
        {"ticket": "YQ=="},
        {"id_token": "x"},
        {"realm": "staff", "challenge": "x", "code": "1"},
        {"realm": "web", "id_token": "x"},
        {"realm": "web", "id_token": "x", "nonce": "short"},
        {"realm": "web", "id_token": "x", "nonce": "n" * 32, "username": "ada"},
        {"username": "ada", "password": "x", "browser": "0" * 64},
        {"realm": "tickets", "ticket": "YQ==", "browser": "of mine"},
        {"realm": "tickets", "ticket": "a" * (64 * 1024 + 1)},
    ]
    for body in bodies:
        assert site.hops.anonymous().post("tokens", json=body).status_code == 422, body


def test_a_realm_that_is_not_there_and_a_proof_of_another_kind_are_refused(site: Site) -> None:
    site.tickets.add("ada")
    assert site.log_in("ada", realm="nowhere").status_code == 404
    assert site.log_in("ada", realm="tickets").status_code == 401
    ticket = base64.b64encode(b"heron teapot ada").decode()
    assert site.hops.anonymous().post("tokens", json={"realm": "staff", "ticket": ticket}).status_code == 401


def test_no_header_says_who_somebody_is(site: Site) -> None:
    site.staff.add("ada")
    site.log_in("ada").raise_for_status()
    client = site.hops.anonymous()
    for header in ("X-Remote-User", "Remote-User", "REMOTE_USER", "X-Forwarded-User", "X-Auth-Request-User"):
        assert client.get("me", headers={header: "ada"}).status_code == 401
        answer = client.post(
            "tokens", headers={header: "ada"}, json={"username": "ada", "password": "x", "realm": "staff"}
        )
        assert answer.status_code == 401


def test_no_secret_stands_in_the_audit_or_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.staff.add("ada")
    with caplog.at_level(logging.DEBUG):
        site.log_in("ada")
        site.log_in("ada", "heron in the clear")
        site.by_id_token("nobody")
    written = [
        f"{one.thing} {one.reason} {one.details}" for one in site.events("login.password") + site.events("login.oidc")
    ]
    assert len(written) == 3
    assert "heron" not in "".join(written) + caplog.text
