"""A TensorBoard behind the notebook server's authentication.

It runs code of the project, which can answer whatever it likes. So nothing that proves who somebody is goes there, and
what comes from there neither sets a cookie on the platform's origin nor leads a browser out of its own path. Where a
request goes is settled by the board that was started, never by what the request says.
"""

from __future__ import annotations

import posixpath
from typing import Any
from urllib.parse import unquote, urlsplit

from jupyter_server.auth.decorator import authorized
from jupyter_server_proxy.handlers import ProxyHandler
from tornado import web

from jupyterlab_hops.access import AUTH_RESOURCE, project_server
from jupyterlab_hops.problems import ProblemError

_NOT_PASSED_ON = ("Cookie", "Authorization", "X-XSRFToken")
_TOLD = frozenset({
    "accept-ranges", "allow", "cache-control", "content-disposition", "content-encoding", "content-language",
    "content-range", "content-security-policy", "content-type", "date", "etag", "expires", "last-modified", "location",
    "pragma", "referrer-policy", "retry-after", "vary", "x-content-type-options",
})  # fmt: skip
"""Else it could tell a browser what holds for the whole origin: cookies, or that a script of its own stands before all
pages (``Service-Worker-Allowed``)."""


def stays_within(location: str, base: str) -> bool:
    """Whether a browser that is redirected to ``location`` is below ``base`` then, which ends with ``/``."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return False
    path = unquote(parts.path)
    # Browsers take a backslash for a slash, leave out some of what can't be seen, and read more slashes as a host.
    if parts.scheme or parts.netloc or location.startswith("//") or "\\" in path or not path.isprintable():
        return False
    return f"{posixpath.normpath(posixpath.join(base, path))}/".startswith(base)


class TensorBoardProxy(ProxyHandler):
    """Passes requests on. TensorBoard is told its path in the browser, so nothing in its answers is rewritten."""

    auth_resource = AUTH_RESOURCE

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # An open tab asks again and again; that alone must not keep a notebook server from being called idle.
        super().__init__(*arguments, absolute_url=True, update_last_activity=False, **options)

    _within = ""
    """The board's path in the browser, once it is asked."""

    def proxy_request_headers(self) -> Any:
        """What is passed on: never what proves identity, because TensorBoard runs code of the project."""
        headers = super().proxy_request_headers()
        for name in _NOT_PASSED_ON:
            headers.pop(name, None)
        return headers

    def add_header(self, name: str, value: Any) -> None:
        """What TensorBoard answered, as far as browsers may be told."""
        if self._may_tell(name, value):
            super().add_header(name, value)

    def _may_tell(self, name: str, value: Any) -> bool:
        if not self._within:
            return True  # Jupyter's own
        if name.lower() == "content-disposition":
            # What would be saved as a file is shown to those who may save none.
            return project_server(self).own_role.owner_at_start
        if name.lower() == "location":
            return stays_within(str(value), self._within)
        return name.lower() in _TOLD

    def get_client_uri(self, protocol: str, host: str, port: int, proxied_path: str) -> str:  # noqa: ARG002
        """The same path as in the browser."""
        return f"{protocol}://{host}:{port}{self.request.uri}"

    @web.authenticated
    @authorized
    async def http_get(self, board_id: str, path: str) -> None:
        """Passes a GET on."""
        await self._pass_on(board_id, path)

    @web.authenticated
    @authorized
    async def post(self, board_id: str, path: str) -> None:
        """Passes a POST on: TensorBoard asks for time series with it."""
        await self._pass_on(board_id, path)

    @web.authenticated
    @authorized
    async def head(self, board_id: str, path: str) -> None:
        """Passes a HEAD on."""
        await self._pass_on(board_id, path)

    @web.authenticated
    @authorized
    async def put(self, *_: str) -> None:
        """TensorBoard has none."""
        raise web.HTTPError(405)

    @web.authenticated
    @authorized
    async def delete(self, *_: str) -> None:
        """TensorBoard has none."""
        raise web.HTTPError(405)

    @web.authenticated
    @authorized
    async def patch(self, *_: str) -> None:
        """TensorBoard has none."""
        raise web.HTTPError(405)

    @web.authenticated
    @authorized
    async def options(self, *_: str) -> None:
        """No other site may ask."""
        raise web.HTTPError(405)

    async def open(self, *_: str) -> None:
        """TensorBoard speaks no WebSocket."""
        self.close()

    async def _pass_on(self, board_id: str, path: str) -> None:
        try:
            board = project_server(self).tensorboards.find(board_id)
        except ProblemError as error:
            raise web.HTTPError(error.status, str(error.body["detail"])) from error
        if "Service-Worker" in self.request.headers:
            # One would stay in the browser when the board is gone.
            raise web.HTTPError(406)
        if self.request.headers.get("Accept") == "text/event-stream":
            # TensorBoard has none, and what such an answer's headers say would be told as it comes.
            raise web.HTTPError(406)
        self._within = project_server(self).tensorboards.url(board)
        await self.proxy("127.0.0.1", board.port, path)
