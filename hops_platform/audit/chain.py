"""The chain of hashes. Nothing here knows of a database.

Laws:

1. Entries are numbered 1, 2, 3 … without a gap.
2. The hash of an entry is an HMAC-SHA256 over all of its fields and the hash of the entry before; before the first
   stands :data:`GENESIS`. The key is not where the entries are, so who has only these can't make them anew.
3. A :class:`Head`, kept apart from the entries and signed with the same key, says how far the chain has come at least.
   Without it the last entries could be taken away and nothing would be missing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

GENESIS = "0" * 64
KEY_BYTES = 32
_FORM = "hopslab-audit-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one link of the chain says.

    Attributes:
        number: Its place, from 1.
        moment: When, with a zone.
        actor: Name of who did it; empty for nobody that is known.
        actor_kind: What stands behind the name.
        action: What was done.
        project: Name of the project, if it is about one.
        project_id: Which project of that name: names are given again.
        thing_kind: The kind of thing that it was done to.
        thing: Its name.
        source: The network address that it came from; empty where it came from no network.
        request_id: The request, as in the log and in the answer's ``X-Request-Id``.
        outcome: What came of it.
        reason: Why it was refused or failed, in words.
        details: A JSON object as text, so that it stays as it was hashed.
    """

    number: int
    moment: datetime
    actor: str
    actor_kind: str
    action: str
    project: str | None
    project_id: uuid.UUID | None
    thing_kind: str
    thing: str
    source: str
    request_id: str
    outcome: str
    reason: str
    details: str


@dataclass(frozen=True, slots=True)
class Link:
    """An entry with its hashes, as they are kept."""

    entry: Entry
    previous_hash: str
    own_hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has come."""

    number: int = 0
    own_hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken.

    Attributes:
        number: The first entry that is missing or was changed.
        words: What is wrong there, as a sentence.
    """

    number: int
    words: str


class Chain:
    """Makes links, and heads that nobody else can make.

    Args:
        key: 32 secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"The key of the audit has {KEY_BYTES} bytes.")
        self._key = key

    def link(self, entry: Entry, head: Head) -> Link:
        """``entry`` as the next link after ``head``."""
        return Link(entry, head.own_hash, self._hash(entry, head.own_hash))

    def holds(self, link: Link) -> bool:
        """Whether a link says what it said when it was made."""
        return hmac.compare_digest(self._hash(link.entry, link.previous_hash), link.own_hash)

    def sign(self, head: Head) -> str:
        """The signature of ``head``."""
        # A text of another form than an entry's, so that neither passes for the other.
        return self._hmac(f"{_FORM}-head\n{head.number}\n{head.own_hash}".encode())

    def signed(self, head: Head, signature: str) -> bool:
        """Whether ``signature`` is that of ``head``."""
        return hmac.compare_digest(self.sign(head).encode(), signature.encode("utf-8", "replace"))

    def _hash(self, entry: Entry, previous: str) -> str:
        return self._hmac(canonical(entry, previous))

    def _hmac(self, text: bytes) -> str:
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()


def canonical(entry: Entry, previous: str) -> bytes:
    """The one way in which an entry is written to be hashed."""
    fields = asdict(entry) | {
        "form": _FORM,
        "moment": entry.moment.astimezone(UTC).isoformat(timespec="microseconds"),
        "project_id": entry.project_id.hex if entry.project_id is not None else None,
        "previous_hash": previous,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


class Walk:
    """Goes along a chain from its beginning, one link after the other, and stops at the first that is broken.

    Args:
        chain: With the key that the links were made with.
        head: How far it must have come; read before the links, since it may grow meanwhile.
    """

    def __init__(self, chain: Chain, head: Head) -> None:
        self._chain = chain
        self._head = head
        self.at = Head()

    def step(self, link: Link) -> Break | None:
        """Takes the next link; ``None`` while all is well."""
        expected, found = self.at.number + 1, link.entry.number
        if found != expected:
            return Break(expected, _missing(expected, found - 1))
        if not hmac.compare_digest(link.previous_hash, self.at.own_hash):
            return Break(found, f"Row {found} does not follow the row before it: one of the two was replaced.")
        if not self._chain.holds(link):
            return Break(found, f"Row {found} was changed, or was not written by this platform.")
        if found == self._head.number and link.own_hash != self._head.own_hash:
            return Break(found, f"Row {found} is not the one that was written here first.")
        self.at = Head(found, link.own_hash)
        return None

    def end(self) -> Break | None:
        """Says that there are no more links; ``None`` if none is missing."""
        if self.at.number < self._head.number:
            return Break(self.at.number + 1, _missing(self.at.number + 1, self._head.number))
        return None


def _missing(first: int, last: int) -> str:
    return f"Row {first} is missing." if first == last else f"Rows {first} to {last} are missing."
