"""Refusals, each in a transaction of its own, since that of the request is rolled back; never enough to fill the disk.

Laws:

1. The first refusal of a kind (who, what, in which project, to which thing) is a row at once. More of the same kind
   within :data:`WINDOW_S` are counted, and become one row with their number when the time is over.
2. Who is proven pays with an allowance of their own; all who are not share one for log-ins and one for the rest. Where
   an allowance is used up, refusals are counted together and become one row a minute.

So one person causes at most :data:`ROWS_AN_HOUR` rows an hour beyond :data:`ROWS_AT_ONCE`, plus two a minute, whatever
they send.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.exc import SQLAlchemyError

from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.events import Event
from hops_platform.audit.trail import record
from hops_platform.database import Database, now

LOG = logging.getLogger("hops.audit.refusals")
WINDOW_S = 60.0
ROWS_AT_ONCE = 60
ROWS_AN_HOUR = 300
_MOST_WINDOWS = 5000
_MOST_PAYERS = 2000
_EVERYBODY = "everybody"

_Key = tuple[str, ...]


@dataclass(slots=True)
class _Window:
    began: float
    event: Event
    payer: str
    more: int = 0


@dataclass(slots=True)
class _Allowance:
    left: float
    since: float

    def take(self, moment: float) -> bool:
        self.refill(moment)
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def refill(self, moment: float) -> None:
        self.left = min(float(ROWS_AT_ONCE), self.left + (moment - self.since) * ROWS_AN_HOUR / 3600)
        self.since = moment


class Refusals:
    """Counts and writes refusals, and failures, which are bounded alike.

    Args:
        database: Where they are written; a trail follows it.
        clock: Seconds that only grow.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[_Key, _Window] = {}
        self._allowances: dict[str, _Allowance] = {}
        self._looked_through = float("-inf")

    def add(self, refused: Event, *, payer: str) -> None:
        """Writes or counts ``refused``; a database that does not answer makes no other answer than the refusal.

        Args:
            refused: What was refused, to whom and why.
            payer: Whose allowance it is.
        """
        moment = self._clock()
        with self._lock:
            due = self._ended(moment)
            window = self._windows.get(_kind(refused))
            if window is not None:
                window.more += 1
            elif len(self._windows) < _MOST_WINDOWS and self._allowance(payer, moment).take(moment):
                self._windows[_kind(refused)] = _Window(moment, refused, payer)
                due.append(refused)
            else:
                self._count_together(refused, payer, moment)
        self._write(due)

    def flush(self, *, all_of_them: bool = False) -> None:
        """Writes the counts whose time is over; at the end of the process all."""
        with self._lock:
            due = self._ended(float("inf") if all_of_them else self._clock())
        self._write(due)

    def _count_together(self, refused: Event, payer: str, moment: float) -> None:
        key = (f"more of {payer}",)
        if key not in self._windows and len(self._windows) >= _MOST_WINDOWS + _MOST_PAYERS:
            key, payer = (_EVERYBODY,), _EVERYBODY
        of_one = payer != _EVERYBODY
        together = Event(
            action=refused.action if refused.action.subject == "login" else Action.ACCESS_READ,
            outcome=refused.outcome,
            actor=refused.actor if of_one else "",
            actor_kind=refused.actor_kind if of_one else ActorKind.ANYONE,
            details={"of_different_kinds": True},
        )
        self._windows.setdefault(key, _Window(moment, together, payer)).more += 1

    def _ended(self, moment: float) -> list[Event]:
        """The counts of what began a minute ago, which are forgotten by this."""
        due = []
        while self._windows:
            # They stand in the order in which they began, so only the oldest is looked at.
            key, window = next(iter(self._windows.items()))
            if moment - window.began < WINDOW_S:
                break
            del self._windows[key]
            if window.more:
                due.append(_again(window))
        return due

    def _allowance(self, payer: str, moment: float) -> _Allowance:
        if payer not in self._allowances and len(self._allowances) >= _MOST_PAYERS:
            self._forget_full(moment)
            if len(self._allowances) >= _MOST_PAYERS:
                payer = _EVERYBODY
        return self._allowances.setdefault(payer, _Allowance(float(ROWS_AT_ONCE), moment))

    def _forget_full(self, moment: float) -> None:
        """Forgets allowances that nothing was taken from lately; seldom, since all of them are looked through."""
        if moment - self._looked_through < WINDOW_S:
            return
        self._looked_through = moment
        for payer, allowance in list(self._allowances.items()):
            allowance.refill(moment)
            if allowance.left >= ROWS_AT_ONCE:
                del self._allowances[payer]

    def _write(self, due: list[Event]) -> None:
        if not due:
            return
        try:
            with self._database.session() as session:
                for one in due:
                    record(session, one)
        except SQLAlchemyError:
            LOG.exception("%d refusals could not be written", len(due))


def _kind(refused: Event) -> _Key:
    return (
        refused.actor_kind.value,
        refused.actor,
        refused.action.value,
        refused.outcome.value,
        refused.project or "",
        refused.thing_kind,
        refused.thing,
    )


def _again(window: _Window) -> Event:
    counted = f"{window.more} more within a minute."
    return replace(
        window.event,
        moment=now(),
        request_id="",
        reason=f"{counted} {window.event.reason}".strip(),
        details={**window.event.details, "more": window.more},
    )
