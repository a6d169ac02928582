from __future__ import annotations

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyterlab_hops.kernel_websocket import PromptWebsocketConnection


def test_it_waits_for_nothing_more_to_send_and_then_connects_as_jupyter_does(monkeypatch):
    calls = []

    class Handler:
        def set_nodelay(self, value):
            calls.append(value)

    class Connection(PromptWebsocketConnection):
        def __init__(self):
            pass

        websocket_handler = Handler()

    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda _self: calls.append("connected"))
    Connection().connect()
    assert calls == [True, "connected"]
