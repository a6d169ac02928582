from __future__ import annotations

from html import unescape

import psutil
import pytest

from tests.waiting import until

from .conftest import Person, Site, add_member

pytestmark = pytest.mark.hub


def test_a_removed_members_server_ends_and_does_not_come_back(
    site: Site, olga: Person, ada: Person, running_server: psutil.Process
) -> None:
    files = "user/ada/weather/api/contents/Jupyter"
    ada.client.get("user/ada/weather/lab", follow_redirects=True)
    assert ada.client.get(files).status_code == 200

    assert olga.ask("DELETE", "projects/weather/members/ada").status_code in {200, 204}
    try:
        until(lambda: not running_server.is_running(), "the end of the server")
        until(lambda: not site.folder("ada", "weather").exists(), "the wiping")
        again = ada.client.get(files, follow_redirects=True)
        assert again.status_code >= 400
        assert "content" not in again.text[:20]
        said = "There is no project 'weather' that you can see."
        rest = ada.hub("POST", "users/ada/servers/weather")
        assert (rest.status_code, said in rest.json()["message"]) == (404, True)
        form = ada.start("weather", executors="1")
        assert (form.status_code, said in unescape(form.text)) == (404, True)
        assert site.probe("POST", "users/ada/servers/weather").status_code == 404
        assert ada.ask("PUT", "projects/weather/server", json={}).status_code == 404
    finally:
        add_member(olga, "ada")


def test_a_deactivated_users_logins_and_servers_end_within_seconds(
    site: Site, admin: Person, somebody: Person, olga: Person
) -> None:
    add_member(olga, somebody.name)
    assert somebody.log_in().status_code == 302
    somebody.start_and_wait("weather")
    server = site.process(somebody.name, "weather")
    token = somebody.hub("POST", f"users/{somebody.name}/tokens", json={"note": "script"}).json()["token"]
    assert user_of(site, token) == 200
    assert somebody.client.get("hub/token", follow_redirects=False).status_code == 200

    assert admin.ask("PATCH", f"users/{somebody.name}", json={"active": False}).status_code == 200
    until(lambda: somebody.client.get("hub/token", follow_redirects=False).status_code == 302, "the end of the login")
    until(lambda: user_of(site, token) == 403, "the end of the token")
    until(lambda: not server.is_running(), "the end of the server")

    refused = somebody.log_in()
    assert refused.status_code == 403
    assert "the user is not active" in unescape(refused.text)
    assert site.probe("POST", f"users/{somebody.name}/servers/weather").status_code == 404


def user_of(site: Site, token: str) -> int:
    return site.person("anybody").client.get("hub/api/user", headers={"Authorization": f"token {token}"}).status_code
