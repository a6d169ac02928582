"""The proxy in front of a site, and the sockets by which it alone comes to the Hub and its services.

Law: what a request says of where it comes from is believed only if it came by such a socket. Code in a sandbox reaches
the ports on loopback as the proxy does, and no socket in the file system of the platform's user.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterhub.proxy import ConfigurableHTTPProxy
from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_unix_socket
from traitlets import Dict, Unicode

_ITS_OWNERS = 0o600
_KEPT_SOCKETS = Path(__file__).with_name("kept_sockets.cjs")


def came_by_proxy(request: HTTPServerRequest) -> bool:
    """Whether a request to the Hub came by the socket that the proxy uses."""
    context = getattr(request.connection, "context", None)
    return getattr(context, "address_family", None) == socket.AF_UNIX


def socket_url(path: str) -> str:
    """How the proxy is told a socket."""
    return f"http+unix://{quote(path, safe='')}"


def proxy_command(program: str) -> list[str]:
    """How the proxy is started, so that it keeps its connections to sockets; ``program`` is its path."""
    path = str(_KEPT_SOCKETS).replace("\\", "\\\\").replace('"', '\\"')
    options = f'{os.environ.get("NODE_OPTIONS", "")} --require "{path}"'
    return ["env", f"NODE_OPTIONS={options.strip()}", program]


class HopsProxy(ConfigurableHTTPProxy):
    """Sends requests for the Hub and the control plane to sockets, and all others where JupyterHub says."""

    _listens = False

    sockets = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="For the address (http://host:port) at which a part of the site answers the socket of the same part.",
    ).tag(config=True)

    async def check_routes(self, *args: Any, **more: Any) -> None:
        """See JupyterHub. It is called first when the Hub begins to listen."""
        self._listen_for_hub()
        await super().check_routes(*args, **more)

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        """See JupyterHub."""
        path = self.sockets.get(target)
        await super().add_route(routespec, target if path is None else socket_url(path), data)

    def _reformat_routespec(self, routespec: str, chp_data: dict[str, Any]) -> Any:
        # As JupyterHub knows it, which compares.
        known = {socket_url(path): target for target, path in self.sockets.items()}
        target = chp_data["target"]
        return super()._reformat_routespec(routespec, chp_data | {"target": known.get(target, target)})

    def _listen_for_hub(self) -> None:
        path = self.sockets.get(self.hub.host)
        if path is not None and not self._listens:
            self._listens = True
            self.app.http_server.add_socket(bind_unix_socket(path, mode=_ITS_OWNERS))
