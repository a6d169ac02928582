"""The story of a share through REST, with a real sandbox of the other project that runs all the while."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hops_contract.layout import Home
from hops_contract.sandbox import SandboxError, command_in_sandbox, find_program, view_of_tenant
from hops_contract.shares import shared_mounts
from hops_platform.database import now
from hops_platform.errors import EngineUnavailableError

from .conftest import ON_SQLITE

pytestmark = ON_SQLITE

READER = """
import json, os, sys
for line in sys.stdin:
    try:
        with open(os.path.join(sys.argv[1], "weather", "raw", line.strip())) as file:
            print(json.dumps(file.read()), flush=True)
    except OSError as error:
        print(json.dumps(error.strerror), flush=True)
"""


class Reader:
    """Code of Grace's project, which reads what it is told to."""

    def __init__(self, home: Home, folder: Path) -> None:
        view = view_of_tenant(
            home,
            python=Path(sys.executable),
            read=(),
            write=(home.project("tides"),),
            temporary=folder,
            shared=shared_mounts(home, "tides"),
        )
        inside = [sys.executable, "-I", "-S", "-c", READER, str(home.project("tides") / "Shared")]
        command = command_in_sandbox(find_program(), inside, view, cwd=home.project("tides"))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def reads(self, name: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return str(json.loads(self.process.stdout.readline()))


@pytest.fixture
def reader(on_disk: Any, tmp_path: Path) -> Iterator[Any]:
    started: list[Reader] = []

    def start() -> Reader:
        folder = tmp_path / "tmp"
        folder.mkdir(exist_ok=True)
        started.append(Reader(on_disk.platform.parts.settings.layout, folder))
        return started[-1]

    try:
        find_program()
    except SandboxError as error:
        pytest.skip(f"needs sandboxes: {error}")
    yield start
    for one in started:
        # Without a line to come the reader ends, and the sandbox with it.
        one.process.communicate(timeout=60)


@pytest.fixture
def ada(on_disk: Any) -> Any:
    home = on_disk.platform.parts.settings.layout
    (home.base_environment / "bin").mkdir(parents=True)
    (home.base_environment / "bin" / "python").symlink_to(sys.executable)
    client = on_disk.user("ada")
    on_disk.ready_project(client, template="empty")
    client.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    (home.project("weather") / "raw" / "day.csv").write_text("rain\n")
    return client


@pytest.fixture
def grace(on_disk: Any) -> Any:
    client = on_disk.user("grace")
    on_disk.ready_project(client, "tides", template="empty")
    client.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    return client


def share(ada: Any, grace: Any) -> None:
    ada.post("projects/weather/datasets/raw/shares", json={"project": "tides"}).raise_for_status()
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()


def test_grace_reads_until_ada_revokes_whatever_else_is_down(on_disk: Any, ada: Any, grace: Any, reader: Any) -> None:
    before = reader()
    assert before.reads("day.csv") == "No such file or directory"
    share(ada, grace)
    # Neither the Hub nor the session service takes part in it.
    on_disk.platform.hub.fault = on_disk.platform.sessions.fault = EngineUnavailableError("Away.")
    on_disk.deliver()
    after = reader()
    assert [one.reads("day.csv") for one in (before, after)] == ["rain\n", "rain\n"]
    ada.delete("projects/weather/datasets/raw/shares/tides").raise_for_status()
    on_disk.deliver()
    for one in (before, after, reader()):
        assert one.reads("day.csv") == "No such file or directory"
        said = one.reads("NO_LONGER_SHARED.txt")
        assert "'raw' of the project 'weather' is no longer shared with this project: a Data Owner of 'weather'" in said
        assert f"ended the share on {now():%Y-%m-%d} at " in said


def test_a_deleted_dataset_is_gone_from_sandboxes_and_so_is_what_lies_in_the_trash(
    on_disk: Any, ada: Any, grace: Any, reader: Any
) -> None:
    share(ada, grace)
    on_disk.deliver()
    one = reader()
    assert one.reads("day.csv") == "rain\n"
    ada.request("DELETE", "projects/weather/datasets/raw", json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    assert one.reads("day.csv") == "No such file or directory"
    # Restored, it is shared with nobody.
    (item,) = ada.get("projects/weather/trash").json()["items"]
    ada.post(f"projects/weather/trash/{item['id']}:restore", json={}).raise_for_status()
    on_disk.deliver()
    assert [read.reads("day.csv") for read in (one, reader())] == ["No such file or directory"] * 2


def test_a_deleted_project_takes_what_it_shares_along_and_brings_it_back(
    on_disk: Any, ada: Any, grace: Any, reader: Any
) -> None:
    share(ada, grace)
    on_disk.deliver()
    one = reader()
    assert one.reads("day.csv") == "rain\n", "it has started: what ends during a start ends the start"
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    on_disk.deliver()
    assert one.reads("day.csv") == "No such file or directory"
    ada.post("deleted-projects/weather:restore").raise_for_status()
    on_disk.deliver()
    assert one.reads("day.csv") == "rain\n"


def test_a_new_project_of_an_old_name_sees_nothing_of_what_that_had(on_disk: Any, ada: Any, grace: Any) -> None:
    share(ada, grace)
    on_disk.deliver()
    home = on_disk.platform.parts.settings.layout
    assert home.shares("tides").exists()
    grace.request("DELETE", "projects/tides", json={"name": "tides"}).raise_for_status()
    grace.request("DELETE", "deleted-projects/tides", json={"name": "tides"}).raise_for_status()
    on_disk.deliver()
    assert not home.shares("tides").exists()
