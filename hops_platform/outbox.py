"""What must follow a change elsewhere: a row in the same transaction, delivered at least once.

Laws:

1. Deliveries of one entity happen in the order in which they were written; a failing one holds back only its entity.
2. Each channel (an engine) has a worker of its own, so a broken engine never stops the others.
3. A failed delivery is tried again, later and later, and never given up; from :data:`STUCK_AFTER` attempts on it
   counts as stuck and the administrator's list shows it first. So does at once what no further attempt makes better.
   The stuck step aside: their channel delivers all else that is due before it tries them again, but for one turn of
   :data:`_TURNS`. Else whoever keeps a channel busy would keep a right that is to be taken away.
4. What a process had begun when it was killed is begun again by another, or by its successor, within :data:`LEASE`.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import JSONDecodeError
from typing import Any, TypeVar

from sqlalchemy import JSON, Index, Integer, Select, String, Text, bindparam, case, exists, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from hops_platform.database import Base, Database, UtcDateTime, new_id, now
from hops_platform.errors import InvalidRequestError, PlatformError

LOG = logging.getLogger("hops.outbox")
STUCK_AFTER = 5
_TURNS = 10
LEASE = timedelta(seconds=60)
"""How long a delivery that was begun stays its worker's, who extends it while at work."""
_LEASE_EXTENDED_S = 15.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 300.0
_MAX_ERROR_LENGTH = 1000


class Delivery(Base):
    """One thing still to be done elsewhere; the row goes when it is done."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_entity_id", "entity", "id"), Index("ix_outbox_channel_due", "channel", "due_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(String(32))
    topic: Mapped[str] = mapped_column(String(64))
    entity: Mapped[str] = mapped_column(String(120))
    project: Mapped[str | None] = mapped_column(String(64), default=None, index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_error: Mapped[str | None] = mapped_column(Text, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


_DUE_CHANNELS = select(Delivery.channel).where(Delivery.due_at <= bindparam("moment")).distinct()
Context = TypeVar("Context")


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of delivery.

    Attributes:
        channel: The engine that does it.
        topic: Its name.
    """

    channel: str
    topic: str


Handler = Callable[[Context, Mapping[str, Any]], None]


def enqueue(session: Session, task: Task, *, entity: str, payload: dict[str, Any], project: str | None = None) -> None:
    """Writes a delivery into the caller's transaction.

    ``entity`` names what is changed; the order is kept for each channel and entity.
    """
    session.add(
        Delivery(
            channel=task.channel,
            topic=task.topic,
            entity=entity_of(task, entity),
            project=project,
            payload=payload,
        )
    )


def enqueue_once(session: Session, task: Task, *, entity: str, payload: dict[str, Any]) -> None:
    """As :func:`enqueue`, unless the same waits already and nobody has begun it: what is true then is done then.

    For tasks that do what the tables say. However often one project is changed, others wait behind it once.
    """
    same = select(Delivery.id).where(
        Delivery.entity == entity_of(task, entity), Delivery.topic == task.topic, Delivery.attempts == 0
    )
    # Held until this transaction ends, so that it is not begun before the tables say what is changed here. One that is
    # being begun at this moment, or is held by another's change, is none.
    if session.scalar(same.limit(1).with_for_update(skip_locked=True, of=Delivery)) is None:
        enqueue(session, task, entity=entity, payload=payload)


def still_to_do(session: Session, task: Task, *, project: str) -> list[Mapping[str, Any]]:
    """The payloads of a project's deliveries of this kind that have not ended."""
    return list(
        session.scalars(
            select(Delivery.payload).where(
                Delivery.project == project, Delivery.channel == task.channel, Delivery.topic == task.topic
            )
        )
    )


def entity_of(task: Task, entity: str) -> str:
    """The entity as it stands in the row: the order is kept for each channel by itself."""
    return f"{task.channel}:{entity}"


class OutboxWorkers:
    """One thread a channel that delivers what is due, and one that looks for which of them something is.

    Did each channel look by itself, an idle platform would ask the database a dozen questions every two seconds, and as
    many after each change.

    Args:
        database: Where the deliveries stand.
        context: Handed to each handler.
        handlers: What to do for each task.
        idle_s: How long until it is looked again when nobody calls :meth:`wake`.
        extend_s: How often the lease of a running delivery is extended.
    """

    def __init__(
        self,
        database: Database,
        context: Context,
        handlers: Mapping[Task, Handler[Context]],
        *,
        idle_s: float = 2.0,
        extend_s: float = _LEASE_EXTENDED_S,
    ) -> None:
        self._database = database
        self._context = context
        self._handlers: dict[tuple[str, str], Callable[[Any, Mapping[str, Any]], None]] = {
            (task.channel, task.topic): handler for task, handler in handlers.items()
        }
        self._idle_s = idle_s
        self._extend_s = extend_s
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._signals = {task.channel: threading.Event() for task in handlers}
        self._turns = {task.channel: 0 for task in handlers}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the threads."""
        for channel in self._signals:
            thread = threading.Thread(target=self._work, args=(channel,), name=f"outbox-{channel}", daemon=True)
            self._threads.append(thread)
        self._threads.append(threading.Thread(target=self._look, name="outbox-due", daemon=True))
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Says that something may be due now."""
        self._woken.set()

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """Lets the running deliveries end, then ends the threads."""
        self._stopping.set()
        for signal in (self._woken, *self._signals.values()):
            signal.set()
        for thread in self._threads:
            thread.join(timeout_s)

    def deliver_due(self, channels: Iterable[str] | None = None) -> int:
        """Delivers what is due now, in this thread; how many deliveries succeeded."""
        done = 0
        for channel in channels or self._signals:
            while (outcome := self._deliver_next(channel)) is not None:
                done += outcome
        return done

    def _look(self) -> None:
        """Wakes the channels for which something is due, again and again."""
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                with self._database.session(writes=False) as session:
                    due = session.scalars(_DUE_CHANNELS, {"moment": now()}).all()
            except Exception:
                # The database is away or locked; the rows are still there when it comes back. No error ends this, for
                # all channels wait for it.
                LOG.exception("the outbox can't be read; trying again")
            else:
                for channel in self._signals.keys() & set(due):
                    self._signals[channel].set()
            self._woken.wait(self._idle_s)

    def _work(self, channel: str) -> None:
        signal = self._signals[channel]
        while not self._stopping.is_set():
            signal.wait()
            signal.clear()
            try:
                while not self._stopping.is_set() and self._deliver_next(channel) is not None:
                    pass
            except Exception:
                # As above: what is due wakes this again.
                LOG.exception("outbox of %s can't be read; trying again", channel)

    def _deliver_next(self, channel: str) -> bool | None:
        """Whether the next due delivery succeeded; ``None`` when nothing is due."""
        delivery = self._claim(channel)
        if delivery is None:
            return None
        handler = self._handlers.get((channel, delivery.topic))
        try:
            if handler is None:
                raise LookupError(f"this version knows no task {delivery.topic}")  # noqa: TRY301
            with self._held(delivery):
                handler(self._context, delivery.payload)
        except Exception as error:  # noqa: BLE001
            # Whatever goes wrong in an engine must not end the worker; it is kept in the row and tried again.
            self._put_back(delivery, error)
            return False
        with self._database.session() as session:
            if (row := session.get(Delivery, delivery.id)) is not None:
                session.delete(row)
        LOG.info("delivered %s of %s", delivery.topic, delivery.entity)
        return True

    @contextmanager
    def _held(self, delivery: Delivery) -> Iterator[None]:
        """Extends the lease until the handler is done, however long that takes."""
        done = threading.Event()
        thread = threading.Thread(target=self._extend, args=(delivery.id, done), name="outbox-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _extend(self, delivery_id: uuid.UUID, done: threading.Event) -> None:
        while not done.wait(self._extend_s):
            try:
                with self._database.session() as session:
                    session.execute(update(Delivery).where(Delivery.id == delivery_id).values(due_at=now() + LEASE))
            except SQLAlchemyError:
                LOG.warning("the lease of a delivery can't be extended now; trying again")
            except Exception:
                # Without its lease a delivery that takes long would be made twice.
                LOG.exception("the lease of a delivery can't be extended now; trying again")

    def _claim(self, channel: str) -> Delivery | None:
        with self._database.session(writes=False) as session:
            if session.scalar(_due(channel).limit(1)) is None:
                return None
        turn = self._turns[channel] = (self._turns[channel] + 1) % _TURNS
        with self._database.session() as session:
            delivery = session.scalar(
                _due(channel, stuck_first=turn == 0).limit(1).with_for_update(skip_locked=True, of=Delivery)
            )
            if delivery is None:
                return None
            # Should this process die now, another one takes over when the lease is out.
            delivery.attempts += 1
            delivery.due_at = now() + LEASE
            session.flush()
            session.expunge(delivery)
            return delivery

    def _put_back(self, delivery: Delivery, error: Exception) -> None:
        known = isinstance(error, PlatformError)
        LOG.warning(
            "delivery %s of %s failed (attempt %d)",
            delivery.topic,
            delivery.entity,
            delivery.attempts,
            exc_info=None if known else error,
        )
        with self._database.session() as session:
            row = session.get(Delivery, delivery.id)
            if row is not None:
                if is_hopeless(error):
                    row.attempts = max(delivery.attempts, STUCK_AFTER)
                    row.due_at = now() + timedelta(seconds=_LONGEST_PAUSE_S)
                else:
                    row.due_at = now() + pause_after(delivery.attempts)
                row.last_error = describe(error)


def is_hopeless(error: Exception) -> bool:
    """Whether the delivery itself is wrong, so that its engine's state makes no difference: a fault of this version."""
    # An engine's answer that is none, or a certificate that is not good now, are errors of value too.
    of_engine = isinstance(error, OSError | JSONDecodeError | UnicodeDecodeError)
    return isinstance(error, LookupError | TypeError | ValueError | InvalidRequestError) and not of_engine


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: doubled each time, at most five minutes."""
    return timedelta(seconds=min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempts - 1, 20)))


def describe(error: Exception) -> str:
    """An error in words that may be shown: the sentence of a known one, the kind of an unknown one."""
    if isinstance(error, PlatformError):
        return str(error)[:_MAX_ERROR_LENGTH]
    if isinstance(error, LookupError):
        return f"Not done: {error.args[0] if error.args else 'something is missing'}"[:_MAX_ERROR_LENGTH]
    return f"{type(error).__name__}; the log of the control plane holds more."


def _due(channel: str, *, stuck_first: bool = False) -> Select[Delivery]:
    earlier = aliased(Delivery)
    return (
        select(Delivery)
        .where(
            Delivery.channel == channel,
            Delivery.due_at <= now(),
            ~exists().where(earlier.entity == Delivery.entity, earlier.id < Delivery.id),
        )
        .order_by(
            case((Delivery.attempts >= STUCK_AFTER, int(not stuck_first)), else_=int(stuck_first)),
            Delivery.due_at,
            Delivery.id,
        )
    )
