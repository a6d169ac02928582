"""``python -m hops_livy``: the session service, and what is done beside it.

``serve`` runs the service, ``end-sessions`` ends what it left running, ``archive`` makes the archive of classes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import httpx
import typer
import uvicorn

from hops_contract.bodies import App
from hops_contract.connections import KEEP_ALIVE_S, BoundedConnection
from hops_contract.descriptors import raise_descriptor_limit
from hops_contract.faults import find_faults
from hops_contract.serving import ByProxy, ServedTogether, serve_together
from hops_livy.app import create_app, make_registry
from hops_livy.archive_training import ArchiveError, make_archive
from hops_livy.java import NoJavaError
from hops_livy.registry import Registry
from hops_livy.service_lock import ServiceLockError
from hops_livy.settings import Settings, read_settings
from hops_livy.variables import SettingsError

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="The Spark session service of HopsLab.")
_NOT_STARTED = 3
"""Exit status, as uvicorn's own."""
_STOP_S = 5


@cli.command()
def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Instead of JUPYTERHUB_SERVICE_URL's.")] = None,
) -> None:
    """Runs the service until it is told to stop; sessions live on, and the next service finds them again."""
    try:
        settings = read_settings(port=port)
        app = create_app(settings)
    except SettingsError as error:
        raise _unusable(error) from None
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format='{"time":"%(asctime)s","level":"%(levelname)s","logger":"%(name)s","message":"%(message)s"}',
    )
    # One line for each renewal would hold an address only, but there are many.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    raise_descriptor_limit()
    plain = _address_config(
        app, host=settings.host, port=settings.port, ssl_certfile=settings.tls_cert, ssl_keyfile=settings.tls_key
    )
    servers = [_Server(plain, app.state.registry)]
    if settings.proxy_socket is not None:
        proxied = _address_config(ByProxy(app), uds=str(settings.proxy_socket), lifespan="off")
        servers.append(_Server(proxied, app.state.registry))
    asyncio.run(serve_together(servers))
    if not all(server.started for server in servers):
        raise SystemExit(_NOT_STARTED)


def _address_config(app: App, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedConnection,
        log_config=None,
        access_log=False,
        # Nothing in a request says where it comes from: whose word on that is taken is decided in one place.
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
        **more,
    )


class _Server(ServedTogether):
    """Stops without waiting for requests that it holds itself."""

    def __init__(self, config: uvicorn.Config, registry: Registry) -> None:
        super().__init__(config)
        self._registry = registry

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn: waits for the answers that are under way."""
        self._registry.send_away()
        await super().shutdown(sockets)


@cli.command()
def end_sessions() -> None:
    """Ends all sessions and batches of a service that has been stopped, and forgets them."""
    try:
        ended = asyncio.run(_end_sessions(read_settings()))
    except SettingsError as error:
        raise _unusable(error) from None
    except ServiceLockError as error:
        raise SystemExit(str(error)) from None
    sys.stdout.write(f"{ended} ended\n")


async def _end_sessions(settings: Settings) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        registry = make_registry(settings, client)
        await registry.open()
        try:
            return await registry.end_all("The platform was stopped.")
        finally:
            await registry.close()


@cli.command()
def archive() -> None:
    """Makes the archive that lets drivers start faster; does nothing if it is there."""
    try:
        path = make_archive(read_settings().home)
    except SettingsError as error:
        raise _unusable(error) from None
    except (ArchiveError, NoJavaError) as error:
        raise SystemExit(str(error)) from None
    sys.stdout.write(f"{path}\n")


@cli.command()
def check_settings() -> None:
    """Reads all settings; prints a JSON list with the name of each that can't be used, and why."""
    sys.stdout.write(json.dumps([asdict(fault) for fault in find_faults(_what_is_wrong, os.environ)]) + "\n")


def _what_is_wrong(variables: Mapping[str, str]) -> list[str]:
    try:
        read_settings(variables)
    except SettingsError as error:
        return [str(error)]
    return []


def _unusable(error: SettingsError) -> typer.Exit:
    sys.stderr.write(f"{error}\n")
    return typer.Exit(os.EX_CONFIG)


if __name__ == "__main__":
    cli()
