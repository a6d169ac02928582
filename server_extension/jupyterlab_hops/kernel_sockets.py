"""Kernels whose channels are sockets in a folder of their own, not ports.

Whoever finds the port of a kernel's output can read it without the kernel's key, and on one machine every process finds
it. A socket below a 0700 folder can't be reached by other users, nor from another sandbox.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from traitlets import default

from jupyterlab_hops.kernel_processes import KernelProcesses
from jupyterlab_hops.server_folder import FOLDER_VARIABLE
from jupyterlab_hops.spare_kernel import SpareKernel

LONGEST_SOCKET_PATH = 107
"""Linux's limit, in bytes; see unix(7)."""
FOLDER = "k"
PARENT_VARIABLE = "JPY_PARENT_PID"
_NAME_BYTES = 4
_NUMBER = "-99999"


class PrivateKernelManager(ServerKernelManager):
    """Starts kernels that talk through sockets of this notebook server alone."""

    spare: ClassVar[SpareKernel | None] = None
    """The notebook server's process kept ready for a kernel; set while the extension runs."""
    processes: ClassVar[KernelProcesses] = KernelProcesses()
    """Those of this notebook server's kernels."""

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        await self._launch(kernel_cmd, **options)
        pid = getattr(self.provisioner, "pid", None)
        if pid is not None:
            self.processes.note(str(self.kernel_id), int(pid))

    async def _launch(self, kernel_cmd: list[str], **options: Any) -> None:
        provisioner, process = self.provisioner, None
        if self.spare is not None:
            environment = {**options["env"], PARENT_VARIABLE: str(os.getpid())}
            folder = str(options.get("cwd") or Path.cwd())
            process = self.spare.take(kernel_cmd, environment=environment, folder=folder)
        if process is None:
            await super()._async_launch_kernel(kernel_cmd, **options)
            return
        provisioner.process, provisioner.cwd = process, options.get("cwd")
        provisioner.pid = provisioner.pgid = process.pid  # like every kernel, it leads a group of its own
        self._reconcile_connection_info(provisioner.connection_info)

    @default("transport")
    def _no_ports(self) -> str:
        return "ipc"

    @default("ip")
    def _where_its_sockets_lie(self) -> str:
        folder = os.environ.get(FOLDER_VARIABLE)
        return socket_prefix(Path(folder) if folder else None)


def socket_prefix(server_folder: Path | None) -> str:
    """A new kernel's path, to which Jupyter appends the number of each channel.

    Args:
        server_folder: The notebook server's folder; its sockets lie there unless that makes their paths too long.
    """
    name = secrets.token_hex(_NAME_BYTES)
    if server_folder is not None:
        prefix = server_folder / FOLDER / name
        if len(os.fsencode(f"{prefix}{_NUMBER}")) <= LONGEST_SOCKET_PATH:
            prefix.parent.mkdir(mode=0o700, exist_ok=True)
            return str(prefix)
    return str(_short_folder() / name)


@cache
def _short_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hops-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
