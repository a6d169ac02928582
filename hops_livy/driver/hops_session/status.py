"""Tells the session service how far the start has come: one JSON object a line, through an inherited pipe."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any


class Status:
    """The writing end of the status pipe.

    Args:
        descriptor: The inherited file descriptor. It is closed for every process that is started from here.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_inheritable(descriptor, False)

    def tell(self, stage: str, **details: Any) -> None:
        """Reports that ``stage`` has been reached. A service that has gone away is not an error here."""
        line = json.dumps({"stage": stage, **details}) + "\n"
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line.encode())
