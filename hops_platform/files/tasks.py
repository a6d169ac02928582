"""What follows on the disk when the trash was emptied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hops_platform.database import now
from hops_platform.files.service import SWEEP_TRASH
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts

LEFT_BEHIND = timedelta(days=1)
"""What is half done and was not touched for so long, nobody goes on with."""


def sweep_trash(parts: Parts, payload: Mapping[str, Any]) -> None:  # noqa: ARG001 - what is there says it all
    """Removes what was given up."""
    parts.engines.files.sweep(before=now() - LEFT_BEHIND)


TASKS: Mapping[Task, Handler[Parts]] = {SWEEP_TRASH: sweep_trash}
