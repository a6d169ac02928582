"""Whether this machine has the memory that a session asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import psutil

from hops_contract.amounts import measured_memory_text, memory_text
from hops_livy.control_groups import MemoryGroups

_MIB = 1024 * 1024


class NoMemoryError(Exception):
    """Not enough memory; the message holds the numbers."""


class MemoryTakenError(NoMemoryError):
    """There is enough, and others have it now."""


_groups = cache(MemoryGroups)


def free_memory_mib() -> int:
    """What can be had now without swapping, of this machine and of what the service may have of it."""
    left = _groups().left()
    available = int(psutil.virtual_memory().available)
    return (available if left is None else min(available, left)) // _MIB


def whole_memory_mib() -> int:
    """All that this machine has, or as much of it as the service and its sessions may have."""
    whole, limit = int(psutil.virtual_memory().total), _groups().limit()
    return (whole if limit is None else min(whole, limit)) // _MIB


def is_limited() -> bool:
    """Whether the service and its sessions may not have all that this machine has."""
    limit = _groups().limit()
    return limit is not None and limit < psutil.virtual_memory().total


@dataclass(slots=True)
class MemoryLedger:
    """Memory that sessions asked for.

    Args:
        limit_mib: The most for all sessions together; without it, what is free decides alone.
    """

    limit_mib: int | None = None
    _asked: dict[int, int] = field(default_factory=dict)
    _starting: dict[int, int] = field(default_factory=dict)

    @property
    def whole(self) -> int:
        """The most that there can be for all sessions together."""
        return whole_memory_mib() if self.limit_mib is None else self.limit_mib

    @property
    def free(self) -> int:
        """What can be reserved now; below zero where more was promised than there is."""
        # Sessions that have just been started don't use yet what they were promised.
        free = free_memory_mib() - sum(self._starting.values())
        return free if self.limit_mib is None else min(free, self.limit_mib - sum(self._asked.values()))

    @property
    def starting(self) -> int:
        """How many have begun to start and don't use yet what they were promised."""
        return len(self._starting)

    def take(self, amount_mib: int, *, session_id: int) -> None:
        """Reserves memory for a session.

        Raises:
            MemoryTakenError: There is not so much now.
            NoMemoryError: There never is.
        """
        self.check(amount_mib)
        self._asked[session_id] = amount_mib
        self._starting[session_id] = amount_mib

    def check(self, amount_mib: int, *, instead_of: int | None = None) -> None:
        """Checks that so much could be reserved, after the end of session ``instead_of`` where one is given.

        Raises:
            MemoryTakenError: There is not so much now.
            NoMemoryError: There never is.
        """
        asked = memory_text(amount_mib)
        if amount_mib > self.whole:
            alone = self.limit_mib is None and not is_limited()
            has = measured_memory_text(self.whole) if self.limit_mib is None else memory_text(self.whole)
            whose, together = ("this machine has", "") if alone else ("sessions may use", " together")
            raise NoMemoryError(f"{asked} of memory were asked for; {whose} {has}{together}. Ask for less.")
        returned = 0 if instead_of is None else self._asked.get(instead_of, 0)
        taken = sum(self._asked.values()) - returned
        if self.limit_mib is not None and taken + amount_mib > self.limit_mib:
            raise MemoryTakenError(
                f"{asked} of memory were asked for; sessions may use {memory_text(self.limit_mib)} together, and "
                f"{memory_text(taken)} are taken. Ask for less, or stop another session."
            )
        # Sessions that have just been started don't use yet what they were promised.
        free = free_memory_mib() - sum(self._starting.values()) + returned
        if amount_mib > free:
            whose = "sessions have" if is_limited() else "this machine has"
            raise MemoryTakenError(
                f"{asked} of memory were asked for; {whose} {measured_memory_text(max(0, free))} free now. "
                "Ask for less, or stop another session."
            )

    def keep(self, amount_mib: int, *, session_id: int) -> None:
        """A session that is found again goes on having what it was promised; the machine shows what it uses."""
        self._asked[session_id] = amount_mib

    def settle(self, session_id: int) -> None:
        """The session has started: from now on the machine itself shows what it uses."""
        self._starting.pop(session_id, None)

    def give_back(self, session_id: int) -> None:
        """The session has ended; safe to repeat."""
        self._asked.pop(session_id, None)
        self._starting.pop(session_id, None)
