"""Profile ``kubernetes``: notebook servers are pods; the Hub's own parts run where the Hub runs."""

from collections.abc import Callable
from typing import Any

from jupyterhub_config.settings import SiteSettings

get_config: Callable[[], Any]  # given by JupyterHub, which executes this file

c = get_config()
settings = SiteSettings()

c.JupyterHub.spawner_class = "hops_spawner.kubernetes.HopsKubeSpawner"
c.HopsKubeSpawner.image = settings.server_image
c.HopsKubeSpawner.namespace = settings.namespace
c.HopsKubeSpawner.home = str(settings.layout.root)
c.HopsKubeSpawner.files_claim = settings.files_claim
c.HopsKubeSpawner.files_path = settings.files_path
c.HopsKubeSpawner.public_url = settings.public_url
c.HopsKubeSpawner.pod_timeout = settings.pod_timeout_s
