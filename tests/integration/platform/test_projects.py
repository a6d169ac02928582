from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from hops_contract.principal import ProjectRole
from hops_platform.database import now
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.environments.service import renew
from hops_platform.errors import EngineRefusedError, EngineUnavailableError, StorageFullError
from hops_platform.outbox import Delivery
from hops_platform.settings import NetworkRule


def test_a_new_project_gets_folders_a_template_and_an_environment(hops: Any) -> None:
    ada = hops.user("ada")
    made = hops.ready_project(ada)
    assert (made["role"], made["environment"]["state"]) == ("data_owner", "creating")
    assert hops.platform.storage.projects["weather"] == {"Jupyter", "Resources", "Logs", "Experiments", "Models"}
    assert hops.platform.templates.filled == {"weather": "Weather"}
    assert ada.get("projects/weather").json()["environment"] == {"state": "ready", "error": None}
    assert len(ada.get("projects/weather/datasets").json()["items"]) == 5


def test_an_empty_project_gets_no_template(hops: Any) -> None:
    hops.ready_project(hops.user("ada"), template="empty")
    assert hops.platform.templates.filled == {}


def test_a_creation_sent_twice_with_one_key_happens_once(hops: Any) -> None:
    ada = hops.user("ada")
    request = {"json": {"name": "weather"}, "headers": {"Idempotency-Key": "k"}}
    first, again = ada.post("projects", **request), ada.post("projects", **request)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = ada.post("projects", json={"name": "tides"}, headers={"Idempotency-Key": "k"})
    assert other.status_code == 409


def test_nobody_fills_the_site_with_projects(hops: Any) -> None:
    ada, admin = hops.user("ada"), hops.user("root", admin=True)
    most = hops.platform.parts.settings.projects_per_user
    for number in range(most):
        assert ada.post("projects", json={"name": f"p{number}"}).status_code == 201
    refused = ada.post("projects", json={"name": "one-more"})
    assert refused.status_code == 409
    assert refused.json()["detail"] == f"You are Data Owner of {most} projects; {most} are the most here."
    assert "ask an administrator" in refused.json()["remedy"]
    assert ada.request("DELETE", "projects/p0", json={"name": "p0"}).status_code == 204
    # It can be restored still, so that it keeps its name and its files.
    assert ada.post("projects", json={"name": "one-more"}).status_code == 409
    assert ada.request("DELETE", "deleted-projects/p0", json={"name": "p0"}).status_code == 204
    assert ada.post("projects", json={"name": "one-more"}).status_code == 201
    for number in range(most + 1):
        assert admin.post("projects", json={"name": f"q{number}"}).status_code == 201


def test_data_owners_open_the_network_of_their_project_for_what_starts_from_then_on(hops: Any) -> None:
    ada = hops.user("ada")
    made = hops.ready_project(ada)
    assert made["network"] == "platform"
    assert session_network(hops) == "platform"
    opened = ada.patch("projects/weather", json={"network": "open"}, headers={"If-Match": f'"{made["version"]}"'})
    assert (opened.status_code, opened.json()["network"], opened.json()["title"]) == (200, "open", made["title"])
    late = ada.patch("projects/weather", json={"network": "platform"}, headers={"If-Match": f'"{made["version"]}"'})
    assert late.status_code == 412
    assert ada.patch("projects/weather", json={"network": "all"}, headers={"If-Match": "*"}).status_code == 422
    assert ada.get("projects").json()["items"][0]["network"] == "open"
    assert session_network(hops) == "open"
    assert granted_network(hops) == "open"


def granted_network(hops: Any) -> str:
    """What the Hub is told when ada's server is to start."""
    network: str = hops.hub().post("projects/weather/server-grants", json={"user": "ada"}).json()["config"]["network"]
    return network


def session_network(hops: Any) -> str:
    """What the session service is told when a session of ada's is to start."""
    member = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    network: str = member.get("projects/weather/sessions/limits").json()["network"]
    return network


def test_others_do_not_open_it(hops: Any) -> None:
    ada, bob, eve = hops.user("ada"), hops.user("bob"), hops.user("eve")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    for client, status in ((bob, 403), (eve, 404), (hops.anonymous(), 401)):
        refused = client.patch("projects/weather", json={"network": "open"}, headers={"If-Match": "*"})
        assert refused.status_code == status
    assert ada.get("projects/weather").json()["network"] == "platform"


@pytest.mark.parametrize("rule", ["platform", "open"])
def test_a_site_that_decides_itself_leaves_no_choice(hops: Any, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    ada.patch("projects/weather", json={"network": "open"}, headers={"If-Match": "*"}).raise_for_status()
    monkeypatch.setattr(hops.platform.parts.settings, "sandbox_network", NetworkRule(rule))
    refused = ada.patch("projects/weather", json={"network": "platform"}, headers={"If-Match": "*"})
    assert refused.status_code == 403
    assert "HOPS_SANDBOX_NETWORK" in refused.json()["remedy"]
    again = ada.patch("projects/weather", json={"network": "open", "title": "Sea"}, headers={"If-Match": "*"})
    assert again.json()["title"] == "Sea", "what does not change is no choice"
    assert session_network(hops) == rule
    assert granted_network(hops) == rule


@pytest.mark.parametrize("name", ["", "Weather", "9lives", "a--b", "a_b", "a" * 31, "weather\n", "../etc", "a-"])
def test_illegal_names_are_refused(hops: Any, name: str) -> None:
    answer = hops.user("ada").post("projects", json={"name": name})
    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"] == "name"


def test_an_edit_of_an_old_version_is_refused(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    tag = ada.get("projects/weather").headers["ETag"]
    assert ada.patch("projects/weather", json={"title": "A"}).status_code == 428
    assert ada.patch("projects/weather", json={"title": "A"}, headers={"If-Match": tag}).json()["title"] == "A"
    assert ada.patch("projects/weather", json={"title": "B"}, headers={"If-Match": tag}).status_code == 412


def test_a_removed_members_server_and_sessions_end_and_stay_away(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob"})
    hops.platform.hub.servers[("bob", "weather")] = HubServer(state=ServerState.READY)
    token = hops.project_user("bob", "weather", ProjectRole.DATA_SCIENTIST)
    assert token.get("projects/weather").status_code == 200
    assert ada.delete("projects/weather/members/bob").status_code == 204
    assert bob.get("projects/weather").status_code == 404
    assert token.get("projects/weather").status_code == 404
    assert token.post("./tokens:renew").status_code == 401
    hops.deliver()
    assert ("bob", "weather") not in hops.platform.hub.servers
    assert hops.platform.sessions.ended == ["weather__bob"]
    grant = hops.hub().post("projects/weather/server-grants", json={"user": "bob"})
    assert grant.status_code == 403


def test_a_broken_engine_holds_back_only_itself_and_is_tried_again(hops: Any) -> None:
    ada, admin = hops.user("ada"), hops.user("grace", admin=True)
    hops.create_user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob"})
    hops.platform.hub.fault = EngineUnavailableError("The Hub does not answer.")
    ada.delete("projects/weather/members/bob")
    hops.deliver()
    assert hops.platform.sessions.ended == ["weather__bob"]
    (waiting,) = admin.get("outbox").json()["items"]
    assert (waiting["topic"], waiting["last_error"]) == ("server.stop", "The Hub does not answer.")
    hops.platform.hub.fault = None
    with hops.platform.parts.database.session() as session:
        session.execute(update(Delivery).values(due_at=now() + timedelta(minutes=5)))
    assert hops.deliver() == 0, "it waits before it tries again"
    assert admin.post(f"./outbox/{waiting['id']}:retry").status_code == 200
    assert hops.deliver() == 1
    assert admin.get("outbox").json()["items"] == []


def test_the_last_data_owner_can_not_go(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    assert ada.delete("projects/weather/members/ada").status_code == 409
    demoted = ada.patch("projects/weather/members/ada", json={"role": "data_scientist"}, headers={"If-Match": "*"})
    assert demoted.status_code == 409
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_owner"})
    assert ada.delete("projects/weather/members/ada").status_code == 204
    assert bob.get("projects/weather").json()["role"] == "data_owner"


def test_a_member_may_leave_but_not_remove_another(hops: Any) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob"})
    assert bob.delete("projects/weather/members/ada").status_code == 403
    assert bob.delete("projects/weather/members/bob").status_code == 204


def test_a_deleted_projects_files_go_to_the_trash_and_its_name_is_free_after_that(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    assert ada.request("DELETE", "projects/weather", json={"name": "wether"}).status_code == 422
    assert ada.request("DELETE", "projects/weather", json={"name": "weather"}).status_code == 204
    assert ada.get("projects/weather").status_code == 404
    assert ada.post("projects", json={"name": "weather"}).status_code == 409
    hops.deliver()
    assert ada.request("DELETE", "deleted-projects/weather", json={"name": "weather"}).status_code == 204
    assert ada.post("projects", json={"name": "weather"}).status_code == 409  # it is being put away
    hops.deliver()
    assert hops.platform.storage.trash == ["weather"]
    assert hops.platform.environments.made == set()
    assert ada.post("projects", json={"name": "weather"}).status_code == 201


def test_a_grant_waits_for_the_environment_and_says_why_it_failed(hops: Any) -> None:
    ada = hops.user("ada")
    hops.platform.environments.fault = StorageFullError("No space was left.")
    ada.post("projects", json={"name": "weather"})
    early = hops.hub().post("projects/weather/server-grants", json={"user": "ada"})
    assert (early.status_code, early.json()["type"]) == (409, "urn:hopslab:problem:environment-not-ready")
    hops.deliver()
    failed = hops.hub().post("projects/weather/server-grants", json={"user": "ada"})
    assert failed.status_code == 424
    assert "No space was left." in failed.json()["detail"]
    hops.platform.environments.fault = None
    assert ada.post("./projects/weather/environment:retry").status_code == 204
    hops.deliver()
    assert hops.hub().post("projects/weather/server-grants", json={"user": "ada"}).status_code == 201


def test_an_environment_that_an_update_left_behind_is_renewed_at_the_start(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.ready_project(ada, "tides")
    hops.platform.environments.outdated.add("weather")
    with hops.platform.parts.database.session() as session:
        assert renew(session, hops.platform.parts.engines.environments) == ["weather"]
    with hops.platform.parts.database.session() as session:
        assert renew(session, hops.platform.parts.engines.environments) == []
    early = hops.hub().post("projects/weather/server-grants", json={"user": "ada"})
    assert (early.status_code, early.json()["type"]) == (409, "urn:hopslab:problem:environment-not-ready")
    assert "brought up to date" in early.json()["detail"]
    assert hops.hub().post("projects/tides/server-grants", json={"user": "ada"}).status_code == 201
    hops.deliver()
    assert hops.platform.environments.outdated == set()
    assert hops.hub().post("projects/weather/server-grants", json={"user": "ada"}).status_code == 201


def test_a_grant_holds_a_token_of_the_project_and_remembers_the_options(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    grant = hops.hub().post("projects/weather/server-grants", json={"user": "ada", "options": {"executors": 2}}).json()
    assert grant["config"]["options"]["executors"] == 2
    assert grant["config"]["role"] == "data_owner"
    me = hops.with_token(grant["token"]).get("me").json()
    assert (me["kind"], me["project"], me["admin"]) == ("project_user", "weather", False)
    assert ada.get("projects/weather/server-options").json()["options"]["executors"] == 2


def test_options_that_can_not_be_had_are_refused_with_numbers(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    answer = ada.put("projects/weather/server", json={"options": {"executors": 5, "gpus_per_executor": 1}})
    assert answer.status_code == 422
    (violation,) = answer.json()["violations"]
    assert violation == {
        "field": "options.gpus_per_executor",
        "message": "5 GPUs were asked for; this machine has 2.",
    }


def test_a_server_starts_with_the_title_and_the_options_and_stops(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    started = ada.put("projects/weather/server", json={"options": {"executors": 2}}).json()
    assert (started["state"], started["url"]) == ("starting", "/user/ada/weather/")
    ((user, name, title, options),) = hops.platform.hub.started
    assert (user, name, title, options["executors"]) == ("ada", "weather", "Weather", 2)
    assert ada.delete("projects/weather/server").status_code == 204
    assert ada.get("projects/weather/server").json()["state"] == "stopped"


def test_a_hub_that_refuses_is_told_as_such(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.platform.hub.fault = EngineRefusedError("The Hub refused: too many servers.")
    answer = ada.put("projects/weather/server", json={})
    assert (answer.status_code, answer.json()["detail"]) == (502, "The Hub refused: too many servers.")


def test_limits_are_an_administrators_to_edit(hops: Any) -> None:
    ada, admin = hops.user("ada"), hops.user("grace", admin=True)
    hops.ready_project(ada)
    limits = ada.get("projects/weather/limits").json() | {"max_executors": 1}
    assert ada.put("projects/weather/limits", json=limits, headers={"If-Match": "*"}).status_code == 403
    assert admin.put("projects/weather/limits", json=limits, headers={"If-Match": "*"}).status_code == 200
    answer = ada.put("projects/weather/server-options", json={"executors": 2})
    assert "this project may use 1" in answer.json()["detail"]


def test_limits_of_an_old_version_are_refused(hops: Any) -> None:
    admin = hops.user("grace", admin=True)
    hops.ready_project(hops.user("ada"))
    read = admin.get("projects/weather/limits")

    def set_executors(number: int, tag: str | None) -> Any:
        headers = {"If-Match": tag} if tag else {}
        return admin.put("projects/weather/limits", json=read.json() | {"max_executors": number}, headers=headers)

    assert set_executors(1, None).status_code == 428
    first = set_executors(2, read.headers["ETag"])
    assert (first.status_code, first.headers["ETag"] == read.headers["ETag"]) == (200, False)
    late = set_executors(3, read.headers["ETag"])
    assert (late.status_code, late.json()["detail"]) == (412, "Somebody else changed this since you read it.")
    assert set_executors(4, first.headers["ETag"]).status_code == 200
    now = admin.get("projects/weather/limits")
    assert now.json()["max_executors"] == 4
    assert now.headers["ETag"] not in (read.headers["ETag"], first.headers["ETag"])


def test_a_role_of_an_old_version_is_refused(hops: Any) -> None:
    ada = hops.user("ada")
    hops.create_user("bob")
    hops.ready_project(ada)
    tag = f'"{ada.post("projects/weather/members", json={"user": "bob"}).json()["version"]}"'

    def change(role: str, tag: str | None) -> Any:
        headers = {"If-Match": tag} if tag else {}
        return ada.patch("projects/weather/members/bob", json={"role": role}, headers=headers)

    assert change("data_owner", None).status_code == 428
    changed = change("data_owner", tag)
    assert (changed.json()["role"], changed.headers["ETag"]) == ("data_owner", f'"{changed.json()["version"]}"')
    assert change("data_scientist", tag).status_code == 412
    (member,) = [one for one in ada.get("projects/weather/members").json()["items"] if one["user"] == "bob"]
    assert (member["role"], member["version"]) == ("data_owner", changed.json()["version"])
