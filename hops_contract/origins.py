"""Where a request comes from: the address of who connected, or what a proxy that is trusted says.

No address makes a proxy: code in a sandbox comes from loopback as the platform's own proxy would. That one is known by
its socket, the Hub by its credential, and a site names others.

Anyone can send ``X-Forwarded-For``. A proxy adds the address of who connected to it at the right end, so what stands
there is believed as far as the proxies on the way are, and nothing to the left of the first that is not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED_BY = "X-Hops-Forwarded-By"
"""Header with a token of the control plane's own, where it hands on a call of somebody's."""
FORWARDED_FOR = "X-Hops-Forwarded-For"
"""Header with the network address of that somebody. Not the one of proxies, to which those on the way add their own."""
_BY_PROXY = "hops.by_proxy"
_MOST_PROXIES = 10


def parse_networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas.

    Raises:
        ValueError: One is none.
    """
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def source_address(peer: str, forwarded: str, *, trusted: Sequence[Network], is_believed: bool = False) -> str:
    """The address that a request came from.

    Args:
        peer: Who connected.
        forwarded: All of the ``X-Forwarded-For`` that came; empty for none.
        trusted: The proxies whose word is taken.
        is_believed: Whether who connected has proven to be somebody whose word is taken.
    """
    found = _address(peer)
    hops = [part.strip() for part in forwarded.split(",")] if forwarded else []
    if is_believed and hops:
        found = _address(hops.pop())
    if found is None:
        return ""
    for hop in reversed(hops[-_MOST_PROXIES:]):
        if not any(found in network for network in trusted):
            break
        before = _address(hop)
        if before is None:
            break
        found = before
    return str(found)


def _address(text: str) -> Address | None:
    try:
        # A zone (fe80::1%eth0) is a name of this machine's, and any text of any length where somebody else writes it.
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # What connects by IPv4 to a socket of IPv6 is written ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address


def tell_proxied(scope: MutableMapping[str, Any]) -> None:
    """Notes in ``scope`` that the request came by the proxy's socket."""
    scope["extensions"] = {**scope.get("extensions", {}), _BY_PROXY: {}}


def came_by_proxy(scope: Mapping[str, Any]) -> bool:
    """Whether a request came by the proxy's socket."""
    return _BY_PROXY in scope.get("extensions", {})
