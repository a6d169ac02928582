"""Memory runs out, in a control group of the service: the kernel's OOM killer acts, and sessions tell the numbers."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest

from .memory_group import memory_group
from .service_process import Service, make_home, run, start_session, wait_dead

pytestmark = pytest.mark.spark
LIMIT_MIB = 1400  # that is 1.4 GiB
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}
TAKE_ALL = "len([bytearray(b'x') * (32 * 2**20) for _ in range(80)])"


@pytest.fixture(scope="module")
def service(control_plane):
    """One that may have so much memory, together with its sessions."""
    with memory_group(LIMIT_MIB) as group:
        home = make_home(Path(tempfile.mkdtemp(prefix="memory-")), "weather")
        running = Service(home, control_plane).start()
        (group / "cgroup.procs").write_text(str(running.process.pid))
        yield running
        running.stop()
        shutil.rmtree(home)


def _end(client, number):
    """Why a session has died."""
    wait_dead(client, number)
    return client.get(f"/sessions/{number}/summary").json()["reason"]


def test_a_driver_that_the_kernel_killed_tells_how_much_it_had_and_what_there_is(client):
    number = start_session(client, **SMALL)
    client.post(f"/sessions/{number}/statements", json={"code": TAKE_ALL})
    reason = _end(client, number)
    numbers = re.fullmatch(
        r"The driver was killed \(signal 9\): memory ran out\. "
        r"The session had taken ([\d.]+) (MiB|GiB) and was granted 1 GiB; "
        r"the session service and all its sessions may have 1\.4 GiB\. .+\(driverMemory, executorMemory\).*",
        reason,
    )
    assert numbers, reason
    taken_mib = float(numbers[1]) * (1024 if numbers[2] == "GiB" else 1)
    assert 512 < taken_mib <= 2 * LIMIT_MIB, "processes share some of it"


def test_a_python_process_that_the_kernel_killed_is_told_in_the_cells_error_and_the_session_lives_on(client):
    number = start_session(client, **SMALL)
    error = run(client, number, f"sc.parallelize([0], 1).map(lambda _: {TAKE_ALL}).collect()")["output"]
    assert error["status"] == "error"
    assert "A Python process of an executor was killed (signal 9): memory ran out. The session" in error["evalue"]
    assert run(client, number, "print(1 + 1)")["output"]["data"]["text/plain"] == "2"
    client.delete(f"/sessions/{number}")


def test_a_later_driver_that_somebody_kills_is_not_said_to_have_run_out_of_memory(service, client):
    number = start_session(client, **SMALL)
    (driver,) = [each for each in service.processes() if each.ppid() == service.process.pid]
    driver.kill()
    reason = _end(client, number)
    assert "by someone or by a program, not by the kernel for lack of memory. The session had taken " in reason
