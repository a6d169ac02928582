"""Archived projects: read by everybody who could, changed and worked in by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from hops_contract.principal import ProjectRole
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.security.policy import ARCHIVED_CEILING

from .conftest import ON_SQLITE, PlatformUnderTest
from .test_permissions import API, SENTENCES, all_routes

ANY_VERSION = {"If-Match": "*"}
ARCHIVED = "urn:hopslab:problem:project-archived"
READING = ("READ", "OPEN", "LIST", "BROWSE", "PREVIEW", "DOWNLOAD", "EXPORT")
ENDING = {
    Permission.CERTIFICATE_REPLACE, Permission.DATASETS_WITHDRAW, Permission.MEMBERS_REMOVE,
    Permission.PROJECT_ARCHIVE, Permission.PROJECT_DELETE, Permission.PROJECT_LEAVE, Permission.SERVER_STOP,
    Permission.SHARES_LEAVE, Permission.SHARES_REVOKE,
}  # fmt: skip


def archive(client: Any, project: str = "weather") -> Any:
    return client.post(f"./projects/{project}:archive", json={"name": project})


@pytest.fixture
def ada(hops: PlatformUnderTest) -> Any:
    """A Data Owner of weather, of which bob is a Data Scientist."""
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    return ada


def test_what_is_left_of_permissions_reads_ends_or_takes_away() -> None:
    others = {one for one in ARCHIVED_CEILING if one.name.rpartition("_")[2] not in READING}
    assert others - ENDING == {Permission.LIMITS_EDIT}


@ON_SQLITE
def test_every_route_of_an_archived_project_answers_every_caller_as_the_table_says(hops: Any, ada: Any) -> None:
    bob = hops.with_token(hops.platform.parts.signer.sign_user("bob", admin=False).token)
    root = hops.user("root-ada", admin=True)
    archive(ada).raise_for_status()
    clients = {"owner": ada, "scientist": bob, "admin": root, "hub": hops.hub()}
    clients["token"] = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    wrong, closed = [], 0
    for route in all_routes():
        if not route.path.startswith(API) or not isinstance(route.guard, RequiresInProject):
            continue
        path = route.path.removeprefix(API)
        for name, value in SENTENCES.items():
            path = path.replace(name, value)
        for method in route.methods:
            for caller, client in clients.items():
                # A body that no route accepts: whoever gets past the guard changes nothing.
                body = {"no": "such field"} if method != "GET" else None
                if route.name in {"unarchive_project", "replace_certificate"}:
                    continue  # they take none, and do it
                answer = client.request(method, f"http://hops.test{API}{path}", json=body)
                said = answer.json()["type"] if "problem" in answer.headers.get("content-type", "") else None
                if said == ARCHIVED and route.guard.permission in ARCHIVED_CEILING:
                    wrong.append((method, path, caller, "closed"))
                # Who may not do it at all is told that, as before.
                told_before = answer.status_code in (401, 403, 404)
                if said != ARCHIVED and route.guard.permission not in ARCHIVED_CEILING and not told_before:
                    wrong.append((method, path, caller, answer.status_code))
                closed += said == ARCHIVED
    assert wrong == []
    assert closed > 40


def test_archiving_asks_for_the_name_ends_what_runs_and_is_taken_back(hops: Any, ada: Any) -> None:
    for name in ("ada", "bob"):
        hops.platform.hub.servers[(name, "weather")] = HubServer(state=ServerState.READY)
    assert ada.post("./projects/weather:archive", json={"name": "wether"}).status_code == 422
    answer = archive(ada)
    assert answer.status_code == 200
    assert answer.json()["archived_at"] is not None
    assert archive(ada).status_code == 409
    hops.deliver()
    assert hops.platform.hub.servers == {}
    assert hops.platform.sessions.reasons == dict.fromkeys(
        ("weather__ada", "weather__bob"), "The project was archived."
    )
    assert [one["name"] for one in ada.get("projects").json()["items"]] == []
    assert [one["name"] for one in ada.get("projects?archived=true").json()["items"]] == ["weather"]
    refused = ada.put("projects/weather/server", json={})
    assert refused.json()["type"] == ARCHIVED
    assert "A Data Owner of it can take that back" in refused.json()["remedy"]
    grant = {"user": "ada", "options": None}
    assert hops.hub().post("projects/weather/server-grants", json=grant).json()["type"] == ARCHIVED
    token = hops.project_user("bob", "weather", ProjectRole.DATA_SCIENTIST)
    assert token.get("projects/weather/sessions/limits").json()["type"] == ARCHIVED
    assert token.get("projects/weather").status_code == 200
    assert ada.post("./projects/weather:unarchive").json()["archived_at"] is None
    assert ada.post("./projects/weather:unarchive").status_code == 409
    assert ada.put("projects/weather/server", json={}).status_code == 202
    assert token.get("projects/weather/sessions/limits").status_code == 200


def test_only_a_data_owner_in_person_archives(hops: Any, ada: Any) -> None:
    bob = hops.with_token(hops.platform.parts.signer.sign_user("bob", admin=False).token)
    for client in (bob, hops.user("root-ada", admin=True), hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)):
        assert archive(client).status_code == 403
    assert archive(hops.user("eve")).status_code == 404
    assert ada.get("projects/weather").json()["archived_at"] is None


def test_people_can_go_and_be_removed_and_the_project_deleted_and_restored_as_it_was(hops: Any, ada: Any) -> None:
    archive(ada).raise_for_status()
    assert ada.post("projects/weather/members", json={"user": "bob"}).json()["type"] == ARCHIVED
    assert ada.delete("projects/weather/members/bob").status_code == 204
    assert ada.request("DELETE", "projects/weather", json={"name": "weather"}).status_code == 204
    hops.deliver()
    assert ada.post("./deleted-projects/weather:restore").json()["archived_at"] is not None


def test_an_archived_project_is_not_found_by_who_would_join_or_share(hops: Any, ada: Any) -> None:
    ada.patch("projects/weather", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    grace = hops.user("grace")
    hops.ready_project(grace, "tides")
    ada.post("projects/weather/datasets/Resources/publication").raise_for_status()
    archive(ada).raise_for_status()
    added = grace.post("projects/tides/shares", json={"project": "weather", "dataset": "Resources"})
    assert (added.status_code, added.json()["type"]) == (409, ARCHIVED), "what it has published is found, and no more"
    assert grace.get("listed-projects").json()["items"] == []
    assert grace.post("listed-projects/weather/join-request", json={}).status_code == 404
    assert grace.get("projects/tides/share-targets").json() == []
    offered = grace.post("projects/tides/datasets/Resources/shares", json={"project": "weather"})
    assert offered.status_code == 404


def test_what_it_shares_stays_readable_and_is_written_by_nobody(on_disk: PlatformUnderTest) -> None:
    ada, grace = on_disk.user("ada"), on_disk.user("grace")
    on_disk.ready_project(ada, template="empty")
    on_disk.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    share = "projects/weather/datasets/Resources/shares"
    ada.post(share, json={"project": "tides", "mode": "write", "download": True}).raise_for_status()
    grace.post("./projects/tides/shares/weather/Resources:accept").raise_for_status()
    resources = on_disk.platform.parts.settings.layout.project("weather") / "Resources"
    (resources / "day.csv").write_text("rain")
    seen = "projects/tides/datasets/Shared:weather:Resources"
    archive(ada).raise_for_status()
    assert grace.get(f"{seen}/content?path=day.csv").text == "rain"
    assert grace.get(seen).json()["shared"]["mode"] == "read"
    for what, body in (
        ("files:copy", {"path": "day.csv", "to": "x"}), ("files:move", {"path": "day.csv", "to": "x"}),
        ("files:trash", {"path": "day.csv"}), ("folders", {"path": "x"}),
    ):  # fmt: skip
        assert grace.post(f"{seen}/{what}", json=body).json()["type"] == ARCHIVED, what
    assert [path.name for path in resources.iterdir()] == ["day.csv"]
    ada.delete(f"{share}/tides").raise_for_status()
    assert grace.get(seen).status_code == 404


def test_sandboxes_of_others_write_no_more_to_what_it_shares(hops: Any, ada: Any) -> None:
    grace = hops.user("grace")
    hops.ready_project(grace, "tides")
    grace.patch("projects/tides", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    share = {"project": "tides", "mode": "write"}
    ada.post("projects/weather/datasets/Resources/shares", json=share).raise_for_status()
    grace.post("./projects/tides/shares/weather/Resources:accept").raise_for_status()
    hops.deliver()
    visible = hops.platform.sandboxes.visible
    assert visible["tides"] == {"weather/Resources": True}
    archive(ada).raise_for_status()
    hops.deliver()
    assert visible["tides"] == {"weather/Resources": False}
    ada.post("./projects/weather:unarchive").raise_for_status()
    hops.deliver()
    assert visible["tides"] == {"weather/Resources": True}
