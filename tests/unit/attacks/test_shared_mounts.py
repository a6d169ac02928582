"""Datasets of other projects in real sandboxes: read-only ones stay so, and what is taken away is gone at once."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from hops_contract import shares
from hops_contract.layout import Home
from hops_contract.sandbox import SandboxError, command_in_sandbox, find_program, view_of_tenant
from hops_platform.adapters.sandboxes import mounts as adapter
from hops_platform.adapters.sandboxes.local import LocalSandboxes
from hops_platform.engines.sandboxes import VisibleDataset

try:
    PROGRAM = find_program()
except SandboxError as error:
    pytest.skip(f"needs sandboxes: {error}", allow_module_level=True)

PREAMBLE = """
import ctypes, json, os, socket, subprocess, sys, threading, time
shared, raw = sys.argv[1], sys.argv[1] + "/weather/raw"
def tried(act):
    try:
        return str(act())
    except OSError as error:
        return error.strerror
def say(*words):
    print(json.dumps(words), flush=True)
def wait():
    sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    (home.base_environment / "bin").mkdir(parents=True)
    (home.base_environment / "bin" / "python").symlink_to(sys.executable)
    for project in ("weather", "tides", "gulls"):
        for dataset in ("Jupyter", "raw", "secret"):
            (home.project(project) / dataset).mkdir(parents=True)
    (home.project("weather") / "raw" / "day.csv").write_text("rain\n")
    (home.project("weather") / "secret" / "key").write_text("42\n")
    return home


@pytest.fixture
def sandboxes(home: Home) -> LocalSandboxes:
    return LocalSandboxes(home)


def visible(dataset: str = "raw", *, writes: bool = False) -> VisibleDataset:
    return VisibleDataset(id=uuid4(), project="weather", dataset=dataset, writes=writes)


def command(home: Home, script: str, project: str = "tides", *, mounts: shares.SharedMounts | None = None) -> list[str]:
    temporary = home.root / "tmp"
    temporary.mkdir(exist_ok=True)
    view = view_of_tenant(
        home,
        python=Path(sys.executable),
        read=(),
        write=(home.project(project),),
        temporary=temporary,
        shared=mounts or shares.shared_mounts(home, project),
    )
    inside = [sys.executable, "-I", "-S", "-c", PREAMBLE + script, str(home.project(project) / "Shared")]
    return command_in_sandbox(PROGRAM, inside, view, cwd=home.project(project))


class Inside:
    """A program in a sandbox, to which lines are sent and which answers with lines."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def hears(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        return json.loads(line)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@pytest.fixture
def inside(home: Home) -> Iterator[Callable[..., Inside]]:
    started: list[Inside] = []

    def start(script: str, project: str = "tides") -> Inside:
        started.append(Inside(command(home, script, project)))
        return started[-1]

    yield start
    for one in started:
        # The sandbox's own first process: bubblewrap's would end alone.
        with suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
            for first in psutil.Process(one.process.pid).children() if one.process.poll() is None else ():
                first.kill()
        one.process.communicate()


def run(home: Home, script: str, *, mounts: shares.SharedMounts | None = None) -> subprocess.CompletedProcess[str]:
    arguments = command(home, script, mounts=mounts)
    return subprocess.run(arguments, capture_output=True, text=True, timeout=240, check=False, stdin=subprocess.DEVNULL)


def test_a_shared_dataset_is_seen_and_nothing_else_of_its_project(home, sandboxes, inside):
    sandboxes.settle("tides", [visible()])
    seen = inside("""
say(open(raw + "/day.csv").read(), os.listdir(shared), os.listdir(shared + "/weather"))
say(tried(lambda: os.listdir(raw + "/../../../../weather")), os.listdir(raw + "/.."))
""")
    assert seen.hears() == ["rain\n", [".accepted", "weather"], ["raw"]]
    assert seen.hears() == ["No such file or directory", ["raw"]]


def test_what_is_shared_for_reading_is_closed_by_the_kernel(home, sandboxes, inside):
    sandboxes.settle("tides", [visible()])
    seen = inside("""
file = open(raw + "/day.csv")
libc = ctypes.CDLL(None, use_errno=True)
libc.mount(None, raw.encode(), None, 32 | 4096, None)
say(os.strerror(ctypes.get_errno()))
libc.umount2(raw.encode(), 2)
say(os.strerror(ctypes.get_errno()))
say(libc.unshare(0x10000000 | 0x20000))
say(
    tried(lambda: open(f"/proc/self/fd/{file.fileno()}", "w")),
    tried(lambda: open(raw + "/new", "w")),
    tried(lambda: os.link(raw + "/day.csv", shared + "/../raw/day.csv")),
    tried(lambda: os.rename(raw, shared + "/weather/other")),
    tried(lambda: os.rename(shared, shared + "2")),
    tried(lambda: os.rmdir(shared + "/weather/raw")),
    tried(lambda: os.unlink(shared + "/.accepted")),
)
""")
    assert seen.hears() == ["Operation not permitted"]
    assert seen.hears() == ["Operation not permitted"]
    assert seen.hears() == [-1]
    refused = seen.hears()
    assert set(refused) <= {"Read-only file system", "Invalid cross-device link", "Device or resource busy"}
    assert (home.project("weather") / "raw" / "day.csv").read_text() == "rain\n"


def test_what_is_shared_for_writing_can_be_written(home, sandboxes, inside):
    sandboxes.settle("tides", [visible(writes=True)])
    seen = inside('say(open(raw + "/new", "w").write("sun"))')
    assert seen.hears() == [3]
    assert (home.project("weather") / "raw" / "new").read_text() == "sun"


def test_what_is_taken_away_is_gone_from_a_running_sandbox_and_says_why(home, sandboxes, inside):
    kept = visible("Jupyter")
    sandboxes.settle("tides", [visible(), kept])
    seen = inside("""
say(os.listdir(raw))
wait()
say(os.listdir(raw), tried(lambda: open(raw + "/day.csv")), open(raw + "/NO_LONGER_SHARED.txt").read())
say(os.listdir(shared + "/weather/Jupyter"))
""")
    assert seen.hears() == [["day.csv"]]
    sandboxes.settle("tides", [kept])
    seen.go_on()
    listed, failed, note = seen.hears()
    assert (listed, failed) == (["NO_LONGER_SHARED.txt"], "No such file or directory")
    assert "'weather' is no longer shared" in note
    assert seen.hears() == [[]]


@pytest.mark.parametrize(
    "holds",
    [
        'held = open(raw + "/day.csv")',
        "held = os.open(raw, os.O_RDONLY)",
        "os.chdir(raw)",
        "import mmap\nheld = mmap.mmap(os.open(raw + '/day.csv', os.O_RDONLY), 0, prot=1)\nos.closerange(3, 99)",
        # A thread can have descriptors of its own, and a process can close itself to those who look.
        """
def thread():
    assert ctypes.CDLL(None).unshare(0x400) == 0
    os.open(raw, os.O_RDONLY)
    done.set()
    time.sleep(600)
done = threading.Event()
threading.Thread(target=thread, daemon=True).start()
done.wait()""",
        "held = open(raw + '/day.csv')\nctypes.CDLL(None).prctl(4, 0)",
        # Of a process whose first thread has ended nothing is told where others are looked at.
        """
def thread():
    while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    os.open(raw, os.O_RDONLY)
    say('held')
    time.sleep(600)
threading.Thread(target=thread).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)""",
    ],
)
def test_who_holds_what_is_taken_away_is_ended_and_nobody_else(home, sandboxes, inside, holds):
    sandboxes.settle("tides", [visible()])
    # The child holds; the first process only waits for it.
    child = f"{PREAMBLE}{holds}\nsay('held')\ntime.sleep(600)"
    seen = inside(f"""
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", {child!r}, shared])
wait()
say(child.poll() is None)
wait()
say(child.wait(30))
""")
    assert seen.hears() == ["held"]
    seen.go_on()
    assert seen.hears() == [True]
    sandboxes.settle("tides", [])
    seen.go_on()
    assert seen.hears() == [-9]


def test_from_writing_to_reading_takes_effect_at_once(home, sandboxes, inside):
    writes = visible(writes=True)
    sandboxes.settle("tides", [writes])
    seen = inside("""
say(open(raw + "/new", "w").write("sun"))
wait()
say(tried(lambda: open(raw + "/new", "w")))
""")
    assert seen.hears() == [3]
    sandboxes.settle("tides", [VisibleDataset(id=writes.id, project="weather", dataset="raw", writes=False)])
    seen.go_on()
    assert seen.hears() == ["Read-only file system"]


def test_a_dataset_that_is_made_anew_under_its_old_name_is_another(home, sandboxes, inside):
    sandboxes.settle("tides", [visible()])
    seen = inside("""
say(os.listdir(raw))
wait()
say(os.listdir(raw))
""")
    seen.hears()
    folder = home.project("weather") / "raw"
    folder.rename(home.project("weather") / "old")
    folder.mkdir()
    sandboxes.settle("tides", [visible()])
    seen.go_on()
    # The new one is there, and nothing of the old one.
    assert seen.hears() == [[]]


def test_what_is_shared_while_a_sandbox_runs_is_seen_in_it_with_its_mode(home, sandboxes, inside):
    seen = inside("""
say(os.listdir(shared))
wait()
say(os.listdir(raw), tried(lambda: open(raw + "/new", "w")))
wait()
say(os.listdir(raw))
""")
    assert seen.hears() == [[]]
    sandboxes.settle("tides", [visible()])
    seen.go_on()
    assert seen.hears() == [["day.csv"], "Read-only file system"]
    sandboxes.settle("tides", [])
    seen.go_on()
    assert seen.hears() == [["NO_LONGER_SHARED.txt"]]


def test_a_link_in_place_of_the_dataset_is_not_shown_in_a_running_sandbox_either(home, sandboxes, inside):
    seen = inside("say(os.listdir(shared))\nwait()\nsay(os.listdir(raw))")
    seen.hears()
    folder = home.project("weather") / "raw"
    shutil.rmtree(folder)
    folder.symlink_to(home.project("weather") / "secret")
    sandboxes.settle("tides", [visible()])
    seen.go_on()
    assert seen.hears() == [["FROM_THE_NEXT_START_ON.txt"]]


def test_where_nothing_can_be_added_to_a_running_sandbox_a_note_says_so(home, sandboxes, inside, monkeypatch):
    seen = inside("say(os.listdir(shared))\nwait()\nsay(os.listdir(raw))")
    seen.hears()
    monkeypatch.setattr("hops_platform.adapters.sandboxes.local._enter", lambda *_, **__: False)
    sandboxes.settle("tides", [visible()])
    seen.go_on()
    assert seen.hears() == [["FROM_THE_NEXT_START_ON.txt"]]


def test_a_link_in_place_of_the_dataset_leads_nowhere(home, sandboxes):
    sandboxes.settle("tides", [visible()])
    folder = home.project("weather") / "raw"
    shutil.rmtree(folder)
    folder.symlink_to(home.project("weather") / "secret")
    seen = run(home, "say(os.listdir(raw))")
    assert json.loads(seen.stdout) == [["FROM_THE_NEXT_START_ON.txt"]]


def test_a_dataset_that_becomes_a_link_while_the_sandbox_is_made_is_not_shown(home, sandboxes):
    sandboxes.settle("tides", [visible()])
    mounts = shares.shared_mounts(home, "tides")
    folder = home.project("weather") / "raw"
    shutil.rmtree(folder)
    folder.symlink_to(Path("..") / "weather" / "secret")
    seen = run(home, 'print("users code")', mounts=mounts)
    assert (seen.returncode, "users code" in seen.stdout) == (126, False)
    assert "is not the dataset" in seen.stderr


@pytest.mark.parametrize("to", ["Jupyter", "/newroot/usr/lib", "../../secrets"])
def test_a_link_in_place_of_the_folder_shared_is_put_aside_or_stops_the_start(home, sandboxes, to):
    sandboxes.settle("tides", [visible()])
    point = home.project("tides") / "Shared"
    point.symlink_to(to)
    mounts = shares.shared_mounts(home, "tides")
    assert point.is_dir()
    assert not point.is_symlink()
    assert any(path.is_symlink() for path in home.project("tides").glob("Shared.*"))
    # And one that comes a moment later.
    point.rmdir()
    point.symlink_to(to)
    seen = run(home, 'print("users code")', mounts=mounts)
    assert seen.returncode != 0
    assert "users code" not in seen.stdout


def test_what_is_taken_away_while_a_sandbox_is_made_is_not_shown(home, sandboxes):
    sandboxes.settle("tides", [visible()])
    mounts = shares.shared_mounts(home, "tides")
    sandboxes.settle("tides", [])
    seen = run(home, 'print("users code")', mounts=mounts)
    assert (seen.returncode, seen.stdout) == (126, "")
    assert "taken away in this moment" in seen.stderr
    assert run(home, "say(os.listdir(raw))").returncode == 0


def test_what_becomes_read_only_while_a_sandbox_is_made_is_not_writable_in_it(home, sandboxes):
    writes = visible(writes=True)
    sandboxes.settle("tides", [writes])
    mounts = shares.shared_mounts(home, "tides")
    sandboxes.settle("tides", [VisibleDataset(id=writes.id, project="weather", dataset="raw", writes=False)])
    seen = run(home, 'print("users code")', mounts=mounts)
    assert (seen.returncode, seen.stdout) == (126, "")


def test_what_may_be_written_from_now_on_stops_no_start(home, sandboxes):
    reads = visible()
    sandboxes.settle("tides", [reads])
    mounts = shares.shared_mounts(home, "tides")
    sandboxes.settle("tides", [VisibleDataset(id=reads.id, project="weather", dataset="raw", writes=True)])
    seen = run(home, 'say(tried(lambda: open(raw + "/new", "w")))', mounts=mounts)
    assert json.loads(seen.stdout) == ["Read-only file system"]


def test_who_reads_without_end_stops_reading_when_it_is_taken_away(home, sandboxes, inside):
    sandboxes.settle("tides", [visible()])
    seen = inside("""
say(open(raw + "/day.csv").read())
while True:
    try:
        with open(raw + "/day.csv") as file:
            file.read()
    except OSError as error:
        say(error.strerror)
        break
""")
    assert seen.hears() == ["rain\n"]
    sandboxes.settle("tides", [])
    # Its first process may have had the file open at that very moment: then all of it was ended.
    line = seen.process.stdout.readline()
    assert line in {'["No such file or directory"]\n', ""}


def test_an_owner_who_swaps_the_dataset_for_a_link_shows_nothing_else(home, sandboxes, inside):
    owner = home.project("weather")
    (owner / "raw" / "key").write_text("shared")
    (owner / "spare").symlink_to(owner / "secret")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for source, target in (("raw", "kept"), ("spare", "raw"), ("raw", "spare"), ("kept", "raw")):
                (owner / source).rename(owner / target)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        started = []
        for _ in range(12):
            sandboxes.settle("tides", [visible()])
            started.append(run(home, 'say(tried(lambda: open(raw + "/key").read()))'))
    finally:
        done.set()
        thread.join()
    said = {one.stdout for one in started}
    assert not any("42" in text for text in said)
    assert said <= {'["shared"]\n', '["No such file or directory"]\n', ""}


def test_a_target_can_not_take_a_place_away_from_others(home, sandboxes, inside):
    sandboxes.settle("tides", [visible()])
    first, second = (
        inside("""
say(os.listdir(raw))
wait()
say(tried(lambda: os.rename(shared, shared + "x")), tried(lambda: os.rmdir(shared)), os.listdir(raw))
""")
        for _ in range(2)
    )
    for one in (first, second):
        assert one.hears() == [["day.csv"]]
    for one in (first, second):
        one.go_on()
        assert one.hears() == ["Device or resource busy", "Device or resource busy", ["day.csv"]]


def test_nothing_is_written_for_projects_with_which_nothing_was_ever_shared(home, sandboxes):
    sandboxes.settle("tides", [])
    assert not home.shares("tides").exists()


def test_a_sandbox_from_which_nothing_can_be_taken_away_is_ended(home, sandboxes, inside, monkeypatch):
    sandboxes.settle("tides", [visible()])
    seen = inside("say(os.listdir(raw))\nwait()")
    seen.hears()
    monkeypatch.setattr("hops_platform.adapters.sandboxes.local._enter", lambda *_, **__: False)
    sandboxes.settle("tides", [])
    assert seen.process.wait(60) != 0


HOLDS = {
    "open": "",
    "works in": "os.chdir(received[0])\nos.close(received[0])",
    "in memory": """
import mmap
held = mmap.mmap(os.open("day.csv", os.O_RDONLY, dir_fd=received[0]), 0, prot=1)
os.closerange(3, 99)""",
}


def hand_over(inside: Callable[..., Inside], holds: str, *, to: str) -> tuple[Inside, Inside]:
    """A sandbox of tides that has handed its open folder to another one, and that one."""
    receives = inside(
        f"""
listening = socket.socket(socket.AF_UNIX)
listening.bind("/tmp/handed")
listening.listen()
say("listens")
received = socket.recv_fds(listening.accept()[0], 1, 1)[1]
{HOLDS[holds]}
say("held")
time.sleep(600)
""",
        to,
    )
    assert receives.hears() == ["listens"]
    hands = inside("""
folder = os.open(raw, os.O_RDONLY)
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("/tmp/handed")
    socket.send_fds(connection, [b"."], [folder])
os.close(folder)
say("handed")
wait()
say("lives")
""")
    assert (receives.hears(), hands.hears()) == (["held"], ["handed"])
    return hands, receives


@pytest.mark.parametrize("to", ["tides", "gulls"])
@pytest.mark.parametrize("holds", HOLDS)
def test_an_open_folder_that_was_handed_to_another_sandbox_is_closed_too(home, sandboxes, inside, holds, to):
    sandboxes.settle("tides", [visible()])
    others = [inside('say("begins")\nwait()\nsay("lives")', project) for project in ("tides", "gulls")]
    assert [one.hears() for one in others] == [["begins"]] * 2
    hands, receives = hand_over(inside, holds, to=to)
    sandboxes.settle("tides", [])
    assert receives.process.wait(60) != 0
    for one in (hands, *others):
        one.go_on()
        assert one.hears() == ["lives"]


@pytest.mark.parametrize("holds", HOLDS)
def test_an_open_folder_that_was_handed_out_of_a_sandbox_that_is_ended_is_closed_too(
    home, sandboxes, inside, monkeypatch, holds
):
    sandboxes.settle("tides", [visible()])
    hands, receives = hand_over(inside, holds, to="gulls")
    monkeypatch.setattr("hops_platform.adapters.sandboxes.local._enter", lambda *_, **__: False)
    sandboxes.settle("tides", [])
    assert hands.process.wait(60) != 0
    assert receives.process.wait(60) != 0


def test_what_came_into_memory_after_the_look_at_it_is_found_when_the_mount_is_gone(
    home, sandboxes, inside, monkeypatch
):
    sandboxes.settle("tides", [visible()])
    _, receives = hand_over(inside, "in memory", to="gulls")
    monkeypatch.setattr("hops_platform.adapters.sandboxes.local.mappers", lambda *_: set())
    sandboxes.settle("tides", [])
    assert receives.process.wait(60) != 0


def test_a_process_that_is_just_ending_is_in_no_namespace(monkeypatch):
    def refuse(*_given, **_named):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(Path, "read_text", refuse)
    namespace = adapter.Namespace(number=1, processes=(1,))
    assert adapter.mounted_from(namespace, "/") == []


def test_what_was_moved_aside_is_taken_away_as_well_and_nothing_is_mounted_there(home, sandboxes, inside):
    share, other = visible(), visible("secret")
    sandboxes.settle("tides", [share])
    one = inside("""
say(os.listdir(raw))
wait()
say(tried(lambda: os.listdir("Jupyter/Shared/weather/raw")))
wait()
say(tried(lambda: os.listdir("Jupyter/Shared/weather/raw")), tried(lambda: os.listdir("Jupyter/Shared/weather/secret")))
""")
    assert one.hears() == [["day.csv"]]
    # By code that has the project's folder, and nothing mounted in it: a pod, or a sandbox that was made without.
    (home.project("tides") / "Shared").rename(home.project("tides") / "Jupyter" / "Shared")
    one.go_on()
    assert one.hears() == ["['day.csv']"]
    sandboxes.settle("tides", [other])
    one.go_on()
    assert one.hears() == ["['NO_LONGER_SHARED.txt']", "['FROM_THE_NEXT_START_ON.txt']"]
