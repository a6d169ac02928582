"""The place of a session in the queue, as people are told of it: what it waits for, who has that, who is served before.

Of projects that the session's owner is no member of neither names nor members are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hops_contract.amounts import memory_text
from hops_livy.engines.amounts import NOTHING, Amount
from hops_livy.fair_queue import Asked, Held, Lack

OTHERS = "other projects"
_MOST_TOLD = 8
_STEP_MIB = 256
"""What is free of memory changes all the time, and each change would be news to whoever waits."""
_ITS_TURN = "its turn, and what is free is kept for those before it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One that has what another waits for.

    Attributes:
        who: The project-user, or :data:`OTHERS`.
        session: Number of the session or batch, where the project-user is told.
        amount: How much of what is waited for; ``sessions`` where it is a place for one.
    """

    who: str
    session: int | None = None
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Running(Held):
    """A session that has what it needs; ``session`` is its number."""

    session: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Those in the queue that are served before one.

    Attributes:
        own: Project-user and number of each session of the same project; who is next comes first.
        others: How many there are of other projects.
    """

    own: tuple[tuple[str, int], ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a session stands in the queue.

    Attributes:
        position: 1 for the one that is served next.
        length: How many wait.
        waits_for: What is lacking, in words.
        held_by: Who has it; those with most first, the last ones left out where they are many.
        more: How many were left out.
        free: How much of what is lacking there is all the same.
        ahead: Who is served before it.
    """

    position: int
    length: int
    waits_for: str
    held_by: tuple[Holder, ...] = ()
    more: int = 0
    free: Amount = NOTHING
    ahead: Ahead = Ahead()

    def sentence(self) -> str:
        """All of it in words."""
        place = f"Waits for {self.waits_for}: {_ordinal(self.position)} of {self.length} in the queue."
        return " ".join(filter(None, (place, self._in_use(), self._free(), self._before())))

    def without_the_queue(self) -> str:
        """What is lacking and who has it, for one that does not wait."""
        if self.waits_for == _ITS_TURN:
            return "Others asked before you, and what is free is kept for them."
        return " ".join(filter(None, (f"It needs {self.waits_for}.", self._in_use(), self._free())))

    def shown(self) -> dict[str, Any]:
        """The same for programs, in JSON's types."""
        return {
            "position": self.position,
            "length": self.length,
            "waitsFor": self.waits_for,
            "heldBy": [
                {"who": one.who, "session": one.session, "memoryMib": one.amount.memory_mib, "gpus": one.amount.gpus}
                for one in self.held_by
            ],
        }

    def _in_use(self) -> str:
        """A sentence about who has what; nothing if nobody does."""
        told = ", ".join(_told(one) for one in self.held_by)
        return f"In use: {told}{f' and {self.more} more' if self.more else ''}." if told else ""

    def _free(self) -> str:
        """A sentence about what is there and not enough; nothing if nothing is."""
        return f"Free: {amount}." if (amount := _amount(self.free)) else ""

    def _before(self) -> str:
        """A sentence about who is served before; nothing if nobody is."""
        own = self.ahead.own
        told = [f"{who} (session {session})" for who, session in own[:_MOST_TOLD]]
        if more := len(own[_MOST_TOLD:]):
            told.append(f"{more} more of the project")
        if self.ahead.others:
            told.append(f"{self.ahead.others} of {OTHERS}")
        return f"Before it: {', '.join(told)}." if told else ""


def place_of(
    asked: Asked,
    lack: Lack,
    *,
    position: int,
    length: int,
    running: Iterable[Running],
    most: Amount,
    limit: Amount,
    free: Amount = NOTHING,
    ahead: Ahead = Ahead(),
) -> Place:
    """The place of ``asked``.

    Args:
        asked: One that waits.
        lack: What it lacks.
        position: 1 for the one that is served next.
        length: How many wait.
        running: Those that have what they need.
        most: The most that there is for all sessions together.
        limit: The most that the project's sessions may have together.
        free: What no session has.
        ahead: Who is served before.
    """
    holders = _holders(asked.project, lack, running)
    return Place(
        position=position,
        length=length,
        waits_for=_waits_for(asked, lack, most, limit),
        held_by=holders[:_MOST_TOLD],
        more=len(holders[_MOST_TOLD:]),
        free=_too_little(free, lack),
        ahead=ahead,
    )


def _too_little(free: Amount, lack: Lack) -> Amount:
    """What there is of memory and GPUs that are lacking here; a project's limits say for themselves what is left."""
    left = {name: max(0, getattr(free, name)) for name in lack.machine & {"memory_mib", "gpus"}}
    return Amount(**{name: size - size % _STEP_MIB if name == "memory_mib" else size for name, size in left.items()})


def _waits_for(asked: Asked, lack: Lack, most: Amount, limit: Amount) -> str:
    needs, counted, parts = asked.needs, asked.counted, []
    if "sessions" in lack.machine:
        one = f"one of the {most.sessions} sessions" if most.sessions != 1 else "the only session"
        parts.append(f"{one} of this service to end")
    if "sessions" in lack.project:
        one = (
            f"one of the {limit.sessions} sessions of the project"
            if limit.sessions != 1
            else "the project's only session"
        )
        parts.append(f"{one} to end")
    if "starts" in lack.machine:
        one = f"one of the {most.starts} sessions that are" if most.starts != 1 else "the session that is"
        parts.append(f"{one} being started to be ready")
    if "executors" in lack.project:
        parts.append(f"{_executors(counted.executors)} of the project's {limit.executors}")
    if "gpus" in lack.machine:
        parts.append(_gpus(needs.gpus))
    elif "gpus" in lack.project:
        parts.append(f"{_gpus(counted.gpus)} of the project's {limit.gpus}")
    if "memory_mib" in lack.machine:
        parts.append(f"{memory_text(needs.memory_mib)} of memory")
    elif "memory_mib" in lack.project:
        parts.append(f"{memory_text(counted.memory_mib)} of the project's {memory_text(limit.memory_mib)} of memory")
    return " and ".join(parts) or _ITS_TURN


def _holders(project: str, lack: Lack, running: Iterable[Running]) -> tuple[Holder, ...]:
    told: dict[tuple[str, int | None], Amount] = {}
    for one in running:
        own = one.project == project
        having = Amount(
            **{name: _having(name, one, lack, own) for name in ("sessions", "memory_mib", "gpus", "executors")}
        )
        if having != NOTHING:
            holder = (one.owner, one.session) if own else (OTHERS, None)
            told[holder] = told.get(holder, NOTHING) + having
    holders = [Holder(who=who, session=session, amount=amount) for (who, session), amount in told.items()]
    holders.sort(key=lambda one: (-one.amount.gpus, -one.amount.memory_mib, one.who, one.session or 0))
    return tuple(holders)


def _having(name: str, one: Running, lack: Lack, own: bool) -> int:  # noqa: FBT001 - read beside its call
    """How much ``one`` has of something that is lacking: here, or of what the project's limits count."""
    if name in lack.machine:
        return int(getattr(one.amount, name))
    return int(getattr(one.counted, name)) if own and name in lack.project else 0


def _told(holder: Holder) -> str:
    if amount := _amount(holder.amount):
        return f"{amount} by {holder.who}{'' if holder.session is None else f' (session {holder.session})'}"
    if holder.session is not None:
        return f"session {holder.session} of {holder.who}"
    return f"{holder.amount.sessions} session{'' if holder.amount.sessions == 1 else 's'} of {holder.who}"


def _amount(amount: Amount) -> str:
    parts = [_executors(amount.executors)] if amount.executors else []
    if amount.gpus:
        parts.append(_gpus(amount.gpus))
    if amount.memory_mib:
        parts.append(memory_text(amount.memory_mib))
    return " and ".join(parts)


def _executors(number: int) -> str:
    return f"{number} executor{'' if number == 1 else 's'}"


def _gpus(number: int) -> str:
    return f"{number} GPU{'' if number == 1 else 's'}"


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else endings.get(number % 10, 'th')}"
