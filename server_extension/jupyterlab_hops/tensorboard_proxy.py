"""A TensorBoard behind the notebook server's authentication."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server_proxy.handlers import ProxyHandler
from tornado import web

from jupyterlab_hops.access import AUTH_RESOURCE, project_server
from jupyterlab_hops.problems import ProblemError

_NOT_PASSED_ON = ("Cookie", "Authorization", "X-XSRFToken")


class TensorBoardProxy(ProxyHandler):
    """Passes requests on. TensorBoard is told its path in the browser, so nothing in its answers is rewritten."""

    auth_resource = AUTH_RESOURCE

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # An open tab asks again and again; that alone must not keep a notebook server from being called idle.
        super().__init__(*arguments, absolute_url=True, update_last_activity=False, **options)

    def proxy_request_headers(self) -> Any:
        """What is passed on: never what proves identity, because TensorBoard runs code of the project."""
        headers = super().proxy_request_headers()
        for name in _NOT_PASSED_ON:
            headers.pop(name, None)
        return headers

    def add_header(self, name: str, value: Any) -> None:
        """What TensorBoard answered; what would be saved as a file is shown to those who may save none."""
        if name.lower() == "content-disposition" and not project_server(self).own_role.owner_at_start:
            return
        super().add_header(name, value)

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
        await self.proxy("127.0.0.1", board.port, path)
