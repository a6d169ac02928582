"""Sessions that are over end, and such that have ended long ago are forgotten.

Law: what works is never ended, also where it works without a statement.
"""

from __future__ import annotations

import asyncio
import logging
import time

from hops_livy.background import Background
from hops_livy.pool import WarmPool
from hops_livy.session_list import SessionList
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.waiting_room import WaitingRoom

LOG = logging.getLogger(__name__)
_LOOK_S = 5.0


class Expiry:
    """Looks at all sessions now and then.

    Args:
        sessions: Those that there are.
        pool: Those that are kept ready.
        waiting: Those that wait, who also move on here when other programs have given something back.
        background: What goes on meanwhile.
    """

    def __init__(self, sessions: SessionList, pool: WarmPool, waiting: WaitingRoom, background: Background) -> None:
        self._sessions = sessions
        self._pool = pool
        self._waiting = waiting
        self._background = background

    async def watch(self) -> None:
        """Looks until it is cancelled."""
        self._waiting.move()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = time.monotonic()
            for warm in self._pool.spent(now):
                self._background.begin(self._pool.end(warm))
            for session in self._sessions:
                reason = session.expired(now)
                if reason is not None:
                    self._background.begin(_end_unless_it_works(session, reason))
            for session, reason in self._waiting.overdue(time.time()):
                self._background.begin(session.end(reason, SessionState.DEAD))
            self._waiting.move()
            self._sessions.forget_surplus()


async def _end_unless_it_works(session: Session, reason: str) -> None:
    if await session.works():
        session.touch()
    elif session.expired(time.monotonic()) is not None:
        LOG.info("session %d ends: %s", session.id, reason)
        await session.end(reason)
