"""Profile ``local``: notebook servers are processes of this machine."""

from jupyterhub_config.settings import SiteSettings

c = get_config()
settings = SiteSettings()

c.JupyterHub.spawner_class = "hops_spawner.local.HopsLocalSpawner"
c.HopsLocalSpawner.home = str(settings.layout.root)
c.HopsLocalSpawner.answer_timeout = settings.answer_timeout_s
