"""Profile ``local``: notebook servers are processes of this machine."""

from collections.abc import Callable
from typing import Any

from hops_contract.sandbox import chosen_program, read_paths
from jupyterhub_config.settings import SiteSettings

get_config: Callable[[], Any]  # given by JupyterHub, which executes this file

c = get_config()
settings = SiteSettings()

c.JupyterHub.spawner_class = "hops_spawner.local.HopsLocalSpawner"
c.HopsLocalSpawner.home = str(settings.layout.root)
c.HopsLocalSpawner.sandbox = chosen_program(settings.sandbox) or ""
c.HopsLocalSpawner.sandbox_reads = [str(path) for path in read_paths(settings.sandbox_reads)]
c.HopsLocalSpawner.sandbox_reaches = settings.sandbox_reaches
c.HopsLocalSpawner.kafka = settings.kafka
c.HopsLocalSpawner.sandbox_processes = settings.sandbox_processes
if settings.server_memory_mib is not None:
    c.HopsLocalSpawner.sandbox_memory_mib = settings.server_memory_mib
c.HopsLocalSpawner.answer_timeout = settings.answer_timeout_s
