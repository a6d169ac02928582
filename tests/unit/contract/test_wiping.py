"""Trees that a tenant's code has made are removed whatever their depth, in few descriptors of the service."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hops_contract.wiping import wipe_folder

DEEP = 10_000
FEW = 64


def make_deep(folder: Path, levels: int = DEEP) -> None:
    """Folders in one another, by descriptors: no path is so long."""
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 100, dir_fd=descriptor)
        above, descriptor = descriptor, os.open("d" * 100, os.O_RDONLY, dir_fd=descriptor)
        os.close(above)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)


@pytest.fixture
def deep(tmp_path: Path):
    folder = tmp_path / "deep"
    make_deep(folder)
    yield folder
    # Who tidies up after the tests can't go as deep.
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_ten_thousand_folders_in_one_another_are_removed(deep: Path) -> None:
    wipe_folder(deep)
    assert not deep.exists()


def test_a_service_holds_few_descriptors_and_little_memory_meanwhile(deep: Path) -> None:
    program = f"""
import os, resource, sys, threading
from pathlib import Path
from hops_contract.wiping import wipe_folder
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW}, hard))
most, done, before = 0, threading.Event(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def watch():
    global most
    while not done.is_set():
        most = max(most, len(os.listdir("/proc/self/fd")))
watcher = threading.Thread(target=watch)
watcher.start()
wipe_folder(Path(sys.argv[1]))
done.set()
watcher.join()
# Others can open files meanwhile, and memory does not grow with the depth.
assert most < 20, most
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024
assert not os.path.lexists(sys.argv[1])
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(deep)], check=False, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr


def test_links_and_odd_names_are_removed_and_what_links_lead_to_is_kept(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "-rf"
    (kept / "inner").mkdir(parents=True)
    (folder / "sub").mkdir(parents=True)
    (folder / "link").symlink_to(kept)
    (folder / "sub" / "--help").write_text("x")
    os.mkfifo(folder / "pipe")
    wipe_folder(folder)
    assert not folder.exists()
    assert (kept / "inner").is_dir()


def test_a_flat_folder_needs_no_other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "a").write_text("x")
    (folder / "b").symlink_to(tmp_path)
    monkeypatch.setenv("PATH", "")
    wipe_folder(folder)
    assert not folder.exists()
    assert tmp_path.exists()
