"""The extension as Jupyter sees it."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_server.extension.application import ExtensionApp

from jupyterlab_hops import no_downloads
from jupyterlab_hops.access import SETTING
from jupyterlab_hops.contents import ProjectContents
from jupyterlab_hops.guard import guard
from jupyterlab_hops.handlers import routes
from jupyterlab_hops.kernel_sockets import PrivateKernelManager
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.server_folder import FOLDER_VARIABLE, LISTENS_FILE, ServerFolder, ServerFolderError
from jupyterlab_hops.spare_kernel import SpareKernel, keep_ready
from jupyterlab_hops.stored_files import StoredFiles

SPARE_FOR = "pyspark"
"""The kernel of which a process is kept ready."""
NOTEBOOK_VARIABLE = "JPY_SESSION_NAME"
"""By which Jupyter tells a kernel the path of its notebook."""


_DUMPABLE = 4
"""Of prctl(2)."""
_FIRST_PROCESS = 1
"""Of a sandbox or a pod; see ``hops_contract.first_process``."""


def keep_memory_private() -> None:
    """Keeps code of kernels, which has the same user id, from reading and changing the memory of this process.

    Only in a sandbox or a pod: elsewhere such code has more than that at hand, and the platform finds its own processes
    by their variables, which are private as well then. A process that this one starts is not touched: the system
    forgets it when a program is executed.
    """
    if _FIRST_PROCESS not in {os.getpid(), os.getppid()}:
        return
    ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)


def say_port(folder: Path, port: int) -> None:
    """Writes which port this server listens at."""
    beside = folder / f".{LISTENS_FILE}"
    beside.write_text(str(port), encoding="ascii")
    beside.replace(folder / LISTENS_FILE)


def name_stored_notebooks(serverapp: Any, stored: StoredFiles) -> None:
    """Lets a kernel be told the path of a notebook on the site's storage as that of one here.

    Jupyter looks for the notebook's folder on the disk, and would tell the same of all that have the same name.
    """
    sessions, root = serverapp.session_manager, Path(serverapp.root_dir)
    told_by_jupyter = sessions.get_kernel_env

    def _environment(path: str | None, name: str | None = None) -> dict[str, str]:
        variables: dict[str, str] = told_by_jupyter(path, name)
        place = None if path is None else stored.place_of(path)
        return variables if place is None else {**variables, NOTEBOOK_VARIABLE: str(root / place.path)}

    sessions.get_kernel_env = _environment


class HopsExtension(ExtensionApp):
    """Adds the routes below ``hops/`` and keeps the server's token fresh and a Spark session ready."""

    name = "jupyterlab_hops"
    app_name = "HopsLab"
    description = "A project's notebook server: its people, its Spark sessions, its TensorBoards"
    load_other_extensions = True

    _tasks: tuple[asyncio.Task[None], ...] = ()
    _server: ProjectServer | None = None

    def initialize_settings(self) -> None:
        """Finds out which project this server is for."""
        # traitlets lets the logger make all debug records, some for each kernel's message, and the handler drop them
        self.serverapp.log.setLevel(self.serverapp.log_level)
        try:
            folder = ServerFolder.from_environment()
        except ServerFolderError as error:
            self.log.warning("The project's panel will stay empty: %s", error)
            return
        keep_memory_private()
        self._server = ProjectServer(folder, self.serverapp.base_url)
        self.settings[SETTING] = self._server
        if isinstance(self.serverapp.contents_manager, ProjectContents):
            self.serverapp.contents_manager.send_notebook = self._server.send_notebook
        if self._server.stored is not None:
            name_stored_notebooks(self.serverapp, self._server.stored)
        self.serverapp.io_loop.add_callback(self._begin, folder)

    def initialize_handlers(self) -> None:
        """Adds the routes, and closes those that nobody decided on."""
        guard(self.serverapp.web_app, self._tenants_folders())
        self.serverapp.web_app.add_handlers(".*$", routes(self.serverapp.base_url))

    def _tenants_folders(self) -> list[Path]:
        folder = os.environ.get(FOLDER_VARIABLE)
        return [Path(self.serverapp.root_dir), *([Path(folder)] if folder else [])]

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Tells the spawner that the port is this server's: called by Jupyter when it listens."""
        folder = os.environ.get(FOLDER_VARIABLE)
        # Where it could not listen, Jupyter is about to end.
        if folder and serverapp.http_server._sockets:  # noqa: SLF001 - Tornado has no other way of asking
            try:
                say_port(Path(folder), serverapp.port)
            except OSError as error:
                self.log.warning("The spawner can't be told that this server listens: %s", error.strerror)

    async def stop_extension(self) -> None:
        """Ends what the extension started."""
        for task in self._tasks:
            task.cancel()
        if PrivateKernelManager.spare is not None:
            PrivateKernelManager.spare.end()
            PrivateKernelManager.spare = None
        if self._server is not None:
            self._server.tensorboards.end_all()

    async def _begin(self, folder: ServerFolder) -> None:
        if self._server is None or self._tasks:
            return
        if not self._server.own_role.owner_at_start:
            # Now, when all have said what headers are to be sent.
            no_downloads.forbid(self.serverapp.web_app.settings.setdefault("headers", {}))
        warm = self._server.warm_session(self._seconds_since_use)
        work = [self._server.renewal.run(), warm.run(), *self._spare_kernel(folder)]
        self._tasks = tuple(asyncio.create_task(one) for one in work)

    def _spare_kernel(self, folder: ServerFolder) -> list[Coroutine[Any, Any, None]]:
        try:
            command = self.serverapp.kernel_spec_manager.get_kernel_spec(SPARE_FOR).argv
        except NoSuchKernel:
            return []
        spare = PrivateKernelManager.spare = SpareKernel()
        return [
            keep_ready(
                spare,
                lambda: spare.prepare(command, environment=os.environ, folder=folder.path),
                self._seconds_since_use,
            )
        ]

    def _seconds_since_use(self) -> float:
        return float((datetime.now(UTC) - self.serverapp.web_app.last_activity()).total_seconds())
