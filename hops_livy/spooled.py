"""Reads what statements wrote into their spool files (see :mod:`hops_livy.driver.hops_session.spool`).

The session's code can write these files as well as its kernel: nothing that stands in them is believed beyond what the
session itself may say.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hops_livy.driver.hops_session.spool import KEPT_TYPES, MOST_BYTES

_MOST_FILE = 2 * MOST_BYTES
_MOST_ODD, _MOST_MESSAGES = 100, 50_000


@dataclass(frozen=True, slots=True)
class SpooledMessage:
    """One output message: its own id, its type and its content."""

    id: str
    kind: str
    content: dict[str, Any]


@dataclass(slots=True)
class Spooled:
    """What one statement wrote.

    Attributes:
        begun: Whether it has reached the kernel.
        messages: Its output.
        reply: Content of the kernel's reply, once it has ended.
    """

    begun: bool = False
    messages: list[SpooledMessage] = field(default_factory=list)
    reply: dict[str, Any] | None = None


def read_spool(descriptor: int) -> Spooled:
    """Reads an open file, and closes it. Lines that are none are passed over."""
    spooled = Spooled()
    with os.fdopen(descriptor, "rb") as file:
        size = odd = 0
        for line in file:
            size += len(line)
            if size > _MOST_FILE or odd > _MOST_ODD or len(spooled.messages) > _MOST_MESSAGES:
                break
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
                spooled.messages.append(SpooledMessage(identity, kind, content))
    return spooled


def read_spool_file(path: Path) -> Spooled:
    """As :func:`read_spool`; nothing, where there is no file."""
    try:
        return read_spool(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except OSError:
        return Spooled()
