"""Code of a sandbox turns against the sandbox's first process, which tells of its end and brings it about."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

import hops_contract
import hops_livy
from hops_contract.sandbox import SandboxError, View, command_in_sandbox, find_program
from hops_livy.driver.hops_session.status import Status

CONTRACT, DRIVER = Path(hops_contract.__file__).parent, Path(hops_livy.__file__).parent / "driver"
ATTACK = """
import ctypes, os
libc = ctypes.CDLL(None)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
print(os.getpid() != 1, libc.ptrace(0x4206, 1, None, None))  # PTRACE_SEIZE, which stops nobody
try:
    print(os.open("/proc/1/mem", os.O_RDONLY))
except OSError as error:
    print(type(error).__name__, flush=True)
"""
OF_A_SESSION = f"""
import sys
sys.path.insert(0, {str(DRIVER)!r})
from hops_session.first_process import stand_before
stand_before({{"status_file": "/tmp/status", "status_socket": "/tmp/socket"}})
{ATTACK}
"""


@pytest.mark.parametrize(
    "command",
    [
        [
            "-I",
            "-S",
            str(CONTRACT / "first_process.py"),
            "python3",
            "-c",
            ATTACK,
        ],
        ["-c", OF_A_SESSION],
    ],
    ids=["of a notebook server", "of a session"],
)
def test_it_can_not_be_taken_over(tmp_path: Path, command: list[str]) -> None:
    try:
        program = find_program()
    except SandboxError as error:
        pytest.skip(f"no sandbox: {error}")
    # The system's Python, which every sandbox has.
    if not Path("/usr/bin/python3").exists():
        pytest.skip("the system has no Python")
    view = View(read=(CONTRACT, DRIVER), temporary=tmp_path)
    inside = command_in_sandbox(program, ["/usr/bin/python3", *command], view, cwd=Path("/"))
    done = subprocess.run(
        inside, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout.split() == ["True", "-1", "PermissionError"], done.stderr


def test_a_pipe_in_the_place_of_what_is_told_holds_up_no_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "status")
    status = Status(tmp_path / "status", tmp_path / "socket")
    telling = threading.Thread(target=status.tell, args=("driver_ended",), kwargs={"code": 0}, daemon=True)
    telling.start()
    telling.join(60)
    waits = telling.is_alive()
    os.close(os.open(tmp_path / "status", os.O_RDONLY | os.O_NONBLOCK))
    telling.join()
    status._socket.close()
    assert not waits
