"""What the system tells of memory: counters as kernels write them, and this machine's own."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest

from hops_livy.builtin import shortage
from hops_livy.builtin.processes import DriverProcess
from hops_livy.builtin.shortage import MemoryWatch, OomCounter, resident_mib
from tests.unit.livy.kernel_files import KernelFiles

VMSTAT = "nr_free_pages 4176274\noom_kill {}\nnuma_hit 1\n"
EVENTS = "low 0\nhigh 0\nmax 12\noom 3\noom_kill {}\noom_group_kill 0\n"
OOM_CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"


class System(KernelFiles):
    """A machine on which five processes were killed for lack of memory."""

    def __init__(self, folder):
        super().__init__(folder)
        self.write(self.proc / "vmstat", VMSTAT.format(5))

    def count(self):
        return OomCounter(self.proc)


@pytest.fixture
def system(tmp_path):
    return System(tmp_path)


def test_the_services_own_group_is_counted_where_there_is_one(system):
    system.group("/system.slice/hopslab.service")
    own = system.groups / "system.slice" / "hopslab.service"
    system.write(own / "memory.events", EVENTS.format(2))
    counter = system.count()
    assert (counter.read(), counter.of_service) == (2, True)
    system.write(own / "memory.events", EVENTS.format(4))
    assert counter.read() == 4


def test_groups_of_the_first_version_count_too(system):
    system.group("/lab", kind="cgroup", options="rw,memory")
    system.write(system.groups / "lab" / "memory.oom_control", OOM_CONTROL.format(7))
    counter = system.count()
    assert (counter.read(), counter.of_service) == (7, True)


def test_in_a_container_the_group_is_what_is_mounted(system):
    for path, root in (("/docker/abc", "/docker/abc"), ("/../../docker/abc", "/"), ("/", "/")):
        system.group(path, root=root)
        system.write(system.groups / "memory.events", EVENTS.format(1))
        assert (system.count().read(), system.count().of_service) == (1, True)


@pytest.mark.parametrize("cgroup", ["0::/user.slice\n", "", "nonsense\n", "0::/..\n"])
def test_where_no_group_counts_the_machine_does(system, cgroup):
    system.group("/user.slice")
    system.write(system.proc / "self" / "cgroup", cgroup)
    assert (system.count().read(), system.count().of_service) == (5, False)


def test_a_system_that_counts_nothing_is_not_guessed_at(system):
    (system.proc / "vmstat").write_text("nr_free_pages 4176274\n")
    assert system.count().read() is None
    (system.proc / "vmstat").unlink()
    watch = MemoryWatch(system.count())
    watch.look(None)
    told = watch.at_end()
    assert (told.ran_out, told.taken) == (None, None)


def test_what_has_never_been_looked_at_is_not_known(system):
    assert MemoryWatch(system.count()).at_end().ran_out is None


def test_a_kill_is_the_cause_of_a_death_that_comes_soon_after_it_and_of_no_later_one(system, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(shortage, "time", SimpleNamespace(monotonic=lambda: now[0]))
    watch = MemoryWatch(system.count())
    watch.look(None)
    assert watch.at_end().ran_out is False
    (system.proc / "vmstat").write_text(VMSTAT.format(6))
    told = watch.at_end()
    assert (told.ran_out, told.of_service) == (True, False)
    now[0] += 1
    watch.look(None)
    now[0] += 15
    watch.look(None)
    assert watch.at_end().ran_out is True, "one look may fall between a kill and its being noticed"
    now[0] += 15
    watch.look(None)
    assert watch.at_end().ran_out is False


PROGRAM = "import sys; held = bytearray(96 * 2**20); print(flush=True); sys.stdin.read()"


@pytest.fixture
def session():
    """A process with 96 MiB of its own, in a session of processes of its own, that ends with its standard input."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=pipe, stdout=pipe, start_new_session=True) as process:
        process.stdout.readline()
        yield process


def test_what_a_session_has_taken_is_remembered_after_its_end(session):
    watch = MemoryWatch(OomCounter())
    watch.look(session.pid)
    session.stdin.close()
    session.wait()
    assert resident_mib(session.pid) == 0
    watch.look(session.pid)
    told = watch.at_end()
    assert 96 <= told.taken < 200
    assert 0 < told.free < told.whole + 1


def test_of_a_process_that_somebody_kills_its_peak_is_known_and_no_shortage_is_claimed(session):
    async def watched():
        watch = MemoryWatch(OomCounter())
        watch.look(None)
        process = DriverProcess(session.pid, None, session)
        session.kill()
        await process.wait()
        process.close()
        return process, watch.at_end(peak_mib=process.peak_mib)

    process, told = asyncio.run(watched())
    assert process.returncode == session.returncode == -9
    assert told.taken == process.peak_mib >= 96
    assert told.ran_out is False, "this kernel counts, and has ended nothing"
