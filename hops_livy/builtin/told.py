"""What a driver tells of its start and its end, in lines that code of its session can write as well as itself."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from hops_livy.builtin.folder import open_own

MOST_LINES = 100
MOST_BYTES = 64 * 1024
_MOST_REASON = 2000
_LONGEST_ID = 200
_MOST_NUMBER = 2**31
"""Of an exit status, and of memory in MiB: with what is larger nothing can be reckoned or said."""


@dataclass(slots=True)
class Told:
    """What has been told up to now.

    Attributes:
        was_ready: Whether it could run statements.
        application: Spark's id of it, as it said when it first was ready: code of the session can say so only later.
        page_port: Where its Spark's pages are, as it says.
        failure: Why it could not start.
        java_code: Exit status of its Java machine.
        code: Its own exit status.
        peak_mib: The most memory that its Python process, or one that this waited for, had at once.
    """

    was_ready: bool = False
    application: str | None = None
    page_port: int | None = None
    failure: str | None = None
    java_code: int | None = None
    code: int | None = None
    peak_mib: int | None = None

    def take(self, line: bytes) -> str:
        """Takes one line, a JSON object, and returns its stage; empty where it names none.

        Raises:
            ValueError: It is no such line.
        """
        try:
            status = json.loads(line)
            stage = status.get("stage")
        except (ValueError, AttributeError, RecursionError) as error:
            raise ValueError("no JSON object") from error
        match stage:
            case "ready":
                if not self.was_ready and (number := status.get("application")) is not None:
                    self.application = _text(number)[:_LONGEST_ID]
                self.was_ready = True
                self.page_port = port if type(port := status.get("page_port")) is int else None
            case "failed":
                self.failure = _text(status.get("reason", ""))[:_MOST_REASON]
                self.java_code = _whole(status.get("jvm_code"))
            case "jvm_ended":
                self.java_code = _whole(status.get("code"))
            case "exited":
                self.code = _whole(status.get("code"))
            case "driver_ended":
                self.code = _whole(status.get("code"))
                self.peak_mib = _whole(status.get("peak_mib"))
        return stage if isinstance(stage, str) else ""


def ends(line: bytes) -> bool:
    """Whether a line tells that the driver has ended."""
    told = Told()
    try:
        return told.take(line) == "driver_ended"
    except ValueError:
        return False


def lines_of(file: Path) -> list[bytes]:
    """What was told while nobody listened; nothing where the file can't be read."""
    try:
        with os.fdopen(open_own(file, os.O_RDONLY), "rb") as opened:
            return opened.read(MOST_BYTES).splitlines()[:MOST_LINES]
    except OSError:
        return []


def _whole(value: object) -> int | None:
    return value if type(value) is int and abs(value) < _MOST_NUMBER else None


def _text(value: object) -> str:
    """It as text that can be sent: half a character would make every list unreadable that the session is in."""
    return str(value).encode("utf-8", "replace").decode()
