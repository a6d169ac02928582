"""A service answers at its address and by the proxy's socket, and knows which of both it was."""

import asyncio
import socket

import httpx
import pytest
import uvicorn

from hops_contract.origins import came_by_proxy
from hops_contract.serving import ByProxy, ServedTogether, is_own_folder, serve_together


class App:
    """Tells by which way it was asked, once it has begun."""

    def __init__(self, *, fails=False):
        self.begun, self.fails = False, fails

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            self.begun = not self.fails
            await send({"type": f"lifespan.startup.{'failed' if self.fails else 'complete'}"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        answer = f"{self.begun} {came_by_proxy(scope)}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})


def together(app, path, port):
    plain = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="on")
    proxied = uvicorn.Config(ByProxy(app), uds=str(path), log_config=None, lifespan="off")
    return [ServedTogether(plain), ServedTogether(proxied)]


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_only_who_comes_by_the_socket_comes_by_the_proxy(tmp_path, free_port):
    async def live():
        servers = together(App(), tmp_path / "s", free_port)
        serving = asyncio.ensure_future(serve_together(servers))
        await asyncio.gather(*(asyncio.wait_for(server.settled.wait(), 60) for server in servers))
        forged = {"X-Forwarded-For": "192.0.2.7", "hops.by_proxy": "1"}
        async with httpx.AsyncClient() as client:
            plain = await client.get(f"http://127.0.0.1:{free_port}/", headers=forged)
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(tmp_path / "s"))) as client:
            proxied = await client.get("http://hops/")
        assert (plain.text, proxied.text) == ("True False", "True True")
        servers[1].should_exit = True
        await asyncio.wait_for(serving, 60)
        assert all(server.started for server in servers)

    asyncio.run(live())


def test_where_the_application_can_not_begin_nobody_is_answered(tmp_path, free_port):
    async def live():
        servers = together(App(fails=True), tmp_path / "s", free_port)
        await asyncio.wait_for(serve_together(servers), 60)
        assert not any(server.started for server in servers)
        assert not (tmp_path / "s").exists()

    asyncio.run(live())


def test_a_port_that_is_taken_ends_all(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        servers = together(App(), tmp_path / "s", taken.getsockname()[1])
        asyncio.run(asyncio.wait_for(serve_together(servers), 60))
        assert not any(server.started for server in servers)


@pytest.mark.parametrize("name", ["absent/s", "s" * 200])
def test_a_socket_that_can_not_be_ends_all(tmp_path, free_port, name):
    app = App()
    servers = together(app, tmp_path / name, free_port)
    asyncio.run(asyncio.wait_for(serve_together(servers), 60))
    assert app.begun
    assert [server.started for server in servers] == [True, False]


def test_a_folder_that_others_come_to_holds_no_socket(tmp_path):
    tmp_path.chmod(0o700)
    assert is_own_folder(tmp_path)
    tmp_path.chmod(0o710)
    assert not is_own_folder(tmp_path)
    assert not is_own_folder(tmp_path / "absent")
