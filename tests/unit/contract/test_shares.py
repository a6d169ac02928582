"""What a sandbox that is made shows of other projects, also where code has closed its project's folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from hops_contract import shares
from hops_contract.layout import Home
from hops_contract.shares import (
    NO_LONGER,
    SharedDataset,
    make_point,
    shared_mounts,
    view_of,
    why_no_longer,
    write_shared,
)

RAW = SharedDataset(id=uuid4(), project="weather", dataset="raw", writes=False)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    (home.project("weather") / "raw").mkdir(parents=True)
    home.project("tides").mkdir()
    yield home
    home.project("tides").chmod(0o700)


def share(home: Home) -> None:
    (view_of(home, "tides") / RAW.path).mkdir(parents=True)
    write_shared(home, "tides", [RAW])


@pytest.mark.usefixtures("no_way_round_permissions")
@pytest.mark.parametrize("mode", [0, 0o500, 0o300, 0o600])
def test_a_project_folder_that_code_has_closed_is_opened_up(home: Home, mode: int) -> None:
    share(home)
    home.project("tides").chmod(mode)
    mounts = shared_mounts(home, "tides")
    assert mounts is not None
    assert [mount.target for mount in mounts.mounts] == [home.project("tides") / "Shared" / "weather" / "raw"]
    assert mounts.point.is_dir()
    assert home.project("tides").stat().st_mode & 0o700 == 0o700


@pytest.mark.usefixtures("no_way_round_permissions")
def test_no_link_in_place_of_the_project_is_followed_or_opened_up(home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    home.project("tides").rmdir()
    home.project("tides").symlink_to(outside)
    try:
        with pytest.raises(OSError, match="Not a directory"):
            make_point(home.project("tides"))
        assert outside.stat().st_mode & 0o777 == 0o500
    finally:
        home.project("tides").unlink()
        home.project("tides").mkdir()


@pytest.mark.parametrize("shared", [False, True])
def test_a_place_that_can_not_be_made_stops_a_start_only_where_something_is_shared(
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    shared: bool,  # noqa: FBT001
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(shares, "make_point", refuse)
    if not shared:
        assert shared_mounts(home, "tides") is None
        return
    share(home)
    with pytest.raises(PermissionError):
        shared_mounts(home, "tides")


def _noted(view: Path, place: str, text: str) -> None:
    (view / place).mkdir(parents=True)
    (view / place / NO_LONGER).write_text(text)


@pytest.mark.parametrize(
    "said",
    [
        "[PATH_NOT_FOUND] Path does not exist: file:/srv/a home/projects/tides/Shared/weather/raw. SQLSTATE: 42K03",
        "[Errno 2] No such file or directory: '/srv/projects/tides/Shared/weather/raw/2026/day.csv'",
        "[Errno 2] No such file or directory: 'Shared/weather/raw/day.csv'",
        "Shared/weather/other and then Shared/weather/raw",
    ],
)
def test_an_error_that_names_what_was_shared_is_explained(tmp_path: Path, said: str) -> None:
    _noted(tmp_path, "weather/raw", "It is gone.\nAsk.\n")
    assert why_no_longer(tmp_path, said) == "It is gone. Ask."


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Path does not exist: file:/srv/projects/tides/raw",
        "Path does not exist: file:/srv/projects/tides/Shared/weather/rawer",
        "Path does not exist: file:/srv/projects/tides/Shared/weather/../secret",
        "Path does not exist: file:/srv/projects/tides/Shared/../secret",
        "x" * 200_000 + "Shared/weather/raw",
    ],
)
def test_no_other_error_is_and_no_other_file_is_read(tmp_path: Path, said: str) -> None:
    view = tmp_path / "view"
    _noted(view, "weather/raw", "It is gone.")
    _noted(view, "secret", "Secret.")
    _noted(tmp_path, "secret", "Secret.")
    assert why_no_longer(view, said) == ""
