"""The environment variables with which the conductor starts other programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hopslab.settings import CHECKOUT, SiteSettings

VENV_BIN = CHECKOUT / ".venv" / "bin"
CACHE = CHECKOUT / ".hopslab" / "cache"
TOOLS = CHECKOUT / ".hopslab" / "tools"
AUTHORITIES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def surroundings(settings: SiteSettings, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every program that the conductor starts.

    The platform's programs come first on ``PATH``, then Node where the conductor had to install one. Caches lie in the
    checkout, and uv and npm trust the authorities that the environment names for anything else.
    """
    given = dict(os.environ if environ is None else environ)
    made = {name: value for name, value in given.items() if name not in {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}}
    path = [str(VENV_BIN), *own_node_path(), *given.get("PATH", os.defpath).split(os.pathsep)]
    made["PATH"] = os.pathsep.join(dict.fromkeys(entry for entry in path if entry))
    made["HOPS_HOME"] = str(settings.layout.root)
    made.setdefault("UV_CACHE_DIR", str(CACHE / "uv"))
    made.setdefault("UV_NO_PROGRESS", "1")
    # Building the Lab extension would leave a mark in the home of whoever does it.
    made.setdefault("JUPYTER_CONFIG_DIR", str(CACHE / "jupyter"))
    made.setdefault("NODE_COMPILE_CACHE", str(CACHE / "node"))
    made.setdefault("npm_config_cache", str(CACHE / "npm"))
    made.setdefault("npm_config_update_notifier", "false")
    authorities = next((given[name] for name in AUTHORITIES if given.get(name)), None)
    if authorities:
        made.setdefault("SSL_CERT_FILE", authorities)
        made.setdefault("NODE_EXTRA_CA_CERTS", authorities)
    else:
        made.setdefault("UV_SYSTEM_CERTS", "1")
    for pip, uv in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX")):
        if given.get(pip):
            made.setdefault(uv, given[pip])
    return made


def own_node_path() -> list[str]:
    """The folder of the Node that the conductor installed, if it did."""
    folder: Path = TOOLS / "node" / "bin"
    return [str(folder)] if (folder / "node").exists() else []
