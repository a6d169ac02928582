"""The live output of a statement: server-sent events, one Jupyter iopub message each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_EVENT_CHARACTERS = 64 * 1024 * 1024


class BrokenEventError(Exception):
    """The stream holds something that is no event of a statement."""


@dataclass(frozen=True, slots=True)
class StatementEvent:
    """One message of a running statement.

    Attributes:
        type: Message type of Jupyter's iopub channel, or ``done``.
        content: Content of that message.
        id: The event's id in the stream, to go on from there; empty where the service gives none.
    """

    type: str
    content: dict[str, Any]
    id: str = ""


def parse_events(lines: Iterable[str]) -> Iterator[StatementEvent]:
    """The events of a stream of lines, as the HTML standard's "event stream interpretation" says.

    Raises:
        BrokenEventError: An event is too large or no message.
    """
    data: list[str] = []
    size = 0
    last_id = ""
    for line in lines:
        if not line:
            if data:
                yield _event("\n".join(data), last_id)
            data, size = [], 0
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            size += len(value)
            if size > MAX_EVENT_CHARACTERS:
                raise BrokenEventError(f"An output of more than {MAX_EVENT_CHARACTERS} characters can't be shown.")
            data.append(value)
        elif name == "id":
            last_id = value


def _event(data: str, event_id: str) -> StatementEvent:
    try:
        message = json.loads(data)
        event_type, content = message["type"], message.get("content") or {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenEventError("The session service sent an event that is no message.") from error
    if not isinstance(event_type, str) or not isinstance(content, dict):
        raise BrokenEventError("The session service sent an event that is no message.")
    return StatementEvent(event_type, content, event_id)
