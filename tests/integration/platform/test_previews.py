"""Previews through REST: who sees how much of a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hops_contract.principal import ProjectRole

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
def bob(on_disk: PlatformUnderTest, ada: Any) -> Any:
    """A Data Scientist there."""
    bob = on_disk.user("bob")
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"}).raise_for_status()
    return bob


@pytest.fixture
def folder(on_disk: PlatformUnderTest, ada: Any) -> Path:
    return on_disk.platform.parts.settings.layout.project("weather") / "raw"


def preview(client: Any, path: str) -> Any:
    return client.get(f"{RAW}/preview", params={"path": path})


def test_a_table_is_shown_to_each_role_as_far_as_it_may_look(ada: Any, bob: Any, folder: Path) -> None:
    (folder / "may.csv").write_text("day,rain\n" + "".join(f"{day},0.5\n" for day in range(1000)))
    shown = preview(ada, "may.csv").json()
    assert (shown["kind"], shown["columns"][1], len(shown["rows"]), shown["cut"]) == (
        "table", {"name": "rain", "type": ""}, 500, True,
    )  # fmt: skip
    assert shown["rows"][0] == ["0", "0.5"]
    assert len(preview(bob, "may.csv").json()["rows"]) == 100


def test_a_text_is_shown_to_each_role_as_far_as_it_may_look(ada: Any, bob: Any, folder: Path) -> None:
    (folder / "log.txt").write_text("a" * 3_000_000)
    assert [len(preview(client, "log.txt").json()["text"]) for client in (ada, bob)] == [2**20, 65536]


def test_the_same_place_is_shown_again_and_no_other(bob: Any, folder: Path) -> None:
    """No word of the address moves the view: what lies behind the beginning can't be fetched piece by piece."""
    (folder / "log.txt").write_text("".join(f"{line:07}\n" for line in range(100_000)))
    first = preview(bob, "log.txt").json()
    for more in ({"offset": 70_000}, {"after": "x"}, {"limit": 10**6}, {"rows": 10**6}):
        again = bob.get(f"{RAW}/preview", params={"path": "log.txt", **more}).json()
        assert again == first
    assert bob.get(f"{RAW}/preview", params={"path": "log.txt"}, headers={"Range": "bytes=70000-"}).json() == first


@pytest.mark.parametrize("role", list(ProjectRole))
def test_code_in_a_session_is_shown_nothing(
    on_disk: PlatformUnderTest, ada: Any, bob: Any, folder: Path, role: Any
) -> None:
    (folder / "a.txt").write_text("a")
    name = "ada" if role is ProjectRole.DATA_OWNER else "bob"
    assert preview(on_disk.project_user(name, "weather", role), "a.txt").status_code == 403


def test_who_is_no_member_is_shown_nothing(on_disk: PlatformUnderTest, ada: Any, folder: Path) -> None:
    (folder / "a.txt").write_text("a")
    assert preview(on_disk.user("eve"), "a.txt").status_code == 404
    assert preview(on_disk.user("root", admin=True), "a.txt").status_code == 403
    assert preview(on_disk.anonymous(), "a.txt").status_code == 401


def test_neither_links_nor_pipes_nor_folders_nor_other_datasets_are_read(
    ada: Any, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "way").symlink_to(tmp_path)
    (folder / "deep.csv").mkdir()
    os.mkfifo(folder / "pipe.txt")
    for path in (
        "link.txt",
        "way/secret.txt",
        "deep.csv",
        "pipe.txt",
        "../Resources/x",
        "none",
        "/etc/passwd",
        "a\x00b",
    ):
        answer = preview(ada, path)
        assert answer.status_code in {404, 409, 422}, path
        assert "secret" not in answer.text.replace("secret.txt", "")


def test_a_file_that_can_not_be_read_in_its_bounds_is_told_in_a_sentence(ada: Any, folder: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["a" * 256 * 2**20]))
    parquet.write_table(pa.table({"a": column}), folder / "bomb.parquet", compression="zstd")
    answer = preview(ada, "bomb.parquet")
    assert (answer.status_code, answer.json()["remedy"]) == (409, "Read it in a notebook, or download it.")
    (folder / "broken.parquet").write_bytes(b"PAR1")
    assert preview(ada, "broken.parquet").json()["note"] == "This can't be read as Parquet; it may be broken."


def test_what_a_reader_that_was_taken_over_writes_is_looked_at(
    on_disk: PlatformUnderTest, ada: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.md").write_text("a")
    engines = on_disk.platform.parts.engines
    hostile: list[Any] = [
        {"kind": "document", "document": [{"tag": "script", "text": "alert(1)"}]},
        {"kind": "document", "document": [{"tag": "a", "href": "javascript:alert(1)"}]},
        {"kind": "image", "image": {"data": "x", "media_type": "image/svg+xml", "width": 1, "height": 1}},
        {"kind": "page"},
        [],
        7,
    ]
    for written in (
        *map(json.dumps, hostile),
        "",
        "{",
        '{"kind": "document", "document": ' + '[{"tag":"p","children":' * 5000,
    ):
        monkeypatch.setattr(type(engines.previews), "read", lambda *_, said=written: said.encode())
        assert preview(ada, "a.md").status_code == 409, written[:80]


def test_a_refused_look_is_recorded(on_disk: PlatformUnderTest, ada: Any, folder: Path) -> None:
    token = on_disk.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    preview(token, "a.txt")
    on_disk.platform.parts.refusals.flush(all_of_them=True)
    found = ada.get("projects/weather/audit-events", params={"outcome": "refused"}).json()["items"]
    assert [(one["action"], one["thing"]) for one in found] == [("access.read", "files:preview")]
