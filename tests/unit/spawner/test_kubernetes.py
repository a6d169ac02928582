from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.config import kube_config

from hops_contract.servers import ServerGrant
from hops_spawner.files import server_files
from hops_spawner.kubernetes import HopsKubeSpawner, server_secret

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
current-context: none
"""


@pytest.fixture
def manifest(grant: ServerGrant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The pod of the grant, as the API server would get it."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))

    async def build() -> dict[str, Any]:
        user = SimpleNamespace(
            name="ada", id=1, url="/user/ada/", escaped_name="ada", server_url=lambda name: f"/user/ada/{name}/"
        )
        orm_spawner = SimpleNamespace(name="weather", server=None, display_name="Weather", state=None)
        spawner = HopsKubeSpawner(
            _mock=True, user=user, orm_spawner=orm_spawner, image="hopslab/server:test", namespace="hops"
        )
        spawner.granted = grant
        spawner.apply_grant(grant)
        pod = await spawner.get_pod_manifest()
        wire: dict[str, Any] = spawner.api.api_client.sanitize_for_serialization(pod)
        await spawner.api.api_client.close()
        return wire

    return asyncio.run(build())


def test_the_pod_has_the_granted_resources_gpus_and_node(manifest: dict[str, Any]) -> None:
    container = manifest["spec"]["containers"][0]
    assert container["resources"] == {
        "limits": {"cpu": 7.0, "memory": 6144 * 1024 * 1024, "nvidia.com/gpu": "2"},
        "requests": {"cpu": 1.0, "memory": 6144 * 1024 * 1024, "nvidia.com/gpu": "2"},
    }
    assert manifest["spec"]["nodeSelector"] == {"nvidia.com/gpu.product": "a100"}


def test_the_pod_says_whose_it_is(manifest: dict[str, Any]) -> None:
    labels = manifest["metadata"]["labels"]
    assert {name: value for name, value in labels.items() if name.startswith("hopslab.org/")} == {
        "hopslab.org/project": "weather",
        "hopslab.org/user": "ada",
        "hopslab.org/role": "data_scientist",
    }
    assert manifest["metadata"]["name"] == "jupyter-weather--ada"


def test_the_servers_folder_is_in_memory_and_filled_from_the_secret(manifest: dict[str, Any]) -> None:
    spec = manifest["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["hops-server"] == {"name": "hops-server", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}
    secret = volumes["hops-secret"]["secret"]
    assert secret["secretName"] == "jupyter-weather--ada-hops"
    assert {"key": "token.jwt", "path": "token.jwt", "mode": 0o400} in secret["items"]
    assert spec["containers"][0]["volumeMounts"] == [{"name": "hops-server", "mountPath": "/run/hops/server"}]
    (filler,) = spec["initContainers"]
    assert filler["volumeMounts"][0] == {"name": "hops-secret", "mountPath": "/run/hops/secret", "readOnly": True}
    assert spec["automountServiceAccountToken"] is False


def test_the_secret_holds_every_file_of_the_folder(grant: ServerGrant) -> None:
    secret = server_secret("s", grant)
    files = server_files(grant)
    assert len(secret.data) == len(files)
    assert base64.b64decode(secret.data["kernels.pyspark.kernel.json"]) == files["kernels/pyspark/kernel.json"]


def test_the_pods_variables_hold_no_token_of_the_project(manifest: dict[str, Any]) -> None:
    variables = {item["name"]: item.get("value", "") for item in manifest["spec"]["containers"][0]["env"]}
    assert variables["HOPS_SERVER_FOLDER"] == "/run/hops/server"
    assert "header.payload.signature" not in variables.values()
