"""Talks to a session's kernel: one reader for each channel, messages sorted by the request that they belong to."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient

from hops_livy.driver.hops_session.bounded_messages import MOST_BYTES
from hops_livy.driver.hops_session.spool import STATEMENT
from hops_livy.engines.drivers import Completion, Executed, Inspection

_SHOWN = ("stream", "display_data", "update_display_data", "execute_result", "error", "clear_output", "progress")
_COMPLETION_S = 3.0
_MOST_NAME, _MOST_ERROR, _MOST_LINES = 1000, 1024 * 1024 + 200, 2000
_MOST_MATCHES = 1000
_EXECUTION_COUNT = "hops_execution_count"
_TYPES = "_jupyter_types_experimental"
_ATTEMPTS = 20
_ATTEMPT_S = 0.5
_INTERRUPT_AGAIN_S = 0.1
_CONTROL_S = 10.0
_WORK_S = 4.0
# An interrupt acts once however often it is asked for: sooner again than to wait for an answer that doesn't come.
_INTERRUPT_S = 1.0
# ipykernel (7.4) may overlook a request, or keep its reply or its last outputs back, until the next one comes.
_SETTLE_S = 5.0
_LOST_S = 1.0
_NUDGES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
# The kernel keeps to the bound itself; code that sends more behind its back is cut off from the service. What waits
# here for its turn is bounded in number; the rest waits in the driver, where nothing is dropped (`session_app`).
_FRAME_BYTES = MOST_BYTES
_MESSAGES_HELD = 32
_MOST_PARTS = 1000
_TOO_MANY_PARTS = (
    f"It was ended because its code sent a message in more than {_MOST_PARTS} parts to the session service; pictures "
    "and widgets send some."
)


def connection_info(socket_prefix: str) -> dict[str, Any]:
    """What the kernel's connection file is to hold: sockets in the session's own folder, and a fresh key."""
    ports = {
        f"{name}_port": number for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)
    }
    return {
        **ports,
        "ip": socket_prefix,
        "transport": "ipc",
        "key": secrets.token_hex(32),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "hops",
    }


def _name_for(key: str) -> str:
    """What this service, and a later one, calls itself towards the kernel with that key; it tells nothing of it."""
    return f"hops-session-service-{hashlib.sha256(f'name for {key}'.encode()).hexdigest()[:32]}"


Heard = Callable[[str, str, dict[str, Any]], None]
"""Takes id, type and content of an output message as it comes."""


def executed(reply: dict[str, Any]) -> Executed:
    """The end of a statement, from the content of its ``execute_reply``."""
    # Code of the session may have written every part of it.
    status = reply.get("status")
    if status in ("ok", "aborted"):
        return Executed(status=status)
    lines = reply.get("traceback")
    kept: list[str] = []
    room = _MOST_ERROR
    for line in lines if isinstance(lines, list) else []:
        kept.append(str(line)[:room])
        room -= len(kept[-1])
        if room <= 0 or len(kept) >= _MOST_LINES:
            break
    error = {
        "ename": str(reply.get("ename", ""))[:_MOST_NAME],
        "evalue": str(reply.get("evalue", ""))[:_MOST_ERROR],
        "traceback": kept,
    }
    return Executed(status="error", error=error)


@dataclass(slots=True)
class _Running:
    heard: Heard
    replied: asyncio.Future[dict[str, Any]]
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class KernelClient:
    """The client's side of one kernel.

    Args:
        connection: What the kernel's connection file holds.
        on_refused: Told in words why nothing is listened to any more.
    """

    def __init__(self, connection: dict[str, Any], *, on_refused: Callable[[str], None]) -> None:
        self._client = AsyncKernelClient()
        self._client.context.setsockopt(zmq.MAXMSGSIZE, _FRAME_BYTES)
        self._client.context.setsockopt(zmq.RCVHWM, _MESSAGES_HELD)
        self._client.load_connection_info(dict(connection))
        # Sockets carry its name: the kernel sends the replies that it owes to whoever comes with the same. Another one
        # for each kernel: code of a session can put a link to another session's socket in the place of its own, and who
        # follows it would else be given what that other kernel owes to this service.
        self._client.session.session = _name_for(str(connection["key"]))
        self._on_refused = on_refused
        self._running: dict[str, _Running] = {}
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._subshell: str | None = None
        self._executing: str | None = None
        self._attempt = 0
        self._interrupting: asyncio.Task[None] | None = None

    def connect(self) -> None:
        """Connects; nothing is sent yet."""
        self._client.start_channels(shell=True, iopub=True, stdin=False, hb=False, control=True)  # noqa: S604 - a channel
        self._tasks = [
            asyncio.create_task(self._read_shell()),
            asyncio.create_task(self._read_output()),
            asyncio.create_task(self._read_control()),
        ]

    async def open(self) -> None:
        """Returns when output reaches this side: the kernel must know the subscription before anything is run."""
        await self._open(self._client.shell_channel)

    async def open_again(self) -> None:
        """As :meth:`open`, for a kernel that has long been running and may be at work."""
        await self._open(self._client.control_channel)

    async def _open(self, channel: Any) -> None:
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(TimeoutError):
                await self._ask_idle(channel, _ATTEMPT_S)
                break
        # Not before: ipykernel (7.4) drops the request of a subshell that comes before its main thread has started.
        self._tasks.append(asyncio.create_task(self._open_subshell()))

    async def execute(self, code: str, heard: Heard, *, statement: int, execution_count: int | None = None) -> Executed:
        """Runs ``code`` as the session's statement of that number; returns when its last output has been heard."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        metadata = {} if execution_count is None else {_EXECUTION_COUNT: execution_count}
        message = self._client.session.msg("execute_request", content, metadata=metadata)
        # A later service knows the request again by its id.
        identity = message["header"]["msg_id"] = message["msg_id"] = f"{STATEMENT}{statement}"
        running = self._begin(identity, heard)
        self._client.shell_channel.send(message)
        return await self._end_of(identity, running)

    def follow(self, heard: Heard, *, statement: int) -> Coroutine[Any, Any, Executed]:
        """Hears from now on the output of a statement that an earlier client sent; returns what waits for its end."""
        identity = f"{STATEMENT}{statement}"
        return self._end_of(identity, self._begin(identity, heard))

    def let_go(self, statement: int) -> None:
        """Follows a statement no longer."""
        self._running.pop(f"{STATEMENT}{statement}", None)
        self._executing = None

    def _begin(self, identity: str, heard: Heard) -> _Running:
        running = self._running[identity] = _Running(heard, asyncio.get_running_loop().create_future())
        self._executing = identity
        return running

    async def _end_of(self, identity: str, running: _Running) -> Executed:
        nudges = asyncio.create_task(self._nudge(identity, running))
        try:
            content = await running.replied
            self._executing = None
            # A kernel that is going away may reply without saying that it is idle.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running.idle.wait(), 5.0)
        finally:
            nudges.cancel()
            self._executing = None
            self._running.pop(identity, None)
        return executed(content)

    async def _nudge(self, identity: str, running: _Running) -> None:
        """Asks something else, now and then, when a statement has not begun or has ended and that was not heard."""
        heard = asyncio.create_task(_heard(running))
        try:
            for wait_s in itertools.chain(_NUDGES_S, itertools.repeat(_NUDGES_S[-1])):
                done, _ = await asyncio.wait([heard], timeout=wait_s)
                if done:
                    return
                state: dict[str, Any] = {}
                with contextlib.suppress(TimeoutError):
                    state = await self._ask_control("state_request", {"statement": identity}, _INTERRUPT_S)
                if state.get("running") == identity:
                    continue
                self._client.kernel_info()
                await self._take_reply(running, state.get("reply"))
        finally:
            heard.cancel()

    async def _take_reply(self, running: _Running, reply: object) -> None:
        """A reply that got lost is taken from the kernel's own memory, once the lost one had time to come."""
        if isinstance(reply, dict):
            await asyncio.wait([running.replied], timeout=_LOST_S)
            if not running.replied.done():
                running.replied.set_result(reply)

    async def settle(self) -> None:
        """Returns when the kernel has answered on the channel of statements: what was sent before has begun."""
        with contextlib.suppress(TimeoutError):
            await self._ask_idle(self._client.shell_channel, _SETTLE_S)

    async def _ask_idle(self, channel: Any, timeout_s: float) -> None:
        message = self._client.session.msg("kernel_info_request", {})
        identity = message["header"]["msg_id"]
        running = _Running(lambda *_: None, asyncio.get_running_loop().create_future())
        self._running[identity] = running
        channel.send(message)
        try:
            await asyncio.wait_for(running.idle.wait(), timeout_s)
        finally:
            self._running.pop(identity, None)

    def interrupt(self) -> None:
        """Begins to interrupt what runs now, and nothing that comes after it; again is another interrupt."""
        if self._executing is not None:
            if self._interrupting is not None:
                self._interrupting.cancel()
            self._attempt += 1
            self._interrupting = asyncio.create_task(self._interrupt(self._executing, self._attempt))

    async def _interrupt(self, identity: str, attempt: int) -> None:
        # The kernel may not have begun with it, or stand where it can't be interrupted: asked until it has acted.
        while self._executing == identity:
            with contextlib.suppress(TimeoutError):
                asked = {"statement": identity, "attempt": attempt}
                reply = await self._ask_control("interrupt_request", asked, _INTERRUPT_S)
                if reply.get("delivered"):
                    return
            await asyncio.sleep(_INTERRUPT_AGAIN_S)

    async def spark_works(self) -> bool:
        """Whether Spark works, also where no statement runs, as the kernel says in time."""
        with contextlib.suppress(TimeoutError):
            return (await self._ask_control("work_request", {}, _WORK_S)).get("works") is True
        return False

    async def complete(self, code: str, cursor: int) -> Completion:
        """Completions, in a subshell, so that a running cell does not delay them."""
        return completion_of(await self._ask_subshell("complete_request", {"code": code, "cursor_pos": cursor}), cursor)

    async def inspect(self, code: str, cursor: int, *, detail_level: int = 0) -> Inspection:
        """What is known of a name, in a subshell like completions."""
        asked = {"code": code, "cursor_pos": cursor, "detail_level": detail_level}
        return inspection_of(await self._ask_subshell("inspect_request", asked))

    async def _ask_subshell(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """The reply's content; empty where none comes in time."""
        message = self._client.session.msg(kind, content)
        if self._subshell is not None:
            message["header"]["subshell_id"] = self._subshell
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[message["header"]["msg_id"]] = reply
        self._client.shell_channel.send(message)
        try:
            return await asyncio.wait_for(reply, _COMPLETION_S)
        except TimeoutError:
            return {}
        finally:
            self._replies.pop(message["header"]["msg_id"], None)

    def close(self) -> None:
        """Stops reading; statements that still run fail with :class:`asyncio.CancelledError`."""
        for task in (*self._tasks, *filter(None, [self._interrupting])):
            task.cancel()
        for running in self._running.values():
            running.replied.cancel()
        for reply in self._replies.values():
            reply.cancel()
        self._client.stop_channels()

    async def _open_subshell(self) -> None:
        # Without one, completions wait for the running cell.
        with contextlib.suppress(TimeoutError):
            self._subshell = (await self._ask_control("create_subshell_request", {})).get("subshell_id")

    async def _ask_control(self, kind: str, content: dict[str, Any], timeout_s: float = _CONTROL_S) -> dict[str, Any]:
        message = self._client.session.msg(kind, content)
        identity = message["header"]["msg_id"]
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[identity] = reply
        self._client.control_channel.send(message)
        try:
            return await asyncio.wait_for(reply, timeout_s)
        finally:
            self._replies.pop(identity, None)

    async def _read_shell(self) -> None:
        while True:
            self._replied(await self._next_of(self._client.shell_channel))

    async def _read_control(self) -> None:
        while True:
            self._replied(await self._next_of(self._client.control_channel))

    async def _next_of(self, channel: Any) -> dict[str, Any]:
        while True:
            # The channel's own ``get_msg`` asks the socket twice: whether there is one, and for it.
            parts = await channel.socket.recv_multipart()
            if len(parts) > _MOST_PARTS:
                self._on_refused(_TOO_MANY_PARTS)
                await asyncio.get_running_loop().create_future()
            message = self._read(parts)
            # Where more is there already the next one does not wait: without this a session that writes without end
            # would keep the service from everybody else.
            await asyncio.sleep(0)
            if message is not None:
                return message

    def _read(self, parts: list[bytes]) -> dict[str, Any] | None:
        """The message; nothing where it is none, as what code of the session sends may be."""
        try:
            _, rest = self._client.session.feed_identities(parts)
            message: dict[str, Any] = self._client.session.deserialize(rest)
            identity = message["parent_header"].get("msg_id", "")
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None
        return message if isinstance(message["content"], dict) and isinstance(identity, str) else None

    def _replied(self, message: dict[str, Any]) -> None:
        identity = message["parent_header"].get("msg_id", "")
        running = self._running.get(identity)
        future = self._replies.get(identity) if running is None else running.replied
        if future is not None and not future.done():
            future.set_result(message["content"])

    async def _read_output(self) -> None:
        while True:
            message = await self._next_of(self._client.iopub_channel)
            running = self._running.get(message["parent_header"].get("msg_id", ""))
            if running is None:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content.get("execution_state") == "idle":
                running.idle.set()
            elif kind in _SHOWN:
                running.heard(str(message["header"]["msg_id"]), kind, content)


async def _heard(running: _Running) -> None:
    """Returns once the reply and the end of a statement have been heard, or its reply has been given up."""
    await asyncio.wait([running.replied])
    await running.idle.wait()


def completion_of(content: dict[str, Any], cursor: int) -> Completion:
    """The completion in a ``complete_reply``, of which code of the session may have written every part."""
    matches, start, end = content.get("matches"), content.get("cursor_start"), content.get("cursor_end")
    if not (isinstance(matches, list) and isinstance(start, int) and isinstance(end, int) and 0 <= start <= end):
        return Completion.nothing(cursor)
    metadata = content.get("metadata")
    types = metadata.get(_TYPES) if isinstance(metadata, dict) else None
    words = [str(match) for match in matches[:_MOST_MATCHES]]
    kinds = types[:_MOST_MATCHES] if isinstance(types, list) and all(isinstance(item, dict) for item in types) else []
    if words and end > start and all(word.startswith(".") for word in words):
        # IPython (9.18) tells attributes with the dot; words are meant.
        start, words = start + 1, [word[1:] for word in words]
        kinds = [{**item, "start": start, "text": str(item.get("text")).removeprefix(".")} for item in kinds]
    return Completion(matches=words, start=start, end=end, metadata={_TYPES: kinds} if kinds else {})


def inspection_of(content: dict[str, Any]) -> Inspection:
    """The inspection in an ``inspect_reply``, of which code of the session may have written every part."""
    data, metadata = content.get("data"), content.get("metadata")
    if content.get("found") is not True or not isinstance(data, dict):
        return Inspection()
    return Inspection(found=True, data=data, metadata=metadata if isinstance(metadata, dict) else {})
