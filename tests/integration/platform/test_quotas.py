"""What a project may use together: told beside its limits, and kept by everything that brings something in."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from hops_contract.principal import ProjectRole
from hops_platform.adapters.storage import local_uploads
from hops_platform.database import now
from hops_platform.engines.files import Copied, Upload
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.engines.leave import Leave
from hops_platform.engines.sandboxes import FullProject
from hops_platform.engines.sessions import SessionsUse
from hops_platform.errors import EngineUnavailableError, QuotaExceededError, StorageFullError
from hops_platform.projects.models import Project
from hops_platform.quotas import counting
from hops_platform.quotas import service as quotas
from hops_platform.quotas.holding import full_projects, hold_full
from hops_platform.quotas.models import StorageHold, StorageUse
from hops_platform.quotas.room import HeldRoom

from .conftest import PlatformUnderTest

MIB = 2**20
RAW = "projects/weather/datasets/raw"
ANY_VERSION = {"If-Match": "*"}
QUOTA = "urn:hopslab:problem:quota-exceeded"


@pytest.fixture
def root(on_disk: PlatformUnderTest) -> Any:
    return on_disk.user("root-ada", admin=True)


@pytest.fixture
def ada(on_disk: PlatformUnderTest, root: Any) -> Any:
    """A Data Owner of weather, which has the dataset raw and may have a MiB of files more than it has."""
    ada = on_disk.user("ada")
    on_disk.ready_project(ada, template="empty")
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    set_limits(root, max_project_storage_mib=1)
    return ada


def set_limits(root: Any, project: str = "weather", **changed: Any) -> None:
    limits = root.get(f"projects/{project}/limits").json() | changed
    root.put(f"projects/{project}/limits", json=limits, headers=ANY_VERSION).raise_for_status()


def folder(on_disk: PlatformUnderTest) -> Path:
    return on_disk.platform.parts.settings.layout.project("weather") / "raw"


def recount(on_disk: PlatformUnderTest) -> None:
    """What happens some minutes later."""
    with on_disk.platform.parts.database.session() as session:
        session.execute(update(StorageUse).values(counted_at=now() - timedelta(days=1)))
    counting.count_due(on_disk.platform.parts.database, on_disk.platform.parts.engines)


def used(client: Any, what: str = "storage_bytes") -> dict[str, Any]:
    (found,) = (one for one in client.get("projects/weather/use").json()["items"] if one["what"] == what)
    return dict(found)


def begin(client: Any, size: int, name: str = "day.csv", **more: Any) -> Any:
    return client.post(f"{RAW}/uploads", json={"path": name, "size": size}, **more)


def send(client: Any, data: bytes, name: str = "day.csv") -> None:
    upload = begin(client, len(data), name)
    assert upload.status_code == 201, upload.text
    where = f"projects/weather/uploads/{upload.json()['id']}"
    client.put(f"{where}/content?offset=0", content=data).raise_for_status()
    client.post(f"./{where}:finish").raise_for_status()


def test_uploads_count_when_they_are_announced_and_no_longer_when_they_are_given_up(ada: Any) -> None:
    first = begin(ada, MIB - 1000)
    assert first.status_code == 201
    refused = begin(ada, 2000, "night.csv")
    assert (refused.status_code, refused.json()["type"]) == (409, QUOTA)
    assert "1 MiB of storage that it may use. This needs 2 KiB more." in refused.json()["detail"]
    assert "an administrator" in refused.json()["remedy"]
    where = f"projects/weather/uploads/{first.json()['id']}"
    for _ in range(2):  # given up twice it gives back once
        assert ada.delete(where).status_code == 204
    assert used(ada)["used"] == 0
    assert begin(ada, 2000, "night.csv").status_code == 201


def test_one_that_is_sent_twice_with_one_key_counts_once(ada: Any) -> None:
    for _ in range(2):
        assert begin(ada, 1000, headers={"Idempotency-Key": "k"}).status_code == 201
    assert used(ada)["used"] == 1000


def test_one_that_was_given_up_and_is_begun_again_with_its_key_counts_again(ada: Any) -> None:
    key = {"Idempotency-Key": "k"}
    for _ in range(3):
        first = begin(ada, MIB, headers=key)
        assert (first.status_code, used(ada)["used"]) == (201, MIB)
        assert begin(ada, MIB, headers=key).status_code == 201
        assert begin(ada, 1, "night.csv").status_code == 409
        ada.delete(f"projects/weather/uploads/{first.json()['id']}").raise_for_status()
        assert used(ada)["used"] == 0
    assert begin(ada, MIB, "night.csv").status_code == 201, "there is as much room as before, and no more"
    assert begin(ada, 1, "noon.csv").status_code == 409
    assert begin(ada, MIB, headers=key).status_code == 409


def given_up_once_found(ada: Any, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets an upload be given up by another call as soon as the next one has found it."""
    found = local_uploads.LocalUploads.find

    def meanwhile(self: Any, project: str, owner: UUID, upload: UUID) -> Upload:
        told = found(self, project, owner, upload)
        monkeypatch.setattr(local_uploads.LocalUploads, "find", found)
        assert ada.delete(where).status_code == 204
        return told

    monkeypatch.setattr(local_uploads.LocalUploads, "find", meanwhile)


def test_given_up_while_its_announcement_is_repeated_it_is_not_begun_uncounted(
    ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"Idempotency-Key": "k"}
    where = f"projects/weather/uploads/{begin(ada, MIB, headers=key).json()['id']}"
    given_up_once_found(ada, where, monkeypatch)
    begin(ada, MIB, headers=key)
    # Given up once more it would give back what nobody took.
    assert ada.delete(where).status_code == 204
    assert begin(ada, MIB, "night.csv").status_code == 201
    assert begin(ada, 1, "noon.csv").status_code == 409
    assert used(ada)["used"] == MIB


def test_given_up_by_many_at_the_same_moment_it_gives_back_once(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"projects/weather/uploads/{begin(ada, MIB).json()['id']}"
    given_up_once_found(ada, where, monkeypatch)
    assert ada.delete(where).status_code == 204
    assert begin(ada, MIB + 1).status_code == 409
    assert begin(ada, MIB).status_code == 201
    assert begin(ada, 1, "night.csv").status_code == 409


def test_what_the_disk_has_no_room_for_is_not_counted(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any, **_named: Any) -> None:
        raise StorageFullError("There is no space left.")

    monkeypatch.setattr(local_uploads, "check_room", full)
    for _ in range(2):
        assert begin(ada, 1000, headers={"Idempotency-Key": "k"}).status_code == 507
        assert used(ada)["used"] == 0


def test_a_copy_an_archive_and_what_comes_out_of_one_stay_within_the_quota(
    on_disk: PlatformUnderTest, ada: Any
) -> None:
    (folder(on_disk) / "large.bin").write_bytes(os.urandom(600 * 1024))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(4 * MIB))
    (folder(on_disk) / "bomb.zip").write_bytes(bomb.getvalue())
    recount(on_disk)
    for what, path in (("copy", "large.bin"), ("pack", "large.bin"), ("unpack", "bomb.zip")):
        refused = ada.post(f"{RAW}/files:{what}", json={"path": path, "to": "new"})
        assert (refused.status_code, refused.json()["type"]) == (409, QUOTA), refused.text
        assert not (folder(on_disk) / "new").exists()
    before = used(ada)["used"]
    (folder(on_disk) / "small.bin").write_bytes(bytes(1000))
    ada.post(f"{RAW}/files:copy", json={"path": "small.bin", "to": "new"}).raise_for_status()
    assert used(ada)["used"] == before + 1000


def test_of_what_is_made_at_the_same_moment_no_two_get_the_same_room(on_disk: PlatformUnderTest, ada: Any) -> None:
    (folder(on_disk) / "large.bin").write_bytes(bytes(400 * 1024))
    recount(on_disk)
    parts, seen = on_disk.platform.parts, []
    copied = parts.engines.files.copy

    def slowly(*given: Any, leave: Leave, **named: Any) -> Copied:
        look = leave.check
        leave.check = lambda: (seen.append(begin(ada, 400 * 1024, f"{len(seen)}.csv").status_code), look())[1]  # type: ignore[method-assign]
        return copied(*given, leave=leave, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts.engines.files, "copy", slowly)
        ada.post(f"{RAW}/files:copy", json={"path": "large.bin", "to": "copy.bin"}).raise_for_status()
    assert seen[-1] == 409, "just before the copy appears its room is taken, also if a count came meanwhile"
    assert used(ada)["used"] >= 800 * 1024
    with parts.database.session(writes=False) as session:
        assert session.scalars(select(StorageHold)).all() == []


def test_room_that_is_held_is_given_back_at_the_end_at_a_failure_and_after_a_crash(
    on_disk: PlatformUnderTest, ada: Any
) -> None:
    recount(on_disk)
    before, database = used(ada)["used"], on_disk.platform.parts.database
    with database.session(writes=False) as session:
        weather = session.scalars(select(Project)).one()
    room = HeldRoom(database, weather)
    with HeldRoom(database, weather) as other, room:
        room.take(900 * 1024)
        recount(on_disk)
        assert begin(ada, 300 * 1024).status_code == 409, "a count meanwhile does not free it"
        with pytest.raises(QuotaExceededError):
            other.take(300 * 1024)
    assert used(ada)["used"] == before
    with room:
        room.take(900 * 1024)
        room.keep(500)
    assert used(ada)["used"] == before + 500
    room.take(900 * 1024)  # and its process is killed
    assert begin(ada, 300 * 1024).status_code == 409
    with database.session() as session:
        session.execute(update(StorageHold).values(until=now()))
    assert begin(ada, 300 * 1024).status_code == 201
    recount(on_disk)
    with database.session(writes=False) as session:
        assert session.scalars(select(StorageHold)).all() == []


def test_before_the_first_count_too_no_two_get_the_same_room(on_disk: PlatformUnderTest, ada: Any) -> None:
    with on_disk.platform.parts.database.session() as session:
        session.execute(delete(StorageUse))
    assert begin(ada, MIB - 1000).status_code == 201
    assert begin(ada, 2000, "night.csv").status_code == 409


def test_an_upload_that_is_being_put_in_its_place_is_not_given_up(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"projects/weather/uploads/{begin(ada, 4).json()['id']}"
    ada.put(f"{where}/content?offset=0", content=b"rain").raise_for_status()
    put, answers = local_uploads.LocalUploads._put_in_place, []

    def meanwhile(self: Any, *given: Any) -> Any:
        entry = put(self, *given)
        answers.append(ada.delete(where).status_code)
        return entry

    monkeypatch.setattr(local_uploads.LocalUploads, "_put_in_place", meanwhile)
    ada.post(f"./{where}:finish").raise_for_status()
    assert answers == [409]
    assert ada.delete(where).status_code == 204
    assert used(ada)["used"] == 4, "it is there, so it counts"


def test_an_upload_that_ends_while_files_are_counted_is_counted(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f"projects/weather/uploads/{begin(ada, 500_000).json()['id']}"
    ada.put(f"{where}/content?offset=0", content=bytes(500_000)).raise_for_status()
    files, measure = on_disk.platform.parts.engines.files, on_disk.platform.parts.engines.files.measure

    def ends(project: str) -> int:
        size = measure(project)
        ada.post(f"./{where}:finish").raise_for_status()
        return size

    monkeypatch.setattr(files, "measure", ends)
    recount(on_disk)
    assert used(ada)["used"] >= 500_000


def test_what_starts_in_a_full_project_only_reads_it_until_a_count_finds_room(
    on_disk: PlatformUnderTest, ada: Any, root: Any
) -> None:
    bounds = on_disk.project_user("ada", "weather", ProjectRole.DATA_OWNER)

    def told() -> tuple[bool, bool]:
        grant = on_disk.hub().post("projects/weather/server-grants", json={"user": "ada", "options": None})
        return grant.json()["config"]["full"], bounds.get("projects/weather/sessions/limits").json()["full"]

    (folder(on_disk) / "model.bin").write_bytes(bytes(2 * MIB))
    assert told() == (False, False), "nobody has counted yet"
    recount(on_disk)
    assert told() == (True, True)
    set_limits(root, max_project_storage_mib=100)
    assert told() == (False, False)
    set_limits(root, max_project_storage_mib=1)
    ada.post(f"{RAW}/files:trash", json={"path": "model.bin"}).raise_for_status()
    assert told() == (True, True)
    ada.post("./projects/weather/trash:empty", json={"project": "weather"}).raise_for_status()
    on_disk.deliver()
    assert told() == (False, False)


def test_what_runs_in_a_full_project_only_reads_it_too_and_far_over_it_nobody_waits_for_open_files(
    on_disk: PlatformUnderTest, ada: Any, root: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[list[FullProject]] = []
    monkeypatch.setattr(on_disk.platform.parts.engines.sandboxes, "settle_full", heard.append)

    def full_now() -> dict[str, bool]:
        """The full projects as sandboxes are told of them now, and whether open files are waited for no longer."""
        hold_full(on_disk.platform.parts)
        return {one.project: one.ends is not None for one in heard[-1]}

    file = folder(on_disk) / "model.bin"
    for size, told in ((10, {}), (2 * MIB, {"weather": False}), (258 * MIB, {"weather": True})):
        with file.open("wb") as made:
            made.truncate(size)
        recount(on_disk)
        assert full_now() == told
    (one,) = heard[-1]
    assert "'weather' uses 258" in (one.ends or "")
    set_limits(root, max_project_storage_mib=300)
    assert full_now() == {}
    set_limits(root, max_project_storage_mib=1)
    assert full_now() == {"weather": True}
    ada.post(f"{RAW}/files:trash", json={"path": "model.bin"}).raise_for_status()
    ada.post("./projects/weather/trash:empty", json={"project": "weather"}).raise_for_status()
    on_disk.deliver()
    assert heard[-1] == [], "whoever makes room need not wait"


def test_homes_count_into_the_storage_of_their_project_and_are_told_apart(on_disk: PlatformUnderTest, ada: Any) -> None:
    home = on_disk.platform.parts.settings.layout
    recount(on_disk)
    before = used(ada)["used"]
    # Of whoever has worked here; and of a project whose name begins like this one's.
    for project, size in (("weather", 1000), ("weather-b", 3 * MIB)):
        place = home.own_home(project, "grace") / "models"
        place.mkdir(parents=True)
        (place / "model.bin").write_bytes(bytes(size))
    recount(on_disk)
    homes = used(ada, "homes_bytes")["used"]
    assert homes in range(1000, 20_000)
    assert used(ada)["used"] == before + homes
    (home.own_home("weather", "ada")).mkdir()
    (home.own_home("weather", "ada") / "data.bin").write_bytes(bytes(2 * MIB))
    recount(on_disk)
    refused = begin(ada, 1)
    assert (refused.json()["type"], "your home" in refused.json()["remedy"]) == (QUOTA, True)
    assert [one.project for one in full_projects_of(on_disk)] == ["weather"]


def full_projects_of(on_disk: PlatformUnderTest) -> list[FullProject]:
    with on_disk.platform.parts.database.session() as session:
        return full_projects(session)


def test_a_full_project_is_counted_again_sooner(on_disk: PlatformUnderTest, ada: Any) -> None:
    (folder(on_disk) / "model.bin").write_bytes(bytes(2 * MIB))
    recount(on_disk)
    (folder(on_disk) / "model.bin").unlink()
    with on_disk.platform.parts.database.session() as session:
        session.execute(update(StorageUse).values(counted_at=now() - counting.FULL_COUNTED_AFTER))
    assert counting.count_due(on_disk.platform.parts.database, on_disk.platform.parts.engines) == 1
    with on_disk.platform.parts.database.session() as session:
        session.execute(update(StorageUse).values(counted_at=now() - counting.FULL_COUNTED_AFTER))
    assert counting.count_due(on_disk.platform.parts.database, on_disk.platform.parts.engines) == 0


def test_notebooks_are_saved_in_a_full_project_to_a_bound_whatever_code_wrote_before(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = on_disk.notebook_server("ada", "weather", ProjectRole.DATA_OWNER)

    def saved(size: int, name: str) -> Any:
        return code.post(f"{RAW}/content:save", params={"path": name}, content=bytes(size))

    assert saved(10, "work.ipynb").status_code == 409, "the server writes it by itself"
    (folder(on_disk) / "model.bin").write_bytes(bytes(3 * MIB))
    recount(on_disk)
    monkeypatch.setattr(quotas, "NOTEBOOKS_MARGIN", MIB)
    assert begin(ada, 10, "work.ipynb").json()["type"] == QUOTA
    assert saved(11 * MIB, "large.ipynb").status_code == 413
    assert saved(MIB - 100_000, "work.ipynb").status_code == 200
    assert saved(MIB - 100_000, "work.ipynb").status_code == 200, "it takes no room a second time"
    assert {saved(10, name).status_code for name in ("day.csv", "work.py")} == {409}, "it brings in nothing else"
    for _ in range(2):  # also when it was counted again, and however often
        assert saved(200_000, "more.ipynb").json()["type"] == QUOTA
        recount(on_disk)
    assert saved(1000, "small.ipynb").status_code == 200
    # Another project, to which it is shared for writing, has no room there by its notebooks.
    grace = on_disk.user("grace")
    on_disk.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    ada.post(f"{RAW}/shares", json={"project": "tides", "mode": "write"}).raise_for_status()
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()
    other = on_disk.notebook_server("grace", "tides", ProjectRole.DATA_OWNER)
    shared = "projects/tides/datasets/Shared:weather:raw/content:save"
    assert other.post(shared, params={"path": "work.ipynb"}, content=b"x").status_code == 409
    assert (folder(on_disk) / "work.ipynb").stat().st_size > 1


def test_what_notebooks_write_is_seen_by_the_next_count_which_closes_and_opens_the_project(
    on_disk: PlatformUnderTest, ada: Any, root: Any
) -> None:
    send(ada, b"rain")
    (folder(on_disk) / "model.bin").write_bytes(bytes(2 * MIB))
    assert begin(ada, 10, "more.csv").status_code == 201
    for _ in range(2):  # told once
        recount(on_disk)
    found = used(ada)
    assert (found["used"] >= 2 * MIB, found["limit"]) == (True, MIB)
    for refused in (
        begin(ada, 0, "empty.csv"),
        ada.post(f"{RAW}/files:copy", json={"path": "day.csv", "to": "copy.csv"}),
    ):
        assert refused.json()["type"] == QUOTA
    told = [one["text"] for one in ada.get("projects/weather/activity").json()["items"]]
    assert sum("There is no room left" in text for text in told) == 1
    # What is in the trash counts still; emptied, it does not, and nobody has to wait for the next round.
    ada.post(f"{RAW}/files:trash", json={"path": "model.bin"}).raise_for_status()
    recount(on_disk)
    assert used(ada)["used"] >= 2 * MIB
    ada.post("./projects/weather/trash:empty", json={"project": "weather"}).raise_for_status()
    on_disk.deliver()
    assert begin(ada, 10, "again.csv").status_code == 201
    set_limits(root, max_project_storage_mib=None)
    assert begin(ada, 5 * MIB, "large.csv").status_code == 201


def test_a_count_beside_uploads_forgets_none_of_them(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(ada, 1000).raise_for_status()
    files, measure = on_disk.platform.parts.engines.files, on_disk.platform.parts.engines.files.measure

    def slowly(project: str) -> int:
        size = measure(project)
        assert begin(ada, 5000, "meanwhile.csv").status_code == 201
        return size

    monkeypatch.setattr(files, "measure", slowly)
    recount(on_disk)
    assert used(ada)["used"] >= 6000
    monkeypatch.undo()
    recount(on_disk)
    # What is under way counts as large as it will be.
    assert used(ada)["used"] - files.measure("weather") == 6000


def test_files_that_can_not_be_counted_keep_their_last_count(
    on_disk: PlatformUnderTest, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(ada, b"rain")
    recount(on_disk)
    before = used(ada)["used"]

    def away(_project: str) -> int:
        raise EngineUnavailableError("Away.")

    monkeypatch.setattr(on_disk.platform.parts.engines.files, "measure", away)
    recount(on_disk)
    assert used(ada)["used"] == before


def test_what_takes_long_is_counted_seldom(on_disk: PlatformUnderTest, ada: Any) -> None:
    del ada
    database, engines = on_disk.platform.parts.database, on_disk.platform.parts.engines
    recount(on_disk)
    assert counting.count_due(database, engines) == 0
    with database.session() as session:
        session.execute(update(StorageUse).values(counted_at=now() - timedelta(minutes=11), took_s=60.0))
    assert counting.count_due(database, engines) == 0
    with database.session() as session:
        session.execute(update(StorageUse).values(took_s=1.0))
    assert counting.count_due(database, engines) == 1


def test_what_another_project_writes_into_a_shared_dataset_counts_where_it_lies(
    on_disk: PlatformUnderTest, ada: Any
) -> None:
    grace = on_disk.user("grace")
    on_disk.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    ada.post(f"{RAW}/shares", json={"project": "tides", "mode": "write", "download": True}).raise_for_status()
    grace.post("./projects/tides/shares/weather/raw:accept").raise_for_status()
    tides = on_disk.platform.parts.settings.layout.project("tides") / "Resources"
    (tides / "large.bin").write_bytes(bytes(2 * MIB))
    (tides / "small.bin").write_bytes(bytes(500))
    seen = {"path": "large.bin", "to": "x", "to_dataset": "Shared:weather:raw"}
    refused = grace.post("projects/tides/datasets/Resources/files:copy", json=seen)
    assert refused.json()["type"] == QUOTA
    assert "'weather'" in refused.json()["detail"]
    assert "MiB" not in refused.text, "how much another project has is none of their business"
    (resources := folder(on_disk) / "full.bin").write_bytes(bytes(2 * MIB))
    recount(on_disk)
    full = grace.post("projects/tides/datasets/Resources/files:copy", json=seen | {"path": "small.bin"})
    assert (full.json()["type"], "MiB" in full.text) == (QUOTA, False)
    resources.unlink()
    recount(on_disk)
    before = used(ada)["used"]
    grace.post("projects/tides/datasets/Resources/files:copy", json=seen | {"path": "small.bin"}).raise_for_status()
    assert used(ada)["used"] == before + 500


def test_links_out_of_the_project_and_folders_of_any_depth_are_counted_right(
    on_disk: PlatformUnderTest, ada: Any, tmp_path: Path
) -> None:
    del ada
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "large.bin").write_bytes(bytes(3 * MIB))
    (folder(on_disk) / "link").symlink_to(tmp_path / "elsewhere")
    files = on_disk.platform.parts.engines.files
    before = files.measure("weather")
    assert before < MIB
    here = os.open(folder(on_disk), os.O_RDONLY)
    try:
        for _ in range(1500):  # longer than any path
            os.mkdir("deep", dir_fd=here)
            here, old = os.open("deep", os.O_RDONLY, dir_fd=here), here
            os.close(old)
        bottom = os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here)
        os.write(bottom, bytes(MIB))
        os.close(bottom)
        assert files.measure("weather") >= before + MIB
    finally:
        os.close(here)
        # pytest removes what is left of old runs, and goes down no deeper than Python does.
        subprocess.run(["rm", "-rf", "--", str(folder(on_disk) / "deep")], check=True)


def test_as_many_servers_run_as_may_whichever_way_they_are_started(hops: Any) -> None:
    ada, root = hops.user("ada"), hops.user("root-ada", admin=True)
    hops.ready_project(ada)
    for name in ("bob", "carl"):
        hops.user(name)
        ada.post("projects/weather/members", json={"user": name}).raise_for_status()
    set_limits(root, max_project_servers=1)
    hops.platform.hub.servers[("bob", "weather")] = HubServer(state=ServerState.READY)
    hops.platform.hub.servers[("carl", "elsewhere")] = HubServer(state=ServerState.READY)
    refused = ada.put("projects/weather/server", json={})
    assert (refused.status_code, refused.json()["type"]) == (409, QUOTA)
    assert "its limit is 1" in refused.json()["detail"]
    grant = {"user": "ada", "options": None}
    assert hops.hub().post("projects/weather/server-grants", json=grant).json()["type"] == QUOTA
    # One's own that runs is no other.
    assert hops.hub().post("projects/weather/server-grants", json=grant | {"user": "bob"}).status_code == 201
    hops.platform.hub.servers.clear()
    assert ada.put("projects/weather/server", json={}).status_code == 202


def test_use_is_told_beside_the_limits_as_far_as_it_is_known(hops: Any) -> None:
    ada, root = hops.user("ada"), hops.user("root-ada", admin=True)
    hops.ready_project(ada)
    set_limits(root, max_project_executors=10, max_project_gpus=2, max_project_sessions=5)
    hops.platform.sessions.use["weather"] = SessionsUse(sessions=2, executors=3, memory_mib=4096, gpus=1)
    hops.platform.hub.servers[("ada", "weather")] = HubServer(state=ServerState.READY)
    told = {one["what"]: (one["used"], one["limit"]) for one in ada.get("projects/weather/use").json()["items"]}
    assert told == {
        "executors": (3, 10), "gpus": (1, 2), "homes_bytes": (0, None), "memory_mib": (4096, None),
        "servers": (1, None), "sessions": (2, 5), "storage_bytes": (0, None), "topics": (0, 10),
    }  # fmt: skip
    hops.platform.hub.fault = hops.platform.sessions.fault = EngineUnavailableError("Away.")
    away = {one["what"]: one["used"] for one in ada.get("projects/weather/use").json()["items"]}
    assert (away["servers"], away["sessions"], away["storage_bytes"]) == (None, None, 0)
    assert root.get("projects/weather/use").status_code == 200
    assert hops.user("eve").get("projects/weather/use").status_code == 404


def test_the_sites_defaults_hold_where_a_project_has_no_limits_of_its_own(hops: Any) -> None:
    ada, root = hops.user("ada"), hops.user("root-ada", admin=True)
    hops.ready_project(ada)
    hops.ready_project(ada, "tides")
    set_limits(root, "tides", max_executors=7)
    read = root.get("site/limits")
    assert (read.headers["ETag"], read.json()["max_executors"]) == ('"0"', 8)
    edit = read.json() | {"max_executors": 3, "max_project_storage_mib": 1024}
    assert root.put("site/limits", json=edit).status_code == 428
    assert root.put("site/limits", json=edit, headers={"If-Match": '"0"'}).status_code == 200
    assert root.put("site/limits", json=edit, headers={"If-Match": '"0"'}).status_code == 412
    assert ada.get("projects/weather/limits").json() == edit
    assert ada.get("projects/tides/limits").json()["max_executors"] == 7
    listed = {one["name"]: one["limits"]["max_executors"] for one in root.get("site/projects").json()["items"]}
    assert listed == {"weather": 3, "tides": 7}
    assert ada.get("site/limits").status_code == ada.put("site/limits", json=edit).status_code == 403


def test_of_uploads_at_the_same_moment_no_two_get_the_same_room(hops: Any) -> None:
    ada, root = hops.user("ada"), hops.user("root-ada", admin=True)
    hops.ready_project(ada)
    set_limits(root, max_project_storage_mib=1)

    async def all_at_once() -> list[int]:
        where = "projects/weather/datasets/Resources/uploads"
        sends = (
            asyncio.to_thread(ada.post, where, json={"path": f"{number}.csv", "size": 300 * 1024})
            for number in range(8)
        )
        return [answer.status_code for answer in await asyncio.gather(*sends)]

    answers = asyncio.run(all_at_once())
    assert (answers.count(201), answers.count(409)) == (3, 5)
    with hops.platform.parts.database.session(writes=False) as session:
        assert session.scalar(select(StorageUse.added_bytes)) == 3 * 300 * 1024
