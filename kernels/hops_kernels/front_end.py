"""What passes between a running cell and the front end that sent it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""As Jupyter's notebook format has it."""


def show_message(shell: Any, number: int, message_type: str, content: Mapping[str, Any]) -> None:
    """Passes a message of the session's output on to the notebook, as one of the running cell, which has ``number``."""
    kernel = shell.kernel
    message = dict(content)
    if message_type == "execute_result":
        message["execution_count"] = number
    kernel.send_response(kernel.iopub_socket, message_type, message)


def say(*lines: str) -> None:
    """Writes lines into the output of the running cell, before all that is shown after them."""
    sys.stdout.write("\n".join((*lines, "")))
    sys.stdout.flush()


def cell_id_of(kernel: Any) -> str | None:
    """The id that the front end told of the running cell, if it is one that can travel in a header."""
    cell_id = (kernel.get_parent().get("metadata") or {}).get("cellId")
    return cell_id if isinstance(cell_id, str) and _CELL_ID.fullmatch(cell_id) else None
