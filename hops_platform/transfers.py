"""Work with files that can take long: in threads of its own, and only so much of it at the same moment.

Where it ran in the threads that serve all requests, some people's large files would hold up everybody's small calls.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from hops_platform.engines.leave import Leave
from hops_platform.places import Places

AT_ONCE = 48
"""Uploads, downloads and copies of all people together; most of the time each waits for its network."""
OF_ONE_PERSON = 6
"""As many as a browser opens to one place."""
_THREADS = 8
_COPIES_AT_ONCE = 4
_FINISHES_AT_ONCE = 4

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
        # Apart, so that nobody's next bytes wait until somebody's folder is copied, and no upload's end either.
        self.copies = LongWork(_COPIES_AT_ONCE, of_one=1, name="copy")
        self.finishes = LongWork(_FINISHES_AT_ONCE, of_one=2, name="finish")

    async def run(self, work: Callable[Given, Told], *given: Given.args, **named: Given.kwargs) -> Told:
        """What ``work`` returns: some bytes to read or to write."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*given, **named))

    def close(self) -> None:
        """Ends the threads when their work is done."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for work in (self.copies, self.finishes):
            work.close()


class LongWork:
    """Threads for work with whole files. A person's pieces of it wait for one another, and only then for others'.

    Called in the event loop alone.

    Args:
        threads: How many pieces are under way at the same moment.
        of_one: How many of them are one person's.
        name: Of the threads.
    """

    def __init__(self, threads: int, *, of_one: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._of_one = of_one
        self._under_way: Counter[str] = Counter()
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    async def run(self, person: str, leave: Leave, work: Callable[[], Told]) -> Told:
        """What ``work`` returns, done for ``person``, if there is still leave for it when its turn has come."""
        await self._turn(person)
        loop = asyncio.get_running_loop()
        try:
            doing = loop.run_in_executor(self._threads, _begin, leave, work)
        except BaseException:
            self._leave(person)
            raise
        # It is under way until it is done, also where nobody waits for it any more.
        doing.add_done_callback(lambda _done: self._leave(person))
        return await asyncio.shield(doing)

    def close(self) -> None:
        """Ends the threads when their work is done."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, person: str) -> None:
        if self._under_way[person] < self._of_one:
            self._under_way[person] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(person, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(person)
            raise

    def _leave(self, person: str) -> None:
        line = self._lines.get(person, deque())
        while line:
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)  # whose place this is from now on
                break
        else:
            self._under_way[person] -= 1
            if not self._under_way[person]:
                del self._under_way[person]
        if not line:
            self._lines.pop(person, None)


def _begin(leave: Leave, work: Callable[[], Told]) -> Told:
    leave.check()
    return work()
