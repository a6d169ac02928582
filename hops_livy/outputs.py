"""Folds a kernel's output messages into what Livy's clients expect, and keeps each of them for ours."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from hops_livy.aside import aside
from hops_livy.engines.drivers import Executed

_EVENT_BYTES = 50
"""What an event takes in memory beside its text."""
MOST_EVENTS = 200_000
_PLAIN, _HTML, _PNG, _JSON = "text/plain", "text/html", "image/png", "application/json"
DROPPED = "[This output was dropped: later statements of the session wrote much.]\n"
_CUT = "\n[The output was cut off here: a statement may write {}.]\n"
_TOO_DEEP = "[Something is not shown here: it is nested too deeply.]\n"
_ODD = "[Something is not shown here: it is no output as Jupyter has it.]\n"
_CLEARED = b'{"type": "clear_output", '
Written = Iterable[tuple[str, dict[str, Any]]]


class Outputs:
    """The output of one statement.

    Each message is kept as the text that clients are sent. As Python's objects it would take many times what was
    counted of it: a list of empty lists sixteen times.

    Args:
        limit_bytes: What comes after so many bytes is dropped, with a sentence.
        source: Type and content of what was written before this service ran; asked when somebody wants to see it, in
            any thread.
    """

    def __init__(self, limit_bytes: int, source: Callable[[], Written] | None = None) -> None:
        self._events: list[bytes] = []
        self._source = source
        self._reading: asyncio.Future[Outputs] | None = None
        self._limit = limit_bytes
        self._size = 0
        self._cut = False
        self.dropped = False
        """Whether a sentence stands in the place of what was written."""

    async def load(self) -> None:
        """Reads what was written before this service ran without holding up others; :attr:`events` would do that."""
        source = self._source
        if source is None:
            return
        if self._reading is None:
            self._reading = asyncio.ensure_future(aside(_read, source, self._limit))
        try:
            read = await asyncio.shield(self._reading)
        finally:
            if self._reading is not None and self._reading.done():
                self._reading = None
        # It may have been dropped meanwhile, or be added anew.
        if self._source is source:
            self._take_over(read)

    @property
    def events(self) -> list[bytes]:
        """The messages, each a JSON object with ``type`` and ``content`` on one line."""
        if self._source is not None:
            self._take_over(_read(self._source, self._limit))
        return self._events

    def _take_over(self, read: Outputs) -> None:
        self._source = None
        self._events, self._size, self._cut = read._events, read._size, read._cut

    def begin_anew(self) -> None:
        """Everything will be added again, from the first message."""
        self._events = []
        self._source, self._size, self._cut = None, 0, False

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Takes the next message. Streams that follow one another are not joined here: each is news."""
        if self._cut:
            return
        try:
            # Whoever reads it later, here or in the browser, trusts its shape.
            event = _event(kind, content) if _is_whole(kind, content) else _told(_ODD)
        except (ValueError, RecursionError):
            event = _told(_TOO_DEEP)
        size = self._size + len(event)
        if size > self._limit or len(self._events) >= MOST_EVENTS:
            self._cut = True
            most = f"{self._limit // (1024 * 1024)} MiB" if size > self._limit else f"{MOST_EVENTS} times"
            event = _told(_CUT.format(most))
        self._size += len(event)
        self._events.append(event)

    @property
    def whole(self) -> bool:
        """Whether nothing that comes now would be shown."""
        return self._cut

    @property
    def size(self) -> int:
        """About how many bytes are held in memory."""
        return self._size + _EVENT_BYTES * len(self._events)

    def drop(self) -> None:
        """Frees the memory; a sentence takes the place of what was written."""
        self.dropped = True
        told = _told(DROPPED)
        if self.size > len(told) + _EVENT_BYTES or self._source is not None:
            self._source, self._size, self._events = None, len(told), [told]

    def folded(self) -> list[dict[str, Any]]:
        """What is to be seen in the end: streams joined, displays updated in place, cleared output gone."""
        return folded(self.events)

    def livy(self, execution_count: int, executed: Executed | None) -> dict[str, Any]:
        """Livy's ``output`` object; ``outputs`` in it is ours."""
        return livy_output(self.events, execution_count, executed)


def folded(events: Sequence[bytes]) -> list[dict[str, Any]]:
    """What is to be seen of ``events`` in the end: streams joined, displays updated in place, cleared output gone."""
    # In a time that grows with the number of events and no faster: a client asks again and again while a cell writes.
    # Backwards, each display meets its updates before itself.
    updates: dict[str, dict[str, Any]] = {}
    shown: list[dict[str, Any]] = []
    for event in reversed(events[_first_shown(events) :]):
        if event.startswith(_CLEARED):
            continue
        message = json.loads(event)
        kind, content = message["type"], message["content"]
        identity = _display_id(content)
        if kind == "update_display_data":
            if identity is not None:
                updates[identity] = {**_display_parts(content), **updates.get(identity, {})}
        elif identity in updates:
            shown.append({"type": kind, "content": {**content, **updates[identity]}})
        else:
            shown.append(message)
    shown.reverse()
    return _streams_joined(shown)


def livy_output(events: Sequence[bytes], execution_count: int, executed: Executed | None) -> dict[str, Any]:
    """Livy's ``output`` object of what ``events`` tell; ``outputs`` in it is ours."""
    shown = folded(events)
    if executed is not None and executed.status != "ok":
        return {**livy_error(executed), "execution_count": execution_count, "outputs": shown}
    return {"status": "ok", "execution_count": execution_count, "data": livy_bundle(shown), "outputs": shown}


def livy_error(executed: Executed) -> dict[str, Any]:
    """The parts of Livy's ``output`` object that tell of an error."""
    error = executed.error or {"ename": "Aborted", "evalue": "The statement was not run.", "traceback": []}
    return {
        "status": "error",
        "ename": error["ename"],
        "evalue": _evalue(error),
        "traceback": [f"{line}\n" for line in error.get("traceback", [])],
    }


def livy_bundle(shown: list[dict[str, Any]]) -> dict[str, Any]:
    """One MIME bundle for all of ``shown``, so that a client which shows one type loses nothing.

    A single display keeps all its types. Several become one text, and one HTML page when one of them is more than text.
    """
    visible = [item for item in shown if not (item["type"] == "stream" and item["content"]["name"] == "stderr")]
    visible = [item for item in visible if item["type"] != "error"]
    text = "".join(_text(item) for item in visible)
    if len(visible) == 1 and visible[0]["type"] != "stream":
        data = dict(visible[0]["content"]["data"])
        return {_PLAIN: "", **data}
    rich = [item for item in visible if _is_rich(item)]
    if not rich:
        return {_PLAIN: text.removesuffix("\n") if visible else ""}
    bundle: dict[str, Any] = {}
    for item in rich:
        own = item["content"]["data"]
        bundle |= {kind: value for kind, value in own.items() if kind == _JSON or kind.startswith("application/vnd.")}
    return {**bundle, _PLAIN: text, _HTML: "\n".join(_html(item) for item in visible)}


def _read(source: Callable[[], Written], limit_bytes: int) -> Outputs:
    read = Outputs(limit_bytes)
    for kind, content in source():
        read.add(kind, content)
        if read.whole:
            break
    return read


def _event(kind: str, content: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "content": content}, default=str).encode()


def _is_whole(kind: str, content: dict[str, Any]) -> bool:
    """Whether it has what Jupyter's messages of that type have; code of the session may send any."""
    match kind:
        case "stream":
            return isinstance(content.get("name"), str) and isinstance(content.get("text"), str)
        case "display_data" | "update_display_data" | "execute_result":
            return isinstance(content.get("data"), dict) and isinstance(content.get("metadata", {}), dict)
    return True


def _told(sentence: str) -> bytes:
    return _event("stream", {"name": "stderr", "text": sentence})


def _first_shown(events: Sequence[bytes]) -> int:
    """Index of the first event that no ``clear_output`` has taken away; a waiting one acts with what comes next."""
    first, waits = 0, False
    for index, event in enumerate(events):
        if event.startswith(_CLEARED):
            waits = bool(json.loads(event)["content"].get("wait"))
            first = first if waits else index + 1
        elif waits:
            first, waits = index, False
    return first


def _display_id(content: dict[str, Any]) -> str | None:
    transient = content.get("transient")
    identity = transient.get("display_id") if isinstance(transient, dict) else None
    return identity if isinstance(identity, str) else None


def _display_parts(content: dict[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in ("data", "metadata", "transient") if name in content}


def _streams_joined(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    for name, items in groupby(shown, lambda item: item["content"]["name"] if item["type"] == "stream" else None):
        if name is None:
            joined.extend(items)
        else:
            text = "".join(str(item["content"]["text"]) for item in items)
            joined.append({"type": "stream", "content": {"name": name, "text": text}})
    return joined


def _is_rich(item: dict[str, Any]) -> bool:
    return item["type"] != "stream" and set(item["content"]["data"]) != {_PLAIN}


def _text(item: dict[str, Any]) -> str:
    if item["type"] == "stream":
        return str(item["content"]["text"])
    text = item["content"]["data"].get(_PLAIN)
    return f"{text}\n" if text else ""


def _html(item: dict[str, Any]) -> str:
    if item["type"] != "stream":
        data = item["content"]["data"]
        if _HTML in data:
            return str(data[_HTML])
        if _PNG in data:
            return f'<img alt="" src="data:{_PNG};base64,{str(data[_PNG]).strip()}">'
        if _JSON in data:
            return f"<pre>{html.escape(json.dumps(data[_JSON], indent=1))}</pre>"
    return f"<pre>{html.escape(_text(item))}</pre>"


def _evalue(error: dict[str, Any]) -> str:
    name, value = str(error["ename"]), str(error.get("evalue", ""))
    return f"{name}: {value}" if value else name
