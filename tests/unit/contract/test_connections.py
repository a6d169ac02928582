"""Connections of which nothing comes, or that nobody reads: closed after a while, with a server as it runs."""

import asyncio
import itertools
import socket
from contextlib import asynccontextmanager

import pytest
import uvicorn

from hops_contract import connections
from tests.waiting import until_async

SOON_S = 60
WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def served(app, **options):
    """A connection to a server of ``app``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=connections.BoundedConnection, lifespan="off", log_config=None, **options
        )  # fmt: skip
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1024)
            yield reader, writer
            writer.close()
        finally:
            server.should_exit = True
            await serving


async def ok(_scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def ended(reader):
    """Whether the connection is closed by the other side, soon."""
    try:
        while await asyncio.wait_for(reader.read(100_000), SOON_S):
            pass
    except ConnectionError:
        pass
    return True


def check(main):
    asyncio.run(asyncio.wait_for(main(), 4 * SOON_S))


@pytest.fixture
def little_time(monkeypatch):
    monkeypatch.setattr(connections, "HEADERS_S", 0.2)
    monkeypatch.setattr(connections, "UNREAD_S", 0.3)


@pytest.fixture
def a_second(monkeypatch):
    """So much that a machine with other work does not use it up where all is well."""
    monkeypatch.setattr(connections, "HEADERS_S", 1.0)
    monkeypatch.setattr(connections, "UNREAD_S", 1.0)


@pytest.mark.usefixtures("little_time")
@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n"], ids=["nothing", "blank", "half"])
@pytest.mark.parametrize("before", [b"", WHOLE], ids=["first", "after an answer"])
def test_a_connection_whose_request_does_not_come_is_closed(sent, before):
    async def main():
        async with served(ok, timeout_keep_alive=1) as (reader, writer):
            if before:
                writer.write(before)
                assert (await reader.readuntil(b"ok")).endswith(b"ok")
            writer.write(sent)
            assert await ended(reader)

    check(main)


@pytest.mark.usefixtures("little_time")
def test_a_request_that_comes_word_by_word_is_not_waited_for_without_end():
    async def main():
        async with served(ok) as (reader, writer):
            writer.write(WHOLE[:20])
            ending = asyncio.create_task(ended(reader))
            for _ in range(100):
                if ending.done():
                    break
                writer.write(b"a")
                await asyncio.sleep(0.05)
            assert ending.done()

    check(main)


def test_a_request_with_endless_headers_is_cut_off():
    async def main():
        async with served(ok) as (reader, writer):
            writer.write(WHOLE[:-2] + b"A: ")
            ending = asyncio.create_task(ended(reader))
            for _ in range(20):
                if ending.done():
                    break
                writer.write(b"a" * 10_000)
                await asyncio.sleep(0.01)
            assert await ending

    check(main)


@pytest.mark.usefixtures("a_second")
def test_a_connection_serves_request_after_request_and_an_answer_that_takes_longer():
    async def slow(scope, receive, send):
        await asyncio.sleep(1.2)
        await ok(scope, receive, send)

    async def main():
        async with served(slow) as (reader, writer):
            for _ in range(2):
                writer.write(WHOLE)
                assert (await reader.readuntil(b"ok")).endswith(b"ok")

    check(main)


def test_a_body_that_comes_after_its_answer_cuts_nothing_off():
    async def main():
        async with served(ok) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"x")
            assert (await reader.readuntil(b"ok")).endswith(b"ok")
            for _ in range(2):
                writer.write(b"x" * 149_999)
                await asyncio.sleep(0.01)
            writer.write(b"x" + WHOLE)
            assert (await reader.readuntil(b"ok")).endswith(b"ok")

    check(main)


@pytest.fixture
def much():
    """An application that answers with 16 MB; and what becomes of it."""
    ends = []

    async def app(_scope, receive, send):
        async def gone():
            while (await receive())["type"] != "http.disconnect":
                pass
            ends.append("gone")

        watching = asyncio.create_task(gone())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(160):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        ends.append("sent")
        await watching

    return app, ends


@pytest.mark.usefixtures("little_time")
def test_an_answer_that_nobody_reads_ends(much):
    app, ends = much

    async def main():
        async with served(app) as (_, writer):
            writer.write(WHOLE)
            await until_async(lambda: ends)
            assert ends[:1] == ["gone"]

    check(main)


@pytest.mark.usefixtures("a_second")
def test_an_answer_that_is_read_slowly_comes_whole(much):
    app, ends = much

    async def main():
        async with served(app) as (reader, writer):
            writer.write(WHOLE)
            size = 0
            for number in itertools.count():
                piece = await reader.read(100_000)
                size += len(piece)
                if piece.endswith(b"0\r\n\r\n"):
                    break
                if number % 100 == 0:
                    await asyncio.sleep(0.02)
            assert (size > 16_000_000, ends[0]) == (True, "sent")

    check(main)
