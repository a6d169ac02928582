"""Notebook servers as pods of a Kubernetes cluster."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path, PurePosixPath
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio import client
from kubernetes_asyncio.client.rest import ApiException
from kubespawner import KubeSpawner
from traitlets import Integer, Unicode, default

from hops_contract.layout import Home
from hops_contract.options import ServerOptions
from hops_contract.servers import ServerConfig, ServerGrant
from hops_spawner.cluster_words import event_in_words, event_tail, late_pod, refused_by_cluster, silent_cluster
from hops_spawner.endings import Ending
from hops_spawner.environment import server_environment
from hops_spawner.files import FOLDERS, server_files
from hops_spawner.mixin import HopsSpawnerMixin
from hops_spawner.refusals import StartRefusedError

GPU_RESOURCE = "nvidia.com/gpu"
LABEL_PREFIX = "hopslab.org/"
HOME = "home"
"""Below the server's folder: in a pod a home of one's own lasts as long as the pod."""
SECRET_FOLDER = PurePosixPath("/run/hops/secret")
SERVER_FOLDER = PurePosixPath("/run/hops/server")
EVENT_POLL_S = 1.0
_GONE = 404
_FIRST_EVENT, _LAST_EVENT = 61, 79  # percent, between "Starting JupyterLab" and "Waiting for it to answer"


def pod_resources(options: ServerOptions, *, notebook_memory_mib: int) -> dict[str, Any]:
    """CPU, memory and GPUs of a server's pod: the notebook server, the driver and the executors run in it."""
    memory = (notebook_memory_mib + options.total_memory_mib) * 1024 * 1024
    cores = 1 + options.most_executors * options.executor_cores
    gpus = {GPU_RESOURCE: str(options.total_gpus)} if options.total_gpus else {}
    return {
        "cpu_guarantee": 1.0,
        "cpu_limit": float(cores),
        "mem_guarantee": memory,
        "mem_limit": memory,
        "extra_resource_guarantees": dict(gpus),
        "extra_resource_limits": dict(gpus),
    }


def pod_labels(config: ServerConfig) -> dict[str, str]:
    """Whose pod it is; a network policy or a bill can go by them. Slugs are valid labels."""
    return {
        LABEL_PREFIX + "project": config.project,
        LABEL_PREFIX + "user": config.user,
        LABEL_PREFIX + "role": config.role.value,
    }


def secret_key(path: str) -> str:
    """The key of a file in the Secret, whose keys hold no ``/``."""
    return path.replace("/", ".")


def server_secret(name: str, grant: ServerGrant) -> client.V1Secret:
    """The Secret with the files of the server's folder."""
    files = server_files(grant)
    return client.V1Secret(
        api_version="v1",
        kind="Secret",
        type="Opaque",
        metadata=client.V1ObjectMeta(name=name, labels=pod_labels(grant.config)),
        data={secret_key(path): base64.b64encode(content).decode() for path, content in files.items()},
    )


def pod_volumes(secret: str, paths: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts of the notebook's container: its folder lies in memory, and is gone with the pod."""
    items = [{"key": secret_key(path), "path": path, "mode": 0o400} for path in paths]
    volumes = [
        {"name": "hops-secret", "secret": {"secretName": secret, "items": items}},
        {"name": "hops-server", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    ]
    return volumes, [{"name": "hops-server", "mountPath": str(SERVER_FOLDER)}]


def file_volumes(
    claim: str, *, path: str, home: Path, project: str, full: bool = False
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volume and mounts of the project's files and its environment: those of this project and of no other.

    Args:
        claim: The PersistentVolumeClaim on which the platform's home lies; the Hub's machine mounts the same.
        path: Folder of the home on that volume; empty when the volume is the home.
        home: The platform's home where the Hub runs; in the pod everything lies at the same place.
        project: Whose files.
        full: Whether they are only read, since the project is over its quota.
    """
    layout = Home(home)
    volumes = [{"name": "hops-files", "persistentVolumeClaim": {"claimName": claim}}]
    mounts: list[dict[str, Any]] = []
    for folder, read_only in ((layout.project(project), full), (layout.environment(project), True)):
        on_volume = PurePosixPath(path.strip("/")) / folder.relative_to(home)
        mount = {"name": "hops-files", "mountPath": str(folder), "subPath": str(on_volume)}
        mounts.append({**mount, "readOnly": True} if read_only else mount)
    return volumes, mounts


def folder_container(image: str, paths: list[str]) -> dict[str, Any]:
    """Copies the Secret into the folder before the start: the token there is renewed, a mounted Secret can't be."""
    folders = dict.fromkeys([*FOLDERS, HOME, *(path.rpartition("/")[0] for path in paths if "/" in path)])
    lines = [f"mkdir -p -m 700 {SERVER_FOLDER / folder}" for folder in folders]
    for path in paths:
        target = SERVER_FOLDER / path
        lines.append(f"cp -L {SECRET_FOLDER / path} {target}")
        lines.append(f"chmod 600 {target}")
    return {
        "name": "server-folder",
        "image": image,
        "command": ["/bin/sh", "-c", "set -e; umask 077; " + "; ".join(lines)],
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [
            {"name": "hops-secret", "mountPath": str(SECRET_FOLDER), "readOnly": True},
            {"name": "hops-server", "mountPath": str(SERVER_FOLDER)},
        ],
    }


def hub_variables(public_url: str, user: str) -> dict[str, str]:
    """Where a pod reaches the Hub: at the site's address, with its TLS. The Hub itself listens on loopback alone."""
    api = f"{public_url.rstrip('/')}/hub/api"
    return {"JUPYTERHUB_API_URL": api, "JUPYTERHUB_ACTIVITY_URL": f"{api}/users/{user}/activity"}


class HopsKubeSpawner(HopsSpawnerMixin, KubeSpawner):
    """Starts a pod for one project-user, with the resources that the control plane granted."""

    # Traits of KubeSpawner, which is published without types.
    extra_labels: Any
    init_containers: Any
    node_selector: Any
    volume_mounts: Any
    volumes: Any

    _told: tuple[str, ...] = ()  # of the pod's events, in words

    notebook_memory_mib = Integer(1024, min=256, help="Memory of the notebook server itself, in MiB.").tag(config=True)
    gpu_node_label = Unicode(
        "nvidia.com/gpu.product", help="Label of nodes whose value the option 'GPU label' asks for."
    ).tag(config=True)
    home = Unicode(help="The platform's home (HOPS_HOME).").tag(config=True)
    files_claim = Unicode(help="PersistentVolumeClaim on which the platform's home lies.").tag(config=True)
    files_path = Unicode(help="Folder of the home on that volume; empty when the volume is the home.").tag(config=True)
    public_url = Unicode(help="The site's address, by which pods reach the Hub through its proxy.").tag(config=True)
    pod_timeout = Integer(600, min=1, help="Seconds that a pod may take until its container runs.").tag(config=True)

    @default("start_timeout")
    def _longer_than_every_step(self) -> int:
        # KubeSpawner would wait for a pod as long as for the whole start; the limit of the pod comes first.
        return int(self.environment_timeout) + int(self.pod_timeout) + 300

    @default("cmd")
    def _jupyter_of_the_image(self) -> list[str]:
        return ["jupyterhub-singleuser"]

    @default("pod_name_template")
    def _named_after_project_and_user(self) -> str:
        return "jupyter-{servername}--{username}"

    @default("allow_privilege_escalation")
    def _no_more_rights_later(self) -> bool:
        return False

    @default("automount_service_account_token")
    def _nothing_of_the_cluster(self) -> bool:
        return False

    @default("storage_pvc_ensure")
    def _files_are_the_projects(self) -> bool:
        return False

    @property
    def server_secret_name(self) -> str:
        """Name of the Secret with the server's files; not that of KubeSpawner's own for certificates."""
        return f"{self.pod_name}-hops"

    async def load_user_options(self) -> None:
        """Nothing: the options are those of the grant, not profiles of KubeSpawner."""

    def get_env(self) -> dict[str, str]:
        """The server's variables."""
        if self.granted is None:
            raise RuntimeError("A server without a grant has no variables.")
        hub = hub_variables(self.public_url, self.user.name)
        return server_environment(
            super().get_env() | hub, self.granted.config, SERVER_FOLDER, home=SERVER_FOLDER / HOME
        )

    async def prepare(self, grant: ServerGrant) -> None:
        """Set what the pod is made of, and make its Secret."""
        self._told = ()
        self.apply_grant(grant)
        secret = server_secret(self.server_secret_name, grant)
        await self._delete_secret()
        await self.api.create_namespaced_secret(self.namespace, secret)

    def apply_grant(self, grant: ServerGrant) -> None:
        """Set the traits from which KubeSpawner builds the pod."""
        config = grant.config
        for trait, value in pod_resources(config.options, notebook_memory_mib=self.notebook_memory_mib).items():
            setattr(self, trait, value)
        self.extra_labels = {**self.extra_labels, **pod_labels(config)}
        if config.options.gpu_label is not None:
            self.node_selector = {**self.node_selector, self.gpu_node_label: config.options.gpu_label}
        paths = sorted(server_files(grant))
        volumes, mounts = pod_volumes(self.server_secret_name, paths)
        shared, shared_mounts = file_volumes(
            self.files_claim, path=self.files_path, home=Path(self.home), project=config.project, full=config.full
        )
        volumes, mounts = [*volumes, *shared], [*mounts, *shared_mounts]
        self.volumes = [*self._sorted_dict_values(self.volumes), *volumes]
        self.volume_mounts = [*self._sorted_dict_values(self.volume_mounts), *mounts]
        self.init_containers = [*self._sorted_dict_values(self.init_containers), folder_container(self.image, paths)]

    async def get_pod_manifest(self) -> Any:
        """The pod, which runs once: another run would begin in the folder as the last one's code has left it."""
        pod = await super().get_pod_manifest()
        pod.spec.restart_policy = "Never"
        return pod

    async def launch(self) -> Any:
        """Start the pod; what the cluster says of it stands among the steps of the start.

        Raises:
            StartRefusedError: The pod did not run in time.
        """
        watching = asyncio.ensure_future(self._tell_events())
        try:
            async with asyncio.timeout(self.pod_timeout) as limit:
                return await super().launch()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise late_pod(self.pod_timeout, self.events) from error
        finally:
            watching.cancel()
            self._tell_new_events()

    def explain(self, error: Exception) -> StartRefusedError | None:
        """See :meth:`HopsSpawnerMixin.explain`; the cluster's answers in words."""
        if isinstance(error, ApiException):
            return refused_by_cluster(error, said="\n".join(self._told))
        if isinstance(error, ClientError):  # before OSError, which some of them are
            return silent_cluster()
        return super().explain(error)

    def how_it_ended(self, status: int) -> Ending | None:
        """See :meth:`HopsSpawnerMixin.how_it_ended`; KubeSpawner's status is 1 also for a pod that is gone."""
        if status == 1:
            return Ending("Its pod ended, or the cluster took it away.", event_tail(self.events))
        return super().how_it_ended(status)

    async def _tell_events(self) -> None:
        while True:
            # Waits first: until KubeSpawner has marked where this start begins, events of an earlier pod stand there.
            await asyncio.sleep(EVENT_POLL_S)
            self._tell_new_events()

    def _tell_new_events(self) -> None:
        for words in map(event_in_words, self.events):
            if words not in self._told:  # the cluster repeats itself for as long as something lasts
                self.say(min(_FIRST_EVENT + len(self._told), _LAST_EVENT), words)
                self._told = (*self._told, words)

    async def clean(self) -> None:
        """Delete the Secret; the folder is gone with the pod."""
        if self.name:
            await self._delete_secret()

    async def _delete_secret(self) -> None:
        try:
            await self.api.delete_namespaced_secret(self.server_secret_name, self.namespace)
        except ApiException as error:
            if error.status != _GONE:
                raise
