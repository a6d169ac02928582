"""A terminal of a notebook server, as Lab opens it."""

from __future__ import annotations

import contextlib
import json
import time

import httpx
from websockets.sync.client import connect


def in_terminal(server: httpx.Client, command: str) -> str:
    """What a shell of the server's terminal writes for ``command``."""
    name = server.post("api/terminals").json()["name"]
    url = str(server.base_url).replace("http", "ws", 1) + f"terminals/websocket/{name}"
    said = ""
    try:
        with connect(url, additional_headers=dict(server.headers), max_size=None) as shell:
            shell.send(json.dumps(["stdin", f"{command}; echo the-''end\r"]))
            deadline = time.monotonic() + 120
            while "the-end" not in said and time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    kind, *content = json.loads(shell.recv(timeout=5))
                    said += content[0] if kind == "stdout" else ""
    finally:
        server.delete(f"api/terminals/{name}")
    return said
