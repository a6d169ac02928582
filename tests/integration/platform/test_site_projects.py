"""The list of all projects, for administrators."""

from __future__ import annotations

from typing import Any

import pytest

from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.errors import EngineUnavailableError


@pytest.fixture
def admin(hops: Any) -> Any:
    """An administrator who is in no project; there are the weather of ada and bob, and bob's tides."""
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    hops.ready_project(bob, "tides")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    return hops.user("grace", admin=True)


def test_an_administrator_sees_owners_limits_and_what_runs_and_no_files(hops: Any, admin: Any) -> None:
    hops.platform.hub.servers[("bob", "weather")] = HubServer(state=ServerState.READY)
    limits = admin.get("projects/weather/limits").json() | {"max_executors": 3}
    admin.put("projects/weather/limits", json=limits, headers={"If-Match": "*"}).raise_for_status()
    answer = admin.get("site/projects").json()
    by_name = {item["name"]: item for item in answer["items"]}
    assert list(by_name) == ["tides", "weather"]
    assert by_name["weather"].pop("created_at")
    assert by_name["weather"] == {
        "name": "weather", "title": "Weather", "owners": ["ada"], "limits": limits, "running": ["bob"],
        "storage_bytes": 0, "topics": 0, "archived_at": None,
    }  # fmt: skip
    assert (by_name["tides"]["owners"], by_name["tides"]["running"]) == (["bob"], [])
    assert by_name["tides"]["limits"]["max_executors"] == 8
    assert (answer["capacity"]["gpus"], answer["next"]) == (2, None)
    assert admin.get("projects/weather/datasets").status_code == 403


def test_the_list_comes_in_pages(admin: Any) -> None:
    first = admin.get("site/projects", params={"limit": 1}).json()
    second = admin.get("site/projects", params={"limit": 1, "after": first["next"]}).json()
    assert [item["name"] for item in first["items"] + second["items"]] == ["tides", "weather"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("search", "found"), [("THE", ["weather"]), ("ides", ["tides"]), ("%", []), ("_", []), (" ", ["tides", "weather"])]
)
def test_projects_are_found_by_a_part_of_their_names(admin: Any, search: str, found: list[str]) -> None:
    assert [item["name"] for item in admin.get("site/projects", params={"search": search}).json()["items"]] == found


def test_without_the_hub_the_rest_is_still_told(hops: Any, admin: Any) -> None:
    hops.platform.hub.fault = EngineUnavailableError("The Hub does not answer.")
    answer = admin.get("site/projects")
    assert (answer.status_code, [item["running"] for item in answer.json()["items"]]) == (200, [None, None])
