"""Runs in the project environment, as a script: one TensorBoard that ends with the notebook server that started it.

Its settings come in the environment, because other users of a machine can read a process's arguments, and the path
prefix is what keeps them from this TensorBoard's port. It writes its port to the file descriptor it is given.
"""

import ctypes
import json
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serves until it is told to end or its parent is gone."""
    settings = json.loads(os.environ.pop("HOPS_TENSORBOARD"))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != settings["parent"]:
        sys.exit("The notebook server is gone.")
    from tensorboard import default, program  # noqa: PLC0415 - after the parent is watched: the import takes seconds

    tensorboard = program.TensorBoard(default.get_plugins())
    tensorboard.configure(
        logdir=settings["logdir"],
        host="127.0.0.1",
        port=0,
        path_prefix=settings["path_prefix"],
        reload_interval=float(settings["reload_interval_s"]),
    )
    url = tensorboard.launch()
    port = int(url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[1])
    with os.fdopen(settings["report_to"], "w") as report:
        report.write(str(port))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Event().wait()


if __name__ == "__main__":
    main()
