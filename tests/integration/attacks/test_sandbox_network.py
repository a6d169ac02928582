"""Code in a sandbox reaches for what it may not: the network, other processes, more of the machine than its part."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from hops_contract.keeper import limits
from hops_contract.keeping import Address, Keeping, WayIn, kept_command, why_limited, why_no_own_network
from hops_contract.sandbox import SandboxError, View, find_program

PYTHON = "/usr/bin/python3"
LOOK = """
import json, socket, sys
def say(host, port, text=b"."):
    try:
        with socket.create_connection((host, port), 10) as made:
            made.sendall(text)
            made.shutdown(socket.SHUT_WR)
            return made.makefile("rb").read().decode()
    except OSError as error:
        return type(error).__name__
"""


def _program() -> str:
    try:
        program = find_program()
    except SandboxError as error:
        pytest.skip(f"no sandbox: {error}")
    if (why := why_no_own_network(program)) is not None:
        pytest.skip(why)
    if not Path(PYTHON).exists():
        pytest.skip("no Python of the system")
    return program


class Service:
    """Answers what it is sent, behind its own name, on a port of this machine."""

    def __init__(self, name: str, host: str = "127.0.0.1") -> None:
        self.name = name.encode()
        self.listener = socket.create_server((host, 0))
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self.listener.accept()
            except OSError:
                return
            with taken:
                heard = taken.makefile("rb").read()
                taken.sendall(self.name + b" heard " + heard)


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service("service")
    yield one
    one.listener.close()


@pytest.fixture
def other() -> Iterator[Service]:
    one = Service("other")
    yield one
    one.listener.close()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts Python in a sandbox with a network of its own, unless told otherwise."""
    program, started = _program(), []
    (tmp_path / "tmp").mkdir()

    def start(
        code: str, *, apart: bool = True, out: tuple[Address, ...] = (), into: tuple[WayIn, ...] = (), **bounds: Any
    ) -> Any:
        keeping = Keeping(apart=apart, out=out, into=into, whose="trial", told=tmp_path / "told", **bounds)
        view = View(hidden=(tmp_path,), temporary=tmp_path / "tmp")
        command = kept_command(program, [PYTHON, "-I", "-c", code], view, cwd=Path("/"), keeping=keeping)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={},
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        family = _family(process.pid)
        for one in family:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait(60)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        assert not _until_gone(family)


def _family(session: int) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        try:
            if os.getsid(one.pid) == session:
                found.append(one)
        except (OSError, psutil.Error):
            continue
    return found


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended in half a minute. One that nobody has asked yet how it ended has ended."""
    until = time.monotonic() + 30
    while (alive := [one for one in processes if _lives(one)]) and time.monotonic() < until:
        time.sleep(0.02)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _told(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return json.loads(out)


def _at(service: Service) -> Address:
    return Address(host=service.host, port=service.port)


def test_it_reaches_what_it_may_at_the_same_address_and_nothing_else(
    start: Start, service: Service, other: Service
) -> None:
    places = [(service.host, service.port), (other.host, other.port), ("169.254.169.254", 80), ("10.0.0.1", 80)]
    said = _told(start(f"{LOOK}print(json.dumps([say(*place) for place in {places!r}]))", out=(_at(service),)))
    assert said == ["service heard .", "ConnectionRefusedError", "OSError", "OSError"]


def test_where_a_connection_leads_is_never_settled_by_what_is_said_on_it(
    start: Start, service: Service, other: Service
) -> None:
    lies = [
        f"CONNECT {other.host}:{other.port} HTTP/1.1\r\nHost: {other.host}:{other.port}\r\n\r\n",
        f"GET http://{other.host}:{other.port}/ HTTP/1.1\r\nX-Forwarded-Host: {other.host}\r\n\r\n",
        f"PROXY TCP4 127.0.0.1 {other.host} 9 {other.port}\r\n",
    ]
    code = f"{LOOK}print(json.dumps([say({service.host!r}, {service.port}, one.encode()) for one in {lies!r}]))"
    assert _told(start(code, out=(_at(service),))) == [f"service heard {one}" for one in lies]


def test_a_socket_that_is_connected_leads_nowhere_else_when_it_is_connected_anew(
    start: Start, service: Service, other: Service
) -> None:
    code = f"""{LOOK}
import ctypes
made = socket.create_connection(({service.host!r}, {service.port}))
# To nobody: on Linux a connected socket, and one that listened, are free again then.
ctypes.CDLL(None).connect(made.fileno(), bytes(16), 16)
try:
    made.connect(({other.host!r}, {other.port}))
    print(json.dumps("connected"))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""
    assert _told(start(code, out=(_at(service),))) == "ConnectionRefusedError"


def test_abstract_sockets_of_the_machine_are_not_there(start: Start) -> None:
    name = f"\0hops-trial-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        code = f"""
import json, socket
try:
    socket.socket(socket.AF_UNIX).connect({name!r})
    print(json.dumps("connected"))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""
        assert _told(start(code)) == "ConnectionRefusedError"
        assert _told(start(code, apart=False)) == "connected", "the trial itself works"


def test_it_may_change_nothing_of_its_network_and_see_none_but_its_own(start: Start) -> None:
    code = """
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def try_to(act):
    try:
        act()
        return "done"
    except OSError as error:
        return type(error).__name__
raw = try_to(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
packet = try_to(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
names = [name for _, name in socket.if_nameindex()]
print(json.dumps([raw, packet, libc.unshare(0x40000000), names, sorted(os.listdir("/proc/self/fd"))[:3]]))
"""
    raw, packet, unshare, names, descriptors = _told(start(code))
    assert (raw, packet, unshare) == ("PermissionError", "PermissionError", -1)
    assert "lo" in names
    assert all(name == "lo" or name.startswith(("sit", "tunl", "ip6", "gre", "erspan")) for name in names), names
    assert descriptors == ["0", "1", "2"]


def test_an_address_of_elsewhere_is_reached_as_well(start: Start, service: Service) -> None:
    # What the platform reaches there is nothing; that it is asked is seen by the connection that is taken and reset.
    elsewhere = Address(host="192.0.2.7", port=9)
    code = """
import json, socket
with socket.create_connection(("192.0.2.7", 9), 10) as made:
    print(json.dumps(made.getpeername()))
"""
    assert _told(start(code, out=(elsewhere, _at(service)))) == ["192.0.2.7", 9]


SERVE = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 4040))
print("listens", flush=True)
while True:
    taken, _ = listener.accept()
    with taken:
        taken.sendall(b"inside heard " + taken.makefile("rb").read())
"""


def test_a_way_in_leads_to_one_port_and_ends_with_the_sandbox(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    # Longer than the path of a socket can be.
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    ways = (WayIn(port=4040, listens=free), WayIn(port=4040, path=folder / "pages"))
    process = start(SERVE, into=ways)
    assert process.stdout.readline() == "listens\n"
    assert _ask(socket.create_connection(("127.0.0.1", free), 10)) == b"inside heard ?"
    assert (folder / "pages").stat().st_mode & 0o777 == 0o600
    descriptor = os.open(folder, os.O_RDONLY)
    unix = socket.socket(socket.AF_UNIX)
    unix.connect(f"/proc/self/fd/{descriptor}/pages")
    os.close(descriptor)
    assert _ask(unix) == b"inside heard ?"
    family = _family(process.pid)
    process.kill()  # bubblewrap's own process; what is inside here does not watch it
    for one in family:
        if _command(one)[:1] == [PYTHON]:
            one.kill()
    assert not _until_gone(family)
    assert not (folder / "pages").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free), 10)


def _ask(made: socket.socket) -> bytes:
    with made:
        made.settimeout(30)
        made.sendall(b"?")
        made.shutdown(socket.SHUT_WR)
        return made.makefile("rb").read()


def test_much_passes_in_both_directions_and_many_at_the_same_moment(start: Start, service: Service) -> None:
    size = 4 * 1024 * 1024
    code = f"""{LOOK}
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(24) as pool:
    answers = list(pool.map(lambda n: len(say({service.host!r}, {service.port}, b"x" * {size})), range(24)))
print(json.dumps(sorted(set(answers))))
"""
    assert _told(start(code, out=(_at(service),))) == [size + len("service heard ")]


def test_whoever_ends_the_keeper_ends_the_sandbox(start: Start) -> None:
    process = start("print('runs', flush=True); import time; time.sleep(600)")
    assert process.stdout.readline() == "runs\n"
    family = _family(process.pid)
    keepers = [one for one in family if "start.py" in " ".join(_command(one))]
    assert keepers
    parents = {one.pid: one.ppid() for one in keepers}
    first = next(one for one in keepers if parents[one.pid] not in parents)
    first.kill()
    assert not _until_gone(family)


def test_asking_all_of_them_to_end_leaves_the_way_until_the_sandbox_has_ended(start: Start, service: Service) -> None:
    code = f"""{LOOK}
import os, signal
def last(number, frame):
    os.write(1, json.dumps(say({service.host!r}, {service.port})).encode())
    os._exit(0)
signal.signal(signal.SIGTERM, last)
os.write(1, b"runs\\n")
signal.pause()
"""
    process = start(code, out=(_at(service),))
    assert process.stdout.readline() == "runs\n"
    for one in _family(process.pid):
        if one.pid != process.pid:
            one.terminate()
    assert _told(process) == "service heard ."


def test_too_much_memory_ends_the_process_that_has_most_and_says_so(start: Start, tmp_path: Path) -> None:
    code = """
import json, subprocess, sys
hoards = "import time; held = bytearray(300 * 1024 * 1024); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-I", "-c", hoards])
print(json.dumps([child.wait(), child.pid]))
"""
    status, pid = _told(start(code, memory_mib=128))
    assert status == -9
    assert (tmp_path / "told").read_text().splitlines()[1:] == [str(pid)], "as code of the sandbox knows it"
    assert why_limited(tmp_path / "told") == (
        "The sandbox of the trial may hold 128 MiB of memory; its processes had more, and the one that had most was "
        "ended. Load less at a time, or ask for more."
    )


SEGMENT = """
import ctypes, json, time
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0, 300 * 1024 * 1024, 0o1600)
held = libc.shmat(segment, None, 0)
ctypes.memset(held, 1, 300 * 1024 * 1024)
libc.shmdt(ctypes.c_void_p(held))
time.sleep(600)
"""
FILE = """
import time
with open("/dev/shm/hoard", "wb") as file:
    for _ in range(50):
        file.write(bytes(1024 * 1024))
held = bytearray(100 * 1024 * 1024)
time.sleep(600)
"""
WITHOUT_ITS_FIRST_THREAD = """
import ctypes, os, threading, time
def state():
    return open("/proc/self/stat").read().rpartition(")")[2].split()[0]
def hoard():
    while state() != "Z":
        time.sleep(0.01)
    held = bytearray(300 * 1024 * 1024)
    time.sleep(600)
threading.Thread(target=hoard).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)
"""
OF_A_CHILD = f"""
import os
if os.fork():
    os.wait()
{WITHOUT_ITS_FIRST_THREAD}
"""


@pytest.mark.parametrize("hoards", [SEGMENT, FILE, WITHOUT_ITS_FIRST_THREAD, OF_A_CHILD])
def test_memory_that_stands_beside_a_process_counts_too(start: Start, tmp_path: Path, hoards: str) -> None:
    process = start(hoards, memory_mib=128)
    process.communicate(timeout=60)
    assert process.returncode == 137
    assert (why_limited(tmp_path / "told") or "").startswith("The sandbox of the trial may hold 128 MiB of memory;")


def test_a_sandbox_whose_first_thread_ended_before_the_first_look_is_looked_at(start: Start) -> None:
    process = start(WITHOUT_ITS_FIRST_THREAD)  # which is without limits: the look that comes so late is this test's
    deadline = time.monotonic() + 60
    while not (first := next((one.pid for one in _family(process.pid) if _goes_on_without_its_first(one.pid)), None)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    root = limits._root_of(first)
    folder = os.open("proc", os.O_RDONLY | os.O_DIRECTORY, dir_fd=root)
    while max(memory for _, _, memory in limits._look(folder, os.sysconf("SC_PAGE_SIZE"))) < 300 * 1024 * 1024:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    segments = limits._segments(first)
    assert segments is not None
    for descriptor in (segments, folder, root):
        os.close(descriptor)


def _goes_on_without_its_first(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list(Path(f"/proc/{number}/task").iterdir())) > 1
    except OSError:
        return False


def test_whoever_takes_all_connections_keeps_no_look_from_the_memory(start: Start, tmp_path: Path) -> None:
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=1000) for _ in range(4)]
    places = [one.getsockname() for one in listeners]
    code = f"""
import resource, socket, time
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
taken = []
for place in {places!r} * 200:
    taken.append(socket.socket())
    taken[-1].setblocking(False)
    taken[-1].connect_ex(place)
time.sleep(3)
held = bytearray(300 * 1024 * 1024)
time.sleep(600)
"""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, usual[1]))
    try:
        out = tuple(Address(host=host, port=port) for host, port in places)
        process = start(code, out=out, memory_mib=128)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    process.communicate(timeout=60)
    for one in listeners:
        one.close()
    assert process.returncode == 137
    assert (why_limited(tmp_path / "told") or "").startswith("The sandbox of the trial may hold 128 MiB of memory;")


def test_memory_in_files_without_names_is_not_to_be_had(start: Start) -> None:
    code = """
import json, os
try:
    print(json.dumps(os.memfd_create("hoard")))
except OSError as error:
    print(json.dumps(error.strerror))
"""
    assert _told(start(code)) == "Function not implemented"


KEYS = """
import ctypes, json
libc = ctypes.CDLL(None, use_errno=True)
add, ask = (248, 250) if __import__("os").uname().machine == "x86_64" else (217, 219)
def read(key):
    held = ctypes.create_string_buffer(99)
    return held.value.decode() if libc.syscall(ask, 11, key, held, 99) >= 0 else None
def keys():
    try:
        return open("/proc/keys").read()
    except OSError:
        return ""
"""


def test_a_keyring_that_the_services_were_started_with_is_no_place_where_sandboxes_meet(tmp_path: Path) -> None:
    # Within a process of its own: whoever joins a keyring never leaves it again.
    start = f"""{KEYS}
import subprocess, sys
commands = json.loads(sys.argv[1])
assert libc.syscall(ask, 1, None) > 0
assert libc.syscall(add, b"user", b"of-the-service", b"secret", 6, -3) > 0
one, other = (json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for command in commands)
own = [read(libc.syscall(ask, 10, -3, b"user", name, 0)) for name in (b"of-the-service", b"left")]
print(json.dumps([one, other, own]))
"""
    look = f"""{KEYS}
made = libc.syscall(add, b"user", b"left", b"word", 4, -3)
print(json.dumps([made, libc.syscall(ask, 10, -3, b"user", b"of-the-service", 0), keys()]))
"""
    view = View(hidden=(tmp_path,), temporary=tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    keeping = Keeping(apart=True, whose="trial", told=tmp_path / "told")
    command = kept_command(_program(), [PYTHON, "-I", "-c", look], view, cwd=Path("/"), keeping=keeping)
    done = subprocess.run(
        [sys.executable, "-I", "-c", start, json.dumps([command, command])],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    if "AssertionError" in done.stderr:
        pytest.skip("this machine lets its own user have no keys")
    assert json.loads(done.stdout) == [[-1, -1, ""], [-1, -1, ""], ["secret", None]], done.stderr


def test_sockets_that_no_network_keeps_apart_are_not_to_be_had(start: Start) -> None:
    code = """
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
said = []
for family in (40, 38, 31):
    said.append([libc.socket(family, socket.SOCK_STREAM, 0), os.strerror(ctypes.get_errno())])
said.append([libc.syscall(425, 8, None), os.strerror(ctypes.get_errno())])
with socket.socket() as inet, socket.socket(socket.AF_INET6) as inet6, socket.socket(socket.AF_UNIX) as unix:
    print(json.dumps(said))
"""
    for apart in (True, False):
        assert _told(start(code, apart=apart)) == [
            *([[-1, "Address family not supported by protocol"]] * 3), [-1, "Function not implemented"],
        ]  # fmt: skip


def test_memory_that_several_share_counts_once(start: Start, tmp_path: Path) -> None:
    code = """
import json, os, time
held = bytearray(60 * 1024 * 1024)
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        time.sleep(4)
        os._exit(0)
    children.append(child)
print(json.dumps([os.waitpid(child, 0)[1] for child in children]))
"""
    assert _told(start(code, memory_mib=128)) == [0, 0, 0, 0]
    assert why_limited(tmp_path / "told") is None


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_too_many_processes_end_the_sandbox_or_are_refused_by_the_kernel(
    start: Start, tmp_path: Path, kind: str
) -> None:
    makes = {
        "processes": "os.fork() or time.sleep(600)",
        "threads": "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    }
    code = f"""
import os, threading, time
made = 0
try:
    for made in range(200):
        {makes[kind]}
except (OSError, RuntimeError):
    print("refused after", made, flush=True)
    os._exit(7)
time.sleep(600)
"""
    process = start(code, processes=60)
    out, _ = process.communicate(timeout=60)
    if os.geteuid() == 0:
        assert process.returncode == 137
        assert (why_limited(tmp_path / "told") or "").startswith("The sandbox of the trial may hold 60 processes,")
    else:
        assert process.returncode == 7
        assert 40 < int(out.split()[-1]) <= 60


def test_a_way_that_can_not_be_made_starts_nothing_and_says_why(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("print('runs')", into=(WayIn(port=4040, listens=taken.getsockname()[1]),))
        out, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert out == ""
    said = "The network of the sandbox could not be made: Address already in use. Tell the administrator."
    assert said in err
    assert why_limited(tmp_path / "told") == said


def test_one_sandbox_reaches_no_process_and_no_port_of_another(start: Start) -> None:
    first = start(SERVE)
    assert first.stdout.readline() == "listens\n"
    inside = [one.pid for one in _family(first.pid) if _command(one)[:1] == [PYTHON]]
    assert inside
    code = f"""{LOOK}
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
seen = []
for pid in {inside!r}:
    seen.append([libc.ptrace(16, pid, 0, 0), os.path.exists(f"/proc/{{pid}}/mem"), say("127.0.0.1", 4040)])
print(json.dumps(seen))
"""
    assert _told(start(code)) == [[-1, False, "ConnectionRefusedError"]] * len(inside)


def test_the_keeper_holds_no_folder_and_none_of_the_callers_descriptors(start: Start) -> None:
    process = start("print('runs', flush=True); import time; time.sleep(600)")
    assert process.stdout.readline() == "runs\n"
    keepers = [one for one in _family(process.pid) if "start.py" in " ".join(_command(one))]
    assert {one.cwd() for one in keepers} == {"/"}
    assert sys.executable in {_command(one)[0] for one in keepers}


def test_a_keeper_takes_little_memory(start: Start) -> None:
    process = start("print('runs', flush=True); import time; time.sleep(600)", memory_mib=4096)
    assert process.stdout.readline() == "runs\n"
    keepers = [one for one in _family(process.pid) if "start.py" in " ".join(_command(one))]
    assert sum(one.memory_full_info().uss for one in keepers) < 30 * 1024 * 1024
