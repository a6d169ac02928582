"""Long work with files: whose pieces wait for whose."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from hops_platform.engines.leave import Leave, no_end
from hops_platform.errors import ForbiddenError
from hops_platform.transfers import Line, LongWork

PATIENCE_S = 60


class Pieces:
    """Pieces of work that last until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = threading.Event()
        self._begun = threading.Semaphore(0)

    def work(self, name: str) -> str:
        self.begun.append(name)
        self._begun.release()
        assert self.go.wait(PATIENCE_S)
        return name

    async def wait_for_begun(self, count: int) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self._begun.acquire, timeout=PATIENCE_S)


@pytest.fixture
def pieces() -> Pieces:
    return Pieces()


def run(main: Callable[[], object]) -> None:
    asyncio.run(asyncio.wait_for(main(), 2 * PATIENCE_S))  # type: ignore[arg-type]


def test_one_with_many_pieces_leaves_threads_to_others(pieces: Pieces) -> None:
    async def main() -> None:
        work = LongWork(2, of_one=1, name="t")
        many = [asyncio.ensure_future(work.run("ada", no_end(), partial(pieces.work, f"ada {n}"))) for n in range(10)]
        await pieces.wait_for_begun(1)
        bob = asyncio.ensure_future(work.run("bob", no_end(), partial(pieces.work, "bob")))
        await pieces.wait_for_begun(1)
        assert pieces.begun == ["ada 0", "bob"]
        pieces.go.set()
        assert await asyncio.gather(*many, bob) == [*(f"ada {n}" for n in range(10)), "bob"]
        assert not work._pieces

    run(main)


def test_a_projects_pieces_leave_threads_to_others_and_wait_in_the_order_of_asking(pieces: Pieces) -> None:
    async def main() -> None:
        work = LongWork(4, of_one=1, of_project=2, name="t")

        def ask(person: str, project: str) -> asyncio.Future[str]:
            doing = partial(pieces.work, f"{person} {project}")
            return asyncio.ensure_future(work.run(person, no_end(), doing, project=project))

        asked = [ask(name, "weather") for name in ("ada", "bob", "cy", "dan")]
        asked.append(ask("ada", "weather"))
        await pieces.wait_for_begun(2)
        assert pieces.begun == ["ada weather", "bob weather"]
        assert work.line("dan", "weather") == Line(under_way=2, waiting=3, own_waiting=1, before=1)
        assert work.line("ada", "weather").before == 2
        assert work.line("bob", "weather") == Line(under_way=2, waiting=3, own_waiting=0, before=None)
        asked += [ask(name, "tides") for name in ("eve", "fay")]
        await pieces.wait_for_begun(2)
        assert pieces.begun[2:] == ["eve tides", "fay tides"]
        assert work.line("eve", "tides") == Line(under_way=2, waiting=0, own_waiting=0, before=None)
        pieces.go.set()
        await asyncio.gather(*asked)
        assert sorted(pieces.begun[4:6]) == ["cy weather", "dan weather"]
        assert not work._pieces

    run(main)


def test_a_piece_that_fails_or_that_nobody_waits_for_gives_its_turn_back(pieces: Pieces) -> None:
    async def main() -> None:
        work = LongWork(2, of_one=1, name="t")
        with pytest.raises(ZeroDivisionError):
            await work.run("ada", no_end(), lambda: 1 // 0)
        first = asyncio.ensure_future(work.run("ada", no_end(), partial(pieces.work, "first")))
        await pieces.wait_for_begun(1)
        waiting = asyncio.ensure_future(work.run("ada", no_end(), partial(pieces.work, "waiting")))
        last = asyncio.ensure_future(work.run("ada", no_end(), partial(pieces.work, "last")))
        await asyncio.sleep(0)
        for one in (first, waiting):
            one.cancel()
        await asyncio.wait([first, waiting])
        assert pieces.begun == ["first"], "what is being done counts still"
        pieces.go.set()
        assert await last == "last"
        assert pieces.begun == ["first", "last"]
        assert not work._pieces

    run(main)


def test_a_piece_whose_leave_ended_while_it_waited_is_not_begun(pieces: Pieces) -> None:
    ended = threading.Event()

    def look() -> None:
        if ended.is_set():
            raise ForbiddenError("Ended.")

    async def main() -> None:
        work = LongWork(2, of_one=1, name="t")
        first = asyncio.ensure_future(work.run("ada", Leave(look), partial(pieces.work, "first")))
        await pieces.wait_for_begun(1)
        waiting = asyncio.ensure_future(work.run("ada", Leave(look), partial(pieces.work, "waiting")))
        await asyncio.sleep(0)
        ended.set()
        pieces.go.set()
        assert await first == "first"
        with pytest.raises(ForbiddenError):
            await waiting
        assert pieces.begun == ["first"]
        assert not work._pieces

    run(main)


@pytest.mark.parametrize(("every_s", "looks"), [(0.0, 4), (3600.0, 2)])
def test_it_is_looked_again_only_when_the_last_look_is_too_old(every_s: float, looks: int) -> None:
    looked: list[None] = []
    leave = Leave(lambda: looked.append(None), every_s=every_s)
    for _ in range(3):
        leave.check_at_times()
    leave.check()
    assert len(looked) == looks
