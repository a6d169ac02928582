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

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from hops_livy.masters.clusters import StandaloneCluster, UnseenCluster, YarnCluster
from hops_livy.masters.kubernetes import KubernetesMaster
from hops_livy.masters.master import Cluster, Master
from hops_livy.masters.standalone import StandaloneMaster
from hops_livy.masters.yarn import YarnMaster
from hops_livy.variables import SettingsError, Variables, address_parts

_STANDALONE = re.compile(r"spark://[A-Za-z0-9.-]+:[0-9]{1,5}(,[A-Za-z0-9.-]+:[0-9]{1,5})*")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_OPEN_TO_OTHERS = 0o077


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
        SettingsError: It can't be used.
    """
    url = Variables(source).text("HOPS_SPARK_MASTER")
    if url in {None, "local"}:
        return None
    asked = Variables(source, because=f"HOPS_SPARK_MASTER={url}")
    if _STANDALONE.fullmatch(url):
        return _standalone(asked, url, gpu_labels)
    if url == "yarn":
        return _yarn(asked)
    if url.startswith("k8s://"):
        return _kubernetes(asked, url, home)
    raise SettingsError(
        f"HOPS_SPARK_MASTER is {url!r}; it must be local, spark://host:port, yarn or k8s://https://host:port."
    )


def _standalone(asked: Variables, url: str, gpu_labels: tuple[str, ...]) -> MasterSettings:
    secret = asked.file("HOPS_SPARK_SECRET_FILE", "the secret of the cluster's master and workers")
    if secret.stat().st_mode & _OPEN_TO_OTHERS:
        raise SettingsError(f"HOPS_SPARK_SECRET_FILE: others can read {secret.name}; chmod 600 closes it.")
    master = StandaloneMaster(
        url=url,
        driver_host=asked.needed("HOPS_DRIVER_HOST", "executors must reach the drivers of this machine"),
        secret_file=secret,
        gpu_labels=gpu_labels,
        python=asked.absolute("HOPS_NODES_PYTHON"),
    )
    return MasterSettings(master=master, kind="standalone", page_url=_page(asked, "HOPS_SPARK_MASTER_URL"))


def _yarn(asked: Variables) -> MasterSettings:
    conf_dir = Path(asked.needed("HOPS_HADOOP_CONF_DIR", "it tells where the ResourceManager is"))
    if not (conf_dir / "yarn-site.xml").is_file():
        raise SettingsError("HOPS_HADOOP_CONF_DIR: the folder holds no yarn-site.xml.")
    master = YarnMaster(
        conf_dir=conf_dir.resolve(),
        driver_host=asked.needed("HOPS_DRIVER_HOST", "executors must reach the drivers of this machine"),
        queue=asked.text("HOPS_YARN_QUEUE") or "default",
        staging=asked.text("HOPS_YARN_STAGING"),
        spark_on_nodes=asked.absolute("HOPS_NODES_SPARK"),
        gpu_script=asked.text("HOPS_GPU_SCRIPT"),
        python=asked.absolute("HOPS_NODES_PYTHON"),
    )
    return MasterSettings(master=master, kind="yarn", page_url=_page(asked, "HOPS_YARN_URL"))


def _kubernetes(asked: Variables, url: str, home: Path) -> MasterSettings:
    _check_address("HOPS_SPARK_MASTER", url.removeprefix("k8s://"), only_https=True)
    token, authority = (asked.text(name) for name in ("HOPS_K8S_TOKEN_FILE", "HOPS_K8S_CA_FILE"))
    master = KubernetesMaster(
        url=url,
        driver_host=asked.needed("HOPS_DRIVER_HOST", "executors must reach the drivers of this machine"),
        namespace=_name(asked, "HOPS_K8S_NAMESPACE", "hopslab"),
        image=asked.needed("HOPS_K8S_IMAGE", "executors run in a container of it"),
        service_account=_name(asked, "HOPS_K8S_SERVICE_ACCOUNT", "default"),
        token_file=None if token is None else asked.file("HOPS_K8S_TOKEN_FILE", "a token"),
        authority_file=None if authority is None else asked.file("HOPS_K8S_CA_FILE", "the API's authority"),
        gpu_node_label=asked.text("HOPS_K8S_GPU_NODE_LABEL") or "nvidia.com/gpu.product",
        gpu_script=asked.text("HOPS_GPU_SCRIPT"),
        files_claim=asked.text("HOPS_FILES_CLAIM"),
        files_path=asked.text("HOPS_FILES_PATH") or "",
        home=home,
        python=asked.absolute("HOPS_NODES_PYTHON"),
    )
    return MasterSettings(master=master, kind="kubernetes")


def _name(asked: Variables, name: str, default: str) -> str:
    text = asked.text(name) or default
    if not _NAME.fullmatch(text):
        raise SettingsError(f"{name} is {text!r}, which is no name of Kubernetes.")
    return text


def _page(asked: Variables, name: str) -> str:
    text = asked.needed(name, "there it is asked what is free and who waits")
    _check_address(name, text)
    return text


def _check_address(name: str, text: str, *, only_https: bool = False) -> None:
    schemes = {"https"} if only_https else {"http", "https"}
    parts = address_parts(text, schemes)
    if parts is None or "@" in parts.netloc:
        raise SettingsError(f"{name} is {text!r}; it must hold {' or '.join(sorted(schemes))}://host:port.")
