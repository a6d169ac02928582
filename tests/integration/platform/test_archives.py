"""Zip archives through REST, and those that were made to do harm."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hops_contract.principal import ProjectRole
from hops_platform.adapters.storage import local_archives
from hops_platform.files import copying

from .conftest import ON_SQLITE, PlatformUnderTest

pytestmark = ON_SQLITE

RAW = "projects/weather/datasets/raw"


@pytest.fixture
def ada(on_disk: PlatformUnderTest) -> Any:
    """A Data Owner of weather, which has the dataset raw."""
    ada = on_disk.user("ada")
    on_disk.ready_project(ada, template="empty")
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    return ada


@pytest.fixture
def folder(on_disk: PlatformUnderTest, ada: Any) -> Path:
    return on_disk.platform.parts.settings.layout.project("weather") / "raw"


@pytest.fixture
def drafts(on_disk: PlatformUnderTest, ada: Any) -> Callable[[], list[str]]:
    """What is left of what was begun."""
    return lambda: [path.name for path in on_disk.platform.parts.settings.layout.uploads("weather").glob("*")]


def pack(client: Any, path: str, to: str, **more: str) -> Any:
    return client.post(f"{RAW}/files:pack", json={"path": path, "to": to, **more})


def unpack(client: Any, path: str = "a.zip", to: str = "a") -> Any:
    return client.post(f"{RAW}/files:unpack", json={"path": path, "to": to})


def archive(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in entries:
            made.writestr(name, data)


def test_a_folder_is_packed_and_comes_out_as_it_was(
    ada: Any, on_disk: PlatformUnderTest, folder: Path, drafts: Callable[[], list[str]]
) -> None:
    (folder / "2026" / "deep" / "empty").mkdir(parents=True)
    (folder / "2026" / "may.csv").write_text("day,rain\n" * 1000)
    (folder / "2026" / "d\xe4y.txt").write_text("x")
    (folder / "2026" / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "2026" / "pipe")
    os.utime(folder / "2026" / "may.csv", (0, 0))  # older than the format can tell
    packed = pack(ada, "2026", "2026.zip")
    assert packed.json() == {"entries": 5, "size": 9001, "left_out": 2}
    assert (folder / "2026.zip").stat().st_size < 9000
    unpacked = unpack(ada, "2026.zip", "again")
    assert unpacked.json() == {"entries": 5, "size": 9001, "left_out": 0}
    assert (folder / "again" / "2026" / "may.csv").read_text() == "day,rain\n" * 1000
    assert (folder / "again" / "2026" / "d\xe4y.txt").read_text() == "x"
    assert (folder / "again" / "2026" / "deep" / "empty").is_dir()
    assert drafts() == []
    events = ada.get("projects/weather/audit-events", params={"actor": "ada"}).json()["items"]
    assert {(one["action"], one["details"].get("to")) for one in events} >= {
        ("file.pack", "raw/2026.zip"), ("file.unpack", "raw/again"),
    }  # fmt: skip


def test_nothing_is_replaced_and_nothing_is_begun_for_nothing(
    ada: Any, folder: Path, drafts: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir()
    (folder / "a.zip").write_text("mine")
    monkeypatch.setattr(local_archives, "draft_folder", None)
    assert pack(ada, "a", "a.zip").status_code == 409
    assert unpack(ada, "a.zip", "a").status_code == 409
    assert unpack(ada, "a.zip", "no/such/folder").status_code == 404
    assert (folder / "a.zip").read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    [
        "../out.txt",
        "a/../../out.txt",
        "/etc/out.txt",
        "a\\out.txt",
        "..",
        ".hops-own",
        "a//b",
        "./a",
        "\u202etxt.a",
        "x\ny",
    ],
)
def test_a_name_that_leads_elsewhere_refuses_the_whole_archive(
    ada: Any, folder: Path, drafts: Callable[[], list[str]], name: str
) -> None:
    archive(folder / "a.zip", ("good.txt", b"good"), (name, b"bad"))
    answer = unpack(ada)
    assert answer.status_code == 422, answer.text
    assert sorted(path.name for path in folder.iterdir()) == ["a.zip"]
    assert not (folder.parent / "out.txt").exists()
    assert drafts() == []


def test_links_are_left_out_and_no_file_goes_through_one(ada: Any, folder: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("way")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    device = zipfile.ZipInfo("device")
    device.external_attr = (stat.S_IFCHR | 0o777) << 16
    archive(folder / "a.zip", (link, str(tmp_path).encode()), (device, b""), ("way/out.txt", b"bad"))
    answer = unpack(ada)
    assert (answer.status_code, answer.json()["left_out"]) == (200, 2)
    assert not (tmp_path / "out.txt").exists()
    assert (folder / "a" / "way" / "out.txt").read_text() == "bad"
    assert not (folder / "a" / "way").is_symlink()


def test_the_bits_of_an_archive_give_no_rights(ada: Any, folder: Path) -> None:
    program = zipfile.ZipInfo("run")
    program.external_attr = (stat.S_IFREG | stat.S_ISUID | 0o777) << 16
    archive(folder / "a.zip", (program, b"#!/bin/sh"))
    assert unpack(ada).status_code == 200
    assert stat.S_IMODE((folder / "a" / "run").stat().st_mode) & 0o7137 == 0


def test_an_archive_that_unpacks_to_more_than_may_be_is_refused(
    ada: Any, folder: Path, drafts: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "MOST_COPIED_BYTES", 10 * 2**20)
    archive(folder / "a.zip", ("a", bytes(6 * 2**20)), ("b", bytes(6 * 2**20)))
    assert (folder / "a.zip").stat().st_size < 20_000
    assert unpack(ada).status_code == 413
    archive(folder / "a.zip", ("a", bytes(6 * 2**20)))
    assert unpack(ada).status_code == 200
    monkeypatch.setattr(copying, "MOST_COPIED_ENTRIES", 3)
    archive(folder / "b.zip", *((str(number), b"") for number in range(4)))
    assert unpack(ada, "b.zip", "b").status_code == 413
    (folder / "many").mkdir()
    for number in range(4):
        (folder / "many" / f"link{number}").symlink_to("/")
    assert pack(ada, "many", "many.zip").status_code == 413
    archive(folder / "c.zip", ("/".join("a" * 40), b""))
    assert unpack(ada, "c.zip", "c").status_code == 413
    assert drafts() == []


def test_an_archive_that_lies_about_sizes_gives_no_more_than_it_says(ada: Any, folder: Path) -> None:
    archive(folder / "a.zip", ("a", bytes(5 * 2**20)))
    data = (folder / "a.zip").read_bytes()
    said = struct.pack("<L", 5 * 2**20)
    assert data.count(said) == 2
    (folder / "a.zip").write_bytes(data.replace(said, struct.pack("<L", 10)))
    answer = unpack(ada)
    assert answer.status_code == 422
    assert not (folder / "a").exists()


def test_a_table_of_very_many_entries_is_not_read(ada: Any, folder: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as many:
        many.writestr("a", b"")
    data = made.getvalue()
    end = data.rindex(b"PK\x05\x06")
    table = data[data.index(b"PK\x01\x02") : end] * 200_000
    begin = data.index(b"PK\x01\x02")
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(table), begin, 0)
    (folder / "a.zip").write_bytes(data[:begin] + table + tail)
    answer = unpack(ada)
    assert (answer.status_code, "table of this archive" in answer.text) == (413, True)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"no archive" * 100, b"PK\x03\x04" * 5000])
def test_what_is_no_archive_or_an_empty_one_ends_in_a_sentence(ada: Any, folder: Path, data: bytes) -> None:
    (folder / "a.zip").write_bytes(data)
    assert unpack(ada).status_code == (200 if data.startswith(b"PK\x05\x06") else 422)


def test_a_broken_archive_leaves_nothing(ada: Any, folder: Path, drafts: Callable[[], list[str]]) -> None:
    archive(folder / "a.zip", ("good", b"a" * 1000), ("bad", os.urandom(100_000)))
    data = bytearray((folder / "a.zip").read_bytes())
    data[50_000] ^= 255
    (folder / "a.zip").write_bytes(data)
    assert unpack(ada).status_code == 422
    assert not (folder / "a").exists()
    assert drafts() == []


def test_the_same_name_twice_and_a_file_as_a_folder_are_refused(ada: Any, folder: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        archive(folder / "a.zip", ("a", b"1"), ("a", b"2"))
    assert unpack(ada).status_code == 409
    archive(folder / "b.zip", ("a", b"1"), ("a/b", b"2"))
    assert unpack(ada, "b.zip", "b").status_code == 409


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(ada: Any, folder: Path, method: int) -> None:
    archive(folder / "a.zip", ("a", b"1"), method=method)
    assert unpack(ada).status_code == 422


def test_neither_links_nor_pipes_are_unpacked(ada: Any, folder: Path, tmp_path: Path) -> None:
    archive(tmp_path / "secret.zip", ("secret", b"secret"))
    (folder / "a.zip").symlink_to(tmp_path / "secret.zip")
    os.mkfifo(folder / "pipe.zip")
    assert unpack(ada).status_code == 404
    assert unpack(ada, "pipe.zip").status_code == 422
    assert pack(ada, "a.zip", "b.zip").status_code == 422


def test_code_in_a_session_packs_with_its_own_means(ada: Any, on_disk: PlatformUnderTest, folder: Path) -> None:
    token = on_disk.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    (folder / "a").mkdir()
    assert pack(token, "a", "a.zip").status_code == 403
    bob = on_disk.user("bob")
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"}).raise_for_status()
    assert pack(bob, "a", "a.zip").status_code == 200
    refused = on_disk.user("eve").post("projects/weather/datasets/raw/files:unpack", json={"path": "a.zip", "to": "b"})
    assert refused.status_code == 404
    unpack = {"path": "a.zip", "to": "b"}
    assert bob.post("projects/weather/datasets/raw/files:unpack", json=unpack).status_code == 403
    assert ada.post("projects/weather/datasets/raw/files:unpack", json=unpack).status_code == 200
