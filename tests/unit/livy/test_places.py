import asyncio

import pytest

from hops_livy.errors import TooManyError
from hops_livy.places import Places
from hops_livy.routes.overview import hold


def places_of(most, patience_s=0.0):
    return Places(most, patience_s, refusal="{} are taken already.", remedy="Close some.")


async def nothing_comes():
    await asyncio.Event().wait()


def test_a_place_is_counted_until_it_is_closed():
    places = places_of(1)
    place = places.take("ada")
    assert (places.take_free("ada"), places.take_free("ben") is None) == (None, False)
    place.close()
    place.close()
    with places.take("ada"), pytest.raises(TooManyError) as refused:
        places.take("ada")
    assert (refused.value.detail, refused.value.remedy) == ("1 are taken already.", "Close some.")
    assert places._taken == {"ben": 1}


def test_a_person_has_so_many_places_and_takes_none_of_anothers():
    async def walk():
        places = places_of(2, 0.05)
        async with places.wait_for("ada"), places.wait_for("ada"):
            with pytest.raises(TooManyError, match="2 are taken already"):
                async with places.wait_for("ada"):
                    pass
            async with places.wait_for("bob"):
                pass
        async with places.wait_for("ada"):
            pass
        return places

    assert asyncio.run(walk())._taken == {}


def test_who_waits_a_moment_gets_the_place_that_becomes_free_and_never_more_are_taken_than_there_are():
    async def walk():
        places, together = places_of(2, 5), []

        async def take():
            async with places.wait_for("ada"):
                together.append(places._taken["ada"])
                await asyncio.sleep(0.001)

        await asyncio.gather(*(take() for _ in range(20)))
        return places, together

    places, together = asyncio.run(walk())
    assert (places._taken, len(together), max(together)) == ({}, 20, 2)


def test_one_that_breaks_off_while_it_waits_takes_nothing():
    async def walk():
        places = places_of(1, 5)

        async def take():
            async with places.wait_for("ada"):
                pass

        with places.take("ada"):
            waiting = asyncio.create_task(take())
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return places

    assert asyncio.run(walk())._taken == {}


def test_a_request_is_held_until_there_is_news_or_its_client_has_gone():
    async def walk():
        news = asyncio.Event()
        held = asyncio.create_task(hold(news.wait(), nothing_comes))
        await asyncio.sleep(0)
        assert not held.done()
        news.set()
        await asyncio.wait_for(held, 60)

        messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

        async def receive():
            return next(messages)

        await asyncio.wait_for(hold(nothing_comes(), receive), 60)

    asyncio.run(walk())
