"""How much memory the control groups of the service leave to its sessions."""

from types import SimpleNamespace

import pytest

from hops_livy import memory
from hops_livy.control_groups import MemoryGroups
from hops_livy.idleness import Idleness
from hops_livy.memory import MemoryLedger, MemoryTakenError, NoMemoryError
from tests.unit.livy.kernel_files import KernelFiles

GIB = 1024**3


@pytest.fixture
def kernel(tmp_path):
    return KernelFiles(tmp_path)


@pytest.fixture
def limited(kernel):
    """The service may have 3 GiB and has 1, of which half is a cache of files; all of its slice have 7 of 8."""
    kernel.group("/hopslab.slice/hopslab.service")
    own = kernel.groups / "hopslab.slice" / "hopslab.service"
    kernel.write(own / "memory.max", f"{3 * GIB}\n")
    kernel.write(own / "memory.current", f"{GIB}\n")
    kernel.write(own / "memory.stat", f"anon {GIB // 2}\ninactive_file {GIB // 2}\nactive_file 0\n")
    kernel.write(own.parent / "memory.max", f"{8 * GIB}\n")
    kernel.write(own.parent / "memory.current", f"{7 * GIB}\n")
    kernel.write(kernel.groups / "memory.max", "max\n")
    return kernel


def test_the_smallest_limit_of_the_group_and_those_above_it_counts(limited):
    groups = MemoryGroups(limited.proc)
    assert groups.limit() == 3 * GIB
    limited.write(limited.groups / "hopslab.slice" / "memory.max", f"{2 * GIB}\n")
    assert groups.limit() == 2 * GIB, "a limit can be changed while the service runs"


def test_what_is_left_is_what_the_fullest_leaves_and_a_cache_that_nobody_uses_counts_as_free(limited):
    groups = MemoryGroups(limited.proc)
    assert groups.left() == GIB
    limited.write(limited.groups / "hopslab.slice" / "memory.current", f"{2 * GIB}\n")
    assert groups.left() == 2.5 * GIB


def test_groups_of_the_first_version_count_too(kernel):
    kernel.group("/lab", kind="cgroup", options="rw,memory")
    lab = kernel.groups / "lab"
    for name, text in {
        "memory.limit_in_bytes": str(2 * GIB), "memory.usage_in_bytes": str(GIB),
        "memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB // 4}",
    }.items():  # fmt: skip
        kernel.write(lab / name, text)
    # Where nothing limits it this version tells a number all the same.
    kernel.write(kernel.groups / "memory.limit_in_bytes", "9223372036854771712\n")
    groups = MemoryGroups(kernel.proc)
    assert (groups.limit(), groups.left()) == (2 * GIB, 1.25 * GIB)
    (lab / "memory.limit_in_bytes").unlink()
    assert (groups.limit(), groups.left()) == (None, None)


@pytest.mark.parametrize("cgroup", ["0::/user.slice\n", "", "nonsense\n", "0::/..\n"])
def test_where_nothing_limits_it_nothing_is_made_up(kernel, cgroup):
    kernel.group("/user.slice")
    kernel.write(kernel.proc / "self" / "cgroup", cgroup)
    groups = MemoryGroups(kernel.proc)
    assert (groups.limit(), groups.left()) == (None, None)


def test_a_service_that_is_put_into_another_group_has_that_ones_limit(limited):
    groups = MemoryGroups(limited.proc)
    assert groups.limit() == 3 * GIB
    limited.group("/other")
    limited.write(limited.groups / "other" / "memory.max", f"{GIB}\n")
    assert groups.limit() == GIB


@pytest.fixture
def large_machine(limited, monkeypatch):
    """A machine that has far more than the service may have of it."""
    sizes = SimpleNamespace(total=64 * GIB, available=60 * GIB)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: sizes)
    monkeypatch.setattr(memory, "_groups", lambda: MemoryGroups(limited.proc))
    return sizes


def test_sessions_get_what_the_service_may_have_and_not_what_the_machine_has(large_machine):
    assert (memory.whole_memory_mib(), memory.free_memory_mib(), memory.is_limited()) == (3072, 1024, True)
    ledger = MemoryLedger()
    assert (ledger.whole, ledger.free) == (3072, 1024)
    with pytest.raises(MemoryTakenError) as taken:
        ledger.check(2048)
    assert str(taken.value).startswith("2 GiB of memory were asked for; sessions have 1 GiB free now. ")
    with pytest.raises(NoMemoryError) as never:
        ledger.check(4096)
    assert str(never.value) == (
        "4 GiB of memory were asked for; sessions may use 3 GiB together. Ask for less."
    )  # fmt: skip
    assert not isinstance(never.value, MemoryTakenError)
    assert Idleness().why_no_room(512).startswith("1 GiB of memory are free; 768 MiB are left")


def test_a_machine_that_is_fuller_than_the_group_decides(large_machine):
    large_machine.available, large_machine.total = GIB // 2, 2 * GIB
    assert (memory.whole_memory_mib(), memory.free_memory_mib(), memory.is_limited()) == (2048, 512, False)
