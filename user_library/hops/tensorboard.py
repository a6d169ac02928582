"""TensorBoard over the runs of an experiment.

In a training function, :func:`logdir` is where events go. In the notebook, :func:`visualize` shows one TensorBoard over
all trials.
"""

from __future__ import annotations

import html
import os
import sys
import time
from typing import Any
from urllib.parse import quote

from hops import _session
from hops._storage import Location, locate, project_root

__all__ = ["logdir", "visualize"]

MIME_TYPE = "application/vnd.hops.tensorboard+json"
LOGDIR_VARIABLE = "TENSORBOARD_LOGDIR"
OPEN_ROUTE = "hops/tensorboards:open"


def logdir() -> str:
    """Folder that a training function writes its events to.

    In a trial it is the trial's own. In the notebook it is a folder of this session below ``Experiments``, so that a
    model can be tried there first with the same code.

    Raises:
        RuntimeError: It is called in a notebook whose project lies on HDFS, or whose kernel has no Spark.

    Example:
        >>> model.fit(x, y, callbacks=[keras.callbacks.TensorBoard(tensorboard.logdir())])
    """
    given = os.environ.get(LOGDIR_VARIABLE)
    if given:
        return given
    folder = locate(f"Experiments/{_application()}_notebook")
    if not folder.is_local:
        raise RuntimeError(
            "On HDFS, tensorboard.logdir() works inside a training function. Run it with experiment.launch."
        )
    folder.make_folder()
    return folder.path


def visualize(spark_or_logdir: Any, hdfs_root_logdir: str | None = None) -> None:
    """Shows a TensorBoard over everything below a folder, as a tab and as a link; returns at once.

    ``visualize(spark, logdir)`` works as well.

    Args:
        spark_or_logdir: The folder, or a result of :mod:`hops.experiment`; in the old shape, the Spark session.
        hdfs_root_logdir: In the old shape, the folder.

    Raises:
        FileNotFoundError: The folder is not there.
        ValueError: It does not lie in the project.

    Example:
        >>> result = experiment.grid_search(train, grid)
        >>> tensorboard.visualize(result)
    """
    chosen = spark_or_logdir if hdfs_root_logdir is None else hdfs_root_logdir
    folder = locate(getattr(chosen, "logdir", chosen))
    if not folder.filesystem.isdir(folder.path):
        raise FileNotFoundError(f"{folder} is no folder. Give the directory that experiment.launch returned.")
    bundle = display_bundle(_below_project(folder), _session.current().server_prefix, time.time())
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display

        display(bundle, raw=True)
    else:
        print(bundle["text/plain"])


def display_bundle(path: str, server_prefix: str, now: float) -> dict[str, Any]:
    """What a notebook displays for a TensorBoard.

    Args:
        path: The folder, seen from the project.
        server_prefix: Path of the notebook server in the browser, or an empty text.
        now: Seconds since the epoch; Lab opens the tab by itself only while this is recent.
    """
    title = path.rsplit("/", 1)[-1] or "project"
    bundle: dict[str, Any] = {
        MIME_TYPE: {"logdir": path, "title": title, "created": now},
        "text/plain": f"TensorBoard over {path}",
    }
    if server_prefix:
        address = f"{server_prefix.rstrip('/')}/{OPEN_ROUTE}?logdir={quote(path, safe='')}"
        bundle["text/plain"] += f": {address}"
        bundle["text/html"] = (
            f'<a href="{html.escape(address)}" target="_blank" rel="noopener">TensorBoard over {html.escape(path)}</a>'
        )
    else:
        bundle["text/html"] = f"TensorBoard over <code>{html.escape(path)}</code>"
    return bundle


def _below_project(folder: Location) -> str:
    root = project_root()
    inside = folder.prefix == root.prefix and f"{folder.path}/".startswith(f"{root.path}/")
    if not inside:
        raise ValueError(f"{folder} does not lie in the project. TensorBoard shows folders of the project.")
    return folder.path[len(root.path) + 1 :]


def _application() -> str:
    from hops.experiment.names import escape

    application = os.environ.get("HOPS_APP_ID")
    if not application:
        application = _session.spark_session().sparkContext.applicationId
    return escape(application)
