"""Work with files that can take long: in threads of its own, and only so much of it at the same moment.

Where it ran in the threads that serve all requests, some people's large files would hold up everybody's small calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from hops_platform.places import Places

AT_ONCE = 48
"""Uploads, downloads and copies of all people together; most of the time each waits for its network."""
OF_ONE_PERSON = 6
"""As many as a browser opens to one place."""
_THREADS = 8
_THREADS_OF_LONG_WORK = 4

Told = TypeVar("Told")
Given = ParamSpec("Given")


class Transfers:
    """The places, and the threads."""

    def __init__(self) -> None:
        self.places = Places(
            at_once=AT_ONCE,
            of_one=OF_ONE_PERSON,
            calls="uploads, downloads and copies",
            pages="Wait until one of them has ended",
            crowded="Too many files are on their way at this moment.",
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="transfer")
        # Apart, so that nobody's next bytes wait until somebody's folder is copied.
        self._long = ThreadPoolExecutor(_THREADS_OF_LONG_WORK, thread_name_prefix="transfer-long")

    async def run(self, work: Callable[Given, Told], *given: Given.args, **named: Given.kwargs) -> Told:
        """What ``work`` returns: some bytes to read or to write."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*given, **named))

    async def run_long(self, work: Callable[Given, Told], *given: Given.args, **named: Given.kwargs) -> Told:
        """What ``work`` returns: whole files to read or to copy."""
        return await asyncio.get_running_loop().run_in_executor(self._long, lambda: work(*given, **named))

    def close(self) -> None:
        """Ends the threads when their work is done."""
        for threads in (self._threads, self._long):
            threads.shutdown(wait=False, cancel_futures=True)
