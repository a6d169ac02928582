from __future__ import annotations

import psutil
import pytest

from .conftest import Person, Site

pytestmark = pytest.mark.hub


def test_an_administrator_of_the_platform_opens_no_server_of_others(
    site: Site, admin: Person, running_server: psutil.Process
) -> None:
    assert admin.ask("GET", "me").json()["admin"] is True
    for path in ("api/contents/Jupyter", "lab", "hops/project"):
        answer = admin.client.get(f"user/ada/weather/{path}", follow_redirects=True)
        assert answer.status_code in {403, 404}, path
        assert "jupyter-config-data" not in answer.text
    assert running_server.is_running()


def test_an_administrator_of_the_platform_is_none_at_the_hub(
    site: Site, admin: Person, running_server: psutil.Process
) -> None:
    assert admin.client.get("hub/admin").status_code in {403, 404}
    assert admin.hub("GET", "users").status_code == 403
    for method in ("POST", "DELETE"):
        assert admin.hub(method, "users/ada/servers/weather").status_code in {403, 404}
    assert admin.client.get("hub/spawn/ada/weather").status_code in {403, 404}
    assert running_server.is_running()
    assert not any(site.probe("GET", f"users/{name}").json()["admin"] for name in ("admin", "ada"))
