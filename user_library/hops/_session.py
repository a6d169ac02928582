"""What this process knows of its project: from its variables, or from the notebook server's ``server.json``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hops.errors import HopsError

# What a trial on an executor must know of its project; the token's file is not among it.
FORWARDED_VARIABLES = (
    "HOPS_PROJECT",
    "HOPS_USER",
    "HOPS_PROJECT_USER",
    "HOPS_PROJECT_PATH",
    "HOPS_APP_ID",
    "HOPS_SERVER_PREFIX",
    "HOPS_WEBHDFS_ADDRESS",
    "HADOOP_USER_NAME",
)


class NoProjectError(HopsError):
    """This process belongs to no project."""


class NoSparkError(HopsError):
    """There is no Spark session in this process."""


@dataclass(frozen=True, slots=True)
class Session:
    """A process of a project-user.

    Attributes:
        project: Name of the project.
        user: Name of the user, or an empty text when unknown.
        path: The project's folder: an absolute path, or ``hdfs://…``; no slash at its end.
        server_prefix: Path of the user's notebook server in the browser, or an empty text.
    """

    project: str
    user: str
    path: str
    server_prefix: str

    @property
    def project_user(self) -> str:
        """The user's name inside the project: ``project__user``."""
        return os.environ.get("HOPS_PROJECT_USER") or f"{self.project}__{self.user}"


def current() -> Session:
    """The project that this process belongs to.

    Raises:
        NoProjectError: Neither ``HOPS_PROJECT_PATH`` nor a notebook server's folder is there.
    """
    variables = os.environ
    path = variables.get("HOPS_PROJECT_PATH", "").rstrip("/")
    prefix = variables.get("HOPS_SERVER_PREFIX") or variables.get("JUPYTERHUB_SERVICE_PREFIX", "")
    if path:
        project = variables.get("HOPS_PROJECT") or path.rsplit("/", 1)[-1]
        return Session(project, variables.get("HOPS_USER", ""), path, prefix)
    server = _server_configuration()
    if server:
        return Session(server["project"], server["user"], server["project_folder"].rstrip("/"), prefix)
    raise NoProjectError(
        "This process belongs to no project: HOPS_PROJECT_PATH is not set. Open the notebook in a project's server, "
        "or set HOPS_PROJECT and HOPS_PROJECT_PATH before this library is used."
    )


def _server_configuration() -> dict[str, Any] | None:
    folder = os.environ.get("HOPS_SERVER_FOLDER")
    if not folder:
        return None
    try:
        server = json.loads((Path(folder) / "server.json").read_text())
    except (OSError, ValueError):
        return None
    return server if {"project", "user", "project_folder"} <= server.keys() else None


def spark_session() -> Any:
    """The Spark session of this process.

    Raises:
        NoSparkError: There is none.
    """
    remedy = "Choose the kernel PySpark for this notebook, or start one with SparkSession.builder.getOrCreate()."
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError:
        raise NoSparkError(f"This kernel has no Spark. {remedy}") from None
    session = SparkSession.getActiveSession()
    if session is None and SparkContext._active_spark_context is not None:  # noqa: SLF001  # active is said of a thread
        session = SparkSession.builder.getOrCreate()
    if session is None:
        raise NoSparkError(f"There is no Spark session in this kernel. {remedy}")
    return session


def forwarded_variables() -> dict[str, str]:
    """The variables of this process that a trial on an executor needs."""
    variables = {name: os.environ[name] for name in FORWARDED_VARIABLES if os.environ.get(name)}
    session = current()
    return {"HOPS_PROJECT": session.project, "HOPS_PROJECT_PATH": session.path, **variables}
