"""What a notebook server's folder holds when the server starts.

Laws:

1. The files follow from the grant alone; the same grant gives the same bytes.
2. Only ``token.jwt`` is secret, and what lies in ``certificates/``.
3. The server offers the kernels of the project environment and no other: users' code never runs in the platform's own.
"""

from __future__ import annotations

import json
from typing import Any

from hops_contract.certificates import CERTIFICATES_FOLDER
from hops_contract.principal import ProjectRole
from hops_contract.servers import CONFIG_FILE, TOKEN_FILE, ServerConfig, ServerGrant
from hops_spawner.logos import PROMPT, SCALA, SPARK

FOLDERS = ("config", "data", "ipython", "runtime")
SPARK_KERNELS = ("pyspark", "spark")
PLAIN_KERNEL = "python3"
CULL_INTERVAL_S = 60
# Would ask every person in every project whether to fetch Jupyter's news, and whether there is a newer Lab.
DISABLED_IN_LAB = {"@jupyterlab/apputils-extension:announcements": True}
# Their commands would be refused (jupyterlab_hops.rights): they and their entries in menus are left out.
NOT_FOR_DATA_SCIENTISTS = (
    "@jupyterlab/docmanager-extension:download",
    "@jupyterlab/docmanager-extension:open-browser-tab",
    "@jupyterlab/filebrowser-extension:download",
    "@jupyterlab/filebrowser-extension:open-browser-tab",
    "@jupyterlab/filebrowser-extension:share-file",
    "@jupyterlab/notebook-extension:export",
)
# Where Spark is switched off there is nothing to show in them.
ABOUT_SPARK = (
    "jupyterlab-hops:idle-warning",
    "jupyterlab-hops:session-status",
    "jupyterlab-hops:sessions",
    "jupyterlab-hops:spark-pages",
)
# Light or dark as the system is, like the platform's pages; whoever picks a theme in Lab's settings keeps that.
SETTINGS_OF_LAB = {"@jupyterlab/apputils-extension:themes": {"adaptive-theme": True}}
# By name: the classes belong to another product, and this one only tells Jupyter of them.
AUTHORIZER = "jupyterlab_hops.authorizer.ProjectAuthorizer"
CONTENTS = "jupyterlab_hops.contents.ProjectContents"
KERNEL_MANAGER = "jupyterlab_hops.kernel_sockets.PrivateKernelManager"
KERNEL_WEBSOCKET = "jupyterlab_hops.kernel_websocket.PromptWebsocketConnection"
EXTENSIONS = {
    "jupyterlab": True,
    "jupyterlab_hops": True,
    # Each costs time at every start and nobody misses it: there are no language servers in the platform's environment,
    # jupyterlab_hops is the only user of the proxy and imports it itself, and no server of this platform is of the
    # classic kind whose settings notebook_shim translates.
    "jupyter_lsp": False,
    "jupyter_server_proxy": False,
    "notebook_shim": False,
}


def server_files(grant: ServerGrant) -> dict[str, bytes]:
    """The folder's files by their path below it."""
    config = grant.config
    return {
        CONFIG_FILE: (config.model_dump_json(indent=2) + "\n").encode(),
        TOKEN_FILE: grant.token.get_secret_value().encode(),
        **{f"{CERTIFICATES_FOLDER}/{name}": content for name, content in grant.certificate.files().items()},
        **(_spark_kernels(config) if config.spark else {}),
        "kernels/python3/kernel.json": _json(_kernel(config, "Python 3 (without Spark)", "ipykernel_launcher")),
        "kernels/python3/logo-svg.svg": PROMPT.encode(),
        "config/jupyter_server_config.json": _json(jupyter_settings(config)),
        "config/labconfig/default_setting_overrides.json": _json(SETTINGS_OF_LAB),
        "config/labconfig/page_config.json": _json({"disabledExtensions": disabled_in_lab(config)}),
    }


def disabled_in_lab(config: ServerConfig) -> dict[str, bool]:
    """Lab's plugins that are off on this server."""
    refused = () if config.role is ProjectRole.DATA_OWNER else NOT_FOR_DATA_SCIENTISTS
    idle = () if config.spark else ABOUT_SPARK
    return DISABLED_IN_LAB | dict.fromkeys((*refused, *idle), True)


def kernels_of(config: ServerConfig) -> list[str]:
    """The kernels that this server offers; the first is that of a new notebook."""
    return [*(SPARK_KERNELS if config.spark else ()), PLAIN_KERNEL]


def jupyter_settings(config: ServerConfig) -> dict[str, Any]:
    """Jupyter's settings for this server."""
    idle_s = config.options.idle_timeout_minutes * 60
    return {
        "ServerApp": {
            "jpserver_extensions": dict(EXTENSIONS),
            "authorizer_class": AUTHORIZER,
            "contents_manager_class": CONTENTS,
            "kernel_websocket_connection_class": KERNEL_WEBSOCKET,
            "shutdown_no_activity_timeout": idle_s,
        },
        # A trash would be a hidden folder of the project that Lab doesn't show and nobody empties, yet Lab would tell
        # people that what they delete is kept there.
        "FileContentsManager": {"delete_to_trash": False},
        # Lab would install into the platform's own environment.
        "LabApp": {"extension_manager": "readonly"},
        "KernelSpecManager": {"ensure_native_kernel": False, "allowed_kernelspecs": kernels_of(config)},
        # A browser tab that was left open does not count as work; a cell that runs does.
        "MappingKernelManager": {
            "kernel_manager_class": KERNEL_MANAGER,
            "default_kernel_name": kernels_of(config)[0],
            "cull_idle_timeout": idle_s,
            "cull_interval": CULL_INTERVAL_S,
            "cull_connected": True,
            "cull_busy": False,
        },
        "TerminalManager": {"cull_inactive_timeout": idle_s, "cull_interval": CULL_INTERVAL_S},
    }


def _spark_kernels(config: ServerConfig) -> dict[str, bytes]:
    return {
        "kernels/pyspark/kernel.json": _json(_kernel(config, "PySpark", "hops_kernels.pyspark")),
        "kernels/pyspark/logo-svg.svg": SPARK.encode(),
        "kernels/spark/kernel.json": _json(_kernel(config, "Spark (Scala)", "hops_kernels.spark", language="scala")),
        "kernels/spark/logo-svg.svg": SCALA.encode(),
    }


def _kernel(config: ServerConfig, display_name: str, module: str, *, language: str = "python") -> dict[str, Any]:
    return {
        # -P: a kernel starts in a folder of the project, where any member may have put a file named like a module.
        "argv": [f"{config.environment}/bin/python", "-P", "-m", module, "-f", "{connection_file}"],
        "display_name": display_name,
        "language": language,
        "interrupt_mode": "signal",
        "metadata": {"debugger": False},
    }


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
