"""Ends the process when there is no session service for long: nobody would ever end it."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
import time
from typing import Any

_LOOK_S = 15.0


def watch(launch: dict[str, Any]) -> None:
    """Looks every now and then, in a thread, whether a service holds its lock."""
    threading.Thread(
        target=_watch,
        args=(launch["service_alive"], float(launch["deserted_s"])),
        name="hops-service-watch",
        daemon=True,
    ).start()


def _watch(lock: str, patience_s: float) -> None:
    seen = time.monotonic()
    while True:
        time.sleep(min(_LOOK_S, patience_s / 2))
        if held(lock):
            seen = time.monotonic()
        elif time.monotonic() - seen > patience_s:
            sys.stderr.write("The session service has been gone for too long; the session ends.\n")
            sys.stderr.flush()
            # The Java machine ends when its input closes, and the executors with it.
            os._exit(3)


def held(lock: str) -> bool:
    """Whether some process holds the file ``lock`` exclusively."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(descriptor)
