"""Says who holds a port before the Hub finds out."""

from __future__ import annotations

import errno
import socket

import psutil

from hopslab.errors import SiteError

OTHER_PORT = 8090
"""Named as an example where the wanted port is taken."""


def check_port_is_free(host: str, port: int) -> None:
    """Refuse a port that something else listens on.

    Raises:
        SiteError: The port is taken or may not be used; the message says by whom, as far as this user may know.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise SiteError(
                    f"Port {port} may not be used by this user.", "Choose one above 1023, for instance HOPS_PORT=8000."
                ) from error
            if error.errno != errno.EADDRINUSE:
                raise SiteError(f"{host} can't be listened on: {error.strerror}.", "Correct HOPS_BIND.") from error
            raise SiteError(
                f"Port {port} is in use{_by(holder_of(port))}.",
                f"Stop it, or choose another port, for instance: HOPS_PORT={OTHER_PORT} make up.",
            ) from error


def holder_of(port: int) -> str | None:
    """Name and number of the process that listens on ``port``, where this user may see it."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    except (psutil.Error, OSError):
        return None
    return None


def _by(holder: str | None) -> str:
    return f" by {holder}" if holder else ""
