"""A kernel of a notebook server, over the same WebSocket that JupyterLab uses."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from hopslab.demo.visitor import Visitor
from hopslab.errors import SiteError

OPEN_TIMEOUT_S = 60.0
"""The server answers once the kernel does, which takes a while on a busy machine."""
MAX_MESSAGE_BYTES = 32 * 1024 * 1024


@dataclass
class CellResult:
    """What a cell gave.

    Attributes:
        outputs: In the form that a notebook file holds.
        seconds: How long it ran.
        error: ``Name: message`` of the exception that ended it, if one did.
    """

    outputs: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    @property
    def stdout(self) -> str:
        """All that was printed."""
        return "".join(output["text"] for output in self.outputs if output["output_type"] == "stream")

    def displayed(self, mime_type: str) -> list[Any]:
        """All displays of one MIME type."""
        return [output["data"][mime_type] for output in self.outputs if mime_type in output.get("data", {})]


class NotebookKernel:
    """One notebook's kernel: started as Lab starts it, ended with the ``with`` block.

    Args:
        visitor: Who is logged in.
        server: Path of the notebook server, ``user/<user>/<project>/``.
        notebook: Path of the notebook on the server.
        kernel: Name of the kernel's specification.
        tls: The context for ``wss``.
    """

    def __init__(
        self,
        visitor: Visitor,
        server: str,
        notebook: str,
        *,
        kernel: str = "pyspark",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._visitor, self._server, self._tls = visitor, server, tls
        self._session = uuid.uuid4().hex
        made = visitor.jupyter(
            "POST",
            server,
            "api/sessions",
            {"path": notebook, "name": notebook.rsplit("/", 1)[-1], "type": "notebook", "kernel": {"name": kernel}},
        )
        self._id, self._kernel_id = str(made["id"]), str(made["kernel"]["id"])
        self._open = ExitStack()
        self._socket = self._open.enter_context(self._connect())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._visitor.jupyter("DELETE", self._server, f"api/sessions/{self._id}")

    def run(self, code: str, *, timeout_s: float) -> CellResult:
        """Run one cell.

        Raises:
            SiteError: It did not end in time, or the connection was lost.
        """
        started, message = time.monotonic(), execute_request(code, self._session)
        result = CellResult()
        collector = Collector(message["header"]["msg_id"], result)
        try:
            self._socket.send(json.dumps(message))
            while not collector.complete:
                left = timeout_s - (time.monotonic() - started)
                collector.take(json.loads(self._socket.recv(timeout=max(left, 0))))
        except TimeoutError as error:
            raise SiteError(f"A cell did not end within {timeout_s:.0f} s.", "Look at `hopslab logs livy`.") from error
        except WebSocketException as error:
            raise SiteError("The connection to the kernel was lost.", "Look at `hopslab logs hub`.") from error
        result.seconds = round(time.monotonic() - started, 3)
        return result

    def _connect(self) -> ClientConnection:
        path = f"{self._server}api/kernels/{self._kernel_id}/channels?session_id={self._session}"
        address, headers = self._visitor.websocket(path, self._server)
        origin = Origin(headers.pop("Origin"))
        try:
            return connect(
                address,
                additional_headers=headers,
                origin=origin,
                ssl=self._tls,
                max_size=MAX_MESSAGE_BYTES,
                open_timeout=OPEN_TIMEOUT_S,
                proxy=None,
            )
        except (OSError, WebSocketException) as error:
            raise SiteError("The kernel's WebSocket did not open.", "Look at `hopslab logs hub`.") from error


class Collector:
    """Gathers what a kernel says about one request.

    Args:
        request: Number of the request's message.
        result: Where outputs go.
    """

    def __init__(self, request: str, result: CellResult) -> None:
        self._request, self._result = request, result
        self._replied = self._idle = False
        self._displays: dict[str, dict[str, Any]] = {}

    @property
    def complete(self) -> bool:
        """Whether the request was answered and all its outputs have come."""
        return self._replied and self._idle

    def take(self, message: dict[str, Any]) -> None:
        """Take one message from the kernel; those about other requests are passed over."""
        if message.get("parent_header", {}).get("msg_id") != self._request:
            return
        kind, content = message.get("msg_type") or message["header"]["msg_type"], message["content"]
        if kind == "execute_reply":
            self._replied = True
            if content["status"] != "ok":
                self._result.error = f"{content.get('ename', 'Error')}: {content.get('evalue', content['status'])}"
        elif kind == "status":
            self._idle = content["execution_state"] == "idle"
        elif kind == "update_display_data":
            self._update(content)
        else:
            self._append(kind, content)

    def _append(self, kind: str, content: dict[str, Any]) -> None:
        outputs = self._result.outputs
        if kind == "stream":
            if outputs and outputs[-1].get("name") == content["name"]:
                outputs[-1]["text"] += content["text"]
            else:
                outputs.append({"output_type": "stream", "name": content["name"], "text": content["text"]})
        elif kind in {"display_data", "execute_result"}:
            output = {"output_type": kind, "data": content["data"], "metadata": content.get("metadata", {})}
            if kind == "execute_result":
                output["execution_count"] = content.get("execution_count")
            outputs.append(output)
            display_id = content.get("transient", {}).get("display_id")
            if display_id:
                self._displays[display_id] = output
        elif kind == "error":
            outputs.append({"output_type": kind, **{name: content[name] for name in ("ename", "evalue", "traceback")}})
        elif kind == "clear_output":
            outputs.clear()

    def _update(self, content: dict[str, Any]) -> None:
        output = self._displays.get(content.get("transient", {}).get("display_id", ""))
        if output is not None:
            output["data"] = content["data"]


def execute_request(code: str, session: str) -> dict[str, Any]:
    """The message that asks a kernel to run ``code``."""
    return {
        "header": {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": session,
            "username": "",
            "version": "5.4",
        },
        "parent_header": {},
        "metadata": {},
        "content": {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        },
        "channel": "shell",
        "buffers": [],
    }
