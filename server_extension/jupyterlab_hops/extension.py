"""The extension as Jupyter sees it."""

from __future__ import annotations

import asyncio

from jupyter_server.extension.application import ExtensionApp

from jupyterlab_hops.access import SETTING
from jupyterlab_hops.handlers import routes
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.server_folder import ServerFolder, ServerFolderError


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
        try:
            folder = ServerFolder.from_environment()
        except ServerFolderError as error:
            self.log.warning("The project's panel will stay empty: %s", error)
            return
        self._server = ProjectServer(folder, self.serverapp.base_url)
        self.settings[SETTING] = self._server
        self.serverapp.io_loop.add_callback(self._begin)

    def initialize_handlers(self) -> None:
        """Adds the routes."""
        self.serverapp.web_app.add_handlers(".*$", routes(self.serverapp.base_url))

    async def stop_extension(self) -> None:
        """Ends what the extension started."""
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.tensorboards.end_all()

    async def _begin(self) -> None:
        if self._server is not None and not self._tasks:
            warm = self._server.warm_session(self.serverapp.web_app.last_activity)
            self._tasks = (asyncio.create_task(self._server.renewal.run()), asyncio.create_task(warm.run()))
