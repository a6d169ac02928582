"""What is written down of one session, so that a later service finds it again.

Laws:

1. It begins with a head: what the session is, and at most one entry of each kind for what it waits for, what drives it
   and whose kernel works in it. After that come its statements.
2. A journal that has grown is written anew from the head and the statements: nothing else of it matters.

:mod:`hops_livy.recovery` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from hops_livy.engines.amounts import Amount
from hops_livy.engines.drivers import BatchFile
from hops_livy.history import History
from hops_livy.journal import Entry, Journal


class SessionRecord:
    """The journal of one session.

    Args:
        journal: Where it is written.
        history: The session's statements.

    Attributes:
        head: What the journal begins with.
    """

    def __init__(self, journal: Journal, history: History) -> None:
        self._journal = journal
        self._history = history
        self.head: list[Entry] = []

    def begin(self, heading: Entry) -> None:
        """The first entry of a session that has just come."""
        self.head = [heading]
        self._journal.write(heading)

    def begin_anew(self, heading: Entry) -> None:
        """Another first entry in the place of the one that there is."""
        self.head[0] = heading
        self.rewrite()

    def rewrite(self) -> None:
        """Writes all of it anew, as it is now."""
        self._journal.rewrite([*self.head, *self._history.entries()])

    def note(self, entry: Entry) -> None:
        """Writes an entry of a statement."""
        self._journal.write(entry)
        if self._journal.grown:
            self.rewrite()

    def put(self, entry: Entry, *, instead_of: str | None = None) -> None:
        """Writes an entry of the head, in the place of those of its kind and of the kind ``instead_of``."""
        self.take(entry, instead_of=instead_of)
        if self._journal.grown:
            self.rewrite()
        else:
            self._journal.write(entry)

    def take(self, entry: Entry, *, instead_of: str | None = None) -> None:
        """The same of one that is written down already."""
        self.head = [*(known for known in self.head if known["is"] not in (entry["is"], instead_of)), entry]

    def begin_to_wait(self, *, conf: Mapping[str, str], batch: BatchFile | None, limit: Amount, overtaken: int) -> None:
        """Writes down what a later service needs to start the session when its turn has come."""
        self.put(
            {
                "is": "waiting",
                "conf": dict(conf),
                "batch": None if batch is None else asdict(batch),
                "limit": asdict(limit),
                "overtaken": overtaken,
            }
        )

    def note_overtaken(self, times: int) -> None:
        """Others were served before it."""
        self.remember_overtaken(times)
        self._journal.write({"is": "overtaken", "times": times})

    def remember_overtaken(self, times: int) -> None:
        """As it is written down already."""
        for entry in self.head:
            if entry["is"] == "waiting":
                entry["overtaken"] = times
