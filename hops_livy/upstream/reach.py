"""Whether a session's driver can still be reached: Livy goes on calling the session of a dead one idle or busy."""

from __future__ import annotations

import asyncio
import logging
import time

from hops_livy.upstream.answers import AwayError, FailedError, LivyError, MissingError
from hops_livy.upstream.client import LivyClient

LOG = logging.getLogger(__name__)
_FAILURES = 3
"""So many times in a row it must be out of reach to be given up."""
_APART_S = 0.4
"""Failures that follow closer upon one another count once, whoever asked."""
_SILENT_S = 300.0
"""One that has not answered Livy for so long is gone, though the connection to it stands."""


class Reach:
    """Asks the driver itself, by way of Livy.

    Args:
        livy: Where it runs.
        name: What its session is called there.

    Attributes:
        trouble: How asking it failed.
        doubt: Set while it was out of reach when it was asked last.
        given_up: Set while it was so too often.
    """

    def __init__(self, livy: LivyClient, name: str) -> None:
        self._livy = livy
        self._name = name
        self._failures = 0
        self._failed_at = float("-inf")
        self._answered_at = time.monotonic()
        self._silent_since: float | None = None
        self.trouble = ""
        self.doubt = asyncio.Event()
        self.given_up = asyncio.Event()

    async def ask(self) -> bool:
        """Asks it once; returns whether it can't be said that it is out of reach."""
        try:
            await self._livy.probe(self._name)
        except MissingError:
            self.answered()
        except FailedError as error:
            self._failed(str(error))
            return False
        except AwayError as error:
            if error.maybe_taken:
                self._silent_since = self._silent_since or time.monotonic()
                self.trouble = str(error)
        except LivyError as error:
            LOG.info("the driver of %s can't be asked: %s", self._name, error)
        return True

    async def is_lost(self) -> bool:
        """Asks a last time: what failed may have done so before Livy called its session what it calls it now."""
        reached = await self.ask()
        return self.lost and not (reached and self.given_up.is_set())

    def answered(self) -> None:
        """It is there: it has answered somebody, or it can't be expected to be there yet."""
        self._failures, self._silent_since, self._answered_at = 0, None, time.monotonic()
        self.doubt.clear()
        self.given_up.clear()

    def livy_is_away(self) -> None:
        """That it does not answer says nothing of the driver."""
        self._silent_since = None

    @property
    def silence_s(self) -> float:
        """Seconds since it was there for sure."""
        return time.monotonic() - self._answered_at

    @property
    def doubtful(self) -> bool:
        """Whether it was out of reach when it was asked last."""
        return self.doubt.is_set()

    @property
    def lost(self) -> bool:
        """Whether it is gone."""
        silent_s = 0.0 if self._silent_since is None else time.monotonic() - self._silent_since
        return self.given_up.is_set() or silent_s > _SILENT_S

    def _failed(self, trouble: str) -> None:
        self.trouble = trouble
        self.doubt.set()
        now = time.monotonic()
        if now - self._failed_at < _APART_S:
            return
        self._failed_at = now
        self._failures += 1
        if self._failures >= _FAILURES:
            self.given_up.set()
