"""Folds a kernel's output messages into what Livy's clients expect, and keeps each of them for ours."""

from __future__ import annotations

import html
import json
from typing import Any

from hops_livy.engines.drivers import Executed

_PLAIN, _HTML, _PNG, _JSON = "text/plain", "text/html", "image/png", "application/json"
_CUT = "\n[The output was cut off here: a statement may write {} MiB.]\n"


class Outputs:
    """The output of one statement.

    Args:
        limit_bytes: What comes after so many bytes is dropped, with a sentence.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.events: list[dict[str, Any]] = []
        self._limit = limit_bytes
        self._size = 0
        self._cut = False

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Takes the next message. Streams that follow one another are not joined here: each is news."""
        if self._cut:
            return
        self._size += len(json.dumps(content, default=str))
        if self._size > self._limit:
            self._cut = True
            sentence = _CUT.format(self._limit // (1024 * 1024))
            self.events.append({"type": "stream", "content": {"name": "stderr", "text": sentence}})
            return
        self.events.append({"type": kind, "content": content})

    def folded(self) -> list[dict[str, Any]]:
        """What is to be seen in the end: streams joined, displays updated in place, cleared output gone."""
        shown: list[dict[str, Any]] = []
        clear = False
        for event in self.events:
            kind, content = event["type"], event["content"]
            if kind == "clear_output":
                clear = True
                if not content.get("wait"):
                    shown, clear = [], False
                continue
            if clear:
                shown, clear = [], False
            if kind == "stream" and shown and _continues(shown[-1], content):
                shown[-1] = _stream(content["name"], shown[-1]["content"]["text"] + content["text"])
            elif kind == "update_display_data":
                _update(shown, content)
            else:
                shown.append({"type": kind, "content": content})
        return shown

    def livy(self, execution_count: int, executed: Executed | None) -> dict[str, Any]:
        """Livy's ``output`` object; ``outputs`` in it is ours."""
        shown = self.folded()
        if executed is not None and executed.status != "ok":
            error = executed.error or {"ename": "Aborted", "evalue": "The statement was not run.", "traceback": []}
            return {
                "status": "error",
                "execution_count": execution_count,
                "ename": error["ename"],
                "evalue": _evalue(error),
                "traceback": [f"{line}\n" for line in error.get("traceback", [])],
                "outputs": shown,
            }
        return {"status": "ok", "execution_count": execution_count, "data": livy_bundle(shown), "outputs": shown}


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
        bundle |= {kind: value for kind, value in own.items() if kind.startswith("application/vnd.")}
    return {**bundle, _PLAIN: text, _HTML: "\n".join(_html(item) for item in visible)}


def _continues(last: dict[str, Any], content: dict[str, Any]) -> bool:
    return bool(last["type"] == "stream" and last["content"]["name"] == content["name"])


def _stream(name: str, text: str) -> dict[str, Any]:
    return {"type": "stream", "content": {"name": name, "text": text}}


def _update(shown: list[dict[str, Any]], content: dict[str, Any]) -> None:
    identity = content.get("transient", {}).get("display_id")
    for index, item in enumerate(shown):
        if identity is not None and item["content"].get("transient", {}).get("display_id") == identity:
            shown[index] = {"type": item["type"], "content": {**item["content"], **content}}


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
