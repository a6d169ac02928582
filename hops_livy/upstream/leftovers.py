"""Sessions in Apache Livy that nobody here knows any more: ended as soon as Livy lets itself be asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hops_livy.background import Background
from hops_livy.upstream.answers import GoneError, LivyError, MissingError, TooMuchError
from hops_livy.upstream.client import LivyClient
from hops_livy.upstream.pace import away_pause

LOG = logging.getLogger(__name__)
_MOST = 10_000
KINDS = ("sessions", "batches")


class Leftovers:
    """Ends what is left.

    Args:
        livy: Where it runs.
    """

    def __init__(self, livy: LivyClient) -> None:
        self._livy = livy
        self._left: dict[tuple[str, str], None] = {}
        self._background = Background()
        self._ending: asyncio.Task[None] | None = None

    def add(self, kind: str, name: str) -> None:
        """Something is left."""
        if len(self._left) < _MOST:
            self._left[kind, name] = None
        if self._ending is None or self._ending.done():
            self._ending = self._background.begin(self._end())

    def find(self, is_left: Callable[[str], bool]) -> None:
        """Looks through all that Livy has, when it answers, for names that ``is_left``."""
        self._background.begin(self._find(is_left))

    async def close(self) -> None:
        """Leaves the rest to a later service, which finds it."""
        await self._background.close()

    async def _find(self, is_left: Callable[[str], bool]) -> None:
        failures = 0
        while True:
            try:
                for kind in KINDS:
                    async for view in self._livy.all(kind):
                        if is_left(view.name):
                            LOG.info("ending %s, which is left of an earlier service", view.name)
                            self.add(kind, view.name)
            except TooMuchError as error:
                LOG.warning("what is left at Apache Livy can't be found: %s", error)
                return
            except LivyError as error:
                if failures == 0:
                    LOG.warning("Apache Livy can't be asked for what is left there: %s", error)
                failures += 1
                await asyncio.sleep(away_pause(failures))
            else:
                return

    async def _end(self) -> None:
        failures = 0
        while self._left:
            kind, name = next(iter(self._left))
            try:
                await self._livy.delete(kind, name)
            except (GoneError, MissingError):
                failures = 0
            except LivyError:
                # The others are tried before it is tried again.
                self._left[kind, name] = self._left.pop((kind, name))
                failures += 1
                await asyncio.sleep(away_pause(failures))
                continue
            self._left.pop((kind, name), None)
