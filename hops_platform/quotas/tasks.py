"""Counting a project's files soon, because much of them has gone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hops_platform.errors import PlatformError
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.quotas.counting import count
from hops_platform.quotas.holding import hold_full
from hops_platform.quotas.service import COUNT_STORAGE


def count_storage(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Counts the files of a project; one that is gone has none."""
    count(parts.database, parts.engines, uuid.UUID(payload["project_id"]))
    with suppress(PlatformError):  # it is done again in a moment
        hold_full(parts)


TASKS: Mapping[Task, Handler[Parts]] = {COUNT_STORAGE: count_storage}
