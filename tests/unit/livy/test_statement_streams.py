"""The stream of a statement: its newest progress, and its end."""

import asyncio
import json

import pytest

from hops_livy.routes.events import events_of
from tests.unit.livy.told_driver import OK, with_session
from tests.waiting import until_async


def _events_in(pieces):
    return b"".join(pieces).decode().removesuffix("\r\n\r\n").split("\r\n\r\n")


def test_the_stream_tells_the_newest_progress_in_events_without_a_number():
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        stream = events_of(session, statement, 0)
        driver.on_message("stream", {"name": "stdout", "text": "a"})
        driver.on_message("progress", {"tasks_done": 1, "tasks": 4})
        driver.on_message("progress", {"tasks_done": 2, "tasks": 4})
        pieces = [await anext(stream)]
        driver.on_message("stream", {"name": "stdout", "text": "b"})
        pieces.append(await anext(stream))
        driver.results.put_nowait(OK)
        pieces += [piece async for piece in stream]
        seen = [dict(line.split(": ", 1) for line in event.splitlines()) for event in _events_in(pieces)]
        contents = [json.loads(event["data"]) for event in seen]
        assert [event.get("id") for event in seen] == ["0", None, "1", "2"]
        assert [content["type"] for content in contents] == ["stream", "progress", "stream", "done"]
        assert contents[1]["content"]["tasks_done"] == 2

    with_session(test)


@pytest.mark.parametrize("position", [2, 3, 10**6])
def test_who_has_had_all_or_names_an_event_that_never_was_gets_the_end(position):
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        driver.on_message("stream", {"name": "stdout", "text": "a"})
        stream = events_of(session, statement, position)
        driver.on_message("progress", {"tasks_done": 1, "tasks": 4})
        pieces = [await asyncio.wait_for(anext(stream), 60)]
        driver.results.put_nowait(OK)
        pieces += [piece async for piece in stream]
        again = [piece async for piece in events_of(session, statement, position)]
        kinds = [json.loads(event.rpartition("data: ")[2])["type"] for event in _events_in([*pieces, *again])]
        assert kinds == ["progress", "done", "done"]

    with_session(test)


def test_an_end_counts_as_told_when_the_stream_tells_it_and_not_before():
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        gone, stays = events_of(session, statement, 0), events_of(session, statement, 0)
        driver.on_message("stream", {"name": "stdout", "text": "a"})
        await anext(gone)
        await gone.aclose()
        driver.results.put_nowait(OK)
        await until_async(lambda: statement.final)
        assert not statement.seen
        told = _events_in([piece async for piece in stays])
        assert [json.loads(event.rpartition("data: ")[2])["type"] for event in told] == ["stream", "done"]
        assert statement.seen

    with_session(test)
