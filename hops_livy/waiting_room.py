"""Those that wait for resources: admitted, told of their place, started when their turn has come.

Every start goes through here, so that nobody slips past those that wait. Who is next :mod:`hops_livy.fair_queue` says.
The queue moves when something happens: a driver is gone or has started, somebody comes or goes. What other programs of
the machine give back nothing tells; for that it is looked at now and then (:meth:`WaitingRoom.move`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from hops_contract.slugs import split_project_user
from hops_livy.engines.amounts import BOUNDLESS, NOTHING, Amount, Room
from hops_livy.engines.drivers import BatchFile, NoRoomError, SessionBackend, StartError
from hops_livy.errors import TooManyError
from hops_livy.fair_queue import Asked, Lack, Turn, take_turn
from hops_livy.pool import Warm, WarmPool
from hops_livy.queue_place import Ahead, Place, Running, place_of
from hops_livy.sessions import Session
from hops_livy.settings import Limits

LOG = logging.getLogger(__name__)
_CLOSE_S = 5.0


@dataclass(slots=True, kw_only=True, eq=False)
class Waiting:
    """A session that has no driver yet.

    Attributes:
        session: The session.
        token: Its owner's token, as it came. Never logged.
        conf: Settings for Spark.
        batch: What to run, for a batch.
        may_wait: Whether it waits where there is no room now; else it is refused.
        limit: The most for all sessions of its project together.
        overtaken: How often others were served before it.
        told: Whether its client has been answered that it waits.
        start: Its start, once that has begun; the result is why it failed.
    """

    session: Session
    token: str = field(repr=False)
    conf: dict[str, str]
    batch: BatchFile | None = None
    may_wait: bool = True
    limit: Amount = BOUNDLESS
    overtaken: int = 0
    told: bool = False
    start: asyncio.Task[Exception | None] | None = None

    @property
    def waits(self) -> bool:
        """Whether it has a place in the queue: one that may not wait is only looked at before it is refused."""
        return self.start is None and (self.told or self.may_wait)


class WaitingRoom:
    """The queue of one service.

    Args:
        backend: Tells what there is, and what a session takes of it.
        pool: Sessions that are kept ready; they end for those that wait.
        limits: Bounds of the service.
        sessions: All sessions and batches.
        launch: Starts the driver of one.
        end_warm: Ends one that is kept ready.
    """

    def __init__(
        self,
        backend: SessionBackend,
        pool: WarmPool,
        limits: Limits,
        *,
        sessions: Callable[[], Iterable[Session]],
        launch: Callable[[Waiting], Awaitable[None]],
        end_warm: Callable[[Warm], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._pool = pool
        self._limits = limits
        self._sessions = sessions
        self._launch = launch
        self._end_warm = end_warm
        self._entries: dict[int, Waiting] = {}
        self._projects: dict[str, Amount] = {}
        self._stopped = False

    def __len__(self) -> int:
        """How many wait."""
        return sum(entry.waits for entry in self._entries.values())

    async def admit(self, entry: Waiting) -> Place | None:
        """Starts ``entry`` if its turn is now; else it waits, if it may. Returns its place if it waits.

        Raises:
            NoRoomError: There is no room now, and it may not wait.
            TooManyError: So many of its owner's sessions wait that it may not.
            StartError: It can't be started.
        """
        if entry.session.final:
            raise StartError(entry.session.reason)
        self._entries[entry.session.id] = entry
        self._projects[str(entry.session.owner.project)] = entry.limit
        entry.session.leave = lambda: self._leave(entry)
        self.move()
        # Starts that have just begun are counted twice for a moment; nobody is refused for that.
        while entry.start is None and not entry.may_wait and (others := self._starts()):
            await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        if entry.start is None:
            place = entry.session.place
            if place is not None and entry.may_wait and len(self) <= self._limits.queue:
                if (refusal := self._too_many_own(entry)) is not None:
                    raise refusal
                self._begin_to_wait(entry)
                return place
            raise NoRoomError(self._refusal(entry, place))
        failure = await asyncio.shield(entry.start)
        if failure is None or entry.told:
            return entry.session.place
        raise failure

    def has_place(self, project: str, asked: Amount, limit: Amount) -> bool:
        """Whether one that has its driver already may count as a session now: nobody is passed, no limit is broken.

        Args:
            project: Whose it is.
            asked: What was asked for in all.
            limit: The most for all sessions of its project together.
        """
        having = list(self._having())
        taken = self.use_of(project) + asked
        return not len(self) and len(having) < self._limits.sessions and not limit.lacks(taken)

    def use_of(self, project: str) -> Amount:
        """What was asked for by those of a project's sessions that have it, or are being given it."""
        return sum((one.shape.asked for one in self._having() if str(one.owner.project) == project), NOTHING)

    def find_again(self, entry: Waiting) -> None:
        """Takes one that waited when an earlier service ended; it keeps its place."""
        entry.told = True
        entry.session.leave = lambda: self._leave(entry)
        self._entries[entry.session.id] = entry
        self._projects[str(entry.session.owner.project)] = entry.limit

    def forget(self, session: Session) -> None:
        """One that could not be started is none that waits; safe to repeat."""
        self._entries.pop(session.id, None)

    def overdue(self, now: float) -> list[tuple[Session, str]]:
        """Those that have waited as long as one may, and what to tell them.

        Args:
            now: Seconds since the epoch.
        """
        longest = self._limits.queue_wait_s
        return [
            (entry.session, f"It waited in the queue for {longest / 60:.0f} minutes in vain. {entry.session.reason}")
            for entry in self._entries.values()
            if entry.start is None and entry.told and now - entry.session.created > longest
        ]

    def move(self, *, but: Waiting | None = None) -> None:
        """Starts whoever's turn it is, and tells the others their place.

        Args:
            but: One that goes on waiting: that there is room for it has just been found untrue.
        """
        waiting = {number: entry for number, entry in self._entries.items() if entry.start is None}
        if not waiting or self._stopped:
            return
        running, room = self._running(), self._room()
        turn = take_turn(
            [self._asked(entry) for entry in waiting.values()],
            held=running,
            room=room,
            limits=self._projects,
        )
        left = self._backend.room().free.memory_mib - self._beginning().memory_mib
        for asked in turn.starts:
            if waiting[asked.number] is not but:
                self._begin(waiting[asked.number], self._pool.take_out(asked.needs.memory_mib - max(0, left)))
            left -= asked.needs.memory_mib
        self._tell(turn, waiting, running, room)

    def stop(self) -> None:
        """Nobody is started any more."""
        self._stopped = True

    async def close(self) -> None:
        """Starts nobody any more, and waits for starts that have begun; a later service finds those that wait."""
        self.stop()
        if starts := self._starts():
            await asyncio.wait(starts, timeout=_CLOSE_S)

    def _begin(self, entry: Waiting, spare: list[Warm]) -> None:
        entry.session.wait_at(None)
        if entry.told:
            LOG.info("the turn of session %d has come", entry.session.id)
        entry.start = asyncio.create_task(self._start(entry, spare))

    async def _start(self, entry: Waiting, spare: list[Warm]) -> Exception | None:
        failure: Exception | None = None
        try:
            await asyncio.gather(*map(self._end_warm, spare))
            await self._launch(entry)
        except NoRoomError as error:
            may_wait = entry.may_wait and not entry.session.final and len(self) < self._limits.queue
            failure = (self._too_many_own(entry) if may_wait else None) or error
            if may_wait and failure is error:
                entry.start = None
                self._begin_to_wait(entry)
                self.move(but=entry)
                return failure
        except Exception as error:  # noqa: BLE001 - handed to whoever asked for it, or told in the session
            failure = error
        self.forget(entry.session)
        if failure is not None and entry.told:
            known = isinstance(failure, (StartError, TooManyError))
            if not known:
                LOG.error("session %d can't be started", entry.session.id, exc_info=failure)
            reason = str(failure) if known else "The session service could not start it."
            entry.session.fail(reason)
        self.move()
        return failure

    def _begin_to_wait(self, entry: Waiting) -> None:
        entry.told = True
        entry.session.record.begin_to_wait(
            conf=entry.conf, batch=entry.batch, limit=entry.limit, overtaken=entry.overtaken
        )
        LOG.info("session %d of %s waits", entry.session.id, entry.session.owner.project_user)

    async def _leave(self, entry: Waiting) -> None:
        if entry.start is not None:
            await asyncio.wait([entry.start])
        self.forget(entry.session)
        self.move()

    def _tell(self, turn: Turn, waiting: Mapping[int, Waiting], running: list[Running], room: Room) -> None:
        queue = [asked for asked in (*turn.starts, *turn.waits) if waiting[asked.number].start is None]
        free = room.free - sum((asked.needs for asked in turn.starts), NOTHING)
        position, length = 0, len(self)
        before: dict[str, list[tuple[str, int]]] = {}
        for asked in queue:
            entry = waiting[asked.number]
            own = before.setdefault(asked.project, [])
            ahead = Ahead(own=tuple(own), others=position - len(own))
            if entry.waits:
                position += 1
                own.append((asked.owner, asked.number))
            if asked.overtaken != entry.overtaken:
                entry.overtaken = asked.overtaken
                if entry.told:
                    entry.session.record.note_overtaken(entry.overtaken)
            place = place_of(
                asked,
                turn.lacks.get(asked.number, Lack()),
                position=position,
                length=length,
                running=running,
                most=room.whole,
                limit=entry.limit,
                free=free,
                ahead=ahead,
            )
            entry.session.wait_at(place)

    def _too_many_own(self, entry: Waiting) -> TooManyError | None:
        """Why ``entry`` may not wait: of the places in the queue one person has so many, in all projects together."""
        person, most = _person(entry), self._limits.queue_per_person
        waiting = sum(_person(one) == person for one in self._entries.values() if one.waits and one is not entry)
        if waiting < most:
            return None
        return TooManyError(
            f"{waiting} of your sessions wait already; {most} are the most that one person may have in the queue.",
            remedy="Wait until one of them has started, or end one that you don't need.",
        )

    def _refusal(self, entry: Waiting, place: Place | None) -> str:
        if entry.may_wait:
            return f"{len(self) - 1} sessions wait already, and there is no room for another one; try again later."
        return "There is no room now." if place is None else f"There is no room now. {place.without_the_queue()}"

    def _asked(self, entry: Waiting) -> Asked:
        owner = entry.session.owner
        needs = self._backend.needs(entry.session.shape)
        return Asked(
            number=entry.session.id,
            project=str(owner.project),
            owner=owner.project_user,
            # Who may not wait is refused where something is lacking, not because others are being started.
            needs=needs if entry.may_wait else replace(needs, starts=0),
            asks=entry.session.shape.asked,
            overtaken=entry.overtaken,
        )

    def _room(self) -> Room:
        room = self._backend.room()
        spare = sum(self._backend.needs(warm.session.shape).memory_mib for warm in self._pool)
        places = self._limits.sessions - sum(1 for _ in self._having())
        free = room.free + Amount(memory_mib=spare) - self._beginning()
        whole = room.whole
        return Room(free=replace(free, sessions=places), whole=replace(whole, sessions=self._limits.sessions))

    def _running(self) -> list[Running]:
        return [
            Running(
                session=session.id,
                project=str(session.owner.project),
                owner=session.owner.project_user,
                amount=self._backend.needs(session.shape),
                asked=session.shape.asked,
            )
            for session in self._having()
        ]

    def _having(self) -> Iterable[Session]:
        """The sessions that have what they need, or are being given it."""
        for session in self._sessions():
            entry = self._entries.get(session.id)
            lives = session.driver is not None and not session.driver.ended.done()
            if lives or (entry is not None and entry.start is not None):
                yield session

    def _beginning(self) -> Amount:
        """What those take whose start has begun: the backend may have counted it already or not."""
        needs = [self._backend.needs(one.session.shape) for one in self._entries.values() if one.start is not None]
        return sum(needs, NOTHING)

    def _starts(self) -> list[asyncio.Task[Exception | None]]:
        return [entry.start for entry in self._entries.values() if entry.start is not None]


def _person(entry: Waiting) -> str:
    return split_project_user(entry.session.owner.project_user)[1]
