"""How a session comes to be: with a number of its own, and a folder to be written down in. It has no driver yet."""

from __future__ import annotations

from hops_contract.layout import Home
from hops_contract.principal import Principal
from hops_livy.engines.drivers import Shape
from hops_livy.journal import Journal
from hops_livy.kinds import KINDS
from hops_livy.news import News
from hops_livy.session_numbers import SessionNumbers
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.timeouts import Timeouts


class NewSessions:
    """Makes sessions.

    Args:
        home: The platform's home.
        limits: Bounds of each.
        news: Told of what becomes of them.
    """

    def __init__(self, home: Home, limits: Limits, news: News) -> None:
        self._records = home.session_records
        self._limits = limits
        self._news = news
        self._numbers = SessionNumbers(home.run / "sessions", home.session_records)

    def load(self) -> None:
        """Reads which numbers an earlier service has given."""
        self._numbers.load()

    def make(
        self, owner: Principal, shape: Shape, timeouts: Timeouts, *, kind: str = KINDS[0], name: str | None = None
    ) -> Session:
        """A session that nobody knows of yet.

        Args:
            owner: Whose it is.
            shape: The resources asked for.
            timeouts: When it ends if it does nothing.
            kind: Of its statements, or ``batch``.
            name: As its owner called it.

        Raises:
            CanNotStartError: Its number can't be written down.
        """
        number = self._numbers.give()
        return Session(
            id=number,
            owner=owner,
            kind=kind,
            name=name,
            shape=shape,
            limits=self._limits,
            journal=Journal(self._records / str(number)),
            timeouts=timeouts,
            news=News(self._news),
        )
