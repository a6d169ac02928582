"""sparkmagic's configuration, built from what the notebook server was granted.

The notebook server's folder (``HOPS_SERVER_FOLDER``) holds ``server.json`` and ``token.jwt``. Nothing secret enters the
configuration: :mod:`hops_kernels.token_file` reads the token anew for each request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

SERVER_FOLDER_VARIABLE = "HOPS_SERVER_FOLDER"
CONFIG_FILE = "server.json"
MAX_CONFIG_BYTES = 256 * 1024
SESSIONS_STAY_FILE = "sessions-stay"
"""The notebook server puts it beside the configuration when it is about to be restarted."""
NOTEBOOK_VARIABLE = "JPY_SESSION_NAME"
"""In which the notebook server tells a kernel the path of its notebook."""
NOTEBOOKS_FOLDER = "notebooks"
"""In which, beside the configuration, it tells the path of a notebook that was renamed since its kernel's start."""
_LONGEST_NOTEBOOK = 1000

AUTHENTICATOR = "Hops_Token"
HEARTBEAT_TIMEOUT_S = 15 * 60
"""For so long a session waits for a kernel that takes it up, when its own has gone without a word."""
HEARTBEAT_REFRESH_S = 30
SESSION_WAIT_TIMEOUT_S = 30 * 24 * 3600


class ServerFolderError(Exception):
    """The notebook server's folder can't be used; the message says why and what to do."""


def server_folder() -> Path:
    """The folder of the notebook server that this kernel belongs to.

    Raises:
        ServerFolderError: The kernel was not started by a HopsLab notebook server.
    """
    folder = os.environ.get(SERVER_FOLDER_VARIABLE)
    if not folder:
        raise ServerFolderError(
            f"{SERVER_FOLDER_VARIABLE} is not set, so this kernel does not know its project. "
            "Open the notebook in a project's notebook server."
        )
    return Path(folder)


def read_server_config(folder: Path) -> dict[str, Any]:
    """``server.json`` of ``folder``, as the control plane granted it.

    Raises:
        ServerFolderError: The file is missing, too large, or no JSON object.
    """
    path = folder / CONFIG_FILE
    remedy = "Stop the notebook server on the project's page and open it again."
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ServerFolderError(f"{CONFIG_FILE} can't be read: {error.strerror}. {remedy}") from error
    if len(content) > MAX_CONFIG_BYTES:
        raise ServerFolderError(f"{CONFIG_FILE} is larger than {MAX_CONFIG_BYTES} bytes. {remedy}")
    try:
        config = json.loads(content)
    except ValueError as error:
        raise ServerFolderError(f"{CONFIG_FILE} is not JSON. {remedy}") from error
    if not isinstance(config, dict) or not isinstance(config.get("options"), dict) or "livy_url" not in config:
        raise ServerFolderError(f"{CONFIG_FILE} lacks the options or the session service's address. {remedy}")
    return config


def session_name(connection_file: str, *, kind: str = "pyspark") -> str:
    """The name of a kernel's session: unique among those of the service, with the kernel's id in it.

    Args:
        connection_file: ``kernel-<id>.json``, as a notebook server calls it; by that id Lab finds a session's notebook.
        kind: The kind of the session, with which the name begins.
    """
    return f"{kind}-{kernel_id(connection_file)}-{uuid4().hex[:6]}"


def kernel_id(connection_file: str) -> str:
    """The id by which the notebook server knows the kernel of ``connection_file``."""
    return Path(connection_file).stem.removeprefix("kernel-")


def notebook_of(environment: Mapping[str, str], project_folder: str) -> str | None:
    """The path of a kernel's notebook below the project's folder; ``None`` for consoles and where it is not told."""
    name = environment.get(NOTEBOOK_VARIABLE, "")
    if not name.endswith(".ipynb"):
        return None
    path = Path(os.path.normpath(Path(project_folder) / name))
    if not path.is_relative_to(project_folder):
        return None
    relative = str(path.relative_to(project_folder))
    return relative if len(relative) <= _LONGEST_NOTEBOOK else None


def renamed_notebook(environment: Mapping[str, str], kernel: str) -> str | None:
    """The path that the notebook of ``kernel`` has now; ``None`` where it was not renamed since the kernel's start."""
    folder = environment.get(SERVER_FOLDER_VARIABLE)
    if not folder:
        return None
    try:
        with (Path(folder) / NOTEBOOKS_FOLDER / Path(kernel).name).open(encoding="utf-8") as file:
            path = file.read(_LONGEST_NOTEBOOK + 1)
    except (OSError, UnicodeDecodeError):
        return None
    return path if 0 < len(path) <= _LONGEST_NOTEBOOK else None


def sessions_stay(folder: Path) -> bool:
    """Whether the notebook server ends only to come again, so that sessions wait for their notebooks."""
    return (folder / SESSIONS_STAY_FILE).is_file()


def session_properties(options: dict[str, Any], *, session_name: str) -> dict[str, Any]:
    """Body of ``POST /sessions`` for the granted ``options``; sparkmagic adds the kind and the heartbeat.

    Args:
        options: ``ServerOptions`` as plain JSON; memory is in MiB.
        session_name: Unique among the sessions of the service.
    """
    dynamic = options["allocation"] == "dynamic"
    conf: dict[str, str] = {"spark.dynamicAllocation.enabled": "true" if dynamic else "false"}
    properties: dict[str, Any] = {
        "name": session_name,
        "driverMemory": f"{options['driver_memory_mib']}m",
        "executorMemory": f"{options['executor_memory_mib']}m",
        "executorCores": options["executor_cores"],
        "conf": conf,
    }
    if dynamic:
        conf["spark.dynamicAllocation.minExecutors"] = str(options["min_executors"])
        conf["spark.dynamicAllocation.maxExecutors"] = str(options["max_executors"])
    else:
        properties["numExecutors"] = options["executors"]
    if options["gpus_per_executor"]:
        conf["spark.executor.resource.gpu.amount"] = str(options["gpus_per_executor"])
    if options.get("gpu_label"):
        conf["spark.hops.gpu.label"] = options["gpu_label"]
    if options.get("on_no_room") == "fail":  # to wait is the service's own default
        properties["onNoRoom"] = "fail"
    if options["idle_timeout_minutes"]:
        properties["ttl"] = f"{options['idle_timeout_minutes']}m"
    return properties


def sparkmagic_config(
    server: dict[str, Any], *, session_name: str, kernel: str | None = None, notebook: str | None = None
) -> dict[str, Any]:
    """All of sparkmagic's settings for a kernel of the notebook server that ``server`` describes.

    The granted options are the *defaults* of a session, so ``%%configure`` changes single values and keeps the rest.

    Args:
        server: ``ServerConfig`` as plain JSON.
        session_name: Unique name of the kernel's session.
        kernel: The kernel's id, by which Lab finds the session of a notebook.
        notebook: Path of its notebook, by which a later kernel finds the session again.
    """
    told = {name: value for name, value in (("kernel", kernel), ("notebook", notebook)) if value}
    service = {"username": "", "password": "", "url": server["livy_url"].rstrip("/"), "auth": AUTHENTICATOR}
    return {
        "kernel_python_credentials": service,
        "kernel_scala_credentials": service,
        "authenticators": {AUTHENTICATOR: "hops_kernels.token_file.TokenFileAuthenticator"},
        "session_configs": {},
        "session_configs_defaults": session_properties(server["options"], session_name=session_name) | told,
        "http_session_config": {
            "adapters": [
                {"prefix": "http://", "adapter": "hops_kernels.transport.PatientAdapter"},
                {"prefix": "https://", "adapter": "hops_kernels.transport.PatientAdapter"},
            ]
        },
        # Errors become errors of the cell, so that "run all" stops there; sparkmagic would print and go on.
        "all_errors_are_fatal": True,
        # A statement waits for the one before it, however long that one runs.
        "wait_for_idle_timeout_seconds": SESSION_WAIT_TIMEOUT_S,
        "livy_server_heartbeat_timeout_seconds": HEARTBEAT_TIMEOUT_S,
        "heartbeat_refresh_seconds": HEARTBEAT_REFRESH_S,
        "use_auto_viz": False,
        # Values stay what Spark says they are: a guess would make a number of "007" and a date of what looks like one.
        "coerce_dataframe": False,
        # No log files in the project, no events about what users do.
        "logging_config": {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"nowhere": {"class": "logging.NullHandler"}},
            "loggers": {"magicsLogger": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False}},
        },
    }
