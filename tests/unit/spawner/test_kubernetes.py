from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest

from hops_contract.layout import Home
from hops_contract.options import ServerOptions
from hops_contract.servers import ServerGrant
from hops_platform.settings import Settings
from hops_spawner.files import server_files
from hops_spawner.kubernetes import HopsKubeSpawner, file_volumes, pod_resources, server_secret
from jupyterhub_config.services import services


@pytest.fixture
def manifest(grant: ServerGrant, no_cluster: None) -> dict[str, Any]:
    """The pod of the grant, as the API server would get it."""

    async def build() -> dict[str, Any]:
        user = SimpleNamespace(
            name="ada", id=1, url="/user/ada/", escaped_name="ada", server_url=lambda name: f"/user/ada/{name}/"
        )
        orm_spawner = SimpleNamespace(name="weather", server=None, display_name="Weather", state=None)
        spawner = HopsKubeSpawner(
            _mock=True, user=user, orm_spawner=orm_spawner, image="hopslab/server:test", namespace="hops",
            home="/home/hops", public_url="https://lab.example.org/", files_claim="hopslab-home", files_path="/site/",
        )  # fmt: skip
        spawner.granted = grant
        spawner.apply_grant(grant)
        pod = await spawner.get_pod_manifest()
        wire: dict[str, Any] = spawner.api.api_client.sanitize_for_serialization(pod)
        await spawner.api.api_client.close()
        return wire

    return asyncio.run(build())


FILES = [
    "certificates/authorities.pem",
    "certificates/certificate.pem",
    "certificates/key.pem",
    "certificates/keystore.p12",
    "certificates/password",
    "certificates/truststore.p12",
    "config/jupyter_server_config.json",
    "config/labconfig/default_setting_overrides.json",
    "config/labconfig/page_config.json",
    "kernels/pyspark/kernel.json",
    "kernels/pyspark/logo-svg.svg",
    "kernels/python3/kernel.json",
    "kernels/python3/logo-svg.svg",
    "kernels/spark/kernel.json",
    "kernels/spark/logo-svg.svg",
    "server.json",
    "token.jwt",
]
COPYING = """\
set -e
umask 077
mkdir -p -m 700 /run/hops/server/config
mkdir -p -m 700 /run/hops/server/data
mkdir -p -m 700 /run/hops/server/ipython
mkdir -p -m 700 /run/hops/server/runtime
mkdir -p -m 700 /run/hops/server/home
mkdir -p -m 700 /run/hops/server/certificates
mkdir -p -m 700 /run/hops/server/config/labconfig
mkdir -p -m 700 /run/hops/server/kernels/pyspark
mkdir -p -m 700 /run/hops/server/kernels/python3
mkdir -p -m 700 /run/hops/server/kernels/spark
cp -L /run/hops/secret/certificates/authorities.pem /run/hops/server/certificates/authorities.pem
chmod 600 /run/hops/server/certificates/authorities.pem
cp -L /run/hops/secret/certificates/certificate.pem /run/hops/server/certificates/certificate.pem
chmod 600 /run/hops/server/certificates/certificate.pem
cp -L /run/hops/secret/certificates/key.pem /run/hops/server/certificates/key.pem
chmod 600 /run/hops/server/certificates/key.pem
cp -L /run/hops/secret/certificates/keystore.p12 /run/hops/server/certificates/keystore.p12
chmod 600 /run/hops/server/certificates/keystore.p12
cp -L /run/hops/secret/certificates/password /run/hops/server/certificates/password
chmod 600 /run/hops/server/certificates/password
cp -L /run/hops/secret/certificates/truststore.p12 /run/hops/server/certificates/truststore.p12
chmod 600 /run/hops/server/certificates/truststore.p12
cp -L /run/hops/secret/config/jupyter_server_config.json /run/hops/server/config/jupyter_server_config.json
chmod 600 /run/hops/server/config/jupyter_server_config.json
cp -L /run/hops/secret/config/labconfig/default_setting_overrides.json /run/hops/server/config/labconfig/default_setting_overrides.json
chmod 600 /run/hops/server/config/labconfig/default_setting_overrides.json
cp -L /run/hops/secret/config/labconfig/page_config.json /run/hops/server/config/labconfig/page_config.json
chmod 600 /run/hops/server/config/labconfig/page_config.json
cp -L /run/hops/secret/kernels/pyspark/kernel.json /run/hops/server/kernels/pyspark/kernel.json
chmod 600 /run/hops/server/kernels/pyspark/kernel.json
cp -L /run/hops/secret/kernels/pyspark/logo-svg.svg /run/hops/server/kernels/pyspark/logo-svg.svg
chmod 600 /run/hops/server/kernels/pyspark/logo-svg.svg
cp -L /run/hops/secret/kernels/python3/kernel.json /run/hops/server/kernels/python3/kernel.json
chmod 600 /run/hops/server/kernels/python3/kernel.json
cp -L /run/hops/secret/kernels/python3/logo-svg.svg /run/hops/server/kernels/python3/logo-svg.svg
chmod 600 /run/hops/server/kernels/python3/logo-svg.svg
cp -L /run/hops/secret/kernels/spark/kernel.json /run/hops/server/kernels/spark/kernel.json
chmod 600 /run/hops/server/kernels/spark/kernel.json
cp -L /run/hops/secret/kernels/spark/logo-svg.svg /run/hops/server/kernels/spark/logo-svg.svg
chmod 600 /run/hops/server/kernels/spark/logo-svg.svg
cp -L /run/hops/secret/server.json /run/hops/server/server.json
chmod 600 /run/hops/server/server.json
cp -L /run/hops/secret/token.jwt /run/hops/server/token.jwt
chmod 600 /run/hops/server/token.jwt"""  # noqa: E501


def test_the_pod_of_a_grant(manifest: dict[str, Any]) -> None:
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "jupyter-weather--ada",
            "annotations": ANY,  # KubeSpawner's own
            "labels": {
                "app": "jupyterhub",
                "app.kubernetes.io/component": "singleuser-server",
                "app.kubernetes.io/managed-by": "kubespawner",
                "app.kubernetes.io/name": "jupyterhub",
                "component": "singleuser-server",
                "heritage": "jupyterhub",
                "hopslab.org/project": "weather",
                "hopslab.org/role": "data_scientist",
                "hopslab.org/user": "ada",
                "hub.jupyter.org/servername": "weather",
                "hub.jupyter.org/username": "ada",
            },
        },
        "spec": {
            "automountServiceAccountToken": False,
            "imagePullSecrets": [],
            "restartPolicy": "Never",
            "nodeSelector": {"nvidia.com/gpu.product": "a100"},
            "initContainers": [
                {
                    "name": "server-folder",
                    "image": "hopslab/server:test",
                    "command": ["/bin/sh", "-c", COPYING.replace("\n", "; ")],
                    "securityContext": {"allowPrivilegeEscalation": False},
                    "volumeMounts": [
                        {"name": "hops-secret", "mountPath": "/run/hops/secret", "readOnly": True},
                        {"name": "hops-server", "mountPath": "/run/hops/server"},
                    ],
                }
            ],
            "containers": [
                {
                    "name": "notebook",
                    "image": "hopslab/server:test",
                    "args": ["jupyterhub-singleuser"],
                    "env": ANY,  # see below
                    "lifecycle": {},
                    "ports": [{"containerPort": 8888, "name": "notebook-port"}],
                    "resources": {
                        "limits": {"cpu": 7.0, "memory": 6144 * 1024 * 1024, "nvidia.com/gpu": "2"},
                        "requests": {"cpu": 1.0, "memory": 6144 * 1024 * 1024, "nvidia.com/gpu": "2"},
                    },
                    "securityContext": {"allowPrivilegeEscalation": False},
                    "volumeMounts": [
                        {"name": "hops-server", "mountPath": "/run/hops/server"},
                        {
                            "name": "hops-files",
                            "mountPath": "/home/hops/projects/weather",
                            "subPath": "site/projects/weather",
                        },
                        {
                            "name": "hops-files",
                            "mountPath": "/home/hops/environments/projects/weather",
                            "subPath": "site/environments/projects/weather",
                            "readOnly": True,
                        },
                    ],
                }
            ],
            "volumes": [
                {
                    "name": "hops-secret",
                    "secret": {
                        "secretName": "jupyter-weather--ada-hops",
                        "items": [{"key": path.replace("/", "."), "path": path, "mode": 0o400} for path in FILES],
                    },
                },
                {"name": "hops-server", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
                {"name": "hops-files", "persistentVolumeClaim": {"claimName": "hopslab-home"}},
            ],
        },
    }


def test_the_pods_variables_are_those_of_a_server_and_hold_no_token_of_the_project(manifest: dict[str, Any]) -> None:
    variables = {item["name"]: item.get("value", "") for item in manifest["spec"]["containers"][0]["env"]}
    assert {name: value for name, value in variables.items() if not name.startswith("JUPYTERHUB_")} == {
        "HOME": "/run/hops/server/home",
        "HOPS_CERTIFICATES": "/run/hops/server/certificates",
        "HOPS_SERVER_FOLDER": "/run/hops/server",
        "IPYTHONDIR": "/run/hops/server/ipython",
        "JUPYTERLAB_SETTINGS_DIR": "/run/hops/server/home/.jupyter/lab/user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": "/run/hops/server/home/.jupyter/lab/workspaces",
        "JUPYTER_CONFIG_DIR": "/run/hops/server/config",
        "JUPYTER_DATA_DIR": "/run/hops/server/data",
        "JUPYTER_PATH": "/run/hops/server",
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_RUNTIME_DIR": "/run/hops/server/runtime",
        "LANG": "C.UTF-8",
        "PATH": "/home/hops/environments/projects/weather/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONNOUSERSITE": "1",
        "SHELL": "/bin/bash",
        "USER": "ada",
    }
    assert "header.payload.signature" not in variables.values()
    assert variables["JUPYTERHUB_API_URL"] == "https://lab.example.org/hub/api"
    assert variables["JUPYTERHUB_ACTIVITY_URL"] == "https://lab.example.org/hub/api/users/ada/activity"


def test_a_pod_without_gpus_asks_for_none() -> None:
    resources = pod_resources(ServerOptions(), notebook_memory_mib=1024)
    assert resources == {
        "cpu_guarantee": 1.0,
        "cpu_limit": 2.0,
        "mem_guarantee": 3 * 1024**3,
        "mem_limit": 3 * 1024**3,
        "extra_resource_guarantees": {},
        "extra_resource_limits": {},
    }


def test_the_secret_holds_every_file_of_the_folder(grant: ServerGrant) -> None:
    secret = server_secret("s", grant)
    files = server_files(grant)
    assert len(secret.data) == len(files)
    assert base64.b64decode(secret.data["kernels.pyspark.kernel.json"]) == files["kernels/pyspark/kernel.json"]


def test_files_lie_in_the_pod_where_the_grant_says(grant: ServerGrant) -> None:
    where = {"path": "", "home": Path("/home/hops"), "project": "weather"}
    _, full = file_volumes("hopslab-home", **where, full=True)  # type: ignore[arg-type]
    assert [mount.get("readOnly", False) for mount in full] == [True, True]
    volumes, mounts = file_volumes("hopslab-home", path="", home=Path("/home/hops"), project="weather")
    assert volumes == [{"name": "hops-files", "persistentVolumeClaim": {"claimName": "hopslab-home"}}]
    assert [mount["mountPath"] for mount in mounts] == [grant.config.project_folder, grant.config.environment]
    assert [mount["subPath"] for mount in mounts] == ["projects/weather", "environments/projects/weather"]


def test_pods_are_told_the_addresses_that_the_site_has_set(grant: ServerGrant, tmp_path: Path) -> None:
    environ = {
        "HOPS_CONTROL_PLANE_URL": "https://lab.example.org/services/hops/",
        "HOPS_LIVY_URL": "https://lab.example.org/services/livy",
    }
    (hops, _livy) = services(
        Home(tmp_path),
        {"hops": 1, "livy": 2, "mutual-tls": 3},
        environ,
        "https://lab.example.org/",
        sockets=tmp_path,
    )
    plane = Settings(control_plane_url=hops["environment"]["HOPS_CONTROL_PLANE_URL"],
                     livy_url=hops["environment"]["HOPS_LIVY_URL"])  # fmt: skip
    config = grant.config.model_copy(
        update={"control_plane_url": plane.public_control_plane_url(), "livy_url": plane.livy_url}
    )
    sent = server_secret("s", grant.model_copy(update={"config": config})).data
    server = json.loads(base64.b64decode(sent["server.json"]))
    assert (server["control_plane_url"], server["livy_url"]) == tuple(environ.values())
    assert not [key for key, data in sent.items() if b"127.0.0.1" in base64.b64decode(data)]
