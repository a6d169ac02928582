"""What all tests share."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from xdist.scheduler import LoadScopeScheduling

# Where tests of several files share an engine that takes long to start. Else the tests of one file stay together.
SHARE_ENGINES = (
    "contract/user_library", "integration/platform", "integration/server_extension", "integration/spawner",
    "integration/user_library", "e2e", "e2e/lab", "e2e/pages",
)  # fmt: skip
# Folders whose tests share one engine, which is started once.
SAME_ENGINE = {"contract/storage": "contract/user_library"}
# What begins first: the longest, and of them what computes beside what waits for browsers and engines.
FIRST = ("tests/e2e/", "tests/integration/platform/")
# They start programs that share two cores with everything else that runs on the machine.
REAL_ENGINES = ("spark", "hub", "browser", "postgresql", "kerberos", "ldap")
# What an error says whose time has run out: by its name, as those of waiting, asyncio, subprocess and httpx do, or in
# the words of pytest-timeout and of Playwright's expectations.
OUT_OF_TIME = [r"^\w*(TooLate|Time[dD]?[oO]ut)\w*:", r"^Failed: Timeout \(", r"Expect \"\w+\" with timeout \d+ms"]


def pytest_configure() -> None:
    """Lets programs that tests start hear Ctrl-C, also when a script started this run in its background.

    A shell without job control starts such runs with the signal ignored, and what they start inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Together(LoadScopeScheduling):
    """Which tests stay together where several processes run them: those that share an engine, else those of a file.

    pytest-xdist's own groups (3.8) do nothing under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.removeprefix("tests/").rpartition("/")[0]
        return SAME_ENGINE.get(folder, folder if folder in SHARE_ENGINES else file)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: who starts engines and browsers waits for them half of the time."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    """Lets pytest-xdist use :class:`Together`."""
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest first; in continuous integration a test is tried twice where the machine may be at fault.

    That is: a test of a real engine, and any whose time has run out. The summary names each repetition, and shows how
    the first one failed: what fails now and then is mended, in the test or in the product.
    """
    items.sort(key=lambda item: next((at for at, part in enumerate(FIRST) if item.nodeid.startswith(part)), len(FIRST)))
    if os.environ.get("CI") != "true":
        return
    for item in items:
        if any(item.get_closest_marker(name) for name in REAL_ENGINES):
            item.add_marker(pytest.mark.flaky(reruns=1))
        else:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=OUT_OF_TIME))


@pytest.fixture(scope="session", autouse=True)
def patient_previews():
    """A busy machine starts a process slowly: what a preview may compute is bounded as always, the clock is not."""
    from hops_platform.adapters.previews import process  # noqa: PLC0415 - it is not needed to collect tests

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "PATIENCE_S", 60.0)
        yield


@pytest.fixture
def small_disk():
    """Mounts a disk of so many KiB at a folder: what else is there of a full disk can only be played."""
    with ExitStack() as mounted:

        def mount(folder, kib):
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=700", "tmpfs", folder],
                capture_output=True,
                check=False,
            )
            if done.returncode != 0:
                pytest.skip("a small disk can't be mounted here, which needs root")
            mounted.callback(subprocess.run, ["umount", "-l", folder], check=True)

        yield mount


@pytest.fixture
def no_way_round_permissions() -> Iterator[None]:
    """What is closed to its owner is closed to this thread, also where root runs the tests."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, held) == 0
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, among the effective ones
    assert libc.capset(header, fewer) == 0
    yield
    assert libc.capset(header, held) == 0
