"""A HopsLab site: JupyterHub's configuration, made from the variables HOPS_….

Started by ``hopslab up``; by hand: ``python -m jupyterhub --config jupyterhub_config/jupyterhub_config.py``.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import jupyterhub.services.service
from pydantic import ValidationError
from traitlets import Integer

from hops_contract.descriptors import raise_descriptor_limit
from hops_contract.faults import told_by
from hops_contract.private_files import write_private
from hops_contract.realms import RealmsError, load_realms
from hops_spawner.proxy import proxy_command
from jupyterhub_config.services import SERVER_SCOPES, mutual_tls_url, roles, service_url, services
from jupyterhub_config.settings import (
    LOOPBACK,
    SOURCE,
    SiteSettings,
    choose_ports,
    find_proxy,
    secret,
    socket_folder,
)

# Given by JupyterHub, which executes this file.
get_config: Callable[[], Any]
load_subconfig: Callable[..., None]

c = get_config()

try:
    settings = SiteSettings()
    load_realms(settings.realms)
    proxy = find_proxy(settings)
except ValidationError as error:
    sys.exit("\n".join(told_by(error)))
except (FileNotFoundError, RealmsError) as error:
    sys.exit(str(error))

# Before anything is started: what the Hub starts has this limit too, the proxy with everybody's connections among it.
raise_descriptor_limit()
home = settings.layout
for folder in (home.root, home.run, home.logs, home.secrets):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
ports = choose_ports(("hub", "proxy", "hops", "livy", "mutual-tls"), home.run / "ports.json")

# Addresses. Only the proxy faces people, and pods too.
everywhere = settings.bind in {"0.0.0.0", "::"}  # noqa: S104 - compared; TLS was checked
c.JupyterHub.bind_url = f"https://:{settings.port}" if everywhere else settings.url
c.JupyterHub.hub_bind_url = f"http://{LOOPBACK}:{ports['hub']}"
c.JupyterHub.proxy_class = "hops_spawner.proxy.HopsProxy"
sockets = socket_folder(home)
c.HopsProxy.sockets = {
    c.JupyterHub.hub_bind_url: str(sockets / "hub.sock"),
    f"http://{LOOPBACK}:{ports['hops']}": str(sockets / "hops.sock"),
    f"http://{LOOPBACK}:{ports['livy']}": str(sockets / "livy.sock"),
}
c.ConfigurableHTTPProxy.command = proxy_command(proxy)
c.ConfigurableHTTPProxy.api_url = f"http://{LOOPBACK}:{ports['proxy']}"
c.ConfigurableHTTPProxy.auth_token = secret(home.secret("proxy-token"))
c.ConfigurableHTTPProxy.pid_file = str(home.run / "proxy.pid")
# A request to start a server is answered at once, so that the start page shows the steps from the first one.
tornado_settings: dict[str, Any] = {"slow_spawn_timeout": 1}
if settings.tls_cert and settings.tls_key:
    # JupyterHub marks its cookies of log-ins so by itself, this one not.
    tornado_settings["xsrf_cookie_kwargs"] = {"secure": True}
    c.JupyterHub.ssl_cert = str(settings.tls_cert)
    c.JupyterHub.ssl_key = str(settings.tls_key)
c.JupyterHub.tornado_settings = tornado_settings

# What the Hub keeps.
c.JupyterHub.db_url = f"sqlite:///{home.root / 'hub.db'}"
secret(home.secret("hub-cookie-secret"))
c.JupyterHub.cookie_secret_file = str(home.secret("hub-cookie-secret"))
secret(home.secret("hub-credential"))

# Who may come in.
c.JupyterHub.authenticator_class = "hops_spawner.authenticator.HopsAuthenticator"
for owner in (c.HopsAuthenticator, c.HopsSpawnerMixin):
    owner.control_plane_url = service_url(ports["hops"], "hops") + "/"
    owner.credential_file = str(home.secret("hub-credential"))

c.HopsAuthenticator.realms_file = str(settings.realms or "")
c.HopsAuthenticator.site_url = f"{(settings.public_url or settings.url).rstrip('/')}/hub/"

# Notebook servers: one for each project of a user; a killed Hub finds them again, a stopped one stops them.
c.JupyterHub.allow_named_servers = True
c.JupyterHub.named_server_limit_per_user = settings.servers_per_user
c.JupyterHub.cleanup_servers = True
c.JupyterHub.cleanup_proxy = True
c.HopsSpawnerMixin.environment_timeout = settings.environment_timeout_s
c.Spawner.server_token_scopes = SERVER_SCOPES
c.Spawner.poll_interval = 10
c.Spawner.http_timeout = settings.answer_timeout_s

# Services. JupyterHub (6.1) looks after them every 30 seconds, without a setting; a killed one shall come back at once.
jupyterhub.services.service._ServiceSpawner = type(  # noqa: SLF001
    "QuickServiceSpawner",
    (jupyterhub.services.service._ServiceSpawner,),  # noqa: SLF001
    {"poll_interval": Integer(2)},
)
c.JupyterHub.services = services(home, ports, os.environ, settings.public_url or settings.url, sockets=sockets)
c.JupyterHub.load_roles = roles()

# Pages.
c.JupyterHub.template_paths = [str(SOURCE / "jupyterhub_config" / "templates")]
c.JupyterHub.default_url = "/services/hops/"
c.JupyterHub.redirect_to_server = False

load_subconfig(f"{settings.profile}.py", path=str(SOURCE / "jupyterhub_config"))

write_private(
    home.run / "site.json",
    json.dumps(
        {
            "url": settings.url,
            "hub_api_url": f"http://{LOOPBACK}:{ports['hub']}/hub/api",
            "control_plane_url": service_url(ports["hops"], "hops") + "/",
            "mutual_tls_url": mutual_tls_url(ports["mutual-tls"], os.environ),
            "livy_url": service_url(ports["livy"], "livy"),
            "pid": os.getpid(),
        }
    ),
)
