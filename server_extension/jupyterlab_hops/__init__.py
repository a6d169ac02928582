"""The Jupyter server extension of HopsLab: a thin, authenticated way from Lab to the control plane.

Importing it must stay cheap: every notebook server does, and its start is measured (``bench/server_start.py``).
"""

from __future__ import annotations

__version__ = "0.1.0"
NAME = "jupyterlab_hops"
LABEXTENSION = "jupyterlab-hops"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": LABEXTENSION}]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from jupyterlab_hops.extension import HopsExtension  # noqa: PLC0415 - Lab's build asks for the paths alone

    return [{"module": NAME, "app": HopsExtension}]
