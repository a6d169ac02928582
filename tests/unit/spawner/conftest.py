from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes_asyncio.config import kube_config
from pydantic import SecretStr

from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant
from tests.sample_certificate import SAMPLE

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
current-context: none
"""


@pytest.fixture
def no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration of a cluster that does not answer; KubeSpawner wants one before it builds anything."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))


@pytest.fixture
def grant() -> ServerGrant:
    config = ServerConfig(
        project="weather",
        project_title="Weather of the coast",
        user="ada",
        role=ProjectRole.DATA_SCIENTIST,
        options=ServerOptions(
            executors=2, executor_cores=3, executor_memory_mib=2048, gpus_per_executor=1, gpu_label="a100",
            idle_timeout_minutes=30,
        ),
        project_folder="/home/hops/projects/weather",
        environment="/home/hops/environments/projects/weather",
        control_plane_url="http://127.0.0.1:1/services/hops/",
        livy_url="http://127.0.0.1:2/services/livy",
    )  # fmt: skip
    return ServerGrant(
        config=config, token=SecretStr("header.payload.signature"), certificate=SAMPLE, display_name="Weather"
    )
