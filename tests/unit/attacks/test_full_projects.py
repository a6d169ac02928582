"""Real sandboxes of a project that becomes full while they run: their code only reads until there is room."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hops_contract.keeping import why_limited
from hops_contract.layout import Home
from hops_contract.sandbox import SandboxError, command_in_sandbox, find_program, view_of_tenant
from hops_contract.shares import shared_mounts
from hops_platform.adapters.sandboxes import local
from hops_platform.adapters.sandboxes.entering import BUSY
from hops_platform.adapters.sandboxes.full import told_files
from hops_platform.adapters.sandboxes.local import LocalSandboxes
from hops_platform.adapters.sandboxes.mounts import mounted_from, namespaces
from hops_platform.engines.sandboxes import FullProject, VisibleDataset

try:
    PROGRAM = find_program()
except SandboxError as error:
    pytest.skip(f"needs sandboxes: {error}", allow_module_level=True)

DOES = """
import json, mmap, os, socket, subprocess, sys
kept = {}
def write(path):
    with open(path, "a") as file:
        file.write("more")
    return "written"
for line in sys.stdin:
    try:
        print(json.dumps(eval(line)), flush=True)
    except OSError as error:
        print(json.dumps(error.strerror), flush=True)
"""
ONLY_READ = "Read-only file system"
WEATHER = [FullProject(project="weather")]
FAR_OVER = [FullProject(project="weather", ends="The project is far over its quota.")]


class Inside:
    """Code in a sandbox that does what it is told."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def does(self, expression: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{expression}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def writes(self, path: str) -> str:
        return str(self.does(f"write({path!r})"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    (home.base_environment / "bin").mkdir(parents=True)
    (home.base_environment / "bin" / "python").symlink_to(sys.executable)
    for project in ("weather", "tides"):
        for dataset in ("Jupyter", "raw", "old"):
            (home.project(project) / dataset).mkdir(parents=True)
    for folder in (home.session(7), home.root / "tmp", home.own_home("weather", "ada")):
        folder.mkdir(parents=True)
    return home


@pytest.fixture
def sandboxes(home: Home) -> LocalSandboxes:
    return LocalSandboxes(home)


@pytest.fixture
def inside(home: Home) -> Iterator[Callable[..., Inside]]:
    started: list[Inside] = []

    def start(project: str = "weather", *, full: bool = False) -> Inside:
        files = (home.project(project),)
        view = view_of_tenant(
            home,
            python=Path(sys.executable),
            read=files if full else (),
            write=(home.session(7), home.own_home("weather", "ada"), *(() if full else files)),
            temporary=home.root / "tmp",
            shared=shared_mounts(home, project),
        )
        command = [sys.executable, "-I", "-S", "-c", DOES]
        started.append(Inside(command_in_sandbox(PROGRAM, command, view, cwd=home.project(project) / "Jupyter")))
        assert started[-1].does("1") == 1
        return started[-1]

    yield start
    for one in started:
        one.process.communicate(timeout=30)


def test_what_runs_only_reads_from_outside_to_where_it_works_and_writes_again_when_there_is_room(
    home, sandboxes, inside
):
    one, other = inside(), inside("tides")
    assert one.writes("a.txt") == "written"
    sandboxes.settle_full(WEATHER)
    places = ("a.txt", f"{home.project('weather')}/raw/b.txt", f"{home.own_home('weather', 'ada')}/c.txt", "/tmp/d")
    assert [one.writes(place) for place in places] == [ONLY_READ, ONLY_READ, "written", "written"]
    assert one.does("open('a.txt').read()") == "more"
    assert other.writes("a.txt") == "written"
    sandboxes.settle_full([])
    assert one.writes("a.txt") == "written"


def test_what_started_when_the_project_was_full_writes_when_there_is_room(sandboxes, inside):
    one = inside(full=True)
    sandboxes.settle_full(WEATHER)
    assert one.writes("a.txt") == ONLY_READ
    sandboxes.settle_full([])
    assert one.writes("a.txt") == "written"


def test_a_file_that_is_open_may_be_finished(sandboxes, inside):
    one, other = inside(), inside()
    one.does("kept.update(file=open('a.txt', 'w')) or 1")
    sandboxes.settle_full(WEATHER)
    assert [one.writes("b.txt"), other.writes("b.txt")] == ["written", ONLY_READ]
    assert one.does("kept['file'].write('last') and (kept['file'].close() or 1)") == 1
    sandboxes.settle_full(WEATHER)
    assert one.writes("b.txt") == ONLY_READ


HOLDS = {
    "open": "import time; file = open('a.txt', 'w')",
    "mapped": "import mmap, os, time; f = os.open('a.txt', os.O_RDWR | os.O_CREAT); os.ftruncate(f, 1); "
    "m = mmap.mmap(f, 1); os.close(f)",
}


@pytest.mark.parametrize("how", HOLDS)
def test_far_over_the_quota_who_has_a_file_open_is_ended_and_nobody_else(home, sandboxes, inside, how):
    one = inside()
    code = f"{HOLDS[how]}; print(1, flush=True); time.sleep(600)"
    held = f"kept.update(p=subprocess.Popen([sys.executable, '-c', {code!r}], stdout=-1)) or 1"
    one.does(held)
    one.does("kept['p'].stdout.readline().decode()")
    sandboxes.settle_full(WEATHER)
    assert one.does("kept['p'].poll()") is None
    sandboxes.settle_full(FAR_OVER)
    assert one.does("kept['p'].wait()") == -9
    assert one.writes("b.txt") == ONLY_READ
    told = home.run / "sessions" / "7.limited"
    assert why_limited(told) == "The project is far over its quota."
    # So that of two kernels of a notebook server the one is told that was ended (jupyterlab_hops.server_folder).
    assert told.read_text().splitlines()[1:] == [str(one.does("kept['p'].pid"))]


def test_who_hides_an_open_file_loses_the_sandbox(home, sandboxes, inside):
    one = inside()
    one.does("kept.update(pair=socket.socketpair(), file=os.open('a.txt', os.O_RDWR | os.O_CREAT)) or 1")
    # It is in no process's hands: on its way for as long as nobody takes it.
    one.does("socket.send_fds(kept['pair'][0], [b'.'], [kept['file']]) and os.close(kept.pop('file')) or 1")
    sandboxes.settle_full(WEATHER)
    assert one.writes("b.txt") == "written"
    sandboxes.settle_full(FAR_OVER)
    assert one.process.wait(timeout=30)
    assert (home.run / "sessions" / "7.limited").exists()


def test_other_projects_that_write_a_dataset_of_it_are_held_and_readers_stay_readers(home, sandboxes, inside):
    shared = [
        VisibleDataset(id=uuid4(), project="weather", dataset="raw", writes=True),
        VisibleDataset(id=uuid4(), project="weather", dataset="old", writes=False),
    ]
    sandboxes.settle("tides", shared)
    one = inside("tides")
    raw, old = (f"{home.project('tides')}/Shared/weather/{name}/a.txt" for name in ("raw", "old"))
    assert [one.writes(place) for place in (raw, old, "a.txt")] == ["written", ONLY_READ, "written"]
    sandboxes.settle_full(WEATHER)
    assert [one.writes(place) for place in (raw, old, "a.txt")] == [ONLY_READ, ONLY_READ, "written"]
    sandboxes.settle("tides", shared)
    sandboxes.settle_full([])
    assert [one.writes(place) for place in (raw, old, "a.txt")] == ["written", ONLY_READ, "written"]


def test_a_path_that_leads_to_another_mount_than_was_meant_changes_nothing(home, sandboxes, inside):
    sandboxes.settle("tides", [VisibleDataset(id=uuid4(), project="weather", dataset="old", writes=False)])
    one = inside("tides")
    point = f"{home.project('tides')}/Shared/weather/old"
    ((namespace, mounted),) = (
        (namespace, mounted) for namespace in namespaces() for mounted in mounted_from(namespace, point)
    )
    # As where a folder was moved, and another put in its place, between the look and the change.
    assert local._do_in(namespace, "write", [str(mounted.number + 1), point]) == 0
    assert one.writes(f"{point}/a.txt") == ONLY_READ
    assert local._do_in(namespace, "write", [str(mounted.number), f"{home.project('tides')}/no-such"]) == 0
    one.does("os.symlink('Shared', '../link')")
    assert local._do_in(namespace, "write", [str(mounted.number), str(home.project("tides") / "link")]) == 1
    assert one.writes(f"{point}/a.txt") == ONLY_READ


def test_a_read_only_share_that_was_moved_aside_is_never_made_writable(home, sandboxes, inside):
    sandboxes.settle("tides", [VisibleDataset(id=uuid4(), project="weather", dataset="old", writes=False)])
    one = inside("tides")
    # By a sandbox that was made before there was a share, in which nothing is mounted there.
    project = home.project("tides")
    (project / "Shared").rename(project / "raw" / "Shared")
    (project / "Shared").mkdir()
    sandboxes.settle_full(WEATHER)
    sandboxes.settle_full([])
    for place in ("raw/Shared", "Shared"):
        assert one.writes(f"{project}/{place}/weather/old/a.txt") != "written"


def test_a_dataset_that_was_moved_aside_is_held_as_well(home, sandboxes, inside):
    sandboxes.settle("tides", [VisibleDataset(id=uuid4(), project="weather", dataset="raw", writes=True)])
    one, project = inside("tides"), home.project("tides")
    # As above.
    (project / "Shared").rename(project / "raw" / "Shared")
    moved = f"{project}/raw/Shared/weather/raw"
    assert one.writes(f"{moved}/a.txt") == "written"
    sandboxes.settle_full(WEATHER)
    assert one.writes(f"{moved}/a.txt") == ONLY_READ


def test_what_is_not_found_where_it_was_is_not_said_to_be_held(home, sandboxes, inside):
    sandboxes.settle("tides", [VisibleDataset(id=uuid4(), project="weather", dataset="raw", writes=True)])
    inside("tides")
    point = f"{home.project('tides')}/Shared/weather/raw"
    ((namespace, mounted),) = (
        (namespace, mounted) for namespace in namespaces() for mounted in mounted_from(namespace, point)
    )
    for words in ([str(mounted.number), f"{point}x"], [str(mounted.number + 1), point]):
        assert local._do_in(namespace, "read", words) == BUSY
    assert local._do_in(namespace, "read", [str(mounted.number), point]) == 0


def test_where_it_is_told_why_something_was_ended(home):
    told = home.run / "servers" / "weather__ada.limited"
    told.mkdir(parents=True)
    points = [str(home.server("weather", "ada")), str(told), str(home.session(12)), str(home.run / "session-service")]
    assert told_files(home, points) == [told / "why", home.run / "sessions" / "12.limited"]
