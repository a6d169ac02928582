"""Work with files that can take long: in threads of its own, and only so much of it at the same moment.

Where it ran in the threads that serve all requests, some people's large files would hold up everybody's small calls.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from hops_platform.engines.leave import Leave
from hops_platform.places import Places

AT_ONCE = 48
"""Uploads, downloads and copies of all people together; most of the time each waits for its network."""
OF_ONE_PERSON = 6
"""As many as a browser opens to one place."""
_THREADS = 8
_COPIES_AT_ONCE = 4
COPIES_OF_PROJECT = 2
"""So that the copies and slow moves of one project leave threads to others, whoever asks for them."""
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
        self.copies = LongWork(_COPIES_AT_ONCE, of_one=1, name="copy", of_project=COPIES_OF_PROJECT)
        self.finishes = LongWork(_FINISHES_AT_ONCE, of_one=2, name="finish")

    async def run(self, work: Callable[Given, Told], *given: Given.args, **named: Given.kwargs) -> Told:
        """What ``work`` returns: some bytes to read or to write."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*given, **named))

    def close(self) -> None:
        """Ends the threads when their work is done."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for work in (self.copies, self.finishes):
            work.close()


@dataclass(slots=True, eq=False)
class _Piece:
    """Work that was asked for and is not done.

    Attributes:
        person: For whom.
        project: The project that it was asked for in.
        turn: Is done when its turn has come; nobody need wait for it.
    """

    person: str
    project: str | None
    turn: asyncio.Future[None]
    begun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How far the work of a project is, as one person sees it.

    Attributes:
        under_way: Pieces of the project that are being done.
        waiting: Pieces of it that wait for their turn.
        own_waiting: Those of them that are the person's.
        before: Pieces of the project that come before the first of these, and wait as well; ``None`` if none waits.
    """

    under_way: int
    waiting: int
    own_waiting: int
    before: int | None


class LongWork:
    """Threads for work with whole files. A person's pieces of it wait for one another, and so do a project's.

    Those that wait have their turn in the order in which they were asked for. One that waits for others of its person
    or of its project keeps nobody else from theirs.

    Called in the event loop alone.

    Args:
        threads: How many pieces are under way at the same moment.
        of_one: How many of them are one person's.
        name: Of the threads.
        of_project: How many of them are one project's; ``None``: any number.
    """

    def __init__(self, threads: int, *, of_one: int, name: str, of_project: int | None = None) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._at_once = threads
        self._of_one = of_one
        self._of_project = of_project
        self._pieces: list[_Piece] = []

    async def run(self, person: str, leave: Leave, work: Callable[[], Told], *, project: str | None = None) -> Told:
        """What ``work`` returns, done for ``person``, if there is still leave for it when its turn has come."""
        loop = asyncio.get_running_loop()
        piece = _Piece(person, project, loop.create_future())
        self._pieces.append(piece)
        try:
            await self._turn(piece)
            doing = loop.run_in_executor(self._threads, _begin, leave, work)
        except BaseException:
            self._leave(piece)
            raise
        # It is under way until it is done, also where nobody waits for it any more.
        doing.add_done_callback(lambda _done: self._leave(piece))
        return await asyncio.shield(doing)

    def line(self, person: str, project: str) -> Line:
        """How far the work of ``project`` is, for ``person``."""
        waiting = [piece.person for piece in self._pieces if piece.project == project and not piece.begun]
        under_way = sum(piece.begun for piece in self._pieces if piece.project == project)
        before = waiting.index(person) if person in waiting else None
        return Line(under_way=under_way, waiting=len(waiting), own_waiting=waiting.count(person), before=before)

    def close(self) -> None:
        """Ends the threads when their work is done."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, piece: _Piece) -> None:
        self._begin_what_may()
        await piece.turn

    def _leave(self, piece: _Piece) -> None:
        self._pieces.remove(piece)
        self._begin_what_may()

    def _begin_what_may(self) -> None:
        under_way = [piece for piece in self._pieces if piece.begun]
        persons = Counter(piece.person for piece in under_way)
        projects = Counter(piece.project for piece in under_way)
        for piece in self._pieces:
            if persons.total() == self._at_once:
                return
            if piece.begun or piece.turn.done() or persons[piece.person] >= self._of_one:
                continue
            if piece.project is not None and projects[piece.project] >= (self._of_project or self._at_once):
                continue
            piece.begun = True
            persons[piece.person] += 1
            projects[piece.project] += 1
            piece.turn.set_result(None)


def _begin(leave: Leave, work: Callable[[], Told]) -> Told:
    leave.check()
    return work()
