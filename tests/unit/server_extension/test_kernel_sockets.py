from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
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
