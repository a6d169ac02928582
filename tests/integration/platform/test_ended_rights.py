"""Copies, archives and uploads whose right ends while they wait for their turn, or while they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hops_platform.adapters.storage import local_archives, local_files, local_uploads
from hops_platform.transfers import LongWork

from .conftest import ON_SQLITE, PlatformUnderTest

pytestmark = ON_SQLITE

RAW = "projects/weather/datasets/raw"
SEEN = "projects/tides/datasets/Shared:weather:raw"
FORBIDDEN, ABSENT = 403, 404

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def ada(on_disk: PlatformUnderTest) -> Any:
    """A Data Owner of weather, which has the dataset raw with a file and an archive in it."""
    ada = on_disk.user("ada")
    on_disk.ready_project(ada, template="empty")
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    folder = on_disk.platform.parts.settings.layout.project("weather") / "raw"
    (folder / "day.csv").write_text("rain")
    ada.post(f"{RAW}/files:pack", json={"path": "day.csv", "to": "day.zip"}).raise_for_status()
    return ada


@pytest.fixture
def bob(on_disk: PlatformUnderTest, ada: Any) -> Any:
    """Another one."""
    bob = on_disk.user("bob")
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_owner"}).raise_for_status()
    return bob


@pytest.fixture
def grace(on_disk: PlatformUnderTest, ada: Any) -> Any:
    """A Data Owner of tides, with which raw is shared for writing and taking out."""
    grace = on_disk.user("grace")
    on_disk.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    ada.post(f"{RAW}/shares", json={"project": "tides", "mode": "write", "download": True}).raise_for_status()
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()
    return grace


@pytest.fixture
def folders(on_disk: PlatformUnderTest) -> Callable[[], list[str]]:
    """What lies in the datasets that things go to."""
    layout = on_disk.platform.parts.settings.layout

    def names(folder: Path) -> list[str]:
        return [path.name for path in folder.glob("*") if path.name.startswith("new")]

    return lambda: [
        name for project, dataset in (("weather", "raw"), ("tides", "Resources"))
        for name in names(layout.project(project) / dataset)
    ]  # fmt: skip


@pytest.fixture(params=["waits", "is nearly done"])
def meanwhile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Lets something happen while a piece of long work waits, or after its last byte was written."""

    def while_it_waits(change: Callable[[], object]) -> None:
        turn = LongWork._turn

        async def late(self: LongWork, person: str) -> None:
            await turn(self, person)
            await asyncio.to_thread(change)

        monkeypatch.setattr(LongWork, "_turn", late)

    def when_it_is_nearly_done(change: Callable[[], object]) -> None:
        left = [change]

        def changed() -> None:
            if left:
                left.pop()()

        # What each of them does last before its result appears.
        check, appear, copy = (
            local_uploads.LocalWriter.check_whole, local_archives.LocalArchives._appear, local_files._Copying.copy,
        )  # fmt: skip
        monkeypatch.setattr(
            local_uploads.LocalWriter, "check_whole", lambda self, wanted: (check(self, wanted), changed())
        )
        monkeypatch.setattr(
            local_archives.LocalArchives, "_appear", lambda self, *given: (changed(), appear(self, *given))
        )
        monkeypatch.setattr(
            local_files._Copying, "copy", lambda self, *given, **named: (copy(self, *given, **named), changed())
        )

    return while_it_waits if request.param == "waits" else when_it_is_nearly_done


def upload(client: Any) -> Any:
    begun = client.post(f"{RAW}/uploads", json={"path": "new.csv", "size": 0}).json()["id"]
    return lambda: client.post(f"projects/weather/uploads/{begun}:finish")


def make(what: str) -> Callable[[Any], Callable[[], Any]]:
    body = {"path": "day.zip" if what == "unpack" else "day.csv", "to": "new"}
    return lambda client: lambda: client.post(f"{RAW}/files:{what}", json=body)


LONG_WORK = {"copy": make("copy"), "pack": make("pack"), "unpack": make("unpack"), "upload": upload}


@pytest.mark.parametrize("what", LONG_WORK)
def test_what_a_removed_member_has_begun_does_not_appear(  # noqa: PLR0917 - fixtures
    ada: Any, bob: Any, folders: Callable[[], list[str]], meanwhile: Meanwhile, what: str, on_disk: PlatformUnderTest
) -> None:
    call = LONG_WORK[what](bob)
    meanwhile(lambda: ada.delete("projects/weather/members/bob").raise_for_status())
    assert call().status_code == FORBIDDEN
    assert folders() == []
    if what != "upload":
        assert list(on_disk.platform.parts.settings.layout.uploads("weather").glob("*")) == []
    told = {(one["action"], one["outcome"]) for one in ada.get("projects/weather/audit-events").json()["items"]}
    action = "upload.finish" if what == "upload" else f"file.{what}"
    assert (action, "refused") in told


def test_data_of_one_who_is_data_owner_no_more_does_not_come_in(
    ada: Any, bob: Any, folders: Callable[[], list[str]], meanwhile: Meanwhile
) -> None:
    call, role = upload(bob), {"role": "data_scientist"}
    meanwhile(
        lambda: ada.patch("projects/weather/members/bob", json=role, headers={"If-Match": "*"}).raise_for_status()
    )
    assert call().status_code == FORBIDDEN
    assert folders() == []


@pytest.mark.parametrize("what", ["copy", "pack", "unpack"])
@pytest.mark.parametrize(
    ("edit", "out", "status"),
    [
        ({"download": False}, True, FORBIDDEN),
        ({"mode": "read"}, False, FORBIDDEN),
        (None, True, ABSENT),
        (None, False, ABSENT),
    ],
)
def test_what_a_share_no_longer_allows_does_not_appear(  # noqa: PLR0917 - fixtures
    ada: Any, grace: Any, folders: Callable[[], list[str]], meanwhile: Meanwhile,
    what: str, edit: dict[str, Any] | None, out: bool, status: int,  # noqa: FBT001
) -> None:  # fmt: skip
    share = f"{RAW}/shares/tides"

    def change() -> None:
        tag = {"If-Match": "*"}
        (ada.delete(share) if edit is None else ada.patch(share, json=edit, headers=tag)).raise_for_status()

    meanwhile(change)
    body = {"path": "day.zip" if what == "unpack" else "day.csv", "to": "new"}
    answer = grace.post(f"{SEEN}/files:{what}", json=body | ({"to_dataset": "Resources"} if out else {}))
    assert answer.status_code == status, answer.text
    assert folders() == []


@pytest.mark.parametrize("what", LONG_WORK)
def test_what_may_still_be_done_appears(
    ada: Any, folders: Callable[[], list[str]], meanwhile: Meanwhile, what: str
) -> None:
    call = LONG_WORK[what](ada)
    meanwhile(lambda: None)
    assert call().status_code == 200
    assert len(folders()) == 1
