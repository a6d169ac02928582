"""The process of a batch: runs one Python file as ``spark-submit`` would."""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any

from .jvm import Jvm, JvmEndedError


def run(launch: dict[str, Any], jvm: Jvm) -> None:
    """Runs the file; its exit status is this process's."""
    try:
        jvm.connect()
    except JvmEndedError as error:
        jvm.status.tell("failed", reason=str(error), jvm_code=error.code)
        sys.exit(1)
    jvm.status.tell("ready")
    sys.argv = [launch["file"], *launch["arguments"]]
    sys.path[:0] = [os.path.dirname(launch["file"]), *launch["python_files"]]  # noqa: PTH120
    code = 1
    try:
        runpy.run_path(launch["file"], run_name="__main__")
        code = 0
    except SystemExit as ending:
        code = _status_of(ending)
        raise
    finally:
        # Who did not start this process can't ask the system for its exit status.
        jvm.status.tell("exited", code=code)


def _status_of(ending: SystemExit) -> int:
    if ending.code is None:
        return 0
    return ending.code if isinstance(ending.code, int) else 1
