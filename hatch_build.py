"""What Jupyter finds by its place: the built Lab extension and the setting that enables the server extension.

A wheel brings both. An installed checkout needs neither: ``hopslab``'s preparation links its built extension, and the
spawner enables the server extension for the servers that it starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EXTENSION = "server_extension/jupyterlab_hops"
PLACES = {
    f"{EXTENSION}/labextension": "share/jupyter/labextensions/jupyterlab-hops",
    f"{EXTENSION}/jupyter-config/jupyter_server_config.d": "etc/jupyter/jupyter_server_config.d",
}


class JupyterPlaces(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the shared data of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Names the files.

        Raises:
            RuntimeError: The Lab extension is not built.
        """
        if version != "standard":
            return
        if not (Path(self.root) / EXTENSION / "labextension" / "package.json").is_file():
            raise RuntimeError("The Lab extension is not built; run `npm ci && npm run build:prod` first.")
        build_data["shared_data"] |= PLACES
