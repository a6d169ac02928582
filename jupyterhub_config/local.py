"""Profile ``local``: notebook servers are processes of this machine."""

from collections.abc import Callable
from typing import Any

from jupyterhub_config.settings import SiteSettings

get_config: Callable[[], Any]  # given by JupyterHub, which executes this file

c = get_config()
settings = SiteSettings()

c.JupyterHub.spawner_class = "hops_spawner.local.HopsLocalSpawner"
c.HopsLocalSpawner.home = str(settings.layout.root)
c.HopsLocalSpawner.answer_timeout = settings.answer_timeout_s
