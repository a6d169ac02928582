"""Completion and inspection by the session.

Nothing here starts a session, waits long or fails: without an answer in time there are no words.
"""

from __future__ import annotations

from typing import Any

import requests
from sparkmagic.livyclientlib.livysession import LivySession

from hops_kernels.cells import nothing
from hops_kernels.seams import post_json

ANSWER_S = 4.0
"""The service itself waits a second less for the session."""


def ask_completion(session: LivySession, code: str, cursor: int) -> dict[str, Any]:
    """The session's ``complete_reply``; without words where it gives none."""
    answer = _ask(session, "/completion", {"code": code, "cursor": cursor})
    matches, start, end = (answer.get(name) for name in ("matches", "cursor_start", "cursor_end"))
    if not (isinstance(matches, list) and isinstance(start, int) and isinstance(end, int)):
        return nothing(cursor)
    metadata = answer.get("metadata") or {}
    return {"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": metadata}


def ask_inspection(session: LivySession, code: str, cursor: int, detail_level: int) -> dict[str, Any]:
    """The session's ``inspect_reply``."""
    answer = _ask(session, "/inspection", {"code": code, "cursor": cursor, "detail_level": detail_level})
    found = answer.get("found") is True
    data = answer.get("data") if found else None
    return {"status": "ok", "found": found, "data": data or {}, "metadata": answer.get("metadata") or {}}


def _ask(session: LivySession, path: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        return post_json(session, path, body, read_timeout_s=ANSWER_S)
    except (requests.RequestException, ValueError):
        return {}  # the next cell meets the same trouble and explains it
