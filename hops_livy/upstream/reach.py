"""Whether a session's driver can still be reached: Livy goes on calling the session of a dead one idle or busy."""

from __future__ import annotations

import logging
import time

from hops_livy.upstream.answers import AwayError, FailedError, LivyError, MissingError
from hops_livy.upstream.client import LivyClient

LOG = logging.getLogger(__name__)
_FAILURES = 3
"""So many times in a row it must be out of reach to be given up."""
_SILENT_S = 300.0
"""One that has not answered Livy for so long is gone, though the connection to it stands."""


class Reach:
    """Asks the driver itself, by way of Livy.

    Args:
        livy: Where it runs.
        name: What its session is called there.

    Attributes:
        trouble: How asking it failed.
    """

    def __init__(self, livy: LivyClient, name: str) -> None:
        self._livy = livy
        self._name = name
        self._failures = 0
        self._silent_since: float | None = None
        self.trouble = ""

    async def ask(self) -> bool:
        """Asks it once; returns whether it can't be said that it is out of reach."""
        try:
            await self._livy.probe(self._name)
        except MissingError:
            self._failures, self._silent_since = 0, None
        except FailedError as error:
            self._failures += 1
            self.trouble = str(error)
            return False
        except AwayError as error:
            if error.maybe_taken:
                self._silent_since = self._silent_since or time.monotonic()
                self.trouble = str(error)
        except LivyError as error:
            LOG.info("the driver of %s can't be asked: %s", self._name, error)
        return True

    def livy_is_away(self) -> None:
        """That it does not answer says nothing of the driver."""
        self._silent_since = None

    @property
    def doubtful(self) -> bool:
        """Whether it was out of reach when it was asked last."""
        return self._failures > 0

    @property
    def lost(self) -> bool:
        """Whether it is gone."""
        silent_s = 0.0 if self._silent_since is None else time.monotonic() - self._silent_since
        return self._failures >= _FAILURES or silent_s > _SILENT_S
