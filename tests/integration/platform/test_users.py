from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hops_contract.principal import ProjectRole
from hops_platform.security.browser import SESSION_COOKIE, csrf_token
from hops_platform.security.throttling import FREE_ATTEMPTS
from hops_platform.users.models import LoginAttempts, find_user
from hops_platform.users.passwords import set_password

PASSWORD = "correct horse battery"


def log_in(hops: Any, name: str, password: str) -> Any:
    return hops.anonymous().post("tokens", json={"username": name, "password": password})


def test_a_log_in_gives_a_token_that_says_who_one_is(hops: Any) -> None:
    hops.create_user("ada")
    answer = log_in(hops, "ada", PASSWORD)
    assert answer.status_code == 200
    me = hops.with_token(answer.json()["token"]).get("me").json()
    assert (me["name"], me["kind"], me["admin"], me["memberships"]) == ("ada", "user", False, [])


def test_wrong_passwords_lock_known_and_unknown_names_alike(hops: Any) -> None:
    hops.create_user("ada")
    answers = {}
    for name in ("ada", "nobody"):
        tries = [log_in(hops, name, "wrong password") for _ in range(FREE_ATTEMPTS + 1)]
        answers[name] = [(answer.status_code, answer.json()["type"]) for answer in tries]
    assert answers["ada"] == answers["nobody"]
    assert [status for status, _ in answers["ada"]] == [401] * FREE_ATTEMPTS + [429]
    locked = log_in(hops, "ada", PASSWORD)
    assert locked.status_code == 429
    assert 0 < int(locked.headers["Retry-After"]) <= 30


def test_an_administrator_ends_a_lock_out(hops: Any) -> None:
    hops.create_user("ada")
    for _ in range(FREE_ATTEMPTS):
        log_in(hops, "ada", "wrong password")
    admin = hops.user("grace", admin=True)
    assert admin.get("users/ada").json()["locked_until"] is not None
    assert admin.patch("users/ada", json={"unlock": True}).status_code == 200
    assert log_in(hops, "ada", PASSWORD).status_code == 200


def test_a_stranger_who_fails_once_an_hour_locks_nobody_out(hops: Any) -> None:
    hops.create_user("root", admin=True)
    for _ in range(FREE_ATTEMPTS):
        log_in(hops, "root", "wrong password")
    for _ in range(FREE_ATTEMPTS):
        with hops.platform.parts.database.session() as session:
            attempts = session.get(LoginAttempts, "root")
            attempts.last_failed_at -= timedelta(hours=1)
            attempts.locked_until = attempts.locked_until and attempts.locked_until - timedelta(hours=1)
        assert log_in(hops, "root", "wrong password").status_code == 401
    assert log_in(hops, "root", PASSWORD).status_code == 200


def test_whoever_owns_the_machine_ends_an_administrators_lock_out(hops: Any) -> None:
    hops.create_user("root", admin=True)
    for _ in range(FREE_ATTEMPTS):
        log_in(hops, "root", "wrong password")
    locked = log_in(hops, "root", PASSWORD)
    assert (locked.status_code, "hopslab reset-password" in locked.json()["remedy"]) == (429, True)
    with hops.platform.parts.database.session() as session:
        set_password(session, find_user(session, "root"), PASSWORD, must_change=True)
    assert log_in(hops, "root", PASSWORD).status_code == 200


def test_a_password_that_somebody_else_chose_must_be_changed_first(hops: Any) -> None:
    admin = hops.user("grace", admin=True)
    made = admin.post("users", json={"name": "ada", "password": "chosen by grace"})
    assert made.json()["must_change_password"] is True
    ada = hops.with_token(log_in(hops, "ada", "chosen by grace").json()["token"])
    assert ada.get("projects").json()["type"].endswith("password-change-needed")
    changed = ada.put("me/password", json={"old_password": "chosen by grace", "new_password": PASSWORD})
    assert changed.status_code == 200
    assert ada.get("me").status_code == 401, "tokens of the old password end"
    assert hops.with_token(changed.json()["token"]).get("projects").status_code == 200


def test_what_a_notebook_server_was_given_before_a_change_of_the_password_ends_with_it(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada, "weather")
    signer = hops.platform.parts.signer
    before = signer.sign_project_user("ada", project="weather", role=ProjectRole.DATA_OWNER).token
    assert hops.with_token(before).get("me").status_code == 200
    assert ada.put("me/password", json={"old_password": PASSWORD, "new_password": PASSWORD + "!"}).status_code == 200
    refused = hops.with_token(before).post("./tokens:renew")
    assert refused.status_code == 401
    assert refused.json()["detail"] == "Your password was changed."
    assert refused.json()["remedy"] == "Start the notebook server again from the project's page."
    after = signer.sign_project_user("ada", project="weather", role=ProjectRole.DATA_OWNER).token
    assert hops.with_token(after).post("./tokens:renew").status_code == 200


def test_a_deactivated_user_is_out_at_once(hops: Any) -> None:
    admin, ada = hops.user("grace", admin=True), hops.user("ada")
    assert ada.get("me").status_code == 200
    admin.patch("users/ada", json={"active": False})
    assert ada.get("me").status_code == 401
    assert log_in(hops, "ada", PASSWORD).status_code == 401


def test_who_is_let_in_again_logs_in_again(hops: Any) -> None:
    ada, admin = hops.user("ada"), hops.user("root", admin=True)
    assert ada.get("me").status_code == 200
    for active in (False, True):
        assert admin.patch("users/ada", json={"active": active}).status_code == 200
    assert ada.get("me").status_code == 401


@pytest.mark.parametrize("change", [{"active": False}, {"admin": False}])
def test_the_last_active_administrator_stays(hops: Any, change: dict[str, bool]) -> None:
    admin = hops.user("grace", admin=True)
    assert admin.patch("users/grace", json=change).status_code == 409
    hops.create_user("ada", admin=True)
    assert admin.patch("users/grace", json=change).status_code == 200


def test_tokens_are_renewed_until_the_chain_ends(hops: Any) -> None:
    ada = hops.user("ada")
    renewed = ada.post("./tokens:renew")
    assert renewed.status_code == 200
    assert hops.with_token(renewed.json()["token"]).get("me").status_code == 200


def test_forged_proofs_of_identity_are_refused(hops: Any) -> None:
    hops.create_user("ada", admin=True)
    signer = hops.platform.parts.signer
    good = signer.sign_user("ada", admin=True).token
    header, payload, signature = good.split(".")
    for token in (
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[::-1]}",
        "x",
        signer.sign_service("hub").token,
    ):
        assert hops.with_token(token).get("me").status_code == 401
    client = hops.anonymous()
    client.headers.update({"X-Hops-User": "ada", "X-Forwarded-User": "ada", "X-Remote-User": "ada"})
    assert client.get("me").status_code == 401


def test_a_browser_reads_and_changes_things_only_with_the_pages_token_and_from_its_own_pages(hops: Any) -> None:
    hops.create_user("ada")
    browser = hops.browser("ada")
    assert browser.get("me").json()["name"] == "ada"
    assert browser.post("projects", json={"name": "weather"}).status_code == 201
    elsewhere = browser.post("projects", json={"name": "tides"}, headers={"Origin": "http://evil.test"})
    assert elsewhere.status_code == 403
    without = hops.anonymous()
    without.headers["Cookie"] = f"{SESSION_COOKIE}=hub-token-of-ada"
    assert without.get("me").status_code == 403
    assert without.post("projects", json={"name": "tides"}).status_code == 403


def test_the_log_in_of_a_browser_returns_to_the_page_that_was_asked_for(hops: Any) -> None:
    hops.create_user("ada")
    hops.platform.logins.codes["good-code"] = "hub-token-of-ada"
    hops.platform.logins.tokens["hub-token-of-ada"] = "ada"
    client = hops.anonymous()
    begun = client.get("http://hops.test/services/hops/login", params={"next": "/services/hops/account"})
    state = begun.headers["location"].partition("state=")[2]
    done = client.get("http://hops.test/services/hops/oauth_callback", params={"code": "good-code", "state": state})
    assert done.headers["location"] == "/services/hops/account"
    assert "HttpOnly" in done.headers["set-cookie"]
    token = {"X-Hops-CSRF": csrf_token("hub-token-of-ada")}
    assert client.get("me", headers=token).json()["name"] == "ada"
    forged = hops.anonymous().get(
        "http://hops.test/services/hops/oauth_callback", params={"code": "good-code", "state": state}
    )
    assert forged.status_code == 400


def test_users_are_listed_page_by_page(hops: Any) -> None:
    admin = hops.user("grace", admin=True)
    for name in ("ada", "bob", "eve"):
        hops.create_user(name)
    first = admin.get("users", params={"limit": 2}).json()
    rest = admin.get("users", params={"limit": 2, "after": first["next"]}).json()
    assert [user["name"] for user in first["items"] + rest["items"]] == ["ada", "bob", "eve", "grace"]
    assert rest["next"] is None
    assert admin.get("users", params={"after": "!!"}).status_code == 400
