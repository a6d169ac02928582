"""Crowds of requests: only so many are worked on at the same moment, and no caller has all their places.

Laws, each with a test in ``tests/unit/contract/test_crowds.py``:

1. Never more are worked on than there are places, and never more of one caller than their share.
2. Callers that wait take turns, so one with a hundred requests keeps another with one waiting for one request's time.
3. Nobody waits longer than the patience: then the request is refused, and nothing of it was begun.
4. A request needs its place until its answer begins, or until it steps aside: what is held open takes nobody's place.
5. Where a line is full, who has waited longest in it is refused, not who comes: nobody shuts a line by filling it.
6. All lines together are bounded as well; then it is the longest of them that one is refused from.
7. What a request costs here does not grow with the number of callers that wait.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from hops_contract.bodies import App, Message, Receive, Scope, Send

STEP_ASIDE = "hops.step_aside"
"""In a request's scope: a function without arguments, for any thread, that gives the request's place to others."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who makes a request.

    Attributes:
        name: Tells callers apart. There must be no more names than callers, or whoever makes up names has a share for
            each.
        trusted: Whether it is a part of the platform, which others' requests wait for: it has places of its own.
        proven: Whether the request shows who makes it. Else the name is one of a few for everybody who shows nothing.
    """

    name: str
    trusted: bool = False
    proven: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many requests are worked on at the same moment.

    Attributes:
        at_once: In all, but for those of trusted callers.
        of_one: Of one caller among them.
        of_unproven: Of one that is not proven. With all names of such callers it leaves places to the others.
        trusted: Of trusted callers, beside the others.
        in_line: How many of one caller may wait.
        in_lines: How many may wait in all, trusted callers and others apart.
    """

    at_once: int
    of_one: int
    of_unproven: int
    trusted: int
    in_line: int
    in_lines: int

    def of(self, who: Who) -> int:
        """The share of one caller."""
        if who.trusted:
            return self.trusted
        return self.of_one if who.proven else self.of_unproven


class Crowd:
    """ASGI middleware: lets requests in as there are places.

    Args:
        app: What it surrounds.
        shares: How many places there are.
        patience_s: Seconds that a request waits for a place.
        who: Tells who makes a request; ``None`` for one that needs no place, because any number of its kind cost no
            more than one. It decides about waiting and nothing else.
        refuse: Makes the answer for one that has waited in vain, or that a line has no room for.
    """

    def __init__(
        self,
        app: App,
        *,
        shares: Shares,
        patience_s: float,
        who: Callable[[Scope], Who | None],
        refuse: Callable[[Scope], App],
    ) -> None:
        self._app = app
        self._patience_s = patience_s
        self._who = who
        self._refuse = refuse
        self._trusted = _Places(shares.trusted, shares)
        self._others = _Places(shares.at_once, shares)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        who = self._who(scope) if scope["type"] == "http" else None
        if who is None:
            await self._app(scope, receive, send)
            return
        places = self._trusted if who.trusted else self._others
        if not await places.take(who, self._patience_s):
            await self._refuse(scope)(scope, receive, send)
            return
        loop, leaves = asyncio.get_running_loop(), [who]

        def leave() -> None:
            if leaves:
                places.give_back(leaves.pop())

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


_Turn = asyncio.Future[bool]
"""Whether one that waits has come to its place; done with ``False`` where it was refused."""


class _Places:
    """The places that callers compete for, and the lines before them.

    While one is free, nobody waits who may have it: who gives one back hands it on.
    """

    def __init__(self, at_once: int, shares: Shares) -> None:
        self._free = at_once
        self._shares = shares
        self._taken: Counter[Who] = Counter()
        # Ordered ones, since a plain dict grows slow when its first is taken out again and again.
        self._lines: dict[Who, OrderedDict[_Turn, None]] = {}
        self._waiting = 0
        # Those with a line who have not all of their share, in the order in which they get the next place.
        self._next: OrderedDict[Who, None] = OrderedDict()

    async def take(self, who: Who, patience_s: float) -> bool:
        if self._free and self._has_share_left(who):
            self._occupy(who)
            return True
        if not self._make_room(who):
            return False
        turn = self._stand_in_line(who)
        try:
            await asyncio.wait([turn], timeout=patience_s)
        except asyncio.CancelledError:
            if not turn.done():
                self._withdraw(who, turn)
            elif turn.result():
                self.give_back(who)
            raise
        if not turn.done():
            self._withdraw(who, turn)
            return False
        return turn.result()

    def give_back(self, who: Who) -> None:
        self._free += 1
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]
        if who in self._lines:
            self._next.setdefault(who, None)
        self._serve()

    def _has_share_left(self, who: Who) -> bool:
        return self._taken[who] < self._shares.of(who)

    def _occupy(self, who: Who) -> None:
        self._free -= 1
        self._taken[who] += 1

    def _serve(self) -> None:
        while self._free and self._next:
            who, _ = self._next.popitem(last=False)
            turn = next(iter(self._lines[who]))
            self._withdraw(who, turn)
            self._occupy(who)
            turn.set_result(True)
            if who in self._lines and self._has_share_left(who):
                self._next[who] = None

    def _make_room(self, who: Who) -> bool:
        if not self._shares.in_line or not self._shares.in_lines:
            return False
        if len(self._lines.get(who, ())) >= self._shares.in_line:
            self._refuse_oldest(who)
        elif self._waiting >= self._shares.in_lines:
            self._refuse_oldest(max(self._lines, key=lambda one: len(self._lines[one])))
        return True

    def _stand_in_line(self, who: Who) -> _Turn:
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(who, OrderedDict())[turn] = None
        self._waiting += 1
        if self._has_share_left(who):
            self._next.setdefault(who, None)
        return turn

    def _refuse_oldest(self, who: Who) -> None:
        turn = next(iter(self._lines[who]))
        self._withdraw(who, turn)
        turn.set_result(False)

    def _withdraw(self, who: Who, turn: _Turn) -> None:
        line = self._lines[who]
        del line[turn]
        self._waiting -= 1
        if not line:
            del self._lines[who]
            self._next.pop(who, None)
