"""The sessions of an earlier service are taken up again.

Laws:

1. One that can't be found again costs none of the others.
2. They stand in the order of their numbers, whichever is found first, and those that waited keep their places.
3. What each does is known before the first request is answered.
"""

from __future__ import annotations

import asyncio
import logging

from hops_contract.layout import Home
from hops_livy.background import Background
from hops_livy.happenings import Happenings
from hops_livy.journal import journals
from hops_livy.launching import Launcher
from hops_livy.news import News
from hops_livy.pool import Warm
from hops_livy.recovery import Recovered, WasWaiting
from hops_livy.session_list import SessionList
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.token_renewal import TokenRenewal
from hops_livy.waiting_room import Waiting, WaitingRoom
from hops_livy.warm_sessions import WarmSessions

LOG = logging.getLogger(__name__)
_NO_TOKEN = "Its token was lost while the session service was away."  # noqa: S105 - a sentence


class Finder:
    """Takes up what the journals tell of.

    Args:
        home: The platform's home.
        limits: Bounds of each session.
        sessions: Where they are from then on.
        waiting: Where those are that had no driver yet.
        warm: Where those are that nobody had been told of.
        launcher: Finds their drivers.
        happenings: Told when they end.
        renewal: Keeps their tokens fresh.
        background: What goes on meanwhile.
    """

    def __init__(
        self,
        home: Home,
        limits: Limits,
        *,
        sessions: SessionList,
        waiting: WaitingRoom,
        warm: WarmSessions,
        launcher: Launcher,
        happenings: Happenings,
        renewal: TokenRenewal,
        background: Background,
    ) -> None:
        self._home = home
        self._limits = limits
        self._sessions = sessions
        self._waiting = waiting
        self._warm = warm
        self._launcher = launcher
        self._happenings = happenings
        self._renewal = renewal
        self._background = background

    async def find_all(self) -> None:
        """Takes up all that are written down."""
        found = self._read()
        for one in found:
            if one.warm is None:
                self._sessions.add(one.session)
                self._happenings.watch(one.session, runs=one.driver is not None)
        for one in found:
            if one.waiting is not None and not one.session.final:
                self._wait_again(one.session, one.waiting)
        again = [one for one in found if not one.session.final and one.waiting is None]
        failures = await asyncio.gather(*map(self._find, again), return_exceptions=True)
        for one, failure in zip(again, failures, strict=True):
            if isinstance(failure, BaseException):
                # What is left of it ends like that of any unknown session.
                LOG.error("session %d can't be found again", one.session.id, exc_info=failure)
                one.session.change(SessionState.DEAD, "The session service could not find it again.")
                self._sessions.forget(one.session)
                one.session.journal.remove()

    def _read(self) -> list[Recovered]:
        found = []
        for journal in journals(self._home.session_records):
            try:
                found.append(Recovered(journal, self._limits, News(self._sessions.news)))
            except Exception as error:  # noqa: BLE001 - one record must not cost the others
                LOG.warning("a session can't be found again: %s", error)
                journal.remove()
        return found

    def _wait_again(self, session: Session, waiting: WasWaiting) -> None:
        token = session.journal.token()
        self._waiting.find_again(
            Waiting(
                session=session,
                token=token or "",
                conf=waiting.conf,
                batch=waiting.batch,
                limit=waiting.limit,
                overtaken=waiting.overtaken,
            )
        )
        self._go_on(session, token, None)

    async def _find(self, found: Recovered) -> None:
        session, token = found.session, found.session.journal.token()
        await self._launcher.find_again(found, token)
        if found.warm is not None:
            self._warm.keep(Warm(session, found.warm))
        LOG.info("session %d of %s was found again", session.id, session.owner.project_user)
        self._go_on(session, token, found.ending)
        await asyncio.sleep(0)

    def _go_on(self, session: Session, token: str | None, ending: str | None) -> None:
        if token is None or ending is not None:
            self._background.begin(session.end(ending or _NO_TOKEN, by=session.ended_by, source=session.ended_from))
        else:
            self._background.begin(self._renewal.keep_fresh(session, token))
