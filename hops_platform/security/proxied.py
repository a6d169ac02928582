"""Requests that came by the socket of the platform's own proxy, which alone is believed where they come from."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_EXTENSION = "hops.by_proxy"


class ByProxy:
    """An application, asked by the proxy alone.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        scope["extensions"] = {**scope.get("extensions", {}), _EXTENSION: {}}
        await self._app(scope, receive, send)


def came_by_proxy(scope: Scope) -> bool:
    """Whether a request came by the proxy's socket."""
    return _EXTENSION in scope.get("extensions", {})
