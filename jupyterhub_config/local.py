"""Profile ``local``: notebook servers are processes of this machine."""

from collections.abc import Callable
from typing import Any

from hops_contract.sandbox import chosen_program
from jupyterhub_config.settings import SiteSettings

get_config: Callable[[], Any]  # given by JupyterHub, which executes this file

c = get_config()
settings = SiteSettings()

c.JupyterHub.spawner_class = "hops_spawner.local.HopsLocalSpawner"
c.HopsLocalSpawner.home = str(settings.layout.root)
c.HopsLocalSpawner.sandbox = chosen_program(settings.sandbox) or ""
c.HopsLocalSpawner.sandbox_reads = [path for path in map(str.strip, settings.sandbox_reads.split(",")) if path]
c.HopsLocalSpawner.answer_timeout = settings.answer_timeout_s
