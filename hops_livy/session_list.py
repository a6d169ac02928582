"""Which sessions and batches there are, whose they are, and for how long those that have ended are known."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from hops_contract.principal import Principal
from hops_livy.errors import BadRequestError, NotFoundError, TooManyError
from hops_livy.news import News
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits

_ENDED_LISTED_S = 3600.0
_ENDED_KEPT_S = 24 * 3600.0
"""What a notebook's cells wrote is there for so long when the notebook is opened again."""


class SessionList:
    """The sessions of the service; here none begins and none ends.

    Args:
        limits: Bounds.
        news: Told when one has come, changed its state or gone.
    """

    def __init__(self, limits: Limits, news: News) -> None:
        self._limits = limits
        self.news = news
        self._sessions: dict[int, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        """All that are known, also those that have ended long ago."""
        return iter(list(self._sessions.values()))

    def add(self, session: Session) -> None:
        """One has come."""
        self._sessions[session.id] = session

    def find(self, principal: Principal, session_id: int | str, *, batch: bool = False) -> Session:
        """The caller's own session, by its id or its name.

        Raises:
            NotFoundError: It is absent or someone else's.
        """
        if isinstance(session_id, str):
            # Of several with one name the last: the others have ended.
            own = reversed(self.owned(principal.project_user, batch=batch))
            session = next((found for found in own if found.name == session_id), None)
        else:
            session = self._sessions.get(session_id)
        if session is None or session.is_batch is not batch or session.owner.project_user != principal.project_user:
            kind = "batch" if batch else "session"
            raise NotFoundError(f"Session '{session_id}' not found: you have no such {kind}.")
        session.hear()
        return session

    def works(self) -> bool:
        """Whether any of them starts or works now."""
        return any(session.state in (SessionState.STARTING, SessionState.BUSY) for session in self)

    def owned(self, project_user: str, *, batch: bool | None = False) -> list[Session]:
        """The sessions (or batches; both with ``None``) of one project-user, oldest first."""
        return [
            session
            for session in self.all()
            if session.owner.project_user == project_user and batch in (None, session.is_batch)
        ]

    def all(self) -> list[Session]:
        """Everybody's sessions and batches, oldest first; those that have ended for an hour."""
        now = time.time()
        return [
            session
            for session in self._sessions.values()
            if session.ended is None or now - session.ended <= _ENDED_LISTED_S
        ]

    def of_notebook(self, project_user: str, notebook: str) -> list[Session]:
        """The sessions of one project-user that work for a notebook, or did so within a day, oldest first."""
        return [
            session
            for session in self._sessions.values()
            if session.owner.project_user == project_user and session.notebook == notebook and not session.is_batch
        ]

    def check_room(self, principal: Principal, *, instead_of: Session | None = None) -> None:
        """Checks that ``principal`` may have one more, after the end of ``instead_of`` where one is given.

        Raises:
            TooManyError: They have as many as one may have.
        """
        freed = int(instead_of is not None and not instead_of.final)
        own = -freed + sum(not session.final for session in self.owned(principal.project_user, batch=None))
        if own >= self._limits.sessions_per_owner:
            raise TooManyError(
                f"You have {own} sessions, the most that one may have. Stop one in the sidebar Spark sessions."
            )
        person = [session for session in self.all() if session.owner.user == principal.user and not session.final]
        if len(person) - freed >= self._limits.sessions_per_person:
            raise TooManyError(
                f"You have {len(person) - freed} sessions in all your projects, the most that one person may have.",
                remedy="Stop one; the page Sessions of the site lists them all.",
            )
        if self._limits.sessions < 1:
            # There would never be a place to wait for.
            raise TooManyError(
                "This service runs no sessions at the moment; an administrator has set HOPS_SESSIONS to 0."
            )

    def check_name(self, principal: Principal, name: str | None, *, batch: bool) -> None:
        """Checks that one of ``principal`` may be called ``name``.

        Names find sessions as ids do; one that has ended keeps its name only until another one wants it.

        Raises:
            BadRequestError: It may not.
        """
        if name is None:
            return
        if not name.strip() or "/" in name or re.fullmatch(r"-?\d+", name):
            raise BadRequestError(
                f"Invalid session name: {name!r}. A name is no number, is not empty and has no slash."
            )
        living = [session for session in self.owned(principal.project_user, batch=batch) if not session.final]
        found = next((session.id for session in living if session.name == name), None)
        if found is not None:
            raise BadRequestError(
                f"Duplicate session name: {name} for session {found}", remedy="Choose another name, or delete that one."
            )

    def forget(self, session: Session) -> None:
        """One has gone, with all that was kept of it; safe to repeat."""
        if self._sessions.pop(session.id, None) is not None:
            session.journal.remove()
        self.news.tell()

    def forget_surplus(self) -> None:
        """Forgets those that ended a day ago, and those that are more than are kept.

        Of one owner's ended sessions, and of their batches, as many are kept as may run; of all outputs so much.
        """
        for session in self:
            if session.ended is not None and time.time() - session.ended > _ENDED_KEPT_S:
                self.forget(session)
        kept: Counter[tuple[str, bool]] = Counter()
        held = 0
        ended = [session for session in self if session.final]
        # Those that ended last are those that somebody still wants to know of, whenever they began.
        for session in sorted(ended, key=lambda session: session.ended or 0.0, reverse=True):
            whose = (session.owner.project_user, session.is_batch)
            kept[whose] += 1
            if kept[whose] > self._limits.sessions_per_owner and session.gone:
                self.forget(session)
                continue
            if held + session.history.output_bytes > self._limits.ended_output_bytes:
                session.history.drop_outputs()
            held += session.history.output_bytes


def page(sessions: Iterable[Session], start: int, size: int) -> list[Session]:
    """One page of a list."""
    return list(sessions)[start : start + size]
