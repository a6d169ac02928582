"""Answering over TLS to those who show a certificate of the platform, beside the plain address on loopback.

The proxy in front ends TLS for browsers, and with it would end what a client's certificate proves. So programs that
have one come here directly. The server's own certificate is of the same authority.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from hops_contract.certificates import AUTHORITIES, CONTROL_PLANE
from hops_contract.connections import KEEP_ALIVE_S, BoundedConnection
from hops_contract.private_files import write_private
from hops_contract.serving import NOT_OWN_FOLDER, ByProxy, ServedTogether, is_own_folder, serve_together
from hops_platform.certificates.service import roots, server_certificate
from hops_platform.parts import Parts
from hops_platform.recurring import Recurring
from hops_platform.security.client_certificates import tell_certificate
from hops_platform.settings import Settings
from hops_platform.tls_server import TlsServer

RENEWAL_INTERVAL_S = 3600.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What TLS needs, as files below ``secrets/`` (0600): it takes nothing else."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The server's certificate with its chain."""
        return self.folder / f"{CONTROL_PLANE}.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / f"{CONTROL_PLANE}-key.pem"

    @property
    def authorities(self) -> Path:
        """The roots of those whose certificates are taken."""
        return self.folder / AUTHORITIES

    def write(self, parts: Parts) -> None:
        """Writes what holds now; a certificate that ends soon is replaced.

        Raises:
            OSError: They can't be written.
        """
        with parts.database.session() as session:
            chain, key = server_certificate(session, CONTROL_PLANE, own_hosts(parts.settings), parts.sealer)
            authorities = roots(session)
        for path, text in ((self.key, key), (self.certificate, chain), (self.authorities, authorities)):
            write_private(path, text)

    def reload(self, context: ssl.SSLContext) -> None:
        """Makes ``context`` use what was written; connections from now on have it."""
        context.load_cert_chain(self.certificate, self.key)
        context.load_verify_locations(self.authorities)


@dataclass(frozen=True, slots=True)
class MutualTls:
    """How the second address is answered, and what renews its certificate while it is."""

    config: uvicorn.Config
    files: TlsFiles
    parts: Parts

    def renew(self) -> None:
        """Writes what holds now, and uses it where the server has begun already."""
        self.files.write(self.parts)
        if (context := getattr(self.config, "ssl", None)) is not None:
            self.files.reload(context)


def own_hosts(settings: Settings) -> tuple[str, ...]:
    """The names and addresses under which the control plane answers here."""
    public = urlsplit(settings.public_url).hostname
    named = [host.strip() for host in settings.mutual_tls_hosts.split(",") if host.strip()]
    bound = [settings.mutual_tls_bind] if settings.mutual_tls_bind not in ("0.0.0.0", "::") else []  # noqa: S104
    return tuple(dict.fromkeys(["localhost", "127.0.0.1", "::1", *bound, *([public] if public else []), *named]))


def address_config(app: ASGIApp, *, http: type[asyncio.Protocol] = BoundedConnection, **more: Any) -> uvicorn.Config:
    """How one of the addresses is answered; ``more`` is what the two have not in common."""
    return uvicorn.Config(
        app,
        http=http,
        log_config=None,
        access_log=False,
        server_header=False,
        # Nothing in a request says where it comes from: the proxy in front is no witness that matters here.
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=KEEP_ALIVE_S,
        **more,
    )


def mutual_tls_config(app: ASGIApp, settings: Settings, parts: Parts) -> MutualTls | None:
    """How the second address is answered; ``None`` where there is none.

    Raises:
        OSError: The files that TLS needs can't be written.
        UnusableRequestError: A name in HOPS_MUTUAL_TLS_HOSTS is none.
    """
    if settings.mutual_tls_port is None:
        return None
    files = TlsFiles(settings.layout.own_tls)
    files.write(parts)
    config = address_config(
        app,
        host=settings.mutual_tls_bind,
        port=settings.mutual_tls_port,
        http=CertificateConnection,
        lifespan="off",  # the first address begins and ends it
        ssl_certfile=files.certificate,
        ssl_keyfile=files.key,
        ssl_ca_certs=str(files.authorities),
        # Who shows none may still come with a token.
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
    )
    return MutualTls(config, files, parts)


class CertificateConnection(BoundedConnection):
    """Tells each request of a connection which certificate the client has proven to be its own."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        connection = transport.get_extra_info("ssl_object")
        certificate = connection.getpeercert(binary_form=True) if connection is not None else None
        if certificate:
            self.app = WithCertificate(self.app, certificate)


class WithCertificate:
    """An application, asked over connections that have proven one certificate.

    Args:
        app: The application.
        certificate: In DER.
    """

    def __init__(self, app: ASGIApp, certificate: bytes) -> None:
        self._app = app
        self._certificate = certificate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        tell_certificate(scope, self._certificate)
        await self._app(scope, receive, send)


class _MutualServer(ServedTogether, TlsServer):
    """The same at the second address, to which strangers connect without a proxy between."""


def proxied_config(app: ASGIApp, settings: Settings) -> uvicorn.Config | None:
    """How the proxy's socket is answered; ``None`` where there is none.

    Raises:
        RuntimeError: Others than this user can come to it.
    """
    path = settings.proxy_socket
    if path is None:
        return None
    if not is_own_folder(path.parent):
        raise RuntimeError(NOT_OWN_FOLDER)
    return address_config(ByProxy(app), uds=str(path), lifespan="off")


def serve_at(plain: uvicorn.Config, mutual: MutualTls | None, proxied: uvicorn.Config | None = None) -> bool:
    """Answers at all addresses that there are until told to stop; whether all of them could be listened on."""
    servers = [ServedTogether(plain), *([ServedTogether(proxied)] if proxied is not None else [])]
    servers += [_MutualServer(mutual.config)] if mutual is not None else []
    renewal = None
    if mutual is not None:
        # What holds now was written a moment ago.
        renewal = Recurring("TLS certificate", mutual.renew, interval_s=RENEWAL_INTERVAL_S, at_start=False)
        renewal.start()
    try:
        asyncio.run(serve_together(servers))
    finally:
        if renewal is not None:
            renewal.stop()
    return all(server.started for server in servers)
