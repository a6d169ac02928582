import asyncio

import pytest

from hops_livy.errors import TooManyError
from hops_livy.held_requests import HeldRequests


async def nothing_comes():
    await asyncio.Event().wait()


def test_one_person_holds_so_many_and_takes_nothing_from_others():
    async def main():
        held, news = HeldRequests(2), asyncio.Event()
        first = [asyncio.create_task(held.hold("ada", news.wait(), nothing_comes)) for _ in range(2)]
        other = asyncio.create_task(held.hold("ben", news.wait(), nothing_comes))
        await asyncio.sleep(0)
        with pytest.raises(TooManyError) as refused:
            await held.hold("ada", news.wait(), nothing_comes)
        assert refused.value.detail == "2 of your requests wait for news of sessions already."
        news.set()
        await asyncio.gather(*first, other)
        await held.hold("ada", news.wait(), nothing_comes)

    asyncio.run(main())


def test_nothing_is_held_for_who_has_gone():
    async def main():
        messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

        async def receive():
            return next(messages)

        held = HeldRequests(1)
        await asyncio.wait_for(held.hold("ada", nothing_comes(), receive), 10)
        await asyncio.wait_for(held.hold("ada", asyncio.sleep(0), nothing_comes), 10)

    asyncio.run(main())


def test_one_that_breaks_off_is_counted_no_more():
    async def main():
        held = HeldRequests(1)
        task = asyncio.create_task(held.hold("ada", nothing_comes(), nothing_comes))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(held.hold("ada", asyncio.sleep(0), nothing_comes), 10)

    asyncio.run(main())


def test_a_place_is_counted_until_it_is_closed():
    held = HeldRequests(1)
    place = held.place("ada")
    assert (held.place("ada"), held.place("ben") is None) == (None, False)
    place.close()
    with held.place("ada"):
        assert held.place("ada") is None
    assert held._held == {"ben": 1}
