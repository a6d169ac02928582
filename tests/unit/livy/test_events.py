"""What goes out of a statement's events, and when."""

import asyncio
import json
import time
import weakref

import pytest

from hops_livy.engines.drivers import Executed
from hops_livy.news import News
from hops_livy.outputs import DROPPED, Outputs
from hops_livy.progress import MESSAGE
from hops_livy.routes import events as events_route
from hops_livy.routes.events import events_of
from hops_livy.statements import Statement, StatementState

SOON_S = 60


class Held(list):
    """A list that can be watched."""


class Listener:
    """A session as far as events know one."""

    def __init__(self):
        self.told = []

    def tell_end(self, statement):
        self.told.append(statement.id)


@pytest.fixture
def listener():
    return Listener()


def a_statement():
    return Statement(id=7, code="", kind="pyspark", outputs=Outputs(1000))


def printed(text):
    return "stream", {"name": "stdout", "text": text}


def parsed(piece):
    return [json.loads(part.rpartition("data: ")[2]) for part in piece.decode().split("\r\n\r\n")[:-1]]


def test_what_is_there_is_one_piece_and_the_end_is_told(listener):
    async def main():
        statement = a_statement()
        statement.take(*printed("a"))
        statement.take(*printed("b"))
        statement.finish(StatementState.AVAILABLE, Executed(status="ok"))
        pieces = [piece async for piece in events_of(listener, statement)]
        assert [[event["type"] for event in parsed(piece)] for piece in pieces] == [["stream", "stream", "done"]]
        assert listener.told == [7]
        (rest,) = [piece async for piece in events_of(listener, statement, 1)]
        assert rest.startswith(b"id: 1\r\n")
        (behind,) = [piece async for piece in events_of(listener, statement, 99)]
        assert [event["type"] for event in parsed(behind)] == ["done"]

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_what_comes_at_the_same_moment_goes_out_together(listener, monkeypatch):
    monkeypatch.setattr(events_route, "_TOGETHER_S", 0.2)  # a moment in which the machine may do other work

    async def main():
        statement = a_statement()
        events = events_of(listener, statement)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.01)
        for text in "abc":
            statement.take(*printed(text))
            await asyncio.sleep(0)
        assert [event["content"]["text"] for event in parsed(await waiting)] == ["a", "b", "c"]
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.01)
        statement.take(*printed("last"))
        statement.finish(StatementState.AVAILABLE, Executed(status="ok"))
        assert [event["type"] for event in parsed(await waiting)] == ["stream", "done"]

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_a_running_statements_output_does_not_wait_for_its_end(listener):
    async def main():
        statement = a_statement()
        events = events_of(listener, statement)
        statement.take(MESSAGE, {"jobs": 1, "stages": [], "tasks_done": 1, "tasks": 4})
        assert [event["type"] for event in parsed(await anext(events))] == [MESSAGE]
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.01)
        statement.take(*printed("a"))
        assert [event["content"]["text"] for event in parsed(await waiting)] == ["a"]
        assert listener.told == []

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_a_silent_statement_keeps_its_connection_alive(listener):
    async def main():
        events = events_of(listener, a_statement(), ping_s=0.01)
        assert [await anext(events) for _ in range(2)] == [b": ping\r\n\r\n"] * 2

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_a_service_that_stops_ends_the_stream_without_its_last_event(listener):
    async def main():
        statement = a_statement()
        statement.take(*printed("a"))
        events = events_of(listener, statement)
        assert [event["type"] for event in parsed(await anext(events))] == ["stream"]
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(0.01)
        statement.news.close()
        # Nothing is new, and nobody waits for more.
        assert await waiting in {None, b": ping\r\n\r\n"}
        assert await anext(events, None) is None
        assert listener.told == []

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_closed_news_hold_nobody():
    async def main():
        news = News()
        waiting = asyncio.ensure_future(news.wait_until(lambda: False, 60))
        await asyncio.sleep(0)
        news.close()
        assert await waiting is False
        assert await news.wait_until(lambda: False, 60) is False
        assert await news.wait_until(lambda: True, 60) is True

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_a_stream_of_what_is_dropped_meanwhile_says_so_and_keeps_nothing_of_it(listener):
    async def main():
        statement = a_statement()
        statement.outputs = Outputs(16 * 1024 * 1024)
        for number in range(20):
            statement.take(*printed(str(number) * 100_000))
        statement.finish(StatementState.AVAILABLE, Executed(status="ok"))
        events = events_of(listener, statement)
        first = parsed(await anext(events))
        assert 0 < len(first) < 20
        dropped = weakref.ref(held := Held(statement.outputs.events))
        statement.outputs._events = held
        first_again = events_of(listener, statement)
        del held
        await anext(first_again)
        statement.outputs.drop()
        assert dropped() is None, "streams that are not read keep what was dropped"
        (rest,) = [piece async for piece in events]
        assert [event["content"].get("text") for event in parsed(rest)] == [DROPPED, None]
        assert rest.startswith(b"id: %d\r\n" % len(first))
        (once_more,) = [piece async for piece in events_of(listener, statement, len(first) + 1)]
        assert [event["type"] for event in parsed(once_more)] == ["done"]

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_a_statement_that_is_added_anew_is_streamed_on_from_where_the_stream_was(listener):
    async def main():
        statement = a_statement()
        statement.take(*printed("a"))
        events = events_of(listener, statement)
        assert len(parsed(await anext(events))) == 1
        statement.outputs.begin_anew()
        for text in "ab":
            statement.take(*printed(text))
        assert [event["content"]["text"] for event in parsed(await anext(events))] == ["b"]

    asyncio.run(asyncio.wait_for(main(), SOON_S))


def test_what_takes_long_to_find_out_is_looked_at_a_few_times_a_second_and_never_missed():
    async def main():
        news, looks = News(), []
        waiting = asyncio.ensure_future(news.wait_until(lambda: looks.append(0) or len(looks) > 3, 30, apart_s=0.1))
        begun = time.monotonic()
        while not waiting.done():
            news.tell()
            await asyncio.sleep(0.001)
        assert await waiting is True
        assert 0.3 <= time.monotonic() - begun < 30
        # News that comes between two looks is seen at the second, though none follows.
        known = []
        waiting = asyncio.ensure_future(news.wait_until(lambda: bool(known), 30, apart_s=0.1))
        await asyncio.sleep(0.02)
        news.tell()
        await asyncio.sleep(0.02)
        known.append(1)
        news.tell()
        assert await asyncio.wait_for(waiting, 30) is True

    asyncio.run(main())


def test_the_last_news_come_at_once_where_there_was_none_for_long():
    async def main():
        news, known = News(), []
        waiting = asyncio.ensure_future(news.wait_until(lambda: bool(known), 30, apart_s=0.05))
        await asyncio.sleep(0.1)
        known.append(1)
        news.tell()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert waiting.done()

    asyncio.run(main())
