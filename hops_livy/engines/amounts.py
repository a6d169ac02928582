"""How much of what is counted: memory, GPUs, executors, sessions themselves, and those that are being started."""

from __future__ import annotations

from dataclasses import dataclass, fields

UNBOUNDED = 2**60
"""As good as no bound, and still a number to reckon with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So much of each. A difference may be below zero: then more was promised than there is.

    ``starts`` is needed only until a session is ready: many at once would all be slow, and each of them be held up.
    ``executors`` are counted against the limits of projects; no backend counts them, it counts what they take.
    """

    sessions: int = 0
    starts: int = 0
    memory_mib: int = 0
    gpus: int = 0
    executors: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            sessions=self.sessions + other.sessions,
            starts=self.starts + other.starts,
            memory_mib=self.memory_mib + other.memory_mib,
            gpus=self.gpus + other.gpus,
            executors=self.executors + other.executors,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            sessions=self.sessions - other.sessions,
            starts=self.starts - other.starts,
            memory_mib=self.memory_mib - other.memory_mib,
            gpus=self.gpus - other.gpus,
            executors=self.executors - other.executors,
        )

    def lacks(self, needs: Amount) -> frozenset[str]:
        """Of what there is too little here for ``needs``: names of fields. What is not needed is never lacking."""
        return frozenset(
            field.name for field in fields(self) if getattr(self, field.name) < getattr(needs, field.name) > 0
        )

    def share_of(self, whole: Amount) -> float:
        """The largest part of ``whole`` that this takes of anything it keeps; 1 is all of it."""
        parts = [(self.sessions, whole.sessions), (self.memory_mib, whole.memory_mib), (self.gpus, whole.gpus)]
        return max(taken / there if there > 0 else float(taken > 0) for taken, there in parts)


NOTHING = Amount()
BOUNDLESS = Amount(sessions=UNBOUNDED, starts=UNBOUNDED, memory_mib=UNBOUNDED, gpus=UNBOUNDED, executors=UNBOUNDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What there is for sessions: free at this moment, and in all."""

    free: Amount = BOUNDLESS
    whole: Amount = BOUNDLESS
