"""Requests that came from the platform's own machine, past no proxy: a notebook server's, or code's in a sandbox.

A token of theirs that somebody finds in a notebook comes by the proxy, by the second address or from another machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from hops_contract.origins import came_by_proxy
from hops_platform.errors import ForbiddenError
from hops_platform.security.client_certificates import presented_certificate

_OF_PROXIES = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})


def came_from_within(scope: Mapping[str, Any]) -> bool:
    """Whether a request came from this machine, and nobody passed it on from elsewhere."""
    if came_by_proxy(scope) or presented_certificate(scope) is not None:
        return False
    # A site's own proxy may stand on this machine; it says for whom it asks.
    if any(name.lower() in _OF_PROXIES for name, _ in scope.get("headers", ())):
        return False
    peer = scope.get("client")
    try:
        return peer is not None and ip_address(str(peer[0])).is_loopback
    except ValueError:
        return False


def check_from_within(scope: Mapping[str, Any]) -> None:
    """Checks that a request came from the platform's own machine.

    Raises:
        ForbiddenError: It did not.
    """
    if not came_from_within(scope):
        raise ForbiddenError(
            "Only notebook servers on the platform's own machine open and save files this way.",
            remedy="Use the dataset's page, or upload and download by REST with your own token.",
        )
