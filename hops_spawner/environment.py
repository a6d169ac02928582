"""The variables of a notebook server's process: what it needs, and nothing else of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from hops_contract.certificates import CERTIFICATES_FOLDER, CERTIFICATES_VARIABLE
from hops_contract.servers import SERVER_FOLDER_VARIABLE, ServerConfig

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_FROM_HUB = "JUPYTERHUB_"
_NOT_FROM_HUB = frozenset({"JUPYTERHUB_ADMIN_ACCESS"})


def server_environment(
    hub_variables: Mapping[str, str],
    config: ServerConfig,
    folder: PurePosixPath,
    *,
    home: PurePosixPath,
    system_path: str = SYSTEM_PATH,
) -> dict[str, str]:
    """Variables of the notebook server of ``config``.

    Args:
        hub_variables: What JupyterHub would set. Only its own variables are taken, never what the Hub inherited.
        config: What the control plane granted.
        folder: The server's folder.
        home: The project-user's own home: in one that members share, the start-up files of one would run as the others.
        system_path: Where programs of the system lie.
    """
    kept = {
        name: value for name, value in hub_variables.items() if name.startswith(_FROM_HUB) and name not in _NOT_FROM_HUB
    }
    return kept | {
        SERVER_FOLDER_VARIABLE: str(folder),
        CERTIFICATES_VARIABLE: str(folder / CERTIFICATES_FOLDER),
        "HOME": str(home),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTERHUB_DEFAULT_URL": f"/lab/tree/{config.start_folder}",
        "JUPYTERHUB_ROOT_DIR": config.project_folder,
        # The server's folder is wiped at its end; themes, shortcuts and which tabs were open are the user's to keep.
        "JUPYTERLAB_SETTINGS_DIR": str(home / ".jupyter" / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / ".jupyter" / "lab" / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_PATH": str(folder),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "LANG": "C.UTF-8",
        "PATH": f"{PurePosixPath(config.environment) / 'bin'}:{system_path}",
        "PYTHONNOUSERSITE": "1",
        "SHELL": "/bin/bash",
        "USER": config.user,
    }
