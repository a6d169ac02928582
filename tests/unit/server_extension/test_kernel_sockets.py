from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from jupyterlab_hops.kernel_processes import KernelProcesses
from jupyterlab_hops.kernel_sockets import LONGEST_SOCKET_PATH, PrivateKernelManager, socket_prefix


def test_sockets_lie_in_the_servers_own_folder(tmp_path: Path) -> None:
    first, second = socket_prefix(tmp_path), socket_prefix(tmp_path)
    assert first != second
    assert Path(first).parent == tmp_path / "k"
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o700


def test_where_that_would_be_too_long_they_lie_in_a_short_folder_that_only_this_user_can_enter(tmp_path: Path) -> None:
    prefix = socket_prefix(tmp_path / ("x" * LONGEST_SOCKET_PATH))
    assert len(os.fsencode(f"{prefix}-5")) <= LONGEST_SOCKET_PATH
    assert stat.S_IMODE(Path(prefix).parent.stat().st_mode) == 0o700


def test_a_kernel_has_no_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOPS_SERVER_FOLDER", str(tmp_path))
    manager = PrivateKernelManager()
    assert manager.transport == "ipc"
    assert Path(manager.ip).parent == tmp_path / "k"


def test_the_processes_of_a_kernel_are_known_that_runs_and_that_ran_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOPS_SERVER_FOLDER", str(tmp_path))
    monkeypatch.setattr(PrivateKernelManager, "processes", KernelProcesses())
    pids = iter((7, 12, 15))

    async def launch(manager: Any, _command: list[str], **_options: Any) -> None:
        manager.provisioner.pid = next(pids)

    monkeypatch.setattr(ServerKernelManager, "_async_launch_kernel", launch)
    manager = PrivateKernelManager()
    manager.kernel_id = "k-1"
    manager.provisioner = SimpleNamespace(pid=None)
    known = manager.processes
    for expected in ({7}, {7, 12}, {12, 15}):
        asyncio.run(manager._async_launch_kernel(["python"]))
        assert known.of("k-1") == expected
    assert known.of("k-2") == known.of("") == frozenset()


def test_kernels_without_end_are_not_remembered_without_end() -> None:
    known = KernelProcesses()
    for number in range(1000):
        known.note(f"k-{number}", number)
    assert known.of("k-0") == frozenset()
    assert known.of("k-999") == {999}
