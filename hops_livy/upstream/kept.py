"""What the platform keeps of a session in Apache Livy: which statement has which number there, and what it gave.

Livy keeps the last hundred statements, and none when the driver is gone. One file a statement, in the form of
:mod:`hops_livy.spooled`, and one for the session. Only the session service writes here.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hops_contract.private_files import write_private
from hops_livy.engines.drivers import Executed
from hops_livy.spooled import read_spool_file
from hops_livy.upstream.messages import Message

LOG = logging.getLogger(__name__)
_MOST_LINE = 1000


@dataclass(slots=True)
class KeptStatement:
    """What is known of a statement.

    Attributes:
        begun: Whether it was to be handed to Livy.
        after: The last number that Livy had given before.
        number: Its number there, once that is known.
        messages: What it wrote, once it has ended.
        executed: How it ended.
    """

    begun: bool = False
    after: int = -1
    number: int | None = None
    messages: list[Message] = field(default_factory=list)
    executed: Executed | None = None


@dataclass(slots=True)
class KeptSession:
    """What is known of the session: Spark's id of the application, and Livy's number of the last statement."""

    app_id: str | None = None
    last: int = -1


class Kept:
    """The files of one session.

    Args:
        folder: Where they lie; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told = False

    def begin(self, statement: int, *, after: int) -> None:
        """The statement is about to be handed to Livy, which has given the number ``after`` last."""
        self._write(statement, [("begun", {"after": after})], new=True)

    def submitted(self, statement: int, number: int) -> None:
        """Livy has taken it, under that number."""
        self._write(statement, [("submitted", {"number": number})])

    def finish(self, statement: int, messages: Iterable[Message], executed: Executed) -> None:
        """It has ended."""
        self._write(statement, [*messages, ("execute_reply", asdict(executed))])

    def statement(self, statement: int) -> KeptStatement:
        """What is known of a statement."""
        kept = KeptStatement()
        for entry in self._lines(statement):
            match entry:
                case {"type": "begun", "content": {"after": int() as after}}:
                    kept.begun, kept.after = True, after
                case {"type": "submitted", "content": {"number": int() as number}}:
                    kept.number = number
        spooled = read_spool_file(self._file(statement))
        kept.messages = [(message.kind, message.content) for message in spooled.messages]
        if spooled.reply is not None:
            error = spooled.reply.get("error")
            kept.executed = Executed(
                status=str(spooled.reply["status"]), error=error if isinstance(error, dict) else None
            )
        return kept

    def written(self, statement: int) -> list[Message]:
        """What a statement wrote."""
        return [(message.kind, message.content) for message in read_spool_file(self._file(statement)).messages]

    def forget(self, statement: int) -> None:
        """Nobody asks for it any more."""
        with contextlib.suppress(OSError):
            self._file(statement).unlink()

    def session(self) -> KeptSession:
        """What is known of the session."""
        try:
            found = json.loads(self._session_file.read_text(encoding="utf-8"))
            return KeptSession(app_id=found["app_id"], last=int(found["last"]))
        except (OSError, ValueError, KeyError, TypeError):
            return KeptSession()

    def keep_session(self, session: KeptSession) -> None:
        """Keeps what is known of the session."""
        with self._no_trouble():
            self._make()
            write_private(self._session_file, json.dumps(asdict(session)))

    @property
    def _session_file(self) -> Path:
        return self._folder / "livy.json"

    def _file(self, statement: int) -> Path:
        return self._folder / f"{statement}.jsonl"

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _lines(self, statement: int) -> list[Any]:
        """The first lines, which are short; what a statement wrote comes after them."""
        found: list[Any] = []
        with contextlib.suppress(OSError, ValueError), self._file(statement).open("rb") as file:
            found.append(json.loads(file.readline(_MOST_LINE)))
            found.append(json.loads(file.readline(_MOST_LINE)))
        return found

    def _write(self, statement: int, entries: Iterable[Message], *, new: bool = False) -> None:
        lines = [
            json.dumps({"id": "", "type": kind, "content": content}, separators=(",", ":")) for kind, content in entries
        ]
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if new else os.O_APPEND)
        with self._no_trouble():
            self._make()
            descriptor = os.open(self._file(statement), flags, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write("".join(f"{line}\n" for line in lines).encode())

    @contextlib.contextmanager
    def _no_trouble(self) -> Any:
        """A disk that is full stops no statement; a service that comes later then knows less."""
        try:
            yield
        except OSError as error:
            if not self._told:
                self._told = True
                LOG.warning("what statements give can't be kept: %s", error.strerror)
