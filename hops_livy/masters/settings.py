"""The site's settings for a master beyond this machine; what can't work is refused when the service starts.

======================  ==================================================================================
``HOPS_SPARK_MASTER``   ``local`` (the default: all on this machine), ``spark://host:port``, ``yarn`` or
                        ``k8s://https://host:port``
``HOPS_DRIVER_HOST``    address of this machine by which executors reach drivers; needed with a cluster
``HOPS_NODES_PYTHON``   the Python of executors; default: the project's environment, at the path that it has here
``HOPS_NODES_SPARK``    YARN: where Spark lies on the nodes; default: where it lies here
``HOPS_GPU_SCRIPT``     YARN, Kubernetes: program on nodes or in the image that tells an executor's GPUs
======================  ==================================================================================

Standalone also needs ``HOPS_SPARK_MASTER_URL`` (its page) and ``HOPS_SPARK_SECRET_FILE``; YARN
``HOPS_HADOOP_CONF_DIR`` and ``HOPS_YARN_URL`` (the ResourceManager's web address), and takes ``HOPS_YARN_QUEUE`` and
``HOPS_YARN_STAGING``; Kubernetes needs ``HOPS_K8S_IMAGE``, and takes ``HOPS_K8S_NAMESPACE``,
``HOPS_K8S_SERVICE_ACCOUNT``, ``HOPS_K8S_TOKEN_FILE``, ``HOPS_K8S_CA_FILE`` and ``HOPS_K8S_GPU_NODE_LABEL``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from hops_livy.masters.clusters import StandaloneCluster, UnseenCluster, YarnCluster
from hops_livy.masters.kubernetes import KubernetesMaster
from hops_livy.masters.master import Cluster, Master
from hops_livy.masters.standalone import StandaloneMaster
from hops_livy.masters.yarn import YarnMaster

_STANDALONE = re.compile(r"spark://[A-Za-z0-9.-]+:[0-9]{1,5}(,[A-Za-z0-9.-]+:[0-9]{1,5})*")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_OPEN_TO_OTHERS = 0o077


class MasterError(Exception):
    """A setting of the master can't be used; the message says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterSettings:
    """A master, and where it is asked.

    Attributes:
        master: Builds what drivers are told.
        kind: ``standalone``, ``yarn`` or ``kubernetes``.
        page_url: Where the cluster answers over HTTP, for those kinds that do.
    """

    master: Master
    kind: str
    page_url: str | None = None

    def cluster(self, client: httpx.AsyncClient) -> Cluster:
        """What asks the cluster."""
        if self.page_url is None:
            return UnseenCluster()
        kind = StandaloneCluster if self.kind == "standalone" else YarnCluster
        return kind(self.page_url, client)


def read_master(source: Mapping[str, str], *, home: Path, gpu_labels: tuple[str, ...]) -> MasterSettings | None:
    """The master that ``source`` names; ``None`` for this machine alone.

    Args:
        source: Variables of the environment.
        home: The platform's home.
        gpu_labels: Labels of the GPUs, where the cluster has none of its own.

    Raises:
        MasterError: It can't be used.
    """
    url = source.get("HOPS_SPARK_MASTER", "").strip()
    if url in {"", "local"}:
        return None
    asked = _Asked(source, url)
    if _STANDALONE.fullmatch(url):
        return _standalone(asked, url, gpu_labels)
    if url == "yarn":
        return _yarn(asked)
    if url.startswith("k8s://"):
        return _kubernetes(asked, url, home)
    raise MasterError(
        f"HOPS_SPARK_MASTER is {url!r}; it must be local, spark://host:port, yarn or k8s://https://host:port."
    )


def _standalone(asked: _Asked, url: str, gpu_labels: tuple[str, ...]) -> MasterSettings:
    secret = asked.file("HOPS_SPARK_SECRET_FILE", "the secret of the cluster's master and workers")
    if secret.stat().st_mode & _OPEN_TO_OTHERS:
        raise MasterError(f"HOPS_SPARK_SECRET_FILE: others can read {secret.name}; chmod 600 closes it.")
    master = StandaloneMaster(
        url=url,
        driver_host=asked.needed("HOPS_DRIVER_HOST", "executors must reach the drivers of this machine"),
        secret_file=secret,
        gpu_labels=gpu_labels,
        python=asked.path("HOPS_NODES_PYTHON"),
    )
    return MasterSettings(master=master, kind="standalone", page_url=asked.web("HOPS_SPARK_MASTER_URL"))


def _yarn(asked: _Asked) -> MasterSettings:
    conf_dir = Path(asked.needed("HOPS_HADOOP_CONF_DIR", "it tells where the ResourceManager is"))
    if not (conf_dir / "yarn-site.xml").is_file():
        raise MasterError("HOPS_HADOOP_CONF_DIR: the folder holds no yarn-site.xml.")
    master = YarnMaster(
        conf_dir=conf_dir.resolve(),
        driver_host=asked.needed("HOPS_DRIVER_HOST", "executors must reach the drivers of this machine"),
        queue=asked.text("HOPS_YARN_QUEUE") or "default",
        staging=asked.text("HOPS_YARN_STAGING"),
        spark_on_nodes=asked.path("HOPS_NODES_SPARK"),
        gpu_script=asked.text("HOPS_GPU_SCRIPT"),
        python=asked.path("HOPS_NODES_PYTHON"),
    )
    return MasterSettings(master=master, kind="yarn", page_url=asked.web("HOPS_YARN_URL"))


def _kubernetes(asked: _Asked, url: str, home: Path) -> MasterSettings:
    _web_address("HOPS_SPARK_MASTER", url.removeprefix("k8s://"), only_https=True)
    token, authority = (asked.text(name) for name in ("HOPS_K8S_TOKEN_FILE", "HOPS_K8S_CA_FILE"))
    master = KubernetesMaster(
        url=url,
        driver_host=asked.needed("HOPS_DRIVER_HOST", "executors must reach the drivers of this machine"),
        namespace=asked.name("HOPS_K8S_NAMESPACE", "hopslab"),
        image=asked.needed("HOPS_K8S_IMAGE", "executors run in a container of it"),
        service_account=asked.name("HOPS_K8S_SERVICE_ACCOUNT", "default"),
        token_file=None if token is None else asked.file("HOPS_K8S_TOKEN_FILE", "a token"),
        authority_file=None if authority is None else asked.file("HOPS_K8S_CA_FILE", "the API's authority"),
        gpu_node_label=asked.text("HOPS_K8S_GPU_NODE_LABEL") or "nvidia.com/gpu.product",
        gpu_script=asked.text("HOPS_GPU_SCRIPT"),
        files_claim=asked.text("HOPS_FILES_CLAIM"),
        files_path=asked.text("HOPS_FILES_PATH") or "",
        home=home,
        python=asked.path("HOPS_NODES_PYTHON"),
    )
    return MasterSettings(master=master, kind="kubernetes")


class _Asked:
    """Reads what a master needs."""

    def __init__(self, source: Mapping[str, str], url: str) -> None:
        self._source = source
        self._url = url

    def text(self, name: str) -> str | None:
        return self._source.get(name, "").strip() or None

    def path(self, name: str) -> Path | None:
        text = self.text(name)
        if text is not None and not text.startswith("/"):
            raise MasterError(f"{name} is {text!r}; it must be an absolute path.")
        return None if text is None else Path(text)

    def needed(self, name: str, why: str) -> str:
        text = self.text(name)
        if text is None:
            raise MasterError(f"HOPS_SPARK_MASTER={self._url} needs {name}: {why}.")
        return text

    def name(self, name: str, default: str) -> str:
        text = self.text(name) or default
        if not _NAME.fullmatch(text):
            raise MasterError(f"{name} is {text!r}, which is no name of Kubernetes.")
        return text

    def file(self, name: str, what: str) -> Path:
        path = Path(self.needed(name, f"it is a file with {what}"))
        if not os.access(path, os.R_OK) or not path.is_file():
            raise MasterError(f"{name}: the file with {what} can't be read.")
        return path.resolve()

    def web(self, name: str) -> str:
        text = self.needed(name, "there it is asked what is free and who waits")
        _web_address(name, text)
        return text


def _web_address(name: str, text: str, *, only_https: bool = False) -> None:
    schemes = {"https"} if only_https else {"http", "https"}
    try:
        parts = urlsplit(text)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        raise MasterError(f"{name} is {text!r}; it must hold {' or '.join(sorted(schemes))}://host:port.")
