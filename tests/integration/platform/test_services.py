"""Services of a project, switched off and on by its Data Owners."""

from __future__ import annotations

from typing import Any

import pytest

from hops_contract.principal import ProjectRole
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.security.permissions import Permission
from hops_platform.security.services import SERVICES, Service

ANY_VERSION = {"If-Match": "*"}
OFF = "urn:hopslab:problem:service-off"
ALL = [service.value for service in Service]


@pytest.fixture
def ada(hops: Any) -> Any:
    ada = hops.user("ada")
    hops.ready_project(ada)
    return ada


def switch(client: Any, *services: str, **headers: str) -> Any:
    return client.put("projects/weather/services", json={"services": list(services)}, headers=headers or ANY_VERSION)


def test_each_service_registers_what_it_takes() -> None:
    assert set(SERVICES) == set(Service)
    assert [service.name for service in Service] == sorted(service.name for service in Service)
    taken = [permission for entry in SERVICES.values() for permission in entry.permissions]
    assert len(taken) == len(set(taken))
    # Nothing that ends something, or takes a right away, is ever switched off.
    assert not set(taken) & {Permission.SERVER_STOP, Permission.SHARES_REVOKE, Permission.SHARES_LEAVE}


def test_spark_off_ends_sessions_with_the_reason_and_starts_none(hops: Any, ada: Any) -> None:
    assert ada.get("projects/weather").json()["services"] == ALL
    token = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    hops.platform.hub.servers[("ada", "weather")] = HubServer(state=ServerState.READY)
    answer = switch(ada, "jupyter", "sharing")
    assert (answer.status_code, answer.json()["services"]) == (200, ["jupyter", "sharing"])
    hops.deliver()
    assert hops.platform.sessions.reasons == {"weather__ada": "Spark sessions were switched off in this project."}
    assert ("ada", "weather") in hops.platform.hub.servers, "the notebook server runs on"
    refused = token.get("projects/weather/sessions/limits")
    assert (refused.status_code, refused.json()["type"]) == (409, OFF)
    assert "no Spark session starts" in refused.json()["detail"]
    switch(ada, "jupyter", "sharing").raise_for_status()
    hops.deliver()
    assert hops.platform.sessions.ended == ["weather__ada"], "what is off already ends nothing again"
    switch(ada, *ALL).raise_for_status()
    assert token.get("projects/weather/sessions/limits").status_code == 200


def test_notebook_servers_off_stops_them_and_refuses_the_hub_too(hops: Any, ada: Any) -> None:
    hops.platform.hub.servers[("ada", "weather")] = HubServer(state=ServerState.READY)
    switch(ada, "sharing", "spark").raise_for_status()
    hops.deliver()
    assert hops.platform.hub.servers == {}
    assert hops.platform.sessions.ended == []
    grant = {"user": "ada", "options": None}
    assert hops.hub().post("projects/weather/server-grants", json=grant).json()["type"] == OFF
    assert ada.put("projects/weather/server", json={}).json()["type"] == OFF
    assert ada.delete("projects/weather/server").status_code == 204


def test_sharing_off_gives_nothing_new_and_takes_nothing_away(hops: Any, ada: Any) -> None:
    grace = hops.user("grace")
    hops.ready_project(grace, "tides")
    grace.patch("projects/tides", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    shares = "projects/weather/datasets/Resources/shares"
    ada.post(shares, json={"project": "tides"}).raise_for_status()
    grace.post("./projects/tides/shares/weather/Resources:accept").raise_for_status()
    switch(ada, "jupyter", "spark").raise_for_status()
    assert ada.post("projects/weather/datasets/Models/shares", json={"project": "tides"}).json()["type"] == OFF
    assert ada.post("projects/weather/datasets/Models/publication").json()["type"] == OFF
    edit = ada.patch(f"{shares}/tides", json={"download": True}, headers=ANY_VERSION)
    assert edit.json()["type"] == OFF
    assert grace.get("projects/tides/datasets/Shared:weather:Resources").status_code == 200
    assert ada.delete(f"{shares}/tides").status_code == 204


def test_what_was_offered_or_published_before_sharing_was_off_is_taken_by_nobody(hops: Any, ada: Any) -> None:
    grace = hops.user("grace")
    hops.ready_project(grace, "tides")
    grace.patch("projects/tides", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    ada.post("projects/weather/datasets/Resources/shares", json={"project": "tides"}).raise_for_status()
    ada.post("projects/weather/datasets/Models/publication").raise_for_status()
    wishes = [{"project": "weather", "dataset": "Models", "mode": mode} for mode in ("read", "write")]
    switch(ada, "jupyter", "spark").raise_for_status()
    assert grace.post("./projects/tides/shares/weather/Resources:accept").status_code == 409
    assert [grace.post("projects/tides/shares", json=wish).status_code for wish in wishes] == [409, 409]
    assert grace.get("projects/tides/datasets/Shared:weather:Models").status_code == 404
    switch(ada, *ALL).raise_for_status()
    assert grace.post("./projects/tides/shares/weather/Resources:accept").status_code == 200
    assert grace.post("projects/tides/shares", json=wishes[0]).status_code == 201


def test_an_edit_of_an_old_version_and_unknown_services_are_refused(ada: Any) -> None:
    tag = ada.get("projects/weather").headers["ETag"]
    switch(ada, "spark", **{"If-Match": tag}).raise_for_status()
    assert switch(ada, *ALL, **{"If-Match": tag}).status_code == 412
    assert ada.put("projects/weather/services", json={"services": ALL}).status_code == 428
    assert switch(ada, "hive").status_code == 422
    assert ada.get("projects/weather").json()["services"] == ["spark"]


def test_only_a_data_owner_in_person_switches(hops: Any, ada: Any) -> None:
    bob = hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    for client in (bob, hops.user("root-ada", admin=True), hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)):
        assert switch(client).status_code == 403
    assert switch(hops.user("eve")).status_code == 404
