"""The control plane as somebody sees it who means no good."""

from __future__ import annotations

import base64
import json
import logging
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import IntegrityError

from hops_contract.principal import ProjectRole
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.users.models import User

from .conftest import ON_SQLITE

SITE = "http://hops.test/services/hops/"
PASSWORD = "correct horse battery"


def claims(hops: Any, **changes: Any) -> dict[str, Any]:
    token = hops.platform.parts.signer.sign_user("ada", admin=True).token
    return jwt.decode(token, options={"verify_signature": False}) | changes


def key_id(hops: Any) -> str:
    return str(hops.platform.parts.signer.key_set()["keys"][0]["kid"])


@ON_SQLITE
@pytest.mark.parametrize("case", ["no algorithm", "hmac with the public key", "another key", "another key id"])
def test_forged_tokens_are_refused(hops: Any, case: str) -> None:
    hops.create_user("ada", admin=True)
    payload, kid = claims(hops), key_id(hops)
    if case == "no algorithm":
        header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode()).decode().rstrip("=")
        body = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
        token = f"{header}.{body}."
    elif case == "hmac with the public key":
        public = hops.platform.parts.signer.key_set()["keys"][0]["x"]
        token = jwt.encode(payload, public.ljust(32, "x"), algorithm="HS256", headers={"kid": kid})
    else:
        named = kid if case == "another key" else "other"
        token = jwt.encode(payload, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": named})
    answer = hops.with_token(token).get("me")
    assert (answer.status_code, answer.json()["detail"]) == (401, "The token is not valid.")


@ON_SQLITE
@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 86_400},
        {"iss": "elsewhere"},
        {"aud": "elsewhere"},
        {"kind": "root"},
        {"kind": "project_user"},
        {"project": "weather", "role": "data_owner"},
        {"kind": "service", "sub": "hub"},
        {"sub": "nobody"},
    ],
)
def test_tokens_that_say_what_can_not_be_are_refused(hops: Any, changes: dict[str, Any]) -> None:
    hops.create_user("ada", admin=True)
    signer = hops.platform.parts.signer
    token = jwt.encode(claims(hops, **changes), signer._key, algorithm="EdDSA", headers={"kid": key_id(hops)})
    answer = hops.with_token(token).get("me")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert token not in answer.text


@ON_SQLITE
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YWRhOnB3", "Bearer " + "x" * 5000, "Bearer \xe4", "bearer a b"]
)
def test_headers_that_are_no_proof_are_refused(hops: Any, header: str) -> None:
    answer = hops.anonymous().get("me", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_an_administrators_rights_end_with_the_row_and_not_with_the_token(hops: Any) -> None:
    admin = hops.user("grace", admin=True)
    hops.create_user("ada", admin=True)
    old = hops.with_token(hops.platform.parts.signer.sign_user("ada", admin=True).token)
    admin.patch("users/ada", json={"admin": False}).raise_for_status()
    assert old.get("users").status_code == 403
    claimed = hops.with_token(hops.platform.parts.signer.sign_project_user(
        "ada", project="weather", role=ProjectRole.DATA_OWNER).token)  # fmt: skip
    assert claimed.get("projects/weather").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "projects", {"name": "weather", "owner": "eve"}),
        ("POST", "projects", {"name": "weather", "version": 9}),
        ("PATCH", "projects/tides", {"name": "weather"}),
        ("PATCH", "projects/tides", {"id": "01969b1e-6f00-7000-8000-000000000000"}),
        ("PUT", "me/password", {"old_password": PASSWORD, "new_password": PASSWORD + "!", "admin": True}),
        ("POST", "tokens", {"username": "eve", "password": PASSWORD, "admin": True}),
        ("PUT", "projects/tides/server", {"options": {"executors": 1, "environment": {"LD_PRELOAD": "x"}}}),
    ],
)
def test_fields_that_nobody_offered_are_refused(hops: Any, method: str, path: str, body: dict[str, Any]) -> None:
    eve = hops.user("eve")
    hops.ready_project(eve, "tides")
    answer = eve.request(method, path, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert "There is no field of this name." in answer.text
    assert eve.get("me").json()["admin"] is False


def test_a_hidden_project_and_an_absent_one_answer_alike(hops: Any) -> None:
    hops.ready_project(hops.user("ada"), "hidden")
    eve = hops.user("eve")
    for method, path, body in (
        ("GET", "projects/{}", None),
        ("PATCH", "projects/{}", {"title": "x"}),
        ("DELETE", "projects/{}", {"name": "x"}),
        ("GET", "projects/{}/members", None),
        ("GET", "projects/{}/datasets", None),
        ("PUT", "projects/{}/server", {}),
    ):
        answers = [eve.request(method, path.format(name), json=body) for name in ("hidden", "absent")]
        told = [(answer.status_code, answer.text.replace("hidden", "absent")) for answer in answers]
        assert told[0] == told[1]
        assert told[0][0] == 404


def test_a_taken_name_tells_nothing_about_its_project(hops: Any) -> None:
    ada, eve = hops.user("ada"), hops.user("eve")
    ada.post("projects", json={"name": "hidden", "title": "Secret title"}).raise_for_status()
    hops.deliver()
    answer = eve.post("projects", json={"name": "hidden"})
    assert answer.status_code == 409
    assert "Secret" not in answer.text
    assert "ada" not in answer.text


def test_one_users_idempotency_key_is_none_of_anothers(hops: Any) -> None:
    ada, eve = hops.user("ada"), hops.user("eve")
    key = {"Idempotency-Key": "k"}
    assert ada.post("projects", json={"name": "weather"}, headers=key).status_code == 201
    stolen = eve.post("projects", json={"name": "weather"}, headers=key)
    assert stolen.status_code == 409
    assert "role" not in stolen.json()
    assert eve.post("projects", json={"name": "tides"}, headers=key).status_code == 201


@pytest.mark.parametrize(
    "path",
    ["users/a%00b", "projects/weather/members/a%00b", "projects/a%00b", "users/%ff", "users/%F0%9F%92%A9"],
)
def test_names_that_can_be_none_are_not_found(hops: Any, path: str) -> None:
    ada = hops.user("ada", admin=True)
    hops.ready_project(ada)
    answer = ada.get(path) if "members" not in path else ada.delete(path)
    assert answer.status_code == 404


@ON_SQLITE
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 500_000,
        b'{"name": ' + b"9" * 10_000 + b"}",
        b'{"name": "weather", "title": "\\ud800"}',
        b'{"name": "weather", "title": "a\\u0000b"}',
        b"\xff\xfe",
        b"",
        b"null",
    ],
)
def test_bodies_made_to_hurt_are_refused(hops: Any, content: bytes) -> None:
    answer = hops.user("ada").post("projects", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


@ON_SQLITE
@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"after": "a" * 500}])
def test_lists_are_bounded(hops: Any, parameters: dict[str, Any]) -> None:
    assert hops.user("ada").get("projects", params=parameters).status_code == 422


def test_a_cursor_of_another_list_is_no_harm(hops: Any) -> None:
    admin = hops.user("grace", admin=True)
    cursor = base64.urlsafe_b64encode(b"' OR 1=1 --").decode().rstrip("=")
    assert admin.get("users", params={"after": cursor}).status_code == 200
    assert admin.get("outbox", params={"after": cursor}).status_code == 400
    nul = base64.urlsafe_b64encode(b"a\x00").decode().rstrip("=")
    assert admin.get("users", params={"after": nul}).status_code == 400


@ON_SQLITE
def test_every_call_of_a_cookie_needs_the_pages_token(hops: Any) -> None:
    browser = hops.browser("ada")
    hops.create_user("ada")
    hops.ready_project(browser)
    del browser.headers["X-Hops-CSRF"]
    for method, path, body in (
        ("GET", "projects/weather", None),
        ("POST", "projects", {"name": "tides"}),
        ("PATCH", "projects/weather", {"title": "x"}),
        ("DELETE", "projects/weather", {"name": "weather"}),
        ("PUT", "projects/weather/server", {}),
        ("POST", "projects/weather/members", {"user": "eve"}),
        ("PUT", "me/password", {"old_password": PASSWORD, "new_password": PASSWORD + "!"}),
    ):
        assert browser.request(method, path, json=body).status_code == 403, (method, path)


@ON_SQLITE
@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://hops.test.evil.test", "https://hops.test:1"])
def test_the_pages_token_is_of_no_use_elsewhere(hops: Any, origin: str) -> None:
    hops.create_user("ada")
    answer = hops.browser("ada").post("projects", json={"name": "weather"}, headers={"Origin": origin})
    assert answer.status_code == 403


@ON_SQLITE
def test_another_users_page_token_is_refused(hops: Any) -> None:
    hops.create_user("ada")
    hops.create_user("eve")
    ada, eve = hops.browser("ada"), hops.browser("eve")
    ada.headers["X-Hops-CSRF"] = eve.headers["X-Hops-CSRF"]
    assert ada.post("projects", json={"name": "weather"}).status_code == 403


@ON_SQLITE
@pytest.mark.parametrize("tls", [False, True])
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(hops: Any, *, tls: bool) -> None:
    if tls:
        hops.platform.parts.settings.public_url = "https://hops.test/"
    hops.platform.logins.codes["code"] = "hub-token"
    client = hops.anonymous()
    begun = client.get(f"{SITE}login")
    state = begun.headers["location"].partition("state=")[2]
    cookie = begun.headers["set-cookie"].partition(";")[0]
    done = hops.anonymous().get(
        f"{SITE}oauth_callback", params={"code": "code", "state": state}, headers={"Cookie": cookie}
    )
    assert done.status_code == 302
    for line in (*begun.headers.get_list("set-cookie"), done.headers.get_list("set-cookie")[0]):
        assert "HttpOnly" in line
        assert "SameSite=lax" in line
        assert "Path=/services/hops/" in line
        assert ("Secure" in line) is tls
    left = hops.anonymous().get(f"{SITE}logout").headers["set-cookie"]
    assert left.startswith(f'{SESSION_COOKIE}="";')
    assert "Max-Age=0" in left


@ON_SQLITE
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "/services/hops/..//evil.test",
        "/services/hops/%2e%2e/user/eve/",
        "/services/hops/a;b",
        "javascript:alert(1)",
    ],
)
def test_a_log_in_leads_nowhere_else(hops: Any, target: str) -> None:
    hops.platform.logins.codes["code"] = "hub-token"
    client = hops.anonymous()
    begun = client.get(f"{SITE}login", params={"next": target})
    state = begun.headers["location"].partition("state=")[2]
    done = client.get(f"{SITE}oauth_callback", params={"code": "code", "state": state})
    assert done.headers["location"] == "/services/hops/"


@ON_SQLITE
def test_a_log_in_that_was_not_begun_here_is_told_to_a_person_as_a_page(hops: Any) -> None:
    page = hops.anonymous().get(f"{SITE}oauth_callback", params={"code": "x"}, headers={"Accept": "text/html,*/*"})
    assert page.status_code == 400
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "This log-in was not begun by this browser" in page.text
    program = hops.anonymous().get(f"{SITE}oauth_callback", params={"code": "x"})
    assert program.headers["Content-Type"] == "application/problem+json"


@ON_SQLITE
def test_faults_are_pages_for_people_too_but_never_in_the_rest_api(hops: Any) -> None:
    hops.platform.logins.fault = RuntimeError("secret detail")
    fault = hops.anonymous().get(f"{SITE}login", headers={"Accept": "text/html"})
    assert fault.status_code == 500
    assert fault.headers["Content-Type"].startswith("text/html")
    assert "secret detail" not in fault.text
    assert hops.anonymous().get(f"{SITE}no-page", headers={"Accept": "text/html"}).status_code == 404
    answer = hops.anonymous().get("me", headers={"Accept": "text/html"})
    assert answer.headers["Content-Type"] == "application/problem+json"


@ON_SQLITE
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_get_nothing_past_the_permissions(hops: Any, method: str) -> None:
    hops.ready_project(hops.user("ada"))
    for path in ("projects/weather", "me", "users"):
        answer = hops.anonymous().request(method, path)
        assert answer.status_code in (401, 405)
        assert "Access-Control-Allow-Origin" not in answer.headers


@ON_SQLITE
def test_the_published_keys_are_public_ones_only(hops: Any) -> None:
    keys = hops.anonymous().get(f"{SITE}.well-known/jwks.json").json()["keys"]
    assert [set(key) for key in keys] == [{"alg", "crv", "kid", "kty", "use", "x"}]


@ON_SQLITE
def test_answers_are_kept_by_no_cache(hops: Any) -> None:
    hops.create_user("ada")
    answer = hops.anonymous().post("tokens", json={"username": "ada", "password": PASSWORD})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_logs_hold_no_secret(hops: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="hops")
    hops.create_user("ada")
    token = hops.anonymous().post("tokens", json={"username": "ada", "password": PASSWORD}).json()["token"]
    ada = hops.with_token(token)
    hops.ready_project(ada)
    hops.anonymous().get(f"{SITE}oauth_callback", params={"code": "oauth-code", "state": "s"})
    hops.platform.hub.fault = RuntimeError("the Hub broke")
    ada.get("projects/weather/server", params={"token": "in-the-query"})
    written = caplog.text
    assert "the Hub broke" in written
    for secret in (token, PASSWORD, "oauth-code", "in-the-query", hops.platform.parts.hub_credential):
        assert secret not in written


def test_an_error_of_the_database_keeps_its_values_to_itself(hops: Any) -> None:
    hops.create_user("ada")
    with hops.platform.parts.database.session() as session:
        session.add(User(name="ada", password_hash="the-hash"))
        with pytest.raises(IntegrityError, match="SQL parameters hidden") as told:
            session.flush()
        session.rollback()
    assert "the-hash" not in str(told.value)
