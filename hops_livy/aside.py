"""Work that takes long is done beside the service's one loop, which serves everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")
# Of their own, so that nothing else waits for it; few, since each may hold a statement's whole output as objects.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="aside")


async def aside(work: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
    """What ``work`` gives, done in one of two threads; who comes later waits for them."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: work(*given, **named))
