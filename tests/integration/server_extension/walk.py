"""Prints the routes of a notebook server as a site starts it, one JSON list of pattern, module and class a line.

Run by ``test_rights.py`` in a process of its own: Jupyter's applications are made once a process.
"""

from __future__ import annotations

import json
import sys

from jupyterhub.singleuser.extension import JupyterHubSingleUser


def routes_below(router):
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from routes_below(rule.target)
        else:
            yield rule.matcher.regex.pattern, rule.target


server = JupyterHubSingleUser.initialize_server(argv=[])
for pattern, target in routes_below(server.web_app.default_router):
    sys.stdout.write(json.dumps(["route", pattern, target.__module__, target.__qualname__]) + "\n")
