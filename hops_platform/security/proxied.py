"""Requests that came by the socket of the platform's own proxy, which alone is believed where they come from."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

_EXTENSION = "hops.by_proxy"


def tell_proxied(scope: MutableMapping[str, Any]) -> None:
    """Notes in ``scope`` that the request came by the proxy's socket."""
    scope["extensions"] = {**scope.get("extensions", {}), _EXTENSION: {}}


def came_by_proxy(scope: Mapping[str, Any]) -> bool:
    """Whether a request came by the proxy's socket."""
    return _EXTENSION in scope.get("extensions", {})
