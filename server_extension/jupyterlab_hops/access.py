"""What every handler of the extension needs: the name that Jupyter authorises by, and the project behind the server."""

from __future__ import annotations

from jupyter_server.base.handlers import JupyterHandler

from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.project import ProjectServer

AUTH_RESOURCE = "hops"
SETTING = "hops_project_server"


def project_server(handler: JupyterHandler) -> ProjectServer:
    """The project server behind ``handler``.

    Raises:
        ProblemError: This notebook server belongs to no project.
    """
    server = handler.settings.get(SETTING)
    if not isinstance(server, ProjectServer):
        raise ProblemError(
            503,
            "no-project",
            "No project",
            "This notebook server was not started for a project.",
            "Start one from the list of your projects.",
        )
    return server
