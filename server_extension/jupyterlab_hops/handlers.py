"""The routes below ``hops/``: who may call is Jupyter's rule, the work is done by ``ProjectServer``."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async, url_path_join
from tornado import web

from jupyterlab_hops.access import AUTH_RESOURCE, project_server
from jupyterlab_hops.kernel_sockets import PrivateKernelManager
from jupyterlab_hops.overview import SCOPES
from jupyterlab_hops.problems import MEDIA_TYPE, ProblemError
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.renamed_notebooks import LONGEST_PATH, kernels_of
from jupyterlab_hops.session_pages import SparkPagesHandler
from jupyterlab_hops.tensorboards import TensorBoard

MAX_BODY_BYTES = 16 * 1024
LONGEST_KERNEL_ID = 100
BOARD_ID = r"[0-9a-f]{32}"


class HopsHandler(APIHandler):
    """Answers JSON, and problem details for every error."""

    auth_resource = AUTH_RESOURCE

    @property
    def server(self) -> ProjectServer:
        """The project server behind this handler."""
        return project_server(self)

    @web.authenticated
    @authorized
    async def options(self, *_: str) -> None:
        """No other site may ask; Jupyter's own answer would say 200 to anyone."""
        raise web.HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)

    def body(self, *fields: str) -> dict[str, str]:
        """The texts ``fields`` of the request's JSON body.

        Raises:
            ProblemError: The body is none, or lacks one of them.
        """
        try:
            content = json.loads(self.request.body) if len(self.request.body) <= MAX_BODY_BYTES else None
        except ValueError:
            content = None
        for field in fields:
            if not isinstance(content, dict) or not isinstance(content.get(field), str):
                raise invalid_field(field, f"a JSON object with the text '{field}'", "A text is needed.")
        return {field: content[field] for field in fields} if isinstance(content, dict) else {}

    def write_error(self, status_code: int, **options: Any) -> None:
        """Answers problem details; what was not expected says nothing of the inside."""
        error = (options.get("exc_info") or (None, None, None))[1]
        if isinstance(error, ProblemError):
            body = error.body
        elif isinstance(error, web.HTTPError) and status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            title = HTTPStatus(status_code).phrase
            body = ProblemError(status_code, "about:blank", title, error.log_message or title).body
        else:
            body = ProblemError(
                status_code,
                "internal",
                "Failed",
                "The notebook server met an error that it did not expect.",
                "Try again; if it stays so, tell the administrator: the server's log has more.",
            ).body
        self.set_status(body["status"])
        self.finish(json.dumps(body), set_content_type=MEDIA_TYPE)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Logs what was not expected; a problem is an answer."""
        if not isinstance(value, ProblemError):
            super().log_exception(typ, value, tb)


class ProjectHandler(HopsHandler):
    """``hops/project``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The project, its members and this server's options."""
        self.finish(json.dumps(await self.server.project()))


class DatasetsHandler(HopsHandler):
    """``hops/datasets``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The datasets that this project sees, and what is offered to it."""
        self.finish(json.dumps(await self.server.datasets.listed()))


class DatasetHandler(HopsHandler):
    """``hops/datasets/{name}``."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """One of them with its size and who has it."""
        self.finish(json.dumps(await self.server.datasets.described(name)))


class SessionsHandler(HopsHandler):
    """``hops/session``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """My Spark sessions."""
        self.finish(json.dumps(await self.server.sessions()))


class SessionHandler(HopsHandler):
    """``hops/session/{id}``."""

    @web.authenticated
    @authorized
    async def delete(self, session_id: str) -> None:
        """Ends one of them."""
        await self.server.end_session(int(session_id))
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()


class SessionKeepHandler(HopsHandler):
    """``hops/session/{id}:keep``."""

    @web.authenticated
    @authorized
    async def post(self, session_id: str) -> None:
        """Lets its idle time begin anew."""
        await self.server.keep_session(int(session_id))
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()


class SessionPagesHandler(HopsHandler):
    """``hops/session/{id}:pages``."""

    @web.authenticated
    @authorized
    async def post(self, session_id: str) -> None:
        """Where Spark's pages of it are; never to be read in a frame or by a link, so it is no GET."""
        self.finish(json.dumps({"url": self.server.pages_path(int(session_id))}))


class OverviewHandler(HopsHandler):
    """``hops/overview``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Spark sessions, my own or my project's; held for a while when nothing is new."""
        scope = checked_scope(self.get_query_argument("scope", "own"))
        self.finish(json.dumps(await self.server.overview.listed(scope, self.get_query_argument("seen", None))))


class OverviewSessionHandler(HopsHandler):
    """``hops/overview/{id}``."""

    @web.authenticated
    @authorized
    async def delete(self, session_id: str) -> None:
        """Ends one of them."""
        self.finish(json.dumps(await self.server.overview.stop(int(session_id))))


class OverviewLogHandler(HopsHandler):
    """``hops/overview/{id}/log``."""

    @web.authenticated
    @authorized
    async def get(self, session_id: str) -> None:
        """The last lines of its log."""
        self.finish(json.dumps(await self.server.overview.log(int(session_id))))


class StopIdleHandler(HopsHandler):
    """``hops/overview:stop-idle``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Ends those of the named sessions that are idle."""
        scope = checked_scope(self.body("scope")["scope"])
        sessions = json.loads(self.request.body).get("sessions")
        if not isinstance(sessions, list) or not all(type(number) is int and number >= 0 for number in sessions):
            raise invalid_field("sessions", "a list of the sessions' numbers", "Numbers of sessions are needed.")
        self.finish(json.dumps(await self.server.overview.stop_idle(scope, sessions)))


class OutputsHandler(HopsHandler):
    """``hops/outputs``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The session of a notebook, and the last statement of each of its cells."""
        notebook = self.get_query_argument("notebook", "")
        if not notebook:
            raise invalid_field("notebook", "the path of a notebook", "A path is needed.")
        self.finish(json.dumps(await self.server.outputs.of_notebook(notebook)))


class StatementOutputsHandler(HopsHandler):
    """``hops/outputs/{session}/{statement}``."""

    @web.authenticated
    @authorized
    async def get(self, session_id: str, statement_id: str) -> None:
        """What one of them has written up to now."""
        self.finish(json.dumps(await self.server.outputs.of_statement(int(session_id), int(statement_id))))


class NotebookRenamedHandler(HopsHandler):
    """``hops/notebook:renamed``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Tells those who know a notebook by its path, or all below a folder, the path that it has now."""
        names = {field: path.strip("/") for field, path in self.body("old", "new").items()}
        for field, path in names.items():
            if not 0 < len(path) <= LONGEST_PATH:
                raise invalid_field(
                    field, f"a path of at most {LONGEST_PATH} characters", "The path of a notebook or folder is needed."
                )
        sessions = await ensure_async(self.session_manager.list_sessions())
        self.finish(json.dumps(await self.server.renamed.tell(**names, kernels=kernels_of(sessions, **names))))


class LimitedHandler(HopsHandler):
    """``hops/limited``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Why a kernel that has ended by itself was ended, where that was a limit."""
        kernel = self.get_query_argument("kernel", "")
        if not 0 < len(kernel) <= LONGEST_KERNEL_ID:
            raise invalid_field("kernel", "the id of a kernel", "The kernel is needed.")
        self.finish(json.dumps(self.server.limited(PrivateKernelManager.processes.of(kernel))))


class StopHandler(HopsHandler):
    """``hops/server:stop``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Stops this notebook server, after the answer: an end of this process is the end of its answers too."""
        change = await self.server.prepare_stop()
        self.set_status(HTTPStatus.ACCEPTED)
        await self.finish(json.dumps(change))
        try:
            await self.server.stop()
        except ProblemError as error:
            self.log.warning("This server was to be stopped, and is not: %s", error)


class RestartHandler(HopsHandler):
    """``hops/server:restart``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Restarts this notebook server."""
        change = await self.server.restart()
        self.set_status(HTTPStatus.ACCEPTED)
        self.finish(json.dumps(change))


class TensorBoardsHandler(HopsHandler):
    """``hops/tensorboards``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Those that run."""
        boards = self.server.tensorboards
        self.finish(json.dumps({"items": [self._item(board) for board in boards.items()]}))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Opens the one of a log directory."""
        board, is_new = await self.server.tensorboards.open(self.body("logdir")["logdir"])
        self.set_status(HTTPStatus.CREATED if is_new else HTTPStatus.OK)
        self.finish(json.dumps(self._item(board)))

    def _item(self, board: TensorBoard) -> dict[str, Any]:
        return {
            "id": board.id,
            "logdir": board.logdir,
            "url": self.server.tensorboards.url(board),
            "started": board.started,
        }


class TensorBoardEndHandler(HopsHandler):
    """``DELETE hops/tensorboards/{id}``."""

    @web.authenticated
    @authorized
    async def delete(self, board_id: str) -> None:
        """Ends it."""
        self.server.tensorboards.end(board_id)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()


class TensorBoardOpenHandler(HopsHandler):
    """``hops/tensorboards:open``: the link in a notebook."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Starts it if need be, then leads there."""
        boards = self.server.tensorboards
        board, _ = await boards.open(self.get_query_argument("logdir", ""))
        self.redirect(boards.url(board))


class TensorBoardHandler(web.RequestHandler):
    """``hops/tensorboards/{id}/…``.

    Becomes the proxy at the first request: jupyter-server-proxy costs a fifth of a second to import, and most servers
    never show a TensorBoard.
    """

    def __new__(cls, application: Any, request: Any, **options: Any) -> Any:  # noqa: D102
        from jupyterlab_hops.tensorboard_proxy import TensorBoardProxy  # noqa: PLC0415

        return TensorBoardProxy(application, request, **options)


def checked_scope(scope: str) -> str:
    """``scope``, if there is such a one here.

    Raises:
        ProblemError: There is none.
    """
    if scope not in SCOPES:
        raise invalid_field("scope", "a scope that is 'own' or 'project'", "'own' or 'project' is needed.")
    return scope


def invalid_field(field: str, needed: str, message: str) -> ProblemError:
    """The problem of a request that lacks what ``needed`` names."""
    violations = [{"field": field, "message": message}]
    return ProblemError(422, "invalid-request", "Invalid request", f"The request needs {needed}.", None, violations)


def routes(base_url: str) -> list[tuple[str, type[web.RequestHandler]]]:
    """All routes of the extension."""
    table: list[tuple[str, type[web.RequestHandler]]] = [
        (r"project", ProjectHandler),
        (r"datasets", DatasetsHandler),
        (r"datasets/([A-Za-z][A-Za-z0-9_.:-]{0,199})", DatasetHandler),
        (r"session", SessionsHandler),
        (r"session/(\d{1,18})", SessionHandler),
        (r"session/(\d{1,18}):keep", SessionKeepHandler),
        (r"session/(\d{1,18}):pages", SessionPagesHandler),
        (r"session/(\d{1,18})/ui/(.*)", SparkPagesHandler),
        (r"overview", OverviewHandler),
        (r"overview/(\d{1,18})", OverviewSessionHandler),
        (r"overview/(\d{1,18})/log", OverviewLogHandler),
        (r"overview:stop-idle", StopIdleHandler),
        (r"outputs", OutputsHandler),
        (r"outputs/(\d{1,18})/(\d{1,18})", StatementOutputsHandler),
        (r"notebook:renamed", NotebookRenamedHandler),
        (r"limited", LimitedHandler),
        (r"server:stop", StopHandler),
        (r"server:restart", RestartHandler),
        (r"tensorboards", TensorBoardsHandler),
        (r"tensorboards:open", TensorBoardOpenHandler),
        (rf"tensorboards/({BOARD_ID})", TensorBoardEndHandler),
        (rf"tensorboards/({BOARD_ID})/(.*)", TensorBoardHandler),
    ]
    return [(url_path_join(base_url, "hops", pattern), handler) for pattern, handler in table]
