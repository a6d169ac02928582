"""A scripted Livy at an address of this machine's, and one request of the client to it."""

import asyncio
import contextlib
import threading
import time

import uvicorn

from hops_livy.upstream.client import LivyClient, open_http
from hops_livy.upstream_settings import UpstreamSettings
from tests.ports import free_port


@contextlib.contextmanager
def served(livy, **tls):
    """``livy`` at an address on loopback."""
    server = uvicorn.Server(
        uvicorn.Config(
            livy.app, host="127.0.0.1", port=free_port(), log_level="error", timeout_graceful_shutdown=1, **tls
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"{'https' if tls else 'http'}://localhost:{server.config.port}"
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
