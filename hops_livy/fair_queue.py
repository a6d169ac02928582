"""Who of those that wait for resources is served next. No clock, no engine: the same question has the same answer.

Laws, each with a test in ``tests/unit/livy/test_fair_queue.py``:

1. Never more is given than is free, and no project gets more than its limits for all its sessions together.
2. Who has the smallest share goes first, counted for the project and for the person in all their projects, whichever is
   larger; then the member of a project with the smallest share in it; then who asked first. A share is the largest part
   of anything: of the memory, of the GPUs, of the places for sessions.
3. Whoever does not fit yet may be overtaken by those who do, so that nothing lies idle; but only :data:`PATIENCE`
   times by those who take of what they lack. After that they go before all others, and what they need is kept for
   them.
4. From others nothing is kept for one who waits for sessions of their own, neither room of the machine nor room within
   the project's limits: what stands empty until these end helps nobody. No room of the machine is kept from others
   for one whom the project's limits hold either. From that person's own later requests it is, so that what they have
   can only become less; and for these nothing is kept from others while the earlier one waits. Nothing at all is kept
   for one that asks for more than there can be.
5. So nobody waits for ever as long as sessions end, however large their request and however many come after them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hops_contract.slugs import split_project_user
from hops_livy.engines.amounts import BOUNDLESS, NOTHING, Amount, Room

PATIENCE = 5
"""So often may one be overtaken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One that waits.

    Attributes:
        number: Of its session; who asked earlier has a smaller one.
        project: Whose limits it counts against.
        owner: The project-user.
        needs: What it takes of what is free here when it starts.
        asks: What it has in all, also on a cluster: that is what its project's limits bound. Default: ``needs``.
        overtaken: How often others were served before it with what it lacked.
    """

    number: int
    project: str
    owner: str
    needs: Amount
    asks: Amount | None = None
    overtaken: int = 0

    @property
    def counted(self) -> Amount:
        """What its project's limits count."""
        return self.needs if self.asks is None else self.asks

    @property
    def patient(self) -> bool:
        """Whether it has been overtaken often enough."""
        return self.overtaken >= PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What somebody has already.

    Attributes:
        project: Whose limits it counts against.
        owner: The project-user.
        amount: Of what is shared out here.
        asked: In all, also on a cluster. Default: ``amount``.
    """

    project: str
    owner: str
    amount: Amount
    asked: Amount | None = None

    @property
    def counted(self) -> Amount:
        """What its project's limits count."""
        return self.amount if self.asked is None else self.asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Of what there is too little for one that goes on waiting; of nothing where what is free is kept for others."""

    machine: frozenset[str] = frozenset()
    project: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What follows from a look at the queue.

    Attributes:
        starts: Those that start now, in this order.
        waits: Those that go on waiting, in the order of the queue; ``overtaken`` is counted.
        lacks: What each of them waits for, by number.
    """

    starts: tuple[Asked, ...]
    waits: tuple[Asked, ...]
    lacks: Mapping[int, Lack]


def in_order(waiting: Iterable[Asked], held: Iterable[Held], whole: Amount) -> list[Asked]:
    """``waiting`` as they would be served if all fitted: the place of each in the queue."""
    everybody = sorted(waiting, key=lambda asked: asked.number)
    ordered = [asked for asked in everybody if asked.patient]
    lines: dict[tuple[str, str], list[Asked]] = {}
    for asked in everybody:
        if not asked.patient:
            lines.setdefault((asked.project, asked.owner), []).append(asked)
    shares = _Shares(held, whole)
    for asked in ordered:
        shares.add(asked)
    while lines:
        first = min((line[0] for line in lines.values()), key=shares.rank)
        ordered.append(first)
        shares.add(first)
        line = lines[first.project, first.owner]
        line.pop(0)
        if not line:
            del lines[first.project, first.owner]
    return ordered


def take_turn(
    waiting: Sequence[Asked], *, held: Sequence[Held], room: Room, limits: Mapping[str, Amount] | None = None
) -> Turn:
    """Who starts now, and what the others wait for.

    Args:
        waiting: All that wait.
        held: What those that run have.
        room: What is free now, and what there is in all.
        limits: The most for all sessions of a project together, by project; no limit for those that are not named.
    """
    ordered, limits = in_order(waiting, held, room.whole), limits or {}
    left, beneath, without = room.free, _beneath(limits, held), _Without(held, room.whole, limits)
    # What is kept from the later requests of one person alone, and of one member within the limits of the project.
    own_room, own_limit = defaultdict[str, Amount](Amount), defaultdict[str, Amount](Amount)
    starts: list[Asked] = []
    for asked in ordered:
        person, under = _person(asked.owner), beneath.get(asked.project, BOUNDLESS)
        machine = (left - own_room[person]).lacks(asked.needs)
        project = (under - own_limit[asked.owner]).lacks(asked.counted)
        if not machine and not project:
            starts.append(asked)
        elif not asked.patient or without.never(asked):
            continue
        own = bool(
            (machine and (own_room[person] != NOTHING or without.room(person).lacks(_lasting(asked.needs))))
            or (project and (own_limit[asked.owner] != NOTHING or without.limit(asked).lacks(asked.counted)))
        )
        # What one takes, or what is kept for one.
        if own:
            own_limit[asked.owner] += asked.counted
        else:
            beneath[asked.project] = under - asked.counted
        if own or project:
            own_room[person] += asked.needs
        else:
            left -= asked.needs
    lacks = _lacks(ordered, starts, room.free, _beneath(limits, held))
    waits = _counted([asked for asked in ordered if asked not in starts], _heads(waiting), starts, lacks)
    return Turn(starts=tuple(starts), waits=tuple(waits), lacks=lacks)


def _lacks(ordered: list[Asked], starts: list[Asked], free: Amount, beneath: dict[str, Amount]) -> dict[int, Lack]:
    """What is too little for each, when those that start have what they need and nothing is kept for anybody."""
    for asked in starts:
        free -= asked.needs
        beneath[asked.project] = beneath.get(asked.project, BOUNDLESS) - asked.counted
    return {
        asked.number: Lack(
            machine=free.lacks(asked.needs), project=beneath.get(asked.project, BOUNDLESS).lacks(asked.counted)
        )
        for asked in ordered
        if asked not in starts
    }


def _counted(waits: list[Asked], heads: set[int], starts: list[Asked], lacks: Mapping[int, Lack]) -> list[Asked]:
    # Only the first of each person is counted: else all that one has in the queue, in however many projects, would come
    # before all others at once, or keep room one after the other.
    return [
        replace(asked, overtaken=min(PATIENCE, asked.overtaken + _times(asked, starts, lacks[asked.number])))
        if asked.number in heads
        else asked
        for asked in waits
    ]


def _times(asked: Asked, starts: list[Asked], lack: Lack) -> int:
    """How many of ``starts`` came later than ``asked`` and took what it lacks."""
    return sum(
        other.number > asked.number
        and (
            lack == Lack()
            or any(getattr(other.needs, name) for name in lack.machine)
            or (other.project == asked.project and any(getattr(other.counted, name) for name in lack.project))
        )
        for other in starts
    )


def _heads(waiting: Iterable[Asked]) -> set[int]:
    heads: dict[str, int] = {}
    for asked in waiting:
        person = _person(asked.owner)
        heads[person] = min(asked.number, heads.get(person, asked.number))
    return set(heads.values())


def _beneath(limits: Mapping[str, Amount], held: Iterable[Held]) -> dict[str, Amount]:
    """What each project with limits may still take."""
    beneath = dict(limits)
    for one in held:
        if one.project in beneath:
            beneath[one.project] -= one.counted
    return beneath


def _lasting(needs: Amount) -> Amount:
    """What is had until the session ends."""
    return replace(needs, starts=0)


def _person(project_user: str) -> str:
    return split_project_user(project_user)[1]


class _Without:
    """What there is but for what each person has: all that they could be given if everybody else's sessions ended."""

    def __init__(self, held: Iterable[Held], whole: Amount, limits: Mapping[str, Amount]) -> None:
        self._whole = whole
        self._limits = limits
        self._rooms: dict[str, Amount] = {}
        self._beneath: dict[str, Amount] = {}
        for one in held:
            person = _person(one.owner)
            self._rooms[person] = self.room(person) - one.amount
            if one.project in limits:
                self._beneath[one.owner] = self._beneath.get(one.owner, limits[one.project]) - one.counted

    def room(self, person: str) -> Amount:
        """Of the machine."""
        return self._rooms.get(person, self._whole)

    def never(self, asked: Asked) -> bool:
        """Whether there is too little even when nobody has anything: limits can be lowered while one waits."""
        limit = self._limits.get(asked.project, BOUNDLESS)
        return bool(self._whole.lacks(_lasting(asked.needs)) or limit.lacks(asked.counted))

    def limit(self, asked: Asked) -> Amount:
        """Within the limits of the project, of which the member's sessions there are taken off."""
        return self._beneath.get(asked.owner, self._limits.get(asked.project, BOUNDLESS))


class _Shares:
    """What everybody has, or would have."""

    def __init__(self, held: Iterable[Held], whole: Amount) -> None:
        self._whole = whole
        self._projects: dict[str, Amount] = {}
        self._people: dict[str, Amount] = {}
        self._owners: dict[tuple[str, str], Amount] = {}
        for one in held:
            self._take(one.project, one.owner, one.amount)

    def add(self, asked: Asked) -> None:
        self._take(asked.project, asked.owner, asked.needs)

    def rank(self, asked: Asked) -> tuple[float, float, int]:
        project = self._projects.get(asked.project, NOTHING).share_of(self._whole)
        person = self._people.get(_person(asked.owner), NOTHING).share_of(self._whole)
        owner = self._owners.get((asked.project, asked.owner), NOTHING).share_of(self._whole)
        return max(project, person), owner, asked.number

    def _take(self, project: str, owner: str, amount: Amount) -> None:
        person = _person(owner)
        self._projects[project] = self._projects.get(project, NOTHING) + amount
        self._people[person] = self._people.get(person, NOTHING) + amount
        self._owners[project, owner] = self._owners.get((project, owner), NOTHING) + amount
