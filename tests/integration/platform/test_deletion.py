"""Deleted projects: gone for everybody at once, restored for a time, and then deleted for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hops_contract.principal import ProjectRole
from hops_platform.database import now
from hops_platform.projects.deletion import purge_old
from hops_platform.projects.models import Project


@pytest.fixture
def ada(hops: Any) -> Any:
    client = hops.user("ada")
    hops.ready_project(client)
    return client


def delete(client: Any, project: str = "weather") -> None:
    answer = client.request("DELETE", f"projects/{project}", json={"name": project})
    assert answer.status_code == 204, answer.text


def deleted(client: Any) -> list[str]:
    return [one["name"] for one in client.get("deleted-projects").json()["items"]]


def test_a_deleted_project_is_gone_for_everybody_and_everything_at_once(hops: Any, ada: Any) -> None:
    root = hops.user("root-ada", admin=True)
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    certificate = hops.with_certificate(ada.post("projects/weather/certificate:export").json()["certificate"])
    delete(ada)
    for client in (ada, root, code, hops.hub()):
        assert client.get("projects/weather").status_code == 404
        assert client.get("projects/weather/members").status_code == 404
    assert certificate.get("me").status_code == 401
    assert hops.hub().post("projects/weather/server-grants", json={"user": "ada"}).status_code == 404
    assert ada.get("projects").json()["items"] == []
    assert ada.get("me").json()["memberships"] == []
    assert root.get("site/projects").json()["items"] == []
    assert code.post("http://hops.test/services/hops/api/v1/tokens:renew").status_code == 401
    assert ada.post("projects", json={"name": "weather"}).status_code == 409
    hops.deliver()
    assert hops.platform.storage.trash == []
    assert hops.platform.environments.made == {"weather"}


def test_it_is_restored_with_its_members_roles_and_files(hops: Any, ada: Any) -> None:
    bob = hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    since = {one["user"]: one["since"] for one in ada.get("projects/weather/members").json()["items"]}
    delete(ada)
    assert (deleted(ada), deleted(bob)) == (["weather"], [])
    assert bob.post("deleted-projects/weather:restore").status_code == 404
    assert ada.post("deleted-projects/weather:restore").status_code == 409  # servers are being ended
    hops.deliver()
    restored = ada.post("deleted-projects/weather:restore")
    assert (restored.status_code, restored.json()["role"]) == (200, "data_owner")
    members = ada.get("projects/weather/members").json()["items"]
    assert {one["user"]: one["since"] for one in members} == since
    assert bob.get("projects/weather").json()["role"] == "data_scientist"
    assert deleted(ada) == []
    assert ada.post("deleted-projects/weather:restore").status_code == 404
    hops.deliver()
    assert hops.hub().post("projects/weather/server-grants", json={"user": "bob"}).status_code == 201


def test_an_environment_that_an_update_left_behind_meanwhile_is_made_anew(hops: Any, ada: Any) -> None:
    delete(ada)
    hops.deliver()
    hops.platform.environments.outdated.add("weather")
    assert ada.post("deleted-projects/weather:restore").json()["environment"]["state"] == "creating"
    hops.deliver()
    assert ada.get("projects/weather").json()["environment"]["state"] == "ready"


def test_administrators_restore_for_others(hops: Any, ada: Any) -> None:
    root = hops.user("root-ada", admin=True)
    delete(ada)
    hops.deliver()
    assert deleted(root) == ["weather"]
    assert root.post("deleted-projects/weather:restore").json()["role"] is None
    assert ada.get("projects/weather").json()["role"] == "data_owner"


def test_what_counts_while_it_is_deleted_has_room_when_it_is_restored(hops: Any, ada: Any) -> None:
    delete(ada)
    hops.deliver()
    for number in range(hops.platform.parts.settings.projects_per_user - 1):
        ada.post("projects", json={"name": f"p{number}"}).raise_for_status()
    assert ada.post("projects", json={"name": "one-more"}).status_code == 409
    assert ada.post("deleted-projects/weather:restore").status_code == 200
    hops.deliver()


def test_deleting_for_good_asks_for_the_name_and_frees_it(hops: Any, ada: Any) -> None:
    delete(ada)
    hops.deliver()
    eve = hops.user("eve")
    assert eve.request("DELETE", "deleted-projects/weather", json={"name": "weather"}).status_code == 404
    assert ada.request("DELETE", "deleted-projects/weather", json={"name": "wether"}).status_code == 422
    assert ada.request("DELETE", "deleted-projects/weather", json={"name": "weather"}).status_code == 204
    assert deleted(ada) == []
    hops.deliver()
    assert hops.platform.storage.trash == ["weather"]
    assert hops.platform.environments.made == set()
    assert eve.post("projects", json={"name": "weather"}).status_code == 201
    assert ada.get("projects/weather").status_code == 404


def test_after_some_days_it_is_deleted_for_good_by_itself(hops: Any, ada: Any) -> None:
    hops.ready_project(ada, "tides")
    delete(ada)
    delete(ada, "tides")
    parts = hops.platform.parts
    kept = parts.settings.deleted_projects_kept
    with parts.database.session() as session:
        assert purge_old(session, kept=kept) == []
        row = session.scalars(select(Project).where(Project.name == "weather")).one()
        row.deleted_at = now() - kept - timedelta(minutes=1)
    with parts.database.session() as session:
        assert [project.name for project in purge_old(session, kept=kept)] == ["weather"]
    hops.deliver()
    assert hops.platform.storage.trash == ["weather"]
    assert deleted(ada) == ["tides"]


def test_the_list_says_until_when(hops: Any, ada: Any) -> None:
    delete(ada)
    (shown,) = ada.get("deleted-projects").json()["items"]
    assert shown["title"] == "Weather"
    assert shown["kept_until"] > shown["deleted_at"]
    assert hops.anonymous().get("deleted-projects").status_code == 401
    assert hops.project_user("ada", "weather", ProjectRole.DATA_OWNER).get("deleted-projects").status_code == 403


def test_deleted_projects_count_so_that_nobody_takes_all_names(hops: Any, ada: Any) -> None:
    for number in range(hops.platform.parts.settings.projects_per_user - 1):
        hops.ready_project(ada, f"p{number}")
        delete(ada, f"p{number}")
    refused = ada.post("projects", json={"name": "one-more"})
    assert (refused.status_code, "can be restored still" in refused.json()["detail"]) == (409, True)
