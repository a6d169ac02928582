"""What the tests themselves wait by."""

from __future__ import annotations

import asyncio

import pytest

from tests.ports import free_port
from tests.waiting import TooLateError, until, until_async


def test_what_is_waited_for_is_given_as_soon_as_it_is_wanted() -> None:
    numbers = iter(range(10))
    assert until(lambda: next(numbers), pause_s=0) == 1
    assert until(lambda: next(numbers), wanted=lambda number: number > 4, pause_s=0) == 5
    assert until(list, wanted=lambda found: found == []) == []


def test_what_does_not_come_about_is_told_with_the_last_that_was_seen() -> None:
    with pytest.raises(TooLateError, match=r"^It did not come about in 0\.01 s; the last was \[\]\. The log: 7$"):
        until(list, lambda: f"The log: {7}", seconds=0.01, pause_s=0.001)


def test_the_event_loop_goes_on_meanwhile() -> None:
    async def main() -> None:
        come = asyncio.Event()

        async def look() -> bool:
            return come.is_set()

        asyncio.get_running_loop().call_later(0.01, come.set)
        assert await until_async(look)
        assert await until_async(come.is_set)
        with pytest.raises(TooLateError):
            await until_async(list, seconds=0.01)

    asyncio.run(main())


def test_no_port_is_given_twice() -> None:
    assert len({free_port() for _ in range(50)}) == 50
