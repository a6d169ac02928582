from __future__ import annotations

from pathlib import PurePosixPath

from hops_contract.servers import ServerGrant
from hops_spawner.environment import server_environment


def test_the_server_gets_the_hubs_variables_its_own_and_nothing_else(grant: ServerGrant) -> None:
    hub = {
        "JUPYTERHUB_API_TOKEN": "t",
        "JPY_API_TOKEN": "t",
        "JUPYTERHUB_ADMIN_ACCESS": "1",
        "CONFIGPROXY_AUTH_TOKEN": "secret",
        "HOPS_DATABASE_URL": "postgresql://u:secret@db",
        "PATH": "/platform/bin",
        "PYTHONPATH": "/platform",
    }
    assert server_environment(hub, grant.config, PurePosixPath("/s"), home=PurePosixPath("/h")) == {
        "HOME": "/h",
        "HOPS_CERTIFICATES": "/s/certificates",
        "HOPS_SERVER_FOLDER": "/s",
        "IPYTHONDIR": "/s/ipython",
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_DEFAULT_URL": "/lab/tree/Jupyter",
        "JUPYTERHUB_ROOT_DIR": "/home/hops/projects/weather",
        "JUPYTERLAB_SETTINGS_DIR": "/h/.jupyter/lab/user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": "/h/.jupyter/lab/workspaces",
        "JUPYTER_CONFIG_DIR": "/s/config",
        "JUPYTER_DATA_DIR": "/s/data",
        "JUPYTER_PATH": "/s",
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_RUNTIME_DIR": "/s/runtime",
        "LANG": "C.UTF-8",
        "PATH": "/home/hops/environments/projects/weather/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONNOUSERSITE": "1",
        "SHELL": "/bin/bash",
        "USER": "ada",
    }
