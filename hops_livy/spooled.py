"""Reads what statements wrote into their spool files (see :mod:`hops_livy.driver.hops_session.spool`).

The session's code can write these files as well as its kernel: nothing that stands in them is believed beyond what the
session itself may say, and of a file of any size only so much is read, in pieces of a bounded length.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hops_livy.driver.hops_session.spool import KEPT_TYPES, MOST_BYTES
from hops_livy.outputs import MOST_EVENTS

_MOST_LINE = MOST_BYTES
_MOST_FILE = MOST_BYTES + 24 * 1024 * 1024
"""With the reply, which is kept whatever else there is."""
_MOST_ODD = 100
_MOST_MESSAGES = MOST_EVENTS + 1
"""By the last of them whoever shows them knows that there are too many."""
_MOST_LINES = 2 * MOST_EVENTS
_REPLY, _HEAD_BYTES = b'"type":"execute_reply"', 300


@dataclass(frozen=True, slots=True)
class SpooledMessage:
    """One output message: its own id and its type. Of its content the text is kept, which takes much less memory."""

    id: str
    kind: str
    line: bytes

    @property
    def content(self) -> dict[str, Any]:
        """Its content, parsed anew each time."""
        content: dict[str, Any] = json.loads(self.line)["content"]
        return content


@dataclass(slots=True)
class Spooled:
    """What one statement wrote.

    Attributes:
        begun: Whether it has reached the kernel.
        messages: Its output, as much as is ever shown and a little more.
        reply: Content of the kernel's reply, once it has ended.
    """

    begun: bool = False
    messages: list[SpooledMessage] = field(default_factory=list)
    reply: dict[str, Any] | None = None


def read_spool(descriptor: int) -> Spooled:
    """Reads an open file, and closes it. Lines that are none are passed over. It may take a second."""
    spooled = Spooled()
    with os.fdopen(descriptor, "rb") as file:
        size = kept = odd = lines = 0
        while line := file.readline(_MOST_LINE):
            size, lines = size + len(line), lines + 1
            if size > _MOST_FILE or odd > _MOST_ODD or lines > _MOST_LINES:
                break
            if len(line) == _MOST_LINE and not line.endswith(b"\n"):
                break  # no line of the kernel's is as long
            if (kept > MOST_BYTES or len(spooled.messages) >= _MOST_MESSAGES) and _REPLY not in line[:_HEAD_BYTES]:
                continue
            try:
                entry = json.loads(line)
                kind, content, identity = entry["type"], entry["content"], str(entry["id"])
            except (ValueError, KeyError, TypeError, RecursionError):
                odd += 1
                continue
            if not isinstance(content, dict) or not isinstance(kind, str):
                odd += 1
                continue
            spooled.begun = True
            if kind == "execute_reply":
                spooled.reply = content if isinstance(content.get("status"), str) else None
            elif kind in KEPT_TYPES:
                kept += len(line)
                spooled.messages.append(SpooledMessage(identity, kind, line))
    return spooled


def read_spool_file(path: Path) -> Spooled:
    """As :func:`read_spool`; nothing, where there is no file."""
    try:
        return read_spool(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except OSError:
        return Spooled()
