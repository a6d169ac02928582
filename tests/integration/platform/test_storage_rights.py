"""Which changes the rights on HDFS follow, and which rights these are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from hops_platform.errors import EngineUnavailableError
from hops_platform.sharing.rights import follow_rights, rights_of
from hops_platform.testing.factories import make_platform

from .conftest import PlatformUnderTest


@pytest.fixture
def hops(tmp_path: Path, database_url: str | None) -> Iterator[PlatformUnderTest]:
    """A control plane whose storage, in memory, knows project-users."""
    with start_blocking_portal() as portal:
        platform = make_platform(tmp_path / "home", database_url=database_url, migrated=True)
        follow_rights(platform.parts.database)
        yield PlatformUnderTest(platform, portal)
    platform.parts.database.close()


@pytest.fixture
def ada(hops: PlatformUnderTest) -> Any:
    ada = hops.user("ada")
    hops.ready_project(ada, template="empty")
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    return ada


@pytest.fixture
def grace(hops: PlatformUnderTest) -> Any:
    grace = hops.user("grace")
    hops.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    return grace


def raw(hops: PlatformUnderTest) -> tuple[list[str], list[str]]:
    """Who writes and who reads weather's raw on the storage, when all is delivered."""
    hops.deliver()
    found = hops.platform.storage.rights["weather"]["raw"]
    return list(found.writers), list(found.readers)


def test_rights_follow_whatever_changes(hops: PlatformUnderTest, ada: Any, grace: Any) -> None:
    hops.create_user("eve")
    admin = hops.user("root", admin=True)
    assert raw(hops) == (["weather__ada"], [])
    ada.post("projects/weather/members", json={"user": "eve", "role": "data_scientist"}).raise_for_status()
    assert raw(hops) == (["weather__ada", "weather__eve"], [])
    ada.post("projects/weather/datasets/raw/shares", json={"project": "tides", "mode": "read"}).raise_for_status()
    assert raw(hops) == (["weather__ada", "weather__eve"], [])
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()
    assert raw(hops) == (["weather__ada", "weather__eve"], ["tides__grace"])
    grace.post("projects/tides/members", json={"user": "eve", "role": "data_owner"}).raise_for_status()
    assert raw(hops) == (["weather__ada", "weather__eve"], ["tides__eve", "tides__grace"])
    share, anyhow = "projects/weather/datasets/raw/shares/tides", {"If-Match": "*"}
    ada.patch(share, json={"mode": "write"}, headers=anyhow).raise_for_status()
    assert raw(hops) == (["weather__ada", "weather__eve", "tides__eve", "tides__grace"], [])
    admin.patch("users/eve", json={"active": False}, headers=anyhow).raise_for_status()
    assert raw(hops) == (["weather__ada", "tides__grace"], [])
    grace.request("DELETE", "projects/tides", json={"name": "tides"}).raise_for_status()
    assert raw(hops) == (["weather__ada"], [])
    hops.deliver()
    grace.post("deleted-projects/tides:restore").raise_for_status()
    assert raw(hops) == (["weather__ada", "tides__grace"], [])
    ada.delete(share).raise_for_status()
    assert raw(hops) == (["weather__ada"], [])
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    assert raw(hops) == ([], [])


def test_an_archived_project_is_for_reading_there_too(hops: PlatformUnderTest, ada: Any, grace: Any) -> None:
    ada.post("projects/weather/datasets/raw/shares", json={"project": "tides", "mode": "write"}).raise_for_status()
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()
    assert raw(hops) == (["weather__ada", "tides__grace"], [])
    grace.post("projects/tides:archive", json={"name": "tides"}).raise_for_status()
    assert raw(hops) == (["weather__ada"], ["tides__grace"])
    grace.post("projects/tides:unarchive").raise_for_status()
    assert raw(hops) == (["weather__ada", "tides__grace"], [])
    ada.post("projects/weather:archive", json={"name": "weather"}).raise_for_status()
    assert raw(hops) == ([], ["weather__ada", "tides__grace"])
    ada.post("projects/weather:unarchive").raise_for_status()
    assert raw(hops) == (["weather__ada", "tides__grace"], [])


def test_a_change_that_was_taken_back_is_not_followed(hops: PlatformUnderTest, ada: Any) -> None:
    hops.deliver()
    assert ada.post("projects/weather/members", json={"user": "nobody", "role": "data_owner"}).status_code == 404
    assert hops.deliver() == 0


def test_a_storage_that_is_away_gets_its_rights_later_and_holds_up_nothing_else(
    hops: PlatformUnderTest, ada: Any
) -> None:
    assert raw(hops) == (["weather__ada"], [])
    hops.create_user("eve")
    hops.platform.storage.fault = EngineUnavailableError("HDFS is away.")
    assert ada.post("projects/weather/members", json={"user": "eve", "role": "data_owner"}).status_code == 201
    hops.deliver()
    assert hops.platform.storage.rights["weather"]["raw"].writers == ["weather__ada"]
    hops.platform.storage.fault = None
    with hops.platform.parts.database.session() as session:
        assert rights_of(session, "weather")[-1].writers == ["weather__ada", "weather__eve"]
        assert rights_of(session, "absent") == []


def test_a_site_without_such_a_storage_writes_no_deliveries(make: Any) -> None:
    hops = make()
    ada = hops.user("ada")
    hops.ready_project(ada, template="empty")
    assert hops.platform.storage.rights == {}


def test_who_is_removed_is_let_out_by_a_channel_of_its_own(hops: PlatformUnderTest, ada: Any) -> None:
    hops.create_user("eve")
    ada.post("projects/weather/members", json={"user": "eve", "role": "data_scientist"}).raise_for_status()
    assert raw(hops) == (["weather__ada", "weather__eve"], [])
    hops.create_user("kim")
    ada.delete("projects/weather/members/eve", headers={"If-Match": "*"}).raise_for_status()
    ada.post("projects/weather/members", json={"user": "kim", "role": "data_scientist"}).raise_for_status()
    assert hops.platform.workers.deliver_due(["storage-leaving"]) >= 1
    assert list(hops.platform.storage.rights["weather"]["raw"].writers) == ["weather__ada"], "nobody is let in by it"
    assert raw(hops) == (["weather__ada", "weather__kim"], [])
