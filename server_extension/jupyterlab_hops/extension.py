"""The extension as Jupyter sees it."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_server.extension.application import ExtensionApp

from jupyterlab_hops.access import SETTING
from jupyterlab_hops.handlers import routes
from jupyterlab_hops.kernel_sockets import PrivateKernelManager
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.server_folder import ServerFolder, ServerFolderError
from jupyterlab_hops.spare_kernel import SpareKernel, keep_ready

SPARE_FOR = "pyspark"
"""The kernel of which a process is kept ready."""


class HopsExtension(ExtensionApp):
    """Adds the routes below ``hops/`` and keeps the server's token fresh."""

    name = "jupyterlab_hops"
    app_name = "HopsLab"
    description = "A project's notebook server: its people, its Spark sessions, its TensorBoards"
    load_other_extensions = True

    _renewal: asyncio.Task[None] | None = None
    _keeping_ready: asyncio.Task[None] | None = None
    _server: ProjectServer | None = None

    def initialize_settings(self) -> None:
        """Finds out which project this server is for."""
        try:
            folder = ServerFolder.from_environment()
        except ServerFolderError as error:
            self.log.warning("The project's panel will stay empty: %s", error)
            return
        self._server = ProjectServer(folder, self.serverapp.base_url)
        self.settings[SETTING] = self._server
        self.serverapp.io_loop.add_callback(self._renew_token)
        self.serverapp.io_loop.add_callback(self._keep_a_kernel_ready, folder)

    def initialize_handlers(self) -> None:
        """Adds the routes."""
        self.serverapp.web_app.add_handlers(".*$", routes(self.serverapp.base_url))

    async def stop_extension(self) -> None:
        """Ends what the extension started."""
        if self._keeping_ready is not None:
            self._keeping_ready.cancel()
        if PrivateKernelManager.spare is not None:
            PrivateKernelManager.spare.end()
            PrivateKernelManager.spare = None
        if self._renewal is not None:
            self._renewal.cancel()
        if self._server is not None:
            self._server.tensorboards.end_all()

    async def _renew_token(self) -> None:
        if self._server is not None and self._renewal is None:
            self._renewal = asyncio.create_task(self._server.renewal.run())

    async def _keep_a_kernel_ready(self, folder: ServerFolder) -> None:
        try:
            command = self.serverapp.kernel_spec_manager.get_kernel_spec(SPARE_FOR).argv
        except NoSuchKernel:
            return
        spare = PrivateKernelManager.spare = SpareKernel()
        self._keeping_ready = asyncio.create_task(
            keep_ready(
                spare,
                lambda: spare.prepare(command, environment=os.environ, folder=folder.path),
                self._seconds_since_use,
            )
        )

    def _seconds_since_use(self) -> float:
        return float((datetime.now(UTC) - self.serverapp.web_app.last_activity()).total_seconds())
