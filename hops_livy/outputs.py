"""Folds a kernel's output messages into what Livy's clients expect, and keeps each of them for ours."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from itertools import groupby
from typing import Any

from hops_livy.engines.drivers import Executed

_EVENT_BYTES = 400
"""What an event takes in memory beside its text."""
_MOST_EVENTS = 200_000
_PLAIN, _HTML, _PNG, _JSON = "text/plain", "text/html", "image/png", "application/json"
DROPPED = "[This output was dropped: later statements of the session wrote much.]\n"
_CUT = "\n[The output was cut off here: a statement may write {}.]\n"


class Outputs:
    """The output of one statement.

    Args:
        limit_bytes: What comes after so many bytes is dropped, with a sentence.
        source: Type and content of what was written before this service ran; asked when somebody wants to see it.
    """

    def __init__(self, limit_bytes: int, source: Callable[[], list[tuple[str, dict[str, Any]]]] | None = None) -> None:
        self._events: list[dict[str, Any]] = []
        self._source = source
        self._limit = limit_bytes
        self._size = 0
        self._cut = False
        self.dropped = False
        """Whether a sentence stands in the place of what was written."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """The messages, each with ``type`` and ``content``."""
        if self._source is not None:
            source, self._source = self._source, None
            for kind, content in source():
                self.add(kind, content)
        return self._events

    def begin_anew(self) -> None:
        """Everything will be added again, from the first message."""
        # In place: whoever streams it now goes on in the same list.
        self._events.clear()
        self._source, self._size, self._cut = None, 0, False

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Takes the next message. Streams that follow one another are not joined here: each is news."""
        if self._cut:
            return
        self._size += len(json.dumps(content, default=str))
        if self._size > self._limit or len(self._events) >= _MOST_EVENTS:
            self._cut = True
            most = f"{self._limit // (1024 * 1024)} MiB" if self._size > self._limit else f"{_MOST_EVENTS} times"
            sentence = _CUT.format(most)
            self._events.append({"type": "stream", "content": {"name": "stderr", "text": sentence}})
            return
        self._events.append({"type": kind, "content": content})

    @property
    def size(self) -> int:
        """About how many bytes are held in memory."""
        return self._size + _EVENT_BYTES * len(self._events)

    def drop(self) -> None:
        """Frees the memory; a sentence takes the place of what was written."""
        self.dropped = True
        if self.size > len(DROPPED) + _EVENT_BYTES or self._source is not None:
            self._size, self._source = 0, None
            self._events = [{"type": "stream", "content": {"name": "stderr", "text": DROPPED}}]

    def folded(self) -> list[dict[str, Any]]:
        """What is to be seen in the end: streams joined, displays updated in place, cleared output gone."""
        # In a time that grows with the number of events and no faster: a client asks again and again while a cell
        # writes, and the service does nothing else meanwhile. Backwards, each display meets its updates before itself.
        updates: dict[str, dict[str, Any]] = {}
        shown: list[dict[str, Any]] = []
        for event in reversed(self.events[_first_shown(self.events) :]):
            kind, content = event["type"], event["content"]
            if kind == "clear_output":
                continue
            identity = _display_id(content)
            if kind == "update_display_data":
                if identity is not None:
                    updates[identity] = {**_display_parts(content), **updates.get(identity, {})}
            elif identity in updates:
                shown.append({"type": kind, "content": {**content, **updates[identity]}})
            else:
                shown.append({"type": kind, "content": content})
        shown.reverse()
        return _streams_joined(shown)

    def livy(self, execution_count: int, executed: Executed | None) -> dict[str, Any]:
        """Livy's ``output`` object; ``outputs`` in it is ours."""
        shown = self.folded()
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


def _first_shown(events: list[dict[str, Any]]) -> int:
    """Index of the first event that no ``clear_output`` has taken away; a waiting one acts with what comes next."""
    first, waits = 0, False
    for index, event in enumerate(events):
        if event["type"] == "clear_output":
            waits = bool(event["content"].get("wait"))
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
