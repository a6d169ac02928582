"""API keys through the application, and the attacks on them."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select, text

from hops_contract.principal import ProjectRole
from hops_platform.api_keys.models import ApiKey
from hops_platform.api_keys.proofs import digest_of
from hops_platform.api_keys.service import MOST_KEYS, write_uses
from hops_platform.audit.models import AuditEvent
from hops_platform.idempotency import IdempotencyKey
from hops_platform.migrations.tables import all_tables

PASSWORD = "correct horse battery"
ALL_OF_A_USER = ["projects:read", "projects:write", "members:write", "servers:read", "sessions:run"]


def make_key(client: Any, name: str = "report", scopes: list[str] | None = None, **more: Any) -> dict[str, Any]:
    answer = client.post("me/api-keys", json={"name": name, "scopes": scopes or ["projects:read"], **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def with_key(hops: Any, key: str, scheme: str = "Bearer") -> Any:
    client = hops.anonymous()
    client.headers["Authorization"] = f"{scheme} {key}"
    return client


@pytest.mark.parametrize("scheme", ["Bearer", "ApiKey", "apikey"])
def test_a_key_proves_who_calls(hops: Any, scheme: str) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    client = with_key(hops, make_key(ada)["key"], scheme)
    me = client.get("me").json()
    assert (me["name"], me["kind"], me["admin"]) == ("ada", "user", False)
    assert [item["name"] for item in client.get("projects").json()["items"]] == ["weather"]


def test_a_key_is_shown_once(hops: Any) -> None:
    ada = hops.user("ada")
    made = make_key(ada, days=30)
    (listed,) = ada.get("me/api-keys").json()["items"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert made["key"].startswith(listed["shown"])
    assert made["key"] not in ada.get("me/api-keys").text


def test_a_key_stands_nowhere_in_the_database_and_in_no_log(hops: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ada = hops.user("ada")
    answer = ada.post(
        "me/api-keys", json={"name": "report", "scopes": ["projects:read"]}, headers={"Idempotency-Key": "once"}
    )
    key = answer.json()["key"]
    with_key(hops, key).get("me")
    with_key(hops, key[:-1] + "!").get("me")
    hops.anonymous().post("tokens", json={"api_key": key, "project": "weather"})
    assert key not in caplog.text
    assert key[20:] not in caplog.text
    with hops.platform.parts.database.session(writes=False) as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
        for table in all_tables().sorted_tables:
            for row in session.execute(text(f'SELECT * FROM "{table.name}"')):  # noqa: S608 - names of our own
                assert key[20:] not in repr(tuple(row))


def test_a_revoked_key_is_refused_at_once(hops: Any) -> None:
    ada = hops.user("ada")
    client = with_key(hops, make_key(ada)["key"])
    assert client.get("me").status_code == 200
    assert ada.delete("me/api-keys/report").status_code == 204
    refused = client.get("me")
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:hopslab:problem:unauthenticated")
    assert ada.delete("me/api-keys/report").status_code == 404


def test_an_expired_key_is_refused_and_says_so(hops: Any) -> None:
    ada = hops.user("ada")
    client = with_key(hops, make_key(ada)["key"])
    with hops.platform.parts.database.session() as session:
        row = session.scalars(select(ApiKey)).one()
        assert row.expires_at - row.created_at == timedelta(days=90)
        row.expires_at = row.created_at
    assert client.get("me").json()["detail"] == "The API key has expired."
    (listed,) = ada.get("me/api-keys").json()["items"]
    assert (listed["state"], listed["reason"]) == ("ended", "The API key has expired.")


def test_a_key_ends_with_the_password(hops: Any) -> None:
    ada = hops.user("ada")
    client = with_key(hops, make_key(ada)["key"])
    changed = ada.put("me/password", json={"old_password": PASSWORD, "new_password": PASSWORD + "!"})
    assert client.get("me").status_code == 401
    again = hops.with_token(changed.json()["token"])
    assert again.get("me/api-keys").json()["items"][0]["state"] == "ended"
    assert with_key(hops, make_key(again, "another")["key"]).get("me").status_code == 200


def test_a_key_ends_with_its_user_and_does_not_come_back(hops: Any) -> None:
    ada, admin = hops.user("ada"), hops.user("root", admin=True)
    client = with_key(hops, make_key(ada)["key"])
    for active in (False, True):
        assert admin.patch("users/ada", json={"active": active}).status_code == 200
        assert client.get("me").status_code == 401


def test_a_key_of_one_project_ends_with_the_membership_and_does_not_come_back(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    client = with_key(hops, make_key(bob, project="weather")["key"])
    assert client.get("projects/weather").status_code == 200
    assert ada.delete("projects/weather/members/bob").status_code == 204
    assert client.get("projects/weather").status_code == 401
    assert client.get("me").status_code == 401
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    assert client.get("projects/weather").status_code == 401


def test_a_key_of_one_project_ends_with_the_project_and_does_not_come_back_with_it(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    client = with_key(hops, make_key(ada, project="weather")["key"])
    assert client.get("projects/weather").status_code == 200
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    assert client.get("me").status_code == 401
    hops.deliver()
    ada.post("deleted-projects/weather:restore").raise_for_status()
    refused = client.get("projects/weather")
    assert (refused.status_code, "deleted and restored" in refused.json()["detail"]) == (401, True)
    assert ada.get("me/api-keys").json()["items"][0]["state"] == "ended"
    later = with_key(hops, make_key(ada, "later", project="weather")["key"])
    assert later.get("projects/weather").status_code == 200


def test_a_key_of_one_project_ends_when_the_certificate_there_is_replaced(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    client, other = (with_key(hops, make_key(ada, name, **more)["key"]) for name, more in (
        ("one", {"project": "weather"}), ("all", {}),
    ))  # fmt: skip
    ada.post("projects/weather/certificate:replace").raise_for_status()
    assert client.get("projects/weather").status_code == 401
    assert other.get("projects/weather").status_code == 200


def test_a_removed_members_key_of_no_project_sees_the_project_no_more(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    client = with_key(hops, make_key(bob)["key"])
    ada.delete("projects/weather/members/bob").raise_for_status()
    assert client.get("projects/weather").status_code == 404


def test_a_key_of_one_project_reaches_nothing_else(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.ready_project(ada, "tides")
    client = with_key(hops, make_key(ada, scopes=ALL_OF_A_USER, project="weather")["key"])
    assert client.get("projects/weather").status_code == 200
    assert client.get("projects/tides").status_code == 404
    assert client.get("projects").status_code == 403
    assert client.post("projects", json={"name": "clouds"}).status_code == 403
    me = client.get("me").json()
    assert (me["project"], [item["project"] for item in me["memberships"]]) == ("weather", ["weather"])


def test_scopes_bound_what_a_key_can_do(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    reads = with_key(hops, make_key(ada)["key"])
    refused = reads.post("projects", json={"name": "tides"})
    assert refused.status_code == 403
    assert "projects:create" in refused.json()["detail"]
    writes = with_key(hops, make_key(ada, "writes", ["projects:write"])["key"])
    assert writes.post("projects", json={"name": "tides"}).status_code == 201
    assert writes.get("projects/weather").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "me/api-keys", None),
        ("POST", "me/api-keys", {"name": "child", "scopes": ["projects:read"]}),
        ("DELETE", "me/api-keys/all", None),
        ("PUT", "me/password", {"old_password": PASSWORD, "new_password": PASSWORD + "!"}),
        ("POST", "me/second-factor", {"password": PASSWORD}),
        ("POST", "users", {"name": "eve", "password": "eve was never here", "admin": True}),
        ("PATCH", "users/ada", {"admin": True}),
        ("GET", "users/ada/api-keys", None),
        ("DELETE", "users/ada/second-factor", None),
    ],
)
def test_no_key_makes_proofs_of_identity(hops: Any, method: str, path: str, body: Any) -> None:
    ada = hops.user("ada", admin=True)
    scopes = [*ALL_OF_A_USER, "site:read", "site:write"]
    client = with_key(hops, make_key(ada, "all", scopes)["key"])
    assert client.request(method, path, json=body).status_code == 403


def test_an_administrators_key_administrates_only_by_a_scope_of_the_site(hops: Any) -> None:
    root, ada = hops.user("root", admin=True), hops.user("ada")
    hops.ready_project(ada)
    plain = with_key(hops, make_key(root, "plain", ALL_OF_A_USER)["key"])
    assert plain.get("me").json()["admin"] is False
    assert plain.get("projects/weather").status_code == 404
    site = with_key(hops, make_key(root, "site", ["site:read"])["key"])
    assert site.get("users").status_code == 200
    assert site.get("projects/weather").status_code == 200
    assert site.post("users", json={"name": "eve", "password": "eve was never here"}).status_code == 403


def test_who_is_no_administrator_any_more_has_no_such_key(hops: Any) -> None:
    root, second = hops.user("root", admin=True), hops.user("second", admin=True)
    site = with_key(hops, make_key(second, "site", ["site:read"])["key"])
    assert site.get("users").status_code == 200
    root.patch("users/second", json={"admin": False}).raise_for_status()
    assert site.get("users").status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "k", "scopes": ["site:read"]}, 422),
        ({"name": "k", "scopes": []}, 422),
        ({"name": "k", "scopes": ["everything"]}, 422),
        ({"name": "k", "scopes": ["projects:read"], "days": 0}, 422),
        ({"name": "k", "scopes": ["projects:read"], "days": 366}, 422),
        ({"name": "../k", "scopes": ["projects:read"]}, 422),
        ({"name": "k", "scopes": ["projects:read"], "project": "tides"}, 404),
        ({"name": "k", "scopes": ["projects:read"], "key": "hops_mine"}, 422),
    ],
)
def test_keys_that_can_not_be_had(hops: Any, body: dict[str, Any], status: int) -> None:
    ada, eve = hops.user("ada"), hops.user("eve")
    hops.ready_project(eve, "tides")
    assert ada.post("me/api-keys", json=body).status_code == status
    assert ada.get("me/api-keys").json()["items"] == []


def test_names_are_ones_own_and_there_are_only_so_many(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    make_key(ada)
    assert ada.post("me/api-keys", json={"name": "report", "scopes": ["projects:read"]}).status_code == 409
    make_key(bob)
    for number in range(1, MOST_KEYS):
        make_key(ada, f"report-{number}")
    assert ada.post("me/api-keys", json={"name": "one-more", "scopes": ["projects:read"]}).status_code == 409


def test_nobody_sees_or_revokes_anothers_keys(hops: Any) -> None:
    ada, eve = hops.user("ada"), hops.user("eve")
    made = make_key(ada)
    assert eve.get("me/api-keys").json()["items"] == []
    assert eve.delete("me/api-keys/report").status_code == 404
    assert eve.get("users/ada/api-keys").status_code == 403
    assert eve.delete("users/ada/api-keys/report").status_code == 403
    assert with_key(hops, made["key"]).get("me").status_code == 200


def test_administrators_see_and_revoke_keys_of_users(hops: Any) -> None:
    ada, root = hops.user("ada"), hops.user("root", admin=True)
    made = make_key(ada)
    listed = root.get("users/ada/api-keys")
    assert [key["name"] for key in listed.json()["items"]] == ["report"]
    assert made["key"] not in listed.text
    assert root.delete("users/ada/api-keys/report").status_code == 204
    assert with_key(hops, made["key"]).get("me").status_code == 401


def test_keys_are_listed_page_by_page(hops: Any) -> None:
    ada = hops.user("ada")
    for name in ("b", "a", "c"):
        make_key(ada, name)
    first = ada.get("me/api-keys", params={"limit": 2}).json()
    rest = ada.get("me/api-keys", params={"limit": 2, "after": first["next"]}).json()
    assert [key["name"] for key in first["items"] + rest["items"]] == ["a", "b", "c"]


def test_a_key_counts_only_in_its_header(hops: Any) -> None:
    key = make_key(hops.user("ada"))["key"]
    for name in ("api_key", "apiKey", "token", "access_token", "key", "authorization"):
        assert hops.anonymous().get("me", params={name: key}).status_code == 401
    for header in ("X-API-Key", "X-Hops-Key", "Cookie"):
        assert hops.anonymous().get("me", headers={header: key}).status_code == 401


@pytest.mark.parametrize(
    "spoil", [lambda k: k[:-1], lambda k: k + "x", lambda k: k.upper(), lambda k: k[:13], str.strip]
)
def test_only_the_whole_key_is_one(hops: Any, spoil: Any) -> None:
    key = make_key(hops.user("ada"))["key"]
    spoilt = spoil(key)
    assert with_key(hops, spoilt).get("me").status_code == (200 if spoilt == key else 401)


def test_what_is_stored_lets_nobody_in(hops: Any) -> None:
    key = make_key(hops.user("ada"))["key"]
    for stolen in (digest_of(key), f"hops_{digest_of(key)[:43]}"):
        assert with_key(hops, stolen).get("me").status_code == 401


def test_a_token_is_none_as_a_key(hops: Any) -> None:
    hops.create_user("ada")
    token = hops.platform.parts.signer.sign_user("ada", admin=False).token
    assert with_key(hops, token, "ApiKey").get("me").status_code == 401


def test_the_last_use_is_written_later_and_never_set_back(hops: Any) -> None:
    ada = hops.user("ada")
    client = with_key(hops, make_key(ada)["key"])
    client.get("me")
    assert ada.get("me/api-keys").json()["items"][0]["last_used_at"] is None
    uses = hops.platform.parts.keys_in_use.take_uses()
    ((identifier, moment),) = uses.items()
    for used in (uses, {identifier: moment - timedelta(hours=1)}):
        with hops.platform.parts.database.session() as session:
            write_uses(session, used)
    with hops.platform.parts.database.session(writes=False) as session:
        assert session.scalars(select(ApiKey)).one().last_used_at == moment


# Exchange for a token


def exchange(hops: Any, key: str, **more: Any) -> Any:
    return hops.anonymous().post("tokens", json={"api_key": key, **more})


def test_a_key_is_exchanged_for_a_project_users_token_that_ends_with_it(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    key = make_key(ada, "runs", ["sessions:run"])["key"]
    answer = exchange(hops, key, project="weather")
    assert answer.status_code == 200, answer.text
    client = hops.with_token(answer.json()["token"])
    me = client.get("me").json()
    assert (me["kind"], me["project"], me["name"]) == ("project_user", "weather", "ada")
    renewed = client.post("./tokens:renew")
    assert renewed.status_code == 200
    ada.delete("me/api-keys/runs").raise_for_status()
    for token in (answer.json()["token"], renewed.json()["token"]):
        assert hops.with_token(token).get("me").status_code == 401
        assert hops.with_token(token).post("./tokens:renew").status_code == 401


def test_a_token_of_a_key_has_no_more_than_the_key(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    key = make_key(ada, "runs", ["sessions:run"], project="weather")["key"]
    client = hops.with_token(exchange(hops, key).json()["token"])
    assert client.get("projects/weather").status_code == 200
    assert client.patch("projects/weather", json={"title": "T"}, headers={"If-Match": "*"}).status_code == 403
    assert client.post("./projects/weather/certificate:replace").status_code == 403


def test_a_token_of_a_key_is_not_good_for_longer_than_the_key(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    key = make_key(ada, "runs", ["sessions:run"], project="weather")["key"]
    with hops.platform.parts.database.session() as session:
        row = session.scalars(select(ApiKey)).one()
        row.expires_at = end = row.created_at + timedelta(minutes=5)
    token = exchange(hops, key).json()["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] <= end.timestamp()


@pytest.mark.parametrize(
    ("scopes", "bound", "asked", "status"),
    [
        (["projects:read", "projects:write"], None, "weather", 403),
        (["sessions:run"], None, None, 422),
        (["sessions:run"], None, "tides", 404),
        (["sessions:run"], "weather", "other", 404),
        (["sessions:run"], "weather", "weather", 200),
        (["sessions:run"], "weather", None, 200),
    ],
)
def test_which_keys_are_exchanged(
    hops: Any, scopes: list[str], bound: str | None, asked: str | None, status: int
) -> None:
    ada, eve = hops.user("ada"), hops.user("eve")
    hops.ready_project(ada)
    hops.ready_project(ada, "other")
    hops.ready_project(eve, "tides")
    key = make_key(ada, "runs", scopes, **({"project": bound} if bound else {}))["key"]
    answer = exchange(hops, key, **({"project": asked} if asked else {}))
    assert answer.status_code == status, answer.text
    assert key not in answer.text


def test_a_token_of_a_key_says_the_members_role_of_now(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    key = make_key(bob, "runs", ["sessions:run"])["key"]
    claims = jwt.decode(exchange(hops, key, project="weather").json()["token"], options={"verify_signature": False})
    assert claims["role"] == ProjectRole.DATA_SCIENTIST.value
    ada.delete("projects/weather/members/bob").raise_for_status()
    assert exchange(hops, key, project="weather").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "ada"},
        {"username": "ada", "password": "x", "api_key": "hops_x"},
        {"api_key": "hops_x", "code": "123456"},
        {"challenge": "x"},
        {"challenge": "x", "code": "1", "username": "ada"},
        {"username": "ada", "password": "x", "project": "weather"},
    ],
)
def test_one_log_in_goes_one_way(hops: Any, body: dict[str, str]) -> None:
    assert hops.anonymous().post("tokens", json=body).status_code == 422


def test_what_is_done_with_a_key_is_in_the_audit_with_the_keys_name(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.create_user("bob")
    key = make_key(ada, scopes=["members:write", "sessions:run"])["key"]
    assert with_key(hops, key).post("projects/weather/members", json={"user": "bob"}).status_code == 201
    assert with_key(hops, key).post("projects", json={"name": "more", "title": "More"}).status_code == 403
    answer = hops.anonymous().post("tokens", json={"api_key": key, "project": "weather"})
    assert answer.status_code == 200, answer.text
    ada.delete("me/api-keys/report")
    hops.platform.parts.refusals.flush(all_of_them=True)
    with hops.platform.parts.database.session(writes=False) as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.number)).all()
    told = {(row.action, row.thing, row.outcome, row.actor, json.loads(row.details).get("api_key")) for row in rows}
    assert {
        ("api-key.create", "report", "done", "ada", None),
        ("member.add", "bob", "done", "ada", "report"),
        ("project.create", "", "refused", "ada", "report"),
        ("login.api-key", "ada", "done", "ada", None),
        ("api-key.revoke", "report", "done", "ada", None),
    } <= told
    assert key[20:] not in str([row.details for row in rows])


def test_an_auditor_reads_the_sites_audit_by_a_key_and_has_no_scope_that_writes(hops: Any) -> None:
    hops.user("root", admin=True)
    admin = hops.user("grace", admin=True)
    eve = hops.user("eve")
    assert eve.post("me/api-keys", json={"name": "site", "scopes": ["site:read"]}).status_code == 422
    assert admin.patch("users/eve", json={"auditor": True}).status_code == 200
    key = make_key(eve, scopes=["site:read"])["key"]
    assert with_key(hops, key).get("audit-events").status_code == 200
    assert with_key(hops, key).get("users").status_code == 403
    assert eve.post("me/api-keys", json={"name": "w", "scopes": ["site:read", "site:write"]}).status_code == 422
    reading = make_key(eve, "other")["key"]
    assert with_key(hops, reading).get("audit-events").status_code == 403


def test_a_key_that_reads_the_site_changes_nothing_of_others(hops: Any) -> None:
    ada, root = hops.user("ada"), hops.user("root", admin=True)
    hops.ready_project(ada)
    assert ada.request("DELETE", "projects/weather", json={"name": "weather"}).status_code == 204
    hops.deliver()
    key = make_key(root, scopes=["site:read", "projects:write", "sessions:write"])["key"]
    reader = with_key(hops, key)
    assert reader.get("users").status_code == 200
    assert reader.get("me").json()["admin"] is False
    assert reader.post("./deleted-projects/weather:restore").status_code == 404
    assert reader.request("DELETE", "deleted-projects/weather", json={"name": "weather"}).status_code == 404
    writer = with_key(hops, make_key(root, "w", scopes=["site:write", "projects:write"])["key"])
    assert writer.post("./deleted-projects/weather:restore").status_code == 200
