"""Datasets and their files through REST, on the real disk."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from sqlalchemy import select

from hops_contract.principal import ProjectRole
from hops_platform.audit.actions import Action, Outcome
from hops_platform.audit.models import AuditEvent
from hops_platform.engines.leave import Leave
from hops_platform.files import moving
from hops_platform.security.leave import no_longer
from hops_platform.transfers import OF_ONE_PERSON
from tests.waiting import until_async

from .conftest import ON_SQLITE, PlatformUnderTest

RAW = "projects/weather/datasets/raw"


@pytest.fixture
def ada(on_disk: PlatformUnderTest) -> Any:
    """A Data Owner of weather, which has the dataset raw."""
    ada = on_disk.user("ada")
    on_disk.ready_project(ada, template="empty")
    assert ada.post("projects/weather/datasets", json={"name": "raw"}).status_code == 201
    on_disk.deliver()
    return ada


@pytest.fixture
def bob(on_disk: PlatformUnderTest, ada: Any) -> Any:
    """A Data Scientist there."""
    bob = on_disk.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    return bob


@pytest.fixture
def folder(on_disk: PlatformUnderTest, ada: Any) -> Path:
    return on_disk.platform.parts.settings.layout.project("weather") / "raw"


def upload(client: Any, path: str, data: bytes, *, dataset: str = "raw", **more: Any) -> Any:
    answer = client.post(f"projects/weather/datasets/{dataset}/uploads", json={"path": path, "size": len(data), **more})
    if answer.status_code != 201:
        return answer
    place = f"projects/weather/uploads/{answer.json()['id']}"
    sent = client.put(f"{place}/content", params={"offset": 0}, content=data)
    return client.post(f"{place}:finish") if sent.status_code == 200 else sent


def names(client: Any, path: str = "", dataset: str = "raw") -> list[str]:
    answer = client.get(f"projects/weather/datasets/{dataset}/files", params={"path": path})
    answer.raise_for_status()
    return [item["name"] for item in answer.json()["items"]]


def content(client: Any, path: str, **headers: str) -> Any:
    return client.get(f"{RAW}/content", params={"path": path}, headers=headers)


def test_a_dataset_is_created_once_described_and_read(ada: Any, folder: Path) -> None:
    again = {"Idempotency-Key": "one"}
    first = ada.post("projects/weather/datasets", json={"name": "rain", "description": "Rain"}, headers=again)
    assert (first.status_code, first.json()["description"], first.json()["standard"]) == (201, "Rain", False)
    same = ada.post("projects/weather/datasets", json={"name": "rain", "description": "Rain"}, headers=again)
    assert same.json() == first.json()
    for name in ("rain", "RAIN", "Shared", "shared", "logs"):
        assert ada.post("projects/weather/datasets", json={"name": name}).status_code == 409
    (folder / "README.md").write_text("# Rain\n<script>alert(1)</script>")
    read = ada.get(RAW)
    assert (read.json()["readme"], read.json()["readme_cut"]) == ("# Rain\n<script>alert(1)</script>", False)
    assert read.headers["ETag"] == '"1"'
    assert ada.patch(RAW, json={"description": "x"}).status_code == 428
    edited = ada.patch(RAW, json={"description": "Wind"}, headers={"If-Match": '"1"'})
    assert (edited.json()["description"], edited.headers["ETag"]) == ("Wind", '"2"')
    assert ada.patch(RAW, json={"description": "x"}, headers={"If-Match": '"1"'}).status_code == 412


def test_a_readme_is_shown_in_part_where_it_is_long_and_not_at_all_where_it_is_none(ada: Any, folder: Path) -> None:
    assert ada.get(RAW).json()["readme"] is None
    (folder / "README.md").write_bytes(b"\xff\x00" + b"a" * 200_000)
    shown = ada.get(RAW).json()
    assert (len(shown["readme"]), shown["readme_cut"]) == (64 * 1024, True)
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to("/etc/passwd")
    assert ada.get(RAW).json()["readme"] is None
    (folder / "README.md").unlink()
    os.mkfifo(folder / "README.md")
    assert ada.get(RAW).json()["readme"] is None


def test_a_deleted_dataset_comes_back_with_its_files_and_description(
    on_disk: PlatformUnderTest, ada: Any, folder: Path
) -> None:
    upload(ada, "a/b.csv", b"day")
    ada.patch(RAW, json={"description": "Rain"}, headers={"If-Match": "*"}).raise_for_status()
    assert ada.request("DELETE", RAW, json={"name": "Raw"}).status_code == 422
    assert ada.request("DELETE", RAW, json={"name": "raw"}).status_code == 204
    assert ada.get(RAW).status_code == 404
    assert ada.get(f"{RAW}/files").status_code == 404
    on_disk.deliver()
    assert not folder.exists()
    (item,) = ada.get("projects/weather/trash").json()["items"]
    assert (item["dataset"], item["path"], item["deleted_by"]) == ("raw", "", "ada")
    assert ada.post(f"projects/weather/trash/{item['id']}:restore", json={}).json() == {"dataset": "raw", "path": ""}
    on_disk.deliver()
    assert ada.get(RAW).json()["description"] == "Rain"
    assert names(ada, "a") == ["b.csv"]


@pytest.mark.parametrize("name", ["../x", "a/b", "Shared:tides:raw", "", ".hops", "x" * 65])
def test_a_dataset_is_restored_under_no_name_that_a_new_one_could_not_have(
    on_disk: PlatformUnderTest, ada: Any, folder: Path, name: str
) -> None:
    ada.request("DELETE", RAW, json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    (item,) = ada.get("projects/weather/trash").json()["items"]
    refused = ada.post(f"projects/weather/trash/{item['id']}:restore", json={"to_dataset": name})
    assert refused.status_code == 422 or refused.json()["dataset"] == "raw"
    on_disk.deliver()
    assert ada.post("projects/weather/datasets", json={"name": "more"}).status_code == 201
    on_disk.deliver()
    assert (folder.parent / "more").is_dir(), "the project's queue goes on"


def test_a_dataset_is_made_anew_when_the_old_files_have_left_its_place(
    on_disk: PlatformUnderTest, ada: Any, folder: Path
) -> None:
    upload(ada, "old.csv", b"day")
    ada.request("DELETE", RAW, json={"name": "raw"}).raise_for_status()
    for name in ("raw", "RAW"):
        refused = ada.post("projects/weather/datasets", json={"name": name})
        assert refused.status_code == 409, "what came into it now would be moved to the trash"
        assert "still being moved" in refused.json()["detail"]
        assert "Try again" in refused.json()["remedy"]
    on_disk.deliver()
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    assert names(ada) == []
    item = ada.get("projects/weather/trash").json()["items"][0]["id"]
    assert ada.post(f"projects/weather/trash/{item}:restore", json={}).status_code == 409
    restored = ada.post(f"projects/weather/trash/{item}:restore", json={"to_dataset": "old"})
    assert restored.json() == {"dataset": "old", "path": ""}
    on_disk.deliver()
    assert names(ada, dataset="old") == ["old.csv"]


def test_a_dataset_that_is_being_restored_is_restored_once_and_not_emptied_away(
    on_disk: PlatformUnderTest, ada: Any, folder: Path
) -> None:
    upload(ada, "old.csv", b"day")
    ada.request("DELETE", RAW, json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    item = ada.get("projects/weather/trash").json()["items"][0]["id"]
    ada.post(f"projects/weather/trash/{item}:restore", json={}).raise_for_status()
    again = ada.post(f"projects/weather/trash/{item}:restore", json={"to_dataset": "other"})
    emptied = ada.post("projects/weather/trash:empty", json={"project": "weather"})
    assert (again.status_code, emptied.status_code) == (409, 409)
    assert "restored" in again.json()["detail"]
    on_disk.deliver()
    assert names(ada) == ["old.csv"]
    ada.post("projects/weather/trash:empty", json={"project": "weather"}).raise_for_status()


def test_a_dataset_that_is_restored_while_the_trash_waits_to_be_emptied_is_not_emptied_away(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(ada, "old.csv", b"day")
    ada.request("DELETE", RAW, json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    item = ada.get("projects/weather/trash").json()["items"][0]["id"]

    def in_line(*_given: Any, **_named: Any) -> bool:
        ada.post(f"projects/weather/trash/{item}:restore", json={}).raise_for_status()
        return False

    monkeypatch.setattr(on_disk.platform.parts.engines.files, "moves_slowly", in_line)
    assert ada.post("projects/weather/trash:empty", json={"project": "weather"}).status_code == 409
    on_disk.deliver()
    assert names(ada) == ["old.csv"]


def test_a_restored_dataset_has_a_folder_also_where_the_trash_was_lost(
    on_disk: PlatformUnderTest, ada: Any, folder: Path
) -> None:
    ada.request("DELETE", RAW, json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    item = ada.get("projects/weather/trash").json()["items"][0]["id"]
    ada.post(f"projects/weather/trash/{item}:restore", json={}).raise_for_status()
    on_disk.platform.parts.engines.files.empty_trash("weather")
    on_disk.deliver()
    assert names(ada) == []
    assert upload(ada, "new.csv", b"day").status_code == 200


def test_an_upload_is_begun_and_finished_once_however_often_it_is_said(
    on_disk: PlatformUnderTest, ada: Any, bob: Any
) -> None:
    new, key = {"path": "a.py", "size": 1}, {"Idempotency-Key": "one"}
    place = "projects/weather/uploads/" + ada.post(f"{RAW}/uploads", json=new, headers=key).json()["id"]
    ada.put(f"{place}/content", params={"offset": 0}, content=b"1").raise_for_status()
    assert place.endswith(ada.post(f"{RAW}/uploads", json=new, headers=key).json()["id"])
    assert ada.get(place).json()["received"] == 1
    answers = [ada.post(f"{place}:finish") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json() == answers[2].json()
    assert place.endswith(ada.post(f"{RAW}/uploads", json=new, headers=key).json()["id"])
    assert ada.get(place).status_code == 404, "what was finished is not begun again"
    assert bob.post(f"{place}:finish").status_code == 404
    with on_disk.platform.parts.database.session(writes=False) as session:
        actions = session.scalars(select(AuditEvent.action).where(AuditEvent.outcome == Outcome.DONE)).all()
    assert (actions.count(Action.UPLOAD_BEGIN), actions.count(Action.UPLOAD_FINISH)) == (1, 1)


@pytest.mark.parametrize("call", ["begin", "finish", "restore", "empty"])
def test_nobody_waits_for_the_database_while_the_disk_is_looked_at(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    upload(ada, "old.py", b"day")
    item = ada.post(f"{RAW}/files:trash", json={"path": "old.py"}).json()["id"]
    begun = ada.post(f"{RAW}/uploads", json={"path": "new.py", "size": 0}).json()["id"]
    engines, database, looks = on_disk.platform.parts.engines, on_disk.platform.parts.database, []

    def watch(engine: Any, name: str) -> None:
        looking = getattr(engine, name)

        def look(*given: Any, **named: Any) -> Any:
            looks.append(database.engine.pool.checkedout())
            return looking(*given, **named)

        monkeypatch.setattr(engine, name, look)

    for name in ("begin", "find", "find_finished", "finish"):
        watch(engines.uploads, name)
    for name in ("find_in_trash", "restore", "empty_trash"):
        watch(engines.files, name)
    answer = {
        "begin": lambda: ada.post(f"{RAW}/uploads", json={"path": "b.py", "size": 1}, headers={"Idempotency-Key": "k"}),
        "finish": lambda: ada.post(f"projects/weather/uploads/{begun}:finish"),
        "restore": lambda: ada.post(f"projects/weather/trash/{item}:restore", json={}),
        "empty": lambda: ada.post("projects/weather/trash:empty", json={"project": "weather"}),
    }[call]()
    assert answer.is_success, answer.text
    assert looks
    assert set(looks) == {0}, "a connection was held meanwhile, on SQLite with everybody's turn to write"


@ON_SQLITE
@pytest.mark.parametrize("name", ["Jupyter", "Resources", "Logs", "Experiments", "Models"])
def test_the_datasets_of_every_project_stay(ada: Any, name: str) -> None:
    assert ada.request("DELETE", f"projects/weather/datasets/{name}", json={"name": name}).status_code == 409


def test_files_are_browsed_page_by_page(ada: Any, folder: Path) -> None:
    for name in ("c", "a", "b"):
        (folder / name).write_text(name)
    (folder / "d").mkdir()
    page = ada.get(f"{RAW}/files", params={"limit": 3}).json()
    assert [item["name"] for item in page["items"]] == ["a", "b", "c"]
    assert page["items"][0] | {"modified": ""} == {"name": "a", "kind": "file", "size": 1, "modified": ""}
    rest = ada.get(f"{RAW}/files", params={"limit": 3, "after": page["next"]}).json()
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["d"], None)
    assert ada.get(f"{RAW}/entry", params={"path": "d"}).json()["kind"] == "folder"
    assert ada.get(f"{RAW}/entry").json()["name"] == "raw"


def test_folders_are_made_files_moved_copied_deleted_and_restored(bob: Any, ada: Any) -> None:
    assert bob.post(f"{RAW}/folders", json={"path": "a"}).status_code == 201
    assert bob.post(f"{RAW}/folders", json={"path": "a"}).status_code == 409
    assert bob.post(f"{RAW}/folders", json={"path": "x/y"}).status_code == 404
    assert upload(bob, "a/program.py", b"print()").status_code == 200
    moved = bob.post(f"{RAW}/files:move", json={"path": "a", "to": "b", "to_dataset": "Resources"})
    assert (moved.status_code, moved.json()["name"]) == (200, "b")
    copied = bob.post(
        "projects/weather/datasets/Resources/files:copy", json={"path": "b", "to": "c", "to_dataset": "raw"}
    )
    assert copied.json() == {"entries": 2, "size": 7, "left_out": 0}
    item = bob.post(f"{RAW}/files:trash", json={"path": "c"}).json()
    assert (item["dataset"], item["path"], item["kind"], item["deleted_by"]) == ("raw", "c", "folder", "bob")
    assert names(bob) == []
    assert bob.get("projects/weather/trash").json()["items"] == [item]
    restore = f"projects/weather/trash/{item['id']}:restore"
    assert bob.post(restore, json={"to": "d/e"}).json() == {"dataset": "raw", "path": "d/e"}
    assert bob.post(restore, json={}).status_code == 404
    assert names(bob, "d/e") == ["program.py"]


def test_a_move_that_takes_long_is_done_like_a_copy_as_long_as_there_is_leave(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(ada, "day.csv", b"day")
    files, threads, leaving = on_disk.platform.parts.engines.files, [], []
    monkeypatch.setattr(files, "moves_slowly", lambda *_given, **_named: True)
    for name in ("move", "trash", "restore", "empty_trash"):
        work = getattr(files, name)

        def noted(*given: Any, work: Any = work, **named: Any) -> Any:
            threads.append(threading.current_thread().name.partition("_")[0])
            return work(*given, **named)

        monkeypatch.setattr(files, name, noted)
    ada.post(f"{RAW}/files:move", json={"path": "day.csv", "to": "night.csv"}).raise_for_status()
    item = ada.post(f"{RAW}/files:trash", json={"path": "night.csv"}).raise_for_status().json()
    ada.post(f"projects/weather/trash/{item['id']}:restore", json={}).raise_for_status()
    assert names(ada) == ["night.csv"]
    ada.post("./projects/weather/trash:empty", json={"project": "weather"}).raise_for_status()
    assert threads == ["copy"] * 4

    def ended(*given: Any) -> None:
        leaving.append(given)
        raise no_longer()

    monkeypatch.setattr(moving, "check_still", ended)
    assert ada.post(f"{RAW}/files:move", json={"path": "night.csv", "to": "x"}).status_code == 403
    assert (names(ada), len(leaving)) == (["night.csv"], 1)


def test_the_trash_is_paged_and_emptied_by_who_says_the_projects_name(
    on_disk: PlatformUnderTest, ada: Any, folder: Path
) -> None:
    for name in "abc":
        upload(ada, name, b"1")
        ada.post(f"{RAW}/files:trash", json={"path": name}).raise_for_status()
    page = ada.get("projects/weather/trash", params={"limit": 2}).json()
    assert [item["path"] for item in page["items"]] == ["c", "b"]
    rest = ada.get("projects/weather/trash", params={"limit": 2, "after": page["next"]}).json()
    assert ([item["path"] for item in rest["items"]], rest["next"]) == (["a"], None)
    assert ada.get("projects/weather/trash", params={"after": "AAAA"}).status_code == 400
    assert ada.post("projects/weather/trash:empty", json={"project": "tides"}).status_code == 422
    assert ada.post("projects/weather/trash:empty", json={"project": "weather"}).status_code == 204
    assert ada.get("projects/weather/trash").json()["items"] == []
    on_disk.deliver()
    assert list((folder.parents[1] / ".given-up").iterdir()) == []


def test_a_file_is_uploaded_in_pieces_and_downloaded_whole_and_in_parts(ada: Any) -> None:
    data = bytes(range(256)) * 20_000
    new = {"path": "2026/may.bin", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    begun = ada.post(f"{RAW}/uploads", json=new).json()
    place, half = f"projects/weather/uploads/{begun['id']}", len(data) // 2
    assert ada.put(f"{place}/content", params={"offset": 0}, content=data[:half]).json() == {"received": half}
    assert ada.get(place).json()["received"] == half
    assert ada.post(f"{place}:finish").status_code == 409
    wrong = ada.put(f"{place}/content", params={"offset": 0}, content=data)
    assert (wrong.status_code, str(half) in wrong.json()["remedy"]) == (409, True)
    assert names(ada) == []
    assert ada.put(f"{place}/content", params={"offset": half}, content=data[half:]).status_code == 200
    assert ada.post(f"{place}:finish").json()["size"] == len(data)
    whole = content(ada, "2026/may.bin")
    assert (whole.status_code, whole.content == data) == (200, True)
    part = content(ada, "2026/may.bin", Range="bytes=100-199")
    assert (part.status_code, part.content == data[100:200]) == (206, True)
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(data)}"
    assert content(ada, "2026/may.bin", **{"Range": "bytes=0-1", "If-Range": whole.headers["ETag"]}).status_code == 206
    assert content(ada, "2026/may.bin", **{"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    beyond = content(ada, "2026/may.bin", Range=f"bytes={len(data)}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
    assert upload(ada, "empty", b"").status_code == 200
    assert content(ada, "empty").content == b""


def test_a_download_is_an_attachment_whatever_it_holds(ada: Any) -> None:
    for name in ("page.html", "picture.svg", 'quo"te; filename=x.html', "ünï.html"):
        upload(ada, name, b"<script>alert(1)</script>").raise_for_status()
        headers = content(ada, name).headers
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
        assert '"' not in headers["Content-Disposition"]
        assert ";" not in headers["Content-Disposition"].removeprefix("attachment;")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Cache-Control"] == "no-store"


def test_a_wrong_checksum_and_what_is_there_keep_a_file_out(ada: Any) -> None:
    assert upload(ada, "a", b"1", sha256="0" * 64).status_code == 409
    assert upload(ada, "a", b"1").status_code == 200
    assert upload(ada, "a", b"2").status_code == 409
    assert upload(ada, "a", b"3", replace=True).status_code == 200
    assert content(ada, "a").content == b"3"
    assert upload(ada, "a", b"1", sha256="X" * 64).status_code == 422


def test_an_upload_is_cancelled_and_sends_no_more_than_it_said(ada: Any) -> None:
    begun = ada.post(f"{RAW}/uploads", json={"path": "a", "size": 3}).json()
    place = f"projects/weather/uploads/{begun['id']}"
    more = ada.put(f"{place}/content", params={"offset": 0}, content=b"12345")
    assert more.status_code == 413
    assert ada.delete(place).status_code == 204
    assert ada.delete(place).status_code == 204
    assert ada.get(place).status_code == 404
    assert ada.put(f"{place}/content", params={"offset": 0}, content=b"123").status_code == 404


def test_a_data_scientist_brings_in_programs_and_carries_nothing_out(bob: Any, ada: Any) -> None:
    assert upload(bob, "a.py", b"1").status_code == 200
    assert upload(bob, "A.IPYNB", b"{}").status_code == 200
    for path, size in (("a.csv", 1), ("a.py", 10 * 2**20 + 1), ("a", 1), ("a.parquet", 1)):
        refused = bob.post(f"{RAW}/uploads", json={"path": path, "size": size})
        assert (refused.status_code, "Data Owner" in refused.json()["remedy"]) == (403, True)
    assert content(bob, "a.py").status_code == 403
    assert bob.post("projects/weather/trash:empty", json={"project": "weather"}).status_code == 403
    assert bob.post("projects/weather/datasets", json={"name": "mine"}).status_code == 403


def test_who_is_no_longer_data_owner_finishes_no_upload_of_data(on_disk: PlatformUnderTest, ada: Any, bob: Any) -> None:
    version = bob.get("projects/weather/members").json()["items"][1]["version"]
    bobs = "projects/weather/members/bob"
    ada.patch(bobs, json={"role": "data_owner"}, headers={"If-Match": f'"{version}"'}).raise_for_status()
    begun = bob.post(f"{RAW}/uploads", json={"path": "a.csv", "size": 0}).json()
    ada.patch(bobs, json={"role": "data_scientist"}, headers={"If-Match": "*"}).raise_for_status()
    assert bob.post(f"projects/weather/uploads/{begun['id']}:finish").status_code == 403


@ON_SQLITE
@pytest.mark.parametrize("role", list(ProjectRole))
def test_users_code_neither_sends_nor_fetches_files_here(
    on_disk: PlatformUnderTest, ada: Any, role: ProjectRole
) -> None:
    upload(ada, "a.py", b"1").raise_for_status()
    code = on_disk.project_user("ada", "weather", role)
    assert names(code) == ["a.py"]
    assert code.post(f"{RAW}/uploads", json={"path": "b.py", "size": 0}).status_code == 403
    assert content(code, "a.py").status_code == 403
    assert code.post("projects/weather/trash:empty", json={"project": "weather"}).status_code == 403


def test_uploads_of_others_do_not_exist(ada: Any, bob: Any) -> None:
    begun = ada.post(f"{RAW}/uploads", json={"path": "a.py", "size": 0}).json()
    place = f"projects/weather/uploads/{begun['id']}"
    for answer in (
        bob.get(place),
        bob.post(f"{place}:finish"),
        bob.put(f"{place}/content", params={"offset": 0}, content=b""),
    ):
        assert answer.status_code == 404
    bob.delete(place)
    assert ada.get(place).status_code == 200


PATHS = [
    "../secret",
    "..",
    "a/../../b",
    "/etc/passwd",
    "a\\..\\b",
    "a\x00b",
    "a//b",
    "./a",
    ".hops",
    "\u202eexe",
    "x" * 300,
]


@ON_SQLITE
@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_in_any_place_that_takes_one(ada: Any, bob: Any, folder: Path, path: str) -> None:
    upload(ada, "a.py", b"1").raise_for_status()
    item = ada.post(f"{RAW}/files:trash", json={"path": "a.py"}).json()["id"]
    upload(ada, "a.py", b"1").raise_for_status()
    answers = [
        ada.get(f"{RAW}/files", params={"path": path}),
        ada.get(f"{RAW}/entry", params={"path": path}),
        ada.get(f"{RAW}/content", params={"path": path}),
        ada.post(f"{RAW}/folders", json={"path": path}),
        ada.post(f"{RAW}/files:move", json={"path": path, "to": "b"}),
        ada.post(f"{RAW}/files:move", json={"path": "a.py", "to": path}),
        ada.post(f"{RAW}/files:copy", json={"path": path, "to": "b"}),
        ada.post(f"{RAW}/files:copy", json={"path": "a.py", "to": path}),
        ada.post(f"{RAW}/files:trash", json={"path": path}),
        ada.post(f"{RAW}/uploads", json={"path": path, "size": 0}),
        ada.post(f"projects/weather/trash/{item}:restore", json={"to": path}),
    ]
    assert {answer.status_code for answer in answers} == {422}
    for answer in answers:
        assert str(folder.parents[2]) not in answer.text
    assert names(ada) == ["a.py"]


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2fraw", ".trash", "raw%00", "absent", "x" * 65, ".uploads"])
def test_no_dataset_leads_out(ada: Any, name: str) -> None:
    # The client would take '..' out of the address by itself.
    answer = ada.get(f"projects/weather/datasets/{name}/files")
    assert answer.status_code in {404, 422}
    moved = ada.post(f"{RAW}/files:move", json={"path": "a", "to": "b", "to_dataset": name})
    assert moved.status_code in {404, 422}


def test_a_person_has_only_so_many_transfers_at_once(on_disk: PlatformUnderTest, ada: Any, bob: Any) -> None:
    upload(ada, "a", b"1").raise_for_status()
    begun = ada.post(f"{RAW}/uploads", json={"path": "b.py", "size": 0}).json()["id"]
    places = on_disk.platform.parts.transfers.places
    taken = [places.take("ada") for _ in range(OF_ONE_PERSON)]
    for one in taken:
        one.__enter__()
    assert content(ada, "a").status_code == 429
    assert ada.put(f"projects/weather/uploads/{begun}/content", params={"offset": 0}, content=b"").status_code == 429
    assert ada.post(f"projects/weather/uploads/{begun}:finish").status_code == 429
    assert ada.post(f"{RAW}/files:copy", json={"path": "a", "to": "c"}).status_code == 429
    assert upload(bob, "c.py", b"1").status_code == 200
    for one in taken:
        one.__exit__(None, None, None)
    assert content(ada, "a").status_code == 200


def test_a_project_has_two_copies_at_once_and_who_waits_is_told_how_many_come_before(
    on_disk: PlatformUnderTest, ada: Any, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(ada, "a", b"1").raise_for_status()
    people = [ada, bob, *(on_disk.user(name) for name in ("cyd", "dan"))]
    for name in ("cyd", "dan"):
        ada.post("projects/weather/members", json={"user": name}).raise_for_status()
    go, files = threading.Event(), on_disk.platform.parts.engines.files
    copy = files.copy

    def wait(*given: Any, **named: Any) -> Any:
        assert go.wait(30)
        return copy(*given, **named)

    monkeypatch.setattr(files, "copy", wait)

    def wait_for(**wanted: int) -> None:
        until = time.monotonic() + 30
        while not wanted.items() <= ada.get("projects/weather/copies").json().items():
            assert time.monotonic() < until

    with ThreadPoolExecutor(len(people)) as threads:
        copying = []
        try:
            for number, client in enumerate(people):
                body = {"path": "a", "to": f"b{number}"}
                copying.append(threads.submit(client.post, f"{RAW}/files:copy", json=body))
                wait_for(under_way=min(number + 1, 2), waiting=max(number - 1, 0))
            told = [client.get("projects/weather/copies").json() for client in people]
            assert [one["before"] for one in told] == [None, None, 0, 1]
            assert told[3] == {"under_way": 2, "at_once": 2, "waiting": 2, "own_waiting": 1, "before": 1}
        finally:
            go.set()
        assert [one.result().status_code for one in copying] == [200] * 4
    assert on_disk.user("eve").get("projects/weather/copies").status_code == 404


class Fetching:
    """A download whose reader does what the test says; the test client's own reads everything at once."""

    def __init__(self, hops: PlatformUnderTest, client: Any, path: str) -> None:
        self._hops = hops
        self._scope = scope_of(client, "GET", f"{RAW}/content", f"path={path}".encode())
        self.got = 0
        self.whole = False

    async def run(
        self,
        *,
        hang_up_after: int | None = None,
        stop_after: int | None = None,
        meanwhile: Callable[[], object] | None = None,
    ) -> None:
        gone = anyio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            self.got += len(message.get("body", b""))
            self.whole = message["type"] == "http.response.body" and not message.get("more_body")
            if meanwhile is not None and message["type"] == "http.response.start":
                await to_thread.run_sync(meanwhile)
            if stop_after is not None and self.got > stop_after:
                await anyio.sleep_forever()
            if hang_up_after is not None and self.got > hang_up_after:
                gone.set()
                await anyio.sleep(0.01)

        await self._hops.platform.app(self._scope, receive, send)


CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "removed": lambda ada, _root: ada.delete("projects/weather/members/bob"),
    "demoted": lambda ada, _root: ada.patch(
        "projects/weather/members/bob", json={"role": "data_scientist"}, headers={"If-Match": "*"}
    ),
    "deactivated": lambda _ada, root: root.patch("users/bob", json={"active": False}),
    "another password": lambda _ada, root: root.patch("users/bob", json={"password": "another long password"}),
    "project deleted": lambda ada, _root: ada.request("DELETE", "projects/weather", json={"name": "weather"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_download_ends_when_its_reader_may_no_longer_have_it(  # noqa: PLR0917 - fixtures
    on_disk: PlatformUnderTest, ada: Any, bob: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    root = on_disk.user("root", admin=True)
    (folder / "large").write_bytes(bytes(8 * 2**20))
    make_owner = {"json": {"role": "data_owner"}, "headers": {"If-Match": "*"}}
    ada.patch("projects/weather/members/bob", **make_owner).raise_for_status()
    monkeypatch.setattr("hops_platform.files.routes.Leave", partial(Leave, every_s=0))
    unchanged = Fetching(on_disk, bob, "large")
    on_disk.portal.call(unchanged.run)
    assert unchanged.whole
    fetching = Fetching(on_disk, bob, "large")
    on_disk.portal.call(partial(fetching.run, meanwhile=lambda: CHANGES[change](ada, root).raise_for_status()))
    assert (fetching.got, fetching.whole) == (0, False)
    assert folder / "large" not in open_files()


def test_a_download_ends_after_a_time_and_is_gone_on_with(
    on_disk: PlatformUnderTest, ada: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "large").write_bytes(bytes(8 * 2**20))
    monkeypatch.setattr("hops_platform.long_answers.LONGEST_S", 0)
    fetching = Fetching(on_disk, ada, "large")
    on_disk.portal.call(fetching.run)
    assert not fetching.whole
    monkeypatch.undo()
    assert content(ada, "large", Range="bytes=100-").status_code == 206


def test_code_that_takes_a_datasets_place_holds_up_nothing_of_the_project(
    on_disk: PlatformUnderTest, ada: Any, folder: Path
) -> None:
    folder.with_name("taken").write_text("mine")
    for name in ("taken", "later"):
        ada.post("projects/weather/datasets", json={"name": name}).raise_for_status()
    on_disk.deliver()
    assert names(ada, dataset="taken") == names(ada, dataset="later") == []
    (item,) = ada.get("projects/weather/trash").json()["items"]
    assert (item["dataset"], item["path"], item["deleted_by"]) == ("taken", "taken", "hops")
    ada.post(f"projects/weather/trash/{item['id']}:restore", json={}).raise_for_status()
    assert folder.with_name("taken").joinpath("taken").read_text() == "mine"


def test_whole_folders_of_some_people_keep_nobody_from_finishing_an_upload(
    on_disk: PlatformUnderTest, ada: Any, bob: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [on_disk.user(f"user{number}") for number in range(6)]
    for number in range(len(others)):
        ada.post("projects/weather/members", json={"user": f"user{number}"}).raise_for_status()
    (folder / "large").write_text("x")
    go, files = threading.Event(), on_disk.platform.parts.engines.files
    copying = files.copy
    monkeypatch.setattr(files, "copy", lambda *given, **named: go.wait(60) and copying(*given, **named))
    codes: list[int] = []

    def copy(client: Any, name: str) -> None:
        codes.append(client.post(f"{RAW}/files:copy", json={"path": "large", "to": name}).status_code)

    threads = [threading.Thread(target=copy, args=(client, f"copy{n}")) for n, client in enumerate(others)]
    for thread in threads:
        thread.start()
    try:
        assert upload(bob, "program.py", b"1").status_code == 200
        assert not codes
    finally:
        go.set()
        for thread in threads:
            thread.join(60)
    assert codes == [200] * len(others)


@pytest.mark.parametrize("how", [{"hang_up_after": 0}, {"stop_after": 0}], ids=["hangs up", "stops reading"])
def test_who_does_not_read_a_download_holds_neither_a_place_nor_the_file(
    on_disk: PlatformUnderTest, ada: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, int]
) -> None:
    monkeypatch.setattr("hops_platform.long_answers.PATIENCE_S", 0.2)
    with (folder / "large").open("wb") as file:
        file.truncate(2**30)
    for _ in range(OF_ONE_PERSON + 1):
        fetching = Fetching(on_disk, ada, "large")
        on_disk.portal.call(partial(fetching.run, **how))
        assert 0 < fetching.got < 100 * 2**20
        assert not fetching.whole
    assert folder / "large" not in open_files()


def open_files() -> set[Path]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(link.readlink())
    return found


def test_a_file_that_is_cut_while_it_is_fetched_ends_the_answer_as_a_broken_one(
    on_disk: PlatformUnderTest, ada: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").write_bytes(bytes(5 * 2**20))
    run = on_disk.platform.parts.transfers.run

    async def cut_first(*given: Any) -> Any:
        os.truncate(folder / "a", 2**20)
        return await run(*given)

    monkeypatch.setattr(type(on_disk.platform.parts.transfers), "run", lambda _self, *given: cut_first(*given))
    fetching = Fetching(on_disk, ada, "a")
    on_disk.portal.call(fetching.run)
    assert (fetching.got, fetching.whole) == (2**20, False)


def scope_of(client: Any, method: str, path: str, query: bytes) -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "server": ("hops.test", 80),
        "path": f"/services/hops/api/v1/{path}", "raw_path": path.encode(), "query_string": query, "root_path": "",
        "headers": [(b"authorization", client.headers["Authorization"].encode()), (b"host", b"hops.test")],
        "client": ("127.0.0.1", 1), "state": {},
    }  # fmt: skip


class Sending:
    """A request whose body comes when the test says so: the test client's own comes at once."""

    def __init__(
        self, hops: PlatformUnderTest, client: Any, path: str, query: bytes = b"offset=0", *, method: str = "PUT"
    ) -> None:
        self._hops = hops
        self._scope = scope_of(client, method, path, query)
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.taken = threading.Semaphore(0)
        self.answer: list[dict[str, Any]] = []
        self.answered: list[bool] = []
        """Whether there was an answer when the body was asked for, each time."""
        self._done = hops.portal.start_task_soon(self._run)

    async def _run(self) -> None:
        async def receive() -> dict[str, Any]:
            self.answered.append(bool(self.answer))
            self.taken.release()
            await until_async(lambda: not self._messages.empty())
            return self._messages.get()

        async def send(message: dict[str, Any]) -> None:
            self.answer.append(message)

        await self._hops.platform.app(self._scope, receive, send)

    def send(self, body: bytes, *, more: bool) -> None:
        self._messages.put({"type": "http.request", "body": body, "more_body": more})

    def hang_up(self) -> None:
        self._messages.put({"type": "http.disconnect"})

    def status(self) -> int:
        self._done.result(30)
        return int(self.answer[0]["status"])


def content_of(client: Any, path: str, size: int) -> str:
    begun = client.post(f"{RAW}/uploads", json={"path": path, "size": size}).json()["id"]
    return f"projects/weather/uploads/{begun}/content"


def test_nobody_waits_for_the_database_while_bytes_come(on_disk: PlatformUnderTest, ada: Any, bob: Any) -> None:
    place = content_of(ada, "a", 2)
    sending = Sending(on_disk, ada, place)
    sending.send(b"1", more=True)
    for _ in range(2):
        assert sending.taken.acquire(timeout=30)
    assert bob.post(f"{RAW}/folders", json={"path": "b"}).status_code == 201
    twice = ada.put(place, params={"offset": 0}, content=b"12")
    assert (twice.status_code, "already" in twice.json()["detail"]) == (409, True)
    sending.send(b"2", more=False)
    assert sending.status() == 200
    assert ada.get(place.removesuffix("/content")).json()["received"] == 2


def test_a_large_file_comes_and_goes_in_little_memory(on_disk: PlatformUnderTest, ada: Any) -> None:
    pieces, piece = 64, bytes(2**20)
    place = content_of(ada, "large", pieces * len(piece))
    fetching = Fetching(on_disk, ada, "large")
    tracemalloc.start()
    try:
        sending = Sending(on_disk, ada, place)
        for number in range(pieces):
            sending.send(piece, more=number < pieces - 1)
        assert sending.status() == 200
        ada.post(f"{place.removesuffix('/content')}:finish").raise_for_status()
        on_disk.portal.call(fetching.run)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (fetching.got, fetching.whole) == (pieces * len(piece), True)
    assert most < 16 * 2**20


def test_what_came_before_the_connection_broke_is_kept(on_disk: PlatformUnderTest, ada: Any) -> None:
    place = content_of(ada, "a", 4)
    sending = Sending(on_disk, ada, place)
    sending.send(b"12", more=True)
    sending.hang_up()
    assert sending.status() == 408
    assert ada.get(place.removesuffix("/content")).json()["received"] == 2
    assert ada.put(place, params={"offset": 2}, content=b"34").status_code == 200


def test_who_sends_nothing_is_given_up_and_what_came_is_kept(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hops_platform.uploads.routes.PATIENCE_S", 0.2)
    place = content_of(ada, "a", 4)
    sending = Sending(on_disk, ada, place)
    sending.send(b"12", more=True)
    assert sending.status() == 408
    assert (b"connection", b"close") in sending.answer[0]["headers"]
    sending.hang_up()
    assert ada.get(place.removesuffix("/content")).json()["received"] == 2


@pytest.mark.parametrize("query", [b"offset=0", b"offset=-1", b""])
def test_who_may_not_upload_is_answered_before_the_body_is_read(
    on_disk: PlatformUnderTest, ada: Any, query: bytes
) -> None:
    eve = on_disk.user("eve")
    sending = Sending(on_disk, eve, content_of(ada, "a", 4), query)
    assert sending.status() == 404
    assert (b"connection", b"close") in sending.answer[0]["headers"]
    assert sending.answered == [True], "what comes all the same is thrown away"


def test_more_than_was_announced_ends_the_call_and_the_connection(on_disk: PlatformUnderTest, ada: Any) -> None:
    sending = Sending(on_disk, ada, content_of(ada, "a", 4))
    sending.send(b"x" * 2**20, more=True)
    assert sending.status() == 413
    assert (b"connection", b"close") in sending.answer[0]["headers"]
