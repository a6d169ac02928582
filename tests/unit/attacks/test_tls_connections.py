"""Connections to an address with TLS that begin and say nothing, or that stand without a request."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import uvicorn

from hops_contract.connections import BoundedConnection
from hops_platform import tls_server
from hops_platform.certificates.building import make_leaf, make_root, pem

SOON_S = 60
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, moment = tmp_path_factory.mktemp("tls"), datetime.now(UTC)
    root = make_root(moment)
    leaf = make_leaf(root, "here", moment, hosts=["localhost"])
    (folder / "root.pem").write_text(pem(root.certificate))
    (folder / "leaf.pem").write_text(pem(leaf.certificate))
    (folder / "key.pem").write_bytes(leaf.key_pem)
    return folder


@pytest.fixture
def serve(files):
    @asynccontextmanager
    async def served(app):
        """The port of a server of ``app``, and how a client trusts it."""
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, http=BoundedConnection, lifespan="off", log_config=None,
            ssl_certfile=files / "leaf.pem", ssl_keyfile=files / "key.pem",
        )  # fmt: skip
        server = tls_server.TlsServer(config)
        port = listener.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield port, ssl.create_default_context(cafile=str(files / "root.pem"))
        finally:
            server.should_exit = True
            await serving

    return served


async def ok(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def connect(port, trust):
    return await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")


async def ended(reader):
    try:
        return await asyncio.wait_for(reader.read(1), SOON_S) == b""
    except ConnectionError:
        return True


async def answered(reader, writer):
    writer.write(REQUEST)
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON_S)
        return head.startswith(b"HTTP/1.1 200") and await reader.readexactly(2) == b"ok"
    finally:
        writer.close()


def check(main):
    asyncio.run(asyncio.wait_for(main(), 6 * SOON_S))


def test_who_says_nothing_is_given_up_after_a_while(serve, monkeypatch):
    monkeypatch.setattr(tls_server, "HANDSHAKE_S", 0.2)

    async def main():
        async with serve(ok) as (port, trust):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await ended(reader)
            writer.close()
            assert await answered(*await connect(port, trust))

    check(main)


def test_of_too_many_that_say_nothing_the_oldest_is_given_up_and_a_good_one_comes_in(serve, monkeypatch):
    monkeypatch.setattr(tls_server, "MOST_HANDSHAKES", 5)

    async def main():
        async with serve(ok) as (port, trust):
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
            assert await answered(*await connect(port, trust))
            for reader, _ in silent[:15]:
                assert await ended(reader)
            for _, writer in silent:
                writer.close()

    check(main)


def test_what_is_no_tls_ends_alone(serve):
    async def main():
        async with serve(ok) as (port, trust):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(REQUEST)
            assert await ended(reader)
            writer.close()
            assert await answered(*await connect(port, trust))

    check(main)


def test_of_too_many_connections_one_without_a_request_is_closed_and_none_at_work(serve, monkeypatch):
    monkeypatch.setattr(tls_server, "MOST_CONNECTIONS", 2)
    working, go = asyncio.Event(), asyncio.Event()

    async def slow(scope, receive, send):
        working.set()
        await go.wait()
        await ok(scope, receive, send)

    async def main():
        async with serve(slow) as (port, trust):
            at_work = await connect(port, trust)
            asking = asyncio.create_task(answered(*at_work))
            await working.wait()
            idle, another = await connect(port, trust), await connect(port, trust)
            assert await ended(idle[0])
            go.set()
            assert await asking
            assert await answered(*another)
            for _, writer in (at_work, idle, another):
                writer.close()

    check(main)
