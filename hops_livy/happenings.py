"""What became of sessions, until the control plane has it in its audit.

Laws:

1. Each session and batch that its owner was given begins once and ends once here, whoever or whatever ends it. What is
   kept ready and was never handed over is nobody's, and is not told of.
2. Each has a number, counted without a gap over restarts. What is kept is forgotten when the control plane asks for
   what comes after it: it has written it down then.
3. Nothing that code of a session wrote is told: its words may be a secret. Why a driver died stands in its log.
4. What could not begin costs who asked for it nothing, so it is no record each time: the first of an owner is, and more
   within :data:`WINDOW_S` are counted and become one.
5. What waits in the queue costs nothing either. Its beginning is told when it has its driver, and after
   :data:`WINDOW_S` at the latest; over restarts as well. What ended before that is told like what could not begin,
   unless somebody else than its owner ended it.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hops_contract.happenings import ByWhom, HowSession, SessionHappening
from hops_contract.principal import Principal
from hops_contract.private_files import write_private
from hops_livy.errors import sendable
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session

LOG = logging.getLogger(__name__)
_MOST = 20_000
"""While the control plane is away for long the oldest are given up, which shows in the numbers."""
WINDOW_S = 60.0
_MOST_OWNERS = 2000
"""Of what could not begin, counted at the same moment."""
_HELD = "held"
_DROPPED = 1000
"""After so many that were held and are told otherwise the file is written anew, which remembers each."""


@dataclass(slots=True)
class _Refused:
    since: float
    session: Session
    reason: str
    more: int = 0


class Happenings:
    """A numbered record of beginnings and ends.

    Args:
        file: Where it is kept, for the next start of the service.
        clock: Seconds that only grow.

    Attributes:
        stream: Tells this record from one of an earlier home, whose numbers began at 1 as well.
    """

    def __init__(self, file: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._refused: dict[str, _Refused] = {}
        self._held: dict[int, tuple[float, Session]] = {}
        self._dropped = 0
        self._was_held: set[int] = set()
        self._kept: deque[SessionHappening] = deque(maxlen=_MOST)
        self._last = 0
        self.stream = secrets.token_hex(8)

    def load(self) -> None:
        """Reads what an earlier service has not told yet; a line that was not written whole is passed over."""
        try:
            head, *lines = self._file.read_text(encoding="ascii").splitlines()
            known = json.loads(head)
            self.stream, self._last = str(known["stream"]), int(known["last"])
        except FileNotFoundError:
            self._rewrite()
            return
        except (OSError, ValueError, TypeError, KeyError):
            LOG.warning("what became of sessions before this start can't be read; the audit may lack some ends")
            self._rewrite()
            return
        for line in lines:
            try:
                entry = json.loads(line)
                if _HELD in entry:
                    self._was_held.add(int(entry[_HELD]))
                    continue
                happening = SessionHappening.model_validate(entry)
            except (ValueError, TypeError):
                continue
            self._last = max(self._last, happening.number)
            self._kept.append(happening)
            self._was_held.discard(happening.session)

    def begun(self, session: Session) -> None:
        """A session or batch was given to its owner, or stands in the queue; its end is told as well."""
        if session.place is not None and not session.final:
            self._hold(session)
        else:
            self._tell_begun(session)
        if session.final:
            self.ended(session)
        else:
            session.on_end = self.ended

    def watch(self, session: Session, *, runs: bool) -> None:
        """The end of ``session`` is told, which a later service has found; its beginning may not be told yet.

        Args:
            session: The session.
            runs: Whether an earlier service started its driver.
        """
        session.on_end = self.ended
        if session.final or session.id not in self._was_held:
            return
        if runs:
            # Now: should its driver not be found again, it has run all the same.
            self._tell_begun(session)
        else:
            self._hold(session)

    def _hold(self, session: Session) -> None:
        self._held[session.id] = (self._clock(), session)
        self._append({_HELD: session.id})

    def _tell_begun(self, session: Session) -> None:
        self._note(session, HowSession.BEGUN, by=session.owner, reason="", details=_asked(session))

    def refused(self, session: Session, reason: str) -> None:
        """A session or batch was asked for and could not be had: ``reason`` says why. See law 4."""
        self._tell_counts()
        whose = session.owner.project_user
        if (known := self._refused.get(whose)) is not None:
            known.session, known.reason, known.more = session, reason, known.more + 1
        elif len(self._refused) < _MOST_OWNERS:
            self._refused[whose] = _Refused(self._clock(), session, reason)
            self._note(session, HowSession.BEGUN, by=session.owner, reason=reason, details=_asked(session))

    def _tell_counts(self) -> None:
        """Tells what has waited and begun, and how much could not begin in the windows that are over."""
        for since, session in list(self._held.values()):
            if session.driver is not None or self._clock() - since >= WINDOW_S:
                del self._held[session.id]
                self._tell_begun(session)
        while self._refused:
            # They stand in the order in which they began, so only the oldest is looked at.
            whose, known = next(iter(self._refused.items()))
            if self._clock() - known.since < WINDOW_S:
                return
            del self._refused[whose]
            if known.more:
                reason = f"{known.more} more within a minute. {known.reason}"
                details = {**_asked(known.session), "more": known.more}
                self._note(known.session, HowSession.BEGUN, by=known.session.owner, reason=reason, details=details)

    def ended(self, session: Session) -> None:
        """A session or batch has ended."""
        own_words = session.state is SessionState.KILLED
        if self._held.pop(session.id, None) is not None:
            if session.driver is None and (session.ended_by is None or session.ended_by.user == session.owner.user):
                self._drop(session, session.reason if own_words else "")
                return
            self._tell_begun(session)
        details = {"state": str(session.state), "lived_s": round((session.ended or time.time()) - session.created)}
        reason = session.reason if own_words else ""
        self._note(session, HowSession.ENDED, by=session.ended_by, reason=reason, details=details)

    def _drop(self, session: Session, reason: str) -> None:
        self.refused(session, f"It waited in the queue and never ran. {reason}".rstrip())
        self._dropped += 1
        if self._dropped % _DROPPED == 0:
            self._rewrite()

    def after(self, stream: str, number: int, *, limit: int) -> list[SessionHappening]:
        """Those that came after ``number`` of ``stream``, oldest first; those up to it are forgotten.

        Of another stream nothing is known to have been written down, so it begins with the oldest that there is.
        """
        self._tell_counts()
        if stream == self.stream and self._kept and self._kept[0].number <= number:
            while self._kept and self._kept[0].number <= number:
                self._kept.popleft()
            self._rewrite()
        return list(self._kept)[:limit]

    def _note(
        self, session: Session, what: HowSession, *, by: Principal | None, reason: str, details: Mapping[str, Any]
    ) -> None:
        self._last += 1
        happening = SessionHappening(
            number=self._last,
            at=datetime.now(UTC),
            what=what,
            session=session.id,
            since=datetime.fromtimestamp(session.created, UTC),
            project=str(session.owner.project),
            owner=session.owner.user,
            by=None if by is None else ByWhom(user=by.user, kind=by.kind),
            source=session.begun_from if what is HowSession.BEGUN else session.ended_from,
            reason=sendable(reason),
            details=dict(details),
        )
        full = len(self._kept) == _MOST
        self._kept.append(happening)
        if full:
            return  # the file is written anew when the control plane is back, or holds what is too old
        self._append(told(happening))

    def _append(self, entry: Mapping[str, Any]) -> None:
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, _line(entry))
            finally:
                os.close(descriptor)
        except OSError as error:
            # It is told all the same, unless the service ends before.
            number = entry.get("session", entry.get(_HELD))
            LOG.warning("what became of session %s can't be written down: %s", number, error.strerror)

    def _rewrite(self) -> None:
        head = _line({"stream": self.stream, "last": self._last})
        held = ({_HELD: number} for number in self._held)
        try:
            write_private(self._file, (head + b"".join(map(_line, (*map(told, self._kept), *held)))).decode("ascii"))
        except OSError as error:
            LOG.warning("what became of sessions can't be written down: %s", error.strerror)


def told(happening: SessionHappening) -> dict[str, Any]:
    """What became of a session, on the wire."""
    return happening.model_dump(mode="json", by_alias=True)


def _asked(session: Session) -> dict[str, Any]:
    shape = session.shape
    return {
        "kind": session.kind,
        "executors": shape.most_executors,
        "memory_mib": shape.total_memory_mib,
        "gpus": shape.total_gpus,
    }


def _line(entry: Mapping[str, Any]) -> bytes:
    # Of ASCII alone, whatever a reason holds.
    return json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n"
