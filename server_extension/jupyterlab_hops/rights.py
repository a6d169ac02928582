"""Which routes of the notebook server are for whom: the one table.

Files leave a project, and data comes into it, by Data Owners alone. A Data Scientist writes and runs code: everything
that shows, runs and saves programs and notebooks is for them, what hands over files is not.

Laws:

1. A route that does not stand here is a Data Owner's. A test walks a real server, and fails for one that is missing.
2. A route is known by the class that serves it, since every way to a class is the same way.
3. What depends on the request is decided by its path, method and body alone, never by what the browser says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Right(Enum):
    """Whom a route is for."""

    ALL_MEMBERS = "all members"
    """It shows, runs or saves what a Data Scientist works with, or belongs to Lab itself."""
    DATA_OWNERS = "Data Owners"
    """It hands over files."""
    BY_FILE = "by file"
    """Folders, programs and notebooks are for all members, other files for Data Owners."""
    LOGOS = "logos"
    """Pictures of kernels are for all members; what else lies beside them is nobody's business."""


_SERVER = "jupyter_server"
_ALL_MEMBERS = (
    # Lab's own files, and pages without any. Their folders are the platform's: see `guard.platforms_folders`.
    f"{_SERVER}.base.handlers.FileFindHandler",
    f"{_SERVER}.base.handlers.PublicStaticFileHandler",
    f"{_SERVER}.base.handlers.MainHandler",
    f"{_SERVER}.base.handlers.RedirectWithParams",
    f"{_SERVER}.base.handlers.Template404",
    f"{_SERVER}.base.handlers.TrailingSlashHandler",
    f"{_SERVER}.base.handlers.APIVersionHandler",
    f"{_SERVER}.base.handlers.PrometheusMetricsHandler",
    "jupyterlab_server.handlers.LabHandler",
    "jupyterlab_server.handlers.NotFoundHandler",
    "jupyterlab_server.licenses_handler.LicensesHandler",
    "jupyterlab_server.listings_handler.ListingsHandler",
    "jupyterlab_server.settings_handler.SettingsHandler",
    "jupyterlab_server.themes_handler.ThemesHandler",
    "jupyterlab_server.translations_handler.TranslationsHandler",
    "jupyterlab_server.workspaces_handler.WorkspacesHandler",
    "jupyterlab.handlers.announcements.CheckForUpdateHandler",
    "jupyterlab.handlers.announcements.NewsHandler",
    "jupyterlab.handlers.build_handler.BuildHandler",
    "jupyterlab.handlers.extension_manager_handler.ExtensionHandler",
    "jupyterlab.handlers.plugin_manager_handler.PluginHandler",
    "tornado.web.ErrorHandler",
    "tornado.web.RedirectHandler",
    # Logging in and out.
    f"{_SERVER}.auth.login.LoginFormHandler",
    f"{_SERVER}.auth.logout.LogoutHandler",
    "jupyterhub.singleuser.extension.JupyterHubLogoutHandler",
    "jupyterhub.singleuser.extension.JupyterHubOAuthCallbackHandler",
    # About the server.
    f"{_SERVER}.services.api.handlers.APISpecHandler",
    f"{_SERVER}.services.api.handlers.APIStatusHandler",
    f"{_SERVER}.services.api.handlers.IdentityHandler",
    f"{_SERVER}.services.api.handlers.PathResolverHandler",
    f"{_SERVER}.services.config.handlers.ConfigHandler",
    f"{_SERVER}.services.events.handlers.EventHandler",
    f"{_SERVER}.services.events.handlers.SubscribeWebsocket",
    f"{_SERVER}.services.nbconvert.handlers.NbconvertRootHandler",
    f"{_SERVER}.services.security.handlers.CSPReportHandler",
    f"{_SERVER}.services.shutdown.ShutdownHandler",
    # Code. A terminal is code like a notebook: it shows text, and hands over no file.
    f"{_SERVER}.services.kernels.handlers.MainKernelHandler",
    f"{_SERVER}.services.kernels.handlers.KernelHandler",
    f"{_SERVER}.services.kernels.handlers.KernelActionHandler",
    f"{_SERVER}.services.kernels.websocket.KernelWebsocketHandler",
    f"{_SERVER}.services.kernelspecs.handlers.MainKernelSpecHandler",
    f"{_SERVER}.services.kernelspecs.handlers.KernelSpecHandler",
    f"{_SERVER}.services.sessions.handlers.SessionHandler",
    f"{_SERVER}.services.sessions.handlers.SessionRootHandler",
    "jupyter_server_terminals.api_handlers.TerminalHandler",
    "jupyter_server_terminals.api_handlers.TerminalRootHandler",
    "jupyter_server_terminals.handlers.TermSocket",
    # Files, without handing any over.
    f"{_SERVER}.services.contents.handlers.CheckpointsHandler",
    f"{_SERVER}.services.contents.handlers.ModifyCheckpointsHandler",
    f"{_SERVER}.services.contents.handlers.NotebooksRedirectHandler",
    f"{_SERVER}.services.contents.handlers.TrustNotebooksHandler",
    # The project. What pages of TensorBoard and Spark hold is results; see `no_downloads`.
    "jupyterlab_hops.handlers.DatasetHandler",
    "jupyterlab_hops.handlers.DatasetsHandler",
    "jupyterlab_hops.handlers.LimitedHandler",
    "jupyterlab_hops.handlers.NotebookRenamedHandler",
    "jupyterlab_hops.handlers.OutputsHandler",
    "jupyterlab_hops.handlers.OverviewHandler",
    "jupyterlab_hops.handlers.OverviewLogHandler",
    "jupyterlab_hops.handlers.OverviewSessionHandler",
    "jupyterlab_hops.handlers.ProjectHandler",
    "jupyterlab_hops.handlers.RestartHandler",
    "jupyterlab_hops.handlers.SessionHandler",
    "jupyterlab_hops.handlers.SessionKeepHandler",
    "jupyterlab_hops.handlers.SessionPagesHandler",
    "jupyterlab_hops.handlers.SessionsHandler",
    "jupyterlab_hops.handlers.StatementOutputsHandler",
    "jupyterlab_hops.handlers.StopHandler",
    "jupyterlab_hops.handlers.StopIdleHandler",
    "jupyterlab_hops.handlers.TensorBoardEndHandler",
    "jupyterlab_hops.handlers.TensorBoardHandler",
    "jupyterlab_hops.handlers.TensorBoardOpenHandler",
    "jupyterlab_hops.handlers.TensorBoardsHandler",
    "jupyterlab_hops.session_pages.SparkPagesHandler",
    "jupyterlab_hops.tensorboard_proxy.TensorBoardProxy",
)
_DATA_OWNERS = (
    f"{_SERVER}.base.handlers.AuthenticatedFileHandler",
    f"{_SERVER}.files.handlers.FilesHandler",
    f"{_SERVER}.nbconvert.handlers.NbconvertFileHandler",
    f"{_SERVER}.nbconvert.handlers.NbconvertPostHandler",
    f"{_SERVER}.view.handlers.ViewHandler",
)
RIGHTS: Mapping[str, Right] = {
    **dict.fromkeys(_ALL_MEMBERS, Right.ALL_MEMBERS),
    **dict.fromkeys(_DATA_OWNERS, Right.DATA_OWNERS),
    f"{_SERVER}.services.contents.handlers.ContentsHandler": Right.BY_FILE,
    f"{_SERVER}.kernelspecs.handlers.KernelSpecResourceHandler": Right.LOGOS,
}


def right_of(handler: type) -> Right | None:
    """Whom the routes of ``handler`` are for; ``None`` when they do not stand in the table."""
    return RIGHTS.get(f"{handler.__module__}.{handler.__qualname__}")
