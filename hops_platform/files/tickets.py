"""Tickets by which browsers download files.

A browser saves a file of any size without holding it in memory when it asks for the file itself, by a link or a form.
Neither can carry the page's token (:mod:`hops_platform.security.browser`), and an address is kept in histories and
logs. So the page's script, which has the token, asks for a ticket, and a form sends the ticket in its body, beside the
cookie. A ticket is good once, for a minute, for one file and one person, and proves no right: that is asked again.

They are kept in memory: after a restart of the service a person clicks once more.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

LIFETIME_S = 60.0
MOST_OF_ONE = 32
MOST = 10_000


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A file under the name by which it was asked for: a project's own, or one of a dataset that is shared with it.

    Attributes:
        project: In which project.
        dataset: Which of its datasets.
        path: Where in it.
    """

    project: str
    dataset: str
    path: str

    def __str__(self) -> str:
        """As the audit has it."""
        return f"{self.dataset}/{self.path}"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one download is of, and whose.

    Attributes:
        person: The user's key.
        file: Which.
        ends: When it is no longer good, on this machine's own clock.
    """

    person: UUID
    file: AskedFile
    ends: float


class DownloadTickets:
    """The tickets that were given out and not used; thread-safe.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._given: OrderedDict[bytes, Ticket] = OrderedDict()

    def give(self, person: UUID, file: AskedFile) -> str:
        """A new ticket; where there are too many, the oldest of the same person, or of all, is no longer good."""
        text = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            while self._given and next(iter(self._given.values())).ends <= now:
                self._given.popitem(last=False)
            own = [key for key, given in self._given.items() if given.person == person]
            if len(own) >= MOST_OF_ONE:
                del self._given[own[0]]
            if len(self._given) >= MOST:
                self._given.popitem(last=False)
            self._given[_key(text)] = Ticket(person, file, now + LIFETIME_S)
        return text

    def take(self, person: UUID, text: str) -> AskedFile | None:
        """The file that a ticket is for, which is used up by that; ``None`` where it is not good.

        Who shows another person's ticket uses it up too: it has been seen by somebody who should not have it.
        """
        with self._lock:
            ticket = self._given.pop(_key(text), None)
        if ticket is None or ticket.person != person or ticket.ends <= self._clock():
            return None
        return ticket.file


def _key(text: str) -> bytes:
    # What is looked up is not what was sent: a comparison that takes longer tells nothing of it.
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
