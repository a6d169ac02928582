"""How far the audit has come, in a file beside the database: who cuts rows off at its end can't cut them off here."""

from __future__ import annotations

import fcntl
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hops_contract.private_files import write_private
from hops_platform.audit.chain import Chain, Head

LOG = logging.getLogger("hops.audit.head")
HEAD_FILE = "audit-head"


class BrokenHeadError(RuntimeError):
    """The file was changed, or is missing though there are rows."""


class HeadFile:
    """The signed head. It only ever grows, whoever writes it: this process or a command beside it.

    Args:
        path: The file; 0600, replaced in one step.
        chain: Signs it.
    """

    def __init__(self, path: Path, chain: Chain) -> None:
        self._path = path
        self._chain = chain
        self._lock = threading.Lock()
        # What this process wrote or read last: a file that is removed meanwhile is made again from it.
        self._known = Head()

    def read(self) -> Head | None:
        """What the file says; ``None`` where there is none.

        Raises:
            BrokenHeadError: It was not written by this platform.
        """
        try:
            written = json.loads(self._path.read_text())
            head = Head(int(written["number"]), str(written["own_hash"]))
            signature = str(written["signature"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenHeadError(f"The file {self._path.name} can't be read: it was changed.") from error
        if not self._chain.signed(head, signature):
            raise BrokenHeadError(f"The file {self._path.name} was changed, or signed with another key.")
        return head

    def furthest(self) -> Head:
        """The furthest that this process knows of, be the file as it may."""
        try:
            written = self.read() or Head()
        except BrokenHeadError as error:
            LOG.error("%s Rows are added as if it were not there.", error)  # noqa: TRY400 - no trace is needed
            written = Head()
        with self._lock:
            if written.number > self._known.number:
                self._known = written
            return self._known

    def advance(self, head: Head) -> None:
        """Writes ``head`` unless the file is further.

        Raises:
            OSError: It can't be written.
        """
        with self._lock, self._alone():
            self._known = max(head, self._known, key=lambda one: one.number)
            try:
                written = self.read() or Head()
            except BrokenHeadError:
                # A broken one stays: replacing it would hide that somebody broke it.
                return
            if self._known.number > written.number:
                self._write(self._known)
            else:
                self._known = written

    def _write(self, head: Head) -> None:
        content = {"number": head.number, "own_hash": head.own_hash, "signature": self._chain.sign(head)}
        write_private(self._path, json.dumps(content))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        beside = self._path.with_name(f".{self._path.name}.lock")
        with beside.open("a") as file:
            beside.chmod(0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
