from __future__ import annotations

import pytest

from .conftest import PASSWORD, Person, Site, eventually

pytestmark = pytest.mark.hub
PAGE = "services/hops/"


def test_a_changed_password_ends_browsers_and_tokens_of_before_and_no_later_ones(
    site: Site, people: dict[str, Person]
) -> None:
    grace = people["grace"]
    assert grace.log_in().status_code == 302
    assert grace.client.get(PAGE, follow_redirects=True).url.path == "/" + PAGE
    token = grace.hub("POST", "users/grace/tokens", json={"note": "Server at /user/grace/"}).json()["token"]
    assert status_of(site, token) == 200

    changed = grace.ask("PUT", "me/password", json={"old_password": grace.password, "new_password": PASSWORD})
    assert changed.status_code == 200
    # The other browser comes first: it must not be ended together with the old one.
    owner = site.person("grace")
    assert owner.log_in().status_code == 302
    assert grace.client.get("hub/token", follow_redirects=False).status_code == 302
    assert status_of(site, token) == 403
    assert grace.client.get(PAGE, follow_redirects=True).url.path == "/hub/login"
    assert owner.client.get("hub/token", follow_redirects=False).status_code == 200
    assert owner.client.get(PAGE, follow_redirects=True).url.path == "/" + PAGE


def test_a_password_that_an_administrator_sets_ends_the_browsers_of_before(
    site: Site, admin: Person, people: dict[str, Person]
) -> None:
    otto = people["otto"]
    assert otto.log_in().status_code == 302
    assert otto.client.get("hub/token", follow_redirects=False).status_code == 200
    assert otto.client.get(PAGE, follow_redirects=True).url.path == "/" + PAGE
    assert admin.ask("PATCH", "users/otto", json={"password": PASSWORD}).status_code == 200
    eventually(
        lambda: otto.client.get(PAGE, follow_redirects=True).url.path == "/hub/login",
        "the end of the login",
        seconds=20,
    )
    assert otto.client.get("hub/token", follow_redirects=False).status_code == 302


def status_of(site: Site, token: str) -> int:
    return site.person("grace").client.get("hub/api/user", headers={"Authorization": f"token {token}"}).status_code
