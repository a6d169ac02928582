"""Kubernetes: ``k8s://https://host:port``, executors as pods of one namespace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hops_livy.engines.drivers import DriverRequest, Shape
from hops_livy.masters.master import Paths, executor_properties, need_gpu_script

_VENDOR = "nvidia.com"
_OF_THE_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""What a pod is given to call the API with."""
_VOLUME = "spark.kubernetes.executor.volumes.persistentVolumeClaim"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesMaster:
    """See :class:`~hops_livy.masters.master.Master`.

    Attributes:
        url: ``k8s://`` and the address of the cluster's API.
        namespace: Where executors run.
        image: Container image with this Spark and the environment's Python.
        service_account: Service account of executors' pods.
        token_file: File with the token that drivers make pods with; default: what the pod of this service has.
        authority_file: PEM file with the API's authority; the same default.
        gpu_node_label: Label of nodes whose value the option *GPU label* asks for.
        gpu_script: Program in the image that tells a pod's GPUs.
        files_claim: PersistentVolumeClaim on which the platform's home lies.
        files_path: Folder of the home on that volume.
        home: The platform's home.
    """

    url: str
    driver_host: str
    namespace: str
    image: str
    service_account: str
    token_file: Path | None = None
    authority_file: Path | None = None
    gpu_node_label: str = "nvidia.com/gpu.product"
    gpu_script: str | None = None
    files_claim: str | None = None
    files_path: str = ""
    home: Path
    python: Path | None = None

    def refuse(self, shape: Shape) -> None:
        """See :class:`~hops_livy.masters.master.Master`."""
        need_gpu_script(shape, self.gpu_script)

    def properties(self, request: DriverRequest, paths: Paths) -> dict[str, str]:
        """See :class:`~hops_livy.masters.master.Master`."""
        shape = request.shape
        properties = executor_properties(request, own_python=self.python is None) | {
            "spark.master": self.url,
            "spark.kubernetes.namespace": self.namespace,
            "spark.kubernetes.container.image": self.image,
            "spark.kubernetes.authenticate.executor.serviceAccountName": self.service_account,
            "spark.kubernetes.executor.label.hopslab-application": request.application,
            "spark.kubernetes.executor.limit.cores": str(shape.executor_cores),
        }
        if self.token_file is not None:
            properties["spark.kubernetes.authenticate.oauthTokenFile"] = str(self.token_file)
        if self.authority_file is not None:
            properties["spark.kubernetes.authenticate.caCertFile"] = str(self.authority_file)
        if shape.gpus_per_executor:
            # Spark makes the pod's limit of vendor and kind: nvidia.com/gpu.
            properties |= {
                "spark.executor.resource.gpu.vendor": _VENDOR,
                "spark.executor.resource.gpu.discoveryScript": str(self.gpu_script),
            }
        if shape.gpu_label is not None:
            properties[f"spark.kubernetes.executor.node.selector.{self.gpu_node_label}"] = shape.gpu_label
        if self.files_claim is not None:
            properties |= self._volume("project", paths.project_folder, self.files_claim, read_only=request.full)
            properties |= self._volume("environment", paths.environment, self.files_claim, read_only=True)
        return properties

    def java_environment(self, paths: Paths) -> dict[str, str]:  # noqa: ARG002 - the port's
        """See :class:`~hops_livy.masters.master.Master`."""
        return {}

    def class_path(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        return ()

    def reads(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        files = (self.token_file, self.authority_file)
        named = tuple(_seen(file) for file in files if file is not None)
        return (*named, _OF_THE_POD) if None in files else named

    def writes(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        return ()

    def _volume(self, name: str, path: Path, claim: str, *, read_only: bool) -> dict[str, str]:
        # The folders of one project alone, at the paths that they have here.
        below = Path(self.files_path) / path.relative_to(self.home)
        return {
            f"{_VOLUME}.{name}.options.claimName": claim,
            f"{_VOLUME}.{name}.mount.path": str(path),
            f"{_VOLUME}.{name}.mount.subPath": str(below),
            f"{_VOLUME}.{name}.mount.readOnly": str(read_only).lower(),
        }


def _seen(file: Path) -> Path:
    # Kubernetes renews a pod's token by changing where a link leads.
    return file.parent if file.is_symlink() else file
