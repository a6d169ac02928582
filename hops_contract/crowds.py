"""Crowds of requests: only so many are worked on at the same moment, and no caller has all their places.

Laws, each with a test in ``tests/unit/contract/test_crowds.py``:

1. Never more are worked on than there are places, and never more of one caller than their share.
2. Callers that wait take turns, so one with a hundred requests keeps another with one waiting for one request's time.
3. Nobody waits longer than the patience: then the request is refused, and nothing of it was begun.
4. A request needs its place until its answer begins, or until it steps aside: what is held open takes nobody's place.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from hops_contract.bodies import App, Message, Receive, Scope, Send

STEP_ASIDE = "hops.step_aside"
"""In a request's scope: a function without arguments, for any thread, that gives the request's place to others."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who makes a request.

    Attributes:
        name: Tells callers apart.
        trusted: Whether it is a part of the platform, which others' requests wait for: it has places of its own.
    """

    name: str
    trusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many requests are worked on at the same moment.

    Attributes:
        at_once: In all, but for those of trusted callers.
        of_one: Of one caller among them.
        trusted: Of trusted callers, beside the others.
        in_line: How many of one caller may wait.
    """

    at_once: int
    of_one: int
    trusted: int
    in_line: int


class Crowd:
    """ASGI middleware: lets requests in as there are places.

    Args:
        app: What it surrounds.
        shares: How many places there are.
        patience_s: Seconds that a request waits for a place.
        who: Tells who makes a request. It need not be proven: it decides about waiting and nothing else.
        refuse: Makes the answer for one that has waited in vain, or that finds too many of its caller's in line.
    """

    def __init__(
        self,
        app: App,
        *,
        shares: Shares,
        patience_s: float,
        who: Callable[[Scope], Who],
        refuse: Callable[[Scope], App],
    ) -> None:
        self._app = app
        self._patience_s = patience_s
        self._who = who
        self._refuse = refuse
        self._places = _Places(shares)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        who = self._who(scope)
        if not await self._places.take(who, self._patience_s):
            await self._refuse(scope)(scope, receive, send)
            return
        loop, leaves = asyncio.get_running_loop(), [who]

        def leave() -> None:
            if leaves:
                self._places.give_back(leaves.pop())

        async def watch(message: Message) -> None:
            # How fast the answer is read is up to its reader.
            if message["type"] == "http.response.start":
                leave()
            await send(message)

        scope[STEP_ASIDE] = lambda: loop.call_soon_threadsafe(leave)
        try:
            await self._app(scope, receive, watch)
        finally:
            leave()


class _Places:
    """The places, and the lines before them."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._taken: Counter[Who] = Counter()
        # In the order in which callers get the next place; a dict keeps it.
        self._lines: dict[Who, deque[asyncio.Future[None]]] = {}

    async def take(self, who: Who, patience_s: float) -> bool:
        if self._free(who):
            # Nobody who might have it waits: whenever one is given back, they are served.
            self._taken[who] += 1
            return True
        if len(self._lines.get(who, ())) >= self._shares.in_line:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(who, deque()).append(turn)
        try:
            await asyncio.wait([turn], timeout=patience_s)
        except asyncio.CancelledError:
            if turn.done():
                self.give_back(who)
            else:
                self._withdraw(who, turn)
            raise
        if not turn.done():
            self._withdraw(who, turn)
        return turn.done()

    def give_back(self, who: Who) -> None:
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]
        self._serve()

    def _free(self, who: Who) -> bool:
        if who.trusted:
            return self._all(trusted=True) < self._shares.trusted
        return self._taken[who] < self._shares.of_one and self._all(trusted=False) < self._shares.at_once

    def _all(self, *, trusted: bool) -> int:
        return sum(number for who, number in self._taken.items() if who.trusted is trusted)

    def _serve(self) -> None:
        while (who := next(filter(self._free, self._lines), None)) is not None:
            line = self._lines.pop(who)
            self._taken[who] += 1
            line.popleft().set_result(None)
            if line:
                self._lines[who] = line

    def _withdraw(self, who: Who, turn: asyncio.Future[None]) -> None:
        line = self._lines[who]
        line.remove(turn)
        if not line:
            del self._lines[who]
