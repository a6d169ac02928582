"""A statement of Apache Livy's as the output messages of a session. Pure.

Livy gives one bundle at the end: what was printed and the last value are one text in it. Everything in it may have been
written by the session's code.
"""

from __future__ import annotations

from typing import Any

from hops_livy.engines.drivers import Completion, Executed
from hops_livy.upstream.answers import StatementView, sentence

Message = tuple[str, dict[str, Any]]
FINAL = frozenset({"available", "error", "cancelled"})
"""States of a statement that has ended."""
_PLAIN, _JSON = "text/plain", "application/json"
_MOST_TYPES, _MOST_TYPE = 20, 200
_MOST_NAME, _MOST_ERROR, _MOST_LINES = 1000, 64 * 1024, 500


def messages(view: StatementView) -> list[Message]:
    """What the statement wrote."""
    output = view.output or {}
    data = output.get("data")
    if output.get("status") != "ok" or not isinstance(data, dict):
        return []
    bundle = {kind: value for kind, value in list(data.items())[:_MOST_TYPES] if _shown(kind, value)}
    written: list[Message] = []
    text = bundle.pop(_PLAIN, "")
    if text:
        written.append(("stream", {"name": "stdout", "text": text if text.endswith("\n") else f"{text}\n"}))
    if bundle:
        written.append(("display_data", {"data": bundle, "metadata": {}, "transient": {}}))
    return written


def executed(view: StatementView) -> Executed:
    """How it ended."""
    output = view.output or {}
    if view.state == "cancelled":
        return failed("KeyboardInterrupt", "Cancelled.")
    if output.get("status") == "error" or view.state == "error":
        lines = output.get("traceback")
        return Executed(
            status="error",
            error={
                "ename": str(output.get("ename") or "Error")[:_MOST_NAME],
                "evalue": str(output.get("evalue") or "")[:_MOST_ERROR],
                "traceback": _traceback(lines if isinstance(lines, list) else []),
            },
        )
    return Executed(status="ok")


def failed(name: str, reason: str) -> Executed:
    """The end of a statement that the session service itself must tell of."""
    return Executed(status="error", error={"ename": name, "evalue": reason, "traceback": [reason]})


def not_run(reason: str) -> Executed:
    """The end of a statement that Livy did not take."""
    return failed("LivyError", f"Apache Livy did not run this statement: {sentence(reason)} Run it again.")


def not_handed_over(reason: str) -> Executed:
    """The end of a statement whose output Livy can't give."""
    return failed(
        "OutputError",
        f"Apache Livy can't hand over what this statement gave: {sentence(reason)} The session goes on; show less, or "
        "write it to a file.",
    )


def completion(words: list[str], code: str, cursor: int) -> Completion:
    """Livy's words, each of which takes the place of the name before the cursor."""
    start = cursor
    while start > 0 and (code[start - 1].isalnum() or code[start - 1] == "_"):
        start -= 1
    begun = code[start:cursor]
    return Completion(matches=[word for word in words if word.startswith(begun)], start=start, end=cursor)


def _shown(kind: object, value: object) -> bool:
    if not isinstance(kind, str) or len(kind) > _MOST_TYPE:
        return False
    return kind == _JSON or kind.endswith("+json") or isinstance(value, str)


def _traceback(lines: list[Any]) -> list[str]:
    kept: list[str] = []
    room = _MOST_ERROR
    # Livy's lines have their own ends, the session's have none.
    for line in lines[:_MOST_LINES]:
        kept.append(str(line)[:room].rstrip("\n"))
        room -= len(kept[-1])
        if room <= 0:
            break
    return kept
