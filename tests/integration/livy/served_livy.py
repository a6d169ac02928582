"""A scripted Livy at an address of this machine's, and one request of the client to it."""

import asyncio
import contextlib
import socket
import threading

import uvicorn

from hops_livy.upstream.client import LivyClient, open_http
from hops_livy.upstream_settings import UpstreamSettings


@contextlib.contextmanager
def served(livy, **tls):
    """``livy`` at an address on loopback."""
    server = uvicorn.Server(uvicorn.Config(livy.app, log_level="error", timeout_graceful_shutdown=1, **tls))
    with socket.create_server(("127.0.0.1", 0)) as listener:  # connections wait from the first
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://localhost:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


def ask(settings, work=lambda client: client.get("sessions", "none"), **address):
    async def asked():
        client = LivyClient(open_http(UpstreamSettings(**{**settings, **address})))
        try:
            await work(client)
        finally:
            await client.close()

    asyncio.run(asked())
