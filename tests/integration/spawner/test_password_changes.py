from __future__ import annotations

import pytest

from tests.waiting import until

from .conftest import PASSWORD, Person, Site

pytestmark = pytest.mark.hub
PAGE = "services/hops/"


def test_a_changed_password_ends_browsers_and_tokens_of_before_and_no_later_ones(site: Site, somebody: Person) -> None:
    assert somebody.log_in().status_code == 302
    assert somebody.client.get(PAGE, follow_redirects=True).url.path == "/" + PAGE
    note = {"note": f"Server at /user/{somebody.name}/"}
    token = somebody.hub("POST", f"users/{somebody.name}/tokens", json=note).json()["token"]
    assert status_of(site, token) == 200

    change = {"old_password": somebody.password, "new_password": PASSWORD}
    assert somebody.ask("PUT", "me/password", json=change).status_code == 200
    # The other browser comes first: it must not be ended together with the old one.
    owner = site.person(somebody.name)
    assert owner.log_in().status_code == 302
    assert somebody.client.get("hub/token", follow_redirects=False).status_code == 302
    assert status_of(site, token) == 403
    assert somebody.client.get(PAGE, follow_redirects=True).url.path == "/hub/login"
    assert owner.client.get("hub/token", follow_redirects=False).status_code == 200
    assert owner.client.get(PAGE, follow_redirects=True).url.path == "/" + PAGE


def test_a_password_that_an_administrator_sets_ends_the_browsers_of_before(admin: Person, somebody: Person) -> None:
    assert somebody.log_in().status_code == 302
    assert somebody.client.get("hub/token", follow_redirects=False).status_code == 200
    assert somebody.client.get(PAGE, follow_redirects=True).url.path == "/" + PAGE
    assert admin.ask("PATCH", f"users/{somebody.name}", json={"password": PASSWORD}).status_code == 200
    until(
        lambda: somebody.client.get(PAGE, follow_redirects=True).url.path == "/hub/login",
        "the end of the login",
        seconds=20,
    )
    assert somebody.client.get("hub/token", follow_redirects=False).status_code == 302


def status_of(site: Site, token: str) -> int:
    return site.person("anybody").client.get("hub/api/user", headers={"Authorization": f"token {token}"}).status_code
