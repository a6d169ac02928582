"""Asks the services of a running site whether they answer."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from hops_contract.loopback import is_loopback
from hopslab.settings import SiteSettings

HEALTH = {
    "hub": "hub/health",
    "control-plane": "services/hops/api/v1/health",
    "session-service": "services/livy/health",
}
"""Where each service tells of its health, below the site's address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a service answered.

    Attributes:
        healthy: Whether it is well.
        detail: Status or reason, in a few words.
        seconds: How long it took.
    """

    healthy: bool
    detail: str
    seconds: float


def client_for(settings: SiteSettings, *, timeout_s: float = 5) -> httpx.Client:
    """An HTTP client for the site that trusts the site's own certificate and goes through no proxy."""
    verify: ssl.SSLContext | bool = True
    if settings.tls_cert is not None:
        verify = ssl.create_default_context(cafile=str(Path(settings.tls_cert)))
        # The certificate names the site's public name; this client comes by the loopback address.
        verify.check_hostname = not is_loopback(settings.bind) and settings.bind not in {"0.0.0.0", "::"}  # noqa: S104
    return httpx.Client(base_url=settings.url, timeout=timeout_s, verify=verify, trust_env=False)


def ask(client: httpx.Client, service: str) -> Answer:
    """How ``service`` (a key of :data:`HEALTH`) answers."""
    try:
        response = client.get(HEALTH[service])
    except httpx.TransportError as error:
        return Answer(healthy=False, detail=type(error).__name__.removesuffix("Error").lower(), seconds=0.0)
    seconds = round(response.elapsed.total_seconds(), 3)
    return Answer(
        healthy=response.status_code == httpx.codes.OK, detail=f"HTTP {response.status_code}", seconds=seconds
    )


def ask_all(settings: SiteSettings) -> dict[str, Answer]:
    """How every service of the site answers."""
    with client_for(settings) as client:
        return {service: ask(client, service) for service in HEALTH}
