"""A database that is locked or away, a disk that is full: a clear answer, and nothing lost."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from hops_platform import database
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.errors import StorageFullError

from .conftest import ON_SQLITE

FULL = OSError(errno.ENOSPC, "No space left on device: '/secret/place'")


@ON_SQLITE
def test_a_locked_database_is_told_as_such_and_serves_readers(hops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    ada = hops.user("ada")
    hops.platform.parts.database.close()  # connections of the pool wait as long as they were told at first
    other = sqlite3.connect(hops.platform.parts.settings.home / "control-plane.db")
    try:
        other.execute("BEGIN IMMEDIATE")
        refused = ada.post("projects", json={"name": "weather"})
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:hopslab:problem:database-busy")
        assert refused.headers["Retry-After"] == "2"
        assert ada.get("me").status_code == 200
    finally:
        other.close()
    assert ada.post("projects", json={"name": "weather"}).status_code == 201


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_went_away_is_told_as_such_and_found_again(
    hops: Any, postgresql: str, database_url: str
) -> None:
    name = database_url.partition("@/")[2].partition("?")[0]
    ada = hops.user("ada")
    assert ada.get("me").status_code == 200
    with psycopg.connect(host=postgresql, user="hops", dbname="postgres", autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        owner.execute(end, [name])
        refused = ada.get("me")
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:hopslab:problem:database-busy")
        assert name not in refused.text
        owner.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]
    assert ada.get("me").status_code == 200


def test_a_full_disk_of_the_database_is_told_as_such(hops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = hops.user("ada")

    def full(*_arguments: Any, **_more: Any) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr("hops_platform.projects.service.create_project", full)
    answer = ada.post("projects", json={"name": "weather"})
    assert (answer.status_code, answer.json()["type"]) == (507, "urn:hopslab:problem:storage-full")


def test_a_full_disk_holds_back_the_files_and_is_told_to_the_administrator(hops: Any) -> None:
    ada, admin = hops.user("ada"), hops.user("grace", admin=True)
    hops.platform.storage.fault = StorageFullError("There is no space left on the platform's disk.")
    assert ada.post("projects", json={"name": "weather"}).status_code == 201
    hops.deliver()
    waiting = admin.get("outbox").json()["items"]
    assert [(item["topic"], item["last_error"]) for item in waiting] == [
        ("project.create-folders", "There is no space left on the platform's disk."),
        ("project.fill-template", None),
    ]
    assert hops.platform.environments.made == {"weather"}, "another engine goes on"
    hops.platform.storage.fault = None
    for item in waiting:
        admin.post(f"./outbox/{item['id']}:retry").raise_for_status()
    hops.deliver()
    assert hops.platform.storage.projects["weather"]


def test_the_local_storage_tells_a_full_disk_without_paths(hops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(hops.platform.parts.settings.layout)

    def full(*_arguments: Any, **_more: Any) -> None:
        raise FULL

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(StorageFullError) as told:
        storage.create_datasets("weather", ["Jupyter"])
    assert "/secret" not in str(told.value)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_in_a_request_is_a_507(hops: Any, code: int) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.platform.hub.fault = OSError(code, "full: '/secret/place'")
    answer = ada.get("projects/weather/server")
    assert answer.status_code == 507
    assert "/secret" not in answer.text


def test_a_server_that_failed_says_why(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    failed = HubServer(state=ServerState.FAILED, reason="There is no Java.")
    hops.platform.hub.servers[("ada", "weather")] = failed
    assert ada.get("projects/weather/server").json()["reason"] == "There is no Java."
