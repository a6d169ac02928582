"""The platform's own services, which the Hub starts and supervises, and what each may do at the Hub."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hops_contract.layout import Home

# What the control plane does at the Hub: it starts and stops servers, makes known the users who have not logged in yet,
# and reads who runs what, and how a server ended that nobody stopped.
CONTROL_PLANE_SCOPES = [
    "admin:server_state",
    "admin:users",
    "delete:servers",
    "list:users",
    "read:servers",
    "read:users",
    "servers",
]

# A user's own token at the Hub: their own servers, and the login at the control plane's pages.
USER_SCOPES = ["self", "access:services!service=hops"]

# The token inside a notebook server: tell that it is used, and check who opens it. It starts nothing.
SERVER_SCOPES = ["users:activity!user", "access:servers!server"]

# Variables of the Hub that its services inherit; PATH and the locale are passed by JupyterHub itself.
INHERITED = (
    "CURL_CA_BUNDLE",
    "HOME",
    "JAVA_HOME",
    # Where a site keeps what Kerberos reads elsewhere than in the system's places.
    "KRB5RCACHENAME",
    "KRB5_CONFIG",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "TMPDIR",
)
INHERITED_PREFIXES = ("HOPS_", "UV_")
# Only the proxy faces people; behind it the services answer on loopback, without TLS.
FOR_THE_PROXY = frozenset({"HOPS_BIND", "HOPS_PORT", "HOPS_TLS_CERT", "HOPS_TLS_KEY"})


def service_url(port: int, name: str) -> str:
    """Where a service answers to processes of this machine."""
    return f"http://127.0.0.1:{port}/services/{name}"


def mutual_tls_url(port: int, environ: Mapping[str, str]) -> str:
    """Where the control plane answers to programs of this machine that have a certificate."""
    return f"https://localhost:{environ.get('HOPS_MUTUAL_TLS_PORT') or port}/services/hops/"


def services(
    home: Home, ports: Mapping[str, int], environ: Mapping[str, str], public_url: str, *, proxy_socket: Path
) -> list[dict[str, Any]]:
    """JupyterHub's ``services`` of this site.

    Args:
        home: The platform's home.
        ports: The ports of the services ``hops`` and ``livy``, and ``mutual-tls``, on which ``hops`` answers besides.
        environ: The Hub's own variables; addresses of services that are set there win over those on loopback, which no
            pod would reach.
        public_url: The address that people open; where it begins with ``https``, cookies demand TLS.
        proxy_socket: By which the proxy comes to the control plane.
    """
    shared = {
        name: value
        for name, value in environ.items()
        if (name in INHERITED or name.startswith(INHERITED_PREFIXES)) and name not in FOR_THE_PROXY
    } | {
        "JUPYTERHUB_PUBLIC_URL": public_url,
        "HOPS_HOME": str(home.root),
        "HOPS_CONTROL_PLANE_URL": environ.get("HOPS_CONTROL_PLANE_URL") or service_url(ports["hops"], "hops") + "/",
        "HOPS_LIVY_URL": environ.get("HOPS_LIVY_URL") or service_url(ports["livy"], "livy"),
    }
    common = {"environment": shared, "cwd": str(home.root)}
    second = {
        "HOPS_MUTUAL_TLS_PORT": environ.get("HOPS_MUTUAL_TLS_PORT") or str(ports["mutual-tls"]),
        "HOPS_PROXY_SOCKET": str(proxy_socket),
    }
    return [
        common
        | {
            "name": "hops",
            "environment": shared | second,
            "url": f"http://127.0.0.1:{ports['hops']}",
            "command": _command(home, "control-plane", "hops_platform"),
            "display": False,
            "oauth_no_confirm": True,
        },
        common
        | {
            "name": "livy",
            "url": f"http://127.0.0.1:{ports['livy']}",
            "command": _command(home, "session-service", "hops_livy"),
            "display": False,
        },
    ]


def roles() -> list[dict[str, Any]]:
    """JupyterHub's ``load_roles``."""
    return [
        {"name": "user", "description": "Every user of the platform", "scopes": USER_SCOPES},
        {"name": "server", "description": "Every notebook server", "scopes": SERVER_SCOPES},
        {
            "name": "control-plane",
            "description": "Starts and stops servers of project members",
            "scopes": CONTROL_PLANE_SCOPES,
            "services": ["hops"],
        },
    ]


def _command(home: Home, log: str, module: str) -> list[str]:
    python = [sys.executable, "-s", "-P", "-m"]
    return [*python, "hops_spawner.logged_command", str(home.log(log)), *python, module, "serve"]
